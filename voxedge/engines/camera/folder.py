"""A folder of pictures, or a film, in place of a camera: for ``--simulate`` and the tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voxedge.engines.camera.picture import ArrayPicture, Picture
from voxedge.errors import CameraFailed, CameraMissing, VoxedgeError

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".pgm", ".ppm"})
FILMS = frozenset({".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v"})

_FRAMES_HZ = 10.0
_SENSOR_NOISE = 1


@dataclass(slots=True)
class _Shown:
    """The picture under the camera now."""

    name: str
    pixels: np.ndarray[Any, np.dtype[np.uint8]]
    since_s: float


class FolderSource:
    """A ``Source``: each picture lies under the camera for a while, then the next one, by name.

    The folder is looked at anew each time, so that a picture put there is seen. A little noise is
    added to every frame, as a sensor does: the same frame twice is what a stuck camera gives.

    Args:
        path: a folder of pictures or films, or one of either.
        seconds_each: how long a picture lies there.
        quarter_turns: clockwise.
        clock: monotonic, in seconds.
        sleep: waits between frames.
    """

    def __init__(
        self,
        path: str,
        seconds_each: float = 5.0,
        quarter_turns: int = 0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = Path(path)
        self._seconds_each = seconds_each
        self._turns = quarter_turns
        self._clock = clock
        self._sleep = sleep
        self._rng = np.random.default_rng(0)
        self._shown: _Shown | None = None
        self._film: Any = None

    @property
    def name(self) -> str:
        """The folder or film."""
        return str(self._path)

    def open(self) -> None:
        """See ``Source``."""
        self._names()

    def grab(self) -> Picture | None:
        """See ``Source``."""
        self._sleep(1.0 / _FRAMES_HZ)
        if self._film is not None:
            picture = self._next_of_film()
            if picture is not None:
                return picture
        now_s = self._clock()
        if self._shown is None or now_s - self._shown.since_s >= self._seconds_each:
            self._show_next(now_s)
            if self._film is not None:
                return self._next_of_film()
        if self._shown is None:
            return None
        noise = self._rng.integers(0, _SENSOR_NOISE + 1, self._shown.pixels.shape[:2], np.uint8)
        pixels = self._shown.pixels
        if pixels.ndim == 3:
            noise = noise[..., None]
        # Down from white, up elsewhere: nothing wraps around.
        return ArrayPicture(np.where(pixels > 127, pixels - noise, pixels + noise), self._turns)

    def focus(self) -> None:
        """Always in focus."""

    def close(self) -> None:
        """See ``Source``."""
        self._shown = None
        film, self._film = self._film, None
        if film is not None:
            film.release()

    def _names(self) -> list[str]:
        known = PICTURES | FILMS
        if self._path.is_file():
            return [self._path.name]
        try:
            names = sorted(
                entry.name
                for entry in self._path.iterdir()
                if entry.suffix.lower() in known and entry.is_file()
            )
        except OSError as error:
            raise CameraMissing(camera=self._path, reason=error.strerror) from error
        if not names:
            raise CameraMissing(camera=self._path, reason="there is no picture in it")
        return names

    def _show_next(self, now_s: float) -> None:
        names = self._names()
        last = self._shown.name if self._shown is not None else ""
        name = next((name for name in names if name > last), names[0])
        path = self._path if self._path.is_file() else self._path / name
        if path.suffix.lower() in FILMS:
            self._open_film(path)
            empty = np.zeros((1, 1), np.uint8)
            self._shown = _Shown(name, empty, now_s - self._seconds_each)
            return
        if self._shown is None or name != self._shown.name:
            self._shown = _Shown(name, self._load(path), now_s)
        else:
            self._shown.since_s = now_s

    def _load(self, path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
        from voxedge.engines.ocr.images import load_frame

        try:
            return load_frame(path).pixels
        except VoxedgeError as error:
            raise CameraFailed(camera=self.name, reason=str(error)) from error

    def _open_film(self, path: Path) -> None:
        import cv2

        self._film = cv2.VideoCapture(str(path), cv2.CAP_ANY)
        if not self._film.isOpened():
            self._film = None
            raise CameraFailed(camera=path, reason="it is no film that opens")

    def _next_of_film(self) -> Picture | None:
        good, picture = self._film.read()
        if not good or picture is None:
            self._film.release()
            self._film = None
            return None
        return ArrayPicture(np.ascontiguousarray(picture[..., ::-1]), self._turns)
