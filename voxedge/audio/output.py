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
    from voxedge.flow import FloatSamples

_LOG = logging.getLogger(__name__)

LATENCY_MS = 40.0
"""What is asked of the device. A stop is silent within this and the fade: 48 ms of the 60 ms
allowed. PortAudio's own "low" (9 ms on many cards) crackles on a Raspberry Pi."""


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
        self._finished = threading.Event()
        self._underflows = 0
        self._stream = self._open(device)

    @property
    def granted_latency_ms(self) -> float:
        """What the device reports: from the callback to the loudspeaker."""
        return 1000.0 * float(self._stream.latency)

    @property
    def underruns(self) -> int:
        """Times the ring ran dry in an utterance, and times the callback came too late."""
        return super().underruns + self._underflows

    async def reopen(self) -> None:
        """Find the device again and open it anew; see ``AudioSink.reopen``."""
        self._release()
        device = choose(self._spec, await asyncio.to_thread(list_outputs, refresh=True))
        if device.rate_hz != self.rate_hz:
            # Audio in flight was resampled for the old rate; the device converts for this one.
            _LOG.info("device %s prefers %d Hz now", device.label, device.rate_hz)
        self._mixer.speech.abandon()
        self._mixer.earcons.abandon()
        self._stream = await asyncio.to_thread(self._open, device)
        self._name = device.label
        self._failure = None

    def _open(self, device: OutputDevice) -> Any:
        sounddevice = load_portaudio()
        self._finished = threading.Event()
        finished = self._finished

        def on_finished() -> None:
            if not finished.is_set():
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
        # From here on the end of the stream is our own doing.
        self._finished.set()
        sounddevice = load_portaudio()
        try:
            self._stream.abort(ignore_errors=True)
            self._stream.close(ignore_errors=True)
        except sounddevice.PortAudioError as error:
            _LOG.warning("closing %s: %s", self._name, error)
