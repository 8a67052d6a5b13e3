"""To the sample rate of the device, chunk by chunk, with libsoxr (Robin et al., via ``soxr``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from voxedge.flow import FloatSamples

QUALITY = "HQ"
"""soxr's own default: 20 bits, pass band to 0.91 of Nyquist. On the development machine MQ and HQ
cost the same for 22.05 to 48 kHz (0.0002 s of CPU per second of speech)."""


class StreamResampler:
    """One utterance from one rate to another; make a new one for the next utterance.

    Equal rates pass through untouched. Not thread-safe.

    Args:
        from_hz: of the engine.
        to_hz: of the device.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream: Any = None
        if from_hz != to_hz:
            import soxr

            self._stream = soxr.ResampleStream(
                from_hz, to_hz, num_channels=1, dtype="float32", quality=QUALITY
            )

    def process(self, samples: FloatSamples, *, last: bool = False) -> FloatSamples:
        """Return what is ready, ``float32`` ``[m]``; everything that is left when ``last``.

        The output of a whole utterance is ``n * to_hz / from_hz`` samples to within one. The
        filter holds back about 20 ms until the end; that is input, not time: engines deliver far
        faster than speech.
        """
        if self._stream is None:
            return samples
        ready = self._stream.resample_chunk(np.ascontiguousarray(samples), last=last)
        return np.asarray(ready, dtype=np.float32)


def resample(samples: FloatSamples, from_hz: int, to_hz: int) -> FloatSamples:
    """Return a whole sound at another rate."""
    return StreamResampler(from_hz, to_hz).process(samples, last=True)
