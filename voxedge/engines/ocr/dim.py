"""Pages that tesseract cannot even turn upright: foil, glare, dusk.

The second reader's network looks at the richest region both ways up; where it reads print, the
page is cut as any other one, and its lines are read as poor print is.
"""

from __future__ import annotations

from dataclasses import replace

from voxedge.engines.ocr.poor_print import ReadLines, read_poor
from voxedge.engines.ocr.recogniser import Recogniser
from voxedge.engines.ocr.score import Score
from voxedge.engines.ocr.tesseract import TsvWord
from voxedge.engines.ocr.upright import RegionReading, View, half_turned, view_of
from voxedge.vision.illumination import Grey

_SURE_GOOD = 24
_SURE_SHARE = 0.5
"""Believable letters, and their share, from which a picture holds print that the network reads."""


def find_dim(
    grey: Grey, recogniser: Recogniser, read_lines: ReadLines
) -> tuple[View, Score] | None:
    """Turn a picture so that the line reader can read it; None where it cannot.

    Every region of the view is read already (``View.known``), and the score is that of all.

    Args:
        grey: ``uint8`` ``[h, w]``.
        recogniser: of the language; tesseract looks at the numbers.
        read_lines: the second reader.
    """
    lying = view_of(grey)
    if lying is None:
        return None
    view = max(
        (lying, half_turned(lying)), key=lambda v: _read(v, _richest(v), recogniser, read_lines)
    )
    words: list[TsvWord] = []
    for number in range(len(view.regions)):
        _read(view, number, recogniser, read_lines)
        words += view.known[number].words
    score = recogniser.judge.score(words)
    if score.good < _SURE_GOOD or score.share < _SURE_SHARE:
        return None
    return view, score


def _richest(view: View) -> int:
    return max(range(len(view.regions)), key=lambda number: view.regions[number].letters)


def _read(view: View, number: int, recogniser: Recogniser, read_lines: ReadLines) -> float:
    if number not in view.known:
        strip = view.strip(number, recogniser.letter_px)
        words = read_poor((), strip.grey, recogniser, read_lines)
        reading = RegionReading(words, strip, recogniser.judge.score(words))
        view.known[number] = replace(reading, is_final=True)
    return view.known[number].score.value
