"""A rotary encoder: the volume knob."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from voxedge.actions import Action, Intent
from voxedge.inputs.events import Asked, Deliver
from voxedge.inputs.pins import Contacts

if TYPE_CHECKING:
    from gpiozero.pins import Factory

PIN_A = 5
PIN_B = 6
"""GPIO numbers (BCM), clear of I2C, SPI, UART and the I2S pins that sound cards take."""

# Gray code: clockwise the contacts go 00 01 11 10 (a b). Index: 8 a0 + 4 b0 + 2 a1 + b1. A jump
# of both contacts at once is no step that the knob can make: an edge was missed, so it counts
# nothing; bounce goes there and back and sums to nothing.
_QUARTER = (0, 1, -1, 0, -1, 0, 0, 1, 1, 0, 0, -1, 0, -1, 1, 0)


class QuadratureDecoder:
    """Levels of two contacts to clicks. Pure; one thread.

    Args:
        a: whether contact A is closed at the start.
        b: whether contact B is closed at the start.
    """

    def __init__(self, a: bool = False, b: bool = False) -> None:
        self._state = 2 * a + b
        self._quarters = 0

    def update(self, a: bool, b: bool) -> int:
        """Return clicks since the last call: 1 clockwise, -1 counter-clockwise, mostly 0."""
        state = 2 * a + b
        self._quarters += _QUARTER[4 * self._state + state]
        self._state = state
        if state:
            return 0
        # At rest between two clicks both contacts are open (EC11 and kin: four quarters a
        # click). Deciding only here, and by the larger part of the way, means that a lost edge
        # neither loses a click nor shifts the later ones.
        quarters, self._quarters = self._quarters, 0
        return (quarters >= 2) - (quarters <= -2)


class Knob:
    """A rotary encoder at work, from construction to ``close``; lives on the event loop.

    Args:
        factory: see ``voxedge.inputs.pins.open_factory``.
        deliver: gets one intent for each click.
        pin_a: GPIO number of contact A.
        pin_b: GPIO number of contact B.
        clockwise: what a click to the right asks for.
        counter: what a click to the left asks for.

    Raises:
        InputDeviceMissing: a pin cannot be used.
    """

    def __init__(
        self,
        factory: Factory,
        deliver: Deliver,
        *,
        pin_a: int = PIN_A,
        pin_b: int = PIN_B,
        clockwise: Action = Action.LOUDER,
        counter: Action = Action.SOFTER,
    ) -> None:
        self._deliver = deliver
        self._pin_a, self._pin_b = pin_a, pin_b
        self._asks = {1: Asked(Intent(clockwise), "knob"), -1: Asked(Intent(counter), "knob")}
        loop = asyncio.get_running_loop()
        self._contacts = Contacts(factory, (pin_a, pin_b), self._edge, loop)
        self._levels = self._contacts.closed_now()
        self._decoder = QuadratureDecoder(self._levels[pin_a], self._levels[pin_b])

    def close(self) -> None:
        """Stop; nothing is delivered afterwards."""
        self._contacts.close()

    def _edge(self, pin: int, closed: bool, _at_us: int) -> None:
        self._levels[pin] = closed
        clicks = self._decoder.update(self._levels[self._pin_a], self._levels[self._pin_b])
        if clicks:
            self._deliver(self._asks[clicks])
