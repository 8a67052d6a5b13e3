"""Tables on a page, before columns are cut: a gutter must not tear the rows of a table apart.

Columns of running text and columns of a table look alike to a search for white gutters. They differ
in three things: the cells of a row stand on one base line, few of them fill their column, and the
columns of a table are seldom as wide as those of the text above. Only where all rows agree are
lines kept together as a band of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from voxedge.vision.rectify import Bend, fit_bend
from voxedge.vision.textlines import TextLine

_GAP = 1.5
"""White between two cells, in letter heights; words stand 0.5 apart, justified ones up to 1.3."""
_CORRIDOR = 1.0
"""White that all rows leave at one place."""
_LOOSE = 0.78
"""A row whose print fills more of its width is running text."""
_CELL_FILL = 0.8
"""Median share of its column that a cell fills; lines of running text fill 0.9."""
_ROWS = 3
_ROWS_OF_TWO = 5
"""Two lists side by side look like a table of two columns: more rows must agree."""
_LEVEL = 0.3
"""Difference between the middles of two cells of a row, in letter heights."""
_LEVEL_SHARE = 0.7
_WIDE = 0.75
"""Of the width of all lines: the last column of a table ends before the paper does."""
_NEARER = 1.3
_NEAR_ROWS = 8
_GOES_ON = 3
"""Rows outside a band that have its white too."""
_FAR = 4.5
"""White between two rows beyond which a table has ended, in letter heights."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """A run of letters without a wide white in it; level coordinates in letter heights."""

    left: float
    right: float
    middle: float
    line: int


@dataclass(frozen=True, slots=True)
class _Row:
    segments: tuple[_Segment, ...]

    @property
    def middle(self) -> float:
        return float(np.median([segment.middle for segment in self.segments]))

    @property
    def fill(self) -> float:
        """Share of the row's width that is printed."""
        width = self.segments[-1].right - self.segments[0].left
        return sum(s.right - s.left for s in self.segments) / width if width > 0 else 1.0


def split_at_tables(lines: Sequence[TextLine]) -> list[tuple[bool, list[TextLine]]]:
    """Part lines into bands from top to bottom: what is a table, and what is not.

    Args:
        lines: of a page or a column, in any order.

    Returns:
        Whether each band is a table, and its lines; one band that is none where no table is.
    """
    if len(lines) < 2 * _ROWS:
        return [(False, list(lines))]
    rows = _rows(lines)
    bands: list[tuple[bool, list[_Row]]] = []
    at = plain = 0
    while at < len(rows):
        stop = _table_end(rows, at)
        if stop is None or not _is_wide(rows, at, stop) or _are_gutters(rows, at, stop):
            at += 1
            continue
        at = _with_title(rows, plain, at)
        if plain < at:
            bands.append((False, rows[plain:at]))
        bands.append((True, rows[at:stop]))
        at = plain = stop
    if not bands:
        return [(False, list(lines))]
    if plain < len(rows):
        bands.append((False, rows[plain:]))
    return _with_lines(bands, lines)


def _with_lines(
    bands: Sequence[tuple[bool, Sequence[_Row]]], lines: Sequence[TextLine]
) -> list[tuple[bool, list[TextLine]]]:
    """Return the lines of each band; a line belongs where most of its segments are."""
    votes: dict[int, list[int]] = {}
    for number, (_, rows) in enumerate(bands):
        for row in rows:
            for segment in row.segments:
                votes.setdefault(segment.line, []).append(number)
    home = {line: max(set(found), key=found.count) for line, found in votes.items()}
    parted: list[tuple[bool, list[TextLine]]] = [(is_table, []) for is_table, _ in bands]
    for number, line in enumerate(lines):
        parted[home[number]][1].append(line)
    return [band for band in parted if band[1]]


def _rows(lines: Sequence[TextLine]) -> list[_Row]:
    """Return rows of level segments from top to bottom."""
    unit = float(np.median([line.letter_px for line in lines]))
    bend = fit_bend(lines)
    segments = sorted(
        (segment for n, line in enumerate(lines) for segment in _segments(line, n, bend, unit)),
        key=lambda segment: segment.middle,
    )
    rows: list[list[_Segment]] = []
    for segment in segments:
        # A new row begins half a letter below the one before; lines are two letters apart.
        if rows and segment.middle - np.median([s.middle for s in rows[-1]]) < 0.5:
            rows[-1].append(segment)
        else:
            rows.append([segment])
    return [_Row(tuple(sorted(row, key=lambda s: s.left))) for row in rows]


def _segments(line: TextLine, number: int, bend: Bend, unit: float) -> list[_Segment]:
    letters = line.letters
    x = (letters[:, 0] + letters[:, 2]) / 2
    y = (letters[:, 1] + letters[:, 3]) / 2
    shift = bend.shift(y)
    # Letters hang and rise: a segment's middle is that of its median letter.
    level = (y - bend.offset(x - shift, y)) / unit
    left, right = (letters[:, 0] - shift) / unit, (letters[:, 2] - shift) / unit
    order = np.argsort(left)
    cuts = np.flatnonzero(left[order][1:] - np.maximum.accumulate(right[order])[:-1] >= _GAP) + 1
    return [
        _Segment(
            float(left[part].min()), float(right[part].max()), float(np.median(level[part])), number
        )
        for part in np.split(order, cuts)
    ]


def _table_end(rows: Sequence[_Row], first: int) -> int | None:
    """Return the row behind the longest table that begins at a row, None where none does."""
    corridors = _gaps(rows[first])
    if not corridors or rows[first].fill > _LOOSE:
        return None
    end = None
    for stop in range(first + 1, len(rows) + 1):
        if stop > first + 1:
            row = rows[stop - 1]
            if row.middle - rows[stop - 2].middle > _FAR:
                break
            alone = len(row.segments) == 1
            if not alone and row.fill > _LOOSE:
                break
            corridors = _common(corridors, _white(row))
            if not corridors:
                break
        if _is_table(rows[first:stop], corridors) and len(rows[stop - 1].segments) > 1:
            end = stop
    return end


def _with_title(rows: Sequence[_Row], plain: int, first: int) -> int:
    """Return where a table begins with the title that stands nearer to it than to what is above."""
    title = first - 1
    if title < plain or len(rows[title].segments) > 1:
        return first
    below = rows[first].middle - rows[title].middle
    if below > _FAR:
        return first
    if title > plain and rows[title].middle - rows[title - 1].middle < _NEARER * below:
        return first
    return title


def _is_wide(rows: Sequence[_Row], first: int, stop: int) -> bool:
    """Say whether a band takes the whole width; one that does not stands within a column."""

    def width(part: Sequence[_Row]) -> float:
        return max(r.segments[-1].right for r in part) - min(r.segments[0].left for r in part)

    return width(rows[first:stop]) >= _WIDE * width(rows)


def _are_gutters(rows: Sequence[_Row], first: int, stop: int) -> bool:
    """Say whether the whites of a band go on above or below it: then they part columns.

    A shadow or short lines leave columns of running text as loose as a table for some rows.
    """
    corridors = _gaps(rows[first])
    for row in rows[first + 1 : stop]:
        corridors = _common(corridors, _white(row))
    near = [*rows[max(0, first - _NEAR_ROWS) : first], *rows[stop : stop + _NEAR_ROWS]]
    beside = [row for row in near if len(row.segments) > 1]
    return all(
        sum(bool(_common([corridor], _gaps(row))) for row in beside) >= _GOES_ON
        for corridor in corridors
    )


def _is_table(rows: Sequence[_Row], corridors: Sequence[tuple[float, float]]) -> bool:
    full = [row for row in rows if len(row.segments) > 1]
    if len(full) < (_ROWS_OF_TWO if len(corridors) == 1 else _ROWS) or 2 * len(full) < len(rows):
        return False
    level = [
        max(s.middle for s in row.segments) - min(s.middle for s in row.segments) < _LEVEL
        for row in full
    ]
    if sum(level) < _LEVEL_SHARE * len(full):
        return False
    edges = sorted((left + right) / 2 for left, right in corridors)
    columns: list[list[_Segment]] = [[] for _ in range(len(edges) + 1)]
    for row in rows:
        for segment in row.segments:
            columns[sum((segment.left + segment.right) / 2 > edge for edge in edges)].append(
                segment
            )
    if not all(columns):
        return False
    lefts = [min(s.left for s in column) for column in columns]
    ends = [*lefts[1:], max(s.right for s in columns[-1])]
    fills = [
        float(np.median([(s.right - s.left) / (end - left) for s in column]))
        for column, left, end in zip(columns, lefts, ends, strict=True)
    ]
    # The last column has nothing behind it that tells its width.
    return all(fill < _CELL_FILL for fill in fills[:-1])


def _gaps(row: _Row) -> list[tuple[float, float]]:
    return [
        (one.right, other.left)
        for one, other in zip(row.segments, row.segments[1:], strict=False)
        if other.left - one.right >= _GAP
    ]


def _white(row: _Row) -> list[tuple[float, float]]:
    between = [
        (one.right, other.left) for one, other in zip(row.segments, row.segments[1:], strict=False)
    ]
    inf = float("inf")
    return [(-inf, row.segments[0].left), *between, (row.segments[-1].right, inf)]


def _common(
    some: Sequence[tuple[float, float]], others: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    shared = ((max(a[0], b[0]), min(a[1], b[1])) for a in some for b in others)
    return [(left, right) for left, right in shared if right - left >= _CORRIDOR]
