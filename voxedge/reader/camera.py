"""Cameras of the reader: pictures in a folder, for ``--simulate`` and for the tests.

The real one lives in a worker process (``voxedge.service.live_camera``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from voxedge.errors import CameraMissing
from voxedge.flow import Frame

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".pgm", ".ppm"})

FILMS = frozenset({".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v"})


def is_live(path: Path) -> bool:
    """Say whether what stands for a camera moves: a film, or a folder that holds films.

    A folder in the folder that holds pictures is a film, too: one picture after the other.
    Pictures that lie in the folder itself are shots.
    """
    if path.suffix.lower() in FILMS and path.is_file():
        return True
    if not path.is_dir():
        return False
    return any(_is_film(entry) for entry in path.iterdir())


def _is_film(entry: Path) -> bool:
    try:
        if entry.is_dir():
            return any(inner.suffix.lower() in SUFFIXES for inner in entry.iterdir())
        return entry.suffix.lower() in FILMS and entry.is_file()
    except OSError:
        return False  # A folder that may not be opened holds nothing to look at.


class FolderCamera:
    """A ``Camera`` that takes the pictures of a folder in turn, by name, and begins again.

    The folder is looked at anew each time, so that a picture put there is the next one seen.

    Args:
        folder: of pictures.
        load: opens one picture; on a thread.
    """

    def __init__(self, folder: Path, load: Callable[[Path], Frame]) -> None:
        self._folder = folder
        self._load = load
        self._taken = ""

    @property
    def name(self) -> str:
        """The folder."""
        return str(self._folder)

    def press(self) -> None:
        """Nothing is waited for."""

    async def take(self) -> Frame:
        """Return the next picture; see ``Camera.take``."""
        return await asyncio.to_thread(self._next)

    def _next(self) -> Frame:
        try:
            names = sorted(
                entry.name
                for entry in self._folder.iterdir()
                if entry.suffix.lower() in SUFFIXES and entry.is_file()
            )
        except OSError as error:
            raise CameraMissing(camera=self._folder, reason=error.strerror) from error
        if not names:
            raise CameraMissing(camera=self._folder, reason="there is no picture in it")
        self._taken = next((name for name in names if name > self._taken), names[0])
        return self._load(self._folder / self._taken)


class NoCamera:
    """A ``Camera`` for a reader without one: it says so."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    @property
    def name(self) -> str:
        """None."""
        return "none"

    def press(self) -> None:
        """Nothing is waited for."""

    async def take(self) -> Frame:
        """Say that there is none."""
        raise CameraMissing(camera="camera", reason=self._reason)
