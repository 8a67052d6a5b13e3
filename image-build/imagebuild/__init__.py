"""The SD-card image: how it is put together and how it is tried. Standard library only."""
