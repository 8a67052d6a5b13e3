"""When to start a failed part again, and when a person must hear of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
STABLE_S = 60.0
"""A part that ran this long has recovered; its next failure counts as the first."""

SPEAK_AT = 2
"""The first failure is mended in silence; the second is no accident and is spoken, once."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A part keeps failing. Told once per outage.

    Attributes:
        part: its name in the log.
        count: failures in this outage.
        spoken: a sentence for a person.
    """

    part: str
    count: int
    spoken: str


@dataclass(frozen=True, slots=True)
class Restart:
    """What follows a failure: wait ``delay_s``, start again; ``speak`` on the second in a row."""

    delay_s: float
    count: int
    speak: bool


class RestartPolicy:
    """Exponential back-off, 0.5 to 30 s, forgotten after a minute of good work."""

    def __init__(
        self,
        first_delay_s: float = FIRST_DELAY_S,
        longest_delay_s: float = LONGEST_DELAY_S,
        stable_s: float = STABLE_S,
    ) -> None:
        self._first_delay_s = first_delay_s
        self._longest_delay_s = longest_delay_s
        self._stable_s = stable_s
        self._count = 0
        self._started_s = 0.0

    @property
    def failures(self) -> int:
        """Failures in this outage so far."""
        return self._count

    def started(self, now_s: float) -> None:
        """The part runs."""
        self._started_s = now_s

    def failed(self, now_s: float, ran: bool = True) -> Restart:
        """The part has failed at ``now_s``; say what to do.

        Args:
            now_s: seconds, monotonic.
            ran: whether ``started`` was reached this time: a part that dies while starting has
                not been stable however long its start took.
        """
        if ran and now_s - self._started_s >= self._stable_s:
            self._count = 0
        self._count += 1
        # The exponent is bounded so that years of failing do not overflow a float.
        delay_s = self._first_delay_s * 2.0 ** min(self._count - 1, 16)
        return Restart(
            delay_s=min(delay_s, self._longest_delay_s),
            count=self._count,
            speak=self._count == SPEAK_AT,
        )
