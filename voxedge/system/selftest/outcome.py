"""What a step of the self-test found. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How a part is."""

    WELL = "well"
    WRONG = "wrong"
    ABSENT = "absent"
    """Not there, and not needed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer of a step.

    Attributes:
        verdict: how the part is.
        spoken: one or two sentences: what is right or wrong, and what to do about it.
        detail: figures, for the table.
    """

    verdict: Verdict
    spoken: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome and the step it came of.

    Attributes:
        step: name, for the table and ``--only``.
        outcome: what it found.
        took_s: seconds it took.
    """

    step: str
    outcome: Outcome
    took_s: float


def well(spoken: str, detail: str = "") -> Outcome:
    """Return the outcome of a part that is as it should be."""
    return Outcome(Verdict.WELL, spoken, detail)


def wrong(spoken: str, detail: str = "") -> Outcome:
    """Return the outcome of a part that must be mended."""
    return Outcome(Verdict.WRONG, spoken, detail)


def absent(spoken: str, detail: str = "") -> Outcome:
    """Return the outcome of a part that is not there and not needed."""
    return Outcome(Verdict.ABSENT, spoken, detail)


def all_well(results: tuple[Result, ...]) -> bool:
    """Return whether nothing has to be mended."""
    return not any(result.outcome.verdict is Verdict.WRONG for result in results)


def farewell(results: tuple[Result, ...]) -> str:
    """Return what is said at the end."""
    wrongs = [result.step for result in results if result.outcome.verdict is Verdict.WRONG]
    if not wrongs:
        return "The self-test is done. Everything is well."
    if len(wrongs) == 1:
        return f"The self-test is done. One part needs a hand: the {wrongs[0]}."
    named = ", ".join(wrongs[:-1]) + f" and {wrongs[-1]}"
    return f"The self-test is done. {len(wrongs)} parts need a hand: {named}."
