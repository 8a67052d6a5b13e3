"""Find printed lines at any angle, before any recognition.

Connected components of the ink, joined to their neighbours along the dominant direction of
nearest-neighbour vectors (the "document spectrum": O'Gorman, The Document Spectrum for Page
Layout Analysis, IEEE PAMI 15(11), 1993). It follows perspective and curl, needs no straight
white gutters, and wood grain or weave does not chain into lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from voxedge.vision.illumination import Grey, ink_mask

Floats = npt.NDArray[np.float64]

_MIN_LETTER_PX = 5
_MIN_LETTERS = 4
"""A chain of fewer components is a speck, a rule or part of a picture."""
_SHORT_REACH = 2.6
"""In letter heights: how far below a line its paragraph's last word may stand alone."""
_SHORT_INDENT = 3.0
"""In letter heights: how far from the left edge of the line above."""
_MAX_WORD_GAP = 1.7
"""In letter heights: wider whites are gutters or tabulators."""
_MAX_COMPONENTS = 12000
"""Densest leaflet measured: 3300. Beyond this the picture is texture; the largest stay."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """One printed line (or the part of it between two gutters).

    Coordinates are in the *turned* frame: the picture's own pixels turned by ``-angle`` about
    its top left corner, so that lines run level and ``y`` grows down the page.

    Attributes:
        letters: ``float64`` ``[n, 4]``, turned left, top, right, bottom of each component, from
            left to right.
        light_on_dark: print lighter than its ground.
    """

    letters: Floats
    light_on_dark: bool = False

    def __len__(self) -> int:
        return len(self.letters)

    @property
    def left(self) -> float:
        """Turned x of the first letter."""
        return float(self.letters[:, 0].min())

    @property
    def top(self) -> float:
        """Turned y of the tallest letter."""
        return float(self.letters[:, 1].min())

    @property
    def right(self) -> float:
        """Turned x where the last letter ends."""
        return float(self.letters[:, 2].max())

    @property
    def bottom(self) -> float:
        """Turned y of the lowest letter."""
        return float(self.letters[:, 3].max())

    @property
    def letter_px(self) -> float:
        """Median component height, a little above the x-height."""
        return float(np.median(self.letters[:, 3] - self.letters[:, 1]))

    @property
    def middle(self) -> float:
        """Turned y of the line's middle: tall letters and descenders do not move it."""
        return float(np.median(self.letters[:, 1] + self.letters[:, 3]) / 2)


@dataclass(frozen=True, slots=True)
class TextLines:
    """All lines of a picture.

    Attributes:
        lines: in no particular order.
        angle_deg: clockwise angle of the lines in the picture, in (-90, 90]. A page upside down
            has the angle 0 as well: only recognition can tell.
        letter_px: median letter height over all lines, picture pixels; 0 without lines.
    """

    lines: tuple[TextLine, ...]
    angle_deg: float
    letter_px: float


@dataclass(frozen=True, slots=True)
class _Components:
    """Columns of floats, one row a component: box and centre in picture pixels."""

    centre_x: Floats
    centre_y: Floats
    width: Floats
    height: Floats

    def __len__(self) -> int:
        return len(self.centre_x)

    def take(self, keep: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> _Components:
        return _Components(
            self.centre_x[keep], self.centre_y[keep], self.width[keep], self.height[keep]
        )


def find_lines(
    grey: Grey, window_px: int = 41, *, depth: float = 0.12, last_words: bool = True
) -> TextLines:
    """Find the printed lines of a picture.

    Args:
        grey: ``uint8`` ``[h, w]``; letters should be 6 to 80 px high.
        window_px: neighbourhood of the local threshold.
        depth: how much darker ink must be (``illumination.ink_mask``).
        last_words: look for short last lines of paragraphs too; guidance can do without, and
            they cost a quarter of the time.

    Returns:
        Lines dark on light and light on dark, with one dominant angle.
    """
    dark = _components(ink_mask(grey, window_px, depth))
    light = _components(ink_mask(cv2.bitwise_not(grey).astype(np.uint8), window_px, depth))
    both = [part for part in (dark, light) if len(part) >= _MIN_LETTERS]
    if not both:
        return TextLines((), 0.0, 0.0)
    angle = max((_spectrum(part) for part in both), key=lambda found: found.weight).angle_deg
    lines, short = _chain(dark, angle, light_on_dark=False)
    covered = [line for line in lines if len(line) >= 8]
    # The counters of dark letters (the holes of o, e, a) are light components of their own.
    lines += [
        line
        for line in _chain(light, angle, light_on_dark=True)[0]
        if not any(_overlap(line, other) > 0.3 for other in covered)
    ]
    lines = _plausible(lines)
    if not lines:
        return TextLines((), angle, 0.0)
    if last_words:
        lines += _last_words(short, lines)
    letters = np.concatenate([line.letters for line in lines])
    return TextLines(tuple(lines), angle, float(np.median(letters[:, 3] - letters[:, 1])))


def _components(mask: npt.NDArray[np.bool_]) -> _Components:
    """Return the components that could be letters."""
    _, _, table, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    stats = table[1:].astype(np.float64)
    width, height, area = stats[:, 2], stats[:, 3], stats[:, 4]
    extent = np.maximum(width, height)
    keep = (
        (extent >= _MIN_LETTER_PX)
        & (extent <= 0.15 * max(mask.shape))
        & (np.maximum(width / height, height / width) < 12)
        & (area >= 8)
        & (area / (width * height) > 0.12)
    )
    index = np.flatnonzero(keep)
    if len(index) > _MAX_COMPONENTS:
        index = index[np.argsort(-area[index])[:_MAX_COMPONENTS]]
    x = stats[index, 0] + width[index] / 2
    y = stats[index, 1] + height[index] / 2
    return _Components(x, y, width[index], height[index])


@dataclass(frozen=True, slots=True)
class _Spectrum:
    """The direction in which neighbours lie.

    Attributes:
        angle_deg: the commonest, in (-90, 90].
        weight: how much it stands out, times how many components say so.
    """

    angle_deg: float
    weight: float


def _neighbour_angles(parts: _Components) -> Floats:
    """Return the directions to each component's two nearest ones of like size, in [0, 180)."""
    size = np.maximum(parts.width, parts.height)
    rng = np.random.default_rng(0)
    sample = np.arange(len(parts))
    if len(sample) > 700:
        sample = rng.choice(sample, 700, replace=False)
    dx = parts.centre_x[None, :] - parts.centre_x[sample, None]
    dy = parts.centre_y[None, :] - parts.centre_y[sample, None]
    # Squared: 700 times 12000 roots are not needed to know which is nearest.
    distance = dx * dx + dy * dy
    ratio = size[None, :] / size[sample, None]
    distance[(ratio < 0.5) | (ratio > 2.0) | (distance == 0)] = np.inf
    nearest = np.argpartition(distance, 1, axis=1)[:, :2]
    rows = np.arange(len(sample))[:, None]
    near = distance[rows, nearest] < np.square(2.5 * size[sample, None])
    return np.rad2deg(np.arctan2(dy[rows, nearest][near], dx[rows, nearest][near])) % 180.0


def _spectrum(parts: _Components) -> _Spectrum:
    """Find the peak of the neighbours' directions: 180 bins of one degree, smoothed, circular."""
    angle = _neighbour_angles(parts)
    histogram = np.bincount(np.floor(angle).astype(int) % 180, minlength=180).astype(np.float64)
    kernel = np.exp(-0.5 * (np.arange(-9, 10) / 3.0) ** 2)
    padded = np.concatenate([histogram[-9:], histogram, histogram[:9]])
    smooth = np.convolve(padded, kernel, mode="valid")
    peak = float(np.argmax(smooth)) + 0.5
    offset = (angle - peak + 90.0) % 180.0 - 90.0
    close = offset[np.abs(offset) < 8.0]
    peak += float(np.median(close)) if len(close) else 0.0
    weight = float(smooth.max() - np.median(smooth))
    return _Spectrum((peak + 90.0) % 180.0 - 90.0 if peak > 90.0 else peak, weight)


def turn(x: Floats, y: Floats, angle_deg: float) -> tuple[Floats, Floats]:
    """Turn picture coordinates so that lines of ``angle_deg`` run level."""
    radians = np.deg2rad(angle_deg)
    return (
        x * np.cos(radians) + y * np.sin(radians),
        -x * np.sin(radians) + y * np.cos(radians),
    )


def _chain(
    parts: _Components, angle: float, *, light_on_dark: bool
) -> tuple[list[TextLine], list[TextLine]]:
    """Join components to their right neighbour on the same line.

    Returns:
        The chains long enough to be lines, and the shorter ones.
    """
    if len(parts) < _MIN_LETTERS:
        return [], []
    centre_x, centre_y = turn(parts.centre_x, parts.centre_y, angle)
    radians = np.deg2rad(angle)
    # The box of a letter turned by the angle, near enough for letters.
    cos, sin = abs(np.cos(radians)), abs(np.sin(radians))
    aligned = max(cos, sin) > 0.985
    if aligned:
        width = parts.width if cos > sin else parts.height
        height = parts.height if cos > sin else parts.width
    else:
        width = height = np.maximum(parts.width, parts.height) / (cos + sin) * 1.15
    order = np.argsort(centre_x)
    x, y, w, h = centre_x[order], centre_y[order], width[order], height[order]
    left, right = x - w / 2, x + w / 2
    parent = np.arange(len(x))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = int(parent[node])
        return node

    reach = h * _MAX_WORD_GAP
    far = np.searchsorted(x, right + reach + np.percentile(w, 99))
    for i in range(len(x)):
        js = slice(i + 1, int(far[i]))
        gap = left[js] - right[i]
        tall = np.maximum(h[js], h[i])
        ok = (
            (gap < _MAX_WORD_GAP * tall)
            & (gap > -0.8 * w[i])
            & (np.abs(y[js] - y[i]) < 0.45 * tall + 0.03 * np.maximum(gap, 0))
            & (np.minimum(h[js], h[i]) > 0.35 * tall)
        )
        hits = np.flatnonzero(ok)
        if len(hits):
            # The nearest two: a dot or a mark above must not end the chain.
            for j in hits[np.argsort(gap[hits])[:2]]:
                parent[root(int(i + 1 + j))] = root(i)
    roots = np.array([root(i) for i in range(len(x))])
    boxes = np.stack([left, y - h / 2, right, y + h / 2], axis=1)
    # Grouped by sorting: asking for each of thousands of specks in turn took a second.
    by_root = np.argsort(roots, kind="stable")
    starts = np.flatnonzero(np.diff(roots[by_root])) + 1
    lines: list[TextLine] = []
    short: list[TextLine] = []
    for members in np.split(by_root, starts):
        long_enough = len(members) >= _MIN_LETTERS
        (lines if long_enough else short).append(TextLine(boxes[members], light_on_dark))
    return lines, short


def _last_words(short: Sequence[TextLine], lines: Sequence[TextLine]) -> list[TextLine]:
    """Return the short chains that are the last line of a paragraph: "for", "mg.", "8".

    Such a chain starts where the line above it starts, in letters of its size, and nothing else
    stands there. Left out, it would count as white space, where a page is cut in two.
    """
    left = np.array([line.left for line in lines])
    right = np.array([line.right for line in lines])
    top = np.array([np.percentile(line.letters[:, 1], 10) for line in lines])
    bottom = np.array([np.percentile(line.letters[:, 3], 90) for line in lines])
    unit = np.array([line.letter_px for line in lines])
    found = []
    for chain in short:
        height = float(np.max(chain.letters[:, 3] - chain.letters[:, 1]))
        drop = (chain.top + chain.bottom) / 2 - bottom
        below = (
            (drop > 0)
            & (drop < _SHORT_REACH * unit)
            & (np.abs(chain.left - left) < _SHORT_INDENT * unit)
            & (height > 0.8 * unit)
            & (height < 2.0 * unit)
        )
        on_line = (
            (chain.bottom > top)
            & (chain.top < bottom)
            & (chain.right > left - 2 * unit)
            & (chain.left < right + 2 * unit)
            & ((chain.top + chain.bottom) / 2 > top)
            & ((chain.top + chain.bottom) / 2 < bottom)
        )
        if below.any() and not on_line.any():
            found.append(chain)
    # More of them than paragraphs can end: dust.
    return found if 3 * len(found) <= len(lines) else []


def _overlap(line: TextLine, other: TextLine) -> float:
    """Share of ``line``'s box that lies in ``other``'s."""
    wide = min(line.right, other.right) - max(line.left, other.left)
    high = min(line.bottom, other.bottom) - max(line.top, other.top)
    area = (line.right - line.left) * (line.bottom - line.top)
    return max(0.0, wide) * max(0.0, high) / max(area, 1e-6)


def _plausible(lines: list[TextLine]) -> list[TextLine]:
    """Drop chains that are no print: too stout, or dust beside real lines."""
    if not lines:
        return []
    longest = max(len(line) for line in lines)
    return [
        line
        for line in lines
        if (line.right - line.left) > 1.5 * line.letter_px
        and len(line) >= (6 if line.letter_px < 7 and longest > 30 else _MIN_LETTERS)
    ]
