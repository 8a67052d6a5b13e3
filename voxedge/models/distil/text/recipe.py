"""The whole way of a text student: a voice in, ``VOICE.text.npz`` out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from voxedge.engines.tts.network import VoiceNetwork
from voxedge.models.distil.network import require_torch
from voxedge.models.distil.package import CALIBRATION_SENTENCES, text_feeds
from voxedge.models.distil.shape import Weights
from voxedge.models.distil.text.graph import build_text_graph, calibrate_text
from voxedge.models.distil.text.package import TextStudent, save_text
from voxedge.models.distil.text.pairs import load_text_shard, make_text_shards
from voxedge.models.distil.text.shape import TextShape
from voxedge.models.distil.text.train import (
    Sentences,
    TextErrors,
    TextTraining,
    errors_of,
    train_text,
)
from voxedge.models.progress import Progress


@dataclass(frozen=True, slots=True)
class TextPlan:
    """How to distil a text encoder.

    Attributes:
        sentences: how many answers of the teacher.
        texts: files of running English beside our own templates.
        shape: sizes of the student; its latent channels and tokens are the teacher's.
        training: how to train.
        seed: what the teacher is asked.
    """

    sentences: int = 24_000
    texts: Sequence[Path] = ()
    shape: TextShape = field(default_factory=TextShape)
    training: TextTraining = field(default_factory=TextTraining)
    seed: int = 1


def distil_text(
    voice: str,
    teacher: VoiceNetwork,
    origin_sha256: str,
    work: Path,
    target: Path,
    plan: TextPlan,
    warm: Weights | None = None,
    progress: Progress | None = None,
) -> TextStudent:
    """Train a text student and write ``VOICE.text.npz`` and ``.json`` to ``target``.

    Blocking: some two hours. Interrupted, it goes on where it was when called again with the same
    plan.

    Args:
        voice: name of the voice.
        teacher: its networks in fp32.
        origin_sha256: digest of its official model.
        work: the teacher's answers and checkpoint; may be thrown away afterwards.
        target: where the text student goes.
        plan: how to distil.
        warm: weights to begin with.
        progress: told of each part.

    Raises:
        TorchMissing: PyTorch is not installed.
        CheckpointUnusable: ``work`` holds another training.
        ValueError: the voice has several speakers, or the plan's shape does not fit it.
    """
    require_torch()
    if plan.shape != fitting_text_shape(teacher, plan.shape):
        raise ValueError("the text student's tokens or channels are not the voice's")
    paths = make_text_shards(
        teacher, work / "text", plan.sentences, plan.texts, plan.seed, progress
    )
    shards = [load_text_shard(path) for path in paths]
    weights = train_text(plan.shape, shards, work / "text.pt", plan.training, warm, progress)
    feeds = itertools.islice(text_feeds(teacher), CALIBRATION_SENTENCES)
    int8 = calibrate_text(plan.shape, weights, (np.asarray(feed["input"])[0] for feed in feeds))
    graph = build_text_graph(plan.shape, weights, int8).SerializeToString()
    errors = errors_of(graph, Sentences(shards, plan.training.held_out))
    training = (
        f"{plan.training.steps} steps of {plan.training.batch} sentences, of "
        f"{len(paths)} thousand that the teacher answered, "
        f"{'warm start' if warm is not None else 'from chance'}, seed {plan.training.seed}. "
        f"{describe(errors)}"
    )
    text = TextStudent(plan.shape, weights, int8, origin_sha256, training)
    target.mkdir(parents=True, exist_ok=True)
    save_text(target, voice, text)
    return text


def fitting_text_shape(teacher: VoiceNetwork, shape: TextShape | None = None) -> TextShape:
    """A text student's sizes with the teacher's tokens and channels.

    Raises:
        ValueError: it has several speakers, whose durations differ, or no duration noise.
    """
    if teacher.assets.takes_speaker:
        raise ValueError("a voice of several speakers keeps its own text encoder")
    if not teacher.assets.draws_duration_noise:
        raise ValueError("a voice whose durations do not sway keeps its own text encoder")
    shape = shape or TextShape()
    known = max(max(ids) for ids in teacher.assets.config.phoneme_ids.values() if ids)
    feed = next(text_feeds(teacher))
    ids = np.asarray(feed["input"])[0]
    latent = teacher.encode([int(token) for token in ids], None, 0.0).mean.shape[0]
    return replace(shape, tokens=max(shape.tokens, known + 1), latent_channels=latent)


def describe(errors: TextErrors) -> str:
    """How far it is from its teacher, for a card."""
    return (
        f"On sentences kept out, in INT8: prior mean off by {errors.mean**0.5:.3f} of its standard "
        f"deviation, durations by {errors.frames:.3f} frames a token, "
        f"length of a sentence by {errors.length:.2%}."
    )
