"""The languages on board, found by BCP 47 tag."""

from __future__ import annotations

from voxedge.text.english.sentences import SENTENCES as ENGLISH_SENTENCES
from voxedge.text.language import SentenceTable

_PLAIN = SentenceTable(
    never_final=frozenset(),
    before_number=frozenset(),
    dose_abbreviations=frozenset(),
    starters=frozenset(),
    conjunctions=frozenset(),
)
_SENTENCES = {"en": ENGLISH_SENTENCES, "eng": ENGLISH_SENTENCES}


def primary(tag: str) -> str:
    """Return the primary subtag: "en" for "en-US" and for "en_US"."""
    return tag.replace("_", "-").partition("-")[0].lower()


def sentence_table(tag: str) -> SentenceTable:
    """Return the sentence table of a language; an empty one where it brings none."""
    return _SENTENCES.get(primary(tag), _PLAIN)
