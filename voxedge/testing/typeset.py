"""Pages set in type, with their exact text: what the OCR tests and benchmarks read.

The markup is line prefixes: ``# `` title, ``## `` heading, ``- `` list item, ``~ `` italic line,
``| a | b |`` row of a table, ``^ `` footnote (at the foot of the page, in small type), ``% ``
running head (above the page); anything else is a paragraph. Fonts are Debian's ``fonts-dejavu`` and
``fonts-liberation``; Chinese needs ``fonts-wqy-zenhei`` and ``fonts-wqy-microhei``.
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
_CHINESE = {
    "zenhei": ("wqy/wqy-zenhei{}.ttc", ("", "", "")),
    "microhei": ("wqy/wqy-microhei{}.ttc", ("", "", "")),
}
CHINESE_FAMILIES = tuple(_CHINESE)
_NOTE_SIZE = 0.8
_CELL_GAP = 1.2
"""White between the columns of a table, in ems."""
_HYPHENATE_FROM = 9
"""Only words of at least this many letters are broken over a line end."""


@dataclass(frozen=True, slots=True)
class PageStyle:
    """How a page is set.

    Attributes:
        family: one of ``FAMILIES`` or ``CHINESE_FAMILIES``.
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

    @property
    def unspaced(self) -> bool:
        """Whether a line may be broken between any two letters."""
        return self.family in _CHINESE


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
    cells: tuple[str, ...] = ()
    """Of a row of a table."""
    widths: tuple[int, ...] = ()
    """Of the table's columns, by the letters in them."""


class TextDoesNotFitError(ValueError):
    """The text needs more room than the page has."""


def plain_text(markup: str) -> str:
    """Return the reading text of the markup: one line a paragraph, list items keep ``- ``.

    Cells of a row are parted by colons, footnotes come last, running heads are not read.
    """
    lines = []
    notes = []
    for raw in markup.strip().splitlines():
        line = raw.strip()
        if line.startswith("% "):
            continue
        if line.startswith("^ "):
            notes.append(line[2:])
            continue
        if line.startswith("|"):
            line = ": ".join(filter(None, _cells(line)))
        for prefix in ("## ", "# ", "~ "):
            line = line.removeprefix(prefix)
        if line:
            lines.append(line)
    return "\n".join(lines + notes) + "\n"


def headings(markup: str) -> str:
    """Return the headings of the markup, one a line."""
    lines = [line.strip() for line in markup.strip().splitlines()]
    return "".join(f"{line[3:]}\n" for line in lines if line.startswith("## "))


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip("|").split("|"))


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
    blocks = list(_blocks(markup, style))
    top = style.margin_px
    bottom = style.height_px - style.margin_px - _draw_notes(draw, markup, style)
    _draw_head(draw, markup, style)
    column, y = 0, top
    for block in blocks:
        font = _font(style.family, block.face, block.size_px)
        leading = round(block.size_px * 1.22)
        y += block.space_before_px if y > top else 0
        if block.cells:
            rows = _cell_lines(block, draw, font, column_px, style)
            height = leading * max(len(lines) for _, lines in rows)
            if y + height > bottom:
                column, y = column + 1, top
            if column >= style.columns or y + height > bottom:
                raise TextDoesNotFitError(markup[:40])
            left = style.margin_px + column * (column_px + style.gutter_px)
            for x, lines in rows:
                for number, words in enumerate(lines):
                    at = (left + x, y + number * leading)
                    _draw_line(draw, at, words, font, column_px, style, stretch=False)
            y += height
            continue
        _break_lines(block, draw, font, column_px - block.indent_px, style)
        # A heading is not left alone at the foot of a column.
        keep = 2 if block.face == 1 else 0
        for number, (words, ends) in enumerate(block.lines):
            if y + leading * (1 + (keep if number == 0 else 0)) > bottom:
                column, y = column + 1, top
                if column >= style.columns:
                    raise TextDoesNotFitError(markup[:40])
            x = style.margin_px + column * (column_px + style.gutter_px) + block.indent_px
            if block.bullet and number == 0:
                draw.text((x - block.indent_px * 0.6, y), "•", font=font, fill=style.ink)
            width = column_px - block.indent_px
            _draw_line(draw, (x, y), words, font, width, style, stretch=style.justify and not ends)
            y += leading
    return np.asarray(page, dtype=np.uint8).copy()


def _draw_notes(draw: ImageDraw.ImageDraw, markup: str, style: PageStyle) -> int:
    """Draw the footnotes over the whole width; return the height they take."""
    notes = [line.strip()[2:] for line in markup.splitlines() if line.strip().startswith("^ ")]
    if not notes:
        return 0
    size = round(style.size_px * _NOTE_SIZE)
    font, leading = _font(style.family, 0, size), round(size * 1.22)
    width = style.width_px - 2 * style.margin_px
    lines: list[list[str]] = []
    for note in notes:
        block = _Block(note, 0, size, 0, False, 0)
        _break_lines(block, draw, font, width, style)
        lines += [words for words, _ in block.lines]
    y = style.height_px - style.margin_px - leading * len(lines)
    draw.line((style.margin_px, y - size, style.margin_px + width // 4, y - size), fill=style.ink)
    for number, words in enumerate(lines):
        at = (style.margin_px, y + number * leading)
        _draw_line(draw, at, words, font, width, style, stretch=False)
    return leading * len(lines) + 2 * size


def _draw_head(draw: ImageDraw.ImageDraw, markup: str, style: PageStyle) -> None:
    """Draw the running head above the page: its last word at the right, as page numbers stand."""
    heads = [line.strip()[2:] for line in markup.splitlines() if line.strip().startswith("% ")]
    for head in heads[:1]:
        size = round(style.size_px * _NOTE_SIZE)
        font = _font(style.family, 0, size)
        y = (style.margin_px - size) // 2
        text, _, number = head.rpartition(" ")
        draw.text((style.margin_px, y), text, font=font, fill=style.ink)
        right = style.width_px - style.margin_px - draw.textlength(number, font=font)
        draw.text((right, y), number, font=font, fill=style.ink)


def _cell_lines(
    block: _Block,
    draw: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont,
    width_px: int,
    style: PageStyle,
) -> list[tuple[int, list[list[str]]]]:
    """Return for each cell of a row where it begins and its lines."""
    gap = round(block.size_px * _CELL_GAP)
    room = width_px - gap * (len(block.widths) - 1)
    cells = []
    x = 0
    for text, share in zip(block.cells, block.widths, strict=True):
        width = room * share // sum(block.widths)
        cell = _Block(text, block.face, block.size_px, 0, False, 0)
        _break_lines(cell, draw, font, width, style)
        cells.append((x, [words for words, _ in cell.lines]))
        x += width + gap
    return cells


def _font(family: str, face: int, size_px: int) -> ImageFont.FreeTypeFont:
    pattern, faces = {**_FAMILIES, **_CHINESE}[family]
    return ImageFont.truetype(str(_FONT_ROOT / pattern.format(faces[face])), size_px)


def _blocks(markup: str, style: PageStyle) -> Iterator[_Block]:
    em = style.size_px
    lines = [line.strip() for line in markup.strip().splitlines()]
    for number, line in enumerate(lines):
        if line.startswith(("^ ", "% ")):
            continue
        if line.startswith("|"):
            first = not (number and lines[number - 1].startswith("|"))
            space = round(em * 0.6)
            face = 1 if first and style.family in _FAMILIES else 0
            yield _Block("", face, em, 0, False, space, [], _cells(line), _widths(lines, number))
            continue
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


def _widths(lines: list[str], number: int) -> tuple[int, ...]:
    """Return how wide the columns of a row's table are: as its longest cells, within bounds."""
    first = last = number
    while first and lines[first - 1].startswith("|"):
        first -= 1
    while last + 1 < len(lines) and lines[last + 1].startswith("|"):
        last += 1
    columns = zip(*(_cells(line) for line in lines[first : last + 1]), strict=True)
    return tuple(min(30, max(6, *(len(cell) for cell in column))) for column in columns)


def _break_lines(
    block: _Block,
    draw: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont,
    width_px: int,
    style: PageStyle,
) -> None:
    line: list[str] = []
    space = "" if style.unspaced else " "
    for word in list(block.text) if style.unspaced else block.text.split():
        fits = draw.textlength(space.join([*line, word]), font=font) <= width_px
        if fits or (style.unspaced and word in "，。；：、）】"):
            line.append(word)
            continue
        head = ""
        if style.hyphenate and len(word) >= _HYPHENATE_FROM and word.isalpha():
            for cut in range(len(word) - 3, 2, -1):
                if draw.textlength(space.join([*line, word[:cut] + "-"]), font=font) <= width_px:
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
    space = 0.0 if style.unspaced else draw.textlength(" ", font=font)
    if stretch and len(words) > 1:
        space = (width_px - sum(widths)) / (len(words) - 1)
    for word, width in zip(words, widths, strict=True):
        draw.text((x, y), word, font=font, fill=style.ink)
        x += width + space
