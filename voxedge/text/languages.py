"""The languages on board, found by BCP 47 tag."""

from __future__ import annotations

from voxedge.text.english import ENGLISH
from voxedge.text.language import Language, SentenceTable, SpellTable

PLAIN = Language(
    tag="und",
    letter_rules=(),
    digit_rules=(),
    sign_rules=(),
    sentences=SentenceTable(*[frozenset()] * 6),
    spelling=SpellTable(letters={}, phonetic={}, signs={}, capital="", unknown=""),
    number_words=frozenset(),
)
"""For languages without rules: text passes unread, only control characters are taken out."""

_LANGUAGES = {"en": ENGLISH, "eng": ENGLISH}


def language_for(tag: str) -> Language:
    """Return the language of a BCP 47 (or tesseract) tag, ``PLAIN`` where it is not on board."""
    return _LANGUAGES.get(tag.replace("_", "-").partition("-")[0].lower(), PLAIN)
