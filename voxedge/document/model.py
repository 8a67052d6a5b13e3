"""What was read from paper, as a tree that speech, cursor moves and JSON all walk.

Boxes are in pixels of the upright page (after EXIF and after the page was turned the right way
up), origin top left. Confidence is the recogniser's own, 0 to 1; it is a poor gate for numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in page pixels; ``right`` and ``bottom`` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width_px(self) -> int:
        """Width, at least 0."""
        return max(0, self.right - self.left)

    @property
    def height_px(self) -> int:
        """Height, at least 0."""
        return max(0, self.bottom - self.top)

    def union(self, other: Box) -> Box:
        """Return the smallest box holding both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


@dataclass(frozen=True, slots=True)
class Word:
    """One printed word. A word broken over a line end is joined.

    Attributes:
        text: as printed.
        box: where; of a joined word its first part.
        confidence: of the recogniser, 0 to 1.
        page: counts from 0.
        second: what the second reader has in this place ("" nothing); None where it was not
            asked, or gave no answer. See ``voxedge.document.numbers``.
    """

    text: str
    box: Box
    confidence: float
    page: int = 0
    second: str | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words up to a sentence end; what "repeat" and "next sentence" move by."""

    words: tuple[Word, ...]
    joiner: str = " "
    """What stands between words: a space, or nothing in scripts written without spaces."""

    @property
    def text(self) -> str:
        """The printed text."""
        return self.joiner.join(word.text for word in self.words)


class Role(Enum):
    """What a paragraph is on the page."""

    HEADING = "heading"
    BODY = "body"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    """One row of a table; its cells are parted by colons."""
    FOOTNOTE = "footnote"
    """Read last, wherever it stands."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences that stand together on the page."""

    sentences: tuple[Sentence, ...]
    role: Role = Role.BODY
    joiner: str = " "

    @property
    def text(self) -> str:
        """The printed text."""
        return self.joiner.join(sentence.text for sentence in self.sentences)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (when there is one it is the first paragraph) and what follows it."""

    paragraphs: tuple[Paragraph, ...]

    @property
    def heading(self) -> str | None:
        """The heading's text, None where the text starts without one."""
        if self.paragraphs and self.paragraphs[0].role is Role.HEADING:
            return self.paragraphs[0].text
        return None


@dataclass(frozen=True, slots=True)
class Code:
    """A barcode or matrix code on a page.

    Attributes:
        symbology: "DataMatrix", "EAN13", "QRCode"...
        text: its content; GS1 elements are parted by ASCII 29.
        box: around it.
        is_gs1: it says of itself that it holds GS1 elements (``voxedge.document.gs1``).
    """

    symbology: str
    text: str
    box: Box
    is_gs1: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One picture of a page, upright.

    Attributes:
        width: pixels, upright.
        height: pixels, upright.
        rotation: degrees clockwise that the picture was turned to be upright (0, 90, 180, 270).
        codes: barcodes and matrix codes on it.
        in_parts: it is handed on part after part, so that the first tells little of the whole.
            Known while it is read; not kept.
    """

    width: int
    height: int
    rotation: int = 0
    codes: tuple[Code, ...] = ()
    in_parts: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """Everything that was read, in reading order."""

    sections: tuple[Section, ...]
    pages: tuple[Page, ...]
    language: str
    engine: str = ""

    @property
    def paragraphs(self) -> tuple[Paragraph, ...]:
        """All paragraphs in reading order."""
        return tuple(p for section in self.sections for p in section.paragraphs)

    @property
    def text(self) -> str:
        """The reading text: paragraphs parted by a blank line."""
        return "\n\n".join(p.text for p in self.paragraphs)
