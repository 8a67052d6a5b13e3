"""Speak the sentences with two voices, twice each: freely, and with the same timing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxedge.engines.tts.durations import allot_frames
from voxedge.engines.tts.network import Encoded, Networks
from voxedge.engines.tts.phonemes import Phonemizer
from voxedge.engines.tts.piper_onnx import sample_prior
from voxedge.engines.tts.voice_config import VoiceConfig
from voxedge.models.progress import Progress, Silent
from voxedge.models.score.sentences import Sentence

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rendering:
    """One sentence by the reference and by the candidate.

    Attributes:
        sentence: what is said.
        reference: the original's samples.
        candidate: the candidate's samples, with its own timing.
        candidate_timed: the candidate's samples with the original's timing, sample for sample.
        drift: frames that the candidate's timing differs in, over the original's frames.
    """

    sentence: Sentence
    reference: Floats
    candidate: Floats
    candidate_timed: Floats
    drift: float


def render(
    reference: Networks,
    candidate: Networks,
    config: VoiceConfig,
    sentences: Sequence[Sentence],
    progress: Progress | None = None,
    *,
    noise: bool = False,
) -> Iterator[Rendering]:
    """Speak every sentence with both.

    Without noise nothing hangs on chance. With it both speak as the engine does, each draw the
    same for both as long as their timing is the same.

    Args:
        reference: the original's networks.
        candidate: the networks to judge.
        config: phonemes and default timing; the same for both.
        sentences: what to say.
        progress: told after each sentence.
        noise: draw the voice's own amount of noise for durations and prior.
    """
    progress = progress or Silent()
    progress.start("speaking", len(sentences), "sentences")
    phonemizer = Phonemizer(config)
    for number, sentence in enumerate(sentences):
        seed = number if noise else None
        parts = [_speak(reference, candidate, config, item.ids, seed) for item in
                 phonemizer.sentences(sentence.text) if item.sounds]  # fmt: skip
        progress.advance(1)
        if not parts:
            continue
        yield Rendering(
            sentence,
            np.concatenate([part.reference for part in parts]),
            np.concatenate([part.candidate for part in parts]),
            np.concatenate([part.timed for part in parts]),
            sum(part.moved for part in parts) / sum(part.frames for part in parts),
        )
    progress.finish()


@dataclass(frozen=True, slots=True)
class _Part:
    reference: Floats
    candidate: Floats
    timed: Floats
    moved: int
    frames: int


def _speak(
    reference: Networks,
    candidate: Networks,
    config: VoiceConfig,
    ids: Sequence[int],
    seed: int | None,
) -> _Part:
    speaker, scale = config.default_speaker, config.length_scale
    draws, spread = None, 0.0
    if seed is not None:
        rng = np.random.default_rng([seed, 0])
        draws, spread = rng.standard_normal((2, len(ids)), dtype=np.float32), 1.0
    original = reference.encode(ids, draws, spread * config.duration_noise_scale, speaker)
    frames = allot_frames(original.durations, scale, 1.0)
    light = candidate.encode(ids, draws, spread * config.duration_noise_scale, speaker)
    own = allot_frames(light.durations, scale, 1.0)

    def decode(network: Networks, encoded: Encoded, counts: npt.NDArray[np.int64]) -> Floats:
        rng = np.random.default_rng([seed or 0, 1])
        prior = sample_prior(encoded, counts, spread * config.noise_scale, rng)
        return next(iter(network.decode(prior, [prior.shape[1]], 0, speaker)))

    return _Part(
        decode(reference, original, frames),
        decode(candidate, light, own),
        decode(candidate, light, frames),
        int(np.abs(frames - own).sum()),
        int(frames.sum()),
    )
