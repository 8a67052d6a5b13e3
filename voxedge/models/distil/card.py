"""The model card of a student: where it comes from, what it may be used for, what it scores."""

from __future__ import annotations

from collections.abc import Mapping

from voxedge.models.distil.package import Student
from voxedge.models.manifest import VoiceEntry
from voxedge.models.score.metrics import Interval
from voxedge.models.score.scoring import (
    DISTILL_RATIO_MIN,
    MOS_RATIO_MIN,
    WORD_ERRORS_WORSE_MAX,
    VoiceScore,
)


def model_card(
    entry: VoiceEntry,
    student: Student,
    sizes: Mapping[str, int],
    score: VoiceScore,
    noisy: VoiceScore,
) -> str:
    """Render the card as Markdown.

    Args:
        entry: what the manifest says of the voice.
        student: the student.
        sizes: bytes of the files that run.
        score: the judge's table, without noise.
        noisy: the same with the engine's noise.
    """
    shape = student.shape
    weights = sum(value.size for value in student.weights.values())
    layers = 2 + 2 * len(shape.dilations)
    verdict = "passed" if score.passed else "**not passed**"
    files = "\n".join(f"| `{name}` | {size / 1e6:.1f} MB |" for name, size in sizes.items())
    return f"""# {entry.name}: light networks

A student in place of the voice's flow and decoder, and the voice's own text encoder in INT8.
How it works: `docs/developers/student-voice.md`.

## Origin and licence

Teacher: {entry.name}, SHA-256 `{student.origin_sha256}`. The student's weights were
learned from the teacher's own speech and are a derivative of it: **whatever binds the teacher binds
them**.

Licence of the teacher: {entry.licence}. {entry.licence_note}

The text encoder does not travel with the project; it is made on the machine from the verified
original.

## Training

{student.training or "Not recorded."}

{weights / 1e6:.2f} million weights, {shape.macs_per_frame / 1e6:.2f} million multiplications
a frame of {1000 * shape.hop / shape.rate_hz:.1f} ms, {len(student.int8)} of {layers} linear layers
in INT8.

| file | size |
|---|---|
{files}
| together | {sum(sizes.values()) / 1e6:.1f} MB |

## Scores

{score.sentences} sentences, original in fp32 beside these networks, both without noise; 95 %
intervals by bootstrap over sentences. Gate: DNSMOS at least {MOS_RATIO_MIN:.1%} and Distill-MOS at
least {DISTILL_RATIO_MIN:.0%} of the original, words misheard at most
{100 * WORD_ERRORS_WORSE_MAX:.1f} points more: {verdict}.

| | value | 95 % interval |
|---|---|---|
{_row("DNSMOS overall, original", score.reference_mos)}
{_row("DNSMOS overall, these", score.candidate_mos)}
{_row("these over original", score.mos_ratio, " %", 100, 2)}
{_row("DNSMOS signal, these over original", score.signal_ratio, " %", 100, 2)}
{_distilled(score)}
{_row("words misheard, original", score.reference_wer, " %", 100, 2)}
{_row("words misheard, these", score.candidate_wer, " %", 100, 2)}
{_row("worse by, points", score.wer_worse, "", 100, 2)}
{_row("worse by, doses only, points", score.dose_wer_worse, "", 100, 2)}
{_row("log-mel distance", score.log_mel)}
{_row("pitch difference, cents", score.pitch_cents, "", 1, 0)}
{_row("timing difference", score.drift, " %", 100, 2)}

The device speaks with noise, as the original does (noise scales of the voice). The same sentences,
both with noise: {_noisy_verdict(noisy)}

| | value | 95 % interval |
|---|---|---|
{_row("DNSMOS overall, these over original", noisy.mos_ratio, " %", 100, 2)}
{_distilled(noisy)}
{_row("words misheard, original", noisy.reference_wer, " %", 100, 2)}
{_row("words misheard, these", noisy.candidate_wer, " %", 100, 2)}
{_row("worse by, points", noisy.wer_worse, "", 100, 2)}

## Reproduce

```sh
voxedge models fetch {entry.name}
voxedge models score {entry.name} --out page
voxedge models score {entry.name} --noise
voxedge models build {entry.name} --train work
```

The first three reproduce the scores; the last trains another student of the same kind.
"""


def _distilled(score: VoiceScore) -> str:
    if score.distill_ratio is None:
        return "| Distill-MOS | not measured | |"
    return _row("Distill-MOS, these over original", score.distill_ratio, " %", 100, 2)


def _noisy_verdict(score: VoiceScore) -> str:
    return "within the gate." if score.passed else "**not within the gate.**"


def _row(label: str, item: Interval, unit: str = "", scale: float = 1.0, digits: int = 3) -> str:
    value, low, high = (f"{x * scale:.{digits}f}" for x in (item.value, item.low, item.high))
    return f"| {label} | {value}{unit} | {low} to {high} |"
