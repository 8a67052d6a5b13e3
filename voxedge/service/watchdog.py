"""Ping systemd's watchdog only while every vital part makes progress.

A ping from a task of its own stays green while the audio is wedged. Here each vital part holds a
``Pulse`` and beats it whenever it did something or found nothing to do; the ping is sent only when
every pulse is younger than its own limit *and* the event loop itself came back on time.

``Progress`` is the pure half (numbers in, verdict out). ``keep_watchdog`` is the asyncio half.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from voxedge.service.notify import Notifier

log = logging.getLogger(__name__)

T = TypeVar("T")

LAG_LIMIT_S = 1.0
"""A loop this late cannot stop speech in time; one such round costs one ping, not the process."""

PINGS_PER_TIMEOUT = 4
"""Three pings may be withheld before systemd acts."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a ping is deserved, and if not, why: part names and seconds, never page text."""

    healthy: bool
    reasons: tuple[str, ...] = ()


class Progress:
    """When each vital part last proved that it works. Pure: time comes from the caller.

    Not thread-safe in its set of parts; ``beat`` is one assignment and may come from any thread.
    """

    def __init__(self, lag_limit_s: float = LAG_LIMIT_S) -> None:
        self._lag_limit_s = lag_limit_s
        self._limits_s: dict[str, float] = {}
        self._seen_s: dict[str, float] = {}

    def expect(self, name: str, limit_s: float, now_s: float) -> None:
        """From now on ``name`` must beat at least every ``limit_s`` seconds."""
        if limit_s <= 0:
            raise ValueError(f"the limit of {name} must be positive")
        self._limits_s[name] = limit_s
        self._seen_s[name] = now_s

    def dismiss(self, name: str) -> None:
        """Expect nothing of ``name`` any more."""
        self._limits_s.pop(name, None)
        self._seen_s.pop(name, None)

    def beat(self, name: str, now_s: float) -> None:
        """``name`` worked at ``now_s``."""
        self._seen_s[name] = now_s

    def verdict(self, now_s: float, lag_s: float = 0.0) -> Verdict:
        """Judge all parts.

        Args:
            now_s: the same clock as in ``expect`` and ``beat``.
            lag_s: how late the loop ran the caller.
        """
        reasons = [
            f"{name} silent for {now_s - self._seen_s[name]:.1f} s (limit {limit_s:g} s)"
            for name, limit_s in self._limits_s.items()
            if now_s - self._seen_s[name] > limit_s
        ]
        if lag_s > self._lag_limit_s:
            reasons.append(f"event loop late by {lag_s:.1f} s (limit {self._lag_limit_s:g} s)")
        return Verdict(not reasons, tuple(reasons))


class Pulse:
    """One part's handle on ``Progress``."""

    def __init__(
        self,
        progress: Progress,
        name: str,
        limit_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress = progress
        self._name = name
        self._limit_s = limit_s
        self._clock = clock
        progress.expect(name, limit_s, clock())

    def beat(self) -> None:
        """Report progress. Any thread; costs a dictionary assignment."""
        self._progress.beat(self._name, self._clock())

    def retire(self) -> None:
        """The part has ended on purpose."""
        self._progress.dismiss(self._name)

    async def waiting(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for something that may rightly never come (a queue, a button), beating meanwhile.

        Each beat shows that the loop still runs this very task. Do not wait for an engine like
        this: an engine that never answers is what the watchdog is for.
        """
        task = asyncio.ensure_future(work)
        try:
            while True:
                self.beat()
                done, _ = await asyncio.wait((task,), timeout=self._limit_s / 3)
                if done:
                    self.beat()
                    return task.result()
        finally:
            task.cancel()


async def keep_watchdog(
    progress: Progress,
    notifier: Notifier,
    timeout_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Ping while all is well; otherwise say why not and let systemd act. Runs until cancelled.

    Args:
        progress: the pulses of the vital parts.
        notifier: where pings go.
        timeout_s: WatchdogSec=, from ``watchdog_timeout_s``.
        clock: seconds, monotonic.
        sleep: replaced by tests with a virtual clock's.
    """
    interval_s = timeout_s / PINGS_PER_TIMEOUT
    was_healthy = True
    lag_s = 0.0
    while True:
        now_s = clock()
        verdict = progress.verdict(now_s, lag_s)
        if verdict.healthy:
            notifier.watchdog()
        if verdict.healthy != was_healthy:
            _tell(verdict, notifier)
        was_healthy = verdict.healthy
        await sleep(interval_s)
        lag_s = clock() - now_s - interval_s


def _tell(verdict: Verdict, notifier: Notifier) -> None:
    if verdict.healthy:
        log.warning("watchdog: all vital parts work again")
        notifier.status("Working")
        return
    why = "; ".join(verdict.reasons)
    log.error("watchdog: no ping, because %s", why)
    notifier.status(f"Wedged: {why}")
