"""Tables: rows of cells, known by the white between their columns. Pure.

A table is a run of lines through which white corridors go from top to bottom. Its rows are read one
after the other, cell by cell, so that an age group and its dose stay together; read by columns,
every dose would follow every age. Rulings are not looked at: most leaflets print none.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from voxedge.document.lines import BULLET, PrintedLine
from voxedge.document.model import Word

_GAP = 1.4
"""White between two words that may be that between two columns, in letter heights: a space is 0.5,
a justified one seldom above 1.3."""
_CORRIDOR = 1.0
"""White that all lines of a table must leave at one place."""
_SURE_CORRIDOR = 2.2
"""White so wide that two rows are enough."""
_NARROW = 0.4
_NARROW_LINES = 5
"""So many spaces stand below each other in a table's narrow gutter, and hardly by chance."""
_WIDEST_SPACE = 4.0
_EVEN = 1.7
"""Spaces of one justified line differ by less than this factor."""
_ROWS = 3
_PADDED = 0.35
"""Rows whose distances differ by this much are parted by padding, and their lines are not rows."""
_MARKER = re.compile(r"[(]?(?:\d{1,2}|[a-zA-Z]|[ivxIVX]{1,4})[.)]?|[•*·▪–—-]")
_FAR = 3.5
"""White between two rows beyond which a new thing begins."""

Cell = tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, as printed; empty cells stay.

    Attributes:
        rows: from top to bottom, each with as many cells as there are columns.
        first: number of its first line among the lines given.
        last: number of the line behind its last one.
    """

    rows: tuple[tuple[Cell, ...], ...]
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Run:
    """Lines from ``first`` to before ``last`` and the white that they all leave."""

    first: int
    last: int
    corridors: tuple[tuple[float, float], ...]


def find_tables(lines: Sequence[PrintedLine], *, are_rows_sure: bool = True) -> tuple[Table, ...]:
    """Return the tables among the lines of one column, from top to bottom.

    Args:
        lines: level, from top to bottom; those without ``spans`` are never in a table.
        are_rows_sure: two rows with a wide white between their cells are enough; on a box, where
            words stand about, they are not.
    """
    tables: list[Table] = []
    at = 0
    while at < len(lines):
        run = _run_from(lines, at, are_rows_sure=are_rows_sure)
        if run is None:
            at += 1
            continue
        inside = lines[run.first : run.last]
        rows = _rows(inside, _with_narrow(inside, run.corridors))
        if _is_table(rows):
            tables.append(Table(rows, run.first, run.last))
            at = run.last
        else:
            at += 1
    return tuple(tables)


def _run_from(lines: Sequence[PrintedLine], first: int, *, are_rows_sure: bool) -> _Run | None:
    """Return the longest table that begins at a line, None where none does."""
    corridors = _gaps(lines[first])
    if not corridors or _is_even(lines[first]):
        return None
    best: _Run | None = None
    for last in range(first + 1, len(lines) + 1):
        if last > first + 1:
            line = lines[last - 1]
            far = line.top - lines[last - 2].bottom > _FAR
            if far or not line.spans or _is_even(line):
                break
            corridors = _common(corridors, _white(line))
            if not corridors:
                break
        run = _Run(first, _trimmed(lines, first, last, corridors), corridors)
        if _holds(lines, run, are_rows_sure=are_rows_sure):
            best = run
    return best


def _is_even(line: PrintedLine) -> bool:
    """Say whether a line is justified: all its spaces are as wide as each other."""
    gaps = [right[0] - left[1] for left, right in itertools.pairwise(line.spans)]
    return len(gaps) >= 3 and max(gaps) < _WIDEST_SPACE and max(gaps) < _EVEN * max(0.1, min(gaps))


def _gaps(line: PrintedLine) -> tuple[tuple[float, float], ...]:
    return tuple(
        (left[1], right[0])
        for left, right in itertools.pairwise(line.spans)
        if right[0] - left[1] >= _GAP
    )


def _white(line: PrintedLine) -> tuple[tuple[float, float], ...]:
    """Return the gaps of a line and the white on both sides of it."""
    spans = line.spans
    return (
        (float("-inf"), spans[0][0]),
        *((left[1], right[0]) for left, right in itertools.pairwise(spans)),
        (spans[-1][1], float("inf")),
    )


def _with_narrow(
    lines: Sequence[PrintedLine], corridors: Sequence[tuple[float, float]]
) -> tuple[tuple[float, float], ...]:
    """Return a table's corridors with its narrow ones: spaces below each other in all lines."""
    white = _white(lines[0])
    for line in lines[1:]:
        white = _common(white, _white(line), least=_NARROW)
    narrow = tuple(
        (left, right)
        for left, right in white
        if sum(line.left < left and line.right > right for line in lines) >= _NARROW_LINES
        and not any(left < corridor[1] and right > corridor[0] for corridor in corridors)
    )
    return tuple(sorted((*corridors, *narrow)))


def _common(
    some: Sequence[tuple[float, float]],
    others: Sequence[tuple[float, float]],
    *,
    least: float = _CORRIDOR,
) -> tuple[tuple[float, float], ...]:
    shared = ((max(one[0], other[0]), min(one[1], other[1])) for one in some for other in others)
    return tuple((left, right) for left, right in shared if right - left >= least)


def _trimmed(
    lines: Sequence[PrintedLine],
    first: int,
    last: int,
    corridors: Sequence[tuple[float, float]],
) -> int:
    """Return where the table ends: lines that fill but its first column may be text below it."""
    while last > first + 1:
        line = lines[last - 1]
        crosses = any(line.left < left and line.right > right for left, right in corridors)
        in_first = line.right <= corridors[0][0]
        goes_on = line.starts_lower or line.text[:1].isdigit() or line.text[:1] == "("
        near = line.top - lines[last - 2].bottom < 1.0
        if crosses or (not in_first) or (goes_on and near):
            break
        last -= 1
    return last


def _holds(lines: Sequence[PrintedLine], run: _Run, *, are_rows_sure: bool) -> bool:
    """Say whether enough lines of a run have words on both sides of its white."""
    inside = lines[run.first : run.last]
    for left, right in run.corridors:
        crossing = sum(1 for line in inside if line.left < left and line.right > right)
        # Two justified lines may have one wide space below the other; a third seldom has.
        is_sure = are_rows_sure and right - left >= _SURE_CORRIDOR and crossing == len(inside)
        if crossing >= (2 if is_sure else _ROWS) and 2 * crossing >= len(inside):
            return True
    return False


def _rows(
    lines: Sequence[PrintedLine], corridors: Sequence[tuple[float, float]]
) -> tuple[tuple[Cell, ...], ...]:
    """Part lines into cells and join the lines of one row."""
    edges = sorted((left + right) / 2 for left, right in corridors)
    gaps = [below.top - above.bottom for above, below in itertools.pairwise(lines)]
    padded = bool(gaps) and max(gaps) - min(gaps) > _PADDED
    middle = (max(gaps) + min(gaps)) / 2 if padded else 0.0
    rows: list[list[list[Word]]] = []
    for number, line in enumerate(lines):
        cells = _cells(line, edges)
        if not rows or _begins(cells, rows[-1], gaps[number - 1] > middle if padded else None):
            rows.append([list(cell) for cell in cells])
            continue
        for cell, more in zip(rows[-1], cells, strict=True):
            cell.extend(more)
    return tuple(tuple(tuple(cell) for cell in row) for row in rows)


def _cells(line: PrintedLine, edges: Sequence[float]) -> list[list[Word]]:
    cells: list[list[Word]] = [[] for _ in range(len(edges) + 1)]
    for word, (left, right) in zip(line.words, line.spans, strict=True):
        cells[sum((left + right) / 2 > edge for edge in edges)].append(word)
    return cells


def _begins(
    cells: Sequence[Sequence[Word]], row: Sequence[Sequence[Word]], wide: bool | None
) -> bool:
    """Say whether a line begins a row; ``wide`` tells of padding above it, None of no padding."""
    if wide is not None:
        return wide
    if not cells[0]:
        return False
    alone = not any(cells[1:])
    return not (alone and cells[0][0].text[:1].islower() and bool(row[0]))


def _is_table(rows: Sequence[Sequence[Cell]]) -> bool:
    """Say whether the rows are more than a list with its markers set apart."""
    first = [" ".join(word.text for word in row[0]) for row in rows if row[0]]
    if len(rows) < 2 or not first:
        return False
    markers = sum(bool(_MARKER.fullmatch(text)) or text == BULLET for text in first)
    return 2 * markers < len(first)
