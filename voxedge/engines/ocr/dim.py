"""Pages that tesseract cannot even turn upright: foil, glare, dusk.

The lines are found by a detection network where there is one, else by their ink. The second
reader's network looks at the richest region both ways up; where it reads print, the page is cut as
any other one, and its lines are read as poor print is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from voxedge.engines.ocr.line_reader import Crop, LineText
from voxedge.engines.ocr.poor_print import ReadLines, read_poor
from voxedge.engines.ocr.recogniser import Recogniser
from voxedge.engines.ocr.score import Score
from voxedge.engines.ocr.tesseract import TsvWord
from voxedge.engines.ocr.upright import Find, RegionReading, View, half_turned, view_of
from voxedge.vision.illumination import Grey
from voxedge.vision.rectify import Region, Strip
from voxedge.vision.regions import level
from voxedge.vision.rows import Row
from voxedge.vision.textlines import TextLines

FindLines = Callable[[Grey, float], TextLines | None]
"""Of a picture, and the height of letters in thicknesses of a ribbon (``text_map``)."""

_SURE_GOOD = 24
_SURE_SHARE = 0.5
"""Believable letters, and their share, from which a picture holds print that the network reads."""
_UPRIGHT_SHARE = 0.75
"""Of the richest region, from which nobody needs to look at it upside down."""
_HEIGHTS, _HEIGHTS_UNSPACED = 1.3, 1.7
_PATIENCE_S = 90.0
"""For all lines of a picture that tesseract could not read. A dim page takes some 5 s here, and six
times that on a Pi 4; what looks like print and is none (grain, cloth, leaves) has no end."""
_BATCH = 16
"""Lines read before the clock is looked at."""
_HALF_ROW = 1.6
"""Half the height of a line's crop, in thicknesses of its ribbon: with descenders, and white."""


def find_dim(
    grey: Grey,
    recogniser: Recogniser,
    read_lines: ReadLines,
    find_lines: FindLines | None = None,
    patience_s: float = _PATIENCE_S,
) -> tuple[View, Score] | None:
    """Turn a picture so that the line reader can read it; None where it cannot.

    Every region of the view is read already (``View.known``), and the score is that of all.

    Args:
        grey: ``uint8`` ``[h, w]``.
        recogniser: of the language; tesseract looks at the numbers.
        read_lines: the second reader.
        find_lines: a network that finds lines; None as an answer, or none, to find them by ink.
        patience_s: after which the line reader is asked no more, and nothing was found.
    """
    read_lines = _until(time.monotonic() + patience_s, read_lines)
    heights = _HEIGHTS_UNSPACED if recogniser.unspaced else _HEIGHTS
    if find_lines is not None and find_lines(grey, heights) is not None:
        nothing = TextLines((), 0.0, 0.0)
        found = _find_dim(
            grey,
            _Reading(recogniser, read_lines, heights),
            lambda picture: (find_lines(picture, heights) or nothing, 1.0),
        )
        if found is not None:
            return found
    return _find_dim(grey, _Reading(recogniser, read_lines, None), None)


def _find_dim(grey: Grey, reading: _Reading, find: Find | None) -> tuple[View, Score] | None:
    view = view_of(grey, find)
    if view is None:
        return None
    score = reading.region(view, _richest(view))
    if score.share < _UPRIGHT_SHARE:
        turned = half_turned(view, find)
        if reading.region(turned, _richest(turned)).value > score.value:
            view = turned
    words: list[TsvWord] = []
    for number in range(len(view.regions)):
        reading.region(view, number)
        words += view.known[number].words
    score = reading.recogniser.judge.score(words)
    if score.good < _SURE_GOOD or score.share < _SURE_SHARE:
        return None
    return view, score


def _until(end_s: float, read_lines: ReadLines) -> ReadLines:
    """Read a few lines at a time; after the end nothing is read any more."""

    def read(crops: list[Crop]) -> list[LineText] | None:
        texts: list[LineText] = []
        for start in range(0, len(crops), _BATCH):
            some = read_lines(crops[start : start + _BATCH]) if time.monotonic() < end_s else None
            if some is None:
                return None
            texts += some
        return texts

    return read


def _richest(view: View) -> int:
    return max(range(len(view.regions)), key=lambda number: view.regions[number].letters)


class _Reading:
    """Reads regions of a view line by line.

    Args:
        recogniser: of the language.
        read_lines: the second reader.
        heights: of letters in thicknesses of a ribbon, where the lines are ribbons; else None.
    """

    def __init__(
        self, recogniser: Recogniser, read_lines: ReadLines, heights: float | None
    ) -> None:
        self.recogniser = recogniser
        self._read_lines = read_lines
        self._heights = heights

    def region(self, view: View, number: int) -> Score:
        """Read a region, unless it is known, and return its score."""
        if number not in view.known:
            strip = view.strip(number, self.recogniser.letter_px)
            rows = self._rows(view.regions[number], strip)
            words = read_poor((), strip.grey, self.recogniser, self._read_lines, rows)
            reading = RegionReading(words, strip, self.recogniser.judge.score(words))
            view.known[number] = replace(reading, is_final=True)
        return view.known[number].score

    def _rows(self, region: Region, strip: Strip) -> list[Row] | None:
        """Return where the lines of a region stand in its strip."""
        if self._heights is None:
            return None
        scale = strip.letter_px / region.letter_px
        height, width = strip.grey.shape
        rows = []
        for line in region.lines:
            top, bottom = level(line, region.bend)
            shift = float(region.bend.shift(line.letters[:, 1]).mean())
            middle = scale * ((top + bottom) / 2 - region.top)
            half = scale * _HALF_ROW * line.letter_px / self._heights
            left = scale * (line.left - shift - region.left) - half / 2
            right = scale * (line.right - shift - region.left) + half / 2
            row = Row(
                max(0, round(left)), max(0, round(middle - half)),
                min(width, round(right)), min(height, round(middle + half)),
            )  # fmt: skip
            if row.right > row.left and row.bottom > row.top:
                rows.append(row)
        return rows
