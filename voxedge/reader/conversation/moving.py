"""Moving about in the open document, finding things in it, and saying where one is."""

from __future__ import annotations

from dataclasses import replace

from voxedge.actions import Intent, State
from voxedge.document.cursor import Cursor, Outline, Unit
from voxedge.document.find import find
from voxedge.document.sections import Via, find_section
from voxedge.reader.conversation.doubting import told_heading, told_run, told_word
from voxedge.reader.conversation.effects import (
    Effect,
    GoOn,
    OpenBook,
    ReadOn,
    ReadPart,
    Say,
    Silence,
    Sound,
    say,
)
from voxedge.reader.conversation.model import Handler, Model, Step, World

JUST_NOW_S = 1.5
"""A sentence that began so lately was not what "say that again" meant: people take a second."""

CHARACTERS_A_SECOND = 15.0
"""Of the natural voice at rate 1: tells, to a word or two, which word is being heard."""

_SKIMMED = frozenset({Unit.SENTENCE, Unit.PARAGRAPH})
"""Units that are read alone where reading rests: one may want to write a number down."""


def mover(unit: Unit, *, forward: bool) -> Handler:
    """Return the handler of "next sentence" and its kin."""

    def move(model: Model, _intent: Intent, world: World) -> Step:
        document = model.open
        assert document is not None
        outline = document.book.outline
        here = heard_word(model, world) if unit is Unit.WORD else document.cursor
        there = outline.next(here, unit) if forward else outline.previous(here, unit)
        if there is None:
            return Step(model, _limit(model, unit, forward=forward))
        return go(model, there, unit)

    return move


def go(model: Model, cursor: Cursor, unit: Unit) -> Step:
    """Go to a place; what is heard there depends on the unit and on whether reading goes on."""
    document = model.open
    assert document is not None
    outline = document.book.outline
    there = replace(model, open=document.at(cursor), reply=())
    if unit is Unit.WORD:
        reading = model.state is State.READING
        state = State.PAUSED if reading else model.state
        effects: tuple[Effect, ...] = (Silence(),) if reading else ()
        return Step(replace(there, state=state), (*effects, told_word(document.book, cursor)))
    if unit in _SKIMMED and model.state is not State.READING:
        return Step(there, (ReadPart(cursor, end_of(outline, cursor, unit)),))
    return read_from(there, cursor)


def read_from(model: Model, cursor: Cursor, *first: Effect) -> Step:
    """Read on from a place."""
    document = model.open
    assert document is not None
    model = replace(model, state=State.READING, open=document.at(cursor), reply=())
    return Step(model, (*first, ReadOn(cursor)))


def end_of(outline: Outline, cursor: Cursor, unit: Unit) -> Cursor:
    """Return the place behind the unit."""
    return Cursor(outline.span(cursor, unit).stop)


def heard_word(model: Model, world: World) -> Cursor:
    """Return the word that is being heard, as near as time tells; the cursor where none is."""
    document = model.open
    assert document is not None
    outline = document.book.outline
    span = outline.span(document.cursor, Unit.SENTENCE)
    if model.state is not State.READING or not span:
        return document.cursor
    left = (world.now_s - document.began_s) * CHARACTERS_A_SECOND * model.rate
    for number in span:
        left -= len(outline.words[number].text) + 1
        if left < 0:
            return Cursor(number)
    return Cursor(span[-1])


def _limit(model: Model, unit: Unit, *, forward: bool) -> tuple[Effect, ...]:
    if forward and model.work is not None:
        return (Sound("limit"), say("still_reading_page"))
    return (Sound("limit"), say(f"{'last' if forward else 'first'}_{unit.value}"))


def first(model: Model, _intent: Intent, _world: World) -> Step:
    """Go to the beginning."""
    assert model.open is not None
    return read_from(model, model.open.book.outline.first())


def last(model: Model, _intent: Intent, _world: World) -> Step:
    """Go to the last sentence."""
    assert model.open is not None
    return read_from(model, model.open.book.outline.last())


def go_to_page(model: Model, intent: Intent, _world: World) -> Step:
    """Go to a page by its number."""
    assert model.open is not None
    outline = model.open.book.outline
    cursor = outline.page(intent.number("page"))
    if cursor is None:
        missing = say("no_such_page", page=intent.number("page"), pages=outline.pages)
        return Step(model, (Sound("limit"), missing))
    return read_from(model, cursor)


def search(model: Model, intent: Intent, _world: World) -> Step:
    """Find a word or a phrase."""
    return _search(model, intent.text("word"), here=True)


def search_again(model: Model, _intent: Intent, _world: World) -> Step:
    """Find the same further on."""
    assert model.open is not None
    return _search(model, model.open.search)


def search_back(model: Model, _intent: Intent, _world: World) -> Step:
    """Find the same before this place."""
    assert model.open is not None
    return _search(model, model.open.search, backward=True)


def _search(model: Model, query: str, *, backward: bool = False, here: bool = False) -> Step:
    document = model.open
    assert document is not None
    if not query:
        return Step(model, (Sound("error"), say("nothing_to_find")))
    model = replace(model, open=replace(document, search=query))
    match = find(document.book.outline, query, document.cursor, backward=backward, here=here)
    if match is None:
        return Step(model, (Sound("error"), say("not_found", word=query)))
    told: tuple[Effect, ...] = ()
    if not match.exact:
        found = told_run(document.book, match.cursor, match.last)
        told = (say("found_alike", word=query, found=found),)
    elif match.wrapped:
        told = (say("found_from_end" if backward else "found_from_start"),)
    return read_from(model, match.cursor, *told)


def section(model: Model, intent: Intent, _world: World) -> Step:
    """Go to a part by its name."""
    assert model.open is not None
    name = intent.text("name")
    match = find_section(model.open.book.outline, name)
    if match is None:
        return Step(model, (Sound("error"), say("no_section", name=name)))
    told = (say("section_in_text", name=name),) if match.via is Via.BODY else ()
    return read_from(model, match.cursor, *told)


def repeat(model: Model, _intent: Intent, world: World) -> Step:
    """Say again what was said last: a reply, or a sentence of the document."""
    if model.reply:
        return Step(model, model.reply)
    document = model.open
    if document is None or document.book.empty:
        return Step(model, (Sound("error"), say("nothing_to_repeat")))
    outline = document.book.outline
    cursor = outline.start(document.cursor, Unit.SENTENCE)
    if model.state is not State.READING:
        return Step(model, (ReadPart(cursor, end_of(outline, cursor, Unit.SENTENCE)),))
    if world.now_s - document.began_s < JUST_NOW_S:
        cursor = outline.previous(cursor, Unit.SENTENCE) or cursor
    return read_from(model, cursor)


def resume(model: Model, _intent: Intent, _world: World) -> Step:
    """Go on where reading stopped; after a start, with what was read last."""
    document = model.open
    if document is None:
        return Step(model, (OpenBook(),))
    if document.finished:
        return read_from(model, document.book.outline.first(), say("from_the_beginning"))
    model = replace(model, state=State.READING, reply=())
    return Step(model, (GoOn(document.cursor),))


def where(model: Model, _intent: Intent, _world: World) -> Step:
    """Say the page, the section and how far into the document this is."""
    document = model.open
    place = document.book.outline.place(document.cursor) if document is not None else None
    if document is None or place is None:
        return Step(model, (say("nothing_open"),))
    numbers: dict[str, str | int] = {
        "page": place.page,
        "pages": place.pages,
        "sentence": place.sentence,
        "sentences": place.sentences,
        "percent": place.percent,
    }
    heading = told_heading(document.book, document.cursor)
    if heading is None:
        return Step(model, (Say("where", tuple(numbers.items())),))
    numbers["heading"] = heading.rstrip(".:")
    return Step(model, (Say("where_in_section", tuple(numbers.items())),))
