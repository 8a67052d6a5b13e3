"""Plan what is recognised in which order: columns, cut where a paragraph ends."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from voxedge.vision.layout import columns
from voxedge.vision.rectify import Bend, Region, fit_bend
from voxedge.vision.textlines import TextLine, TextLines

_FIRST_LINES = (5, 12)
"""Fewest and most lines of the first region: a heading and a paragraph, soon heard."""
_MIN_ASCENDERS = 8
_SAME_EDGE = 0.15
"""Of a letter's height: the edges of two letters that stand on one line differ by less."""
_HIDING_GAP = 0.8
"""In distances from line to line."""
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
        levels = [level(line, bend) for line in lines]
        order = sorted(range(len(lines)), key=lambda i: levels[i][0] + levels[i][1])
        lines = [lines[i] for i in order]
        levels = [levels[i] for i in order]
        left, right = _sides(ordered, number, found.letter_px, bend)
        above, below = _neighbours(ordered, number, bend, (left, right), levels)
        cut = _first_cut(levels) if number == 0 else None
        margin = _MARGIN * found.letter_px
        edges = [0, len(lines)] if cut is None else [0, cut, len(lines)]
        for start, stop in itertools.pairwise(edges):
            top, bottom = levels[start][0] - margin, levels[stop - 1][1] + margin
            if start:
                top = max(top, (levels[start - 1][1] + levels[start][0]) / 2)
            else:
                top = max(top, (above + levels[0][0]) / 2)
            if stop < len(lines):
                bottom = min(bottom, (levels[stop - 1][1] + levels[stop][0]) / 2)
            else:
                bottom = min(bottom, (levels[-1][1] + below) / 2)
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


def level(line: TextLine, bend: Bend) -> tuple[float, float]:
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
    gaps = np.array([levels[i][0] - levels[i - 1][1] for i in range(fewest, most + 1)])
    pitch = np.median([levels[i][1] - levels[i - 1][1] for i in range(1, len(levels))])
    # A white that would hold another line may hold one that was not found.
    gaps[gaps > np.median(gaps) + _HIDING_GAP * pitch] = -np.inf
    return fewest + int(np.argmax(gaps)) if np.isfinite(gaps).any() else None


def _sides(
    ordered: Sequence[Sequence[TextLine]], number: int, letter_px: float, bend: Bend
) -> tuple[float, float]:
    """Return the column's sides with margins that stop half-way to its neighbours."""

    def ends(line: TextLine) -> tuple[float, float]:
        shift = float(bend.shift(np.asarray(line.middle)))
        return line.left - shift, line.right - shift

    lines = ordered[number]
    left = min(ends(line)[0] for line in lines)
    right = max(ends(line)[1] for line in lines)
    top, bottom = min(line.top for line in lines), max(line.bottom for line in lines)
    near_left, near_right = left - _LEFT_MARGIN * letter_px, right + _MARGIN * letter_px
    for other, rest in enumerate(ordered):
        if other == number:
            continue
        for line in rest:
            if line.bottom < top or line.top > bottom:
                continue
            line_left, line_right = ends(line)
            if line_right <= (left + right) / 2 and line_left < left:
                near_left = max(near_left, min(left, (line_right + left) / 2))
            elif line_left >= (left + right) / 2 and line_right > right:
                near_right = min(near_right, max(right, (line_left + right) / 2))
    return near_left, near_right


def _neighbours(
    ordered: Sequence[Sequence[TextLine]],
    number: int,
    bend: Bend,
    sides: tuple[float, float],
    levels: Sequence[tuple[float, float]],
) -> tuple[float, float]:
    """Return where the nearest print above a band ends and the nearest below it begins, level."""
    above, below = float("-inf"), float("inf")
    top, bottom = levels[0][0], levels[-1][1]
    for other, rest in enumerate(ordered):
        for line in rest if other != number else ():
            shift = float(bend.shift(np.asarray(line.middle)))
            if line.right - shift < sides[0] or line.left - shift > sides[1]:
                continue
            line_top, line_bottom = level(line, bend)
            if (line_top + line_bottom) / 2 < top:
                above = max(above, min(top, line_bottom))
            elif (line_top + line_bottom) / 2 > bottom:
                below = min(below, max(bottom, line_top))
    return above, below


def ascenders(regions: Sequence[Region]) -> int:
    """Count letters that stand on their line, less those that hang from its upper edge.

    Latin, Greek and Cyrillic letters all stand on the base line but for one in ten that hangs
    below it, while their upper ends are at two heights; so a clearly negative count means upside
    down: a cheap hint which way to try first (after Caprari, Algorithm for text page up/down
    orientation determination, Pattern Recognition Letters 21(4), 2000, which counts ascenders;
    edges are told from each other in smaller print). Around zero, as in Chinese, it says nothing.

    Returns:
        The difference; 0 where it is within chance (four standard deviations: blurred print is
        not random, and most pages lie upright).
    """
    up = down = 0
    for region in regions:
        for line in region.lines:
            if len(line) < _MIN_ASCENDERS:
                continue
            x = (line.letters[:, 0] + line.letters[:, 2]) / 2
            shift = region.bend.offset(x, np.full_like(x, line.middle))
            top, bottom = line.letters[:, 1] - shift, line.letters[:, 3] - shift
            near = _SAME_EDGE * np.median(bottom - top)
            stands = np.abs(bottom - np.median(bottom)) < near
            hangs = np.abs(top - np.median(top)) < near
            up += int(np.sum(stands & ~hangs))
            down += int(np.sum(hangs & ~stands))
    return up - down if abs(up - down) > 4.0 * np.sqrt(up + down) else 0
