"""Fades and silence: every edge of sound goes through one of these, so that nothing clicks.

The curve is a raised cosine (half a Hann window): its slope is zero at both ends, so a fade of
8 ms has no corner that could be heard as a tick, where a linear ramp of the same length has two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from voxedge.flow import FloatSamples

FADE_MS = 8.0
"""Long enough not to click (5 ms is heard as one on a loud vowel), short beside the 60 ms in
which a stop must be silent."""


def frames_of(duration_ms: float, rate_hz: int) -> int:
    """Return the whole number of frames nearest to a duration."""
    return round(duration_ms * rate_hz / 1000.0)


def silence(duration_ms: float, rate_hz: int) -> FloatSamples:
    """Return ``float32`` zeros of that length, ``[n]``."""
    return np.zeros(max(0, frames_of(duration_ms, rate_hz)), dtype=np.float32)


def curve(frames: int) -> FloatSamples:
    """Return the rising half of a Hann window, ``float32`` ``[frames + 1]``: first 0, last 1."""
    phase = np.linspace(0.0, np.pi, max(1, frames) + 1)
    return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)


def fade_in(samples: FloatSamples, frames: int) -> FloatSamples:
    """Return a copy whose first ``frames`` (or fewer, if shorter) rise from silence."""
    faded = samples.copy()
    count = min(frames, len(faded))
    if count:
        faded[:count] *= curve(count)[:-1]
    return faded


def fade_out(samples: FloatSamples, frames: int) -> FloatSamples:
    """Return a copy whose last ``frames`` (or fewer, if shorter) fall to silence."""
    faded = samples.copy()
    count = min(frames, len(faded))
    if count:
        faded[-count:] *= curve(count)[:-1][::-1]
    return faded


class EdgeFades:
    """Fade the first and the last frames of an utterance that arrives in chunks.

    The last frames are held back until it is known whether more follows.
    """

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._rise = curve(frames)[:-1]
        self._risen = 0
        self._held: FloatSamples = np.zeros(0, dtype=np.float32)

    def process(self, samples: FloatSamples, *, last: bool) -> FloatSamples:
        """Return what is ready, ``float32`` ``[m]``; everything, faded out, when ``last``."""
        joined = np.concatenate([self._held, samples])
        new = joined[len(self._held) :]
        count = min(self._frames - self._risen, len(new))
        new[:count] *= self._rise[self._risen : self._risen + count]
        self._risen += count
        if last:
            self._held = joined[:0]
            return fade_out(joined, self._frames)
        keep = min(self._frames, len(joined))
        self._held = joined[len(joined) - keep :]
        return joined[: len(joined) - keep]
