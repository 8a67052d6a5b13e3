"""Everything that fingers find: buttons and knob on GPIO, keyboards, the keys of a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from voxedge.config import ButtonSettings
from voxedge.errors import ConfigError, InputDeviceMissing
from voxedge.inputs.bindings import MAPS, with_pins
from voxedge.inputs.buttons import Buttons
from voxedge.inputs.encoder import Knob
from voxedge.inputs.gestures import Timing
from voxedge.inputs.keyboard import Keyboards
from voxedge.inputs.pins import open_factory
from voxedge.inputs.terminal import TerminalKeys

if TYPE_CHECKING:
    from gpiozero.pins import Factory

    from voxedge.inputs.events import Deliver

log = logging.getLogger(__name__)


async def watch_inputs(settings: ButtonSettings, deliver: Deliver, *, terminal: bool) -> None:
    """Watch until cancelled.

    Args:
        settings: which buttons and keys.
        deliver: gets what they ask for.
        terminal: the keys of the terminal instead of everything else.
    """
    with contextlib.ExitStack() as open_inputs:
        if terminal:
            open_inputs.enter_context(TerminalKeys(deliver))
        else:
            if settings.keyboard:
                open_inputs.callback(Keyboards(deliver).close)
            if settings.map != "none":
                await _watch_pins(settings, deliver, open_inputs)
        await asyncio.Event().wait()


async def _watch_pins(
    settings: ButtonSettings, deliver: Deliver, open_inputs: contextlib.ExitStack
) -> None:
    try:
        # Importing gpiozero and asking the chip takes a second on a Pi: not on the loop.
        factory: Factory = await asyncio.to_thread(open_factory)
    except InputDeviceMissing as error:
        # A desktop has no pins; whoever has only buttons hears of a bad one when it is opened.
        log.info("no buttons: %s", error)
        return
    open_inputs.callback(factory.close)
    try:
        buttons = with_pins(MAPS[settings.map], settings.pins)
    except ConfigError as error:
        # Checked when the settings were read; a map changed under them falls back to its pins.
        log.warning("%s", error)
        buttons = MAPS[settings.map]
    timing = Timing(
        debounce_ms=settings.debounce_ms,
        hold_ms=settings.hold_ms,
        double_ms=settings.double_ms,
        repeat_ms=settings.repeat_ms,
    )
    open_inputs.callback(Buttons(factory, buttons, deliver, timing).close)
    if settings.map == "five-and-knob":
        open_inputs.callback(Knob(factory, deliver).close)
