"""The state of a conversation, what may happen in it, and what it has done. Frozen values."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from voxedge.actions import Intent, State
from voxedge.document.cursor import Cursor
from voxedge.document.model import Document, Page, Section
from voxedge.errors import VoxedgeError
from voxedge.reader.book import Book
from voxedge.speech.events import Outcome
from voxedge.speech.lines import Place, SpeechClass

if TYPE_CHECKING:
    from voxedge.reader.library import Entry

# -- the state ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Open:
    """The document that is open.

    Attributes:
        book: the document.
        cursor: where reading stands: the last word that was moved to, or the first of the sentence
            that was heard last.
        number: its name in the library, None while it is not on the shelf.
        title: its title there.
        saved: whether it is kept for good.
        marks: marked places.
        search: what was looked for last.
        finished: it was heard to its end, and nobody moved since.
        began_s: when the sentence at the cursor began to sound.
    """

    book: Book
    cursor: Cursor = Cursor()  # noqa: RUF009 - frozen
    number: int | None = None
    title: str = ""
    saved: bool = False
    marks: tuple[Cursor, ...] = ()
    search: str = ""
    finished: bool = False
    began_s: float = 0.0

    def at(self, cursor: Cursor) -> Open:
        """Return it with the cursor moved."""
        return replace(self, cursor=cursor, finished=False)


@dataclass(frozen=True, slots=True)
class Work:
    """A page on its way from the camera into text.

    Attributes:
        append: it goes to the end of the open document.
        number: of the page in the document, from 0.
        begun: what the recogniser said of the page at first sight; None before.
        texts: whether any text has come.
    """

    append: bool
    number: int
    begun: PageBegan | None = None
    texts: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a menu.

    Attributes:
        label: the sentence that names it.
        does: an action, a place to go to, or what is done; nothing at all answers "no".
        stays: the menu stays open behind it.
    """

    label: Say
    does: Intent | Cursor | tuple[Effect, ...]
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Menu:
    """A menu or a question.

    Attributes:
        title: said on opening.
        choices: at least one.
        back: the state it was opened in, which it goes back to.
        index: the choice that was heard last; -1 before the first.
        declined: said when it closes without a choice; None for an ordinary menu.
    """

    title: Say
    choices: tuple[Choice, ...]
    back: State
    index: int = -1
    declined: str | None = None

    @property
    def question(self) -> bool:
        """Whether it is answered with yes or no."""
        return self.declined is not None


@dataclass(frozen=True, slots=True)
class Model:
    """The whole conversation.

    Attributes:
        state: what the reader is doing.
        open: the document, None where there is none.
        work: the page that is being read in.
        menu: in state ``MENU``.
        rate: speed of the voice.
        volume: loudness.
        quiet: notices and hints are off.
        reply: what was said last of the reader's own; empty once the document was heard since.
        new: nobody has ever read a page with this reader.
    """

    state: State = State.IDLE
    open: Open | None = None
    work: Work | None = None
    menu: Menu | None = None
    rate: float = 1.0
    volume: float = 1.0
    quiet: bool = False
    reply: tuple[Say | Spell, ...] = ()
    new: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """What the conversation may know of the moment.

    Attributes:
        now_s: seconds, monotonic.
        wall: the clock on the wall, None where nobody has set it.
        troubles: what is wrong with the box, as sentences.
    """

    now_s: float = 0.0
    wall: datetime.datetime | None = None
    troubles: tuple[str, ...] = ()


# -- what it does ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Say:
    """Say one of the reader's own sentences.

    Attributes:
        key: of the sentence in the table of messages.
        slots: what fills it.
        speech_class: how urgent it is.
    """

    key: str
    slots: tuple[tuple[str, str | int], ...] = ()
    speech_class: SpeechClass = SpeechClass.REPLY


def say(key: str, speech_class: SpeechClass = SpeechClass.REPLY, **slots: str | int) -> Say:
    """Return the effect of saying a sentence."""
    return Say(key, tuple(slots.items()), speech_class)


@dataclass(frozen=True, slots=True)
class Spell:
    """Say names of letters, one by one, in the formant voice.

    Attributes:
        words: the names of the letters of each word.
    """

    words: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Sound:
    """Play an earcon.

    Attributes:
        name: in ``voxedge.audio.earcon_designs``.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Be silent at once and forget what was to be said."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Be silent at once and hold the place."""


@dataclass(frozen=True, slots=True)
class ReadOn:
    """Read the document from the start of the sentence at the cursor."""

    cursor: Cursor


@dataclass(frozen=True, slots=True)
class ReadPart:
    """Read the words up to ``end`` and no further; from the sentence at the cursor."""

    cursor: Cursor
    end: Cursor


@dataclass(frozen=True, slots=True)
class GoOn:
    """Go on where ``Hold`` stopped; as ``ReadOn`` where that is no longer possible."""

    cursor: Cursor


@dataclass(frozen=True, slots=True)
class TakePage:
    """Take a picture and read it; the page gets this number."""

    number: int


@dataclass(frozen=True, slots=True)
class DropPage:
    """Give up the page that is being read in."""


@dataclass(frozen=True, slots=True)
class SetVolume:
    """Set the loudness."""

    volume: float


@dataclass(frozen=True, slots=True)
class SaveBook:
    """Put the open document on the shelf for good; ``Saved`` answers."""

    title: str


@dataclass(frozen=True, slots=True)
class KeepBook:
    """A page was read in: update the shelf, where the document is on it or recent ones are kept."""


@dataclass(frozen=True, slots=True)
class PutCursor:
    """Remember the place of a document on the shelf."""

    number: int
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class PutMark:
    """Remember a mark in a document on the shelf."""

    number: int
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class DeleteBook:
    """Take a document off the shelf; ``Deleted`` answers."""

    number: int


@dataclass(frozen=True, slots=True)
class OpenBook:
    """Open a document: by number, by title, or the last one; ``Opened`` answers."""

    number: int | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class ListBooks:
    """Look what is saved; ``Listed`` answers."""


@dataclass(frozen=True, slots=True)
class PowerOff:
    """Turn the box off once the last word was heard."""


Effect = (
    Say
    | Spell
    | Sound
    | Silence
    | Hold
    | ReadOn
    | ReadPart
    | GoOn
    | TakePage
    | DropPage
    | SetVolume
    | SaveBook
    | KeepBook
    | PutCursor
    | PutMark
    | DeleteBook
    | OpenBook
    | ListBooks
    | PowerOff
)


@dataclass(frozen=True, slots=True)
class Step:
    """What comes of one action or event.

    Attributes:
        model: the state after it.
        effects: to be carried out in this order.
        then: an action that follows at once.
        refused: the action could not be done; the person hears why in the effects.
    """

    model: Model
    effects: tuple[Effect, ...] = ()
    then: Intent | None = None
    refused: VoxedgeError | None = None

    def after(self, *effects: Effect) -> Step:
        """Return it with effects put before its own."""
        return replace(self, effects=effects + self.effects)


Handler = Callable[[Model, Intent, World], Step]

# -- what happens ------------------------------------------------------------------------------


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
