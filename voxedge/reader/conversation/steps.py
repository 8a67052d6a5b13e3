"""The two doors of a conversation: ``ask`` for what a person wants, ``hear`` for what happens.

Both are pure: a model goes in, a new one and a list of effects come out, and everything that the
reader does can be tested without a voice, a camera or a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from voxedge.actions import IN_MENU, WITH_DOCUMENT, Action, Intent, State
from voxedge.document.cursor import Unit
from voxedge.errors import ActionUnfit
from voxedge.reader.conversation import keeping, menus, moving, paging, telling, voicing
from voxedge.reader.conversation.effects import Effect, Say, Sound, Spell, VoiceWish, say
from voxedge.reader.conversation.happenings import (
    Deleted,
    Happening,
    Listed,
    Opened,
    PageBegan,
    PageEnded,
    PictureTaken,
    ReadingEnded,
    Saved,
    SentenceBegan,
    ShelfFailed,
    TextCame,
    TimedOut,
)
from voxedge.reader.conversation.model import Handler, Model, Step, World
from voxedge.speech.lines import SpeechClass

HANDLERS: Mapping[Action, Handler] = {
    Action.READ: paging.read,
    Action.APPEND_PAGE: paging.append_page,
    Action.STOP: paging.stop,
    Action.HUSH: paging.hush,
    Action.PAUSE: paging.pause,
    Action.RESUME: moving.resume,
    Action.REPEAT: moving.repeat,
    Action.NEXT_WORD: moving.mover(Unit.WORD, forward=True),
    Action.PREVIOUS_WORD: moving.mover(Unit.WORD, forward=False),
    Action.NEXT_SENTENCE: moving.mover(Unit.SENTENCE, forward=True),
    Action.PREVIOUS_SENTENCE: moving.mover(Unit.SENTENCE, forward=False),
    Action.NEXT_PARAGRAPH: moving.mover(Unit.PARAGRAPH, forward=True),
    Action.PREVIOUS_PARAGRAPH: moving.mover(Unit.PARAGRAPH, forward=False),
    Action.NEXT_SECTION: moving.mover(Unit.SECTION, forward=True),
    Action.PREVIOUS_SECTION: moving.mover(Unit.SECTION, forward=False),
    Action.NEXT_PAGE: moving.mover(Unit.PAGE, forward=True),
    Action.PREVIOUS_PAGE: moving.mover(Unit.PAGE, forward=False),
    Action.FIRST: moving.first,
    Action.LAST: moving.last,
    Action.GO_TO_PAGE: moving.go_to_page,
    Action.FIND: moving.search,
    Action.FIND_NEXT: moving.search_again,
    Action.FIND_PREVIOUS: moving.search_back,
    Action.SECTION: moving.section,
    Action.LIST_SECTIONS: menus.list_sections,
    Action.WHERE_AM_I: moving.where,
    Action.SPELL_WORD: telling.spell_word,
    Action.SPELL_WORD_PHONETIC: telling.spell_word_phonetic,
    Action.SPELL_SENTENCE: telling.spell_sentence,
    Action.SLOWER: telling.slower,
    Action.FASTER: telling.faster,
    Action.LOUDER: telling.louder,
    Action.SOFTER: telling.softer,
    Action.NATURAL_VOICE: voicing.wisher(VoiceWish.NATURAL),
    Action.LIGHT_VOICE: voicing.wisher(VoiceWish.LIGHT),
    Action.SIMPLE_VOICE: voicing.wisher(VoiceWish.SIMPLE),
    Action.QUIET_MODE: telling.quiet_mode,
    Action.BOOKMARK: keeping.bookmark,
    Action.NEXT_BOOKMARK: keeping.next_bookmark,
    Action.PREVIOUS_BOOKMARK: keeping.previous_bookmark,
    Action.RESUME_LAST: keeping.resume_last,
    Action.SAVE: keeping.save,
    Action.LIST_SAVED: keeping.list_saved,
    Action.OPEN: keeping.open_titled,
    Action.DELETE: keeping.delete,
    Action.TIME: telling.time,
    Action.STATUS: telling.status,
    Action.HELP: telling.help_now,
    Action.SHUT_DOWN: telling.shut_down,
    Action.TALK: telling.talk,
    Action.TALK_END: telling.talk_end,
    Action.WAKE_WORD: telling.wake_word,
    Action.YES: menus.yes,
    Action.NO: menus.no,
    Action.MENU: menus.menu,
    Action.MENU_NEXT: menus.next_choice,
    Action.MENU_PREVIOUS: menus.previous_choice,
    Action.MENU_CHOOSE: menus.choose,
    Action.MENU_LEAVE: menus.leave,
}
"""Every plain action and what is done; what only a button means is resolved before."""

_HEARERS: Mapping[type, Callable[[Model, Any, World], Step]] = {
    SentenceBegan: paging.sentence_began,
    ReadingEnded: paging.reading_ended,
    PictureTaken: paging.picture_taken,
    PageBegan: paging.page_began,
    TextCame: paging.text_came,
    PageEnded: paging.page_ended,
    Saved: keeping.saved,
    Deleted: keeping.deleted,
    Opened: keeping.opened,
    Listed: keeping.listed,
    ShelfFailed: keeping.shelf_failed,
}


def ask(model: Model, intent: Intent, world: World) -> Step:
    """Do what a person asks for.

    Args:
        model: the conversation so far.
        intent: a plain action (``actions.resolve``).
        world: the moment.

    Returns:
        Effects are never empty: something is heard of every action.
    """
    refused = _refusal(model, intent.action)
    if refused is not None:
        error = ActionUnfit(action=intent.action.label, state=model.state.value)
        return Step(model, (Sound("error"), say(refused)), refused=error)
    before = Step(model)
    if _leaves_menu(model, intent.action):
        before = menus.close(model)
    step = HANDLERS[intent.action](before.model, intent, world).after(*before.effects)
    step = _finished(step)
    if step.then is None:
        return step
    following = ask(step.model, step.then, world)
    return following.after(*step.effects)


def hear(model: Model, event: Happening, world: World) -> Step:
    """Take notice of something that happened."""
    if isinstance(event, TimedOut):
        if event.state is State.MENU and model.menu is not None:
            return _finished(menus.timed_out(model, event, world))
        return _finished(paging.timed_out(model, event, world))
    step = _HEARERS[type(event)](model, event, world)
    # "End of the page." is not what "say that again" means.
    return _finished(step, remember=not isinstance(event, ReadingEnded))


def _refusal(model: Model, action: Action) -> str | None:
    """Return the sentence that says why not, None where it can be done."""
    states = action.row.states
    # In a menu everything can be done that could be done without it.
    behind = model.menu.back if model.menu is not None else model.state
    if states == IN_MENU:
        return None if model.menu is not None else "unfit_no_menu"
    if behind not in states:
        return _UNFIT[behind]
    if states == WITH_DOCUMENT and model.open is None:
        return "nothing_open"
    return None


_UNFIT = {
    State.FRAMING: "unfit_working",
    State.RECOGNISING: "unfit_working",
    State.READING: "unfit_reading",
    State.PAUSED: "unfit_paused",
    State.IDLE: "unfit_idle",
}


def _leaves_menu(model: Model, action: Action) -> bool:
    """Whether the menu must be closed first: the action is of what lies behind it."""
    if model.state is not State.MENU or action in menus.OPENS_MENU:
        return False
    return State.MENU not in action.row.states or action in _NEW_READING


_NEW_READING = frozenset({Action.READ, Action.APPEND_PAGE, Action.RESUME_LAST})


def _finished(step: Step, *, remember: bool = True) -> Step:
    """Leave out what quiet mode silences, and remember the reply for "repeat"."""
    model = step.model
    effects: tuple[Effect, ...] = step.effects
    if model.quiet:
        effects = tuple(e for e in effects if not (isinstance(e, Say) and _unasked(e)))
    replies = tuple(
        e for e in effects if isinstance(e, Spell) or (isinstance(e, Say) and not _unasked(e))
    )
    if replies and remember:
        model = replace(model, reply=replies)
    return replace(step, model=model, effects=effects)


def _unasked(said: Say) -> bool:
    return said.speech_class in (SpeechClass.NOTICE, SpeechClass.HINT)
