"""Cameras that are not there: a driver whose plug is pulled, whose sensor dies, that is stuck.

``FakeSource`` follows a script of faults by its own clock, which a test moves by hand. In a worker
process it does what a file says (``controlled_camera``), so that whoever drives it knows when the
plug was pulled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from voxedge.engines.camera.hosted import HostedCamera
from voxedge.engines.camera.picture import ArrayPicture, Picture
from voxedge.errors import CameraMissing
from voxedge.testing.scenes import noisy, view

FRAMES_HZ = 10.0
MODES = ("good", "cut", "unplugged", "silent", "black", "frozen", "tiny", "changed", "burnt")
"""What the camera does; "cut" shows half a page, "silent" reports success without pictures, as a
pulled plug may."""

HANGS = "hangs"
"""The driver does not come back from its call; only with ``controlled_camera``."""


class VirtualClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.now_s += seconds


@dataclass(frozen=True, slots=True)
class Act:
    """From ``at_s`` on the camera is in this mode."""

    at_s: float
    mode: str


class FakeSource:
    """A ``Source`` that shows a page, with faults.

    Args:
        script: acts by time, counted from the making of the camera.
        clock: in seconds.
        sleep: waits for the next picture.
        seed: of the page.
    """

    def __init__(
        self,
        script: Sequence[Act] = (Act(0.0, "good"),),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        seed: int = 0,
    ) -> None:
        self._script = tuple(script)
        self._clock = clock
        self._sleep = sleep
        self._began_s = clock()
        self._rng = np.random.default_rng(seed)
        # Noise is dear: a few moments of it, over and over. No two in a row are equal.
        self._moments = [noisy(view(seed), self._rng) for _ in range(5)]
        self._cut = [noisy(view(seed, shift=(-0.45, 0.0)), self._rng) for _ in range(5)]
        self._page = self._moments[0]
        self._count = 0
        self._last: Picture | None = None
        self.opened = 0
        self.focused = 0

    @property
    def name(self) -> str:
        """A name."""
        return "fake camera"

    @property
    def mode(self) -> str:
        """What it does now."""
        age_s = self._clock() - self._began_s
        return [act.mode for act in self._script if act.at_s <= age_s][-1]

    def open(self) -> None:
        """See ``Source``."""
        if self.mode == "unplugged":
            raise CameraMissing(camera=self.name, reason="it is not connected")
        self.opened += 1

    def grab(self) -> Picture | None:
        """See ``Source``."""
        self._sleep(1.0 / FRAMES_HZ)
        self._count += 1
        moment = self._moments[self._count % len(self._moments)]
        match self.mode:
            case "unplugged" | "silent":
                return None
            case "black":
                return ArrayPicture(self._rng.integers(0, 2, self._page.shape, np.uint8))
            case "frozen" if self._last is not None:
                return self._last
            case "tiny":
                return ArrayPicture(self._rng.integers(0, 255, (1, 1), np.uint8))
            case "changed":
                return ArrayPicture(np.ascontiguousarray(moment[::2, ::2]))
            case "cut":
                return ArrayPicture(self._cut[self._count % len(self._cut)])
            case "burnt":
                return ArrayPicture(np.full_like(self._page, 255))
        self._last = ArrayPicture(moment)
        return self._last

    def focus(self) -> None:
        """Count."""
        self.focused += 1

    def close(self) -> None:
        """Nothing is held."""


class FakeCapture:
    """A ``Capture``, as ``cv2.VideoCapture`` is one: Motion JPEG or decoded pictures.

    Args:
        device: a file that stands for the device; unplugging removes it.
        jpeg: whether it gives the bytes as they come.
        opens: whether it opens at all.
    """

    def __init__(self, device: str, *, jpeg: bool = True, opens: bool = True) -> None:
        self.device = Path(device)
        self.opens = opens
        self.released = False
        self.settings: list[tuple[int, float]] = []
        self.next: Any = None
        """Given in place of a picture, once."""
        self._rng = np.random.default_rng(0)
        self._jpeg = jpeg
        self._page = cv2.resize(view(0), None, fx=2.0, fy=2.0).astype(np.uint8)

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        """Whether it opened."""
        return self.opens

    def set(self, property_id: int, value: float, /) -> bool:
        """Take note."""
        self.settings.append((property_id, value))
        return True

    def read(self) -> tuple[bool, Any]:
        """Return a picture; success, also without a device."""
        if self.next is not None:
            given, self.next = self.next, None
            return True, given
        grey = noisy(self._page, self._rng)
        picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
        if not self._jpeg:
            return True, picture
        data = cv2.imencode(".jpg", picture)[1]
        return True, data.reshape(1, -1)

    def release(self) -> None:
        """Take note."""
        self.released = True


class ControlledSource(FakeSource):
    """A ``FakeSource`` that does what a file says, at once.

    Args:
        path: of a text file that holds one of ``MODES``, or ``HANGS``.
        size: how many times larger its pictures are than the live view.
    """

    def __init__(self, path: Path, size: int = 1) -> None:
        super().__init__()
        self._path = path
        if size > 1:
            self._moments = [_larger(page, size) for page in self._moments]
            self._cut = [_larger(page, size) for page in self._cut]
            self._page = self._moments[0]

    @property
    def mode(self) -> str:
        """What the file says."""
        return self._path.read_text(encoding="utf-8")

    def grab(self) -> Picture | None:
        """See ``Source``."""
        if self.mode == HANGS:
            time.sleep(3600.0)
        return super().grab()


def _larger(page: Any, size: int) -> Any:
    return cv2.resize(page, None, fx=size, fy=size).astype(np.uint8)


def controlled_camera(path: str, size: int = 1) -> HostedCamera:
    """Return a hosted camera that does what a file says: for worker processes."""
    return HostedCamera(ControlledSource(Path(path), size))
