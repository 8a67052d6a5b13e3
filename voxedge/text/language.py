"""What a language brings: tables and reading rules. Everything else is the same for all.

A reading rule looks at the printed text from ``scan.pos`` on and either answers with a
``Reading`` (what to say, and where it ends) or with None, and the next rule is asked. Rules never
see what another rule said, so no expansion can be expanded again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from voxedge.text.model import Doubt


class Kind(Enum):
    """What was read last; the context that tells "500 mg bid" from "my bid"."""

    START = auto()
    WORD = auto()
    NUMBER = auto()
    """A number without a unit, or spelled digits."""
    DOSE = auto()
    """A number with a unit or a dosage form, or the form itself."""
    SIG = auto()
    """Dose shorthand: b.i.d., p.o., q8h."""
    ROMAN = auto()
    BREAK = auto()
    """Punctuation that ends a clause."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How ``scan.text[scan.pos:end]`` is said.

    Attributes:
        end: offset after what was read; always past ``scan.pos``.
        text: speakable. The letter A is written ``LETTER_A`` where it may be taken for an article.
        kind: context for the rules that follow.
        doubt: why it is not certain, None where it is.
        spelled: the doubt is so grave that the text was spelled, not read.
        glued: joins its neighbours without a space.
    """

    end: int
    text: str
    kind: Kind = Kind.WORD
    doubt: Doubt | None = None
    spelled: bool = False
    glued: bool = False


@dataclass(slots=True)
class Scan:
    """The reading position; owned by ``normalise``, read by rules.

    Attributes:
        text: folded text (see ``voxedge.text.fold``).
        pos: where the next reading starts.
        last: kind of the last reading that was no white space.
        last_word: what was printed there, lower case.
        caps: the line at ``pos`` is set in capitals, so capitals tell nothing.
    """

    text: str
    pos: int = 0
    last: Kind = Kind.START
    last_word: str = ""
    caps: bool = False


LETTER_A = "\ue000"
"""Stands for a spoken letter A until the text is put together: the phonemizer (espeak-ng) says
"A" before a word as the article, so it becomes "A" before punctuation and "eigh" elsewhere."""

Rule = Callable[[Scan], Reading | None]


@dataclass(frozen=True, slots=True)
class SentenceTable:
    """What a language knows about its sentence ends. Lower case, without the final dot.

    Attributes:
        never_final: a dot after these never ends a sentence ("Dr.", "e.g.").
        before_number: no end when a digit or a capital letter alone follows ("No. 5", "Fig. 2").
        dose_abbreviations: dotted dose shorthand; ends a sentence only before a starter word.
        starters: words that open sentences; told from names after an abbreviation.
        conjunctions: words before which a long sentence may be cut into clauses.
        joiners: words inside a list or range of numbers ("5, 10 or 20 mg").
    """

    never_final: frozenset[str]
    before_number: frozenset[str]
    dose_abbreviations: frozenset[str]
    starters: frozenset[str]
    conjunctions: frozenset[str]
    joiners: frozenset[str]


@dataclass(frozen=True, slots=True)
class SpellTable:
    """Names of single characters.

    Attributes:
        letters: names by lower-case letter, where the bare letter is not said right by itself.
        phonetic: telephone alphabet by lower-case letter.
        signs: names of digits and signs.
        capital: word said before a capital letter when case is asked for.
        unknown: said for a character without a name.
    """

    letters: Mapping[str, str]
    phonetic: Mapping[str, str]
    signs: Mapping[str, str]
    capital: str
    unknown: str


@dataclass(frozen=True, slots=True)
class Language:
    """One language: how it is read, cut and spelled.

    Attributes:
        tag: primary BCP 47 subtag.
        letter_rules: asked in order where a letter stands.
        digit_rules: asked in order where a digit or another numeric character stands.
        sign_rules: asked in order where anything else stands.
        sentences: sentence and clause boundaries.
        spelling: names of characters.
        number_words: words that may be part of a number; between two numbers that stand side by
            side a pause is set, so that "five 5 mg tablets" is not heard as fifty-five.
    """

    tag: str
    letter_rules: tuple[Rule, ...]
    digit_rules: tuple[Rule, ...]
    sign_rules: tuple[Rule, ...]
    sentences: SentenceTable
    spelling: SpellTable
    number_words: frozenset[str]


def word_set(block: str) -> frozenset[str]:
    """Return the words of a block of text: tables stay readable as lines of words."""
    return frozenset(block.split())
