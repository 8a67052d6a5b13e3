"""``voxedge models score``: everything in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from voxedge.engines.tts.network import Networks
from voxedge.engines.tts.voice_config import VoiceConfig
from voxedge.models.progress import Progress
from voxedge.models.score.metrics import Dnsmos, JudgeMissing
from voxedge.models.score.opinion import DistillMos
from voxedge.models.score.recogniser import Recogniser
from voxedge.models.score.render import render
from voxedge.models.score.report import Example, write_report
from voxedge.models.score.scoring import SentenceScore, VoiceScore, score_sentence, summarise
from voxedge.models.score.sentences import Sentence, load_sentences

EXAMPLES = 12
"""Sentences on the page: the worst by DNSMOS and words, where an ear should look first."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The table, every sentence, and the page if one was asked for."""

    score: VoiceScore
    sentences: tuple[SentenceScore, ...]
    page: Path | None


def judge_voice(
    voice: str,
    reference: Networks,
    candidate: Networks,
    config: VoiceConfig,
    hop: int,
    recogniser: Recogniser,
    sentences: Sequence[Sentence] | None = None,
    folder: Path | None = None,
    progress: Progress | None = None,
    *,
    noise: bool = False,
) -> Verdict:
    """Judge a candidate against its original. Blocking: some three minutes for 100 sentences.

    Distill-MOS is left out, and the table says so, where its packages are not installed.

    Args:
        voice: name for the page.
        reference: the original's networks in fp32.
        candidate: the networks to judge.
        config: settings of both.
        hop: samples for each frame.
        recogniser: who listens.
        sentences: what to say; None for the project's own hundred.
        folder: where the page and its WAV files go; None for no page.
        progress: told after each sentence.
        noise: speak with the engine's noise instead of without.

    Raises:
        JudgeMissing: DNSMOS is not installed.
    """
    judge = Dnsmos()
    second, missing = None, ""
    try:
        second = DistillMos()
    except JudgeMissing as error:
        missing = str(error)
    examples = []
    spoken = load_sentences() if sentences is None else sentences
    for rendering in render(reference, candidate, config, spoken, progress, noise=noise):
        score = score_sentence(rendering, config.rate_hz, hop, judge, recogniser, second)
        examples.append(Example(rendering, score))
    scores = tuple(example.score for example in examples)
    summary = summarise(scores, missing, noise=noise)
    page = None
    if folder is not None:
        worst = sorted(examples, key=lambda e: _loss(e.score), reverse=True)[:EXAMPLES]
        page = write_report(folder, voice, summary, worst, scores, config.rate_hz)
    return Verdict(summary, scores, page)


def _loss(score: SentenceScore) -> tuple[int, float]:
    return (
        max(0, score.candidate_errors - score.reference_errors),
        score.reference_mos - score.candidate_mos,
    )
