"""After every start: was this a trial, and is the new system well?

Run by ``voxedge-confirm.service`` as root. A trial that is passed is committed; one that is not
ends in a plain restart, which the firmware answers with the slot of before. If this program itself
does not run, ``voxedge-trial-guard`` restarts the device.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from voxedge.api.protocol import Status
from voxedge.errors import SlotsDamaged, SlotsMissing, VoxedgeError
from voxedge.speech.lines import SpeechClass
from voxedge.system.reader_line import Line, SocketReader
from voxedge.system.slots import Slots, Start
from voxedge.system.update import restart_plainly

log = logging.getLogger(__name__)

STEADY_S = 30.0
"""Well for so long without a new start of the reader: past the time in which a service that dies
at its first work has died three times."""

TRIAL_S = 300.0
"""From here until it must have been well; a first start after an update may make caches."""

LOOK_S = 1.0
READER_COMES_S = 300.0
GREETING_S = 60.0
"""The first one explains the buttons, for half a minute."""
SETTLED = Path("/run/voxedge-trial-settled")
"""Tells the guard that this program has decided."""

UPDATED = "I have been updated."
GOING_BACK = "The update did not work. I go back to how I was before."
FELL_BACK = "The update did not work. I am the reader of before."
INTERRUPTED = (
    "The last update was interrupted. I am the reader of before. Please start the update again."
)


def confirm(slots: Slots, line: Line, restart: Callable[[], int] = restart_plainly) -> Start:
    """Judge this start, do what follows and say it. Blocking, up to ten minutes.

    Args:
        slots: of this card.
        line: to the reader.
        restart: starts the committed slot.

    Raises:
        SlotsMissing: this system has no slots; there is nothing to do.
        VoxedgeError: the decision could not be written.
    """
    try:
        start = slots.after_start()
    except SlotsDamaged as error:
        # Which slot was to start is lost. The one that did is kept, once it has proved itself.
        log.warning("%s", error)
        if _is_well(line, ()):
            slots.repair()
        return Start.ORDINARY
    log.info("this start is: %s", start.value)
    match start:
        case Start.TRIAL:
            update = slots.note.update
            if _is_well(line, update.expected if update is not None else ()):
                slots.mark(slots.current, good=True)
                line.say(UPDATED, wait_s=READER_COMES_S)
            else:
                line.say(GOING_BACK, SpeechClass.ALERT)
                line.let_finish()
                restart()
        case Start.UPDATED:
            slots.mark(slots.current, good=True)
            line.say(UPDATED, wait_s=READER_COMES_S)
        case Start.FELL_BACK | Start.INTERRUPTED:
            text = FELL_BACK if start is Start.FELL_BACK else INTERRUPTED
            # Not into the greeting, and as an alert: a notice that has to wait gives way to the
            # next, and "I cannot find my camera." was all that was heard of a failed update.
            line.let_come(READER_COMES_S)
            line.let_finish(GREETING_S)
            told = line.say(text, SpeechClass.ALERT)
            # Not told: told at the next start.
            if told:
                slots.forget()
        case Start.ORDINARY:
            slots.mark(slots.current, good=True)
    return start


def _is_well(line: Line, expected: tuple[str, ...]) -> bool:
    """Wait until the reader has been well for ``STEADY_S``; False when time is up."""
    until_s = line.clock() + TRIAL_S
    well_since_s: float | None = None
    while line.clock() < until_s:
        status = line.status()
        if status is None or not _has(status, expected):
            well_since_s = None
        elif well_since_s is None:
            well_since_s = line.clock()
        elif line.clock() - well_since_s >= STEADY_S:
            return True
        line.sleep(LOOK_S)
    return False


def _has(status: Status, expected: tuple[str, ...]) -> bool:
    return all(name in status.health and status.health[name].ok for name in expected)


def main() -> int:
    """Run once at start; the exit code is what systemd sees."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    line = Line(SocketReader())
    try:
        confirm(Slots(), line)
    except SlotsMissing as error:
        log.info("nothing to confirm: %s", error)
    except VoxedgeError as error:
        log.error("%s", error)  # noqa: TRY400 - one line for the journal
        line.say(error.speech)
        return 1
    finally:
        _settle()
    return 0


def _settle() -> None:
    try:
        SETTLED.touch()
    except OSError as error:
        log.warning("%s: %s", SETTLED, error)


if __name__ == "__main__":
    sys.exit(main())
