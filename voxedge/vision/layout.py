"""Columns and reading order from printed lines.

A recursive XY-cut (Nagy and Seth, Hierarchical Representation of Optically Scanned Documents,
ICPR 1984) on letters instead of pixels, with gutters that may lean: perspective slants them.
Columns come before bands: a page is cut along a gutter where there is one; where lines bridge
every gutter, the bridging lines at the head or foot (a title, a footer) are peeled off first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from voxedge.vision.rectify import fit_bend
from voxedge.vision.table_bands import split_at_tables
from voxedge.vision.textlines import TextLine

Floats = npt.NDArray[np.float64]

_SLOPES = np.linspace(-0.14, 0.14, 29)
"""Leans of a gutter tried, dx/dy: 8 degrees each way."""
_MIN_GUTTER = 1.0
"""In letter heights; a narrow leaflet gutter is 1.5, a justified space may reach 3."""
_MIN_COLUMN = 7.0
"""In letter heights: numerals and bullets standing apart are no column."""
_MIN_COLUMN_LINES = 3
_MAX_PEEL = 6
"""Bridging lines tried at the head or the foot of a page."""


def columns(lines: Sequence[TextLine]) -> list[list[TextLine]]:
    """Cut lines into columns and bands in reading order, each sorted from top to bottom.

    The rows of a table stay together, as a band of their own.
    """
    bands = split_at_tables(lines)
    if len(bands) == 1 and not bands[0][0]:
        return _columns(lines)
    parts = [[sorted(band, key=_middle)] if is_table else columns(band) for is_table, band in bands]
    if all(len(part) == 1 for part in parts):
        # One column with a table in it: read in one go, its rows are not in danger.
        return [sorted(lines, key=_middle)]
    return [column for part in parts for column in part]


def _middle(line: TextLine) -> float:
    return line.middle


def _columns(lines: Sequence[TextLine]) -> list[list[TextLine]]:
    ordered = sorted(lines, key=_middle)
    if len(ordered) < 2 * _MIN_COLUMN_LINES:
        return [ordered] if ordered else []
    parts = _split(ordered)
    if parts is not None:
        return _in_order(*parts)
    most = min(_MAX_PEEL, len(ordered) - 2 * _MIN_COLUMN_LINES)
    for count in range(1, most + 1):
        for at_head in range(count, -1, -1):
            end = len(ordered) - (count - at_head)
            parts = _split(ordered[at_head:end])
            if parts is not None:
                bands = [ordered[:at_head], *_in_order(*parts), ordered[end:]]
                return [band for band in bands if band]
    return [ordered]


def _in_order(left: list[TextLine], right: list[TextLine]) -> list[list[TextLine]]:
    """Return the columns of both sides; wide lines above or below the shorter side on their own.

    A footnote under a short right column bridges no gutter, as there is none any more; read with
    the left column it would widen that into its neighbour.
    """
    unit = float(np.median([line.letter_px for line in left]))
    lean = fit_bend(left).lean

    def end(line: TextLine) -> float:
        return line.right - lean * line.middle

    edge = float(np.median([line.left - lean * line.middle for line in right]))
    # Wider than the column's own lines, and beyond where the other column begins.
    edge = max(edge, float(np.percentile([end(line) for line in left], 75))) + _MIN_GUTTER * unit
    top, bottom = min(line.top for line in right), max(line.bottom for line in right)
    wide = [n for n, line in enumerate(left) if end(line) > edge]
    head = max((n + 1 for n in wide if left[n].bottom < top), default=0)
    tail = min((n for n in wide if left[n].top > bottom), default=len(left))
    parts = [left[:head], *columns(left[head:tail]), *columns(right), *columns(left[tail:])]
    return [part for part in parts if part]


def _split(lines: Sequence[TextLine]) -> tuple[list[TextLine], list[TextLine]] | None:
    """Cut along the widest gutter that no line bridges; None where there is none."""
    letters = np.concatenate([line.letters for line in lines])
    unit = float(np.median(letters[:, 3] - letters[:, 1]))
    best: tuple[float, float, float] | None = None
    for slope in _SLOPES:
        for width, at in _white_runs(letters, slope, unit):
            wide_enough = _MIN_GUTTER * unit if len(lines) >= 12 else 2.0 * _MIN_GUTTER * unit
            if (
                width >= wide_enough
                and (best is None or width > best[0])
                and _cut(lines, slope, at, unit) is not None
            ):
                best = (width, float(slope), at)
    return None if best is None else _cut(lines, best[1], best[2], unit)


def _white_runs(letters: Floats, slope: float, unit: float) -> list[tuple[float, float]]:
    """Return width and middle of runs of (nearly) letterless columns along a leaning axis."""
    lean = slope * (letters[:, 1] + letters[:, 3]) / 2
    left, right = letters[:, 0] - lean, letters[:, 2] - lean
    origin, step = float(left.min()), 0.2 * unit
    size = int((float(right.max()) - origin) / step) + 2
    begins = np.bincount(((left - origin) / step).astype(int), minlength=size + 1)
    ends = np.minimum(((right - origin) / step).astype(int) + 1, size)
    empty = np.cumsum(begins - np.bincount(ends, minlength=size + 1))[:size] <= 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], empty, [False]]).astype(int)))
    return [
        ((stop - start) * step, origin + (start + stop) / 2 * step)
        for start, stop in zip(edges[::2], edges[1::2], strict=True)
        if start > 0 and stop < size
    ]


def _cut(
    lines: Sequence[TextLine], slope: float, at: float, unit: float
) -> tuple[list[TextLine], list[TextLine]] | None:
    """Part the lines left and right of a gutter; None where a side is no column."""
    left: list[TextLine] = []
    right: list[TextLine] = []
    for line in lines:
        middle = (line.letters[:, 0] + line.letters[:, 2]) / 2
        is_left = middle - slope * (line.letters[:, 1] + line.letters[:, 3]) / 2 < at
        if is_left.any():
            left.append(TextLine(line.letters[is_left], line.light_on_dark))
        if (~is_left).any():
            right.append(TextLine(line.letters[~is_left], line.light_on_dark))
    for side in (left, right):
        wide = [line for line in side if line.right - line.left > _MIN_COLUMN * unit]
        if len(wide) < _MIN_COLUMN_LINES:
            return None
    top = max(side[0].top for side in (left, right))
    bottom = min(max(line.bottom for line in side) for side in (left, right))
    if bottom - top < 3 * unit:
        return None
    return left, right
