"""Plan what is recognised in which order: columns, cut where a paragraph ends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from voxedge.vision.layout import columns
from voxedge.vision.rectify import Bend, Region, fit_bend
from voxedge.vision.textlines import TextLine, TextLines

_FIRST_LINES = (5, 12)
"""Fewest and most lines of the first region: a heading and a paragraph, soon heard."""
_MARGIN = 1.6
"""White kept above, below and right of a region, in letter heights."""
_LEFT_MARGIN = 6.0
"""Bullets and numerals stand apart to the left and are no lines of their own."""


def plan(found: TextLines) -> list[Region]:
    """Return the regions of a page in reading order.

    The first is small, so that speech can begin; it ends at the widest white near it. The rest
    of its column and the other columns follow whole: each call of the recogniser costs the
    loading of its network.
    """
    ordered = columns(found.lines)
    regions: list[Region] = []
    for number, lines in enumerate(ordered):
        bend = fit_bend(lines)
        levels = [_level(line, bend) for line in lines]
        order = sorted(range(len(lines)), key=lambda i: levels[i][0] + levels[i][1])
        lines = [lines[i] for i in order]
        levels = [levels[i] for i in order]
        left, right = _sides(ordered, number, found.letter_px)
        cut = _first_cut(levels) if number == 0 else None
        margin = _MARGIN * found.letter_px
        edges = [0, len(lines)] if cut is None else [0, cut, len(lines)]
        for start, stop in zip(edges[:-1], edges[1:], strict=True):
            top, bottom = levels[start][0] - margin, levels[stop - 1][1] + margin
            if start:
                top = max(top, (levels[start - 1][1] + levels[start][0]) / 2)
            if stop < len(lines):
                bottom = min(bottom, (levels[stop - 1][1] + levels[stop][0]) / 2)
            part = lines[start:stop]
            light = sum(len(line) for line in part if line.light_on_dark)
            regions.append(
                Region(
                    lines=tuple(part),
                    column=number,
                    bend=bend,
                    left=left,
                    top=top,
                    right=right,
                    bottom=bottom,
                    letter_px=found.letter_px,
                    light_on_dark=2 * light > sum(len(line) for line in part),
                )
            )
    return regions


def _level(line: TextLine, bend: Bend) -> tuple[float, float]:
    """Return top and bottom of a line with the bend taken away; robust to one tall mark."""
    x = (line.letters[:, 0] + line.letters[:, 2]) / 2
    shift = bend.offset(x, np.full_like(x, line.middle))
    return (
        float(np.percentile(line.letters[:, 1] - shift, 5)),
        float(np.percentile(line.letters[:, 3] - shift, 95)),
    )


def _first_cut(levels: Sequence[tuple[float, float]]) -> int | None:
    fewest, most = _FIRST_LINES
    if len(levels) <= most:
        return None
    gaps = [levels[i][0] - levels[i - 1][1] for i in range(fewest, most + 1)]
    return fewest + int(np.argmax(gaps))


def _sides(
    ordered: Sequence[Sequence[TextLine]], number: int, letter_px: float
) -> tuple[float, float]:
    """Return the column's sides with margins that stop half-way to its neighbours."""
    lines = ordered[number]
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    top, bottom = min(line.top for line in lines), max(line.bottom for line in lines)
    near_left, near_right = left - _LEFT_MARGIN * letter_px, right + _MARGIN * letter_px
    for other, rest in enumerate(ordered):
        if other == number:
            continue
        for line in rest:
            if line.bottom < top or line.top > bottom:
                continue
            if line.right <= (left + right) / 2 and line.left < left:
                near_left = max(near_left, min(left, (line.right + left) / 2))
            elif line.left >= (left + right) / 2 and line.right > right:
                near_right = min(near_right, max(right, (line.left + right) / 2))
    return near_left, near_right
