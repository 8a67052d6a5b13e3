"""The table of actions: every row whole, every argument checked, every button's meaning audible."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.actions import (
    TEXT_LIMIT,
    Action,
    Intent,
    SlotKind,
    State,
    action_named,
    intent,
    intent_from_words,
    resolve,
)
from voxedge.errors import ActionMisused, ActionUnknown

LISTENING = (Action.TALK, Action.TALK_END, Action.WAKE_WORD)
BUTTON_ONLY = [a for a in Action if not a.row.phrases and a not in LISTENING]


@pytest.mark.parametrize("action", Action, ids=lambda action: action.label)
def test_every_row_is_whole(action: Action) -> None:
    row = action.row
    assert re.fullmatch(r"[A-Z].*\.", row.help), "help is spoken: a sentence"
    assert row.states
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", action.label)
    assert action_named(action.label) is action
    slots = {slot.name for slot in row.slots}
    for phrase in row.phrases:
        assert phrase == phrase.lower()
        assert set(re.findall(r"\{(\w+)\}", phrase)) <= slots
    required = [slot.required for slot in row.slots]
    assert required == sorted(required, reverse=True), "optional slots come last"


def test_labels_are_unique() -> None:
    assert len({action.label for action in Action}) == len(Action)


@pytest.mark.parametrize("action", [Action.DELETE, Action.SHUT_DOWN])
def test_what_cannot_be_undone_asks_first(action: Action) -> None:
    assert action.row.dangerous
    assert not action.row.repeats


def test_stop_is_always_allowed() -> None:
    for action in (Action.STOP, Action.HUSH, Action.HELP, Action.STATUS):
        assert action.row.states == frozenset(State)


def test_an_unknown_action_names_its_likes() -> None:
    with pytest.raises(ActionUnknown) as caught:
        action_named("next-sentense")
    assert "next-sentence" in str(caught.value)


@given(st.text())
def test_no_name_does_worse_than_action_unknown(label: str) -> None:
    try:
        assert action_named(label).label == label
    except ActionUnknown as error:
        assert str(error).isprintable()


def test_words_fill_slots() -> None:
    assert intent_from_words(Action.FIND, ["side", "effects"]).text("word") == "side effects"
    assert intent_from_words(Action.GO_TO_PAGE, ["3"]).number("page") == 3
    assert intent_from_words(Action.SAVE, []) == Intent(Action.SAVE)
    assert intent_from_words(Action.STOP, []) == Intent(Action.STOP)


@pytest.mark.parametrize(
    ("action", "arguments", "part"),
    [
        (Action.FIND, {}, "word is missing"),
        (Action.FIND, {"word": "  "}, "word must be text"),
        (Action.FIND, {"word": 3}, "word must be text"),
        (Action.FIND, {"word": "x" * (TEXT_LIMIT + 1)}, "at most 200 characters"),
        (Action.FIND, {"word": "a\x00b"}, "without control characters"),
        (Action.FIND, {"word": "dose", "page": 2}, "it takes word"),
        (Action.STOP, {"word": "dose"}, "it takes no arguments"),
        (Action.GO_TO_PAGE, {"page": "two"}, "page must be a whole number"),
        (Action.GO_TO_PAGE, {"page": True}, "page must be a whole number"),
        (Action.GO_TO_PAGE, {"page": "1_0"}, "page must be a whole number"),
        (Action.GO_TO_PAGE, {"page": 0}, "page must be from 1 to 9999"),
        (Action.GO_TO_PAGE, {"page": "9" * 5000}, "page must be from 1 to 9999"),
    ],
)
def test_wrong_arguments_are_named(
    action: Action, arguments: dict[str, int | str], part: str
) -> None:
    with pytest.raises(ActionMisused) as caught:
        intent(action, arguments)
    assert part in str(caught.value)
    assert action.label in str(caught.value)


def test_words_that_no_slot_takes_are_refused() -> None:
    with pytest.raises(ActionMisused, match="it takes no arguments"):
        intent_from_words(Action.STOP, ["now"])


@given(st.sampled_from(list(Action)), st.lists(st.text(max_size=12), max_size=4))
def test_no_words_do_worse_than_action_misused(action: Action, words: list[str]) -> None:
    try:
        made = intent_from_words(action, words)
    except ActionMisused:
        return
    assert intent(made.action, dict(made.arguments)) == made, "checking twice changes nothing"


def test_a_slot_asked_for_by_the_wrong_kind_is_a_mistake_of_the_caller() -> None:
    made = intent(Action.FIND, {"word": "dose"})
    with pytest.raises(TypeError):
        made.number("word")
    assert made.text("nothing", "else") == "else"


@pytest.mark.parametrize("speaking", [False, True])
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", Action, ids=lambda action: action.label)
def test_a_button_always_means_something_allowed(
    action: Action, state: State, speaking: bool
) -> None:
    plain = resolve(action, state, speaking=speaking)
    assert plain not in BUTTON_ONLY
    if action in BUTTON_ONLY and action not in (
        Action.FORWARD,
        Action.BACK,
        Action.PAUSE_OR_RESUME,
    ):
        assert state in plain.row.states
    if action not in BUTTON_ONLY and state is not State.MENU and action.row.phrases:
        expected = action if action is not Action.PAUSE_OR_RESUME else plain
        assert plain is expected


@pytest.mark.parametrize("state", [s for s in State if s not in (State.MENU, State.FRAMING)])
def test_the_big_button_silences_whatever_speaks(state: State) -> None:
    for button in (Action.READ_OR_STOP, Action.ONE_BUTTON):
        assert resolve(button, state, speaking=True) is Action.STOP


@pytest.mark.parametrize("speaking", [True, False])
def test_the_big_button_takes_the_picture_while_the_page_is_looked_for(speaking: bool) -> None:
    """Over a hint as well: the touch has silenced it by then."""
    for button in (Action.READ_OR_STOP, Action.ONE_BUTTON, Action.REPEAT_OR_RESUME):
        assert resolve(button, State.FRAMING, speaking=speaking) is Action.READ


def test_the_big_button_reads_when_it_is_silent() -> None:
    for state in (State.IDLE, State.PAUSED):
        assert resolve(Action.ONE_BUTTON, state, speaking=False) is Action.READ
        assert resolve(Action.REPEAT_OR_RESUME, state, speaking=False) is Action.RESUME
        assert resolve(Action.REPEAT_OR_RESUME, state, speaking=True) is Action.REPEAT


def test_one_button_walks_the_menu() -> None:
    menu = {a: resolve(a, State.MENU, speaking=True) for a in BUTTON_ONLY}
    assert menu[Action.ONE_BUTTON] is Action.MENU_NEXT
    assert menu[Action.REPEAT_OR_RESUME] is Action.MENU_PREVIOUS
    assert menu[Action.MENU_OR_CHOOSE] is Action.MENU_CHOOSE


def test_number_slots_have_a_range_that_a_person_would_say() -> None:
    for action in Action:
        for slot in action.row.slots:
            if slot.kind is SlotKind.NUMBER:
                assert slot.check(slot.low) == slot.low
                assert slot.check(str(slot.high)) == slot.high
