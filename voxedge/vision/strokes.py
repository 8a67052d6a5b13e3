"""How large and how bold a line is printed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from voxedge.vision.illumination import Grey

_FEWEST_LETTERS = 3


@dataclass(frozen=True, slots=True)
class Print:
    """The look of one line.

    Attributes:
        letter_px: median component height; 0 where too little is printed to say.
        stroke: mean horizontal ink run as a share of the page's usual letter height; about 0.25
            for regular body print, 0.33 for bold. (A share of the line's own height would make
            lines of figures and capitals look light.)
    """

    letter_px: float
    stroke: float


def binarise(grey: Grey) -> npt.NDArray[np.uint8]:
    """Return 1 for ink and 0 for paper (Otsu, IEEE SMC 9(1), 1979), ``uint8`` ``[h, w]``."""
    _, ink = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    return ink.astype(np.uint8)


def measure_print(ink: npt.NDArray[np.uint8], usual_px: float) -> Print:
    """Measure the print of one line.

    Args:
        ink: ``uint8`` ``[h, w]`` of 0 and 1, the line's box.
        usual_px: letter height of the page; specks under a third of it do not count.

    Returns:
        Letter height and stroke.
    """
    if min(ink.shape) < _FEWEST_LETTERS:
        return Print(0.0, 0.0)
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    heights = stats[1:, cv2.CC_STAT_HEIGHT]
    heights = heights[heights > 0.35 * usual_px]
    if len(heights) < _FEWEST_LETTERS:
        return Print(0.0, 0.0)
    letter_px = float(np.median(heights))
    steps = np.diff(np.pad(ink.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    runs = np.argwhere(steps == -1)[:, 1] - np.argwhere(steps == 1)[:, 1]
    # Longer runs are rules, bars and letters that touch.
    runs = runs[runs < letter_px]
    return Print(letter_px, float(np.mean(runs)) / usual_px if len(runs) else 0.0)
