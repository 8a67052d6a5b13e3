"""What may happen to a conversation, besides what a person asks for. Frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voxedge.actions import State
from voxedge.document.cursor import Cursor
from voxedge.document.model import Document, Page, Section
from voxedge.errors import VoxedgeError
from voxedge.reader.book import Book
from voxedge.speech.events import Outcome
from voxedge.speech.lines import Place

if TYPE_CHECKING:
    from voxedge.reader.library import Entry


@dataclass(frozen=True, slots=True)
class SentenceBegan:
    """A sentence of the document began to sound."""

    place: Place


@dataclass(frozen=True, slots=True)
class ReadingEnded:
    """Reading aloud is over: at its end, by a failure, or because something else took its place."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class PictureTaken:
    """The camera has taken the picture."""


@dataclass(frozen=True, slots=True)
class PageBegan:
    """The recogniser has looked at the page."""

    page: Page
    language: str
    engine: str


@dataclass(frozen=True, slots=True)
class TextCame:
    """Some sections of the page are final."""

    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class PageEnded:
    """The page is read to its end; ``error`` tells what went wrong."""

    error: VoxedgeError | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """A document is on the shelf.

    Attributes:
        document: as it was when it was put there; the open one may be another by now.
        number: its name on the shelf.
        title: its title there.
        saved: for good, not only among the last few.
        asked: the person asked for it, and wants to hear of it.
    """

    document: Document = field(repr=False)
    number: int
    title: str
    saved: bool
    asked: bool


@dataclass(frozen=True, slots=True)
class Deleted:
    """A document is gone from the shelf."""

    number: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A document was taken from the shelf; None where the shelf is empty."""

    entry: Entry | None
    book: Book | None = field(default=None, repr=False)
    marks: tuple[Cursor, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """What is saved."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class ShelfFailed:
    """The library could not do what it was asked."""

    error: VoxedgeError


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Nothing happened in this state for as long as it may last."""

    state: State


Happening = (
    SentenceBegan
    | ReadingEnded
    | PictureTaken
    | PageBegan
    | TextCame
    | PageEnded
    | Saved
    | Deleted
    | Opened
    | Listed
    | ShelfFailed
    | TimedOut
)
