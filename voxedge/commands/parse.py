"""From recognised words to an ``Intent``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from voxedge.actions import Action, Intent, SlotKind, State, Value, intent
from voxedge.commands.grammar import Grammar, Template
from voxedge.commands.language import CommandLanguage, slot_of
from voxedge.errors import ActionMisused

_SLOT = re.compile(r"\{(\w+)\}")


def parse(text: str, language: CommandLanguage, grammar: Grammar) -> Intent | None:
    """Return what is meant, None where it is no command.

    A phrase without slots wins over one with ("go to the end" is not the section "the end"), and
    among those with slots the one with more words of its own.

    Args:
        text: as recognised: words, in any case and spacing.
        language: of the words.
        grammar: what may be said now.
    """
    folded = language.fold(text)
    if not folded:
        return None
    candidates = sorted(
        grammar.templates,
        key=lambda t: (bool(t.slots), -len(language.fold(_SLOT.sub("", t.phrase)))),
    )
    for template in candidates:
        if not template.slots:
            if language.fold(template.phrase) == folded:
                return Intent(template.action)
            continue
        found = _with_slots(template, folded, language, grammar)
        if found is not None:
            return found
    return None


def _with_slots(
    template: Template, folded: str, language: CommandLanguage, grammar: Grammar
) -> Intent | None:
    space = language.fold("a a")[1:-1]
    pieces = [language.fold(piece) for piece in _SLOT.split(template.phrase)[::2]]
    pattern = re.escape(pieces[0])
    for name, piece in zip(template.slots, pieces[1:], strict=True):
        pattern += (space if pattern else "") + f"(?P<{name}>.+)"
        pattern += (space + re.escape(piece)) if piece else ""
    match = re.fullmatch(pattern, folded)
    if match is None:
        return None
    arguments: dict[str, Value] = {}
    for name, said in match.groupdict().items():
        value = _value(template.action, name, said, language, grammar)
        if value is None:
            return None
        arguments[name] = value
    try:
        return intent(template.action, arguments)
    except ActionMisused:
        return None


def _value(
    action: Action, name: str, said: str, language: CommandLanguage, grammar: Grammar
) -> Value | None:
    kind = slot_of(action, name).kind
    if kind is SlotKind.NUMBER:
        return language.number(said)
    # Back to the spelling of the list: "sideeffects" of a spaceless match, an accent, a case.
    spellings = {language.fold(value): value for value in grammar.values.get(kind, ())}
    return spellings.get(said)


@dataclass(frozen=True, slots=True)
class Sayable:
    """One thing that can be said now.

    Attributes:
        action: what it does.
        phrase: the first way to say it; slots in words people understand ("page ...").
        help: what it does, to be spoken.
    """

    action: Action
    phrase: str
    help: str


def what_can_i_say(language: CommandLanguage, state: State) -> tuple[Sayable, ...]:
    """Return what fits the moment, in the order of the table."""
    return tuple(
        Sayable(action, _SLOT.sub("…", phrases[0]), language.book.help.get(action, action.row.help))
        for action, phrases in language.book.phrases.items()
        if phrases and state in action.row.states
    )


CONFIDENCE = 0.5
"""From here on an engine's result is more likely right than wrong; each engine is calibrated to it
(``docs/developers/hearing.md``)."""

_LENIENT = frozenset({Action.STOP, Action.HUSH, Action.PAUSE, Action.NO})
_LENIENT_CONFIDENCE = 0.4
"""A stop that was not meant costs a press; one that was not heard costs trust."""

_DANGEROUS_CONFIDENCE = 0.65
"""Besides, the session asks back before it deletes anything or turns itself off."""

_SLOT_CONFIDENCE = 0.55
"""A wrong page or word leads astray without a sound."""


def threshold(action: Action, overrides: dict[str, float] | None = None) -> float:
    """Return the least confidence at which an action is taken.

    Args:
        action: what was heard.
        overrides: from the settings or ``voxedge tune-voice``: action label to confidence.
    """
    if overrides and action.label in overrides:
        return overrides[action.label]
    if action.row.dangerous:
        return _DANGEROUS_CONFIDENCE
    if action in _LENIENT:
        return _LENIENT_CONFIDENCE
    return _SLOT_CONFIDENCE if action.row.slots else CONFIDENCE


@dataclass(frozen=True, slots=True)
class Understood:
    """What was made of an utterance.

    Attributes:
        text: what the engine heard; "" for nothing.
        confidence: the engine's, 0 to 1.
        intent: what is to be done; None where nothing is.
        unsure: a command was heard, but not surely enough to do it.
    """

    text: str
    confidence: float
    intent: Intent | None
    unsure: bool = False


def understand(
    text: str,
    confidence: float,
    language: CommandLanguage,
    grammar: Grammar,
    overrides: dict[str, float] | None = None,
) -> Understood:
    """Return what is to be done about an utterance."""
    meant = parse(text, language, grammar)
    if meant is None:
        return Understood(text, confidence, None)
    if confidence < threshold(meant.action, overrides):
        return Understood(text, confidence, None, unsure=True)
    return Understood(text, confidence, meant)


def confused(
    language: CommandLanguage, others: Iterable[str], words: Sequence[str]
) -> tuple[str, ...]:
    """Return which of ``words`` are spelled like one of ``others``; for lints."""
    taken = {language.fold(other) for other in others}
    return tuple(word for word in words if language.fold(word) in taken)
