"""What is built, and where everything lies: read by every other module."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
"""``image-build/``."""

REPO = HERE.parent
SUITE = "trixie"
PYTHON = "3.13"
"""That of the suite."""

MIB = 1 << 20
ZSTD_LEVEL = 3
"""Gives 635 MB, half of what is allowed."""

COMPRESSED_LIMIT = 1_200_000_000
"""Bytes of the finished, compressed image: what a person has to fetch and keep."""


def default_cache() -> Path:
    """Return where roots, wheels and models are kept between builds."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "voxedge-image"


@dataclass(frozen=True, slots=True)
class Plan:
    """One build.

    Attributes:
        output: folder of the finished files.
        cache: see ``default_cache``.
        epoch: seconds; every time stamp in the image (SOURCE_DATE_EPOCH).
        version: of voxedge, part of the file names.
        python: a Python that can run voxedge and has pip: it fetches wheels and models.
        voice: the natural voice, or "" for none.
        keyring: certificates that may sign updates; without them none is taken.
    """

    output: Path
    cache: Path
    epoch: int
    version: str
    python: Path
    voice: str = ""
    keyring: Path | None = None

    @property
    def name(self) -> str:
        """Stem of the finished files."""
        return f"voxedge-{self.version}-pi4"

    @property
    def build_env(self) -> dict[str, str]:
        """Variables of every program: what makes two builds equal."""
        return {
            "SOURCE_DATE_EPOCH": str(self.epoch),
            "E2FSPROGS_FAKE_TIME": str(self.epoch),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONHASHSEED": "0",
        }
