"""Push buttons on GPIO pins."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from voxedge.errors import InputDeviceMissing
from voxedge.inputs.bindings import Button
from voxedge.inputs.events import Asked, Deliver, Trouble
from voxedge.inputs.gestures import Gesture, GestureRecogniser, Kind, Timing
from voxedge.inputs.pins import Contacts, now_us

if TYPE_CHECKING:
    from gpiozero.pins import Factory


class Buttons:
    """A map of buttons at work, from construction to ``close``; lives on the event loop.

    Args:
        factory: see ``voxedge.inputs.pins.open_factory``.
        buttons: the map, see ``voxedge.inputs.bindings``.
        deliver: gets every intent, and trouble with a stuck button.
        timing: how long is long.

    Raises:
        InputDeviceMissing: a pin cannot be used.
    """

    def __init__(
        self,
        factory: Factory,
        buttons: tuple[Button, ...],
        deliver: Deliver,
        timing: Timing | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._deliver = deliver
        self._buttons = {button.pin: button for button in buttons}
        self._contacts = Contacts(factory, self._buttons, self._edge, self._loop)
        start_us = now_us()
        self._recognisers = {
            pin: GestureRecogniser(
                self._buttons[pin].wants, timing, closed_at_us=start_us if closed else None
            )
            for pin, closed in self._contacts.closed_now().items()
        }
        self._stuck: set[int] = set()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        for pin in self._recognisers:
            self._set_timer(pin)

    def close(self) -> None:
        """Stop; nothing is delivered afterwards."""
        self._contacts.close()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _edge(self, pin: int, closed: bool, at_us: int) -> None:
        if pin in self._stuck and not closed:
            self._stuck.remove(pin)
            self._deliver(Trouble(self._source(pin), None))
        self._tell(pin, self._recognisers[pin].edge(closed, at_us))

    def _tick(self, pin: int) -> None:
        self._tell(pin, self._recognisers[pin].advance(now_us()))

    def _tell(self, pin: int, gestures: list[Gesture]) -> None:
        self._set_timer(pin)
        for gesture in gestures:
            if gesture.kind is Kind.STUCK:
                self._stuck.add(pin)
                error = InputDeviceMissing(device=self._source(pin), reason="it is held down")
                self._deliver(Trouble(self._source(pin), error))
                continue
            intent = self._buttons[pin].asks(gesture.kind)
            if intent is not None:
                self._deliver(Asked(intent, self._source(pin)))

    def _set_timer(self, pin: int) -> None:
        timer = self._timers.pop(pin, None)
        if timer is not None:
            timer.cancel()
        deadline_us = self._recognisers[pin].deadline_us
        if deadline_us is not None:
            delay_s = max(0, deadline_us - now_us()) / 1e6
            self._timers[pin] = self._loop.call_later(delay_s, self._tick, pin)

    def _source(self, pin: int) -> str:
        return f"button {self._buttons[pin].name}"
