"""A recording as a source of sound for a recogniser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxedge.audio.capture import RATE_HZ, Converter
from voxedge.audio.microphone_level import DEAD_RANGE
from voxedge.errors import InputMissing, MicrophoneDead, SoundUnusable

if TYPE_CHECKING:
    import numpy.typing as npt

LOWEST_HZ = 8_000
LONGEST_S = 3600.0
PIECE = RATE_HZ // 10


def read_speech(path: Path) -> npt.NDArray[np.int16]:
    """Return a recording as 16 kHz mono ``int16`` ``[n]``. Blocking.

    Raises:
        InputMissing: there is no such file.
        SoundUnusable: no sound file, empty, below 8 kHz, or longer than an hour.
    """
    import soundfile

    if not path.is_file():
        raise InputMissing(path=path)
    try:
        facts = soundfile.info(str(path))
        if facts.samplerate < LOWEST_HZ:
            reason = f"{facts.samplerate} samples a second are too few; speech needs 8000"
            raise SoundUnusable(path=path, reason=reason)
        if facts.duration > LONGEST_S:
            raise SoundUnusable(path=path, reason="it is longer than an hour")
        samples, rate_hz = soundfile.read(str(path), dtype="float32")
    except soundfile.LibsndfileError as error:
        raise SoundUnusable(path=path, reason="it is no sound file that can be read") from error
    if not len(samples):
        raise SoundUnusable(path=path, reason="it is empty")
    return Converter(rate_hz).convert(samples, last=True)


class SoundFile:
    """A ``SoundSource`` from a file, as fast as it is taken.

    Args:
        path: of the recording.

    Raises:
        InputMissing, SoundUnusable: see ``read_speech``.
    """

    def __init__(self, path: Path) -> None:
        self._samples = read_speech(path)

    async def pieces(self) -> AsyncIterator[npt.NDArray[np.int16]]:
        """Yield pieces of 100 ms; see ``SoundSource.pieces``."""
        if int(np.ptp(self._samples.astype(np.int32))) <= DEAD_RANGE:
            raise MicrophoneDead(reason="the recording is silent")
        for start in range(0, len(self._samples), PIECE):
            yield self._samples[start : start + PIECE]
