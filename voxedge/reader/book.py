"""A document that is open: its text, where its units start, and where its lines stand. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from voxedge.document.cursor import Cursor, Outline, Unit, outline_of
from voxedge.document.model import Document, Page, Section
from voxedge.speech.lines import Place


@dataclass(frozen=True, slots=True)
class Book:
    """A document with everything that moves need; made by ``book_of``.

    Attributes:
        document: what was read so far.
        outline: where its units start.
        spots: the place of each sentence, as in ``outline.sentences``.
        cursors: the first word of each sentence, by its place.
    """

    document: Document
    outline: Outline
    spots: tuple[Place, ...]
    cursors: Mapping[Place, Cursor]

    @property
    def empty(self) -> bool:
        """Whether it has no words."""
        return not self.outline.words

    def spot(self, cursor: Cursor) -> Place:
        """Return the place of the sentence that the cursor stands in; not of an empty book."""
        return self.spots[self.outline.number(cursor, Unit.SENTENCE)]

    def cursor(self, place: Place) -> Cursor | None:
        """Return the first word of the sentence at a place, None where there is none."""
        return self.cursors.get(place)

    def grown(self, sections: tuple[Section, ...], pages: tuple[Page, ...] = ()) -> Book:
        """Return the book with more at its end; every cursor and place of before stays true."""
        document = replace(
            self.document,
            sections=self.document.sections + sections,
            pages=self.document.pages + pages,
        )
        return book_of(document)


def book_of(document: Document) -> Book:
    """Return the book of a document; linear in its words."""
    outline = outline_of(document)
    spots = tuple(
        Place(section_number, paragraph_number, sentence_number)
        for section_number, section in enumerate(document.sections)
        for paragraph_number, paragraph in enumerate(section.paragraphs)
        for sentence_number, sentence in enumerate(paragraph.sentences)
        if sentence.words
    )
    cursors = {spot: outline.sentence_cursor(number) for number, spot in enumerate(spots)}
    return Book(document, outline, spots, cursors)
