"""The log mel spectrogram that Whisper was trained on (Radford et al. 2022, section 2.2)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Float32 = npt.NDArray[np.float32]

RATE_HZ = 16_000
WINDOW = 400
HOP = 160
BANDS = 80

_LINEAR_HZ = 1000.0
_STEP_HZ = 200.0 / 3.0
_LOG_STEP = np.log(6.4) / 27.0
"""Slaney's mel scale: linear to 1 kHz, 27 steps to each factor of 6.4 above."""


def log_mel(samples: Float32) -> Float32:
    """Return ``float32`` ``[frames, BANDS]``, a frame every 10 ms, of ``float32`` ``[n]``, ±1.

    Frames are centred: frame ``k`` looks at 25 ms around sample ``160 * k``.
    """
    padded = np.pad(samples, WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][: len(samples) // HOP]
    spectrum = np.fft.rfft(frames * _window(), axis=1)
    power = np.square(np.abs(spectrum)).astype(np.float32)
    levels = np.log10(np.maximum(power @ filters(), 1e-10))
    levels = np.maximum(levels, float(levels.max(initial=-10.0)) - 8.0)
    return np.asarray((levels + 4.0) / 4.0, dtype=np.float32)


@cache
def _window() -> Float32:
    """Return Hann's, periodic."""
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


@cache
def filters() -> Float32:
    """Return the triangles of equal area, ``float32`` ``[WINDOW / 2 + 1, BANDS]``."""
    hz = np.fft.rfftfreq(WINDOW, 1.0 / RATE_HZ)
    edges = _to_hz(np.linspace(0.0, _to_mel(RATE_HZ / 2.0), BANDS + 2))
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (hz[:, None] - low) / (middle - low)
    falling = (high - hz[:, None]) / (high - middle)
    triangles = np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (high - low)
    return np.asarray(triangles, dtype=np.float32)


def _to_mel(hz: float) -> float:
    return float(_LINEAR_HZ / _STEP_HZ + np.log(hz / _LINEAR_HZ) / _LOG_STEP)


def _to_hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    start = _LINEAR_HZ / _STEP_HZ
    curved = _LINEAR_HZ * np.exp(_LOG_STEP * (mel - start))
    return np.where(mel < start, mel * _STEP_HZ, curved)
