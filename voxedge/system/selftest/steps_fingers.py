"""Buttons and knob: the assembler is asked for each, and told which one came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from voxedge.errors import ConfigError, InputDeviceMissing
from voxedge.inputs.bindings import MAPS, with_pins
from voxedge.inputs.encoder import PIN_A, PIN_B, QuadratureDecoder
from voxedge.system.selftest.outcome import Outcome, absent, well, wrong
from voxedge.system.selftest.ports import Contacts, Parts

SILENT = "silent"
PRESS_S = 12.0
TURN_S = 12.0
SETTLE_S = 0.15
"""After the first contact: all its bounces are over (a switch bounces for 1 to 10 ms)."""

MOST_EDGES = 20
"""Of one press and its release; a worn switch makes ten, a loose wire hundreds."""

CLICKS = 2
OPTIONAL = ("talk",)
"""Buttons that a box may do without; see docs/buttons.md."""


@dataclass(slots=True)
class _Log:
    """Edges as they come, and somebody who waits for them."""

    edges: list[tuple[int, bool]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, pin: int, closed: bool, _at_us: int) -> None:
        self.edges.append((pin, closed))
        self.came.set()


async def buttons(parts: Parts) -> Outcome:
    """Ask for each button in turn."""
    settings = parts.settings.buttons
    if settings.map == "none":
        return absent("No buttons are set up.", "map = none")
    try:
        wanted = with_pins(MAPS[settings.map], settings.pins)
    except ConfigError as error:
        return wrong("The pins in the settings make no sense.", str(error))
    names = {button.pin: button.name for button in wanted}
    log = _Log()
    try:
        contacts = parts.contacts(tuple(names), log.note)
    except InputDeviceMissing as error:
        return wrong("I cannot use the pins of the buttons.", str(error))
    try:
        return await _ask_for_all(parts, contacts, names, log)
    finally:
        contacts.close()


async def _ask_for_all(
    parts: Parts, contacts: Contacts, names: dict[int, str], log: _Log
) -> Outcome:
    stuck = [names[pin] for pin, closed in contacts.closed_now().items() if closed]
    complaints = [f"the button {name} is held down, or its wire touches ground" for name in stuck]
    details = [f"{name} closed at rest" for name in stuck]
    for pin, name in names.items():
        if name in stuck:
            continue
        await parts.speaker.say(f"Press the button {name}.")
        complaint, detail = await _one_press(pin, names, contacts, log)
        if detail == SILENT and name in OPTIONAL:
            details.append(f"{name} (GPIO {pin}) not built")
            await parts.speaker.say(f"No {name} button. It may be left out.")
            continue
        details.append(f"{name} (GPIO {pin}) {detail}")
        if complaint:
            complaints.append(complaint)
            await parts.speaker.say(f"{complaint[0].upper()}{complaint[1:]}.")
        else:
            await parts.speaker.say(f"That was {name}.")
    if complaints:
        return wrong(_sentence(complaints), "; ".join(details))
    number = "The button works." if len(names) == 1 else f"All {len(names)} buttons work."
    return well(number, "; ".join(details))


async def _one_press(
    pin: int, names: dict[int, str], contacts: Contacts, log: _Log
) -> tuple[str, str]:
    """Wait for a press; return what is wrong with it, and what came, for the table."""
    name = names[pin]
    log.edges.clear()
    log.came.clear()
    try:
        async with asyncio.timeout(PRESS_S):
            while not any(closed for _, closed in log.edges):
                log.came.clear()
                await log.came.wait()
    except TimeoutError:
        return f"no press of the button {name} came; check its two wires", SILENT
    # Until the finger is gone, or has shown that it stays.
    for _ in range(round(3.0 / SETTLE_S)):
        await asyncio.sleep(SETTLE_S)
        came = [edge_pin for edge_pin, closed in log.edges if closed]
        now = contacts.closed_now()
        if not any(now[edge_pin] for edge_pin in came):
            break
    if pin not in came:
        other = names[came[0]]
        return f"instead of {name} the button {other} came; their wires are exchanged", other
    others = sorted({names[p] for p in came} - {name})
    if others:
        return (
            f"with {name} the button {' and '.join(others)} came too; their wires touch",
            f"with {others[0]}",
        )
    if len(log.edges) > MOST_EDGES:
        return f"the contact of {name} is bad: it chatters", f"{len(log.edges)} edges"
    return "", "works"


async def knob(parts: Parts) -> Outcome:
    """Ask for two clicks to the right and two to the left."""
    if parts.settings.buttons.map != "five-and-knob":
        return absent("No knob is set up.")
    turned: list[int] = []
    levels = {PIN_A: False, PIN_B: False}
    decoder = QuadratureDecoder()
    came = asyncio.Event()

    def edge(pin: int, closed: bool, _at_us: int) -> None:
        levels[pin] = closed
        clicks = decoder.update(levels[PIN_A], levels[PIN_B])
        if clicks:
            turned.append(clicks)
            came.set()

    try:
        contacts = parts.contacts((PIN_A, PIN_B), edge)
    except InputDeviceMissing as error:
        return wrong("I cannot use the pins of the knob.", str(error))
    try:
        right = await _turns(parts, "Turn the knob to the right.", turned, came)
        left = await _turns(parts, "Turn it to the left.", turned, came)
    finally:
        contacts.close()
    detail = f"right {right:+d}, left {left:+d} clicks"
    if right == 0 and left == 0:
        return wrong("No turn of the knob came. Check its three wires.", detail)
    if right < 0 and left > 0:
        return wrong("The knob turns the wrong way. Exchange its two outer wires.", detail)
    if right <= 0 or left >= 0:
        return wrong("The knob works only one way. Check its outer wires.", detail)
    return well("The knob works.", detail)


async def _turns(parts: Parts, ask: str, turned: list[int], came: asyncio.Event) -> int:
    """Ask, and return the sum of the clicks that come."""
    await parts.speaker.say(ask)
    turned.clear()
    return await _enough(lambda: abs(sum(turned)) >= CLICKS, turned, came)


async def _enough(holds: Callable[[], bool], turned: Sequence[int], came: asyncio.Event) -> int:
    try:
        async with asyncio.timeout(TURN_S):
            while not holds():
                came.clear()
                await came.wait()
    except TimeoutError:
        pass
    return sum(turned)


def _sentence(complaints: list[str]) -> str:
    if len(complaints) == 1:
        return f"{complaints[0][0].upper()}{complaints[0][1:]}."
    return f"{len(complaints)} buttons need a hand."
