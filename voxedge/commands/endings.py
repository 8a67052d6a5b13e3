"""Whether what was heard so far may be all: how long a listener has to wait.

An endpointer that knows no words has to wait for the longest pause inside a command. The grammar
knows better: after "next paragraph" nothing can follow, after "next" much can, and "go to page"
is not over at all.
"""

from __future__ import annotations

import math
from enum import Enum

from voxedge.commands.grammar import Grammar
from voxedge.commands.language import CommandLanguage, load


class Ending(Enum):
    """What may come after the words so far."""

    OPEN = "open"
    """They are no command yet."""
    MAYBE = "maybe"
    """They are one, and the beginning of another."""
    WHOLE = "whole"
    """They are one, and nothing follows."""


SETTLED_MS = {Ending.WHOLE: 190.0, Ending.MAYBE: 240.0, Ending.OPEN: math.inf}
"""Of silence after which the utterance is over, by what may follow. Inside a command people pause
for up to 100 ms (the closure of a plosive), before another word of it for some 200."""


class Endings:
    """Tells, for one grammar, what may still follow. Built once a grammar; asked in microseconds.

    Args:
        grammar: what may be said.
    """

    def __init__(self, grammar: Grammar) -> None:
        self._language: CommandLanguage = load(grammar.language)
        self._whole: set[str] = set()
        self._begun: set[str] = set()
        for phrase in grammar.phrases():
            folded = self._language.fold(phrase)
            self._whole.add(folded)
            # Where words are written without spaces, any character may end one.
            cuts = [at for at, sign in enumerate(folded) if sign == " "] or (
                range(len(folded)) if self._language.spaceless else ()
            )
            self._begun.update(folded[:at] for at in cuts)

    def of(self, text: str) -> Ending:
        """Return what may follow the words in ``text``."""
        folded = self._language.fold(text)
        if folded not in self._whole:
            return Ending.OPEN
        return Ending.MAYBE if folded in self._begun else Ending.WHOLE
