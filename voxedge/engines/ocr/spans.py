"""Which parts of recognised lines are read a second time: those that hold numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voxedge.document.figures import holds_figure, is_dose_unit, may_be_figure
from voxedge.engines.ocr.assemble import visual_lines
from voxedge.engines.ocr.tesseract import TsvWord

_CONTEXT_WORDS = 3
_CONTEXT_CHARS = 2
_TALLER = 1.8
"""Heights of a word in heights of its neighbour: beyond it they are different print. A brand name
beside a strength must not make the crop ten times as high as the strength."""
_INFLATED = 3.2
"""In noise tesseract's box of a unit comes out up to three times as high as the number's beside it.
Such a word is read along with the number, but its box does not count for the crop's height."""


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring words of one printed line, from left to right.

    Attributes:
        words: at least one of them holds a number or may hide one.
        left: pixel where the crop begins.
        top: pixel.
        right: exclusive.
        bottom: exclusive.
    """

    words: tuple[TsvWord, ...]
    left: int
    top: int
    right: int
    bottom: int


def number_spans(words: Sequence[TsvWord], width: int, height: int) -> list[Span]:
    """Return what is to be read a second time.

    Args:
        words: as recognised in one level picture.
        width: of the picture in pixels.
        height: of the picture in pixels.
    """
    spans: list[Span] = []
    # The region before, which is not known here, may end with a number.
    is_open = True
    for row in visual_lines(words):
        for start, stop in _runs(row, begins_with_unit=is_open):
            spans.append(_span(row, start, stop, width, height))
        is_open = any(holds_figure(word.text) for word in row[-2:])
    return spans


def _runs(row: Sequence[TsvWord], *, begins_with_unit: bool) -> list[tuple[int, int]]:
    """Return the stretches of a line, each with a word of context on both sides.

    A digit alone has no height to be judged by, and what one reader saw between two words must
    have somewhere to go. Stretches that touch are one.

    Args:
        row: words of the line.
        begins_with_unit: the line before ends with a number, whose unit may stand here.
    """
    runs: list[tuple[int, int]] = []
    for number, word in enumerate(row):
        wanted = holds_figure(word.text) or _may_hide_one(row, number)
        if not (wanted or (number == 0 and begins_with_unit)):
            continue
        start = number - _context(word, row[:number][::-1])
        stop = number + 1 + _context(word, row[number + 1 :])
        if runs and start <= runs[-1][1] and _same_print(word, row[runs[-1][1] - 1]):
            runs[-1] = (runs[-1][0], stop)
        else:
            runs.append((start, stop))
    return runs


def _context(word: TsvWord, beside: Sequence[TsvWord]) -> int:
    """Return how many of the words beside one are read along with it, the nearest first.

    One is enough, or as many as make two characters: some scripts have words of one.
    """
    taken = characters = 0
    for other in beside[:_CONTEXT_WORDS]:
        if characters >= _CONTEXT_CHARS or not _same_print(word, other):
            break
        taken += 1
        characters += len(other.text)
    return taken


def _same_print(word: TsvWord, other: TsvWord) -> bool:
    """Say whether two neighbours can be read in one crop."""
    height, beside = word.bottom - word.top, other.bottom - other.top
    if beside > _TALLER * height:
        middle = (other.top + other.bottom) / 2
        return beside <= _INFLATED * height and word.top < middle < word.bottom
    # A dash, a tilde or the ideograph for one is low, and belongs to the numbers beside it.
    is_sign = sum(character.isalnum() for character in other.text) <= 1
    return (
        (is_sign or height <= _TALLER * beside)
        and other.top > word.top - height
        and other.bottom < word.bottom + height
    )


def _may_hide_one(row: Sequence[TsvWord], number: int) -> bool:
    """Say whether a unit without its number stands here, or letters that look like digits."""
    word = row[number].text
    if is_dose_unit(word):
        return number == 0 or not holds_figure(row[number - 1].text)
    return may_be_figure(word) and word != "I"


def _level_members(members: Sequence[TsvWord]) -> list[TsvWord]:
    """Return the words whose boxes tell how high the line is."""
    numbers = [word.bottom - word.top for word in members if holds_figure(word.text)]
    if not numbers:
        return list(members)
    return [word for word in members if word.bottom - word.top <= _TALLER * max(numbers)]


def _span(row: Sequence[TsvWord], start: int, stop: int, width: int, height: int) -> Span:
    members = tuple(row[start:stop])
    level = _level_members(members)
    top, bottom = min(w.top for w in level), max(w.bottom for w in level)
    left, right = min(w.left for w in members), max(w.right for w in members)
    margin = max(2, round(0.15 * (bottom - top)))
    # Half of the white to the neighbours that stay outside: their letters must not come along.
    # Where there is none, a digit that the first reader cut off must come along: "40" of "400".
    free = bottom - top
    before = (left - row[start - 1].right) // 2 if start else free
    after = (row[stop].left - right) // 2 if stop < len(row) else free
    return Span(
        members,
        max(0, left - max(0, min(free, before))),
        max(0, top - margin),
        min(width, right + max(0, min(free, after))),
        min(height, bottom + margin),
    )
