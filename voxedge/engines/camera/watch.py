"""Whether a camera still sees: what its pictures, and their absence, say about it.

Pure. An unplugged camera may go on to report success (opencv#10927, #6107, #14044), a stuck one
sends the same picture for ever, one that lost its power sends black: nobody but the pictures
themselves can be believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from voxedge.errors import (
    CameraBlack,
    CameraChanged,
    CameraFrozen,
    CameraLost,
    CameraTiny,
    VoxedgeError,
)


class Fault(Enum):
    """What is wrong, by the error that tells it."""

    LOST = CameraLost
    BLACK = CameraBlack
    FROZEN = CameraFrozen
    TINY = CameraTiny
    CHANGED = CameraChanged

    def error(self, camera: str) -> VoxedgeError:
        """Return the error."""
        reasons = {
            Fault.LOST: "no picture comes",
            Fault.BLACK: "every picture is black",
            Fault.FROZEN: "every picture is the same",
            Fault.TINY: "its pictures are too small to hold print",
            Fault.CHANGED: "its pictures changed in size",
        }
        kind: type[VoxedgeError] = self.value
        return kind(camera=camera, reason=reasons[self])


STARTS_ANEW = frozenset({Fault.LOST, Fault.FROZEN, Fault.TINY, Fault.CHANGED})
"""Faults that closing and opening may mend; a cap on the lens is not one."""


_BURNT_LEVEL = 254.0
"""Nothing but white is the same picture each time, too."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a fault must last before it is one.

    Attributes:
        lost_s: without a picture. The slowest camera in use gives 5 a second.
        first_s: without the first picture after opening: USB cameras take up to 2 s to start.
        frozen_s: of pictures equal to the last bit.
        black_s: of pictures without light.
        smallest_px: long side below which no print is legible.
        black_level: mean grey; a dark room still gives 8 and more through the sensor's gain.
    """

    lost_s: float = 1.0
    first_s: float = 3.0
    frozen_s: float = 1.0
    black_s: float = 1.0
    smallest_px: int = 320
    black_level: float = 5.0


class Watch:
    """The state of one camera, from its opening to its closing."""

    def __init__(self, now_s: float, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._newest_s = now_s
        self._moved_s = now_s
        self._lit_s = now_s
        self._fingerprint: int | None = None
        self._size: tuple[int, int] | None = None
        self._changed = False
        self._tiny = False

    def saw(self, now_s: float, size_px: tuple[int, int], fingerprint: int, level: float) -> bool:
        """Take note of a picture and return whether it is one of the page.

        A fault is one only when it lasts; a burst must not choose among its pictures meanwhile.

        Args:
            now_s: when it came, monotonic.
            size_px: height and width.
            fingerprint: equal for equal pictures.
            level: mean grey, 0 to 255.
        """
        self._newest_s = now_s
        moved = fingerprint != self._fingerprint or level >= _BURNT_LEVEL
        lit = level > self._limits.black_level
        if moved:
            self._fingerprint, self._moved_s = fingerprint, now_s
        if lit:
            self._lit_s = now_s
        if self._size is None:
            self._size = size_px
            self._lit_s = now_s
        elif size_px != self._size:
            self._changed = True
        self._tiny = max(size_px) < self._limits.smallest_px
        return moved and lit and not self._tiny

    def fault(self, now_s: float) -> Fault | None:
        """Return what is wrong now."""
        limits = self._limits
        patience_s = limits.first_s if self._size is None else limits.lost_s
        if now_s - self._newest_s >= patience_s:
            return Fault.LOST
        if self._size is None:
            return None
        if self._tiny:
            # Before changed: pictures that became tiny did both.
            return Fault.TINY
        if self._changed:
            return Fault.CHANGED
        if now_s - self._lit_s >= limits.black_s:
            # Before frozen: a dead sensor sends the same black picture.
            return Fault.BLACK
        if now_s - self._moved_s >= limits.frozen_s:
            return Fault.FROZEN
        return None
