"""What is kept: saving, marking, opening, deleting."""

from __future__ import annotations

from dataclasses import replace

from voxedge.actions import Intent, State
from voxedge.document.cursor import Cursor, Unit
from voxedge.document.model import Document
from voxedge.reader.conversation import menus
from voxedge.reader.conversation.effects import (
    DeleteBook,
    DropPage,
    Effect,
    ListBooks,
    OpenBook,
    PutMark,
    SaveBook,
    Silence,
    Sound,
    say,
)
from voxedge.reader.conversation.happenings import Deleted, Listed, Opened, Saved, ShelfFailed
from voxedge.reader.conversation.model import Choice, Model, Open, Step, World
from voxedge.reader.conversation.moving import read_from, resume
from voxedge.reader.conversation.paging import WORKING


def save(model: Model, intent: Intent, _world: World) -> Step:
    """Keep the open document."""
    assert model.open is not None
    title = intent.text("title")
    if model.open.saved and not title:
        return Step(model, (say("saved_already", title=model.open.title),))
    return Step(model, (SaveBook(title),))


def bookmark(model: Model, _intent: Intent, _world: World) -> Step:
    """Mark the sentence that is being heard."""
    document = model.open
    assert document is not None
    mark = document.book.outline.start(document.cursor, Unit.SENTENCE)
    marks = tuple(sorted({*document.marks, mark}))
    kept: tuple[Effect, ...] = ()
    if document.number is not None:
        kept = (PutMark(document.number, mark),)
    model = replace(model, open=replace(document, marks=marks))
    return Step(model, (*kept, Sound("done"), say("marked")))


def next_bookmark(model: Model, _intent: Intent, _world: World) -> Step:
    """Go to the next mark."""
    return _go_to_mark(model, forward=True)


def previous_bookmark(model: Model, _intent: Intent, _world: World) -> Step:
    """Go to the mark before."""
    return _go_to_mark(model, forward=False)


def _go_to_mark(model: Model, *, forward: bool) -> Step:
    document = model.open
    assert document is not None
    cursor: Cursor | None = document.book.outline.marked(
        document.cursor, document.marks, forward=forward
    )
    if cursor is None:
        key = "no_more_marks" if document.marks else "no_marks"
        return Step(model, (Sound("limit"), say(key)))
    return read_from(model, cursor)


def resume_last(model: Model, intent: Intent, world: World) -> Step:
    """Open what was read last and go on."""
    if model.state is State.READING:
        return Step(model, (Sound("done"),))
    return resume(model, intent, world)


def list_saved(model: Model, _intent: Intent, _world: World) -> Step:
    """Look what is saved; the answer comes as a menu."""
    return Step(model, (ListBooks(),))


def open_titled(model: Model, intent: Intent, _world: World) -> Step:
    """Open a saved document by its title."""
    return Step(model, (OpenBook(title=intent.text("title")),))


def delete(model: Model, _intent: Intent, _world: World) -> Step:
    """Ask whether to delete the open document."""
    document = model.open
    assert document is not None
    if not document.saved or document.number is None:
        return Step(model, (say("not_saved"),))
    question = say("ask_delete", title=document.title)
    return menus.ask(model, question, "not_deleted", (DeleteBook(document.number),))


# -- what the shelf answers --------------------------------------------------------------------


def saved(model: Model, event: Saved, _world: World) -> Step:
    """The open document is on the shelf now."""
    if model.open is not None and _same(model.open.book.document, event.document):
        kept = replace(model.open, number=event.number, title=event.title, saved=event.saved)
        model = replace(model, open=kept)
    if not event.asked:
        return Step(model)
    return Step(model, (Sound("done"), say("saved_as", title=event.title)))


def _same(now: Document, then: Document) -> bool:
    """Whether it is the same document, though it may have grown."""
    return now.sections[:1] == then.sections[:1]


def deleted(model: Model, event: Deleted, _world: World) -> Step:
    """A document is gone from the shelf; it stays open until the next one."""
    if model.open is not None and model.open.number == event.number:
        model = replace(model, open=replace(model.open, number=None, title="", saved=False))
    return Step(model, (Sound("done"), say("deleted")))


def opened(model: Model, event: Opened, _world: World) -> Step:
    """A document was taken from the shelf."""
    if model.state in WORKING:
        return Step(model)
    if event.entry is None or event.book is None:
        return Step(model, (say("nothing_saved"), say("nothing_open")))
    entry = event.entry
    document = Open(
        event.book,
        event.book.outline.clamp(entry.cursor),
        number=entry.number,
        title=entry.title,
        saved=entry.saved,
        marks=event.marks,
    )
    model = replace(model, open=document, work=None, menu=None)
    return read_from(
        model, document.cursor, DropPage(), Silence(), say("opened", title=entry.title)
    )


def listed(model: Model, event: Listed, _world: World) -> Step:
    """Offer what is saved as a menu."""
    if model.state in WORKING:
        return Step(model)
    entries = [entry for entry in event.entries if entry.saved]
    if not entries:
        closed = menus.close(model)
        return Step(closed.model, (say("nothing_saved"), *closed.effects))
    choices = tuple(
        Choice(say("choice", label=entry.title), (OpenBook(number=entry.number),))
        for entry in entries
    )
    count = len(entries)
    title = say("one_saved") if count == 1 else say("several_saved", count=count)
    return menus.open_menu(model, title, choices)


def shelf_failed(model: Model, event: ShelfFailed, _world: World) -> Step:
    """The library could not do it."""
    return Step(model, (Sound("error"), say("error", text=event.error.speech)))
