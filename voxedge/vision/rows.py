"""Printed rows of a level strip, by how dark each row of pixels is.

Where print is so blurred or dim that letters do not stand apart, components say nothing; on a
strip that is level already, the profile of darkness still has a hill for every line (projection
profiles: Likforman-Sulem et al., Text line segmentation of historical documents, IJDAR 9, 2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from voxedge.vision.illumination import Grey

_SMOOTH = 0.17
"""Standard deviation that smooths the profile, in letter heights: lines lie 1.4 apart and more."""
_NEAREST = 0.9
"""Two lines are no nearer than this, in letter heights."""
_FAINTEST = 0.2
"""A hill lower than this share of the usual hill is a shade of the paper."""
_HALF = (0.85, 1.4)
"""Letter heights kept above and below the middle of a line, at least and at most: half the usual
distance from line to line, which is known better than the height of blurred letters."""
_SIDE = 0.8
"""Letter heights of white kept at both ends of a line."""


@dataclass(frozen=True, slots=True)
class Row:
    """One printed line in a strip; pixels, ``right`` and ``bottom`` exclusive."""

    left: int
    top: int
    right: int
    bottom: int


def find_rows(grey: Grey, letter_px: float) -> list[Row]:
    """Return the printed rows of a level strip from top to bottom.

    Args:
        grey: ``uint8`` ``[h, w]``, print dark on light, one column.
        letter_px: letter height in it.
    """
    dark = _darkness(grey, letter_px)
    profile = _smoothed(dark.mean(axis=1), _SMOOTH * letter_px)
    middles = _hills(profile, round(_NEAREST * letter_px))
    half = _half_px(middles, letter_px)
    rows: list[Row] = []
    for number, middle in enumerate(middles):
        top, bottom = middle - half, middle + half
        if number:
            top = max(top, _valley(profile, middles[number - 1], middle))
        if number + 1 < len(middles):
            bottom = min(bottom, _valley(profile, middle, middles[number + 1]))
        first, last = max(0, round(top)), min(grey.shape[0], round(bottom) + 1)
        sides = _sides(dark[first:last], letter_px)
        if sides is not None:
            rows.append(Row(sides[0], first, sides[1], last))
    return rows


def _half_px(middles: list[int], letter_px: float) -> float:
    least, most = (share * letter_px for share in _HALF)
    pitch = float(np.median(np.diff(middles))) if len(middles) > 2 else 0.0
    return float(np.clip(0.5 * pitch, least, most))


def _darkness(grey: Grey, letter_px: float) -> npt.NDArray[np.float32]:
    """Return by what share each pixel is darker than its surroundings, ``float32`` 0 to 1."""
    smooth = cv2.GaussianBlur(grey, (0, 0), max(0.8, 0.06 * letter_px)).astype(np.float32)
    side = 2 * round(1.5 * letter_px) + 1
    mean = cv2.boxFilter(smooth, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT)
    dark = 1.0 - smooth / np.maximum(mean, 8.0)
    # Noise is as often lighter as darker; a table's edge is darker than any print.
    return np.clip(dark - 0.06, 0.0, 0.4).astype(np.float32)


def _smoothed(values: npt.NDArray[np.float32], deviation: float) -> npt.NDArray[np.float64]:
    column = values.astype(np.float64)[:, None]
    smooth = cv2.GaussianBlur(column, (1, 0), sigmaX=0, sigmaY=deviation)
    return np.asarray(smooth, np.float64)[:, 0]


def _hills(profile: npt.NDArray[np.float64], nearest_px: int) -> list[int]:
    """Return where the profile has its hills, the higher one where two are too near."""
    inner = profile[1:-1]
    tops = np.flatnonzero((inner >= profile[:-2]) & (inner > profile[2:])) + 1
    taken: list[int] = []
    for top in tops[np.argsort(-profile[tops])]:
        if all(abs(int(top) - other) >= nearest_px for other in taken):
            taken.append(int(top))
    if not taken:
        return []
    usual = float(np.median(profile[taken[: max(3, len(taken) // 2)]]))
    return sorted(top for top in taken if profile[top] >= _FAINTEST * usual)


def _valley(profile: npt.NDArray[np.float64], above: int, below: int) -> float:
    return float(above + int(np.argmin(profile[above : below + 1])))


def _sides(dark: npt.NDArray[np.float32], letter_px: float) -> tuple[int, int] | None:
    columns = _smoothed(dark.mean(axis=0), 0.3 * letter_px)
    inked = np.flatnonzero(columns > 0.25 * float(np.percentile(columns, 90)))
    if len(inked) < letter_px / 3:
        return None
    margin = round(_SIDE * letter_px)
    return max(0, int(inked[0]) - margin), min(dark.shape[1], int(inked[-1]) + 1 + margin)
