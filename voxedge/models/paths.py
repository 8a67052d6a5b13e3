"""Where voices live on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def models_folder(environment: Mapping[str, str] | None = None) -> Path:
    """The folder of all voices; it may not exist yet.

    ``$VOXEDGE_MODELS`` if set; in a systemd service ``$STATE_DIRECTORY/models``; for a person
    ``$XDG_DATA_HOME/voxedge/models``, by default below ``~/.local/share``.

    Args:
        environment: environment variables; None for those of this process.
    """
    env = os.environ if environment is None else environment
    if env.get("VOXEDGE_MODELS"):
        return Path(env["VOXEDGE_MODELS"]).expanduser()
    if env.get("STATE_DIRECTORY"):
        # systemd joins several directories with colons; ours is the first.
        return Path(env["STATE_DIRECTORY"].split(":")[0]) / "models"
    data = env.get("XDG_DATA_HOME", "")
    # The XDG specification: a relative path is invalid and to be ignored.
    base = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
    return base / "voxedge" / "models"
