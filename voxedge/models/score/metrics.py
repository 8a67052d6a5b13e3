"""Distances between a voice and its original, and a judge that needs no original."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnxruntime

Floats = npt.NDArray[np.float32]

MOS_RATE_HZ = 16000
_MOS_SECONDS = 9.01
_MEL_BANDS, _MEL_WINDOW = 80, 1024


class JudgeMissing(Exception):
    """A package that a measure needs is not installed; the message says which."""


@dataclass(frozen=True, slots=True)
class Mos:
    """Predicted mean opinion scores, 1 to 5.

    Attributes:
        overall: overall quality.
        signal: quality of the speech itself.
        background: absence of noise.
    """

    overall: float
    signal: float
    background: float


class Dnsmos:
    """DNSMOS P.835 (Reddy, Gopal and Cutler 2022), with the network from PyPI ``speechmos``.

    A clip is repeated to 9.01 s and judged in windows a second apart, as its authors do.

    Raises:
        JudgeMissing: ``speechmos`` is not installed.
    """

    def __init__(self, threads: int = 1) -> None:
        from importlib.util import find_spec

        import onnxruntime

        spec = find_spec("speechmos")
        if spec is None or spec.origin is None:
            raise JudgeMissing("DNSMOS needs the package speechmos")
        model = Path(spec.origin).parent / "dnsmos_models" / "sig_bak_ovr.onnx"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4
        self._session: onnxruntime.InferenceSession = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, samples: Floats, rate_hz: int) -> Mos:
        """Judge a clip ``float32 [samples]``."""
        import soxr

        clip = np.clip(soxr.resample(samples, rate_hz, MOS_RATE_HZ), -1, 1).astype(np.float32)
        window = int(_MOS_SECONDS * MOS_RATE_HZ)
        if len(clip) < window:
            # Doubling, not tiling: the authors' own way, and the seam's place matters.
            clip = np.tile(clip, 2 ** math.ceil(math.log2(window / max(1, len(clip)))))
        hops = math.floor(len(clip) / MOS_RATE_HZ - _MOS_SECONDS) + 1
        raw = [
            self._session.run(None, {"input_1": clip[None, at : at + window]})[0][0]
            for at in range(0, max(1, hops) * MOS_RATE_HZ, MOS_RATE_HZ)
        ]
        signal, background, overall = np.mean([_calibrated(row) for row in raw], axis=0)
        return Mos(float(overall), float(signal), float(background))


def _calibrated(raw: npt.NDArray[np.float32]) -> tuple[float, float, float]:
    """The published polynomials that map network outputs to opinion scores."""
    signal, background, overall = (float(value) for value in raw)
    return (
        -0.08397278 * signal**2 + 1.22083953 * signal + 0.0052439,
        -0.13166888 * background**2 + 1.60915514 * background - 0.39604546,
        -0.06766283 * overall**2 + 1.11546468 * overall + 0.04602535,
    )


def log_mel_distance(one: Floats, other: Floats, rate_hz: int) -> float:
    """Mean absolute difference of natural-log mel magnitudes (80 bands, 1024 window, 256 hop).

    Both must say the same with the same timing; the longer one is cut.
    """
    count = min(len(one), len(other))
    if count < _MEL_WINDOW:
        return 0.0
    return float(np.mean(np.abs(_log_mel(one[:count], rate_hz) - _log_mel(other[:count], rate_hz))))


def spectrogram(samples: Floats, window: int = 1024, hop: int = 256) -> Floats:
    """Magnitudes ``float32 [frames, window / 2 + 1]`` under a Hann window."""
    if len(samples) < window:
        samples = np.pad(samples, (0, window - len(samples)))
    cut = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    return np.abs(np.fft.rfft(cut * np.hanning(window).astype(np.float32))).astype(np.float32)


def _log_mel(samples: Floats, rate_hz: int) -> Floats:
    mel = spectrogram(samples, _MEL_WINDOW) @ mel_bands(_MEL_WINDOW, _MEL_BANDS, rate_hz)
    return np.asarray(np.log(np.maximum(mel, 1e-4)), dtype=np.float32)


def mel_bands(window: int, bands: int, rate_hz: int) -> Floats:
    """Triangular mel filters ``float32 [window / 2 + 1, bands]`` (O'Shaughnessy's mel scale)."""
    top = 2595 * np.log10(1 + rate_hz / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    f = np.linspace(0, rate_hz / 2, window // 2 + 1)[:, None]
    rising = (f - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - f) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class PitchDifference:
    """How the melody differs.

    Attributes:
        cents: median distance of pitch where both are voiced; 100 cents are a semitone.
        voicing: share of frames where one is voiced and the other not.
    """

    cents: float
    voicing: float


def pitch_difference(one: Floats, other: Floats, rate_hz: int, hop: int) -> PitchDifference:
    """Compare the melody of two renderings with the same timing."""
    from voxedge.models.distil.pitch import track

    count = min(len(one), len(other)) // hop * hop
    first, first_voiced = track(one[:count].astype(np.float64), rate_hz, hop)
    second, second_voiced = track(other[:count].astype(np.float64), rate_hz, hop)
    both = first_voiced & second_voiced
    cents = 1200 * np.abs(np.log2(first[both] / second[both])) if both.any() else np.zeros(1)
    differ = float(np.mean(first_voiced != second_voiced)) if len(first) else 0.0
    return PitchDifference(float(np.median(cents)), differ)


def word_errors(said: list[str], heard: list[str]) -> int:
    """Substitutions, insertions and deletions between two word lists (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for index, word in enumerate(said, 1):
        diagonal, row[0] = row[0], index
        for at, other in enumerate(heard, 1):
            diagonal, row[at] = (
                row[at],
                min(row[at] + 1, row[at - 1] + 1, diagonal + (word != other)),
            )
    return row[-1]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % confidence interval.

    Attributes:
        value: the figure over all sentences.
        low: 2.5 % of resampled figures lie below.
        high: 2.5 % of resampled figures lie above.
    """

    value: float
    low: float
    high: float


def bootstrap(
    values: npt.ArrayLike, over: npt.ArrayLike | None = None, rounds: int = 2000, seed: int = 0
) -> Interval:
    """Percentile bootstrap over sentences (Efron 1979).

    Args:
        values: one number for each sentence, or several as rows ``[sentences, 2]`` of a
            candidate and its reference: then the figure is candidate less reference.
        over: weights to divide by; the figure is then a ratio of sums (errors over words). None
            for a plain mean.
        rounds: resamplings.
        seed: makes the interval reproducible.
    """
    v = np.asarray(values, dtype=np.float64)
    if v.ndim == 2:
        v = v[:, 0] - v[:, 1]
    w = np.ones(len(v)) if over is None else np.asarray(over, dtype=np.float64)
    picks = np.random.default_rng(seed).integers(0, len(v), (rounds, len(v)))
    draws = v[picks].sum(axis=1) / np.maximum(w[picks].sum(axis=1), 1e-12)
    low, high = np.percentile(draws, [2.5, 97.5])
    return Interval(float(v.sum() / max(w.sum(), 1e-12)), float(low), float(high))


def bootstrap_ratio(
    candidate: npt.ArrayLike, reference: npt.ArrayLike, rounds: int = 2000, seed: int = 0
) -> Interval:
    """Ratio of two means over the same sentences, resampled in pairs."""
    c, r = np.asarray(candidate, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    picks = np.random.default_rng(seed).integers(0, len(c), (rounds, len(c)))
    draws = c[picks].sum(axis=1) / r[picks].sum(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return Interval(float(c.sum() / r.sum()), float(low), float(high))
