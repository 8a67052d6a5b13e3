"""Spelling, the voice's speed and loudness, and what the reader tells of itself."""

from __future__ import annotations

from dataclasses import replace

from voxedge.actions import Intent, State
from voxedge.reader.conversation import menus
from voxedge.reader.conversation.doubting import doubt_under, spelled_sentence, told_word
from voxedge.reader.conversation.effects import (
    Effect,
    PowerOff,
    ReadOn,
    SetVolume,
    Sound,
    Spell,
    say,
)
from voxedge.reader.conversation.model import Model, Step, World
from voxedge.reader.conversation.moving import heard_word
from voxedge.reader.conversation.paging import WORKING
from voxedge.text import spell

RATE_STEP, SLOWEST, FASTEST = 0.1, 0.5, 3.0
VOLUME_FACTOR, SOFTEST, LOUDEST = 1.33, 0.1, 2.0
"""Steps of 2.5 dB; the softest can still be heard, so that nobody loses the reader by turning
the knob."""


def spell_word(model: Model, _intent: Intent, world: World) -> Step:
    """Spell the current word."""
    return _spell_word(model, world, phonetic=False)


def spell_word_phonetic(model: Model, _intent: Intent, world: World) -> Step:
    """Spell the current word with the phonetic alphabet."""
    return _spell_word(model, world, phonetic=True)


def _spell_word(model: Model, world: World, *, phonetic: bool) -> Step:
    document = model.open
    assert document is not None
    book = document.book
    cursor = heard_word(model, world)
    # The cursor stays where reading goes on; at rest it is this word anyway.
    told = told_word(book, cursor)
    if doubt_under(book, cursor) is not None:
        # To spell the first of two readings would be to vouch for it.
        return Step(model, (told,))
    word = book.outline.words[book.outline.clamp(cursor).word]
    names = tuple(spell(word.text, book.document.language, phonetic, with_case=True))
    return Step(model, (told, Spell((names,))))


def spell_sentence(model: Model, _intent: Intent, _world: World) -> Step:
    """Spell the current sentence."""
    document = model.open
    assert document is not None
    return Step(model, (Spell(spelled_sentence(document.book, document.cursor)),))


def slower(model: Model, _intent: Intent, _world: World) -> Step:
    """Speak slower."""
    return _at_rate(model, round(model.rate - RATE_STEP, 2), "slower", "slowest")


def faster(model: Model, _intent: Intent, _world: World) -> Step:
    """Speak faster."""
    return _at_rate(model, round(model.rate + RATE_STEP, 2), "faster", "fastest")


def _at_rate(model: Model, rate: float, key: str, limit: str) -> Step:
    if not SLOWEST <= rate <= FASTEST:
        return Step(model, (Sound("limit"), say(limit)))
    model = replace(model, rate=rate)
    effects: tuple[Effect, ...] = (say(key),)
    if model.state is State.READING and model.open is not None:
        effects += (ReadOn(model.open.cursor),)
    return Step(model, effects)


def softer(model: Model, _intent: Intent, _world: World) -> Step:
    """Speak softer."""
    return _at_volume(model, model.volume / VOLUME_FACTOR, "softest")


def louder(model: Model, _intent: Intent, _world: World) -> Step:
    """Speak louder."""
    return _at_volume(model, model.volume * VOLUME_FACTOR, "loudest")


def _at_volume(model: Model, wanted: float, limit: str) -> Step:
    volume = round(min(max(wanted, SOFTEST), LOUDEST), 3)
    if volume == model.volume:
        return Step(model, (Sound("limit"), say(limit)))
    # The sound is as loud as the speech will be; words would interrupt what is being heard.
    return Step(replace(model, volume=volume), (SetVolume(volume), Sound("volume")))


def quiet_mode(model: Model, _intent: Intent, _world: World) -> Step:
    """Turn notices and hints off, or on again."""
    quiet = not model.quiet
    return Step(replace(model, quiet=quiet), (say("quiet_on" if quiet else "quiet_off"),))


def time(model: Model, _intent: Intent, world: World) -> Step:
    """Say the time and the day."""
    if world.wall is None:
        return Step(model, (say("time_unknown"),))
    clock = world.wall.strftime("%I:%M %p").lstrip("0")
    day = f"{world.wall:%A}, {world.wall:%B} {world.wall.day}"
    return Step(model, (say("time", time=clock, day=day),))


def status(model: Model, _intent: Intent, world: World) -> Step:
    """Say how the reader is doing."""
    doing = "working" if model.state is State.RECOGNISING else model.state.value
    told: list[Effect] = [say(f"state_{doing}")]
    if model.work is not None and model.state not in WORKING:
        told.append(say("still_reading_page"))
    told += [say("trouble", text=text) for text in world.troubles] or [say("all_well")]
    return Step(model, tuple(told))


def help_now(model: Model, _intent: Intent, _world: World) -> Step:
    """Say what can be done now."""
    if model.menu is not None:
        key = "help_question" if model.menu.question else "help_menu"
    elif model.state is State.FRAMING:
        key = "help_framing"
    elif model.state is State.RECOGNISING:
        key = "help_working"
    elif model.new:
        key = "welcome"
    elif model.open is None:
        key = "help_empty"
    else:
        key = f"help_{model.state.value}"
    return Step(model, (say(key),))


def talk(model: Model, _intent: Intent, _world: World) -> Step:
    """Say that nobody listens: whoever can listen takes this action before it comes here."""
    return Step(model, (Sound("error"), say("cannot_listen")))


def talk_end(model: Model, _intent: Intent, _world: World) -> Step:
    """Nothing was listened to, and that was said when it began."""
    return Step(model)


def wake_word(model: Model, _intent: Intent, _world: World) -> Step:
    """Listen for the wake word, or no longer."""
    if model.wake_word is None:
        return Step(model, (say("wake_word_none"),))
    on = not model.wake_word
    return Step(replace(model, wake_word=on), (say("wake_word_on" if on else "wake_word_off"),))


def shut_down(model: Model, _intent: Intent, _world: World) -> Step:
    """Ask whether to turn off."""
    done = (say("shutting_down"), PowerOff())
    return menus.ask(model, say("ask_shut_down"), "not_shut_down", done)
