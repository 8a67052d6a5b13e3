"""Menus and questions: choices that are heard one after the other."""

from __future__ import annotations

from dataclasses import replace

from voxedge.actions import Action, Intent, State
from voxedge.document.cursor import Cursor
from voxedge.document.sections import list_headings
from voxedge.reader.conversation.doubting import told_heading
from voxedge.reader.conversation.effects import (
    Effect,
    GoOn,
    Hold,
    OpenBook,
    PowerOff,
    Say,
    Sound,
    say,
)
from voxedge.reader.conversation.happenings import TimedOut
from voxedge.reader.conversation.model import Choice, Menu, Model, Step, World
from voxedge.reader.conversation.moving import read_from


def menu(model: Model, _intent: Intent, _world: World) -> Step:
    """Open the menu; opened again, say the choice again."""
    if model.menu is not None:
        return _tell(model, model.menu, say_title=True)
    return open_menu(model, say("menu"), _main(model))


def _main(model: Model) -> tuple[Choice, ...]:
    """Return what can be chosen now, the likeliest first."""
    document = model.open
    choices: list[Choice] = []
    if document is not None:
        choices.append(_item("resume", Action.RESUME))
        if any(document.book.outline.headings):
            choices.append(_item("sections", Action.LIST_SECTIONS))
        choices += [_item("where", Action.WHERE_AM_I), _item("append", Action.APPEND_PAGE)]
        choices.append(_item("bookmark", Action.BOOKMARK))
        if document.marks:
            choices.append(_item("next_bookmark", Action.NEXT_BOOKMARK))
        if document.saved:
            choices.append(_item("delete", Action.DELETE))
        else:
            choices.append(_item("save", Action.SAVE))
        choices.append(_item("spell", Action.SPELL_WORD))
    else:
        choices.append(_item("last", Action.RESUME_LAST))
    return (
        *choices,
        _item("saved", Action.LIST_SAVED),
        _item("slower", Action.SLOWER, stays=True),
        _item("faster", Action.FASTER, stays=True),
        _item("softer", Action.SOFTER, stays=True),
        _item("louder", Action.LOUDER, stays=True),
        _item("time", Action.TIME),
        _item("status", Action.STATUS),
        _item("quiet", Action.QUIET_MODE),
        *([_item("wake_word", Action.WAKE_WORD)] if model.wake_word is not None else []),
        _item("help", Action.HELP),
        _item("off", Action.SHUT_DOWN),
    )


def _item(name: str, action: Action, *, stays: bool = False) -> Choice:
    return Choice(say(f"item_{name}"), Intent(action), stays)


def list_sections(model: Model, _intent: Intent, _world: World) -> Step:
    """Offer the headings as a menu."""
    assert model.open is not None
    book = model.open.book
    headings = list_headings(book.outline)
    if not headings:
        return Step(model, (say("no_headings"),))
    choices = tuple(
        Choice(say("choice", label=told_heading(book, cursor) or title), cursor)
        for cursor, title in headings
    )
    return open_menu(model, say("menu_headings"), choices)


def ask(model: Model, question: Say, declined: str, done: tuple[Effect, ...]) -> Step:
    """Ask a question whose first answer is no."""
    answers = (Choice(say("no"), ()), Choice(say("yes"), done))
    return open_menu(model, question, answers, declined)


def open_menu(
    model: Model, title: Say, choices: tuple[Choice, ...], declined: str | None = None
) -> Step:
    """Open a menu, in place of one that is open."""
    back = model.menu.back if model.menu is not None else model.state
    opened = Menu(title, choices, back, 0, declined)
    step = _tell(replace(model, state=State.MENU), opened, say_title=True)
    return step.after(Hold()) if model.state is State.READING else step


def close(model: Model) -> Step:
    """Close the menu without a word; reading that it interrupted goes on."""
    if model.menu is None:
        return Step(model)
    back = model.menu.back
    model = replace(model, state=back, menu=None, reply=())
    if back is State.READING and model.open is not None:
        return Step(model, (GoOn(model.open.cursor),))
    return Step(model)


def leave(model: Model, _intent: Intent, _world: World) -> Step:
    """Close the menu; a question is answered with no."""
    assert model.menu is not None
    told = say(model.menu.declined or "menu_closed")
    return close(model).after(told)


def next_choice(model: Model, _intent: Intent, _world: World) -> Step:
    """Say the next choice."""
    return _turn(model, 1)


def previous_choice(model: Model, _intent: Intent, _world: World) -> Step:
    """Say the choice before."""
    return _turn(model, -1)


def _turn(model: Model, step: int) -> Step:
    opened = model.menu
    assert opened is not None
    index = opened.index + step
    turned = replace(opened, index=index % len(opened.choices))
    told = _tell(model, turned)
    # Round the end: the sound tells that all choices were heard.
    return told if 0 <= index < len(opened.choices) else told.after(Sound("limit"))


def _tell(model: Model, opened: Menu, *, say_title: bool = False) -> Step:
    label = opened.choices[opened.index].label
    said = (opened.title, label) if say_title else (label,)
    return Step(replace(model, menu=opened), said)


def choose(model: Model, _intent: Intent, _world: World) -> Step:
    """Take the choice that was heard last."""
    opened = model.menu
    assert opened is not None
    return _take(model, opened.choices[opened.index])


def yes(model: Model, intent: Intent, world: World) -> Step:
    """Answer a question with yes; take a choice."""
    if model.menu is None:
        return Step(model, (say("no_question"),))
    if model.menu.question:
        return _take(model, model.menu.choices[-1])
    return choose(model, intent, world)


def no(model: Model, intent: Intent, world: World) -> Step:
    """Answer a question with no; leave a menu."""
    if model.menu is None:
        return Step(model, (say("no_question"),))
    return leave(model, intent, world)


OPENS_MENU = frozenset({Action.LIST_SAVED, Action.LIST_SECTIONS, Action.DELETE, Action.SHUT_DOWN})
"""These turn the open menu into another one."""


def _take(model: Model, choice: Choice) -> Step:
    does = choice.does
    if isinstance(does, Intent):
        if choice.stays or does.action in OPENS_MENU:
            return Step(model, then=does)
        if does.action is Action.RESUME and model.menu and model.menu.back is State.READING:
            # Closing the menu lets it go on by itself.
            return close(model)
        return replace(close(model), then=does)
    if isinstance(does, Cursor):
        return read_from(close(model).model, does)
    if not does:
        assert model.menu is not None
        return close(model).after(say(model.menu.declined or "menu_closed"))
    if any(isinstance(effect, OpenBook) for effect in does):
        # Closed when the document comes; what was read before must not begin again until then.
        return Step(model, does)
    if any(isinstance(effect, PowerOff) for effect in does):
        return Step(replace(model, state=State.IDLE, menu=None), does)
    return close(model).after(*does)


def timed_out(model: Model, _event: TimedOut, world: World) -> Step:
    """Nobody chose anything."""
    return leave(model, Intent(Action.MENU_LEAVE), world)
