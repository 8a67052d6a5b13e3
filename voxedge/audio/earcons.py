"""Short sounds that say a state faster than words: one for "ready", one for "something failed".

Pure synthesis, no files. Rising means well, falling means not: that is read without learning
(Blattner, Sumikawa & Greenberg, "Earcons and icons", 1989). Both lie at 500-1100 Hz, where a
small loudspeaker is loud and where hearing stays good with age.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from voxedge.audio.fades import fade_in, fade_out, frames_of, silence

if TYPE_CHECKING:
    from voxedge.flow import FloatSamples

_LEVEL = 0.35
"""-9 dBFS: clearly heard over speech at -3 dBFS peaks, never startling."""


class Earcon(Enum):
    """What is said by a sound. The value is its notes: (frequency in Hz, length in ms)."""

    READY = ((587.3, 70.0), (880.0, 110.0))
    """A rising fifth (D5, A5)."""
    ERROR = ((659.3, 110.0), (523.3, 190.0))
    """A falling third (E5, C5), slower."""


def render(earcon: Earcon, rate_hz: int) -> FloatSamples:
    """Return the sound, ``float32`` ``[n]``, peaks at -9 dBFS, faded at every edge."""
    parts: list[FloatSamples] = []
    for frequency_hz, length_ms in earcon.value:
        parts += [_note(frequency_hz, length_ms, rate_hz), silence(15.0, rate_hz)]
    return np.concatenate(parts[:-1])


def _note(frequency_hz: float, length_ms: float, rate_hz: int) -> FloatSamples:
    """A soft bell: the tone, its octave at a quarter of the level, a decay."""
    seconds = np.arange(frames_of(length_ms, rate_hz)) / rate_hz
    turns = 2.0 * np.pi * frequency_hz * seconds
    tone = 0.8 * np.sin(turns) + 0.2 * np.sin(2.0 * turns)
    bell = _LEVEL * tone * np.exp(-3.0 * seconds * 1000.0 / length_ms)
    edge = frames_of(5.0, rate_hz)
    return fade_out(fade_in(bell.astype(np.float32), edge), 4 * edge)
