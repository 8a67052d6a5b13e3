"""From how a person's commands were heard to thresholds that fit their voice. Pure.

Only ever more lenient, only for what was heard right every time, and never for what cannot be
undone: a threshold is lowered to just below the least confidence that was seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from voxedge.actions import Action
from voxedge.commands.grammar import Grammar
from voxedge.commands.parse import threshold

MARGIN = 0.05
"""Below the least confidence seen: the next time may be a little worse."""

LOWEST = 0.3
"""Nobody's voice needs more; the most lenient action begins at 0.4."""

PROMPTED = (
    *(Action.READ, Action.STOP, Action.PAUSE, Action.RESUME, Action.REPEAT),
    *(Action.NEXT_SENTENCE, Action.PREVIOUS_SENTENCE, Action.NEXT_SECTION, Action.SLOWER),
    *(Action.LOUDER, Action.WHERE_AM_I, Action.SPELL_WORD, Action.HELP, Action.YES, Action.NO),
)
"""What is asked for: every day's commands. Fifteen phrases take three minutes."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One command as it was said and heard.

    Attributes:
        action: what was meant.
        phrase: what was to be said.
        heard: what the recogniser made of it; None for nothing, or no command.
        confidence: the recogniser's, 0 to 1.
        clipped: it was so loud that the microphone cut it off.
    """

    action: Action
    phrase: str
    heard: Action | None
    confidence: float
    clipped: bool = False

    @property
    def right(self) -> bool:
        """Whether the words were heard; surely enough or not."""
        return self.heard is self.action


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out about one action.

    Attributes:
        action: which.
        phrase: what was said first.
        said: how often.
        right: how often it was heard.
        least: the least confidence of those.
        before: the threshold so far.
        after: the threshold that fits.
    """

    action: Action
    phrase: str
    said: int
    right: int
    least: float
    before: float
    after: float

    @property
    def weak(self) -> bool:
        """Whether it was missed, or would have been with the threshold so far."""
        return self.right < self.said or self.least < self.before


def prompts(grammar: Grammar) -> Iterator[tuple[Action, str]]:
    """Yield the actions and the phrases to ask for."""
    ways: dict[Action, str] = {}
    for template in grammar.templates:
        if not template.slots and (len(template.phrase) > 2 or not template.phrase.isascii()):
            ways.setdefault(template.action, template.phrase)
    for action in PROMPTED:
        if action in ways:
            yield action, ways[action]


def judge(
    trials: Iterable[Trial], overrides: Mapping[str, float] | None = None
) -> tuple[Verdict, ...]:
    """Return a verdict for each action, in the order in which they were said first.

    Args:
        trials: in any order.
        overrides: thresholds that stand so far, by action label.
    """
    by_action: dict[Action, list[Trial]] = {}
    for trial in trials:
        by_action.setdefault(trial.action, []).append(trial)
    return tuple(_judge(action, said, overrides) for action, said in by_action.items())


def _judge(action: Action, trials: list[Trial], overrides: Mapping[str, float] | None) -> Verdict:
    right = [trial.confidence for trial in trials if trial.right]
    least = min(right, default=0.0)
    before = threshold(action, dict(overrides or {}))
    after = before
    if len(right) == len(trials) and not action.row.dangerous:
        after = min(before, max(LOWEST, round(least - MARGIN, 2)))
    return Verdict(action, trials[0].phrase, len(trials), len(right), least, before, after)


def changed_thresholds(verdicts: Iterable[Verdict]) -> dict[str, float]:
    """Return action label to threshold, for those that change."""
    return {v.action.label: v.after for v in verdicts if v.after != v.before}
