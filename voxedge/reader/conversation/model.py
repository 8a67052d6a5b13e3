"""The state of a conversation, and what one step of it is. Frozen values."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, replace

from voxedge.actions import Intent, State
from voxedge.document.cursor import Cursor
from voxedge.errors import VoxedgeError
from voxedge.reader.book import Book
from voxedge.reader.conversation.effects import Effect, Say, Spell
from voxedge.reader.conversation.happenings import PageBegan


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
class Seen:
    """The document that was open when a new picture was asked for: it may be of the same page.

    Attributes:
        before: that document.
        page: the page of it that looks like the new one.
        is_same: it is surely that page.
    """

    before: Open
    page: int = 0
    is_same: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """A page on its way from the camera into text.

    Attributes:
        append: it goes to the end of the open document.
        number: of the page in the document, from 0.
        pressed: the picture was asked for as it is.
        taken: there is a picture.
        begun: what the recogniser said of the page at first sight; None before.
        texts: whether any text has come.
        seen: what the page may be another picture of; None for a page that is surely new.
    """

    append: bool
    number: int
    pressed: bool = False
    taken: bool = False
    begun: PageBegan | None = None
    texts: bool = False
    seen: Seen | None = None


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
        wake_word: whether it is listened for; None where none is set up.
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
    wake_word: bool | None = None


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
