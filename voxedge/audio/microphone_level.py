"""Is the microphone alive, and how loud is it? Pure arithmetic on samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Int16Samples = npt.NDArray[np.int16]

FULL_SCALE = 32768.0
DEAD_AFTER_S = 2.0
"""Of samples that do not move. The quietest room still moves the last bit of a live converter."""

DEAD_RANGE = 2
"""Peak to peak, in steps of 16 bits: a constant, or the flicker of a muted converter."""

CLIPPED_AT = 32700
CLIPPED_SHARE = 0.02
"""Of the samples of a second of speech; a plosive now and then clips for less."""


@dataclass(frozen=True, slots=True)
class Level:
    """How loud a piece of sound is.

    Attributes:
        rms_dbfs: of its power; -120 for silence.
        peak_dbfs: of its largest sample.
        clipped: share of its samples at full scale, 0 to 1.
    """

    rms_dbfs: float
    peak_dbfs: float
    clipped: float


def level_of(samples: Int16Samples) -> Level:
    """Measure ``int16`` ``[n]``; an empty piece is silent."""
    if not len(samples):
        return Level(-120.0, -120.0, 0.0)
    size = np.abs(samples.astype(np.float64))
    return Level(
        _db(float(np.sqrt(np.mean(np.square(size))))),
        _db(float(size.max())),
        float(np.mean(size >= CLIPPED_AT)),
    )


def _db(amplitude: float) -> float:
    return max(-120.0, 20.0 * math.log10(amplitude / FULL_SCALE)) if amplitude > 0 else -120.0


class MicrophoneHealth:
    """Finds out that a microphone is dead, or driven into clipping.

    Args:
        rate_hz: of the samples.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._still = 0
        self._low = self._high = 0
        self._clipped = 0
        self._seen = 0

    def hear(self, samples: Int16Samples) -> None:
        """Take the next samples."""
        if not len(samples):
            return
        low, high = int(samples.min()), int(samples.max())
        if self._still:
            low, high = min(low, self._low), max(high, self._high)
        if high - low <= DEAD_RANGE:
            self._low, self._high = low, high
            self._still += len(samples)
        else:
            self._still = 0
        # A leaky count over a second: old clipping is forgiven.
        keep = max(0.0, 1.0 - len(samples) / self._rate_hz)
        clipped = int(np.count_nonzero(np.abs(samples.astype(np.int32)) >= CLIPPED_AT))
        self._clipped = int(self._clipped * keep) + clipped
        self._seen = min(self._rate_hz, self._seen + len(samples))

    @property
    def dead(self) -> bool:
        """Nothing has moved for ``DEAD_AFTER_S``."""
        return self._still >= DEAD_AFTER_S * self._rate_hz

    @property
    def clipping(self) -> bool:
        """Much of the last second is at full scale."""
        return self._clipped > CLIPPED_SHARE * self._rate_hz
