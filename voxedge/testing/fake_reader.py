"""An eye, a recogniser and a shelf that need no hardware, for the reading session.

``voxedge bench daemon`` and the tests stand on them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field

import numpy as np

from voxedge.document.cursor import Cursor
from voxedge.document.find import tokens
from voxedge.document.model import (
    Box,
    Document,
    Page,
    Paragraph,
    Role,
    Section,
    Sentence,
    Word,
)
from voxedge.errors import DocumentMissing, VoxedgeError
from voxedge.flow import Frame
from voxedge.reader.conversation.happenings import PageBegan
from voxedge.reader.library import Entry, title_of

_BOX = Box(0, 0, 10, 10)


def sections_of(text: str, page: int = 0) -> tuple[Section, ...]:
    """Return sections written out as text.

    "# Heading" opens a section, each line is a paragraph, a full stop and a space end a sentence.
    "5|50" is a 5 that the second reader took for 50.
    """
    sections: list[Section] = []
    paragraphs: list[Paragraph] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            if paragraphs:
                sections.append(Section(tuple(paragraphs)))
            paragraphs = [Paragraph((_sentence(line.lstrip("# "), page),), Role.HEADING)]
        else:
            parts = re.split(r"(?<=\.) ", line)
            paragraphs.append(Paragraph(tuple(_sentence(part, page) for part in parts)))
    if paragraphs:
        sections.append(Section(tuple(paragraphs)))
    return tuple(sections)


def _sentence(text: str, page: int) -> Sentence:
    return Sentence(tuple(_word(part, page) for part in text.split()))


def _word(part: str, page: int) -> Word:
    text, _, second = part.partition("|")
    return Word(text, _BOX, 0.9, page, second or text)


class FakeCamera:
    """A ``Camera``: a grey picture after a while, or a failure.

    Args:
        takes_s: how long it takes.
    """

    name = "fake"

    def __init__(self, takes_s: float = 0.2) -> None:
        self.takes_s = takes_s
        self.error: VoxedgeError | None = None
        """Raised by the next pictures, while it is set."""
        self.taken = 0
        self.pressed = 0

    def press(self) -> None:
        """Note it."""
        self.pressed += 1

    async def take(self) -> Frame:
        """Take one."""
        await asyncio.sleep(self.takes_s)
        if self.error is not None:
            raise self.error
        self.taken += 1
        return Frame(np.full((40, 40), 128, dtype=np.uint8), "fake")


class FakePages:
    """A ``PageStream``: the pages given, one after the other, section by section.

    Args:
        texts: see ``sections_of``; after the last one it begins again.
        section_s: how long each section takes.
    """

    def __init__(self, *texts: str, section_s: float = 0.3) -> None:
        self.texts = texts
        self.section_s = section_s
        self.error: VoxedgeError | None = None
        """Raised behind ``fails_behind`` sections, while it is set."""
        self.fails_behind = 1
        self.fails_at_once = False
        self.read_pages = 0
        self.open = 0
        """Pages that were begun and not yet ended."""

    async def read(
        self, frame: Frame, number: int
    ) -> AsyncGenerator[PageBegan | tuple[Section, ...], None]:
        """Read one."""
        text = self.texts[self.read_pages % len(self.texts)]
        self.read_pages += 1
        self.open += 1
        try:
            await asyncio.sleep(self.section_s)
            if self.error is not None and self.fails_at_once:
                raise self.error
            yield PageBegan(Page(frame.width_px, frame.height_px), "en", "fake 1.0")
            for count, section in enumerate(sections_of(text, number), start=1):
                await asyncio.sleep(self.section_s)
                yield (section,)
                if self.error is not None and count >= self.fails_behind:
                    raise self.error
        finally:
            self.open -= 1


@dataclass
class _Kept:
    document: Document
    title: str
    saved: bool
    cursor: Cursor
    marks: set[Cursor] = field(default_factory=set)
    pictures: dict[int, bytes] = field(default_factory=dict)


class FakeShelf:
    """A ``Shelf`` in memory.

    Args:
        keep_recent: whether unsaved documents are kept too.
    """

    def __init__(self, *, keep_recent: bool = False) -> None:
        self.kept: dict[int, _Kept] = {}
        self.error: VoxedgeError | None = None
        """Raised by everything, while it is set."""
        self._keep_recent = keep_recent
        self._last = 0

    async def keep(
        self, document: Document, cursor: Cursor, pictures: Mapping[int, bytes]
    ) -> tuple[int, str] | None:
        """Keep among the last few."""
        self._check()
        if not self._keep_recent:
            return None
        number, title = self._add(document, "", cursor, saved=False)
        self.kept[number].pictures.update(pictures)
        return number, title

    async def save(
        self,
        document: Document,
        title: str,
        cursor: Cursor,
        marks: tuple[Cursor, ...],
        number: int | None,
        pictures: Mapping[int, bytes],
    ) -> tuple[int, str]:
        """Keep for good."""
        self._check()
        if number is None:
            number, _ = self._add(document, title, cursor, saved=True)
            self.kept[number].marks |= set(marks)
            self.kept[number].pictures.update(pictures)
        kept = self.kept[number]
        kept.saved, kept.title = True, title or kept.title
        return number, kept.title

    async def replace(self, number: int, document: Document, pictures: Mapping[int, bytes]) -> None:
        """Put a longer version in its place."""
        self._check()
        self._at(number).document = document
        self._at(number).pictures.update(pictures)

    async def put_cursor(self, number: int, cursor: Cursor) -> None:
        """Remember the place."""
        self._check()
        self._at(number).cursor = cursor

    async def mark(self, number: int, cursor: Cursor) -> None:
        """Remember a mark."""
        self._check()
        self._at(number).marks.add(cursor)

    async def delete(self, number: int) -> None:
        """Take it off."""
        self._check()
        self._at(number)
        del self.kept[number]

    async def open(
        self, number: int | None, title: str | None
    ) -> tuple[Entry, Document, tuple[Cursor, ...]] | None:
        """Return a document."""
        self._check()
        if title is not None:
            same = [n for n, kept in self.kept.items() if tokens(kept.title) == tokens(title)]
            if not same:
                raise DocumentMissing(document=title)
            number = same[0]
        if number is None:
            number = max(self.kept, default=None)
        if number is None:
            return None
        kept = self._at(number)
        return self._entry(number), kept.document, tuple(sorted(kept.marks))

    async def entries(self) -> tuple[Entry, ...]:
        """Return what is there."""
        self._check()
        return tuple(self._entry(number) for number in sorted(self.kept, reverse=True))

    def _add(
        self, document: Document, title: str, cursor: Cursor, *, saved: bool
    ) -> tuple[int, str]:
        self._last += 1
        title = title or title_of(document)
        self.kept[self._last] = _Kept(document, title, saved, cursor)
        return self._last, title

    def _at(self, number: int) -> _Kept:
        try:
            return self.kept[number]
        except KeyError:
            raise DocumentMissing(document=number) from None

    def _entry(self, number: int) -> Entry:
        kept = self.kept[number]
        return Entry(number, kept.title, kept.saved, len(kept.document.pages), kept.cursor)

    def _check(self) -> None:
        if self.error is not None:
            raise self.error
