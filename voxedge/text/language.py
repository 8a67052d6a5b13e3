"""What a language brings: tables and reading rules. Everything else is the same for all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SentenceTable:
    """What a language knows about its sentence ends. Lower case, without the final dot.

    Attributes:
        never_final: a dot after these never ends a sentence ("Dr.", "e.g.").
        before_number: no end when a digit or a capital letter alone follows ("No. 5", "Fig. 2").
        dose_abbreviations: dotted dose shorthand; ends a sentence only before a starter word.
        starters: words that open sentences; told from names after an abbreviation.
        conjunctions: words before which a long sentence may be cut into clauses.
    """

    never_final: frozenset[str]
    before_number: frozenset[str]
    dose_abbreviations: frozenset[str]
    starters: frozenset[str]
    conjunctions: frozenset[str]


def word_set(block: str) -> frozenset[str]:
    """Return the words of a block of text: tables stay readable as lines of words."""
    return frozenset(block.split())
