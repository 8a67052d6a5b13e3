"""Empties a camera all the time, so that the newest picture is always a fresh one.

A driver queues pictures; whoever reads only when a picture is wanted gets one of the past, up to
three pictures old (opencv#13145). ``Pump`` is one turn of the work, without a thread and without
waiting, so that tests turn it by hand; ``Drain`` turns it on a thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxedge.engines.camera.picture import BadPicture, Picture
from voxedge.engines.camera.source import Source
from voxedge.engines.camera.watch import STARTS_ANEW, Fault, Limits, Watch
from voxedge.errors import CameraChanged, VoxedgeError

if TYPE_CHECKING:
    from voxedge.flow import Pixels

_log = logging.getLogger(__name__)

SMALL_PX = 640
"""Long side of the pictures that guidance looks at: every measure takes milliseconds there."""

EVERY_S = 0.1
"""Pictures between are thrown away unseen."""

REOPEN_S = 0.7
"""Between two tries to open a camera: a plug that comes back is noticed within two seconds."""

GRAB_HANGS_S = 2.0
"""A driver asked for a picture gives up after one second by itself (``usb``)."""

OPEN_HANGS_S = 6.0
"""Opening may take three seconds, and setting the size as long again."""

SETTLE_S = 2.0
"""Longest wait for exposure and white balance after opening: first pictures are dark or green."""

_SETTLED_SHARE = 0.04
_SETTLED_PICTURES = 3
_PICTURES_WELL = 2
"""What was wrong is over. One is not enough: a stuck camera gives one at each opening."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest picture.

    Attributes:
        number: grows by one with each picture, over openings too.
        at_s: when it came, monotonic.
        picture: as it came.
        grey: small, ``uint8`` ``[h, w]``.
        settled: exposure stands still.
        usable: it is not black, not tiny, and not the one before once more.
    """

    number: int
    at_s: float
    picture: Picture
    grey: Pixels
    settled: bool
    usable: bool = True


class Pump:
    """One camera: open, grab, judge, open again.

    Args:
        source: the driver.
        clock: monotonic, in seconds.
        limits: of its faults.
    """

    def __init__(
        self,
        source: Source,
        clock: Callable[[], float] = time.monotonic,
        limits: Limits | None = None,
    ) -> None:
        self._source = source
        self._clock = clock
        self._limits = limits
        self._watch: Watch | None = None
        self._opened_s = 0.0
        self._seen: Seen | None = None
        self._number = 0
        self._trouble: VoxedgeError | None = None
        self._open = False
        self._levels: list[float] = []
        self._usable = 0
        self._focus_wanted = False
        self._changed_until_s = 0.0

    @property
    def seen(self) -> Seen | None:
        """The newest picture of the present opening; None before the first."""
        return self._seen

    @property
    def is_open(self) -> bool:
        """Whether the camera runs, as far as its driver says."""
        return self._open

    @property
    def settled(self) -> bool:
        """Exposure stands still, or was waited for long enough."""
        seen = self._seen
        return seen is not None and (seen.settled or seen.at_s - self._opened_s >= SETTLE_S)

    def trouble(self) -> VoxedgeError | None:
        """Return what is wrong now. Any thread: also while ``turn`` hangs in the driver."""
        watch, trouble, now_s = self._watch, self._trouble, self._clock()
        if trouble is not None:
            return trouble
        fault = watch.fault(now_s) if watch is not None else None
        if fault is not None:
            return fault.error(self._source.name)
        if now_s < self._changed_until_s:
            return Fault.CHANGED.error(self._source.name)
        return None

    def turn(self) -> float:
        """Do one turn and return how long to wait before the next, in seconds."""
        if not self._open:
            return self._start()
        if self._focus_wanted:
            self._focus_wanted = False
            self._source.focus()
        try:
            picture = self._source.grab()
        except VoxedgeError as error:
            self._stop(error)
            return REOPEN_S
        now_s = self._clock()
        if picture is not None and (self._seen is None or now_s - self._seen.at_s >= EVERY_S):
            self._take(now_s, picture)
        fault = self._watch.fault(now_s) if self._watch is not None else None
        if fault in STARTS_ANEW:
            self._stop(fault.error(self._source.name))
            return 0.0 if fault is Fault.CHANGED else REOPEN_S
        return 0.0

    def focus(self) -> None:
        """Let the lens look again, with the next turn: a driver is for one thread. Any thread."""
        self._focus_wanted = True

    def close(self) -> None:
        """Stop the camera."""
        self._source.close()
        self._open = False

    def _start(self) -> float:
        try:
            self._source.open()
        except VoxedgeError as error:
            if not isinstance(self._trouble, CameraChanged):
                self._trouble = error
            return REOPEN_S
        now_s = self._clock()
        if isinstance(self._trouble, CameraChanged):
            # Opened again at once: long enough for it to be told.
            self._changed_until_s = now_s + 1.0
        self._open, self._opened_s = True, now_s
        self._levels, self._usable = [], 0
        # What was wrong before holds until a picture says otherwise.
        self._watch = Watch(now_s, self._limits)
        return 0.0

    def _stop(self, error: VoxedgeError) -> None:
        _log.warning("%s", error)
        self._source.close()
        self._open, self._watch, self._seen = False, None, None
        self._trouble = error

    def _take(self, now_s: float, picture: Picture) -> None:
        try:
            grey = picture.small(SMALL_PX)
        except BadPicture:
            return
        level = float(grey.mean())
        usable = True
        if self._watch is not None:
            usable = self._watch.saw(now_s, picture.size_px, picture.fingerprint, level)
            self._usable += usable
            if self._watch.fault(now_s) is None and self._usable >= _PICTURES_WELL:
                self._trouble = None
        self._levels = [*self._levels[1 - _SETTLED_PICTURES :], level]
        steady = max(self._levels) - min(self._levels) <= _SETTLED_SHARE * max(level, 1.0)
        settled = steady and len(self._levels) == _SETTLED_PICTURES
        self._number += 1
        self._seen = Seen(self._number, now_s, picture, grey, settled, usable)


class Drain:
    """A pump on a thread of its own, from the first look until ``close``."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._turned_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    @property
    def pump(self) -> Pump:
        """What it turns."""
        return self._pump

    @property
    def is_stuck(self) -> bool:
        """Whether the driver does not come back from its call: only the process's end ends it."""
        limit_s = GRAB_HANGS_S if self._pump.is_open else OPEN_HANGS_S
        return time.monotonic() - self._turned_s >= limit_s

    def wait_newer(self, number: int, timeout_s: float) -> Seen | None:
        """Wait for a picture with a greater number; None where none came in time."""

        def newer() -> bool:
            seen = self._pump.seen
            return self._stop.is_set() or (seen is not None and seen.number > number)

        with self._news:
            self._news.wait_for(newer, timeout_s)
        seen = self._pump.seen
        return seen if seen is not None and seen.number > number else None

    def close(self, timeout_s: float = 2.0) -> bool:
        """Stop; return False where the driver hangs: only the end of the process frees it."""
        self._stop.set()
        with self._news:
            self._news.notify_all()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                wait_s = self._pump.turn()
                self._turned_s = time.monotonic()
                with self._news:
                    self._news.notify_all()
                if wait_s > 0:
                    self._stop.wait(wait_s)
        finally:
            self._pump.close()
