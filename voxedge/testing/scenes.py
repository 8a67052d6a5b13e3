"""What a camera sees while a hand brings a page under it: short films with a known verdict.

A large photograph of a page on a table is taken once (``photo``); the live view is a window on it,
which a hand shifts, so that each scene costs milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from voxedge.testing.photo import CameraModel, photograph
from voxedge.testing.typeset import PageStyle, TextDoesNotFitError, render
from voxedge.vision.framing import Verdict
from voxedge.vision.illumination import to_grey

if TYPE_CHECKING:
    import numpy.typing as npt

    Grey = npt.NDArray[np.uint8]

VIEW_PX = (640, 480)
"""Height and width of the live view: a page stands upright in it."""

FULL_LONG_PX = 2592
"""Long side of a camera of 5 megapixels."""

_SENTENCE = (
    "Take one tablet of 5 mg twice a day with a glass of water. Ask your pharmacist "
    "if you are not sure, and keep this leaflet: you may need to read it again."
)


@dataclass(frozen=True, slots=True)
class Scenery:
    """A short film and what should be said of its last picture.

    Attributes:
        name: of the kind of scene.
        frames: ``uint8`` ``[h, w]``, small.
        verdict: the right one.
        accepted: verdicts that are right as well.
        full_long_px: long side of the whole picture.
    """

    name: str
    frames: tuple[Grey, ...]
    verdict: Verdict
    accepted: frozenset[Verdict]
    full_long_px: int = FULL_LONG_PX


@cache
def sheet(seed: int) -> Grey:
    """Return a set page; one of six styles."""
    families = ("sans", "serif", "dejavu", "narrow", "dejavu-serif", "sans")
    style = PageStyle(
        family=families[seed % 6], size_px=26 + 2 * (seed % 4), columns=1 + seed % 2, margin_px=80
    )
    # As much as fits, so that each side has print to lose.
    for count in range(24, 4, -1):
        lines = [f"{number}. {_SENTENCE}" for number in range(1, count)]
        try:
            page: Grey = render("\n".join(["# Patient information", *lines]), style)
        except TextDoesNotFitError:
            continue
        used = int(np.flatnonzero((page < 128).any(axis=1)).max()) + 80
        return page[:used]
    raise AssertionError("a page that holds no text")


_FINE = 1.5
"""Pixels of the large photograph to one of the view at zoom 1."""
_VIEWS = 2.0
"""Width of the large photograph in views; beyond it the table goes on by reflection."""
_FILL = 0.46


@cache
def _large(seed: int, table: str) -> Grey:
    """A table with a page in its middle, in grey; glare and blur come later."""
    camera = CameraModel(
        width_px=round(_VIEWS * _FINE * VIEW_PX[1]),
        height_px=round(_VIEWS * _FINE * VIEW_PX[0]),
        fill=_FILL,
        tilt_deg=float(np.random.default_rng(seed).uniform(-4, 4)),
        table=table,
        noise=0.0,
    )
    grey: Grey = to_grey(photograph(sheet(seed), camera, seed))
    return grey


@cache
def _far(seed: int, table: str) -> Grey:
    """The same seen from high above."""
    camera = CameraModel(
        width_px=2 * VIEW_PX[1], height_px=2 * VIEW_PX[0], fill=0.25, table=table, noise=0.0
    )
    page = cv2.resize(sheet(seed), None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    grey: Grey = to_grey(photograph(page.astype(np.uint8), camera, seed))
    return grey


@cache
def _bare(table: str) -> Grey:
    """The table alone."""
    camera = CameraModel(
        width_px=VIEW_PX[1], height_px=VIEW_PX[0], fill=0.001, table=table, noise=0.0, folds=0
    )
    return to_grey(photograph(np.full((40, 40), 128, np.uint8), camera, 1))


def view(
    seed: int,
    table: str = "wood",
    *,
    shift: tuple[float, float] = (0.0, 0.0),
    zoom: float = 1.0,
) -> Grey:
    """Return the live view, without noise.

    Args:
        seed: of page, table and light.
        table: see ``photo``.
        shift: where the page lies off the middle, in view widths and heights; (0.3, 0) is to the
            right.
        zoom: 1 shows the page at nine tenths of the view.
    """
    large = _large(seed, table)
    height, width = VIEW_PX
    scale = _FINE / zoom
    left = round(large.shape[1] / 2 - (0.5 + shift[0]) * width * scale)
    top = round(large.shape[0] / 2 - (0.5 + shift[1]) * height * scale)
    right, bottom = left + round(width * scale), top + round(height * scale)
    above, before = max(0, -top), max(0, -left)
    below, behind = max(0, bottom - large.shape[0]), max(0, right - large.shape[1])
    large = cv2.copyMakeBorder(large, above, below, before, behind, cv2.BORDER_REFLECT).astype(
        np.uint8
    )
    window = large[top + above : bottom + above, left + before : right + before]
    seen = cv2.resize(window, (width, height), interpolation=cv2.INTER_AREA)
    return seen.astype(np.uint8)


def page_box(seed: int, zoom: float = 1.0) -> tuple[float, float]:
    """Return the half width and height of the page in the view, as shares of it."""
    page_h, page_w = sheet(seed).shape
    height, width = VIEW_PX
    scale = zoom * _VIEWS * _FILL * min(width / page_w, height / page_h)
    return page_w * scale / 2 / width, page_h * scale / 2 / height


def noisy(grey: Grey, rng: np.random.Generator, deviation: float = 1.5) -> Grey:
    """Return the picture as a sensor gives it at one moment."""
    noise = rng.normal(0.0, deviation, grey.shape)
    return np.clip(grey + noise, 0, 255).astype(np.uint8)


def scenes(seed: int, count: int) -> Iterator[Scenery]:
    """Yield ``count`` scenes of every kind."""
    for number in range(count):
        for name, make in _KINDS.items():
            frames, *verdicts = make(seed + number, np.random.default_rng(seed + number))
            yield Scenery(name, tuple(frames), verdicts[0], frozenset(verdicts))


_Made = tuple["list[Grey]", *tuple[Verdict, ...]]
_TABLES = ("wood", "cloth", "dark")


def _still(grey: Grey, rng: np.random.Generator, count: int = 3) -> list[Grey]:
    return [noisy(grey, rng) for _ in range(count)]


def _whole(seed: int, rng: np.random.Generator) -> _Made:
    shift = (float(rng.uniform(-0.02, 0.02)), float(rng.uniform(-0.02, 0.02)))
    return _still(view(seed, _TABLES[seed % 3], shift=shift), rng), Verdict.OK


def _cut(side: Verdict) -> Callable[[int, np.random.Generator], _Made]:
    def make(seed: int, rng: np.random.Generator) -> _Made:
        half_w, half_h = page_box(seed)
        # From 15 to 45 % of the page lie outside.
        out = float(rng.uniform(0.15, 0.45))
        across, down = 0.5 - half_w + 2 * half_w * out, 0.5 - half_h + 2 * half_h * out
        shift = {
            Verdict.CUT_LEFT: (-across, 0.0),
            Verdict.CUT_RIGHT: (across, 0.0),
            Verdict.CUT_TOP: (0.0, -down),
            Verdict.CUT_BOTTOM: (0.0, down),
        }[side]
        return _still(view(seed, _TABLES[seed % 3], shift=shift), rng), side

    return make


def _too_close(seed: int, rng: np.random.Generator) -> _Made:
    return _still(view(seed, zoom=float(rng.uniform(1.5, 1.9))), rng), Verdict.TOO_CLOSE


def _too_far(seed: int, rng: np.random.Generator) -> _Made:
    grey = cv2.resize(_far(seed, _TABLES[seed % 3]), VIEW_PX[::-1], interpolation=cv2.INTER_AREA)
    frames = _still(grey.astype(np.uint8), rng)
    # Print that does not show is as well called none.
    return frames, Verdict.TOO_FAR, Verdict.NOTHING


def _dark(seed: int, rng: np.random.Generator) -> _Made:
    """The lamp goes out."""
    lit = view(seed, _TABLES[seed % 3])
    dim = (lit * rng.uniform(0.08, 0.3)).astype(np.uint8)
    return [*_still(lit, rng, 2), *_still(dim, rng)], Verdict.TOO_DARK


def _bright(seed: int, rng: np.random.Generator) -> _Made:
    burnt = np.clip(view(seed) * float(rng.uniform(1.8, 2.4)), 0, 255).astype(np.uint8)
    return _still(burnt, rng), Verdict.TOO_BRIGHT


def _glare(seed: int, rng: np.random.Generator) -> _Made:
    grey = view(seed, _TABLES[seed % 3])
    height, width = grey.shape
    y, x = np.indices(grey.shape)
    half_w, half_h = page_box(seed)
    at_x = width * (0.5 + rng.uniform(-0.5, 0.5) * half_w)
    at_y = height * (0.5 + rng.uniform(-0.5, 0.5) * half_h)
    radius = rng.uniform(0.06, 0.1) * width
    spot = np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2 * radius**2))
    lit = np.clip(grey + rng.uniform(120, 240) * spot, 0, 255).astype(np.uint8)
    return _still(lit, rng), Verdict.GLARE


def _blurred(seed: int, rng: np.random.Generator) -> _Made:
    """The lens loses its focus."""
    sharp = view(seed, _TABLES[seed % 3])
    soft = cv2.GaussianBlur(sharp, (0, 0), float(rng.uniform(1.6, 3.5))).astype(np.uint8)
    # An even table has nothing that could be blurred.
    return [*_still(sharp, rng), *_still(soft, rng)], Verdict.BLURRED


def _never_sharp(seed: int, rng: np.random.Generator) -> _Made:
    soft = cv2.GaussianBlur(view(seed), (0, 0), float(rng.uniform(2.0, 4.0))).astype(np.uint8)
    return _still(soft, rng), Verdict.BLURRED, Verdict.NOTHING


def _moving(seed: int, rng: np.random.Generator) -> _Made:
    """A hand moves the page by 0.5 to 4 % of the view from one picture to the next."""
    step = rng.uniform(0.005, 0.04) * (1 if rng.random() < 0.5 else -1)
    frames = [
        noisy(view(seed, _TABLES[seed % 3], shift=(0.0, step * number)), rng) for number in range(3)
    ]
    return frames, Verdict.MOVING


def _empty(seed: int, rng: np.random.Generator) -> _Made:
    """The table alone."""
    return _still(_bare(_TABLES[seed % 3]), rng), Verdict.NOTHING, Verdict.TOO_DARK


_KINDS: dict[str, Callable[[int, np.random.Generator], _Made]] = {
    "whole": _whole,
    "cut_left": _cut(Verdict.CUT_LEFT),
    "cut_right": _cut(Verdict.CUT_RIGHT),
    "cut_top": _cut(Verdict.CUT_TOP),
    "cut_bottom": _cut(Verdict.CUT_BOTTOM),
    "too_close": _too_close,
    "too_far": _too_far,
    "lamp_off": _dark,
    "too_bright": _bright,
    "glare": _glare,
    "out_of_focus": _blurred,
    "never_sharp": _never_sharp,
    "hand": _moving,
    "empty": _empty,
}
