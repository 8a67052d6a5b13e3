"""Raw edges of one contact to touch, press, double press, hold. Pure: time is an argument.

Contacts bounce: Ganssle measured bursts of up to 6 ms on sound switches ("A Guide to
Debouncing", 2008). A level counts once it has stood for ``debounce_ms``, which also drops
glitches from a long cable. The results depend on the edges alone, never on how often ``advance``
is called; each gesture carries the time at which it was certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a finger did."""

    TOUCH = "touch"
    """The contact closed. Certain at once: silence and the press earcon hang on it."""
    PRESS = "press"
    DOUBLE = "double"
    HOLD = "hold"
    REPEAT = "repeat"
    """Still held, once more."""
    RELEASE = "release"
    """The contact opened again; for a button that means something for as long as it is held."""
    STUCK = "stuck"
    """Held for far longer than anyone does: something leans on it, or it is broken."""


@dataclass(frozen=True, slots=True)
class Gesture:
    """A gesture of one button.

    Attributes:
        kind: what was done.
        at_us: microseconds, on the clock of the edges, at which it was certain.
    """

    kind: Kind
    at_us: int


@dataclass(frozen=True, slots=True)
class Timing:
    """How long is long. The defaults suit a slow hand; all are settings.

    Attributes:
        debounce_ms: a level must stand for so long to count.
        hold_ms: held for so long is a hold.
        double_ms: longest gap between the two presses of a double press.
        repeat_ms: from one repeat to the next.
        stuck_ms: held for so long is a fault; repeats end.
    """

    debounce_ms: int = 10
    hold_ms: int = 700
    double_ms: int = 350
    repeat_ms: int = 400
    stuck_ms: int = 20_000

    def __post_init__(self) -> None:
        """Refuse times that could not pass."""
        rest = (self.hold_ms, self.double_ms, self.repeat_ms, self.stuck_ms)
        if self.debounce_ms < 0 or min(rest) < 1:
            raise ValueError("times of gestures are at least 1 ms")


@dataclass(frozen=True, slots=True)
class Wants:
    """Which gestures mean something on this button; the others cost no waiting.

    A button with neither double press nor hold presses when touched, one without a double press
    when let go.
    """

    double: bool = False
    hold: bool = False
    repeat: bool = False
    release: bool = False

    def __post_init__(self) -> None:
        """Refuse a button whose hold would both act once and repeat."""
        if self.repeat and (self.hold or self.double):
            raise ValueError("a button that repeats has neither hold nor double press")


class GestureRecogniser:
    """The recogniser of one button. One thread; never reads a clock.

    Call ``edge`` for every change of level and ``advance`` when ``deadline_us`` has come. Both
    return the gestures that are now certain, oldest first.

    Args:
        wants: which gestures mean something.
        timing: how long is long.
        closed_at_us: when the contact was found closed at the start, None if it was open. Such a
            button says nothing until it opens, or is stuck.
    """

    def __init__(
        self, wants: Wants, timing: Timing | None = None, *, closed_at_us: int | None = None
    ) -> None:
        self._wants = wants
        timing = timing or Timing()
        self._debounce_us = 1000 * timing.debounce_ms
        self._hold_us = 1000 * timing.hold_ms
        self._double_us = 1000 * timing.double_ms
        self._repeat_us = 1000 * timing.repeat_ms
        self._stuck_us = 1000 * timing.stuck_ms
        self._raw = self._settled = closed_at_us is not None
        self._changed_us: int | None = None
        """Since when the raw level differs from the settled one."""
        self._window_us: int | None = None
        """Until when a second press makes a double one; a press is owed until then."""
        self._hold_at_us: int | None = None
        self._stuck_at_us = None if closed_at_us is None else closed_at_us + self._stuck_us
        self._owed = False
        """The finger is down and what it means is still open."""

    @property
    def deadline_us(self) -> int | None:
        """When ``advance`` is next needed, None while nothing is open."""
        times = (self._settle_at(), self._window_at(), self._hold_at_us, self._stuck_at_us)
        return min((time for time in times if time is not None), default=None)

    def edge(self, closed: bool, at_us: int) -> list[Gesture]:
        """Take a change of level; edges come in order of time."""
        found = self.advance(at_us)
        if closed != self._raw:
            self._raw = closed
            self._changed_us = at_us if closed != self._settled else None
            # A second press that proved to be a glitch may have held back an overdue press.
            found += self.advance(at_us)
        return found

    def advance(self, now_us: int) -> list[Gesture]:
        """Let time pass up to ``now_us``, inclusive."""
        found: list[Gesture] = []
        while (deadline := self.deadline_us) is not None and deadline <= now_us:
            found.extend(self._at(deadline))
        return found

    def _settle_at(self) -> int | None:
        return None if self._changed_us is None else self._changed_us + self._debounce_us

    def _window_at(self) -> int | None:
        """When the owed press is given; a second press that is still settling delays it."""
        settle_at = self._settle_at()
        if self._window_us is None or settle_at is None:
            return self._window_us
        return max(self._window_us, settle_at)

    def _at(self, time_us: int) -> list[Gesture]:
        """Do the one thing that is due; a settling level goes first."""
        if time_us == self._settle_at():
            changed_us = time_us - self._debounce_us
            self._settled = self._raw
            self._changed_us = None
            return (
                self._down(changed_us, time_us) if self._settled else self._up(changed_us, time_us)
            )
        if time_us == self._window_at():
            self._window_us = None
            return [Gesture(Kind.PRESS, time_us)]
        if time_us == self._stuck_at_us:
            self._hold_at_us = self._stuck_at_us = None
            return [Gesture(Kind.STUCK, time_us)]
        return self._held(time_us)

    def _down(self, changed_us: int, time_us: int) -> list[Gesture]:
        found = [Gesture(Kind.TOUCH, time_us)]
        self._stuck_at_us = changed_us + self._stuck_us
        if self._window_us is not None:  # an overdue press was given before this edge was taken
            self._window_us = None
            self._owed = False
            return [*found, Gesture(Kind.DOUBLE, time_us)]
        if self._wants.hold or self._wants.repeat:
            self._hold_at_us = max(changed_us + self._hold_us, time_us)
        self._owed = self._wants.hold or self._wants.double
        return found if self._owed else [*found, Gesture(Kind.PRESS, time_us)]

    def _up(self, changed_us: int, time_us: int) -> list[Gesture]:
        self._hold_at_us = self._stuck_at_us = None
        found = [Gesture(Kind.RELEASE, time_us)] if self._wants.release else []
        if not self._owed:
            return found
        self._owed = False
        if self._wants.double:
            self._window_us = max(changed_us + self._double_us, time_us)
            return found
        return [Gesture(Kind.PRESS, time_us), *found]

    def _held(self, time_us: int) -> list[Gesture]:
        if self._wants.repeat:
            self._hold_at_us = time_us + self._repeat_us
            return [Gesture(Kind.REPEAT, time_us)]
        self._hold_at_us = None
        self._owed = False
        return [Gesture(Kind.HOLD, time_us)]
