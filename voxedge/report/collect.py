"""Collects the steps of reading, as a ``Trace``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from voxedge.engines.ocr.sparse import SparseReading
from voxedge.engines.ocr.tesseract import TsvWord
from voxedge.engines.ocr.upright import RegionReading, View
from voxedge.flow import Frame
from voxedge.vision.illumination import Grey, to_grey
from voxedge.vision.rectify import Strip


@dataclass(frozen=True, slots=True)
class RegionSeen:
    """One region, levelled and read.

    Attributes:
        strip: the level picture, and the way back to the page.
        ink: ``uint8`` ``[h, w]``, 1 for ink.
        words: in pixels of the strip, with what the second reader has in their place.
        good: letters in believable words.
        total: letters in all.
    """

    strip: Strip
    ink: Grey
    words: tuple[TsvWord, ...]
    good: int
    total: int


@dataclass(slots=True)
class PageSeen:
    """What was watched of one page.

    Attributes:
        frame: the picture as it came.
        angle_deg: skew that was left when the page lay upright by quarter turns.
        regions: in reading order; empty where it was read as scattered print.
        scattered: the picture of scattered print and its words; None for a page.
    """

    frame: Frame
    angle_deg: float = 0.0
    regions: list[RegionSeen] = field(default_factory=list)
    scattered: tuple[Grey, tuple[TsvWord, ...]] | None = None

    def upright(self, rotation: int) -> Grey:
        """Return the picture turned clockwise, ``uint8`` ``[h, w]``."""
        return np.ascontiguousarray(np.rot90(to_grey(self.frame.pixels), -(rotation // 90)))


class Collected:
    """A ``Trace`` that keeps everything; of one run of ``voxedge read``, on its reading thread."""

    def __init__(self) -> None:
        self.pages: dict[int, PageSeen] = {}
        """By their number in the document: pages that failed have none."""
        self._frame: Frame | None = None

    def took(self, frame: Frame) -> None:
        """Take note of the picture that is read next."""
        self._frame = frame

    def upright(self, page: int, view: View) -> None:
        """See ``Trace``."""
        self._page(page).angle_deg = view.angle_deg

    def region(self, page: int, read: RegionReading, words: Sequence[TsvWord], ink: Grey) -> None:
        """See ``Trace``."""
        seen = RegionSeen(read.strip, ink, tuple(words), read.score.good, read.score.total)
        self._page(page).regions.append(seen)

    def scattered(self, page: int, sparse: SparseReading, words: Sequence[TsvWord]) -> None:
        """See ``Trace``."""
        self._page(page).scattered = (sparse.grey, tuple(words))

    def _page(self, number: int) -> PageSeen:
        frame = self._frame
        assert frame is not None
        if number not in self.pages or self.pages[number].frame is not frame:
            # A page that failed leaves its number to the next one.
            self.pages[number] = PageSeen(frame)
        return self.pages[number]
