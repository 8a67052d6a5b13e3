"""Pictures of the steps of reading: outlines, numbers and colours over the page.

Colours are those of Okabe and Ito (2008), which people who see fewer colours tell apart as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from voxedge.document.model import Box, Document, Role, Sentence
from voxedge.document.numbers import numbers_in, words_of
from voxedge.engines.ocr.tesseract import TsvWord
from voxedge.report.collect import RegionSeen
from voxedge.vision.illumination import Grey

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

LONG_SIDE_PX = 1400
_NEW_COLUMN = 3.0
"""In word heights: print that goes on so far above stands at the top of another column."""
SURE, UNSURE, POOR = (0, 114, 178), (230, 159, 0), (213, 94, 0)
CERTAIN, DOUBTFUL = (0, 158, 115), (204, 121, 167)
OUTLINE, INK = (0, 114, 178), (0, 0, 0)
SURE_FROM, UNSURE_FROM = 0.8, 0.6
"""Confidences; the second is where a word begins to be believed (``engines.ocr.score``)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A box and how it is drawn."""

    box: Box
    colour: Colour
    width_px: int = 2


def colour_of(confidence: float) -> Colour:
    """Return the colour of a word."""
    if confidence >= SURE_FROM:
        return SURE
    return UNSURE if confidence >= UNSURE_FROM else POOR


def marks_of_words(document: Document, page: int) -> list[Mark]:
    """Return a mark for every word of a page; numbers by whether two readers agree."""
    marks = []
    for paragraph in document.paragraphs:
        for sentence in paragraph.sentences:
            colours = number_colours(sentence)
            for at, word in enumerate(sentence.words):
                if word.page == page:
                    colour = colours.get(at, colour_of(word.confidence))
                    marks.append(Mark(word.box, colour, 4 if at in colours else 2))
    return marks


def number_colours(sentence: Sentence) -> dict[int, Colour]:
    """Return the colour of every word that a number stands in."""
    colours: dict[int, Colour] = {}
    for number in numbers_in(sentence):
        for at in words_of(sentence, number):
            doubt = not number.is_certain or colours.get(at) == DOUBTFUL
            colours[at] = DOUBTFUL if doubt else CERTAIN
    return colours


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph on its page.

    Attributes:
        parts: boxes; more than one where it goes on at the top of the next column.
        role: what it is.
    """

    parts: tuple[Box, ...]
    role: Role


def blocks(document: Document, page: int) -> list[Block]:
    """Return the paragraphs of a page in reading order."""
    found = []
    for paragraph in document.paragraphs:
        parts: list[Box] = []
        last: Box | None = None
        for sentence in paragraph.sentences:
            for box in (word.box for word in sentence.words if word.page == page):
                if last is None or box.bottom < last.top - _NEW_COLUMN * last.height_px:
                    parts.append(box)
                else:
                    parts[-1] = parts[-1].union(box)
                last = box
        if parts:
            found.append(Block(tuple(parts), paragraph.role))
    return found


def draw_regions(grey: Grey, regions: Sequence[RegionSeen]) -> Picture:
    """Return the page with the outlines of its regions, which follow perspective and curl."""
    canvas, scale = _canvas(grey)
    for number, region in enumerate(regions, start=1):
        outline = _outline(region) * scale
        cv2.polylines(canvas, [np.round(outline).astype(np.int32)], True, OUTLINE, 3, cv2.LINE_AA)
        _label(canvas, outline.min(axis=0), str(number), OUTLINE)
    return canvas


def draw_blocks(grey: Grey, found: Iterable[Block]) -> Picture:
    """Return the page with its paragraphs, numbered in reading order and joined by a line."""
    canvas, scale = _canvas(grey)
    before: tuple[int, int] | None = None
    for number, block in enumerate(found, start=1):
        colour = DOUBTFUL if block.role is Role.HEADING else OUTLINE
        for part in block.parts:
            corner, end = _scaled(part, scale)
            cv2.rectangle(canvas, corner, end, colour, 2, cv2.LINE_AA)
            middle = ((corner[0] + end[0]) // 2, (corner[1] + end[1]) // 2)
            if before is not None:
                cv2.arrowedLine(canvas, before, middle, UNSURE, 2, cv2.LINE_AA, tipLength=0.03)
            before = middle
            _label(canvas, np.array(corner), str(number), colour)
    return canvas


def draw_marks(grey: Grey, marks: Iterable[Mark]) -> Picture:
    """Return the picture with boxes around words."""
    canvas, scale = _canvas(grey)
    for mark in marks:
        corner, end = _scaled(mark.box, scale)
        width = max(1, round(mark.width_px * min(1.0, 2 * scale)))
        cv2.rectangle(canvas, corner, end, mark.colour, width, cv2.LINE_AA)
    return canvas


def draw_strip_words(grey: Grey, words: Sequence[TsvWord]) -> Picture:
    """Return a level picture with its words, by confidence."""
    return draw_marks(
        grey,
        [Mark(Box(w.left, w.top, w.right, w.bottom), colour_of(w.confidence)) for w in words],
    )


def draw_ink(ink: Grey) -> Picture:
    """Return the ink in black on white."""
    return _canvas((255 * (1 - np.minimum(ink, 1))).astype(np.uint8))[0]


def draw_plain(grey: Grey) -> Picture:
    """Return the picture as it is, at the size of a report."""
    return _canvas(grey)[0]


def _canvas(grey: Grey) -> tuple[Picture, float]:
    scale = min(1.0, LONG_SIDE_PX / max(grey.shape))
    if scale < 1.0:
        height, width = grey.shape
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB).astype(np.uint8), scale


def _scaled(box: Box, scale: float) -> tuple[tuple[int, int], tuple[int, int]]:
    return (
        (round(box.left * scale), round(box.top * scale)),
        (round(box.right * scale), round(box.bottom * scale)),
    )


def _outline(region: RegionSeen) -> npt.NDArray[np.float64]:
    """Return the border of a region in page pixels, ``[n, 2]`` of x and y."""
    x, y = region.strip.map_x, region.strip.map_y
    sides = (np.s_[0, ::20], np.s_[::20, -1], np.s_[-1, ::-20], np.s_[::-20, 0])
    return np.concatenate([np.stack([x[side], y[side]], axis=1) for side in sides]).astype(
        np.float64
    )


def _label(canvas: Picture, corner: npt.NDArray[Any], text: str, colour: Colour) -> None:
    """Write a number on a plate, so that it can be read on any print."""
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.9, 2)
    # Beside the print where there is room for it.
    x, y = max(0, int(corner[0]) - width - 10), max(0, int(corner[1]))
    cv2.rectangle(canvas, (x, y), (x + width + 8, y + height + 10), colour, cv2.FILLED)
    cv2.putText(
        canvas,
        text,
        (x + 4, y + height + 4),
        cv2.FONT_HERSHEY_SIMPLEX,
        0.9,
        (255, 255, 255),
        2,
        cv2.LINE_AA,
    )
