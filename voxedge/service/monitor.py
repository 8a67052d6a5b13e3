"""The part that looks after the box: reads the sensors, keeps the health, has it spoken."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from voxedge.logs import fields
from voxedge.service.health import (
    CONDITIONS,
    Announcement,
    Condition,
    Health,
    Snapshot,
    Urgency,
    evaluate,
)

log = logging.getLogger(__name__)

INTERVAL_S = 10.0
"""Heat and batteries are slow; an unplugged camera is noticed by its own part at once."""


class HealthMonitor:
    """Run ``run`` as a part of the supervisor; not vital."""

    def __init__(
        self,
        look: Callable[[], Snapshot],
        announce: Callable[[Announcement], None],
        conditions: tuple[Condition, ...] = CONDITIONS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Prepare.

        Args:
            look: reads the sensors; blocking, called on a thread.
            announce: called in the loop with each sentence to speak; must not block.
            conditions: what to look after.
            clock: seconds, monotonic.
            sleep: replaced by tests with a virtual clock's.
        """
        self._look = look
        self._announce = announce
        self._conditions = conditions
        self._clock = clock
        self._sleep = sleep
        self._health = Health()

    @property
    def health(self) -> Health:
        """The latest; ``Health().as_status()`` before the first look."""
        return self._health

    async def run(self) -> None:
        """Look every ten seconds until cancelled."""
        while True:
            snapshot = await asyncio.to_thread(self._look)
            self._health, said = evaluate(self._health, snapshot, self._clock(), self._conditions)
            for announcement in said:
                level = logging.WARNING if announcement.urgency is Urgency.ALERT else logging.INFO
                log.log(
                    level,
                    "health: %s",
                    announcement.text,
                    extra=fields(event="health", condition=announcement.condition),
                )
                self._announce(announcement)
            await self._sleep(INTERVAL_S)
