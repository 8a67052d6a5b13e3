"""From tesseract's words in a level picture to printed lines on the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from voxedge.document.lines import BULLET, PrintedLine
from voxedge.document.model import Box, Word
from voxedge.engines.ocr.score import Judge
from voxedge.engines.ocr.tesseract import TsvWord
from voxedge.vision.strokes import measure_print

ToPage = Callable[[int, int, int, int], Box]

_BULLET_GLYPHS = frozenset("•●▪■◦‣∙·○►▶*+¢«»©®°=~–—-.¢")
_BULLET_LETTERS = frozenset("eo")
"""What a small disc is read as when it is read as a letter."""
_GLUED_BULLETS = "•●▪■¢*«»"
_MIN_WORD_CONFIDENCE = 0.3
"""Below this a mark at the end of a line is a speck, unless it holds a digit."""
_MIN_LINE_CONFIDENCE = 0.5


def printed_lines(
    words: Sequence[TsvWord],
    ink: npt.NDArray[np.uint8],
    judge: Judge,
    to_page: ToPage,
    *,
    letter_px: float,
    page: int,
) -> list[PrintedLine]:
    """Group words into lines from top to bottom, without specks.

    Args:
        words: of one level picture of one column.
        ink: ``uint8`` ``[h, w]`` of 0 and 1, the same picture binarised.
        judge: of the language.
        to_page: maps left, top, right, bottom of the picture to a box of the page.
        letter_px: letter height in the picture.
        page: number of the page, from 0.

    Returns:
        Lines whose lengths are in letter heights.
    """
    lines = []
    for row in visual_lines(words):
        kept = _without_specks(row, judge, letter_px)
        if not kept:
            continue
        left, right = min(w.left for w in kept), max(w.right for w in kept)
        top, bottom = min(w.top for w in kept), max(w.bottom for w in kept)
        look = measure_print(ink[top:bottom, left:right], letter_px)
        lines.append(
            PrintedLine(
                words=tuple(
                    Word(
                        w.text,
                        to_page(w.left, w.top, w.right, w.bottom),
                        w.confidence,
                        page,
                        w.second,
                    )
                    for w in kept
                ),
                left=left / letter_px,
                right=right / letter_px,
                top=top / letter_px,
                bottom=bottom / letter_px,
                size=look.letter_px / letter_px if look.letter_px else 1.0,
                stroke=look.stroke,
                spans=tuple((w.left / letter_px, w.right / letter_px) for w in kept),
            )
        )
    return lines


def visual_lines(words: Sequence[TsvWord]) -> list[list[TsvWord]]:
    """Return words by line, top to bottom, left to right.

    Tesseract may part one printed line ("1." and its far heading) into two blocks; pieces that
    stand beside each other are joined again.
    """
    pieces: dict[tuple[int, int, int], list[TsvWord]] = {}
    for word in words:
        pieces.setdefault(word.line, []).append(word)
    rows: list[list[TsvWord]] = []
    for piece in sorted(pieces.values(), key=_middle):
        home = next((row for row in reversed(rows[-3:]) if _beside(row, piece)), None)
        if home is None:
            rows.append(sorted(piece, key=lambda w: w.left))
        else:
            home.extend(piece)
            home.sort(key=lambda w: w.left)
    return rows


def _middle(words: Sequence[TsvWord]) -> float:
    return float(np.median([w.top + w.bottom for w in words])) / 2


def _beside(row: Sequence[TsvWord], piece: Sequence[TsvWord]) -> bool:
    top = max(min(w.top for w in row), min(w.top for w in piece))
    bottom = min(max(w.bottom for w in row), max(w.bottom for w in piece))
    lower = min(max(w.bottom for w in part) - min(w.top for w in part) for part in (row, piece))
    apart = min(w.left for w in piece) >= max(w.right for w in row) or (
        min(w.left for w in row) >= max(w.right for w in piece)
    )
    return apart and bottom - top > 0.6 * lower


def _without_specks(row: Sequence[TsvWord], judge: Judge, letter_px: float) -> list[TsvWord]:
    """Drop lines nobody can believe and marks at the ends of good ones; make bullets one glyph."""
    if not any(judge.believes(w) for w in row):
        letters = sum(len(w.text) for w in row)
        confidence = sum(w.confidence * len(w.text) for w in row) / letters
        if confidence < _MIN_LINE_CONFIDENCE or not any(c.isalnum() for w in row for c in w.text):
            return []
    kept = list(row)
    bullet = _bullet(kept, letter_px)
    if bullet is not None:
        kept = bullet
    while kept and kept[0].text != BULLET and _is_speck(kept[0]):
        kept.pop(0)
    while kept and _is_speck(kept[-1]):
        kept.pop()
    return kept


def _is_speck(word: TsvWord) -> bool:
    if any(c.isdigit() for c in word.text):
        return False
    if not any(c.isalpha() for c in word.text):
        return word.confidence < 0.6 or word.text in ("|", "_", "~", "=", "—", "__")
    return len(word.text) <= 2 and word.confidence < _MIN_WORD_CONFIDENCE


def _bullet(row: Sequence[TsvWord], letter_px: float) -> list[TsvWord] | None:
    """Return the row with a leading bullet as ``BULLET``; None where there is none."""
    first = row[0]
    if len(row) > 1 and len(first.text) == 1 and first.right - first.left < 1.3 * letter_px:
        small = first.bottom - first.top < 0.85 * letter_px
        if first.text in _BULLET_GLYPHS or (first.text in _BULLET_LETTERS and small):
            return [_renamed(first, BULLET), *row[1:]]
    if len(first.text) > 3 and first.text[0] in _GLUED_BULLETS and first.text[1].isalpha():
        return [_renamed(first, BULLET), _renamed(first, first.text[1:]), *row[1:]]
    return None


def _renamed(word: TsvWord, text: str) -> TsvWord:
    # What the second reader has in its place is no longer in its place.
    return replace(word, text=text, second=None)
