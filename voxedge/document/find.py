"""Finding a word or a phrase in a document, as a person remembers it. Pure.

Case and accents do not count. Words whose spelling is near are found too, since a recogniser
misreads letters; **numbers are found exactly or not at all**: 50 is never offered for 500.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

from rapidfuzz.distance import Indel

from voxedge.document.cursor import Cursor, Outline

SIMILAR = 0.8
"""Least normalised Indel similarity of a near word: one wrong letter in five, none in three."""
_SPACELESS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER")


@dataclass(frozen=True, slots=True)
class Match:
    """Where a phrase was found.

    Attributes:
        cursor: the first word of it.
        found: the words as printed, to be spoken when they differ from what was asked.
        exact: the letters are the same, apart from case and accents; False where only the
            spelling is near.
        wrapped: the search passed the end (or the beginning) of the document.
        last: the last word of it.
    """

    cursor: Cursor
    found: str
    exact: bool
    wrapped: bool
    last: Cursor


def fold(text: str) -> str:
    """Return the text without case, accents and compatibility forms ("É" is "e", "５" is "5")."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    # Only the accents of Latin, Greek and Cyrillic go: a dakuten tells two kana apart.
    bare = "".join(c for c in decomposed if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFC", bare)


def tokens(text: str) -> tuple[str, ...]:
    """Return the folded words and numbers of a text; "500mg" is a number and a word."""
    return tuple(re.findall(r"\d+(?:[.,]\d+)*|[^\W\d_]+", fold(text)))


def similarity(one: str, other: str) -> float:
    """Return how alike two folded texts are, 0 to 1: normalised Indel similarity.

    Texts with digits are alike only when they are equal.
    """
    if one == other:
        return 1.0
    if any(c.isdigit() for c in one + other):
        return 0.0
    return Indel.normalized_similarity(one, other)


def find(
    outline: Outline, query: str, cursor: Cursor, *, backward: bool = False, here: bool = False
) -> Match | None:
    """Return the nearest place of a phrase, going round the end of the document.

    Places where the letters agree, at the beginning of a word, win over places where the
    spelling is only near.

    Args:
        outline: of the document.
        query: one or more words.
        cursor: where to search from.
        backward: search towards the beginning.
        here: the word under the cursor counts too ("find", as against "find next").
    """
    wanted = tokens(query)
    if not wanted or not outline.words:
        return None
    at = outline.clamp(cursor).word
    text = _Text(outline)
    for exact, places in ((True, text.exact(wanted)), (False, text.near(wanted))):
        if places:
            word, last, wrapped = _nearest(places, at, backward=backward, here=here)
            return Match(Cursor(word), text.printed(word, last), exact, wrapped, Cursor(last))
    return None


def _nearest(
    places: list[tuple[int, int]], at: int, *, backward: bool, here: bool
) -> tuple[int, int, bool]:
    ordered = sorted(set(places), reverse=backward)
    for word, last in ordered:
        if (word == at and here) or (word < at if backward else word > at):
            return word, last, False
    return (*ordered[0], True)


class _Text:
    """The folded tokens of a document, each with the number of its word."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        pairs = [
            (token, index)
            for index, word in enumerate(outline.words)
            for token in tokens(word.text)
        ]
        self._tokens = tuple(token for token, _ in pairs)
        self._words = tuple(index for _, index in pairs)
        # Scripts without spaces are cut into words by the recogniser as it likes: there a phrase
        # is looked for in the running letters.
        self._running = "".join(self._tokens)
        offsets: list[int] = []
        length = 0
        for token in self._tokens:
            offsets.append(length)
            length += len(token)
        self._offsets = tuple(offsets)

    def exact(self, wanted: tuple[str, ...]) -> list[tuple[int, int]]:
        """Return (first word, last word) where the letters agree from a word's beginning."""
        found = [
            (self._words[i], self._words[i + len(wanted) - 1])
            for i in range(len(self._tokens) - len(wanted) + 1)
            if self._agrees(i, wanted)
        ]
        phrase = "".join(wanted)
        if _spaceless(phrase):
            position = self._running.find(phrase)
            while position >= 0:
                last = position + len(phrase) - 1
                found.append((self._word_at(position), self._word_at(last)))
                position = self._running.find(phrase, position + 1)
        return found

    def near(self, wanted: tuple[str, ...]) -> list[tuple[int, int]]:
        """Return (first word, last word) of the best spelling near the wanted one."""
        best = SIMILAR
        found: list[tuple[int, int]] = []
        for i in range(len(self._tokens) - len(wanted) + 1):
            score = self._likeness(i, wanted, best)
            if score >= best:
                if score > best:
                    found.clear()
                best = score
                found.append((self._words[i], self._words[i + len(wanted) - 1]))
        return found

    def printed(self, first: int, last: int) -> str:
        """Return the words as printed."""
        words = self._outline.words[first : last + 1]
        joiner = "" if words and _spaceless(fold(words[0].text)) else " "
        return joiner.join(word.text for word in words)

    def _agrees(self, start: int, wanted: tuple[str, ...]) -> bool:
        whole, end = wanted[:-1], start + len(wanted) - 1
        if self._tokens[start:end] != whole:
            return False
        token, last = self._tokens[end], wanted[-1]
        # The beginning of a word is enough ("paracet"), of a number it is not.
        return token == last or (not last[0].isdigit() and token.startswith(last))

    def _likeness(self, start: int, wanted: tuple[str, ...], least: float) -> float:
        worst = 1.0
        for token, want in zip(self._tokens[start:], wanted, strict=False):
            worst = min(worst, similarity(token, want))
            if worst < least:
                return 0.0
        return worst

    def _word_at(self, position: int) -> int:
        return self._words[bisect_right(self._offsets, position) - 1]


def has_no_word_ends(text: str) -> bool:
    """Tell whether spaces do not end words: scripts without them, and Hangul with its particles."""
    return _spaceless(text) or any(unicodedata.name(c, "").startswith("HANGUL") for c in text)


def _spaceless(text: str) -> bool:
    """Tell whether the text is in a script written without spaces (Han, kana, Thai and kin)."""
    return any(unicodedata.name(c, "").startswith(_SPACELESS) for c in text)
