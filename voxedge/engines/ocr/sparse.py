"""Boxes, blisters, posters: little text, at any angle, between pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from voxedge.document.model import Box
from voxedge.engines.ocr.recogniser import Recogniser
from voxedge.engines.ocr.score import Score
from voxedge.engines.ocr.tesseract import PSM_SPARSE, TsvWord
from voxedge.vision.illumination import Grey
from voxedge.vision.textlines import find_lines

_SAMPLE_LONG_SIDE_PX = 1000
_READ_LONG_SIDE_PX = 1600
"""12-megapixel pictures of boxes on carpet read as weave; this size reads best on its own."""
_PASSES = (
    ("green", 1600),
    ("darkest", 1600),
    ("red", 1600),
    ("grey", 1000),
    ("green", 2400),
)
"""Channel and size of each pass. Coloured print on coloured ground has contrast in one channel
only: red on white in green, white on blue in red. Brand names are ten times the small print, and
tesseract sees letters of 15 to 80 px."""
_SURE_GOOD = 24
_SURE_FIGURE = 0.8
_NEIGHBOUR_CONFIDENCE = 0.6
"""A word no dictionary knows is taken if it stands in a line with one that is believed."""


_UNDOUBTED = 0.85
_MIN_SURE = 3
"""Letters or digits: "500" alone is something, "is" is not."""


@dataclass(frozen=True, slots=True)
class SparseReading:
    """Sparse text of one picture.

    Attributes:
        words: in pixels of ``grey``.
        grey: the turned, shrunk picture that was recognised.
        to_page: ``float64`` ``[2, 3]``, affine from ``grey`` to page pixels.
        page_size: width and height of the page, upright by quarter turns.
        rotation: degrees clockwise, a multiple of 90.
        letter_px: median word height in ``grey``.
        score: of the words.
    """

    words: tuple[TsvWord, ...]
    grey: Grey
    to_page: npt.NDArray[np.float64]
    page_size: tuple[int, int]
    rotation: int
    letter_px: float
    score: Score

    @property
    def is_something(self) -> bool:
        """Whether it holds a word nobody would doubt.

        Grain, leaves and drawings give short words at 0.60 to 0.79 now and then, print on a box
        or a blister gives at least one above.
        """
        return any(
            word.confidence >= _UNDOUBTED and sum(c.isalnum() for c in word.text) >= _MIN_SURE
            for word in self.words
        )

    def page_box(self, left: int, top: int, right: int, bottom: int) -> Box:
        """Return the page's box around a box of the recognised picture."""
        corners = np.array(
            [[left, top, 1], [right, top, 1], [left, bottom, 1], [right, bottom, 1]], np.float64
        )
        page = corners @ self.to_page.T
        width, height = self.page_size
        x, y = np.clip(page[:, 0], 0, width), np.clip(page[:, 1], 0, height)
        return Box(int(x.min()), int(y.min()), int(np.ceil(x.max())), int(np.ceil(y.max())))


def read_sparse(
    pixels: npt.NDArray[np.uint8], grey: Grey, recogniser: Recogniser
) -> SparseReading | None:
    """Read scattered text: find the angle on a small copy, then read channels and sizes.

    Only believable words are taken; where two passes read the same place, the surer word is.

    Args:
        pixels: the picture, grey or RGB.
        grey: its luma.
        recogniser: of the language.

    Returns:
        None where nothing at all was recognised.
    """
    angle = _best_angle(grey, recogniser)
    scale = min(1.0, _READ_LONG_SIDE_PX / max(grey.shape))
    turned, affine = _turned(grey, angle, scale)
    words: list[TsvWord] = []
    done: set[tuple[str, float]] = set()
    for number, (channel, long_side) in enumerate(_PASSES):
        channel = channel if pixels.ndim == 3 else "grey"
        pass_scale = min(1.0, long_side / max(grey.shape))
        if (channel, pass_scale) in done:
            continue
        done.add((channel, pass_scale))
        picture, _ = _turned(_channel(pixels, grey, channel), angle, pass_scale)
        found = recogniser.once(picture, psm=PSM_SPARSE).words
        ratio = turned.shape[1] / picture.shape[1]
        words = _merged(words, _believable(found, recogniser, number, ratio))
    if not words:
        return None
    rotation = round(-angle / 90.0) * 90 % 360
    quarter, size = _quarter(grey.shape, rotation)
    height = float(np.median([w.bottom - w.top for w in words]))
    return SparseReading(
        words=tuple(words),
        grey=turned,
        to_page=(quarter @ np.linalg.inv(affine))[:2],
        page_size=size,
        rotation=rotation,
        letter_px=max(4.0, 0.7 * height),
        score=recogniser.judge.score(words),
    )


def _channel(pixels: npt.NDArray[np.uint8], grey: Grey, name: str) -> Grey:
    match name:
        case "red":
            return np.ascontiguousarray(pixels[..., 0])
        case "green":
            return np.ascontiguousarray(pixels[..., 1])
        case "darkest":
            return np.asarray(pixels.min(axis=2))
        case _:
            return grey


def _believable(
    words: Sequence[TsvWord], recogniser: Recogniser, number: int, ratio: float
) -> list[TsvWord]:
    """Return the words worth taking, with boxes scaled and lines numbered by pass."""
    lines: dict[tuple[int, int, int], list[TsvWord]] = {}
    for word in words:
        lines.setdefault(word.line, []).append(word)
    taken = []
    for line, members in lines.items():
        believed = [recogniser.judge.believes(word) for word in members]
        if not any(believed) or not _has_substance(members, believed):
            continue
        for word, is_believed in zip(members, believed, strict=True):
            if is_believed or word.confidence >= _NEIGHBOUR_CONFIDENCE:
                left, top, right, bottom = (
                    round(value * ratio) for value in (word.left, word.top, word.right, word.bottom)
                )
                name = (number * 10_000 + line[0], line[1], line[2])
                taken.append(TsvWord(word.text, left, top, right, bottom, word.confidence, name))
    return taken


def _has_substance(members: Sequence[TsvWord], believed: Sequence[bool]) -> bool:
    """Say whether a line is more than a stray figure, which every texture yields."""
    taken = [word for word, is_believed in zip(members, believed, strict=True) if is_believed]
    if any(character.isalpha() for word in taken for character in word.text):
        return True
    return any(
        sum(character.isdigit() for character in word.text) >= 2 and word.confidence >= _SURE_FIGURE
        for word in taken
    )


def _merged(first: Sequence[TsvWord], second: Sequence[TsvWord]) -> list[TsvWord]:
    """Add the words of ``second`` that stand where ``first`` has nothing as sure."""
    merged = list(first)
    for word in second:
        rivals = [other for other in merged if _share(word, other) > 0.3]
        # A surer fragment must not take the place of a whole word: "5" for "500".
        if all(
            word.confidence > rival.confidence + 0.1 and _area(word) > 0.8 * _area(rival)
            for rival in rivals
        ):
            merged = [other for other in merged if other not in rivals]
            merged.append(word)
    return merged


def _share(word: TsvWord, other: TsvWord) -> float:
    """Common area over the smaller of two words' areas."""
    wide = min(word.right, other.right) - max(word.left, other.left)
    high = min(word.bottom, other.bottom) - max(word.top, other.top)
    if wide <= 0 or high <= 0:
        return 0.0
    return wide * high / max(1, min(_area(word), _area(other)))


def _area(word: TsvWord) -> int:
    return (word.right - word.left) * (word.bottom - word.top)


def _best_angle(grey: Grey, recogniser: Recogniser) -> float:
    """Return the clockwise angle of the text by the vote of dictionary words."""
    scale = min(1.0, _SAMPLE_LONG_SIDE_PX / max(grey.shape))
    sample, _ = _turned(grey, 0.0, scale)
    found = find_lines(sample).angle_deg
    angles = [0.0, 90.0, -90.0, 180.0]
    for angle in (found, found + 90.0, found - 90.0, found + 180.0):
        if min(abs((angle - other + 180.0) % 360.0 - 180.0) for other in angles) > 6.0:
            angles.append(angle)
    best, best_value = 0.0, float("-inf")
    for angle in angles:
        picture, _ = _turned(grey, angle, scale)
        score = recogniser.once(picture, psm=PSM_SPARSE).score
        if score.good > best_value:
            best, best_value = angle, score.good
        if score.good >= _SURE_GOOD:
            break
    return best


def _turned(grey: Grey, angle: float, scale: float) -> tuple[Grey, npt.NDArray[np.float64]]:
    """Shrink and turn so that text at ``angle`` lies level; also the ``[3, 3]`` affine used."""
    height, width = grey.shape
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    affine = np.diag([scale, scale, 1.0])
    if angle == 0.0:
        return grey, affine
    radians = np.deg2rad(angle)
    cos, sin = np.cos(radians), np.sin(radians)
    high, wide = grey.shape
    corners = np.array([[0, 0], [wide, 0], [0, high], [wide, high]], np.float64)
    turn = np.array([[cos, sin], [-sin, cos]])
    placed = corners @ turn.T
    low = placed.min(axis=0)
    extent = np.ceil(placed.max(axis=0) - low).astype(int)
    matrix = np.hstack([turn, -low[:, None]])
    picture = cv2.warpAffine(
        grey,
        matrix,
        (int(extent[0]), int(extent[1])),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return picture.astype(np.uint8), np.vstack([matrix, [0, 0, 1]]) @ affine


def _quarter(
    shape: tuple[int, int], rotation: int
) -> tuple[npt.NDArray[np.float64], tuple[int, int]]:
    """Return the ``[3, 3]`` matrix of a clockwise quarter turn, and the page's new size."""
    height, width = shape
    matrices = {
        0: ([[1, 0, 0], [0, 1, 0]], (width, height)),
        90: ([[0, -1, height], [1, 0, 0]], (height, width)),
        180: ([[-1, 0, width], [0, -1, height]], (width, height)),
        270: ([[0, 1, 0], [-1, 0, width]], (height, width)),
    }
    rows, size = matrices[rotation]
    return np.array([*rows, [0, 0, 1]], np.float64), size
