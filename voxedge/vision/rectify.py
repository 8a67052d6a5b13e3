"""Make the lines of one column level: skew, perspective and curl in one fit.

Every printed line is a sample of the same smooth bend. With ``u`` across and ``v`` down the
column (both -1 to 1), a line is ``y = c + (a0 + a1 v) u + (b0 + b1 v) u^2 + (d0 + d1 v) u^3``;
the six coefficients come from all letters at once by weighted least squares, the constants
``c`` fall out by subtracting each line's mean. (After the text-line based dewarping family:
Tian and Narasimhan, Rectification and 3D Reconstruction of Curved Document Images, CVPR 2011,
reduced to what one column needs.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from voxedge.document.model import Box
from voxedge.vision.illumination import Grey
from voxedge.vision.textlines import TextLine

Floats = npt.NDArray[np.float64]
Reals = npt.NDArray[np.floating]
Maps = npt.NDArray[np.float32]


_MIN_LEAN_LINES = 6
_MAX_LEAN = 0.2
"""Beyond 11 degrees the left side is not a column's but a poem's."""


@dataclass(frozen=True, slots=True)
class Bend:
    """The fitted shape of a column's lines, in turned pixels.

    Attributes:
        coefficients: ``float64`` ``[6]``: a0, a1, b0, b1, d0, d1.
        centre_x: middle of the column.
        centre_y: middle of the column.
        half_width: half its width.
        half_height: half its height.
        lean: dx/dy of the column's sides: perspective slants gutters.
    """

    coefficients: Floats
    centre_x: float
    centre_y: float
    half_width: float
    half_height: float
    lean: float = 0.0

    def shift(self, y: Reals) -> Reals:
        """Return by how much the column's sides lie further right at ``y`` than in the middle."""
        return np.asarray(self.lean * (y - self.centre_y))

    def offset(self, x: Reals, y: Reals) -> Reals:
        """Return by how much a line at ``y`` lies lower at ``x`` than in the middle."""
        u = np.clip((x - self.centre_x) / self.half_width, -1.2, 1.2)
        v = np.clip((y - self.centre_y) / self.half_height, -1.2, 1.2)
        a0, a1, b0, b1, d0, d1 = self.coefficients
        # Horner's scheme: x and y may be a row and a column, and the grid has millions of cells.
        return np.asarray(u * (a0 + a1 * v + u * (b0 + b1 * v + u * (d0 + d1 * v))))


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a column that is recognised in one go.

    Its sides are turned pixels of the picture the lines were found in, after the bend is taken
    away: lean from ``left`` and ``right``, curve from ``top`` and ``bottom``.

    Attributes:
        lines: the printed lines found in it, from top to bottom.
        column: its column's number in reading order.
        bend: shape of the column's lines.
        letter_px: letter height of the page.
    """

    lines: tuple[TextLine, ...]
    column: int
    bend: Bend
    left: float
    top: float
    right: float
    bottom: float
    letter_px: float
    light_on_dark: bool = False

    @property
    def letters(self) -> int:
        """Components in all its lines."""
        return sum(len(line) for line in self.lines)


def straightened(region: Region) -> Region:
    """Return the region with its lines taken for straight: only turned, not levelled."""
    return replace(region, bend=replace(region.bend, coefficients=np.zeros(6), lean=0.0))


def bend_letters(region: Region) -> float:
    """Return how far the lines of a region leave the straight, in letter heights."""
    x = np.linspace(region.left, region.right, 40)[None, :]
    y = np.linspace(region.top, region.bottom, 20)[:, None]
    return float(np.ptp(region.bend.offset(x, y), axis=1).max()) / region.letter_px


@dataclass(frozen=True, slots=True)
class Strip:
    """A level picture of one region, and the way back to the page.

    Attributes:
        grey: ``uint8`` ``[h, w]``, dark print on light.
        map_x: ``float32`` ``[h, w]``, page x of each strip pixel.
        map_y: ``float32`` ``[h, w]``, page y.
        letter_px: letter height in the strip.
    """

    grey: Grey
    map_x: Maps
    map_y: Maps
    letter_px: float

    def page_box(self, left: int, top: int, right: int, bottom: int) -> Box:
        """Return the page's box around a box of the strip."""
        height, width = self.grey.shape
        xs = np.clip([left, right - 1, left, right - 1], 0, width - 1)
        ys = np.clip([top, top, bottom - 1, bottom - 1], 0, height - 1)
        page_x, page_y = self.map_x[ys, xs], self.map_y[ys, xs]
        return Box(
            max(0, int(page_x.min())),
            max(0, int(page_y.min())),
            int(page_x.max()) + 1,
            int(page_y.max()) + 1,
        )


def _terms(u: Floats, v: Floats) -> Floats:
    return np.stack([u, u * v, u * u, u * u * v, u**3, u**3 * v], axis=-1)


def fit_bend(lines: Sequence[TextLine]) -> Bend:
    """Fit the common bend of a column's lines. Few letters give a plain skew or none."""
    letters = np.concatenate([line.letters for line in lines])
    left, top = letters[:, 0].min(), letters[:, 1].min()
    right, bottom = letters[:, 2].max(), letters[:, 3].max()
    bend = Bend(
        np.zeros(6),
        float(left + right) / 2,
        float(top + bottom) / 2,
        max(float(right - left) / 2, 1.0),
        max(float(bottom - top) / 2, 1.0),
        _lean(lines),
    )
    rows, targets, unit = [], [], []
    for line in lines:
        size = line.letters[:, 3] - line.letters[:, 1]
        # Letters of the common height only: their middles lie on one curve.
        common = np.abs(size / np.median(size) - 1.0) < 0.25
        if common.sum() < 4:
            continue
        box = line.letters[common]
        x, y = (box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2
        u = (x - bend.centre_x) / bend.half_width
        v = np.full_like(u, (line.middle - bend.centre_y) / bend.half_height)
        terms = _terms(u, v)
        rows.append(terms - terms.mean(axis=0))
        targets.append(y - y.mean())
        unit.append(np.full(len(y), np.median(size)))
    if not rows:
        return bend
    design, target, size = np.concatenate(rows), np.concatenate(targets), np.concatenate(unit)
    weight = np.ones(len(target))
    # Ridge: higher terms must be paid for by the data; the skew is nearly free.
    ridge = np.diag([0.02, 0.5, 0.5, 1.0, 1.0, 2.0])
    coefficients = np.zeros(6)
    for _ in range(4):
        weighted = design * weight[:, None]
        coefficients = np.linalg.solve(weighted.T @ design + ridge, weighted.T @ target)
        residual = np.abs(target - design @ coefficients) / size
        weight = 1.0 / np.maximum(1.0, residual / 0.12)
    return replace(bend, coefficients=coefficients)


def _lean(lines: Sequence[TextLine]) -> float:
    """Return the slope dx/dy of the left side by the median of pairwise slopes (Theil-Sen).

    List items stand in by a few letters; the median passes them over. Of a table's row only the
    first cell stands at the side. Few lines have none.
    """
    left = np.array([line.left for line in lines])
    middle = np.array([line.middle for line in lines])
    beside = np.abs(middle[None, :] - middle[:, None]) < 0.5 * lines[0].letter_px
    is_first = ~(beside & (left[None, :] < left[:, None])).any(axis=1)
    left, middle = left[is_first], middle[is_first]
    if len(left) < _MIN_LEAN_LINES:
        return 0.0
    rise = middle[None, :] - middle[:, None]
    far = rise > 0.25 * (middle.max() - middle.min())
    slope = float(np.median((left[None, :] - left[:, None])[far] / rise[far])) if far.any() else 0.0
    return slope if abs(slope) < _MAX_LEAN else 0.0


def cut_strip(
    grey: Grey,
    region: Region,
    angle_deg: float,
    *,
    zoom: float = 1.0,
    target_letter_px: float,
) -> Strip:
    """Cut a region out of the picture, level and at the reading size.

    Args:
        grey: ``uint8`` ``[h, w]`` picture.
        region: where, in turned pixels of the picture the lines were found in.
        angle_deg: of the turned frame.
        zoom: pixels of ``grey`` to one pixel of the picture the lines were found in.
        target_letter_px: letter height wanted in the strip.

    Returns:
        The strip, print dark on light.
    """
    scale = target_letter_px / region.letter_px
    width = max(1, round((region.right - region.left) * scale))
    height = max(1, round((region.bottom - region.top) * scale))
    x = (region.left + (np.arange(width) + 0.5) / scale)[None, :].astype(np.float32)
    y = (region.top + (np.arange(height) + 0.5) / scale)[:, None].astype(np.float32)
    x = x + region.bend.shift(y).astype(np.float32)
    y = y + region.bend.offset(x, y).astype(np.float32)
    radians = np.deg2rad(angle_deg)
    map_x = (zoom * (x * np.cos(radians) - y * np.sin(radians)) - 0.5).astype(np.float32)
    map_y = (zoom * (x * np.sin(radians) + y * np.cos(radians)) - 0.5).astype(np.float32)
    if scale / zoom < 0.67:
        # remap has no area filter: smooth first, or print breaks up.
        grey = cv2.GaussianBlur(grey, (0, 0), 0.45 * zoom / scale).astype(np.uint8)
    picture = cv2.remap(grey, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    if region.light_on_dark:
        picture = cv2.bitwise_not(picture)
    return Strip(picture.astype(np.uint8), map_x, map_y, target_letter_px)
