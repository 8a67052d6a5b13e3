"""Which gesture of which button means what: the default maps for one, three and five buttons.

The reasons stand in ``docs/buttons.md``. A name means the same on every map, so a person who
changes to a reader with more buttons relearns nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from voxedge.actions import Action, Intent
from voxedge.errors import ConfigError
from voxedge.inputs.gestures import Kind, Wants


@dataclass(frozen=True, slots=True)
class Button:
    """One button and what its gestures mean.

    Attributes:
        name: "big", "back", "forward", "minus", "plus", "talk"; key of the pin settings.
        pin: default GPIO number (BCM); the contact closes to ground.
        meanings: gesture and the action it asks for. ``REPEAT`` asks again for what ``PRESS``
            asked.
        hush: a touch silences speech at once. False where the person wants to go on listening,
            as with the volume.
    """

    name: str
    pin: int
    meanings: Mapping[Kind, Action]
    hush: bool = True

    @property
    def wants(self) -> Wants:
        """What the recogniser has to tell apart."""
        return Wants(
            double=Kind.DOUBLE in self.meanings,
            hold=Kind.HOLD in self.meanings,
            repeat=Kind.REPEAT in self.meanings,
            release=Kind.RELEASE in self.meanings,
        )

    def asks(self, kind: Kind) -> Intent | None:
        """Return what a gesture asks for, None where it means nothing here."""
        if kind is Kind.TOUCH and self.hush:
            return Intent(Action.HUSH)
        action = self.meanings.get(kind)
        return Intent(action) if action is not None else None


def _again(action: Action) -> Mapping[Kind, Action]:
    return {Kind.PRESS: action, Kind.REPEAT: action}


_BACK = Button("back", 27, {Kind.PRESS: Action.BACK, Kind.HOLD: Action.PREVIOUS_SECTION})
_FORWARD = Button("forward", 22, {Kind.PRESS: Action.FORWARD, Kind.HOLD: Action.NEXT_SECTION})
_BIG = Button(
    "big",
    17,
    {
        Kind.PRESS: Action.READ_OR_STOP,
        Kind.DOUBLE: Action.REPEAT_OR_RESUME,
        Kind.HOLD: Action.MENU_OR_CHOOSE,
    },
)

ONE = (
    Button(
        "big",
        17,
        {
            Kind.PRESS: Action.ONE_BUTTON,
            Kind.DOUBLE: Action.REPEAT_OR_RESUME,
            Kind.HOLD: Action.MENU_OR_CHOOSE,
        },
    ),
)
THREE = (_BACK, _BIG, _FORWARD)
FIVE = (
    *THREE,
    Button("minus", 23, _again(Action.SOFTER), hush=False),
    Button("plus", 24, _again(Action.LOUDER), hush=False),
)
FIVE_AND_KNOB = (
    *THREE,
    Button("minus", 23, _again(Action.SLOWER), hush=False),
    Button("plus", 24, _again(Action.FASTER), hush=False),
)
"""With a knob for the volume, the outer buttons set the speed."""

TALK = Button("talk", 25, {Kind.PRESS: Action.TALK, Kind.RELEASE: Action.TALK_END}, hush=False)
"""Whoever listens makes the silence, and keeps it while the person speaks."""

MAPS: Mapping[str, tuple[Button, ...]] = {
    "one": (*ONE, TALK),
    "three": (*THREE, TALK),
    "five": (*FIVE, TALK),
    "five-and-knob": (*FIVE_AND_KNOB, TALK),
}
"""A button that is not wired is never pressed."""

LAST_GPIO = 27
"""Highest GPIO number on the 40-pin header."""


def with_pins(buttons: tuple[Button, ...], pins: str, path: str = "settings") -> tuple[Button, ...]:
    """Return the map with other pins: ``"big=5 back=6"``; what is not named keeps its pin.

    Raises:
        ConfigError: an unknown button, no GPIO number, or two buttons on one pin.
    """
    chosen: dict[str, int] = {}
    names = [button.name for button in buttons]
    for part in pins.replace(",", " ").split():
        name, _, number = part.partition("=")
        if name not in names:
            raise ConfigError(
                path=path, reason=f"there is no button '{name}'; buttons: {', '.join(names)}"
            )
        chosen[name] = gpio(number, name, path)
    moved = tuple(Button(b.name, chosen.get(b.name, b.pin), b.meanings, b.hush) for b in buttons)
    taken: dict[int, str] = {}
    for button in moved:
        if button.pin in taken:
            raise ConfigError(
                path=path,
                reason=f"GPIO {button.pin} is given to {taken[button.pin]} and to {button.name}",
            )
        taken[button.pin] = button.name
    return moved


def gpio(number: str, name: str, path: str) -> int:
    """Return a GPIO number of the header.

    Raises:
        ConfigError: it is none.
    """
    if not (number.isascii() and number.isdigit() and len(number) < 3):
        raise ConfigError(path=path, reason=f"{name} needs a GPIO number, not '{number}'")
    if int(number) > LAST_GPIO:
        raise ConfigError(path=path, reason=f"{name}: GPIO numbers go from 0 to {LAST_GPIO}")
    return int(number)
