"""Give a trained student back the liveliness that distances take away.

A network that learns by distances says the middle of what may come, so its levels vary less over
time than the teacher's: breath and fricatives are too quiet, pauses within them not quiet enough.
Widening the level of the free spectrum around its mean over time undoes it (global variance, Toda
and Tokuda 2007). It is a factor in the last layer and costs nothing when speaking.

How far: where DNSMOS likes it best, but no further than the log-mel distance to the teacher lets.
That falls at first and then rises; without it a judge's taste for contrast would decide alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxedge.engines.tts.harmonic import HarmonicSynthesis
from voxedge.models.distil.network import make_student, require_torch
from voxedge.models.distil.shape import StudentShape, Weights
from voxedge.models.score.metrics import log_mel_distance

if TYPE_CHECKING:
    from voxedge.models.distil.teacher import Shard

Floats = npt.NDArray[np.float32]

FACTORS = tuple(1 + step / 50 for step in range(1, 6))
"""Tried in turn: 1.02 to 1.10."""

DISTANCE_MAX = 1.05
"""Of the log-mel distance without widening. At 1.1 DNSMOS takes 1.06 to 1.08, where Whisper once
misheard 0.9 points more words."""

UTTERANCES = 24


@dataclass(frozen=True, slots=True)
class Spread:
    """What was chosen.

    Attributes:
        factor: by how much levels are widened; 1 where nothing was better.
        opinion: mean DNSMOS without and with it.
        distance: log-mel distance to the teacher without and with it.
    """

    factor: float
    opinion: tuple[float, float]
    distance: tuple[float, float]


def widen(
    shape: StudentShape, weights: Weights, shards: Sequence[Shard], judge: Callable[[Floats], float]
) -> tuple[Weights, Spread]:
    """Widen a student's levels as far as serves. Blocking: a minute or two.

    Training pairs serve, since one number is chosen.

    Args:
        shape: sizes of the student.
        weights: as trained.
        shards: teacher pairs.
        judge: opinion score of samples at the student's rate; the higher the better.

    Raises:
        TorchMissing: PyTorch is not installed.
        ValueError: there are no teacher pairs.
    """
    pairs = list(_pairs(shards, shape.hop))
    if not pairs:
        raise ValueError("there are no teacher pairs")
    torch = require_torch()
    student: Any = make_student(shape)
    student.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in weights.items()})
    with torch.no_grad():
        parameters = [
            student.parameters_of(torch.from_numpy(prior)[None])[0].numpy() for prior, _ in pairs
        ]
    mean = mean_level(shape, parameters)
    chosen = choose(shape, parameters, [audio for _, audio in pairs], judge)
    return widened(shape, weights, mean, chosen.factor), chosen


def mean_level(shape: StudentShape, parameters: Sequence[Floats]) -> Floats:
    """Mean over time of the free spectrum's level ``float32 [bins]``."""
    levels = np.concatenate([values[:, : shape.form.bins] for values in parameters])
    return np.asarray(levels.mean(axis=0), dtype=np.float32)


def widened(shape: StudentShape, weights: Weights, mean: Floats, factor: float) -> Weights:
    """Weights whose free level stands ``factor`` times as far from ``mean`` ``[bins]``."""
    bins = shape.form.bins
    matrix, bias = weights["output.weight"].copy(), weights["output.bias"].copy()
    matrix[:bins] *= factor
    bias[:bins] = mean + factor * (bias[:bins] - mean)
    return {**weights, "output.weight": matrix, "output.bias": bias}


def choose(
    shape: StudentShape,
    parameters: Sequence[Floats],
    sounds: Sequence[Floats],
    judge: Callable[[Floats], float],
) -> Spread:
    """The factor that ``judge`` likes best within ``DISTANCE_MAX``.

    Args:
        shape: sizes of the student.
        parameters: spectral parameters ``float32 [frames, P]`` of some utterances.
        sounds: the teacher's samples of the same.
        judge: opinion score of samples; the higher the better.
    """
    mean, bins = mean_level(shape, parameters), shape.form.bins

    def tried(factor: float) -> tuple[float, float]:
        opinions, distances = [], []
        for values, sound in zip(parameters, sounds, strict=True):
            wide = values.copy()
            wide[:, :bins] = mean + factor * (wide[:, :bins] - mean)
            samples = HarmonicSynthesis(shape.form).push(wide, last=True)
            opinions.append(judge(samples))
            distances.append(log_mel_distance(sound, samples, shape.rate_hz))
        return float(np.mean(opinions)), float(np.mean(distances))

    first = tried(1.0)
    factor, best = 1.0, first
    for wider in FACTORS:
        now = tried(wider)
        if now[1] > DISTANCE_MAX * first[1]:
            break
        if now[0] > best[0]:
            factor, best = wider, now
    return Spread(factor, (first[0], best[0]), (first[1], best[1]))


def _pairs(shards: Sequence[Shard], hop: int) -> Iterator[tuple[Floats, Floats]]:
    """Prior ``[frames, C]`` and the teacher's samples of some utterances, from all shards."""
    each = -(-UTTERANCES // max(1, len(shards)))
    left = UTTERANCES
    for shard in shards:
        ends = zip(shard.offsets[:-1], shard.offsets[1:], strict=True)
        for begin, end in list(ends)[:each]:
            if not left:
                return
            left -= 1
            audio = shard.audio[begin * hop : end * hop].astype(np.float32) / np.float32(32767)
            yield shard.prior[begin:end].astype(np.float32), audio
