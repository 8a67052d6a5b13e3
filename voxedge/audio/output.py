"""The loudspeaker: one PortAudio stream that stays open, fed by its callback.

The callback API is the only safe one here. With the blocking API another thread that stops the
stream during a write crashed the interpreter five times out of five; and a device that is pulled
out shows in callback mode as ``finished_callback`` with the stream no longer active, not as an
exception. cffi makes the callback from memory that is written and executed, so a service unit
must not set ``MemoryDenyWriteExecute=``.

How soon a stop is silent: the callback looks at its next block, at most one device buffer ahead
of the loudspeaker, then fades for 8 ms. Hence ``LATENCY_MS``.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from voxedge.audio.devices import OutputDevice, choose, list_outputs, load_portaudio
from voxedge.audio.mixer_sink import MixerSink
from voxedge.errors import NoSoundCard, SoundCardLost

if TYPE_CHECKING:
    from voxedge.flow import FloatSamples, PcmChunk

_LOG = logging.getLogger(__name__)

LATENCY_MS = 40.0
"""What is asked of the device. A stop is silent within this and the fade: 48 ms of the 60 ms
allowed. PortAudio's own "low" (9 ms on many cards) crackles on a Raspberry Pi."""

PARK_AFTER_S = 10.0
"""Of silence. An open stream wakes the processor for every block, a hundred times a second; a
device that waits for its button all day may not. Within it the next sound needs no start."""


class PortAudioSink(MixerSink):
    """An ``AudioSink`` that is a loudspeaker.

    Args:
        spec: which device; see ``audio.devices.choose``. None is the default device.
        latency_ms: asked of the device; what it grants is ``granted_latency_ms``. Raise it for
            Bluetooth or a sound server; a stop is slower by as much.
        volume: 0 to 4.

    Raises:
        NoSoundCard: none is there, or it cannot be opened (busy, no permission).
        SoundCardUnknown: none answers to ``spec``.
    """

    def __init__(
        self, spec: str | None = None, *, latency_ms: float = LATENCY_MS, volume: float = 1.0
    ) -> None:
        device = choose(spec, list_outputs())
        super().__init__(device.label, device.rate_hz, latency_ms=latency_ms, volume=volume)
        self._spec = spec
        self._scratch: FloatSamples = np.zeros(0, dtype=np.float32)
        self._underflows = 0
        # Buttons may sound an earcon from their own thread while the loop parks the stream.
        self._parking = threading.Lock()
        self._parked = False
        self._needed_s = time.monotonic()
        # Set while the end of the stream is our own doing.
        self._ending = threading.Event()
        self._stream: Any = self._open(device)
        self._idle_timer = self._loop.call_later(PARK_AFTER_S, self._consider_parking)

    @property
    def granted_latency_ms(self) -> float:
        """What the device reports: from the callback to the loudspeaker."""
        return 0.0 if self._stream is None else 1000.0 * float(self._stream.latency)

    @property
    def underruns(self) -> int:
        """Times the ring ran dry in an utterance, and times the callback came too late."""
        return super().underruns + self._underflows

    @property
    def parked(self) -> bool:
        """Whether the stream rests after a long silence; the next sound starts it."""
        return self._parked

    async def write(self, chunk: PcmChunk, generation: int) -> int | None:
        """Take a chunk; see ``AudioSink.write``."""
        self._need()
        return await super().write(chunk, generation)

    def resume(self) -> None:
        """Go on from where ``pause`` held."""
        super().resume()
        self._need()

    def earcon(self, samples: FloatSamples) -> None:
        """Mix a short sound over the speech."""
        super().earcon(samples)
        self._need()

    async def reopen(self) -> None:
        """Find the device again and open it anew; see ``AudioSink.reopen``.

        It is opened at the rate it had: what is under way was resampled for that.
        """
        self._release()
        device = choose(self._spec, await asyncio.to_thread(list_outputs, refresh=True))
        self._mixer.speech.abandon()
        self._mixer.earcons.abandon()
        self._stream = await asyncio.to_thread(self._open, device)
        self._name = device.label
        self._failure = None
        self._need()
        self._idle_timer = self._loop.call_later(PARK_AFTER_S, self._consider_parking)

    # -- rest ---------------------------------------------------------------------------

    @property
    def _resting(self) -> bool:
        return self._parked

    def _need(self) -> None:
        """Something is to be heard: see that the stream runs. Any thread."""
        self._needed_s = time.monotonic()
        if not self._parked:
            return
        with self._parking:
            if not self._parked or self._stream is None:
                return
            self._parked = False
            self._ending.clear()
            try:
                self._stream.start()
            except load_portaudio().PortAudioError as error:
                _LOG.warning("starting %s: %s", self._name, error)
                self._fail(SoundCardLost(device=self._name))
                return
        self._loop.call_soon_threadsafe(self._consider_parking)

    def _consider_parking(self) -> None:
        """Park after a long silence, else look again later. On the loop."""
        self._idle_timer.cancel()
        if self._closed or self._failure is not None:
            return
        idle_s = time.monotonic() - self._needed_s
        speech, earcons = self._mixer.speech, self._mixer.earcons
        silent = speech.paused or speech.read == speech.written
        if silent and earcons.read == earcons.written and idle_s >= PARK_AFTER_S:
            with self._parking:
                self._ending.set()
                self._stream.abort(ignore_errors=True)
                self._parked = True
            return
        wait_s = max(PARK_AFTER_S - idle_s, PARK_AFTER_S / 10.0)
        self._idle_timer = self._loop.call_later(wait_s, self._consider_parking)

    # -- PortAudio ----------------------------------------------------------------------

    def _open(self, device: OutputDevice) -> Any:
        sounddevice = load_portaudio()
        ending = self._ending = threading.Event()

        def on_finished() -> None:
            if not ending.is_set():
                self._fail(SoundCardLost(device=device.label))

        try:
            stream = sounddevice.OutputStream(
                samplerate=self.rate_hz,
                # 0: PortAudio hands on the device's own blocks. A fixed size is adapted by a
                # second buffer, which cost distortion through ALSA plug-ins.
                blocksize=0,
                device=device.index,
                # Both sides of a stereo card, or the one a mono card has.
                channels=min(2, device.channels),
                dtype="float32",
                latency=self._latency_ms / 1000.0,
                callback=self._callback,
                finished_callback=on_finished,
                # Our limiter has done it, and dither only adds noise to silence.
                clip_off=True,
                dither_off=True,
            )
            stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise NoSoundCard(reason=f"{device.label}: {error}") from error
        return stream

    def _callback(self, outdata: FloatSamples, frames: int, when: Any, status: Any) -> None:
        """Runs on PortAudio's thread."""
        if status.output_underflow:
            self._underflows += 1
        lead_s = when.outputBufferDacTime - when.currentTime
        if not 0.0 < lead_s < 2.0:
            # Some plug-ins leave the times at zero; then the reported latency is the best guess.
            lead_s = self._latency_ms / 1000.0
        if len(self._scratch) < frames:
            self._scratch = np.zeros(frames, dtype=np.float32)
        block = self._scratch[:frames]
        self._mixer.render(block, time.monotonic() + lead_s)
        outdata[:] = block[:, np.newaxis]

    def _release(self) -> None:
        self._idle_timer.cancel()
        with self._parking:
            stream, self._stream, self._parked = self._stream, None, False
        if stream is None:
            return
        self._ending.set()
        # A device that is gone cannot be closed in good order; that must not hinder a new start.
        stream.abort(ignore_errors=True)
        stream.close(ignore_errors=True)
