"""What every sink that plays in time has in common: the async side of a ``Mixer``.

Waiting is by the clock, not by a signal from the callback: the callback would have to wake the
event loop through a pipe for every block, and the ring tells exactly how long there is to wait.
Control (stop, pause, resume, loss) does wake the waiters at once, from any thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from voxedge.audio.fades import FADE_MS
from voxedge.audio.mixer import Mixer
from voxedge.audio.track import STALE
from voxedge.errors import SoundCardLost

if TYPE_CHECKING:
    from voxedge.errors import VoxedgeError
    from voxedge.flow import FloatSamples, PcmChunk

RING_MS = 1000.0
"""Speech between the loop and the callback. Rides out a stalled loop; costs nothing on a stop,
because a stop discards it. 192 kB at 48 kHz."""

STALL_S = 2.0
"""A device that takes no block for so long is gone, whether or not its driver says so."""

_SHORTEST_WAIT_S = 0.002

_FORGET_S = 0.4
"""Waits follow one another at once while sound is under way; a gap of this is another occasion."""


class MixerSink:
    """An ``AudioSink`` around a ``Mixer``; a subclass makes something call ``mixer.render``.

    Create it inside the event loop that will write to it.

    Args:
        name: for messages.
        rate_hz: of the device.
        latency_ms: what ``close`` waits for, so that the last fade leaves the device.
        volume: 0 to 4.
    """

    def __init__(
        self, name: str, rate_hz: int, *, latency_ms: float = 0.0, volume: float = 1.0
    ) -> None:
        self._name = name
        self._mixer = Mixer(rate_hz, RING_MS, volume)
        self._latency_ms = latency_ms
        self._loop = asyncio.get_running_loop()
        self._waiters: set[asyncio.Future[None]] = set()
        self._failure: VoxedgeError | None = None
        self._closed = False
        self._silent_since: float | None = None
        self._waited_s = -_FORGET_S

    # -- what is known ------------------------------------------------------------------

    @property
    def name(self) -> str:
        """For messages."""
        return self._name

    @property
    def rate_hz(self) -> int:
        """Samples a second of the device."""
        return self._mixer.rate_hz

    @property
    def generation(self) -> int:
        """Counts stops."""
        return self._mixer.speech.generation

    @property
    def underruns(self) -> int:
        """Times the ring ran dry in the middle of an utterance."""
        return self._mixer.speech.starved

    @property
    def failure(self) -> VoxedgeError | None:
        """Why the sink can no longer play, None while it can."""
        return self._failure

    @property
    def volume(self) -> float:
        """Gain, 0 to 4."""
        return self._mixer.volume

    @volume.setter
    def volume(self, volume: float) -> None:
        self._mixer.volume = volume

    @property
    def position(self) -> int:
        """Frames that have left the device."""
        frames, due_s = self._mixer.played
        early_s = due_s - self._now()
        return frames if early_s <= 0 else max(0, frames - round(early_s * self.rate_hz))

    # -- writing ------------------------------------------------------------------------

    async def write(self, chunk: PcmChunk, generation: int) -> int | None:
        """Take a chunk, waiting for room; see ``AudioSink.write``."""
        if chunk.rate_hz != self.rate_hz:
            raise ValueError(f"{self._name} takes {self.rate_hz} Hz, not {chunk.rate_hz} Hz")
        track = self._mixer.speech
        rest = chunk.samples
        while True:
            self._check()
            taken = track.push(rest, generation, last=chunk.last)
            if taken == STALE:
                return None
            rest = rest[taken:]
            if not len(rest):
                return track.written
            # Half a ring at a time: two wake-ups a second while a long sentence plays.
            await self._wait_frames(min(len(rest), self._mixer.rate_hz // 2))

    async def heard(self, mark: int, generation: int) -> bool:
        """Wait until everything before ``mark`` has left the device; see ``AudioSink.heard``."""
        while True:
            self._check()
            if generation != self.generation:
                return False
            left = mark - self.position
            if left <= 0:
                return True
            await self._wait_frames(left)

    async def drain(self) -> None:
        """Wait until everything written has left the device, or was stopped."""
        await self.heard(self._mixer.speech.written, self.generation)

    # -- control, from any thread -------------------------------------------------------

    def stop(self) -> int:
        """Fall silent within a fade; the new generation."""
        generation = self._mixer.speech.stop()
        self._mixer.earcons.stop()
        self._wake_soon()
        return generation

    def pause(self) -> None:
        """Fall silent within a fade and hold."""
        self._mixer.speech.pause()

    def resume(self) -> None:
        """Go on from where ``pause`` held."""
        self._mixer.speech.resume()
        self._wake_soon()

    def earcon(self, samples: FloatSamples) -> None:
        """Mix a short sound over the speech."""
        track = self._mixer.earcons
        if track.free >= len(samples):
            track.push(samples, track.generation, last=True)

    # -- end ----------------------------------------------------------------------------

    async def reopen(self) -> None:
        """Nothing to find again unless a subclass has a device."""
        self._check()

    async def close(self) -> None:
        """Fade out what plays, let the fade leave the device, and free it. Idempotent."""
        if self._closed:
            return
        self._closed = True
        playing = self._mixer.speech.read < self._mixer.speech.written or (
            self._mixer.earcons.read < self._mixer.earcons.written
        )
        try:
            if playing and self._failure is None:
                self.stop()
                # One block until the callback looks, the fade, the device's own buffer.
                await asyncio.sleep((2 * self._latency_ms + FADE_MS) / 1000.0)
        finally:
            self._release()

    def _release(self) -> None:
        """Free the device; a subclass that has one overrides it."""

    # -- within -------------------------------------------------------------------------

    def _now(self) -> float:
        """The clock of ``render``'s ``due_s``."""
        return time.monotonic()

    @property
    def _resting(self) -> bool:
        """Whether the device is meant to take no blocks now."""
        return False

    def _fail(self, error: VoxedgeError) -> None:
        """Note that the device is gone. Any thread."""
        if self._failure is None and not self._closed:
            self._failure = error
            self._wake_soon()

    def _check(self) -> None:
        if self._failure is not None:
            # A fresh one each time: a traceback must not grow on a shared exception.
            raise type(self._failure)(**self._failure.details)
        if self._closed:
            raise SoundCardLost(reason="closed")

    async def _wait_frames(self, frames: int) -> None:
        """Sleep for as long as ``frames`` take, or until control changes something."""
        before = self._mixer.rendered
        if self._loop.time() - self._waited_s > _FORGET_S:
            # Nobody has looked for a while: what was seen then says nothing of now.
            self._silent_since = None
        if self._mixer.speech.paused:
            wait_s = STALL_S
        else:
            wait_s = min(max(frames / self.rate_hz, _SHORTEST_WAIT_S), STALL_S)
        rung = await self._sleep(wait_s)
        self._waited_s = self._loop.time()
        if rung or self._resting or self._mixer.rendered != before:
            self._silent_since = None
            return
        now = self._loop.time()
        if self._silent_since is None:
            self._silent_since = now - wait_s
        if now - self._silent_since >= STALL_S:
            self._fail(SoundCardLost(device=self._name))

    async def _sleep(self, seconds: float) -> bool:
        """Sleep; True when woken early."""
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait((waiter,), timeout=seconds)
            return waiter.done()
        finally:
            self._waiters.discard(waiter)

    def _wake_soon(self) -> None:
        # The loop may be closed by now: PortAudio tells of its end from its own thread.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
