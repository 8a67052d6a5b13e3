export PATH="$PATH:/opt/voxedge/bin" VOXEDGE_MODELS=/usr/share/voxedge/models
