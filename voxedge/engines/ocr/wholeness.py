"""Numbers beside which print may be hidden are in doubt, however many readers agree on them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from voxedge.document.figures import holds_figure
from voxedge.document.numbers import UNSURE
from voxedge.engines.ocr.assemble import visual_lines
from voxedge.engines.ocr.tesseract import TsvWord
from voxedge.vision.hidden_print import (
    Light,
    Patch,
    is_burnt,
    may_hide_print,
    outlasts,
    usual_light,
)
from voxedge.vision.illumination import Grey

_WIDE = 1.25
"""Letter heights: a wider white is no space between words. Justified lines have such, too, but
theirs is clean paper."""
_RIM = 0.25
"""Letter heights of a white left out at both ends: what a word's box cut off stands there."""
_HEIGHTS = (0.7, 1.6)
"""Least and most height of a line's band, in letter heights."""
_BESIDE = 8.0
"""Letter heights looked at from the end of a line: room for a word."""
_FIRM, _FIRM_CHARS = 0.7, 2
"""Confidence and letters of a word that tells where a column begins and ends."""
_STOPS, _WIDE_STOPS = frozenset(".!?"), frozenset("。！？")
"""Marks that end a sentence. A semicolon does not: what is hidden before it counts behind it."""
_WHOLE_DATE = re.compile(r"\d[./-](?:19|20)\d\d$")
_TALL_GAP = 1.7
"""Between two lines, in usual distances: another one would find room there."""


@dataclass(frozen=True, slots=True)
class _Row:
    words: tuple[TsvWord, ...]
    top: int
    bottom: int

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def doubt_hidden(words: Sequence[TsvWord], grey: Grey, letter_px: float) -> tuple[TsvWord, ...]:
    """Return the words; numbers beside which print may be hidden have ``UNSURE`` in ``second``.

    Looked at are the whites of a number's line that are wider than a space, amid it and at both
    ends; those of the line before and behind where the sentence goes over from it or into it; and
    a white between two lines in which another one would find room.

    Args:
        words: as recognised in one level picture of one column.
        grey: ``uint8`` ``[h, w]``, that picture, print dark on light, not flattened.
        letter_px: letter height in it.
    """
    numbers = [word for word in words if holds_figure(word.text)]
    usual = usual_light(grey, [_patch(word) for word in words]) if numbers else None
    if usual is None:
        return tuple(words)
    column = _Column(words, grey, letter_px, usual)
    doubted = {
        id(row.words[at])
        for number, row in enumerate(column.rows)
        for at, word in enumerate(row.words)
        if holds_figure(word.text) and column.hides_beside(number, at)
    }
    return tuple(_doubted(word) if id(word) in doubted else word for word in words)


class _Column:
    """The lines of a picture, and the whites between their words."""

    def __init__(
        self, words: Sequence[TsvWord], grey: Grey, letter_px: float, usual: Light
    ) -> None:
        self._grey = grey
        self._letter_px = letter_px
        self._usual = usual
        lines = visual_lines(words)
        self._left = _side([line[0].left for line in map(_firm, lines) if line], 10)
        self._right = _side([line[-1].right for line in map(_firm, lines) if line], 90)
        # Specks at the paper's edge, and marks of lists, stand outside of the column.
        inside = (
            [word for word in line if word.right > self._left and word.left < self._right]
            for line in lines
        )
        self.rows = [self._row(line) for line in inside if line]
        middles = [row.middle for row in self.rows]
        self._pitch = float(np.median(np.diff(middles))) if len(middles) > 2 else 0.0

    def hides_beside(self, number: int, at: int) -> bool:
        """Say whether print may be hidden in the lines of the sentence of word ``at`` of a row.

        Anywhere in them: what is left of a sentence may tell of another drug than it seems.
        """
        words = self.rows[number].words
        start, stop = _sentence_around(words, at)
        if self._is_holed(number, start, stop):
            return True
        # The sentence may have begun in the line above, or go on in the one below.
        if start == 0 and number:
            above = self.rows[number - 1].words
            begins, ends = _sentence_around(above, len(above) - 1)
            ended = _ends_sentence(above[-1].text)
            if not ended and self._is_holed(number - 1, begins, ends):
                return True
            if at == 0 and self._is_parted(number):
                return True
        if number + 1 == len(self.rows) or _ends_sentence(words[stop - 1].text):
            return False
        begins, ends = _sentence_around(self.rows[number + 1].words, 0)
        return self._is_holed(number + 1, begins, ends) or (
            at + 1 == len(words) and self._is_parted(number + 1)
        )

    def _is_holed(self, number: int, start: int, stop: int) -> bool:
        """Say whether print may be hidden between these words of a row, or where it ends."""
        words = self.rows[number].words
        if start == 0 and self._begins_hidden(number):
            return True
        if stop == len(words) and self._ends_hidden(number):
            return True
        return any(
            self._hides(number, left.right, right.left, beside)
            for left, right in itertools.pairwise(words[start:stop])
            for beside in (left, right)
        )

    def _begins_hidden(self, number: int) -> bool:
        first = self.rows[number].words[0]
        reach = first.left - round(_BESIDE * self._letter_px)
        if self._hides(number, max(self._left, reach), first.left, first):
            return True
        # A shine may part a line as a gutter does: what stands behind it does not begin like one.
        goes_on = holds_figure(first.text[:1]) or first.text[:1].islower()
        return goes_on and self._is_burnt(number, max(0, reach), first.left)

    def _ends_hidden(self, number: int) -> bool:
        last = self.rows[number].words[-1]
        if _ends_sentence(last.text):
            return False
        reach = last.right + round(_BESIDE * self._letter_px)
        beyond = min(self._grey.shape[1], reach)
        return self._hides(number, last.right, min(self._right, reach), last) or self._is_burnt(
            number, last.right, beyond
        )

    def _is_parted(self, number: int) -> bool:
        """Say whether a line may be hidden above this one."""
        above, below = self.rows[number - 1], self.rows[number]
        if not self._pitch or below.middle - above.middle <= _TALL_GAP * self._pitch:
            return False
        white = Patch(self._left, above.bottom, self._right, below.top)
        return is_burnt(self._grey, white, self._usual)

    def _hides(self, number: int, left: int, right: int, beside: TsvWord) -> bool:
        white = self._white(self.rows[number], left, right)
        if white is None:
            return False
        return self._is_burnt(number, left, right) or may_hide_print(
            self._grey, white, _patch(beside), self._usual, self._letter_px
        )

    def _is_burnt(self, number: int, left: int, right: int) -> bool:
        """Say whether a white is burnt out, and no print near it shows that ink outlasts that."""
        white = self._white(self.rows[number], left, right)
        if white is None or not is_burnt(self._grey, white, self._usual):
            return False
        beside = self.rows[max(0, number - 1) : number + 2]
        return not any(
            outlasts(self._grey, _patch(word), self._usual)
            for row in beside
            for word in row.words
            if row is not self.rows[number]
            and min(word.right, white.right) - max(word.left, white.left) > self._letter_px
        )

    def _white(self, row: _Row, left: int, right: int) -> Patch | None:
        """Return a white that is wider than a space, without its rims."""
        if right - left <= _WIDE * self._letter_px:
            return None
        rim = round(_RIM * self._letter_px)
        return Patch(left + rim, row.top, right - rim, row.bottom)

    def _row(self, words: Sequence[TsvWord]) -> _Row:
        """Return a row and the band in which its letters stand, whatever noise did to boxes."""
        top, bottom = (float(np.median([getattr(w, side) for w in words])) for side in _SIDES)
        least, most = (share * self._letter_px for share in _HEIGHTS)
        middle, half = (top + bottom) / 2, float(np.clip(bottom - top, least, most)) / 2
        return _Row(tuple(words), round(middle - half), round(middle + half))


_SIDES = ("top", "bottom")


def _firm(line: Sequence[TsvWord]) -> list[TsvWord]:
    """Return the words that are no specks."""
    return [
        word
        for word in line
        if word.confidence >= _FIRM and sum(map(str.isalnum, word.text)) >= _FIRM_CHARS
    ]


def _side(places: Sequence[int], percentile: float) -> int:
    return round(float(np.percentile(places, percentile))) if places else 0


def _sentence_around(words: Sequence[TsvWord], at: int) -> tuple[int, int]:
    """Return where the sentence of a word begins and ends in its line."""

    def is_end(place: int) -> bool:
        # What goes on with a small letter had not ended: "|! t into 7 doses." after a shine.
        return _ends_sentence(words[place].text) and not words[place + 1].text[:1].islower()

    start = at
    while start and not is_end(start - 1):
        start -= 1
    stop = at
    while stop + 1 < len(words) and not is_end(stop):
        stop += 1
    return start, stop + 1


def _ends_sentence(word: str) -> bool:
    """Say whether nothing is missing behind a word: "adults.", "09/2031.".

    But not "5." of 5.5, and not "w!", which a shine left of "were".
    """
    is_narrow = word[-1:] in _STOPS and sum(map(str.isalnum, word)) >= _FIRM_CHARS
    if not is_narrow and word[-1:] not in _WIDE_STOPS:
        return False
    return not holds_figure(word) or _WHOLE_DATE.search(word[:-1]) is not None


def _doubted(word: TsvWord) -> TsvWord:
    # What nobody checked is in doubt as it is.
    return word if word.second is None else replace(word, second=f"{UNSURE}{word.second}")


def _patch(word: TsvWord) -> Patch:
    return Patch(word.left, word.top, word.right, word.bottom)
