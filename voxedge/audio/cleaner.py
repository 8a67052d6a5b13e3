"""Gain control and noise suppression before a recogniser, behind a small protocol.

Off by default. ``voxedge bench hearing --cleaner`` counts the commands that pocketsphinx
understands (28 clips): noise suppression costs some at every ratio (89 to 71 % at 20 dB, 32 to 21 %
at 5 dB); gain alone costs nothing at 20 dB, some at 5 dB (25 %), and helps who is far away (61 to
82 % at 30 dB below).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from voxedge.errors import RecogniserMissing

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxedge.audio.capture import SoundSource

    Int16Samples = npt.NDArray[np.int16]

RATE_HZ = 16_000
STEP = RATE_HZ // 100
"""Samples that WebRTC takes at once: 10 ms."""

AUTO_GAIN_DBFS = 3
"""Target level below full scale."""

NOISE_SUPPRESSION = 2
"""0 (off) to 4; from 3 on it eats consonants."""


class Cleaner(Protocol):
    """Makes speech clearer, piece by piece; one for one stream."""

    def clean(self, samples: Int16Samples) -> Int16Samples:
        """Take ``int16`` ``[n]`` at 16 kHz; return what is ready, of about the same length."""
        ...


class WebrtcCleaner:
    """WebRTC's automatic gain control and noise suppression; holds back less than 10 ms.

    Args:
        auto_gain_dbfs: target level below full scale, 1 to 31; 0 leaves the level alone.
        noise_suppression: 0 (off) to 4.

    Raises:
        RecogniserMissing: the package is not installed.
    """

    def __init__(
        self, auto_gain_dbfs: int = AUTO_GAIN_DBFS, noise_suppression: int = NOISE_SUPPRESSION
    ) -> None:
        try:
            from webrtc_noise_gain import AudioProcessor
        except ImportError as error:
            raise RecogniserMissing(
                language="any", reason="pip install 'voxedge[hearing]'"
            ) from error
        self._processor: Any = AudioProcessor(auto_gain_dbfs, noise_suppression)
        self._rest: Int16Samples = np.zeros(0, dtype=np.int16)

    def clean(self, samples: Int16Samples) -> Int16Samples:
        """See ``Cleaner.clean``."""
        sound = np.concatenate([self._rest, samples])
        whole = len(sound) // STEP * STEP
        self._rest = sound[whole:]
        cleaned = [
            self._processor.Process10ms(sound[i : i + STEP].tobytes()).audio
            for i in range(0, whole, STEP)
        ]
        return np.frombuffer(b"".join(cleaned), dtype=np.int16)


class CleanedSource:
    """A ``SoundSource`` heard through a cleaner.

    Args:
        source: where the sound comes from.
        make: makes the cleaner of one session.
    """

    def __init__(self, source: SoundSource, make: Callable[[], Cleaner]) -> None:
        self._source = source
        self._make = make

    async def pieces(self) -> AsyncIterator[Int16Samples]:
        """Yield cleaned sound; see ``SoundSource.pieces``."""
        cleaner = self._make()
        pieces = self._source.pieces()
        assert isinstance(pieces, AsyncGenerator)
        async with aclosing(pieces):
            async for piece in pieces:
                cleaned = cleaner.clean(piece)
                if len(cleaned):
                    yield cleaned


CLEANERS: Mapping[str, tuple[int, int]] = {
    "gain": (AUTO_GAIN_DBFS, 0),
    "webrtc": (AUTO_GAIN_DBFS, NOISE_SUPPRESSION),
}
"""What the setting ``hearing.cleaner`` may be besides "off": gain and noise suppression."""


def cleaned(source: SoundSource, name: str) -> SoundSource:
    """Return the source as the setting ``hearing.cleaner`` wants it: "off" or one of ``CLEANERS``.

    Raises:
        RecogniserMissing: the package is not installed.
    """
    if name == "off":
        return source
    gain_dbfs, suppression = CLEANERS[name]
    WebrtcCleaner(gain_dbfs, suppression)  # A missing package is told now, not at the first word.
    return CleanedSource(source, lambda: WebrtcCleaner(gain_dbfs, suppression))
