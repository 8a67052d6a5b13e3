"""From one picture of a page to another: where a word of the second stands in the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from voxedge.document.model import Box, Paragraph, Word

_FEWEST_PAIRS = 3
"""Words that both have; fewer do not tell where the others stand."""
_WILDEST_SCALE = 5.0


@dataclass(frozen=True, slots=True)
class Overlay:
    """x' = scale_x x + shift_x, and y alike: near enough to say on which line a word stands.

    Attributes:
        page: given to every word that is brought over.
        is_known: whether enough words told.
    """

    scale_x: float
    shift_x: float
    scale_y: float
    shift_y: float
    page: int = 0
    is_known: bool = True

    def box(self, box: Box) -> Box:
        """Return a box in the first picture's pixels; it may lie outside of the picture."""
        return Box(
            round(self.scale_x * box.left + self.shift_x),
            round(self.scale_y * box.top + self.shift_y),
            round(self.scale_x * box.right + self.shift_x),
            round(self.scale_y * box.bottom + self.shift_y),
        )

    def word(self, word: Word) -> Word:
        """Return a word brought over, its box kept from going below 0."""
        box = self.box(word.box)
        inside = Box(max(0, box.left), max(0, box.top), max(0, box.right), max(0, box.bottom))
        return replace(word, box=inside, page=self.page)

    def paragraph(self, paragraph: Paragraph) -> Paragraph:
        """Return a paragraph brought over."""
        return replace(
            paragraph,
            sentences=tuple(
                replace(sentence, words=tuple(self.word(word) for word in sentence.words))
                for sentence in paragraph.sentences
            ),
        )


def overlay_of(pairs: Sequence[tuple[Word, Word]], page: int) -> Overlay:
    """Fit scale and shift to words that both pictures have, by medians (Theil and Sen).

    Args:
        pairs: of the first picture's word and the second's.
        page: number of the page in the first document.
    """
    scale_x, shift_x = _axis([(two.box.left, one.box.left) for one, two in pairs])
    scale_y, shift_y = _axis([(two.box.top, one.box.top) for one, two in pairs])
    is_known = len(pairs) >= _FEWEST_PAIRS
    return Overlay(scale_x, shift_x, scale_y, shift_y, page, is_known)


def _axis(points: Sequence[tuple[int, int]]) -> tuple[float, float]:
    if not points:
        return 1.0, 0.0
    ordered = sorted(points)
    half = len(ordered) // 2
    slopes = [
        (y2 - y1) / (x2 - x1)
        for (x1, y1), (x2, y2) in zip(ordered[:half], ordered[half:], strict=False)
        if x2 > x1
    ]
    slope = _median(slopes) if slopes else 1.0
    if not 1 / _WILDEST_SCALE <= slope <= _WILDEST_SCALE:
        slope = 1.0
    return slope, _median([y - slope * x for x, y in points])


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


class Occupied:
    """Which places of a picture hold words already.

    Args:
        words: of the picture.
    """

    def __init__(self, words: Sequence[Word]) -> None:
        self._boxes = sorted((word.box for word in words), key=lambda box: box.top)

    def share(self, boxes: Sequence[Box]) -> float:
        """Return how many of the boxes stand on a word of the picture, as a share."""
        return sum(self._holds(box) for box in boxes) / max(1, len(boxes))

    def _holds(self, box: Box) -> bool:
        x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        for other in self._boxes:
            if other.top > y:
                return False
            if y < other.bottom and other.left <= x < other.right:
                return True
        return False
