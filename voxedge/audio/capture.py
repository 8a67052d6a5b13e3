"""The microphone: a PortAudio input stream by card id, as 16 kHz mono in pieces.

The callback only copies into a bounded queue and wakes the loop; everything else happens there.
As with the loudspeaker, a card that is pulled out shows as the end of the stream, not as an error.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from voxedge.audio.alsa_capture import ALSA_PCM, NO_INDEX, AlsaStream, late_inputs
from voxedge.audio.devices import (
    INPUTS,
    OutputDevice,
    _read_cards,
    choose,
    is_gone,
    load_portaudio,
    outputs_from,
    parse_cards,
)
from voxedge.audio.microphone_level import MicrophoneHealth
from voxedge.audio.resample import StreamResampler
from voxedge.errors import (
    MicrophoneDead,
    MicrophoneLost,
    MicrophoneMissing,
    NoSoundCard,
    SoundCardUnknown,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    Int16Samples = npt.NDArray[np.int16]

_log = logging.getLogger(__name__)

RATE_HZ = 16_000
HELD_S = 4.0
"""Of sound that waits for a busy loop; older sound is dropped, and counted."""

LATENCY_S = 0.05

STALL_S = 2.0
"""Without a block: the driver has stopped without saying so. Blocks come every 10 to 50 ms."""


class SoundSource(Protocol):
    """Where a listening session gets its sound from."""

    def pieces(self) -> AsyncIterator[Int16Samples]:
        """Yield ``int16`` ``[n]``, 16 kHz mono, as it comes; ends where a file ends.

        Raises:
            MicrophoneMissing: nothing to listen with.
            MicrophoneLost: it vanished.
            MicrophoneDead: nothing but zeros, or a constant, for two seconds.
        """
        ...


class Converter:
    """From what the card gives to 16 kHz mono ``int16``. Pure but for its filter's memory.

    Args:
        rate_hz: of the card.
    """

    def __init__(self, rate_hz: int) -> None:
        self._resampler = StreamResampler(rate_hz, RATE_HZ)

    def convert(self, block: npt.NDArray[np.float32], *, last: bool = False) -> Int16Samples:
        """Return samples for a block ``float32`` ``[n]`` or ``[n, channels]`` in [-1, 1].

        NaN and infinity, which a broken driver may give, become silence.
        """
        mono = block if block.ndim == 1 else block.mean(axis=1)
        mono = np.nan_to_num(mono.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        ready = self._resampler.process(mono, last=last)
        scaled: Int16Samples = np.clip(np.rint(ready * 32767.0), -32768, 32767).astype(np.int16)
        return scaled


class Backlog:
    """Blocks on their way from PortAudio's thread to the loop; bounded, the oldest go first."""

    def __init__(self, limit_samples: int) -> None:
        self._limit = limit_samples
        self._blocks: deque[npt.NDArray[np.float32]] = deque()
        self._held = 0
        self._lock = threading.Lock()
        self.dropped = 0

    def put(self, block: npt.NDArray[np.float32]) -> None:
        """Add a copy of a block. Any thread."""
        with self._lock:
            self._blocks.append(block.copy())
            self._held += len(block)
            while self._held > self._limit:
                lost = len(self._blocks.popleft())
                self._held -= lost
                self.dropped += lost

    def take(self) -> list[npt.NDArray[np.float32]]:
        """Remove and return what is there."""
        with self._lock:
            blocks = list(self._blocks)
            self._blocks.clear()
            self._held = 0
        return blocks


def list_inputs() -> tuple[OutputDevice, ...]:
    """Ask PortAudio which microphones there are. Blocking, some tens of milliseconds.

    PortAudio knows what there was when it started. Cards that came later are taken from the
    kernel's table, and those that have gone are left out.

    Raises:
        MicrophoneMissing: PortAudio itself is missing or does not start.
    """
    try:
        sounddevice = load_portaudio()
        devices = [
            {**device, "max_output_channels": device["max_input_channels"]}
            for device in sounddevice.query_devices()
        ]
        default = int(sounddevice.default.device[0])
    except NoSoundCard as error:
        raise MicrophoneMissing(reason=error.details["reason"]) from error
    except sounddevice.PortAudioError as error:
        raise MicrophoneMissing(reason=str(error)) from error
    cards = parse_cards(_read_cards())
    known = [d for d in outputs_from(devices, default, cards) if not is_gone(d, cards)]
    return (*known, *late_inputs(known, _read_pcm(), cards))


def _read_pcm() -> str:
    try:
        return ALSA_PCM.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # No ALSA in this kernel.


def choose_microphone(spec: str | None, present: tuple[OutputDevice, ...]) -> OutputDevice:
    """Find the microphone that is meant; by ALSA card id, as ``devices.choose`` says.

    Raises:
        MicrophoneMissing: there is none, or none answers to ``spec``.
    """
    try:
        return choose(spec, present)
    except NoSoundCard as error:
        raise MicrophoneMissing(reason="none is connected") from error
    except SoundCardUnknown as error:
        there = ", ".join(device.label for device in present)
        raise MicrophoneMissing(reason=f"'{spec}' is not among: {there}") from error


class Microphone:
    """A ``SoundSource`` from a card. Open only while somebody listens: off costs nothing.

    Args:
        spec: which one; see ``choose_microphone``. None is the default one.
    """

    def __init__(self, spec: str | None = None) -> None:
        self._spec = spec
        self._backlog = Backlog(round(HELD_S * RATE_HZ))

    @property
    def dropped(self) -> int:
        """Samples of the card that came too fast for the loop, so far."""
        return self._backlog.dropped

    async def pieces(self) -> AsyncIterator[Int16Samples]:
        """Yield sound until closed; see ``SoundSource.pieces``."""
        device = choose_microphone(self._spec, await asyncio.to_thread(list_inputs))
        self._backlog = Backlog(round(HELD_S * device.rate_hz))
        converter, health = Converter(device.rate_hz), MicrophoneHealth(RATE_HZ)
        loop, wake, over = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
        stream = await self._opened(device, loop, wake, over)
        _log.debug("the microphone is open: %s", device.label)
        try:
            while True:
                try:
                    async with asyncio.timeout(STALL_S):
                        await wake.wait()
                except TimeoutError:
                    raise MicrophoneLost(device=device.label) from None
                wake.clear()
                if INPUTS.must_close:
                    raise MicrophoneLost(device=device.label)
                for block in self._backlog.take():
                    piece = converter.convert(block)
                    health.hear(piece)
                    if health.dead:
                        raise MicrophoneDead(reason=f"{device.label} gives silence only")
                    if len(piece):
                        yield piece
                if over.is_set():
                    raise MicrophoneLost(device=device.label)
        finally:
            _close(stream)

    async def _opened(
        self,
        device: OutputDevice,
        loop: asyncio.AbstractEventLoop,
        wake: asyncio.Event,
        over: threading.Event,
    ) -> Any:
        """Open on a thread; whoever gives up meanwhile leaves no open microphone behind."""
        opening = asyncio.create_task(asyncio.to_thread(self._open, device, loop, wake, over))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            await asyncio.wait((opening,))
            if not opening.cancelled() and opening.exception() is None:
                _close(opening.result())
            raise

    def _open(
        self,
        device: OutputDevice,
        loop: asyncio.AbstractEventLoop,
        wake: asyncio.Event,
        over: threading.Event,
    ) -> Any:
        def tell() -> None:
            # A loop that has ended has nobody left to tell.
            if not loop.is_closed():
                loop.call_soon_threadsafe(wake.set)

        def on_block(block: Any, *_about: Any) -> None:
            self._backlog.put(block)
            tell()

        def on_finished() -> None:
            over.set()
            tell()

        INPUTS.opening()
        if device.index == NO_INDEX:
            try:
                return AlsaStream(f"plug{device.label}", on_block, on_finished)
            except OSError as error:
                INPUTS.closed()
                raise MicrophoneMissing(reason=f"{device.label}: {error.strerror}") from error
        sounddevice = load_portaudio()
        try:
            stream = sounddevice.InputStream(
                samplerate=device.rate_hz,
                blocksize=0,
                device=device.index,
                channels=min(2, device.channels),
                dtype="float32",
                latency=LATENCY_S,
                callback=on_block,
                finished_callback=on_finished,
            )
            stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            INPUTS.closed()
            raise MicrophoneMissing(reason=f"{device.label}: {error}") from error
        return stream


def _close(stream: Any) -> None:
    # Abort before close, which alone waits for buffers of a card that may be gone.
    stream.abort(ignore_errors=True)
    stream.close(ignore_errors=True)
    INPUTS.closed()
