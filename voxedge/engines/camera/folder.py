"""A folder of pictures, or a film, in place of a camera: for ``--simulate`` and the tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxedge.engines.camera.picture import ArrayPicture, Picture
from voxedge.errors import CameraFailed, CameraMissing, VoxedgeError

if TYPE_CHECKING:
    from voxedge.flow import Pixels

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".pgm", ".ppm"})
FILMS = frozenset({".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v"})

_FRAMES_HZ = 10.0
_SENSOR_NOISE = 1


@dataclass(slots=True)
class _Shown:
    """What lies under the camera now.

    Attributes:
        frames: of a film, those to come; None behind the last one, and for a picture.
        pixels: the last frame; None before the first.
        since_s: since when it has been the last.
    """

    frames: Iterator[Pixels] | None
    pixels: Pixels | None
    since_s: float


class FolderSource:
    """A ``Source``: each picture lies under the camera for a while, then the next one, by name.

    The folder is looked at anew each time, so that a picture put there is seen. A film is played
    once, ten frames a second, and its last frame lies there like a picture; a folder in the folder
    that holds pictures is a film of them. A little noise is added to every frame, as a sensor
    does: the same frame twice is what a stuck camera gives.

    Args:
        path: a folder of pictures or films, or one of either.
        seconds_each: how long a picture lies there. Put to rest and opened again, the camera shows
            the next one.
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
        self._last = ""
        self._shown: _Shown | None = None

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
        now_s = self._clock()
        shown = self._shown
        if shown is None or (shown.frames is None and now_s - shown.since_s >= self._seconds_each):
            shown = self._shown = self._next(now_s)
        if shown.frames is not None:
            pixels = next(shown.frames, None)
            if pixels is None:
                shown.frames, shown.since_s = None, now_s
            else:
                shown.pixels = pixels
        if shown.pixels is None:
            return None
        return ArrayPicture(self._noisy(shown.pixels), self._turns)

    def focus(self) -> None:
        """Always in focus."""

    def close(self) -> None:
        """See ``Source``."""
        self._shown = None

    def _noisy(self, pixels: Pixels) -> Pixels:
        noise = self._rng.integers(0, _SENSOR_NOISE + 1, pixels.shape[:2], np.uint8)
        if pixels.ndim == 3:
            noise = noise[..., None]
        # Down from white, up elsewhere: nothing wraps around.
        noisy: Pixels = np.where(pixels > 127, pixels - noise, pixels + noise)
        return noisy

    def _names(self) -> list[str]:
        if self._path.is_file():
            return [self._path.name]
        try:
            names = sorted(entry.name for entry in self._path.iterdir() if _is_shown(entry))
        except OSError as error:
            raise CameraMissing(camera=self._path, reason=error.strerror) from error
        if not names:
            raise CameraMissing(camera=self._path, reason="there is no picture in it")
        return names

    def _next(self, now_s: float) -> _Shown:
        names = self._names()
        self._last = next((name for name in names if name > self._last), names[0])
        path = self._path if self._path.is_file() else self._path / self._last
        if path.is_dir():
            return _Shown(map(_load, _pictures_in(path)), None, now_s)
        if path.suffix.lower() in FILMS:
            return _Shown(_film(path), None, now_s)
        return _Shown(None, _load(path), now_s)


def _is_shown(entry: Path) -> bool:
    try:
        if entry.is_dir():
            return bool(_pictures_in(entry))
    except OSError:
        return False  # It may not be opened.
    return entry.suffix.lower() in PICTURES | FILMS and entry.is_file()


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)


def _load(path: Path) -> Pixels:
    from voxedge.engines.ocr.images import load_frame

    try:
        return load_frame(path).pixels
    except VoxedgeError as error:
        raise CameraFailed(camera=path.parent, reason=str(error)) from error


def _film(path: Path) -> Iterator[Pixels]:
    """Yield the frames of a film, ``uint8`` ``[h, w, 3]`` RGB."""
    import cv2

    film = cv2.VideoCapture(str(path), cv2.CAP_ANY)
    try:
        if not film.isOpened():
            raise CameraFailed(camera=path, reason="it is no film that opens")
        while True:
            good, frame = film.read()
            if not good or frame is None:
                return
            yield np.ascontiguousarray(frame[..., ::-1]).astype(np.uint8, copy=False)
    finally:
        film.release()
