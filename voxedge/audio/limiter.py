"""Loudness without clipping: a memoryless soft limiter.

No look-ahead and no state: it adds no delay to a stop, cannot pump between words and gives the
same sample for the same input whichever block it falls in. Below the knee it is the identity, so
speech at normal level passes untouched; above it the curve bends (tanh) towards full scale and
never reaches it. The price is harmonic distortion of peaks that are turned up beyond the knee,
which on speech is heard as "loud", where clipping is heard as "broken".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from voxedge.flow import FloatSamples

KNEE = 0.8
"""-1.9 dBFS: a voice normalised to -3 dBFS peaks is never touched at volume 1."""

CEILING = 0.999
"""Below full scale by more than one step of 16 bits, so that rounding cannot wrap."""


def limit(samples: FloatSamples) -> None:
    """Bend what lies above the knee, in place.

    Args:
        samples: ``float32`` ``[n]``, any level. Values that are not finite become silence: an
            engine's garbage must never reach a loudspeaker at full scale.
    """
    magnitude = np.abs(samples)
    # ``not <=`` also catches NaN, which compares false with everything.
    loud = ~(magnitude <= KNEE)
    if not loud.any():
        return
    room = CEILING - KNEE
    peaks = magnitude[loud]
    # Beyond 10 the curve is flat; without the bound a garbage of 1e38 overflows.
    bent = KNEE + room * np.tanh((np.minimum(peaks, 10.0) - KNEE) / room)
    samples[loud] = np.where(np.isfinite(peaks), np.copysign(bent, samples[loud]), 0.0)
