"""From renderings to a table, and a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxedge.models.score.metrics import (
    Dnsmos,
    Interval,
    bootstrap,
    bootstrap_ratio,
    log_mel_distance,
    pitch_difference,
    word_errors,
)
from voxedge.models.score.recogniser import Recogniser, comparable_words
from voxedge.models.score.render import Rendering

Floats = npt.NDArray[np.float32]

MOS_RATIO_MIN = 0.987
"""The original with its usual noise stands at 99.4 % of itself without: about twice that loss."""
DISTILL_RATIO_MIN = 0.97
WORD_ERRORS_WORSE_MAX = 0.005


@dataclass(frozen=True, slots=True)
class SentenceScore:
    """One sentence.

    Attributes:
        kind: kind of sentence.
        text: what was to be said.
        reference_mos: DNSMOS overall of the original.
        candidate_mos: DNSMOS overall of the candidate.
        reference_signal: DNSMOS signal of the original.
        candidate_signal: DNSMOS signal of the candidate.
        words: words in it.
        reference_errors: words misheard from the original.
        candidate_errors: words misheard from the candidate.
        reference_heard: what the recogniser wrote.
        candidate_heard: what the recogniser wrote.
        log_mel: log-mel distance at the same timing.
        pitch_cents: median difference of pitch.
        voicing: share of frames voiced in one only.
        drift: share of frames by which the timing differs.
        reference_distill: Distill-MOS of the original; None where it was not measured.
        candidate_distill: Distill-MOS of the candidate.
    """

    kind: str
    text: str
    reference_mos: float
    candidate_mos: float
    reference_signal: float
    candidate_signal: float
    words: int
    reference_errors: int
    candidate_errors: int
    reference_heard: str
    candidate_heard: str
    log_mel: float
    pitch_cents: float
    voicing: float
    drift: float
    reference_distill: float | None = None
    candidate_distill: float | None = None


@dataclass(frozen=True, slots=True)
class VoiceScore:
    """All sentences together; every figure with its 95 % interval.

    Attributes:
        sentences: how many.
        reference_mos: DNSMOS overall of the original.
        candidate_mos: DNSMOS overall of the candidate.
        mos_ratio: the one over the other.
        signal_ratio: the same of DNSMOS signal.
        reference_wer: word error rate of the original.
        candidate_wer: word error rate of the candidate.
        wer_worse: candidate less original.
        dose_wer_worse: the same over the dose sentences only.
        log_mel: log-mel distance.
        pitch_cents: difference of pitch.
        drift: difference of timing.
        distill_ratio: Distill-MOS, candidate over original; None where it was not measured.
        distill_missing: why it was not.
        noise: whether both spoke with the engine's noise; else without any.
    """

    sentences: int
    reference_mos: Interval
    candidate_mos: Interval
    mos_ratio: Interval
    signal_ratio: Interval
    reference_wer: Interval
    candidate_wer: Interval
    wer_worse: Interval
    dose_wer_worse: Interval
    log_mel: Interval
    pitch_cents: Interval
    drift: Interval
    distill_ratio: Interval | None = None
    distill_missing: str = ""
    noise: bool = False

    @property
    def passed(self) -> bool:
        """Whether the candidate may replace the original.

        An opinion score counts only where the words are still understood: a garbled clip can
        score higher than a clear one.
        """
        return (
            self.mos_ratio.value >= MOS_RATIO_MIN
            and (self.distill_ratio is None or self.distill_ratio.value >= DISTILL_RATIO_MIN)
            and self.wer_worse.value <= WORD_ERRORS_WORSE_MAX + 1e-9
        )

    def as_json(self) -> dict[str, Any]:
        """For a model card."""
        return {**asdict(self), "passed": self.passed}


def score_sentence(
    rendering: Rendering,
    rate_hz: int,
    hop: int,
    judge: Dnsmos,
    recogniser: Recogniser,
    second: Callable[[Floats, int], float] | None = None,
) -> SentenceScore:
    """Judge one sentence. Blocking: about a second; ``second`` takes another half."""
    said = comparable_words(rendering.sentence.text)
    reference = judge(rendering.reference, rate_hz)
    candidate = judge(rendering.candidate, rate_hz)
    reference_heard = recogniser.transcribe(rendering.reference, rate_hz)
    candidate_heard = recogniser.transcribe(rendering.candidate, rate_hz)
    pitch = pitch_difference(rendering.reference, rendering.candidate_timed, rate_hz, hop)
    return SentenceScore(
        kind=rendering.sentence.kind,
        text=rendering.sentence.text,
        reference_mos=reference.overall,
        candidate_mos=candidate.overall,
        reference_signal=reference.signal,
        candidate_signal=candidate.signal,
        words=len(said),
        reference_errors=word_errors(said, comparable_words(reference_heard)),
        candidate_errors=word_errors(said, comparable_words(candidate_heard)),
        reference_heard=reference_heard,
        candidate_heard=candidate_heard,
        log_mel=log_mel_distance(rendering.reference, rendering.candidate_timed, rate_hz),
        pitch_cents=pitch.cents,
        voicing=pitch.voicing,
        drift=rendering.drift,
        reference_distill=second(rendering.reference, rate_hz) if second else None,
        candidate_distill=second(rendering.candidate, rate_hz) if second else None,
    )


def summarise(
    scores: Iterable[SentenceScore], distill_missing: str = "", *, noise: bool = False
) -> VoiceScore:
    """Put sentences together.

    Args:
        scores: each sentence.
        distill_missing: why there is no Distill-MOS, if there is none.
        noise: whether they were spoken with the engine's noise.

    Raises:
        ValueError: there is none.
    """
    rows = list(scores)
    if not rows:
        raise ValueError("no sentence was scored")

    def column(name: str, of: Sequence[SentenceScore] = rows) -> list[float]:
        return [float(getattr(row, name)) for row in of]

    distilled = all(row.candidate_distill is not None for row in rows)
    doses = [row for row in rows if row.kind == "dose"] or rows
    return VoiceScore(
        sentences=len(rows),
        reference_mos=bootstrap(column("reference_mos")),
        candidate_mos=bootstrap(column("candidate_mos")),
        mos_ratio=bootstrap_ratio(column("candidate_mos"), column("reference_mos")),
        signal_ratio=bootstrap_ratio(column("candidate_signal"), column("reference_signal")),
        reference_wer=bootstrap(column("reference_errors"), column("words")),
        candidate_wer=bootstrap(column("candidate_errors"), column("words")),
        wer_worse=bootstrap(
            np.stack([column("candidate_errors"), column("reference_errors")], axis=1),
            column("words"),
        ),
        dose_wer_worse=bootstrap(
            np.stack(
                [column("candidate_errors", doses), column("reference_errors", doses)], axis=1
            ),
            column("words", doses),
        ),
        log_mel=bootstrap(column("log_mel")),
        pitch_cents=bootstrap(column("pitch_cents")),
        drift=bootstrap(column("drift")),
        distill_ratio=bootstrap_ratio(column("candidate_distill"), column("reference_distill"))
        if distilled
        else None,
        distill_missing=distill_missing,
        noise=noise,
    )


def table(score: VoiceScore) -> str:
    """The figures as lines of text."""

    def line(
        label: str, item: Interval, unit: str = "", scale: float = 1.0, digits: int = 3
    ) -> str:
        value, low, high = (f"{x * scale:.{digits}f}" for x in (item.value, item.low, item.high))
        return f"{label:<28} {value:>8}{unit}   ({low} to {high})"

    if score.distill_ratio is not None:
        distill = line("Distill-MOS, ratio", score.distill_ratio, " %", 100, 2)
    else:
        distill = f"Distill-MOS not measured. {score.distill_missing}".rstrip()
    spoken = "with the engine's noise" if score.noise else "without noise"
    return "\n".join(
        [
            f"{score.sentences} sentences {spoken}; 95 % intervals by bootstrap over sentences",
            line("DNSMOS overall, original", score.reference_mos),
            line("DNSMOS overall, candidate", score.candidate_mos),
            line("  candidate over original", score.mos_ratio, " %", 100, 2),
            line("DNSMOS signal, ratio", score.signal_ratio, " %", 100, 2),
            distill,
            line("word errors, original", score.reference_wer, " %", 100, 2),
            line("word errors, candidate", score.candidate_wer, " %", 100, 2),
            line("  worse by (points)", score.wer_worse, "  ", 100, 2),
            line("  worse by, doses only", score.dose_wer_worse, "  ", 100, 2),
            line("log-mel distance", score.log_mel),
            line("pitch difference", score.pitch_cents, " c", 1, 1),
            line("timing difference", score.drift, " %", 100, 2),
            "gate: " + ("passed" if score.passed else "FAILED")
            + f" (DNSMOS >= {MOS_RATIO_MIN:.1%}, Distill-MOS >= {DISTILL_RATIO_MIN:.0%}, "
            f"words <= +{WORD_ERRORS_WORSE_MAX:.1%})",
        ]
    )  # fmt: skip
