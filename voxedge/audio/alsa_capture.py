"""A microphone straight from ALSA, for cards that came after PortAudio was started.

PortAudio's list is frozen when it starts, and it cannot be started anew while the loudspeaker is
open, which on this device is always. The kernel's own table is never stale
(``/proc/asound/pcm``), and ALSA opens any card by its id; its ``plug`` gives 16 kHz mono of
whatever the card has.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxedge.audio.devices import OutputDevice

if TYPE_CHECKING:
    import numpy.typing as npt

    Block = npt.NDArray[np.float32]

ALSA_PCM = Path("/proc/asound/pcm")

RATE_HZ = 16_000
BLOCK = 512
LATENCY_US = 50_000
WAIT_MS = 200
"""How soon the reading thread notices that nobody wants it any more."""

_LINE = re.compile(r"^(\d+)-(\d+): (.*)$", re.MULTILINE)
_CAPTURE, _S16_LE, _INTERLEAVED = 1, 2, 3
"""ALSA's numbers: ``SND_PCM_STREAM_CAPTURE``, ``SND_PCM_FORMAT_S16_LE``, ``..._RW_INTERLEAVED``."""

NO_INDEX = -1
"""Of a device that PortAudio does not know."""


def late_inputs(
    known: Sequence[OutputDevice], table: str, cards: Mapping[int, str]
) -> tuple[OutputDevice, ...]:
    """Return the microphones of the kernel's table that are not known.

    Args:
        known: PortAudio's.
        table: text of ``/proc/asound/pcm``.
        cards: card number to id, of ``/proc/asound/cards``.
    """
    there = {(device.card_id, device.device) for device in known}
    found = []
    for card, device, about in _LINE.findall(table):
        card_id, fields = cards.get(int(card)), [part.strip() for part in about.split(":")]
        if card_id is None or not any(field.startswith("capture") for field in fields):
            continue
        if (card_id, int(device)) not in there:
            found.append(
                OutputDevice(NO_INDEX, fields[0] or card_id, card_id, int(device), 1, RATE_HZ)
            )
    return tuple(found)


class AlsaStream:
    """An open microphone; has what ``Microphone`` needs of a ``sounddevice.InputStream``.

    Args:
        name: of ALSA ("plughw:CARD=Device,DEV=0").
        on_block: gets ``float32`` ``[n]``, 16 kHz, on this stream's own thread.
        on_finished: called there when the card has gone.
        library: ALSA's; None for the one of this machine.

    Raises:
        OSError: it cannot be opened: busy, gone, or ALSA is not installed.
    """

    def __init__(
        self,
        name: str,
        on_block: Callable[[Block], None],
        on_finished: Callable[[], None],
        library: Any = None,
    ) -> None:
        self._alsa = library or _load()
        self._on_block = on_block
        self._on_finished = on_finished
        self._over = threading.Event()
        self._pcm = ctypes.c_void_p()
        self._must(self._alsa.snd_pcm_open(ctypes.byref(self._pcm), name.encode(), _CAPTURE, 0))
        try:
            self._must(
                self._alsa.snd_pcm_set_params(
                    self._pcm, _S16_LE, _INTERLEAVED, 1, RATE_HZ, 1, LATENCY_US
                )
            )
            self._must(self._alsa.snd_pcm_start(self._pcm))
        except OSError:
            self._alsa.snd_pcm_close(self._pcm)
            raise
        self._thread = threading.Thread(target=self._read, name="microphone", daemon=True)
        self._thread.start()

    def abort(self, ignore_errors: bool = True) -> None:
        """Take no more sound."""
        self._over.set()

    def close(self, ignore_errors: bool = True) -> None:
        """Free the card. Blocking: up to ``WAIT_MS``. Not on the stream's own thread."""
        self._over.set()
        self._thread.join(10 * WAIT_MS / 1000)

    def _read(self) -> None:
        buffer = (ctypes.c_int16 * BLOCK)()
        try:
            while not self._over.is_set():
                ready = self._alsa.snd_pcm_wait(self._pcm, WAIT_MS)
                if ready == 0:
                    continue
                got = self._alsa.snd_pcm_readi(self._pcm, buffer, BLOCK) if ready > 0 else ready
                # An overrun is mended; a card that was pulled out is not.
                if got < 0 and self._alsa.snd_pcm_recover(self._pcm, int(got), 1) < 0:
                    return
                if got > 0:
                    samples = np.ctypeslib.as_array(buffer)[: int(got)]
                    self._on_block(samples.astype(np.float32) / np.float32(32768.0))
        finally:
            self._alsa.snd_pcm_close(self._pcm)
            self._on_finished()

    def _must(self, code: int) -> None:
        if code < 0:
            raise OSError(-code, self._alsa.snd_strerror(code).decode(errors="replace"))


def _load() -> Any:
    """Return ALSA's library, its functions typed.

    Raises:
        OSError: it is not on this machine.
    """
    alsa = ctypes.CDLL(ctypes.util.find_library("asound") or "libasound.so.2")
    pointer, number, unsigned = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint
    alsa.snd_pcm_open.argtypes = [ctypes.POINTER(pointer), ctypes.c_char_p, number, number]
    alsa.snd_pcm_set_params.argtypes = [
        pointer, number, number, unsigned, unsigned, number, unsigned
    ]  # fmt: skip
    alsa.snd_pcm_start.argtypes = [pointer]
    alsa.snd_pcm_wait.argtypes = [pointer, number]
    alsa.snd_pcm_readi.argtypes = [pointer, pointer, ctypes.c_ulong]
    alsa.snd_pcm_readi.restype = ctypes.c_long
    alsa.snd_pcm_recover.argtypes = [pointer, number, number]
    alsa.snd_pcm_close.argtypes = [pointer]
    alsa.snd_strerror.argtypes = [number]
    alsa.snd_strerror.restype = ctypes.c_char_p
    return alsa
