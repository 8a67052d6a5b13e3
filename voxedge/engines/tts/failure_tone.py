"""The sound of last resort: made by arithmetic, needing no engine, file or child process."""

from __future__ import annotations

import numpy as np

from voxedge.flow import PcmChunk

_TONES_HZ = (523.25, 415.30, 311.13)
"""C5, A flat 4, E flat 4: falling, unlike any other signal of the device."""

_TONE_S = 0.16
_EDGE_S = 0.012


def failure_tone(rate_hz: int) -> PcmChunk:
    """Three falling tones, half a second in all, at -12 dB full scale.

    Args:
        rate_hz: samples a second.
    """
    count = int(rate_hz * _TONE_S)
    time_s = np.arange(count) / rate_hz
    edge = np.minimum(1.0, np.minimum(time_s, time_s[::-1]) / _EDGE_S)
    tones = [0.25 * edge * np.sin(2 * np.pi * hertz * time_s) for hertz in _TONES_HZ]
    return PcmChunk(np.concatenate(tones).astype(np.float32), rate_hz)
