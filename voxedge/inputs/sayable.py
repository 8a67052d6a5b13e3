"""What can be said now, as a list for the ear: the likely first, a few at a time. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from voxedge.actions import WITH_DOCUMENT, Action, State
from voxedge.commands.grammar import Grammar, Template
from voxedge.commands.language import kind_of

AT_ONCE = 8
"""Phrases in one answer: more is not remembered."""

SHORTEST = 3
"""Letters of a phrase worth advising."""

_SLOT = re.compile(r"\{(\w+)\}")

_MOVING = (Action.NEXT_SENTENCE, Action.PREVIOUS_SENTENCE)
LIKELY: Mapping[State, tuple[Action, ...]] = {
    State.IDLE: (Action.READ, Action.RESUME, Action.SECTION, Action.FIND, Action.FIRST, *_MOVING),
    State.FRAMING: (Action.READ, Action.STOP),
    State.RECOGNISING: (Action.STOP, Action.STATUS),
    State.READING: (
        *(Action.STOP, Action.PAUSE, Action.REPEAT, *_MOVING, Action.SECTION),
        *(Action.SLOWER, Action.LOUDER, Action.WHERE_AM_I, Action.SPELL_WORD, Action.FIND),
    ),
    State.PAUSED: (Action.RESUME, Action.REPEAT, *_MOVING, Action.SECTION, Action.WHERE_AM_I),
    State.MENU: (Action.MENU_NEXT, Action.MENU_PREVIOUS, Action.MENU_CHOOSE, Action.MENU_LEAVE),
}
QUESTION = (Action.YES, Action.NO)
"""What is likely where a question was asked."""

_NEVER = frozenset({Action.HUSH, Action.HELP, Action.PAUSE_OR_RESUME, *QUESTION})
"""No advice: for buttons, what was just said, and answers to nothing."""


def what_fits(grammar: Grammar, state: State, *, opened: bool, question: bool) -> tuple[str, ...]:
    """Return one phrase for each action that makes sense now, the likeliest first.

    Args:
        grammar: what may be said; its values give the examples.
        state: of the reading session.
        opened: whether a document is open.
        question: whether the reader waits for yes or no.
    """
    ways: dict[Action, list[Template]] = {}
    for template in grammar.templates:
        ways.setdefault(template.action, []).append(template)
    order = QUESTION if question else dict.fromkeys((*LIKELY[state], *ways))
    fits = [
        action
        for action in order
        if action in ways
        and (question or action not in _NEVER)
        and state in action.row.states
        and (opened or action.row.states != WITH_DOCUMENT)
    ]
    return tuple(said for action in fits if (said := _example(ways[action], grammar)))


def _example(ways: list[Template], grammar: Grammar) -> str:
    """Return the shortest way without a slot, or the second of those with one, filled."""
    plain = [way.phrase for way in ways if not way.slots and not _too_short(way.phrase)]
    if plain:
        return plain[0]
    way = ways[min(1, len(ways) - 1)]
    for slot in way.slots:
        values = grammar.values.get(kind_of(way.action, slot), ())
        if not values:
            return ""
    values_of = {s: grammar.values[kind_of(way.action, s)][0] for s in way.slots}
    return _SLOT.sub(lambda found: values_of[found[1]], way.phrase)


def _too_short(phrase: str) -> bool:
    """Whether a recogniser has too little to go by: an English "no"."""
    return phrase.isascii() and len(phrase) < SHORTEST


class Advice:
    """Hands out the list in parts: asked again, it goes on."""

    def __init__(self) -> None:
        self._all: tuple[str, ...] = ()
        self._told = 0

    def next(self, phrases: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
        """Return the next few phrases, and whether there are more.

        Args:
            phrases: all that fit now; when they have changed it begins anew.
        """
        if phrases != self._all or self._told >= len(phrases):
            self._all, self._told = phrases, 0
        part = self._all[self._told : self._told + AT_ONCE]
        self._told += len(part)
        return part, self._told < len(self._all)


def words_worth_finding(words: Iterator[str], most: int = 40) -> tuple[str, ...]:
    """Return long words of a document, each once, in reading order; for the grammar."""
    found: dict[str, None] = {}
    for word in words:
        plain = word.strip(".,;:!?()[]\"'").casefold()
        if len(plain) >= 6 and plain.isalpha():
            found.setdefault(plain)
            if len(found) == most:
                break
    return tuple(found)
