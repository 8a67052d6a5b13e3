"""The pitch of clean synthetic speech, and the instants of its glottal pulses. numpy only.

Made for the teacher's speech: no noise, one speaker, always the same gain. Autocorrelation
candidates under a Viterbi search for continuity (as in Talkin 1995) give the pitch of each frame;
the fundamental of the half-wave rectified signal tells about where each period's pulse is, and the
sharpest negative peak near that place is the instant of glottal closure.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxedge.engines.tts.harmonic import add_pulses

Samples = npt.NDArray[np.float64]

_CANDIDATES_HZ = np.exp(np.linspace(np.log(62), np.log(400), 128))
_VOICED_STRENGTH = 0.33
"""Normalised autocorrelation, less the penalty for long periods, above which a frame is voiced."""
_JUMP_COST = 5.0
"""Cost of one natural-log unit of pitch change between frames. With 24 a level path an octave too
high wins over the true melody (seen in one utterance of twenty)."""
_UNUSUAL_COST = 0.12
"""Cost of an octave above or below the voice's usual pitch."""
_LONG_PERIOD_PENALTY = 0.08
_SNAP = 0.18
"""Share of a period in which a pulse is searched around its expected place."""
_QUIET_ENERGY = 2e-2
_WINDOW_S = 1024 / 22050
"""Three periods of the lowest pitch."""


@dataclass(frozen=True, slots=True)
class Pitch:
    """Pitch and pulses of one utterance.

    Attributes:
        hz: pitch of each frame ``float32 [frames]``, carried through where there is none.
        voiced: ``bool [frames]``.
        excitation: pulse train ``float32 [frames * hop]``.
    """

    hz: npt.NDArray[np.float32]
    voiced: npt.NDArray[np.bool_]
    excitation: npt.NDArray[np.float32]


def analyse(
    samples: npt.NDArray[np.floating], rate_hz: int, hop: int, usual_hz: float | None = None
) -> Pitch:
    """Find pitch and pulses; frame ``t`` is centred on sample ``t * hop + hop / 2``.

    Args:
        samples: ``[frames * hop]``.
        rate_hz: samples a second.
        hop: samples for each frame.
        usual_hz: the voice's usual pitch, from ``usual_pitch``, if it is known.
    """
    x = np.asarray(samples, dtype=np.float64)
    hz, voiced = track(x, rate_hz, hop, usual_hz)
    cycles, hz = _cycles(x, hz, voiced, rate_hz, hop)
    excitation = np.zeros(len(x))
    # Half a radian early, so that no pulse sits on the very edge of a wrap.
    add_pulses(excitation, cycles + 0.5 / (2 * np.pi), 0, 4 * hop)
    return Pitch(hz.astype(np.float32), voiced, excitation.astype(np.float32))


def usual_pitch(tracks: Iterable[tuple[Samples, npt.NDArray[np.bool_]]]) -> float | None:
    """Median pitch of what is voiced in some utterances; None if nothing is."""
    voiced = [hz[is_voiced] for hz, is_voiced in tracks if is_voiced.any()]
    return float(np.median(np.concatenate(voiced))) if voiced else None


def track(
    x: Samples, rate_hz: int, hop: int, usual_hz: float | None = None
) -> tuple[Samples, npt.NDArray[np.bool_]]:
    """Pitch in Hz and voicing of each frame."""
    frames = len(x) // hop
    if not frames:
        return np.zeros(0), np.zeros(0, dtype=bool)
    strength, energy = _strength(_filtered(x, rate_hz, 70.0, 1100.0), rate_hz, hop, frames)
    if usual_hz is not None:
        strength -= _UNUSUAL_COST * np.abs(np.log2(_CANDIDATES_HZ / usual_hz))
    path = _viterbi(strength, energy)
    picked = strength[np.arange(frames), path]
    loud = (picked > _VOICED_STRENGTH) & (energy > _QUIET_ENERGY)
    voiced = np.convolve(loud, [1, 1, 1], "same") > 1
    voiced = voiced[:frames]
    hz = _CANDIDATES_HZ[path]
    at = np.flatnonzero(voiced)
    if len(at) > 2:
        hz = np.exp(np.interp(np.arange(frames), at, np.log(hz[at])))
    return hz, voiced


def _strength(
    x: Samples, rate_hz: int, hop: int, frames: int
) -> tuple[Samples, npt.NDArray[np.float64]]:
    """Autocorrelation at each candidate's period, corrected for the window, and frame energy."""
    size = 2 * round(rate_hz * _WINDOW_S / 2)
    window = np.hanning(size)
    padded = np.pad(x, (size // 2 - hop // 2, size))
    cut = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:frames] * window
    spread = np.fft.irfft(np.abs(np.fft.rfft(cut, 2 * size)) ** 2)[:, :size]
    taper = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * size)) ** 2)[:size]
    energy = spread[:, 0]
    spread = spread / (energy[:, None] + 1e-9) / np.maximum(taper / taper[0], 0.05)
    period = rate_hz / _CANDIDATES_HZ
    low = period.astype(int)
    share = period - low
    strength = spread[:, low] * (1 - share) + spread[:, low + 1] * share
    return strength - _LONG_PERIOD_PENALTY * period / period.max(), energy


def _viterbi(strength: Samples, energy: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    jump = _JUMP_COST * np.abs(np.log(_CANDIDATES_HZ)[:, None] - np.log(_CANDIDATES_HZ))
    # Quiet frames weigh less: 30 dB below a frame of unit energy and less count nothing.
    weight = np.clip(10 * np.log10(energy + 1e-9) + 30, 0, 30) / 30
    frames, count = strength.shape
    score = strength[0].copy()
    came_from = np.zeros((frames, count), dtype=np.int64)
    for t in range(1, frames):
        options = score[None, :] - jump
        came_from[t] = options.argmax(axis=1)
        score = options[np.arange(count), came_from[t]] + strength[t] * weight[t]
    path = np.zeros(frames, dtype=np.int64)
    path[-1] = score.argmax()
    for t in range(frames - 1, 0, -1):
        path[t - 1] = came_from[t][path[t]]
    return path


def _cycles(
    x: Samples, hz: Samples, voiced: npt.NDArray[np.bool_], rate_hz: int, hop: int
) -> tuple[Samples, Samples]:
    """Phase in cycles, whole at each pulse, and the pitch of each frame that the pulses give.

    The phase begins with the sample before the first.
    """
    count = len(x)
    times = np.arange(count)
    centres = np.arange(len(hz)) * hop + hop // 2
    hz_at = np.interp(times, centres, hz) if len(hz) else np.full(count, 100.0)
    rough = np.cumsum(hz_at) / rate_hz
    if voiced.sum() < 4:
        return np.r_[0.0, rough], hz
    inverted = -_filtered(x, rate_hz, 150.0, rate_hz)
    marks = _marks(inverted, rough, hz_at, np.interp(times, centres, voiced) > 0.5, rate_hz)
    if len(marks) < 3:
        return np.r_[0.0, rough], hz
    marks = _all_periods(marks, hz_at, rate_hz)
    cycles = np.interp(np.arange(-1, count), marks, np.arange(len(marks)))
    middle = (marks[1:] + marks[:-1]) / 2
    periods = np.convolve(np.pad(np.diff(marks), 1, "edge"), [0.25, 0.5, 0.25], "valid")
    return cycles, rate_hz / np.interp(centres, middle, periods)


def _marks(
    inverted: Samples, rough: Samples, hz_at: Samples, voiced: npt.NDArray[np.bool_], rate_hz: int
) -> Samples:
    """Instants of the pulses of voiced runs, to a fraction of a sample."""
    count = len(inverted)
    sharp = np.maximum(inverted, 0) ** 1.5
    fundamental = _smoothed(sharp * np.exp(-2j * np.pi * rough), 600)
    edges = np.flatnonzero(np.diff(np.r_[0, voiced.astype(int), 0])).reshape(-1, 2)
    marks: list[float] = []
    for begin, end in edges:
        angle = np.unwrap(np.angle(fundamental[begin:end:32])) / (2 * np.pi)
        run = np.arange(end - begin)
        cycles = rough[begin:end] + np.interp(run, np.arange(len(angle)) * 32, angle)
        for place in np.flatnonzero(np.diff(np.floor(cycles))) + 1 + begin:
            period = rate_hz / hz_at[place]
            reach = int(_SNAP * period)
            low = max(0, place - reach)
            peak = low + int(inverted[low : place + reach + 1].argmax())
            if not 0 < peak < count - 1:
                continue
            at = peak + _vertex(*inverted[peak - 1 : peak + 2])
            if not marks or at - marks[-1] > 0.55 * period:
                marks.append(at)
    return np.array(marks)


def _all_periods(marks: Samples, hz_at: Samples, rate_hz: int) -> Samples:
    """Marks for the whole utterance: pauses between runs in equal periods, both ends run on."""
    count = len(hz_at)

    def period(place: float) -> float:
        return float(rate_hz / hz_at[min(max(int(place), 0), count - 1)])

    full: list[float] = []
    for left, right in itertools.pairwise(marks):
        parts = max(1, round((right - left) / period((left + right) / 2)))
        full += [left + (right - left) * part / parts for part in range(parts)]
    full.append(float(marks[-1]))
    while full[-1] < count:
        full.append(full[-1] + period(full[-1]))
    before = [float(marks[0])]
    while before[-1] > -1:
        before.append(before[-1] - period(before[-1]))
    return np.array(before[:0:-1] + full)


def _vertex(left: float, middle: float, right: float) -> float:
    """Where between -0.5 and 0.5 the parabola through three samples has its top."""
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0


def _filtered(x: Samples, rate_hz: int, low_hz: float, high_hz: float) -> Samples:
    """Zero-phase band-pass with second-order Butterworth magnitudes, applied to the spectrum."""
    size = 1 << int(np.ceil(np.log2(len(x) + 4096)))
    f = np.fft.rfftfreq(size, 1 / rate_hz)
    gain = 1 / (1 + (low_hz / np.maximum(f, 1e-3)) ** 4) / (1 + (f / high_hz) ** 4)
    return np.asarray(np.fft.irfft(np.fft.rfft(x, size) * gain, size)[: len(x)])


def _smoothed(x: npt.NDArray[np.complex128], size: int) -> npt.NDArray[np.complex128]:
    """Convolution with a Hann window of unit sum."""
    window = np.hanning(size + 2)[1:-1]
    length = 1 << int(np.ceil(np.log2(len(x) + size)))
    product = np.fft.fft(x, length) * np.fft.fft(window / window.sum(), length)
    begin = (size - 1) // 2
    return np.asarray(np.fft.ifft(product)[begin : begin + len(x)])
