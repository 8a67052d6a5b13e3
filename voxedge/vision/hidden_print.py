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

_BRIGHTER = 1.05
"""Paper this much brighter than the page's usual paper lies in a shine."""
_BURNT = 244
"""Grey level from which a shine may have swallowed the ink."""
_VEIL = 0.35
"""Share of its darkness that print has lost where a shine or mist begins to swallow it."""
_FAINT = 0.3
"""Darkness of a column of pixels, in those of the print beside it, from which it is no paper:
in clean paper of the darkest camera it is 0.1."""
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
    return _dark_width(pixels, near) >= _SPECK * letter_px


def _dark_width(pixels: npt.NDArray[np.uint8], near: Light) -> int:
    """Return how many columns are as dark as a part of the print beside them."""
    columns = pixels.mean(axis=0)
    # The paper's own level here: light falls off along a line.
    paper = float(np.percentile(columns, _PAPER_PERCENTILE))
    inked = 0.35 * near.contrast
    return int(np.sum(paper - columns > _FAINT * inked)) if inked > 0 else 0


def _pixels(grey: Grey, patch: Patch) -> npt.NDArray[np.uint8] | None:
    part = grey[max(0, patch.top) : patch.bottom, max(0, patch.left) : patch.right]
    return part if min(part.shape) >= _MIN_SIDE_PX else None
