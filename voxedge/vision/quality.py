"""How good a live picture is: light, sharpness, movement. Cheap measures on a small grey copy."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from voxedge.vision.illumination import Grey

Floats = npt.NDArray[np.float32]

THUMB_PX = 96
"""Long side of what movement is judged on: sensor noise is gone there, a finger is not."""

_CLIPPED = 253
_LEAST_SPREAD = 12.0
"""An even table has no contrast to measure movement by: its noise must not count as movement."""
_LEAST_SPOT = 0.0008
_ALL_BURNT = 0.5
"""Then it is no spot."""
_PAPER_PERCENTILE = 75.0
"""Around a spot: print is darker, and the soft rim itself brighter."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A lamp's mirror image on the page: a burnt-out place, in pixels."""

    left: int
    top: int
    right: int
    bottom: int
    area: int


@dataclass(frozen=True, slots=True)
class Light:
    """How a picture is lit; grey levels from 0 to 255.

    Attributes:
        bright: 95th percentile: paper, where there is some.
        clipped: share of pixels that are burnt out.
        spots: glare.
    """

    bright: float
    clipped: float
    spots: tuple[Spot, ...] = ()


def measure_light(grey: Grey) -> Light:
    """Measure the light of a small picture, ``uint8`` ``[h, w]``; 0.5 ms at 640 px, 3 in glare."""
    histogram = np.bincount(grey.ravel(), minlength=256)
    bright = float(np.searchsorted(np.cumsum(histogram), 0.95 * grey.size))
    clipped = float(histogram[_CLIPPED:].sum()) / grey.size
    return Light(bright, clipped, _spots(grey) if _LEAST_SPOT < clipped < _ALL_BURNT else ())


def _spots(grey: Grey) -> tuple[Spot, ...]:
    """Return burnt-out places that rise smoothly out of darker paper.

    A lamp's mirror image has a soft rim: from the burnt core outward the paper falls off by tens of
    grey levels. Evenly burnt paper ends at once, in the dark of the table.
    """
    burnt = (grey >= _CLIPPED).astype(np.uint8)
    # Ink inside the spot does not part it.
    burnt = cv2.morphologyEx(burnt, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)).astype(np.uint8)
    count, labels, table, _ = cv2.connectedComponentsWithStats(burnt, connectivity=8)
    found = []
    for number in range(1, count):
        left, top, width, height, area = (int(value) for value in table[number])
        if area < _LEAST_SPOT * grey.size:
            continue
        reach = max(4, round(0.25 * max(width, height)))
        rows = slice(max(0, top - reach), top + height + reach)
        columns = slice(max(0, left - reach), left + width + reach)
        around = grey[rows, columns][labels[rows, columns] != number]
        if around.size and np.percentile(around, _PAPER_PERCENTILE) < _CLIPPED - 3:
            found.append(Spot(left, top, left + width, top + height, area))
    return tuple(found)


def sharpness(grey: Grey) -> float:
    """Return the variance of the Laplacian (Pech-Pacheco et al., ICPR 2000); 0.4 ms at 640 px.

    Its level belongs to the scene, not to the lens: a sharp box gave 402, a blurred label 262.
    Compare it within one scene only.
    """
    laplacian = cv2.Laplacian(grey, cv2.CV_16S)
    _, deviation = cv2.meanStdDev(laplacian)
    return float(deviation[0, 0]) ** 2


def fine_sharpness(grey: Grey) -> float:
    """Return the mean squared gradient along the blurrier direction, relative to contrast.

    For choosing among pictures of one burst: motion blurs one direction only, and a picture
    that got brighter is not sharper.

    Args:
        grey: ``uint8`` ``[h, w]``, large enough to show a blur of a few pixels.
    """
    if min(grey.shape) < 2:
        return 0.0
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8).astype(np.float32)
    across = float(np.mean(np.square(np.diff(smooth, axis=1))))
    down = float(np.mean(np.square(np.diff(smooth, axis=0))))
    return min(across, down) / max(float(smooth.var()), 1.0)


def crispness(grey: Grey) -> float:
    """Return how much of the edges is left after the finest detail is taken away, inverted.

    After the re-blur metric (Crete et al., The blur effect: perception and estimation with a new
    no-reference perceptual blur metric, SPIE 6492, 2007): a sharp picture loses much of its
    neighbour differences when it is blurred, a blurred one hardly any. Only strong edges count, so
    that neither noise nor the weave of a tablecloth takes part.

    Returns:
        0 (blurred) to 1 (sharp); 1 where there are no edges.
    """
    level = cv2.GaussianBlur(grey, (0, 0), 0.8).astype(np.float32)
    blurred = cv2.GaussianBlur(level, (0, 0), 2.0)
    across, down = (
        (np.abs(np.diff(level, axis=axis)), np.abs(np.diff(blurred, axis=axis))) for axis in (1, 0)
    )
    return min(_loss(*across), _loss(*down))


def _loss(edges: Floats, left: Floats) -> float:
    if not edges.size:
        return 1.0
    strong = edges > max(4.0, float(np.percentile(edges[::3, ::3], 97)))
    before = float(edges[strong].sum())
    if before <= 0:
        return 1.0
    return float(np.maximum(edges[strong] - left[strong], 0).sum()) / before


def thumb(grey: Grey) -> Floats:
    """Return a tiny copy for ``movement``, ``float32``, long side ``THUMB_PX``."""
    height, width = grey.shape
    share = THUMB_PX / max(height, width)
    size = (max(2, round(width * share)), max(2, round(height * share)))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def movement(before: Floats, after: Floats) -> float:
    """Return how different two thumbs are, 0 for the same, about 1 for two unlike scenes.

    A lamp that got brighter is no movement: levels are matched first.
    """
    if before.shape != after.shape:
        return 1.0
    one, two = (t - float(t.mean()) for t in (before, after))
    spread = max(float(one.std()), float(two.std()), _LEAST_SPREAD)
    gain = float(np.clip(two.std() / max(float(one.std()), 1.0), 0.7, 1.4))
    return float(np.mean(np.abs(two - gain * one))) / spread
