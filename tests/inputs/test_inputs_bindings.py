"""The default maps: complete, the same name the same meaning, pins that can be chosen."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.actions import Action
from voxedge.errors import ConfigError
from voxedge.inputs.bindings import MAPS, ONE, THREE, Button, with_pins
from voxedge.inputs.gestures import Kind

DOCS = Path(__file__).parents[2] / "docs" / "buttons.md"
I2C_AND_I2S = {2, 3, 18, 19, 20, 21}


@pytest.mark.parametrize("buttons", MAPS.values(), ids=MAPS)
def test_every_map_can_read_stop_and_open_the_menu(buttons: tuple[Button, ...]) -> None:
    meanings = {action for button in buttons for action in button.meanings.values()}
    assert meanings & {Action.ONE_BUTTON, Action.READ_OR_STOP}
    assert {Action.REPEAT_OR_RESUME, Action.MENU_OR_CHOOSE} <= meanings
    pins = [button.pin for button in buttons]
    assert len(set(pins)) == len(pins)
    assert not I2C_AND_I2S & set(pins), "sound cards take these"
    for button in buttons:
        assert button.wants is not None, "the gestures of one button fit together"
        assert button.asks(Kind.STUCK) is None
        touch = button.asks(Kind.TOUCH)
        assert (touch is not None) == button.hush
        for kind, action in button.meanings.items():
            assert kind is not Kind.REPEAT or action.row.repeats


def test_a_name_means_the_same_on_every_map() -> None:
    for buttons in (MAPS["five"], MAPS["five-and-knob"]):
        assert buttons[: len(THREE)] == THREE


@pytest.mark.parametrize("buttons", MAPS.values(), ids=MAPS)
def test_the_users_page_names_every_button_and_pin(buttons: tuple[Button, ...]) -> None:
    page = DOCS.read_text()
    for button in buttons:
        assert re.search(rf"\| {button.name} \| GPIO {button.pin} \|", page), button.name


def test_pins_are_chosen_by_name() -> None:
    moved = with_pins(THREE, "big=5, back=6")
    assert [(b.name, b.pin) for b in moved] == [("back", 6), ("big", 5), ("forward", 22)]
    assert with_pins(ONE, "") == ONE


@pytest.mark.parametrize(
    ("pins", "part"),
    [
        ("bog=5", "there is no button 'bog'; buttons: back, big, forward"),
        ("big", "big needs a GPIO number"),
        ("big=five", "not 'five'"),
        ("big=28", "GPIO numbers go from 0 to 27"),
        ("big=-1", "big needs a GPIO number"),
        ("big=27", "GPIO 27 is given to back and to big"),
    ],
)
def test_wrong_pins_are_named(pins: str, part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_pins(THREE, pins)
    assert part in str(caught.value)


@given(st.text(alphabet="big=back ,0159²x", max_size=20))
def test_no_text_does_worse_than_a_config_error(pins: str) -> None:
    try:
        moved = with_pins(THREE, pins)
    except ConfigError:
        return
    assert all(0 <= button.pin <= 27 for button in moved)
