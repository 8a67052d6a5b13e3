"""May print be hidden beside a word: washed out by a light, or too faint to be read?

Two recognisers that see the same picture are blind to the same spot. Of "04/2029" under a glare
both read "2029", surely and alike. What they cannot tell the picture can: beside the number is a
white that is wider than a space, and that white is no clean paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxedge.vision.illumination import Grey

Floats = npt.NDArray[np.float64]

_BRIGHTER = 1.05
"""Paper this much brighter than the page's usual paper lies in a shine."""
_BURNT = 244
"""Grey level from which a shine may have swallowed the ink."""
_VEIL = 0.35
"""Share of its darkness that print has lost where a shine or mist begins to swallow it."""
_FAINT = 0.3
"""Darkness of a column of pixels, in those of the print beside it, from which it is no paper:
in clean paper of the darkest camera it is 0.1."""
_COVER = 0.35
"""Share of a line's height that a column of print covers with ink."""
_BLOT = 0.8
"""Darkness in contrasts of print beyond which it does not matter what the paper above is like."""
_BEYOND, _GRAIN = 0.4, 0.6
"""Letter heights of paper looked at above and below a line, and over which they are smoothed."""
_SPECK = 0.7
"""Letter heights of such columns that are no rule of a table and no bullet."""
_PAPER_PERCENTILE, _INK_PERCENTILE = 80, 8
_MIN_CONTRAST = 8.0
"""Grey levels between ink and paper, below which nothing can be said."""
_MIN_SIDE_PX = 2


@dataclass(frozen=True, slots=True)
class Patch:
    """A part of a level picture; pixels, ``right`` and ``bottom`` exclusive."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Light:
    """How bright paper and ink are, in grey levels."""

    paper: float
    ink: float

    @property
    def contrast(self) -> float:
        """Grey levels between them."""
        return self.paper - self.ink

    @property
    def depth(self) -> float:
        """Share of the paper's light that the ink swallows: the same in light and in shade."""
        return self.contrast / max(self.paper, 1.0)


def light_on(grey: Grey, patch: Patch) -> Light | None:
    """Return the light on a printed word; None where the patch is empty.

    Args:
        grey: ``uint8`` ``[h, w]``, print dark on light, not flattened.
        patch: of the word.
    """
    pixels = _pixels(grey, patch)
    if pixels is None:
        return None
    ink, paper = np.percentile(pixels, (_INK_PERCENTILE, _PAPER_PERCENTILE))
    return Light(float(paper), float(ink))


def usual_light(grey: Grey, patches: list[Patch]) -> Light | None:
    """Return the median light on the words of a page or column; None without words."""
    seen = [light for patch in patches if (light := light_on(grey, patch)) is not None]
    if not seen:
        return None
    return Light(
        float(np.median([light.paper for light in seen])),
        float(np.median([light.ink for light in seen])),
    )


def is_burnt(grey: Grey, white: Patch, usual: Light) -> bool:
    """Say whether a white is burnt out, and brighter than the page's usual paper."""
    pixels = _pixels(grey, white)
    if pixels is None:
        return False
    paper = float(np.median(pixels))
    return paper >= _BURNT and paper >= _BRIGHTER * usual.paper


def outlasts(grey: Grey, patch: Patch, usual: Light) -> bool:
    """Say whether a word on burnt-out paper is dark all the same: so would be another beside it."""
    light = light_on(grey, patch)
    if light is None or light.paper < _BURNT:
        return False
    return light.depth >= (1.0 - _VEIL) * usual.depth


def may_hide_print(grey: Grey, white: Patch, beside: Patch, usual: Light, letter_px: float) -> bool:
    """Say whether print may be hidden in a white beside a word.

    It may where the word beside it has itself lost much of its darkness, or where something dark
    stands there that is wider than a rule or a bullet. Burnt-out paper is ``is_burnt``'s.

    Args:
        grey: ``uint8`` ``[h, w]``, print dark on light, not flattened.
        white: the white, as high as the line.
        beside: the word.
        usual: of the column (``usual_light``).
        letter_px: letter height.
    """
    pixels, near = _pixels(grey, white), light_on(grey, beside)
    if pixels is None or near is None or usual.contrast < _MIN_CONTRAST:
        return False
    if near.depth < (1.0 - _VEIL) * usual.depth:
        return True
    return _dark_width(grey, white, near, letter_px) >= _SPECK * letter_px


def _dark_width(grey: Grey, white: Patch, near: Light, letter_px: float) -> int:
    """Return how many columns of a white are as dark as a part of the print beside them.

    Darker than the paper above and below the line at the same place: the edge of a shadow is not.
    A blot, which reaches beyond the line, is as dark as ink.
    """
    columns = _columns(grey, white)
    if columns is None:
        return 0
    beyond = max(_MIN_SIDE_PX, round(_BEYOND * letter_px))
    above = _columns(grey, Patch(white.left, max(0, white.top - beyond), white.right, white.top))
    below = _columns(grey, Patch(white.left, white.bottom, white.right, white.bottom + beyond))
    flat = np.full_like(columns, float(np.percentile(columns, _PAPER_PERCENTILE)))
    sides = [_smoothed(side, letter_px) for side in (above, below) if side is not None]
    paper = np.max(sides, axis=0) if sides else flat
    is_ink = paper - columns > _FAINT * _COVER * near.contrast
    is_blot = flat - columns > _BLOT * near.contrast
    return int(np.sum(is_ink | is_blot))


def _columns(grey: Grey, patch: Patch) -> Floats | None:
    pixels = _pixels(grey, patch)
    return None if pixels is None else np.asarray(pixels.mean(axis=0), np.float64)


def _smoothed(columns: Floats, letter_px: float) -> Floats:
    """Take the grain of a few rows away."""
    side = min(len(columns), max(1, round(_GRAIN * letter_px)))
    padded = np.pad(columns, (side // 2, side - 1 - side // 2), mode="edge")
    return np.convolve(padded, np.ones(side) / side, mode="valid")


def _pixels(grey: Grey, patch: Patch) -> npt.NDArray[np.uint8] | None:
    part = grey[max(0, patch.top) : patch.bottom, max(0, patch.left) : patch.right]
    return part if min(part.shape) >= _MIN_SIDE_PX else None
