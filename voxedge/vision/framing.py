"""Is the page in view: one verdict for each live picture.

Pure: a picture and what is known of the scene give a verdict and what is known now. The picture is
the small one (long side 640); nothing here looks at more pixels. Print is found by the same method
that finds it for reading (``textlines.find_lines``), which wood grain and weave do not deceive.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import numpy.typing as npt

from voxedge.vision.illumination import Grey
from voxedge.vision.quality import (
    Floats,
    Light,
    Spot,
    crispness,
    measure_light,
    movement,
    sharpness,
    thumb,
)
from voxedge.vision.textlines import TextLines, find_lines

Letters = npt.NDArray[np.float64]


class Verdict(Enum):
    """What stands between a picture and being read; the first that applies."""

    TOO_DARK = "too_dark"
    MOVING = "moving"
    TOO_BRIGHT = "too_bright"
    NOTHING = "nothing"
    """Nothing printed in view."""
    BLURRED = "blurred"
    GLARE = "glare"
    TOO_CLOSE = "too_close"
    """Cut off on opposite sides."""
    CUT_LEFT = "cut_left"
    CUT_RIGHT = "cut_right"
    CUT_TOP = "cut_top"
    CUT_BOTTOM = "cut_bottom"
    TOO_FAR = "too_far"
    """Letters too small to be recognised."""
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a verdict begins. Measured: ``python -m voxedge.bench.framing``.

    Attributes:
        dark: 95th percentile of grey. Photographs too dark to read had 60 and 70, others 137 up.
        burnt: share of pixels burnt out.
        glare: share of the picture under glare.
        moving: ``movement``: 0.013 is sensor noise, 0.046 a shift of 0.16 % of the picture.
        crisp: ``crispness``; sharp photographs have 0.53 to 0.73, blurred ones 0.09 to 0.43.
        crisp_of_best: share of the scene's best crispness.
        sharp_of_best: share of the scene's best sharpness.
        letter_px: height of print in the whole picture; the recogniser fails below.
        few_letters: below it there is no print.
        seen: share of the picture that print covers; of print that is far away, whole lines pass
            for letters.
    """

    dark: float = 90.0
    burnt: float = 0.5
    glare: float = 0.006
    moving: float = 0.035
    crisp: float = 0.44
    crisp_of_best: float = 0.8
    sharp_of_best: float = 0.35
    letter_px: float = 11.0
    few_letters: int = 8
    seen: float = 0.015


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known from the pictures before.

    Attributes:
        last: thumb of the picture before.
        best_sharpness: of this scene.
        best_crispness: of this scene.
    """

    last: Floats | None = None
    best_sharpness: float = 0.0
    best_crispness: float = 0.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and what it rests on.

    Attributes:
        verdict: what to mend first.
        movement: see ``quality.movement``; 1 for the first picture.
        crispness: see ``quality.crispness``; 0 where it was not measured.
        letters: components that stand in printed lines.
        letter_px: their median height in the whole picture.
        seen: share of the picture's area that print covers, as a box.
    """

    verdict: Verdict
    movement: float = 0.0
    crispness: float = 0.0
    letters: int = 0
    letter_px: float = 0.0
    seen: float = 0.0


_WINDOW_PX = 21
"""Neighbourhood of the local threshold: seven x-heights of small print at 640 px."""
_NEW_SCENE = 0.4
"""Movement beyond which nothing is what it was."""
_FORGET = 0.995
"""The best fades, so that one lucky picture is not the measure for ever: a third in 10 s."""


def judge(
    grey: Grey, full_long_px: int, scene: Scene, limits: Limits | None = None
) -> tuple[Judgement, Scene]:
    """Judge one live picture.

    Args:
        grey: ``uint8`` ``[h, w]``, long side about 640, the way up that the person sees it.
        full_long_px: long side of the whole picture.
        scene: what the call before returned; ``Scene()`` at first.
        limits: where verdicts begin.

    Returns:
        The judgement, and the scene for the next call. 1 to 2 ms while it moves or is dark, 15 to
        25 ms on a page that lies still, on one x86 core.
    """
    limits = limits or Limits()
    light = measure_light(grey)
    now = thumb(grey)
    moved = movement(scene.last, now) if scene.last is not None else 1.0
    if moved > _NEW_SCENE:
        scene = Scene()
    scene = replace(scene, last=now)
    if light.bright < limits.dark:
        return Judgement(Verdict.TOO_DARK, moved), scene
    if moved > limits.moving:
        return Judgement(Verdict.MOVING, moved), scene
    if light.clipped > limits.burnt:
        return Judgement(Verdict.TOO_BRIGHT, moved), scene
    crisp, sharp = crispness(grey), sharpness(grey)
    best = Scene(
        now,
        max(sharp, scene.best_sharpness * _FORGET),
        max(crisp, scene.best_crispness * _FORGET),
    )
    found = find_lines(grey, _WINDOW_PX, last_words=False)
    blurred = (
        crisp < limits.crisp
        or crisp < limits.crisp_of_best * best.best_crispness
        or sharp < limits.sharp_of_best * best.best_sharpness
    )
    zoom = full_long_px / max(grey.shape)
    verdict = _verdict(grey, found, light, limits, blurred=blurred, zoom=zoom)
    letters = sum(len(line) for line in found.lines)
    judgement = Judgement(
        verdict, moved, crisp, letters, found.letter_px * zoom, _share_seen(grey, found)
    )
    return judgement, best


def _verdict(
    grey: Grey, found: TextLines, light: Light, limits: Limits, *, blurred: bool, zoom: float
) -> Verdict:
    letters = sum(len(line) for line in found.lines)
    if letters < limits.few_letters:
        return Verdict.BLURRED if blurred and _has_edges(grey) else Verdict.NOTHING
    if blurred:
        return Verdict.BLURRED
    boxes = _in_picture(found)
    if _glaring(light.spots, boxes) > limits.glare * grey.size:
        return Verdict.GLARE
    cut = _cut_sides(grey, found)
    if {Verdict.CUT_LEFT, Verdict.CUT_RIGHT} <= cut or {
        Verdict.CUT_TOP,
        Verdict.CUT_BOTTOM,
    } <= cut:
        return Verdict.TOO_CLOSE
    for side in (Verdict.CUT_LEFT, Verdict.CUT_RIGHT, Verdict.CUT_TOP, Verdict.CUT_BOTTOM):
        if side in cut:
            return side
    if found.letter_px * zoom < limits.letter_px or _share_seen(grey, found) < limits.seen:
        return Verdict.TOO_FAR
    return Verdict.OK


def _has_edges(grey: Grey) -> bool:
    """Say whether there is more than an even table: a page out of focus is still bright on dark."""
    low, high = np.percentile(grey[::4, ::4], (5, 95))
    return bool(high - low > 60)


def _in_picture(found: TextLines) -> Letters:
    """Return the letters' middles and sizes in picture pixels, ``float64`` ``[n, 3]``.

    The size is the shorter side: at 640 px letters of a word may touch, and words of one another.
    """
    letters = np.concatenate([line.letters for line in found.lines])
    x, y = (letters[:, 0] + letters[:, 2]) / 2, (letters[:, 1] + letters[:, 3]) / 2
    radians = np.deg2rad(found.angle_deg)
    cos, sin = np.cos(radians), np.sin(radians)
    size = np.minimum(letters[:, 2] - letters[:, 0], letters[:, 3] - letters[:, 1])
    return np.stack([x * cos - y * sin, x * sin + y * cos, size], axis=1)


def _share_seen(grey: Grey, found: TextLines) -> float:
    if not found.lines:
        return 0.0
    x, y, _ = _in_picture(found).T
    return float(np.ptp(x) * np.ptp(y)) / grey.size


def _glaring(spots: tuple[Spot, ...], letters: Letters) -> int:
    """Return the area of glare on print: a shining spot on the table harms nobody."""
    left, right = np.percentile(letters[:, 0], (1, 99))
    top, bottom = np.percentile(letters[:, 1], (1, 99))
    return sum(
        spot.area
        for spot in spots
        if spot.right > left and spot.left < right and spot.bottom > top and spot.top < bottom
    )


_NEAR = 2.0
"""In letter heights: print so near to the picture's edge goes on behind it; a letter that is cut
itself may be too narrow to count as one."""
_NEAR_ACROSS = 2.6
"""The same for the first and last line: a cut between two lines leaves less than their distance."""
_ENDS_CUT = 0.1
"""Share of lines whose ends are cut; ragged margins and single specks stay below."""
_LINE_CUT_LETTERS = 6


def _cut_sides(grey: Grey, found: TextLines) -> frozenset[Verdict]:
    """Return the sides of the picture behind which the print goes on."""
    height, width = grey.shape
    x, y, size = _in_picture(found).T
    line_of = np.repeat(np.arange(len(found.lines)), [len(line) for line in found.lines])
    upright = abs(found.angle_deg) < 45
    usual = float(np.median(size))
    distances = {
        Verdict.CUT_LEFT: x,
        Verdict.CUT_RIGHT: width - x,
        Verdict.CUT_TOP: y,
        Verdict.CUT_BOTTOM: height - y,
    }
    cut = set()
    for side, distance in distances.items():
        at_ends = (side in (Verdict.CUT_LEFT, Verdict.CUT_RIGHT)) == upright
        reach = _NEAR if at_ends else _NEAR_ACROSS
        near = distance - size / 2 < reach * np.maximum(size, usual)
        lines_near = len(np.unique(line_of[near]))
        if at_ends:
            # Lines end at a cut side one below the other; two columns have twice as many lines.
            is_cut = lines_near >= max(2, _ENDS_CUT * len(found.lines))
        else:
            is_cut = int(near.sum()) >= _LINE_CUT_LETTERS
        if is_cut:
            cut.add(side)
    return frozenset(cut)
