"""How well was it read? Confident dictionary words, the judge of every alternative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voxedge.engines.ocr.lexicon import Lexicon
from voxedge.engines.ocr.tesseract import TsvWord

_EDGES = ".,;:!?()[]{}<>«»\"'’‘“”*•·-–—=/|_。，、；：！？（）【】《》"
_CONFIDENT = 0.6
_SURE = 0.8
"""Confidence that carries a word no dictionary knows: a name, a dose."""
_JUNK_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Score:
    """Letters in believable words, and letters in all.

    Attributes:
        good: letters of believable words.
        total: letters and digits read.
    """

    good: int
    total: int

    @property
    def share(self) -> float:
        """Believable share, 0 to 1."""
        return self.good / self.total if self.total else 0.0

    @property
    def value(self) -> float:
        """What alternatives are compared by: more believable text, less junk."""
        return self.good - _JUNK_WEIGHT * (self.total - self.good)


class Judge:
    """Believes or doubts words of one language. Immutable after construction."""

    def __init__(self, lexicons: Sequence[Lexicon], *, unspaced: bool) -> None:
        """Judge by these word lists; ``unspaced`` for scripts without spaces."""
        self._lexicons = tuple(lexicons)
        self._unspaced = unspaced

    def knows(self, word: str) -> bool:
        """Say whether a word list has the word."""
        return any(word in lexicon for lexicon in self._lexicons)

    def believes(self, word: TsvWord) -> bool:
        """Say whether a word is likely what is printed."""
        core = word.text.strip(_EDGES)
        if not core:
            return False
        if any(character.isdigit() for character in core):
            return word.confidence >= _CONFIDENT
        if self._unspaced:
            ideographs = sum(ord(character) >= 0x2E80 for character in core)
            if 2 * ideographs >= len(core):
                return word.confidence >= _CONFIDENT
        if len(core) >= 3 and word.confidence >= _CONFIDENT and self._has_parts(core):
            return True
        return len(core) >= 4 and core.isalpha() and word.confidence >= _SURE

    def score(self, words: Sequence[TsvWord]) -> Score:
        """Add up the words of a picture."""
        good = total = 0
        for word in words:
            letters = sum(character.isalnum() for character in word.text)
            total += letters
            good += letters if self.believes(word) else 0
        return Score(good, total)

    def _has_parts(self, core: str) -> bool:
        if self.knows(core):
            return True
        parts = [part for part in core.replace("/", "-").replace("'", "-").split("-") if part]
        return len(parts) > 1 and all(len(part) < 3 or self.knows(part) for part in parts)
