"""Cameras that are not there: a driver whose plug is pulled, whose sensor dies, that is stuck.

``FakeSource`` follows a script of faults by its own clock, which a test moves by hand; the same
script drives a worker process or ``--simulate`` through ``fake_camera`` in real time.
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
MODES = ("good", "unplugged", "silent", "black", "frozen", "tiny", "changed", "burnt")
"""What the camera does; "silent" reports success without pictures, as a pulled plug may."""


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


def fake_camera(script: Sequence[Sequence[Any]] = ((0.0, "good"),), seed: int = 0) -> HostedCamera:
    """Return a hosted camera that follows a script of ``[seconds, mode]``: for worker processes."""
    acts = [Act(float(at_s), str(mode)) for at_s, mode in script]
    return HostedCamera(FakeSource(acts, seed=seed))


def hanging_camera(pictures: int = 5) -> HostedCamera:
    """Return a hosted camera whose driver does not come back from its call after some pictures."""
    return HostedCamera(_HangingSource(pictures))


class _HangingSource(FakeSource):
    def __init__(self, pictures: int) -> None:
        super().__init__()
        self._left = pictures

    def grab(self) -> Picture | None:
        if not self._left:
            time.sleep(3600.0)
        self._left -= 1
        return super().grab()
