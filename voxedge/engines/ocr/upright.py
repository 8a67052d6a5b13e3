"""Which way up is the page, and in which order are its regions read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from voxedge.engines.ocr.recogniser import Reading, Recogniser
from voxedge.engines.ocr.score import Score
from voxedge.engines.ocr.tesseract import TsvWord
from voxedge.vision.illumination import Grey
from voxedge.vision.rectify import Region, Strip, bend_letters, cut_strip, straightened
from voxedge.vision.regions import ascenders, plan
from voxedge.vision.textlines import TextLines, find_lines

_FIND_LONG_SIDE_PX = 2000
"""Lines are found on a picture of this size: a dense leaflet's letters are still 9 px high."""
_LEAKED_LETTERS = 160
"""A line of more runs into its neighbours: blur has joined the letters, and only the darkest of
their ink tells them apart."""
_BLURRED_WINDOW_PX = 21
_BLURRED_DEPTH = 0.18
_MOST_LINES = 800
"""Of a picture of print: both sides of an A3 leaflet have some 500. Pure grain has 1,500, and the
columns among so many take a minute to find."""
_BENT = 0.2
"""In letter heights: lines that bend less are level for tesseract."""
_PROBE_LETTERS = 24
"""A region with fewer says little about the page."""
_PROBES = 3
_SURE_GOOD = 12
_SURE_SHARE = 0.45
_NEARLY_GOOD = 5
_MAX_PROBE_LETTERS = 260
"""A few lines tell which way up a page is; a whole column would be read for nothing."""


Find = Callable[[Grey], tuple[TextLines, float]]
"""Finds the lines of a picture: they, and its pixels to one of theirs."""


@dataclass(frozen=True, slots=True)
class RegionReading:
    """A recognised region."""

    words: tuple[TsvWord, ...]
    strip: Strip
    score: Score
    is_final: bool = False
    """Whether nobody needs to look at its lines again."""


@dataclass(frozen=True, slots=True)
class View:
    """The picture upright, and the plan for reading it.

    Attributes:
        grey: ``uint8`` ``[h, w]``, turned by quarter turns.
        rotation: degrees clockwise it was turned by.
        zoom: its pixels to one of the small picture the lines were found in.
        angle_deg: what is left of skew.
        regions: in reading order.
    """

    grey: Grey
    rotation: int
    zoom: float
    angle_deg: float
    regions: tuple[Region, ...]
    known: dict[int, RegionReading] = field(default_factory=dict)
    """Regions read while finding out which way up the page is."""

    @property
    def letters(self) -> int:
        """Letters found in all regions."""
        return sum(region.letters for region in self.regions)

    def strip(self, number: int, letter_px: float) -> Strip:
        """Cut a region out, level."""
        return cut_strip(
            self.grey,
            self.regions[number],
            self.angle_deg,
            zoom=self.zoom,
            target_letter_px=letter_px,
        )

    def read_region(self, number: int, recogniser: Recogniser) -> RegionReading:
        """Recognise a region, unless that was done already.

        A bend that was misjudged makes print worse: where a levelled region is read badly, it is
        read as it lies, too, and what reads better stands.
        """
        if number in self.known:
            return self.known[number]
        region = self.regions[number]
        levelled = self._read(region, recogniser)
        if recogniser.is_good(levelled.score, region.letters) or bend_letters(region) < _BENT:
            return levelled
        turned = self._read(straightened(region), recogniser)
        return turned if reads_better(turned.score, levelled.score) else levelled

    def _read(self, region: Region, recogniser: Recogniser) -> RegionReading:
        strip = cut_strip(
            self.grey,
            region,
            self.angle_deg,
            zoom=self.zoom,
            target_letter_px=recogniser.letter_px,
        )
        reading = recogniser.read_strip(strip.grey, region.letters)
        return RegionReading(reading.words, strip, reading.score)


def reads_better(score: Score, than: Score) -> bool:
    """Say whether one way of cutting a region reads better: more text believed, and less junk.

    Less junk alone is not enough: a region that is hardly read at all has little of it.
    """
    return score.value > than.value and score.good >= than.good


def find_upright(grey: Grey, recogniser: Recogniser) -> tuple[View, Score] | None:
    """Turn the picture so that its text can be read; None where no text was sure enough.

    The score is that of the sample which decided.

    The first region is read as it lies; only if that fails is it read upside down. Tesseract's
    own orientation detection refuses half of such pages.
    """
    view = view_of(grey)
    if view is None:
        return None
    if ascenders(view.regions) < 0:
        view = half_turned(view)
    for number in _probe_order(view)[:_PROBES]:
        region = view.regions[number]
        strip = view.strip(number, recogniser.letter_px)
        sample, letters = _sample(strip.grey, region)
        turned = np.ascontiguousarray(np.rot90(sample, 2))
        # A quick look both ways first; effort is for print that is nearly readable.
        for tries in (1, 4):
            upright = recogniser.read_strip(sample, letters, tries=tries)
            if _is_sure(upright):
                if sample is strip.grey and recogniser.is_good(upright.score, letters):
                    view.known[number] = RegionReading(upright.words, strip, upright.score)
                return view, upright.score
            over = recogniser.read_strip(turned, letters, tries=tries)
            if _is_sure(over):
                return half_turned(view), over.score
            if max(upright.score.good, over.score.good) < _NEARLY_GOOD:
                break
    return None


def view_of(grey: Grey, find: Find | None = None) -> View | None:
    """Return the picture turned by quarter turns so that its lines run level; None without lines.

    It may be upside down.

    Args:
        grey: ``uint8`` ``[h, w]``.
        find: finds its lines; None to find them by their ink.
    """
    return _view(grey, 0, find or _find)


def half_turned(view: View, find: Find | None = None) -> View:
    """Return the view turned upside down."""
    turned = _view(np.ascontiguousarray(np.rot90(view.grey, 2)), view.rotation + 180, find or _find)
    # The same letters are found again; only a picture without any has no view.
    return turned if turned is not None else view


def _view(grey: Grey, rotation: int, find: Find) -> View | None:
    found, zoom = find(grey)
    if abs(found.angle_deg) > 45.0:
        # Lines that run down the picture (positive angle) come level by a turn to the left.
        turns = 1 if found.angle_deg > 0 else -1
        grey = np.ascontiguousarray(np.rot90(grey, turns))
        rotation -= 90 * turns
        found, zoom = find(grey)
    if not 0 < len(found.lines) <= _MOST_LINES or abs(found.angle_deg) > 45.0:
        return None
    return View(grey, rotation % 360, zoom, found.angle_deg, tuple(plan(found)))


def _find(grey: Grey) -> tuple[TextLines, float]:
    zoom = max(1.0, max(grey.shape) / _FIND_LONG_SIDE_PX)
    if zoom > 1.0:
        height, width = grey.shape
        size = (max(1, round(width / zoom)), max(1, round(height / zoom)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    found = find_lines(grey)
    if any(len(line) > _LEAKED_LETTERS for line in found.lines):
        found = find_lines(grey, _BLURRED_WINDOW_PX, depth=_BLURRED_DEPTH)
    return found, zoom


def _probe_order(view: View) -> list[int]:
    """The first region if it holds enough text, then the richest ones."""
    richest = sorted(range(len(view.regions)), key=lambda i: -view.regions[i].letters)
    if view.regions[0].letters >= _PROBE_LETTERS:
        return [0, *(number for number in richest if number != 0)]
    return richest


def _sample(grey: Grey, region: Region) -> tuple[Grey, int]:
    """Return the strip, or the part of a long one that is enough to judge by, and its letters."""
    if region.letters <= 2 * _MAX_PROBE_LETTERS:
        return grey, region.letters
    height = max(1, round(grey.shape[0] * _MAX_PROBE_LETTERS / region.letters))
    start = (grey.shape[0] - height) // 2
    return np.ascontiguousarray(grey[start : start + height]), _MAX_PROBE_LETTERS


def _is_sure(reading: Reading) -> bool:
    return reading.score.good >= _SURE_GOOD and reading.score.share >= _SURE_SHARE
