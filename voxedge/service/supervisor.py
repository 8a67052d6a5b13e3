"""The owner of the daemon's parts: restarts what may fail, ends the process where it must not.

A vital part (the owner of the voice, the audio stream) has no second chance here: its failure ends
``Supervisor.run`` with ``VitalPartFailed``, the process exits with its code, and systemd starts
everything afresh. Any other part is restarted with back-off; its second failure is spoken.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from voxedge.errors import VoxedgeError
from voxedge.logs import describe_exception, fields
from voxedge.service.restart import RestartPolicy, Trouble

log = logging.getLogger(__name__)


class VitalPartFailed(VoxedgeError):
    """A part without which the device is no device has failed; the process must end."""

    printed = "The vital part '{part}' failed: {reason}."
    spoken = "Something went wrong inside the reader. I am starting again."


@dataclass(frozen=True, slots=True)
class Part:
    """A long-lived coroutine.

    Attributes:
        name: for the log.
        run: called anew for each start; it frees what it holds when cancelled. Returning means
            that the part is done: fine for an ordinary part, a failure for a vital one.
        vital: whether the process ends with it.
        spoken: what a person hears on the second failure.
    """

    name: str
    run: Callable[[], Awaitable[None]]
    vital: bool = False
    spoken: str = "A part of the reader keeps failing. I keep trying."


class Supervisor:
    """Owns one task per part for as long as ``run`` runs."""

    def __init__(
        self,
        on_trouble: Callable[[Trouble], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        policy: Callable[[], RestartPolicy] = RestartPolicy,
    ) -> None:
        """Prepare.

        Args:
            on_trouble: called in the loop on a part's second failure in a row; must not block.
            clock: seconds, monotonic.
            sleep: replaced by tests with a virtual clock's.
            policy: makes the back-off of one part.
        """
        self._on_trouble = on_trouble
        self._clock = clock
        self._sleep = sleep
        self._policy = policy
        self._parts: list[Part] = []
        self._states: dict[str, str] = {}

    def add(self, part: Part) -> None:
        """Own one more part. Before ``run``."""
        if part.name in self._states:
            raise ValueError(f"two parts are called '{part.name}'")
        self._parts.append(part)
        self._states[part.name] = "waiting"

    @property
    def states(self) -> dict[str, str]:
        """Part to "waiting", "running", "restarting" or "done", for ``status --json``."""
        return dict(self._states)

    async def run(self) -> None:
        """Run all parts until all are done or this task is cancelled.

        Raises:
            VitalPartFailed: after every other part has been cancelled and awaited.
        """
        tasks = {
            asyncio.create_task(self._keep(part), name=f"part:{part.name}") for part in self._parts
        }
        try:
            if tasks:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
                for task in done:
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, part: Part) -> None:
        policy = self._policy()
        while True:
            self._states[part.name] = "running"
            policy.started(self._clock())
            try:
                await part.run()
            except asyncio.CancelledError as error:
                if _cancelled_from_outside():
                    raise
                # A part that cancels itself by mistake would otherwise vanish without a word.
                failure: BaseException = error
            except Exception as error:  # noqa: BLE001 - a supervisor exists to catch whatever comes
                failure = error
            else:
                if not part.vital:
                    self._states[part.name] = "done"
                    return
                failure = VoxedgeError(reason="it returned")
            if part.vital:
                log.error(
                    "vital part %s failed: %s",
                    part.name,
                    describe_exception(failure),
                    extra=fields(event="vital_part_failed", part=part.name),
                )
                raise VitalPartFailed(part=part.name, reason=type(failure).__name__) from failure
            await self._pause(part, failure, policy)

    async def _pause(self, part: Part, failure: BaseException, policy: RestartPolicy) -> None:
        restart = policy.failed(self._clock())
        self._states[part.name] = "restarting"
        log.warning(
            "part %s failed, again in %.1f s: %s",
            part.name,
            restart.delay_s,
            describe_exception(failure),
            extra=fields(event="part_failed", part=part.name, count=restart.count),
        )
        if restart.speak:
            self._on_trouble(Trouble(part.name, restart.count, part.spoken))
        await self._sleep(restart.delay_s)


def _cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
