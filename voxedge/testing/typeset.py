"""Pages set in type, with their exact text: what the OCR tests and benchmarks read.

The markup is four line prefixes: ``# `` title, ``## `` heading, ``- `` list item, ``~ `` italic
line; anything else is a paragraph. Fonts are Debian's ``fonts-dejavu`` and ``fonts-liberation``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_FONT_ROOT = Path("/usr/share/fonts/truetype")
_FAMILIES = {
    "sans": ("liberation/LiberationSans-{}.ttf", ("Regular", "Bold", "Italic")),
    "serif": ("liberation/LiberationSerif-{}.ttf", ("Regular", "Bold", "Italic")),
    "narrow": ("liberation/LiberationSansNarrow-{}.ttf", ("Regular", "Bold", "Italic")),
    "dejavu": ("dejavu/DejaVuSans{}.ttf", ("", "-Bold", "-Oblique")),
    "dejavu-serif": ("dejavu/DejaVuSerif{}.ttf", ("", "-Bold", "-Italic")),
}
FAMILIES = tuple(_FAMILIES)
_HYPHENATE_FROM = 9
"""Only words of at least this many letters are broken over a line end."""


@dataclass(frozen=True, slots=True)
class PageStyle:
    """How a page is set.

    Attributes:
        family: one of ``FAMILIES``.
        size_px: body type size (em) in pixels; the x-height is about half of it.
        columns: columns of equal width.
        width_px: page width.
        height_px: page height; text that does not fit is an error, not cut.
        margin_px: white on every side.
        gutter_px: white between columns.
        hyphenate: break long words over line ends.
        justify: stretch the spaces so that both edges of a column are straight.
        ink: grey level of the print.
    """

    family: str = "sans"
    size_px: int = 30
    columns: int = 1
    width_px: int = 1240
    height_px: int = 1754
    margin_px: int = 90
    gutter_px: int = 60
    hyphenate: bool = False
    justify: bool = False
    ink: int = 25


@dataclass(frozen=True, slots=True)
class _Block:
    text: str
    face: int
    size_px: int
    indent_px: int
    bullet: bool
    space_before_px: int
    lines: list[tuple[list[str], bool]] = field(default_factory=list)
    """Words of each line, and whether the line ends its paragraph."""


class TextDoesNotFitError(ValueError):
    """The text needs more room than the page has."""


def plain_text(markup: str) -> str:
    """Return the reading text of the markup: one line a paragraph, list items keep ``- ``."""
    lines = []
    for raw in markup.strip().splitlines():
        line = raw.strip()
        for prefix in ("## ", "# ", "~ "):
            line = line.removeprefix(prefix)
        if line:
            lines.append(line)
    return "\n".join(lines) + "\n"


def render(markup: str, style: PageStyle) -> npt.NDArray[np.uint8]:
    """Set ``markup`` on a white page.

    Returns:
        ``uint8`` ``[height, width]`` grey.

    Raises:
        TextDoesNotFitError: the text is longer than the page.
        OSError: the font is not installed.
    """
    import numpy as np

    page = Image.new("L", (style.width_px, style.height_px), 255)
    draw = ImageDraw.Draw(page)
    column_px = (
        style.width_px - 2 * style.margin_px - (style.columns - 1) * style.gutter_px
    ) // style.columns
    column, y = 0, style.margin_px
    bottom = style.height_px - style.margin_px
    for block in _blocks(markup, style):
        font = _font(style.family, block.face, block.size_px)
        _break_lines(block, draw, font, column_px - block.indent_px, hyphenate=style.hyphenate)
        leading = round(block.size_px * 1.22)
        y += block.space_before_px if y > style.margin_px else 0
        # A heading is not left alone at the foot of a column.
        keep = 2 if block.face == 1 else 0
        for number, (words, ends) in enumerate(block.lines):
            if y + leading * (1 + (keep if number == 0 else 0)) > bottom:
                column, y = column + 1, style.margin_px
                if column >= style.columns:
                    raise TextDoesNotFitError(markup[:40])
            x = style.margin_px + column * (column_px + style.gutter_px) + block.indent_px
            if block.bullet and number == 0:
                draw.text((x - block.indent_px * 0.6, y), "•", font=font, fill=style.ink)
            width = column_px - block.indent_px
            _draw_line(draw, (x, y), words, font, width, style, stretch=style.justify and not ends)
            y += leading
    return np.asarray(page, dtype=np.uint8).copy()


def _font(family: str, face: int, size_px: int) -> ImageFont.FreeTypeFont:
    pattern, faces = _FAMILIES[family]
    return ImageFont.truetype(str(_FONT_ROOT / pattern.format(faces[face])), size_px)


def _blocks(markup: str, style: PageStyle) -> Iterator[_Block]:
    em = style.size_px
    for raw in markup.strip().splitlines():
        line = raw.strip()
        if line.startswith("# "):
            yield _Block(line[2:], 1, round(em * 1.35), 0, False, em // 2)
        elif line.startswith("## "):
            yield _Block(line[3:], 1, round(em * 1.08), 0, False, round(em * 0.7))
        elif line.startswith("~ "):
            yield _Block(line[2:], 2, em, 0, False, em // 4)
        elif line.startswith("- "):
            yield _Block(line[2:], 0, em, round(em * 0.9), True, em // 6)
        elif line:
            yield _Block(line, 0, em, 0, False, em // 4)


def _break_lines(
    block: _Block,
    draw: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont,
    width_px: int,
    *,
    hyphenate: bool,
) -> None:
    line: list[str] = []
    for word in block.text.split():
        if draw.textlength(" ".join([*line, word]), font=font) <= width_px:
            line.append(word)
            continue
        head = ""
        if hyphenate and len(word) >= _HYPHENATE_FROM and word.isalpha():
            for cut in range(len(word) - 3, 2, -1):
                if draw.textlength(" ".join([*line, word[:cut] + "-"]), font=font) <= width_px:
                    head = word[:cut]
                    break
        if head:
            line.append(head + "-")
        block.lines.append((line, False))
        line = [word[len(head) :]]
    block.lines.append((line, True))


def _draw_line(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    words: list[str],
    font: ImageFont.FreeTypeFont,
    width_px: int,
    style: PageStyle,
    *,
    stretch: bool,
) -> None:
    x, y = float(at[0]), at[1]
    widths = [draw.textlength(word, font=font) for word in words]
    space = draw.textlength(" ", font=font)
    if stretch and len(words) > 1:
        space = (width_px - sum(widths)) / (len(words) - 1)
    for word, width in zip(words, widths, strict=True):
        draw.text((x, y), word, font=font, fill=style.ink)
        x += width + space
