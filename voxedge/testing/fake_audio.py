"""A loudspeaker that keeps what it played, and a clock that moves only when everybody waits.

Under ``run_virtual`` an hour of speech takes seconds and every run is the same to the sample, so
"silent within 20 ms of the stop" is arithmetic, not luck.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from voxedge.audio.paced import PacedSink
from voxedge.errors import SoundCardLost, VoxedgeError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from voxedge.flow import FloatSamples

T = TypeVar("T")


class _VirtualSelector(selectors.DefaultSelector):
    """Never waits: where a real selector would sleep, time jumps."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                # Nothing is scheduled: only another thread could wake the loop. Give it a while.
                return super().select(5.0)
            self.now_s += max(0.0, timeout)
        return ready


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose ``time()`` starts at 0 and jumps to the next thing that is due."""

    def __init__(self) -> None:
        self._virtual = _VirtualSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Virtual seconds."""
        return self._virtual.now_s

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Wait for the worker threads without a limit: they live in real time, not in ours."""
        await super().shutdown_default_executor()


def run_virtual(main: Coroutine[Any, Any, T], *, limit_s: float = 3600.0) -> T:
    """Run a coroutine under the virtual clock.

    Raises:
        TimeoutError: it was not done after ``limit_s`` virtual seconds: a deadlock.
    """

    async def limited() -> T:
        async with asyncio.timeout(limit_s):
            return await main

    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(limited())


class FakeSink(PacedSink):
    """A loudspeaker in memory, with faults to order.

    Args:
        rate_hz: samples a second.
        latency_ms: from a block's rendering to its being heard.
        keep: whether to keep what is played; False for long runs.
    """

    def __init__(
        self, rate_hz: int = 16_000, *, latency_ms: float = 0.0, keep: bool = True
    ) -> None:
        self._blocks: list[FloatSamples] = []
        self._keep = keep
        self._fault: VoxedgeError | None = None
        self.absent = 0
        """How many tries to reopen still fail."""
        super().__init__(self._take, rate_hz, latency_ms=latency_ms, name="fake")

    @property
    def samples(self) -> FloatSamples:
        """Everything that left the device, from its opening on, ``float32`` ``[n]``."""
        return np.concatenate([np.zeros(0, dtype=np.float32), *self._blocks])

    def heard_between(self, start_s: float, end_s: float) -> FloatSamples:
        """What left the device between two times of the loop, counted from its opening."""
        return self.samples[round(start_s * self.rate_hz) : round(end_s * self.rate_hz)]

    def vanish(self, *, absent: int = 0) -> None:
        """Be pulled out; ``reopen`` fails ``absent`` times before it is back."""
        self.absent = absent
        self._task.cancel()
        self._fail(SoundCardLost(device=self.name))

    def freeze(self) -> None:
        """Take no more blocks without saying so, like a wedged driver."""
        self._task.cancel()

    def fail_with(self, error: VoxedgeError) -> None:
        """Fail at the next block."""
        self._fault = error

    async def reopen(self) -> None:
        """Be plugged in again, unless ``absent``."""
        if self.absent:
            self.absent -= 1
            raise SoundCardLost(device=self.name)
        self._task.cancel()
        self._mixer.speech.abandon()
        self._mixer.earcons.abandon()
        self._failure = None
        self._fault = None
        self._start()

    def _take(self, block: FloatSamples) -> None:
        if self._fault is not None:
            raise self._fault
        if self._keep:
            self._blocks.append(block)
