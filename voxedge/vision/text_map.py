"""Printed lines from a map of where print is, as a detection network makes it.

Such a network (Liao et al., Real-time Scene Text Detection with Differentiable Binarization, AAAI
2020) marks the kernel of every line: a ribbon thinner and shorter than the print by the same
margin all round. The ribbon follows perspective and curl, so it is cut into pieces as wide as a
letter, and the pieces are taken for the letters of ``textlines``: columns, bends and regions are
found in them as in those that were found by their ink.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from voxedge.vision.textlines import TextLine, TextLines, turn

Floats = npt.NDArray[np.float64]
Map = npt.NDArray[np.float32]
Ribbon = tuple[Floats, Floats]
"""x and y of its pixels in the map."""

_MARKED = 0.3
"""Probability from which a pixel belongs to a ribbon."""
_SURE = 0.55
"""Mean probability of a ribbon that is print, and no texture."""
_PARTED = 0.7
"""The same, amid a ribbon of two lines that touch."""
_MIN_AREA_PX = 12
_LONG = 5.0
"""Length to thickness of a ribbon that tells the direction of lines."""
_MIN_LONG = 1.2
"""Length to thickness below which it is a mark, or a line that runs across."""
_MARGIN = 0.8
"""By what a ribbon is shorter than its print at each end, in its own thicknesses."""
_DOUBLE = 1.4
"""Usual thicknesses of a ribbon that may be two."""
_BESIDE = 0.5
"""Share of its length for which a ribbon lies above another of the same two."""
_NEAR_DEG = 8.0
_SPREAD_DEG = 3.0


def lines_of_map(probability: Map, shape: tuple[int, int], heights: float) -> TextLines:
    """Return the printed lines that a map of print shows.

    Args:
        probability: ``float32`` ``[h, w]``, 0 to 1, of a picture that may have been resized.
        shape: height and width of the picture itself.
        heights: height of letters in thicknesses of a ribbon: 1.3 in Latin print (a little above
            the x-height), 1.7 for ideographs.

    Returns:
        Lines in pixels of the picture; none where no ribbon is long enough to tell a direction.
    """
    scale = (shape[1] / probability.shape[1], shape[0] / probability.shape[0])
    ribbons = _ribbons(probability, _MARKED)
    angle = _direction(ribbons, scale)
    if angle is None:
        return TextLines((), 0.0, 0.0)
    area = scale[0] * scale[1]
    ribbons = _parted(probability, ribbons, angle)
    lines = [
        line
        for x, y in ribbons
        if (line := _line(*turn(x * scale[0], y * scale[1], angle), area * len(x), heights))
        is not None
    ]
    if not lines:
        return TextLines((), angle, 0.0)
    letters = np.concatenate([line.letters for line in lines])
    return TextLines(tuple(lines), angle, float(np.median(letters[:, 3] - letters[:, 1])))


def _ribbons(probability: Map, least: float) -> list[Ribbon]:
    """Return the ribbons of pixels that are marked with at least this probability."""
    marked = (probability > least).astype(np.uint8)
    _, labels, table, _ = cv2.connectedComponentsWithStats(marked, connectivity=8)
    ribbons = []
    for label, (left, top, width, height, area) in enumerate(table):
        if label == 0 or area < _MIN_AREA_PX:
            continue
        inside = np.s_[top : top + height, left : left + width]
        mask = labels[inside] == label
        if float(probability[inside][mask].mean()) >= _SURE:
            y, x = np.nonzero(mask)
            ribbons.append((x + left + 0.5, y + top + 0.5))
    return ribbons


def _parted(probability: Map, ribbons: list[Ribbon], angle: float) -> list[Ribbon]:
    """Return the ribbons; thick ones that are two lines, which touch, as two."""

    def extent(ribbon: Ribbon) -> tuple[float, float]:
        along, _ = turn(*ribbon, angle)
        return float(along.min()), float(along.max())

    lengths = [max(1.0, np.ptp(extent(ribbon))) for ribbon in ribbons]
    thick = [len(ribbon[0]) / length for ribbon, length in zip(ribbons, lengths, strict=True)]
    usual = float(np.median(thick))
    parted = []
    for ribbon, thickness in zip(ribbons, thick, strict=True):
        x, y = (side.astype(int) for side in ribbon)
        pieces: list[Ribbon] = []
        if thickness > _DOUBLE * usual:
            alone = np.zeros_like(probability)
            alone[y, x] = probability[y, x]
            pieces = sorted(_ribbons(alone, _PARTED), key=lambda piece: -len(piece[0]))
        if len(pieces) > 1:
            (left, right), (other_left, other_right) = extent(pieces[0]), extent(pieces[1])
            shared = min(right, other_right) - max(left, other_left)
            # Pieces one behind the other are large print that fell apart.
            if shared < _BESIDE * min(right - left, other_right - other_left):
                pieces = []
        parted += pieces if len(pieces) > 1 else [ribbon]
    return parted


def _direction(ribbons: list[Ribbon], scale: tuple[float, float]) -> float | None:
    """Return the commonest direction of long ribbons, in (-90, 90]; None without any."""
    angles, lengths = [], []
    for x, y in ribbons:
        spread, axes = np.linalg.eigh(np.cov(np.stack([x * scale[0], y * scale[1]])))
        if spread[1] >= _LONG**2 * max(float(spread[0]), 0.1):
            angles.append(np.rad2deg(np.arctan2(axes[1, 1], axes[0, 1])) % 180.0)
            lengths.append(float(np.sqrt(spread[1])))
    if not angles:
        return None
    angle, weight = np.array(angles), np.array(lengths)
    apart = (angle[None, :] - np.arange(180.0)[:, None] + 90.0) % 180.0 - 90.0
    votes = (weight * np.exp(-0.5 * np.square(apart / _SPREAD_DEG))).sum(axis=1)
    peak = float(np.argmax(votes))
    offset = (angle - peak + 90.0) % 180.0 - 90.0
    near = np.abs(offset) < _NEAR_DEG
    order = np.argsort(offset[near])
    half = np.cumsum(weight[near][order])
    peak += float(offset[near][order][np.searchsorted(half, half[-1] / 2)])
    return (peak + 90.0) % 180.0 - 90.0 if peak > 90.0 else peak


def _line(x: Floats, y: Floats, area: float, heights: float) -> TextLine | None:
    """Cut a level ribbon into letters; None where it is a mark or runs across."""
    left, right = float(x.min()), float(x.max())
    thickness = area / max(right - left, 1.0)
    if right - left < _MIN_LONG * thickness:
        return None
    letter = heights * thickness
    left, right = left - _MARGIN * thickness, right + _MARGIN * thickness
    count = max(2, round((right - left) / letter))
    edges = np.linspace(left, right, count + 1)
    piece = np.clip(np.searchsorted(edges, x) - 1, 0, count - 1)
    pixels = np.bincount(piece, minlength=count)
    filled = np.flatnonzero(pixels)
    middle = np.interp(
        np.arange(count), filled, np.bincount(piece, y, count)[filled] / pixels[filled]
    )
    gap = 0.08 * letter
    return TextLine(
        np.stack(
            [edges[:-1] + gap, middle - letter / 2, edges[1:] - gap, middle + letter / 2], axis=1
        )
    )
