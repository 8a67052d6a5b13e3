"""Print that tesseract reads badly is read by the second reader, line by line.

The network of PP-OCR was trained on photographs and stands blur and dim light far better; tesseract
keeps the lines that it reads better. Where the network's words are taken, tesseract becomes the
second reader: whichever is first, a number is certain only if both have it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from voxedge.document.agreement import lay_beside
from voxedge.document.figures import holds_figure
from voxedge.document.garbled_units import settled
from voxedge.document.numbers import UNSURE
from voxedge.engines.ocr.line_reader import Crop, LineText
from voxedge.engines.ocr.number_check import without_doubts
from voxedge.engines.ocr.recogniser import Recogniser
from voxedge.engines.ocr.tesseract import PSM_BLOCK, TsvWord
from voxedge.vision.illumination import Grey, flatten
from voxedge.vision.rows import Row, find_rows

ReadLines = Callable[[list[Crop]], list[LineText] | None]

POOR_SHARE = 0.8
"""Share of believable letters below which a region is read again, line by line."""
_MIN_CERTAINTY, _MIN_CERTAINTY_UNSPACED = 0.6, 0.3
"""Mean certainty of a word at the end of a line below which it is a shade and no print."""
_GAP, _GAP_UNSPACED = 3.0, 2.0
"""In usual distances from character to character: a white that parts words where the network
wrote no space. Where it wrote some, twice the distance tears words apart ("microgram s")."""
_SPACES = 1 / 12
"""Share of spaces in a line below which the network left some out."""
_HALF_WORD = 0.6
"""Half the height of a word's box, in letter heights."""
_SMOOTH = 0.06
"""Standard deviation that takes the grain away before tesseract looks again, in letter heights."""
_SMOOTHER = 0.075
"""The same, for the network where a line is hardly print: of a blurred and dim Chinese leaflet it
misreads 0.69 of the characters in the grain, 0.42 with 0.05 and 0.36 with 0.075."""
_MARGIN = 0.6
"""White around each line then, in letter heights."""
_PAPER = 250
_FIRST_LINE = 100_000
_PIECES = re.compile(r"[!-~°µμ½¼¾]+|[^\s!-~°µμ½¼¾]")
"""Words of a script without spaces: runs of Latin letters and figures, ideographs one by one."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A word of a line: its characters from ``start`` to ``stop``."""

    text: str
    start: int
    stop: int


def read_poor(
    words: Sequence[TsvWord],
    grey: Grey,
    recogniser: Recogniser,
    read_lines: ReadLines,
    rows: Sequence[Row] | None = None,
) -> tuple[TsvWord, ...]:
    """Return the words of a badly read strip, each line by whoever read it better.

    Words of the line reader have ``second`` set to what tesseract has in their place.

    Args:
        words: as tesseract read them.
        grey: ``uint8`` ``[h, w]``, the level strip of one column.
        recogniser: of the language.
        read_lines: the second reader; None as an answer leaves all as it is.
        rows: the printed lines where they are known; each is read smoothed as well, since noise
            is what the network stands least. None to find them by their darkness.
    """
    readings = _read_rows(rows, grey, recogniser, read_lines)
    if readings is None:
        return tuple(words)
    taken: dict[Row, list[TsvWord]] = {}
    replaced: set[int] = set()
    judge = recogniser.judge
    for row, theirs in readings.items():
        mine = [word for word in words if row.top <= (word.top + word.bottom) / 2 < row.bottom]
        if theirs and judge.score(theirs).value > judge.score(mine).value:
            taken[row] = _compared(theirs, mine)
            replaced.update(map(id, mine))
    taken = _asked_again(taken, grey, recogniser)
    kept = (word for word in words if id(word) not in replaced)
    return (*kept, *(word for line in taken.values() for word in line))


def _read_rows(
    rows: Sequence[Row] | None, grey: Grey, recogniser: Recogniser, read_lines: ReadLines
) -> dict[Row, list[TsvWord]] | None:
    """Return what the network reads in each row, None where it does not answer."""
    ways = [grey]
    if rows is not None:
        smooth = cv2.GaussianBlur(grey, (0, 0), _SMOOTHER * recogniser.letter_px)
        ways.append(smooth.astype(np.uint8))
    else:
        rows = find_rows(grey, recogniser.letter_px)
    if not rows:
        return None
    best: dict[Row, list[TsvWord]] = {}
    for picture in ways:
        texts = read_lines([picture[r.top : r.bottom, r.left : r.right] for r in rows])
        if texts is None:
            return None
        for number, (row, text) in enumerate(zip(rows, texts, strict=True)):
            words = _words(text, row, number, recogniser)
            if row not in best or _rank(words, recogniser) > _rank(best[row], recogniser):
                best[row] = words
    return best


def _rank(words: Sequence[TsvWord], recogniser: Recogniser) -> tuple[float, float]:
    """Return what two readings of a row are compared by: believable text, then certainty."""
    sure = sum(word.confidence * len(word.text) for word in words)
    return recogniser.judge.score(words).value, sure


def _asked_again(
    lines: Mapping[Row, list[TsvWord]], grey: Grey, recogniser: Recogniser
) -> dict[Row, list[TsvWord]]:
    """Let tesseract look again at lines with numbers in whose place it saw none.

    What it cannot read amid a dim column it reads where the lines are smoothed, evenly lit and set
    below each other: 91 of 92 such numbers on 18 dark or shaken pages, all in one call. A number
    that it read as another one stays in dispute.
    """
    wanted = [row for row, line in lines.items() if any(map(_is_unseen, line))]
    again = dict(lines)
    if not wanted:
        return again
    picture, bands = _set_below(wanted, grey, recogniser.letter_px)
    found = recogniser.once(picture, psm=PSM_BLOCK).words
    for row, (top, bottom) in zip(wanted, bands, strict=True):
        words = [word for word in found if top <= (word.top + word.bottom) / 2 < bottom]
        fresh = _compared([replace(word, second=None) for word in lines[row]], words)
        again[row] = [
            new if _is_open(old) else old for old, new in zip(lines[row], fresh, strict=True)
        ]
    return again


def _set_below(
    rows: Sequence[Row], grey: Grey, letter_px: float
) -> tuple[Grey, list[tuple[int, int]]]:
    """Return the rows as one picture, smoothed and evenly lit, and where each lies in it."""
    margin = round(_MARGIN * letter_px)
    crops = []
    for row in rows:
        crop = grey[row.top : row.bottom, row.left : row.right]
        smooth = cv2.GaussianBlur(crop, (0, 0), _SMOOTH * letter_px).astype(np.uint8)
        crops.append(flatten(smooth, letter_px))
    width = max(crop.shape[1] for crop in crops) + 2 * margin
    height = sum(crop.shape[0] + 2 * margin for crop in crops)
    picture = np.full((height, width), _PAPER, np.uint8)
    bands, top = [], 0
    for crop in crops:
        bottom = top + crop.shape[0] + 2 * margin
        picture[top + margin : bottom - margin, margin : margin + crop.shape[1]] = crop
        bands.append((top, bottom))
        top = bottom
    return picture, bands


def _is_unseen(word: TsvWord) -> bool:
    return holds_figure(word.text) and _is_open(word)


def _is_open(word: TsvWord) -> bool:
    """Say whether tesseract saw no number there, nor did the network doubt its own."""
    return word.second != UNSURE and not holds_figure(word.second or "")


def _compared(theirs: Sequence[TsvWord], mine: Sequence[TsvWord]) -> list[TsvWord]:
    """Return the line reader's words with tesseract's in their place beside them."""
    first = [word.text for word in theirs]
    in_order = sorted(mine, key=lambda word: word.left)
    beside = lay_beside(first, " ".join(word.text for word in in_order))
    # Tesseract's garbles of units speak for the units that the network has.
    return [
        word if word.second is not None else replace(word, second=found)
        for word, found in zip(theirs, settled(beside, first), strict=True)
    ]


def _words(line: LineText, row: Row, number: int, recogniser: Recogniser) -> list[TsvWord]:
    if len(line.places) != len(line.text):
        return []
    parts = _parts(line, unspaced=recogniser.unspaced)
    # An ideograph is a word here, and a hard one no shade.
    least = _MIN_CERTAINTY_UNSPACED if recogniser.unspaced else _MIN_CERTAINTY
    while parts and _certainty(line, parts[-1]) < least:
        parts.pop()
    while parts and _certainty(line, parts[0]) < least:
        parts.pop(0)
    if not parts:
        return []
    pitch = _pitch(line)
    middle, half = (row.top + row.bottom) / 2, _HALF_WORD * recogniser.letter_px
    width = row.right - row.left
    return [
        TsvWord(
            part.text,
            max(row.left, round(row.left + width * (line.places[part.start] - pitch / 2))),
            max(0, round(middle - half)),
            min(row.right, round(row.left + width * (line.places[part.stop - 1] + pitch / 2)) + 1),
            round(middle + half),
            _certainty(line, part),
            (_FIRST_LINE + number, 0, 0),
            # A digit that the network itself doubts is confirmed by nobody.
            UNSURE if UNSURE in without_doubts(_cut(line, part)) else None,
        )
        for part in parts
    ]


def _cut(line: LineText, part: _Part) -> LineText:
    return LineText(part.text, line.certainty[part.start : part.stop])


def _parts(line: LineText, *, unspaced: bool) -> list[_Part]:
    if unspaced:
        return [_Part(m[0], m.start(), m.end()) for m in _PIECES.finditer(line.text)]
    leaves_out = line.text.count(" ") < _SPACES * len(line.text)
    wide = (_GAP_UNSPACED if leaves_out else _GAP) * _pitch(line)
    parts: list[_Part] = []
    for match in re.finditer(r"\S+", line.text):
        start = match.start()
        for at in range(match.start() + 1, match.end()):
            if line.places[at] - line.places[at - 1] > wide:
                parts.append(_Part(line.text[start:at], start, at))
                start = at
        parts.append(_Part(line.text[start : match.end()], start, match.end()))
    return parts


def _pitch(line: LineText) -> float:
    """Return the usual distance from character to character, as a share of the line."""
    return float(np.median(np.diff(line.places))) if len(line.places) > 1 else 0.02


def _certainty(line: LineText, part: _Part) -> float:
    return float(np.mean(line.certainty[part.start : part.stop]))
