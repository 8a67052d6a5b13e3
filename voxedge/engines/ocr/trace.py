"""What can be watched of the reading of a page, step by step, by whoever makes a report of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from voxedge.engines.ocr.sparse import SparseReading
from voxedge.engines.ocr.tesseract import TsvWord
from voxedge.engines.ocr.upright import RegionReading, View
from voxedge.vision.illumination import Grey


class Trace(Protocol):
    """Told of every step, on the thread that reads, in order. Must not raise."""

    def upright(self, page: int, view: View) -> None:
        """The page lies upright, and is cut into regions."""
        ...

    def region(self, page: int, read: RegionReading, words: Sequence[TsvWord], ink: Grey) -> None:
        """A region was read.

        Args:
            page: its number, from 0.
            read: the level strip, and its first reading.
            words: what stands after a second look and the second reader of numbers.
            ink: ``uint8`` ``[h, w]``, 1 for the ink of the strip.
        """
        ...

    def scattered(self, page: int, sparse: SparseReading, words: Sequence[TsvWord]) -> None:
        """The picture was read as scattered print."""
        ...


class Untraced:
    """A ``Trace`` of nobody."""

    def upright(self, page: int, view: View) -> None:
        """Nothing."""

    def region(self, page: int, read: RegionReading, words: Sequence[TsvWord], ink: Grey) -> None:
        """Nothing."""

    def scattered(self, page: int, sparse: SparseReading, words: Sequence[TsvWord]) -> None:
        """Nothing."""
