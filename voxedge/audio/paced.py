"""A loudspeaker without one: the mixer's output, paced by the clock, handed to a function.

``voxedge run --simulate`` and the fake sink of the tests stand on ``PacedSink``. Under a loop with
a virtual clock it runs as fast as the machine can, and to the sample the same each time.
``SilentSink`` stands in for a sound card that is not there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from voxedge.audio.mixer_sink import MixerSink
from voxedge.errors import VoxedgeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxedge.flow import FloatSamples, PcmChunk

BLOCK_MS = 10.0


class PacedSink(MixerSink):
    """An ``AudioSink`` that plays to a function at the speed of a loudspeaker.

    It owns one task, from construction to ``close``. A ``consume`` that raises a
    ``VoxedgeError`` is a device that fails.

    Args:
        consume: takes ``float32`` ``[n]`` every 10 ms, silence included, on the loop's thread.
        rate_hz: samples a second.
        latency_ms: from a block's rendering to its being "heard".
        volume: 0 to 4.
        name: for messages.
    """

    def __init__(
        self,
        consume: Callable[[FloatSamples], None],
        rate_hz: int = 48_000,
        *,
        latency_ms: float = 0.0,
        volume: float = 1.0,
        name: str = "paced",
    ) -> None:
        super().__init__(name, rate_hz, latency_ms=latency_ms, volume=volume)
        self._consume = consume
        self._start()

    def _start(self) -> None:
        self._task = self._loop.create_task(self._play(), name=f"paced sink {self._name}")

    async def _play(self) -> None:
        await self._play_while(lambda: True)

    async def _play_while(self, wanted: Callable[[], bool]) -> None:
        began = self._loop.time()
        done = 0
        while wanted():
            await asyncio.sleep(BLOCK_MS / 1000.0)
            due = round((self._loop.time() - began) * self.rate_hz)
            block = np.empty(due - done, dtype=np.float32)
            done = due
            self._mixer.render(block, self._loop.time() + self._latency_ms / 1000.0)
            try:
                self._consume(block)
            except VoxedgeError as error:
                self._fail(error)
                return

    def _now(self) -> float:
        return self._loop.time()

    def _release(self) -> None:
        self._task.cancel()


class SilentSink(PacedSink):
    """An ``AudioSink`` that nobody hears: speech takes its time, and silence costs no wake-up.

    A box whose loudspeaker is unplugged goes on for days; 100 blocks of silence a second would
    keep its processor awake all the while.

    Args:
        name: for messages.
    """

    def __init__(self, name: str) -> None:
        self._needed = asyncio.Event()
        super().__init__(lambda _: None, name=name)

    async def write(self, chunk: PcmChunk, generation: int) -> int | None:
        """Take a chunk; see ``AudioSink.write``."""
        self._needed.set()
        return await super().write(chunk, generation)

    def resume(self) -> None:
        """Go on from where ``pause`` held. Any thread."""
        super().resume()
        self._loop.call_soon_threadsafe(self._needed.set)

    def earcon(self, samples: FloatSamples) -> None:
        """Mix a short sound over the speech. Any thread."""
        super().earcon(samples)
        self._loop.call_soon_threadsafe(self._needed.set)

    @property
    def _resting(self) -> bool:
        return not self._needed.is_set()

    @property
    def _idle(self) -> bool:
        speech, earcons = self._mixer.speech, self._mixer.earcons
        silent = speech.paused or speech.read == speech.written
        return silent and earcons.read == earcons.written

    async def _play(self) -> None:
        while True:
            await self._needed.wait()
            await self._play_while(lambda: not self._idle)
            self._needed.clear()
