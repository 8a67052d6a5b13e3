"""The one table of everything a person can ask for.

Buttons, keys, heard phrases, the control socket and HTTP are mouths of this table. A new action
is one row of ``Action``: its name becomes the word on the command line and in the protocol
(``NEXT_SENTENCE`` is "next-sentence"). English phrases stand in the row; other languages are
TOML files (see ``voxedge.phrases``).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, unique

from voxedge.errors import ActionMisused, ActionUnknown

Value = int | str


class State(Enum):
    """What the reading session is doing."""

    IDLE = "idle"
    FRAMING = "framing"
    """Looking for the page and guiding the hand that moves it."""
    RECOGNISING = "recognising"
    READING = "reading"
    PAUSED = "paused"
    MENU = "menu"


class SlotKind(Enum):
    """What may stand in a slot."""

    NUMBER = "number"
    TEXT = "text"
    SECTION = "section"
    """The name of a part of the document, as a person says it: "side effects"."""
    TITLE = "title"
    """The name of a saved document."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One argument of an action.

    Attributes:
        name: key in the protocol and ``{name}`` in phrases.
        kind: what may stand in it.
        required: whether the action makes sense without it.
        low: smallest number, for ``NUMBER``.
        high: largest number, for ``NUMBER``.
    """

    name: str
    kind: SlotKind
    required: bool = True
    low: int = 1
    high: int = 9999

    def check(self, value: Value) -> Value:
        """Return the value as the slot wants it: a number written out as text is read.

        Raises:
            ValueError: it does not fit; the message is a phrase for "The X ...".
        """
        if self.kind is SlotKind.NUMBER:
            return self._number(value)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{self.name} must be text")
        if len(value) > TEXT_LIMIT:
            raise ValueError(f"{self.name} must have at most {TEXT_LIMIT} characters")
        if not value.isprintable():
            raise ValueError(f"{self.name} must be plain text without control characters")
        return " ".join(value.split())

    def _number(self, value: Value) -> int:
        text = str(value).strip()
        # bool is an int in Python, and int() would take "1_0" and "١".
        digits = text.removeprefix("-")
        if isinstance(value, bool) or not (digits.isascii() and digits.isdigit()):
            raise ValueError(f"{self.name} must be a whole number")
        if len(digits) > 9 or not self.low <= int(text) <= self.high:
            raise ValueError(f"{self.name} must be from {self.low} to {self.high}")
        return int(text)


TEXT_LIMIT = 200
"""Characters in one text slot: a title or a phrase to find, not a page."""

ALWAYS = frozenset(State)
WITH_DOCUMENT = frozenset({State.IDLE, State.READING, State.PAUSED})
"""Where a document may be open: "idle" keeps the last one until it is closed or replaced."""
OUTSIDE_WORK = frozenset({State.IDLE, State.READING, State.PAUSED, State.MENU})
"""Everywhere but while the camera or the recogniser is at work."""
IN_MENU = frozenset({State.MENU})


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of an action.

    Attributes:
        help: spoken by "help" and printed by ``voxedge do --list``.
        phrases: ways to say it in English, lower case; slots as ``{name}``. Empty for what only
            buttons mean.
        states: where it is allowed.
        slots: its arguments, in the order in which words on a command line fill them.
        dangerous: it asks first.
        repeats: holding its button does it again and again.
    """

    help: str
    phrases: tuple[str, ...]
    states: frozenset[State] = ALWAYS
    slots: tuple[Slot, ...] = ()
    dangerous: bool = False
    repeats: bool = False


def _move(unit: str, way: str, *phrases: str) -> Row:
    return Row(
        f"Go to the {way} {unit}.", (f"{way} {unit}", *phrases), states=WITH_DOCUMENT, repeats=True
    )


@unique
class Action(Enum):
    """Everything a person can ask for."""

    # Reading
    READ = Row(
        "Read the page under the camera.",
        ("read", "read this", "read the page", "start reading", "new page"),
        states=OUTSIDE_WORK | {State.FRAMING},
    )
    APPEND_PAGE = Row(
        "Read one more page into the open document.",
        ("add page", "append page", "another page", "add this page"),
        states=OUTSIDE_WORK | {State.FRAMING},
    )
    STOP = Row(
        "Stop whatever is going on. The place is kept.",
        ("stop", "cancel", "stop reading", "be quiet", "silence", "shut up"),
    )
    HUSH = Row("Be silent at once and wait for what follows.", ("hush", "shush"))
    PAUSE = Row("Pause reading.", ("pause", "wait"), states=frozenset({State.READING}))
    RESUME = Row(
        "Go on reading where it stopped.",
        ("resume", "continue", "go on", "keep reading", "carry on"),
        states=frozenset({State.IDLE, State.PAUSED}),
    )
    PAUSE_OR_RESUME = Row("Pause, or go on.", ("pause or resume",), states=WITH_DOCUMENT)
    REPEAT = Row(
        "Say the last sentence again.",
        ("repeat", "again", "say that again", "repeat that", "pardon"),
        repeats=True,
    )

    # Moving about
    NEXT_WORD = _move("word", "next")
    PREVIOUS_WORD = _move("word", "previous")
    NEXT_SENTENCE = _move("sentence", "next", "skip", "next")
    PREVIOUS_SENTENCE = _move("sentence", "previous", "back", "go back", "previous")
    NEXT_PARAGRAPH = _move("paragraph", "next")
    PREVIOUS_PARAGRAPH = _move("paragraph", "previous")
    NEXT_SECTION = _move("section", "next", "next heading")
    PREVIOUS_SECTION = _move("section", "previous", "previous heading")
    NEXT_PAGE = _move("page", "next")
    PREVIOUS_PAGE = _move("page", "previous")
    FIRST = Row(
        "Go to the beginning.",
        ("first", "go to the beginning", "from the beginning", "go to the start", "start over"),
        states=WITH_DOCUMENT,
    )
    LAST = Row("Go to the last sentence.", ("last", "go to the end"), states=WITH_DOCUMENT)
    GO_TO_PAGE = Row(
        "Go to a page by its number.",
        ("page {page}", "go to page {page}"),
        states=WITH_DOCUMENT,
        slots=(Slot("page", SlotKind.NUMBER),),
    )
    FIND = Row(
        "Find a word in the document.",
        ("find {word}", "search for {word}", "look for {word}"),
        states=WITH_DOCUMENT,
        slots=(Slot("word", SlotKind.TEXT),),
    )
    FIND_NEXT = Row(
        "Find the same word again, further on.", ("find next", "find again"), states=WITH_DOCUMENT
    )
    FIND_PREVIOUS = Row(
        "Find the same word again, before this place.", ("find previous",), states=WITH_DOCUMENT
    )
    SECTION = Row(
        "Go to a part by its name, such as dosage, side effects, storage or expiry.",
        ("section {name}", "go to {name}", "what is the {name}", "what are the {name}"),
        states=WITH_DOCUMENT,
        slots=(Slot("name", SlotKind.SECTION),),
    )
    LIST_SECTIONS = Row(
        "Say the headings of the document.",
        ("list sections", "list headings", "what sections are there"),
        states=WITH_DOCUMENT,
    )
    WHERE_AM_I = Row(
        "Say the page, the section and how far into the document this is.",
        ("where am i", "where was i", "position"),
    )

    # Spelling
    SPELL_WORD = Row(
        "Spell the current word.",
        ("spell", "spell that", "spell word", "spell the word"),
        states=WITH_DOCUMENT,
    )
    SPELL_WORD_PHONETIC = Row(
        "Spell the current word with the phonetic alphabet: alpha, bravo, charlie.",
        ("spell phonetically", "spell with the alphabet"),
        states=WITH_DOCUMENT,
    )
    SPELL_SENTENCE = Row(
        "Spell the current sentence.",
        ("spell sentence", "spell the sentence"),
        states=WITH_DOCUMENT,
    )

    # The voice
    SLOWER = Row("Speak slower.", ("slower", "speak slower", "too fast"), repeats=True)
    FASTER = Row("Speak faster.", ("faster", "speak faster", "too slow"), repeats=True)
    LOUDER = Row("Speak louder.", ("louder", "speak up", "volume up"), repeats=True)
    SOFTER = Row("Speak softer.", ("softer", "quieter", "volume down", "too loud"), repeats=True)
    NATURAL_VOICE = Row(
        "Speak with the natural voice, as long as the device can.",
        ("natural voice", "use the natural voice", "best voice"),
    )
    LIGHT_VOICE = Row(
        "Speak with the light natural voice, to spare the battery.",
        ("light voice", "use the light voice"),
    )
    SIMPLE_VOICE = Row(
        "Speak with the simple voice, to spare the battery most.",
        ("simple voice", "use the simple voice"),
    )
    QUIET_MODE = Row(
        "Turn notices and hints off, or on again. Alerts and answers are still spoken.",
        ("quiet mode",),
    )

    # Keeping
    BOOKMARK = Row(
        "Mark this place.", ("bookmark", "mark this", "remember this place"), states=WITH_DOCUMENT
    )
    NEXT_BOOKMARK = Row(
        "Go to the next mark.", ("next bookmark", "next mark"), states=WITH_DOCUMENT
    )
    PREVIOUS_BOOKMARK = Row(
        "Go to the mark before this place.",
        ("previous bookmark", "previous mark"),
        states=WITH_DOCUMENT,
    )
    RESUME_LAST = Row(
        "Open what was read last and go on where it stopped.",
        ("resume last", "last document", "where did i stop"),
        states=OUTSIDE_WORK,
    )
    SAVE = Row(
        "Keep the open document; a title may follow.",
        ("save", "save this", "keep this", "save as {title}"),
        states=WITH_DOCUMENT,
        slots=(Slot("title", SlotKind.TITLE, required=False),),
    )
    LIST_SAVED = Row(
        "Say the titles of the saved documents.",
        ("list saved", "list documents", "saved documents", "what is saved"),
        states=OUTSIDE_WORK,
    )
    OPEN = Row(
        "Open a saved document by its title.",
        ("open {title}",),
        states=OUTSIDE_WORK,
        slots=(Slot("title", SlotKind.TITLE),),
    )
    DELETE = Row(
        "Delete the open document from the saved ones. Asks first.",
        ("delete", "delete this", "delete document"),
        states=WITH_DOCUMENT,
        dangerous=True,
    )

    # The device
    TIME = Row("Say the time and the day.", ("time", "what time is it", "what day is it"))
    STATUS = Row("Say how the reader is doing.", ("status", "how are you"))
    HELP = Row("Say what can be done now.", ("help", "what can i say", "what can i do"))
    SHUT_DOWN = Row(
        "Turn the reader off. Asks first.",
        ("shut down", "turn off", "power off"),
        dangerous=True,
    )
    YES = Row("Say yes to a question.", ("yes", "confirm", "yes please"))
    NO = Row("Say no to a question.", ("no", "no thanks", "do not"))

    # The spoken menu
    MENU = Row("Open the menu.", ("menu", "open menu"))
    MENU_NEXT = Row("The next choice of the menu.", ("next choice",), states=IN_MENU, repeats=True)
    MENU_PREVIOUS = Row(
        "The choice before, in the menu.", ("previous choice",), states=IN_MENU, repeats=True
    )
    MENU_CHOOSE = Row("Take this choice of the menu.", ("choose", "take this one"), states=IN_MENU)
    MENU_LEAVE = Row("Leave the menu.", ("leave menu", "close menu"), states=IN_MENU)

    # Listening
    TALK = Row("Listen to what you say: hold it while you speak, or tap it and speak.", ())
    TALK_END = Row("End what you say: the button was let go.", ())
    WAKE_WORD = Row("Listen for the wake word, or no longer.", ())

    # What only a button means: it depends on what the person hears at that moment
    READ_OR_STOP = Row("Silence it when it speaks, read when it is silent.", ())
    ONE_BUTTON = Row("The only button: as read or stop; in the menu, the next choice.", ())
    REPEAT_OR_RESUME = Row("Say it again when it speaks, go on when it is silent.", ())
    MENU_OR_CHOOSE = Row("Open the menu; in the menu, take this choice.", ())
    FORWARD = Row("The next sentence; in the menu, the next choice.", (), repeats=True)
    BACK = Row("The sentence before; in the menu, the choice before.", (), repeats=True)

    @property
    def label(self) -> str:
        """The name on the command line and in the protocol: "next-sentence"."""
        return self.name.lower().replace("_", "-")

    @property
    def row(self) -> Row:
        """What is known of it."""
        row: Row = self.value
        return row


_BY_LABEL = {action.label: action for action in Action}


def action_named(label: str) -> Action:
    """Return the action with this name.

    Raises:
        ActionUnknown: there is none; the message names those that look like it.
    """
    try:
        return _BY_LABEL[label]
    except KeyError:
        shown = label[:40] if label.isprintable() else "?"
        near = difflib.get_close_matches(shown, _BY_LABEL, n=3)
        hint = f"Did you mean: {', '.join(near)}?" if near else "List them: voxedge do --list"
        raise ActionUnknown(action=shown, hint=hint) from None


@dataclass(frozen=True, slots=True)
class Intent:
    """One action asked for, with what its slots hold; made by ``intent`` and its kin.

    Attributes:
        action: what is asked for.
        arguments: slot name and value, in the order of the action's slots.
    """

    action: Action
    arguments: tuple[tuple[str, Value], ...] = ()

    def number(self, name: str, default: int = 1) -> int:
        """Return what a number slot holds, or the default where it was left out."""
        value = dict(self.arguments).get(name, default)
        if not isinstance(value, int):
            raise TypeError(f"{self.action.label}: {name} is no number slot")
        return value

    def text(self, name: str, default: str = "") -> str:
        """Return what a text slot holds, or the default where it was left out."""
        value = dict(self.arguments).get(name, default)
        if not isinstance(value, str):
            raise TypeError(f"{self.action.label}: {name} is no text slot")
        return value


def intent(action: Action, arguments: Mapping[str, Value] | None = None) -> Intent:
    """Return the intent after checking every argument against the action's slots.

    Raises:
        ActionMisused: an argument is missing, unknown, of the wrong type or out of range.
    """
    given = dict(arguments or {})
    filled: list[tuple[str, Value]] = []
    for slot in action.row.slots:
        if slot.name in given:
            try:
                filled.append((slot.name, slot.check(given.pop(slot.name))))
            except ValueError as error:
                raise ActionMisused(action=action.label, reason=str(error)) from error
        elif slot.required:
            raise ActionMisused(action=action.label, reason=f"{slot.name} is missing")
    if given:
        takes = ", ".join(slot.name for slot in action.row.slots) or "no arguments"
        raise ActionMisused(action=action.label, reason=f"it takes {takes}")
    return Intent(action, tuple(filled))


def intent_from_words(action: Action, words: Sequence[str]) -> Intent:
    """Return the intent for words as typed: ``find side effects``.

    Each slot takes one word, the last one all that are left.

    Raises:
        ActionMisused: as ``intent``; also for words that no slot takes.
    """
    slots = action.row.slots
    if not slots and words:
        raise ActionMisused(action=action.label, reason="it takes no arguments")
    arguments: dict[str, Value] = {}
    for index, slot in enumerate(slots[: len(words)]):
        last = index == len(slots) - 1
        arguments[slot.name] = " ".join(words[index:]) if last else words[index]
    return intent(action, arguments)


def resolve(action: Action, state: State, *, speaking: bool) -> Action:
    """Return the plain action that a button's action means at this moment.

    The meaning follows only from what the person can hear: whether the device speaks, works, or
    sits in its menu. So one button needs no memory of modes.

    Args:
        action: any action; plain ones are returned as they are.
        state: of the reading session.
        speaking: whether it spoke when the finger came down. A touch silences speech at once, so
            the caller must remember what ``HUSH`` interrupted.
    """
    if state is State.MENU:
        return _IN_MENU.get(action, action)
    match action:
        case Action.READ_OR_STOP | Action.ONE_BUTTON:
            if state is State.FRAMING:
                return Action.READ  # take the picture as it is, also over a hint
            heard = speaking or state in (State.RECOGNISING, State.READING)
            return Action.STOP if heard else Action.READ
        case Action.REPEAT_OR_RESUME:
            if state is State.FRAMING:
                return Action.READ  # the impatient double press: take the picture as it is
            if state is State.RECOGNISING:
                return Action.STATUS
            heard = speaking or state is State.READING
            return Action.REPEAT if heard else Action.RESUME
        case Action.PAUSE_OR_RESUME:
            return Action.PAUSE if state is State.READING else Action.RESUME
        case Action.MENU_OR_CHOOSE:
            return Action.MENU
        case Action.FORWARD:
            return Action.NEXT_SENTENCE
        case Action.BACK:
            return Action.PREVIOUS_SENTENCE
        case _:
            return action


_IN_MENU = {
    Action.READ_OR_STOP: Action.MENU_CHOOSE,
    Action.ONE_BUTTON: Action.MENU_NEXT,
    Action.REPEAT_OR_RESUME: Action.MENU_PREVIOUS,
    Action.MENU_OR_CHOOSE: Action.MENU_CHOOSE,
    Action.PAUSE_OR_RESUME: Action.MENU_CHOOSE,
    Action.FORWARD: Action.MENU_NEXT,
    Action.BACK: Action.MENU_PREVIOUS,
    # The up and down keys of a keyboard.
    Action.NEXT_PARAGRAPH: Action.MENU_NEXT,
    Action.PREVIOUS_PARAGRAPH: Action.MENU_PREVIOUS,
    Action.STOP: Action.MENU_LEAVE,
}
