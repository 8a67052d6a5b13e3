"""Moving about in a document by word, sentence, paragraph, section and page. Pure.

A place in a document is the number of a word in reading order, which survives saving, loading
and further pages added at the end. ``Outline`` knows where each unit starts; every move is a
look-up in it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from voxedge.document.model import Document, Sentence, Word


class Unit(Enum):
    """What a move counts by."""

    WORD = "word"
    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"
    SECTION = "section"
    PAGE = "page"


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place: ``word`` counts the words of the document from 0, in reading order."""

    word: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """The answer to "where am I?"; every number counts from 1, as a person does.

    Attributes:
        page: printed page the word stands on.
        pages: how many pages the document has, blank ones included.
        heading: text of the section's heading, None where it has none.
        percent: how much of the document lies before this place, 0 to 99.
    """

    page: int
    pages: int
    section: int
    sections: int
    heading: str | None
    paragraph: int
    paragraphs: int
    sentence: int
    sentences: int
    percent: int


@dataclass(frozen=True, slots=True)
class Outline:
    """Where the units of one document start; built once per document by ``outline_of``.

    Units without a word (an empty paragraph, a blank page) do not exist here: no move can land
    on silence. Pages are runs of words that stand on one page.

    Attributes:
        words: all words in reading order.
        sentences: all sentences that have words, in reading order.
        headings: one entry for each section that has words.
        pages: how many pages the document has.
        starts: for each unit, the numbers of the words that begin one, ascending.
    """

    words: tuple[Word, ...]
    sentences: tuple[Sentence, ...]
    headings: tuple[str | None, ...]
    pages: int
    starts: Mapping[Unit, tuple[int, ...]]

    def clamp(self, cursor: Cursor) -> Cursor:
        """Return the nearest place that exists: a saved cursor may be older than the document."""
        return Cursor(min(max(0, cursor.word), max(0, len(self.words) - 1)))

    def number(self, cursor: Cursor, unit: Unit) -> int:
        """Return which unit the cursor stands in, counted from 0."""
        return max(0, bisect_right(self.starts[unit], self.clamp(cursor).word) - 1)

    def start(self, cursor: Cursor, unit: Unit) -> Cursor:
        """Return the first word of the unit the cursor stands in."""
        return self._start_of(unit, self.number(cursor, unit)) or Cursor()

    def next(self, cursor: Cursor, unit: Unit) -> Cursor | None:
        """Return the start of the next unit, None at the last one."""
        return self._start_of(unit, self.number(cursor, unit) + 1)

    def previous(self, cursor: Cursor, unit: Unit) -> Cursor | None:
        """Return the start of the unit before this one, None at the first one.

        From the middle of a unit too: "previous sentence" is the one before, "repeat" is this
        one. So ``previous`` after ``next`` is in the unit it came from, and exactly where it was
        if that was the unit's start.
        """
        return self._start_of(unit, self.number(cursor, unit) - 1)

    def first(self, unit: Unit = Unit.WORD) -> Cursor:
        """Return the start of the document."""
        return self._start_of(unit, 0) or Cursor()

    def last(self, unit: Unit = Unit.SENTENCE) -> Cursor:
        """Return the start of the last unit of the document."""
        return self._start_of(unit, len(self.starts[unit]) - 1) or Cursor()

    def page(self, number: int) -> Cursor | None:
        """Return the first word of a printed page, counted from 1; None where it has no words."""
        for start in self.starts[Unit.PAGE]:
            if self.words[start].page == number - 1:
                return Cursor(start)
        return None

    def span(self, cursor: Cursor, unit: Unit) -> range:
        """Return the numbers of the words of the unit; empty in an empty document."""
        starts = self.starts[unit]
        index = self.number(cursor, unit)
        if not starts:
            return range(0)
        end = starts[index + 1] if index + 1 < len(starts) else len(self.words)
        return range(starts[index], end)

    def word_at(self, cursor: Cursor) -> Word | None:
        """Return the word under the cursor, None in an empty document."""
        return self.words[self.clamp(cursor).word] if self.words else None

    def sentence_at(self, cursor: Cursor) -> Sentence | None:
        """Return the sentence the cursor stands in, None in an empty document."""
        return self.sentences[self.number(cursor, Unit.SENTENCE)] if self.words else None

    def sentence_cursor(self, number: int) -> Cursor:
        """Return the start of a sentence by its number, counted from 0."""
        return Cursor(self.starts[Unit.SENTENCE][number])

    def place(self, cursor: Cursor) -> Place | None:
        """Return where the cursor stands, None in an empty document."""
        word = self.word_at(cursor)
        if word is None:
            return None
        section = self.number(cursor, Unit.SECTION)
        return Place(
            page=word.page + 1,
            pages=self.pages,
            section=section + 1,
            sections=len(self.headings),
            heading=self.headings[section],
            paragraph=self.number(cursor, Unit.PARAGRAPH) + 1,
            paragraphs=len(self.starts[Unit.PARAGRAPH]),
            sentence=self.number(cursor, Unit.SENTENCE) + 1,
            sentences=len(self.sentences),
            percent=100 * self.clamp(cursor).word // len(self.words),
        )

    def marked(self, cursor: Cursor, marks: tuple[Cursor, ...], *, forward: bool) -> Cursor | None:
        """Return the nearest of the marks after (or before) the cursor, None where none is."""
        ordered = sorted(self.clamp(mark) for mark in marks)
        at = self.clamp(cursor)
        if forward:
            index = bisect_right(ordered, at)
            return ordered[index] if index < len(ordered) else None
        index = bisect_left(ordered, at)
        return ordered[index - 1] if index else None

    def _start_of(self, unit: Unit, number: int) -> Cursor | None:
        starts = self.starts[unit]
        return Cursor(starts[number]) if 0 <= number < len(starts) else None


def outline_of(document: Document) -> Outline:
    """Return the outline of a document; linear in its words."""
    words: list[Word] = []
    sentences: list[Sentence] = []
    headings: list[str | None] = []
    sentence_starts: list[int] = []
    paragraph_starts: list[int] = []
    section_starts: list[int] = []
    for section in document.sections:
        section_start = len(words)
        for paragraph in section.paragraphs:
            paragraph_start = len(words)
            for sentence in paragraph.sentences:
                if sentence.words:
                    sentence_starts.append(len(words))
                    sentences.append(sentence)
                    words.extend(sentence.words)
            if len(words) > paragraph_start:
                paragraph_starts.append(paragraph_start)
        if len(words) > section_start:
            section_starts.append(section_start)
            headings.append(section.heading)
    page_starts = [
        index
        for index, word in enumerate(words)
        if index == 0 or word.page != words[index - 1].page
    ]
    return Outline(
        words=tuple(words),
        sentences=tuple(sentences),
        headings=tuple(headings),
        pages=max(len(document.pages), max((word.page for word in words), default=-1) + 1),
        starts={
            Unit.WORD: tuple(range(len(words))),
            Unit.SENTENCE: tuple(sentence_starts),
            Unit.PARAGRAPH: tuple(paragraph_starts),
            Unit.SECTION: tuple(section_starts),
            Unit.PAGE: tuple(page_starts),
        },
    )
