"""``voxedge update``: a signed bundle to the other slot, and a start on trial.

Told to the person step by step. Until the new system has proved itself (``system.confirm``), every
start but the one asked for here takes the present slot.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from voxedge.errors import (
    SlotsMissing,
    UpdateFailed,
    UpdateInterrupted,
    UpdateUnfit,
    VoxedgeError,
)
from voxedge.speech.lines import SpeechClass
from voxedge.system import bundle
from voxedge.system.places import Places
from voxedge.system.reader_line import AT_REST, Line
from voxedge.system.slots import Slots

PARTS_EXPECTED = ("voice", "loudspeaker", "camera")
"""What the new system must have too, if the present one has it. Not what the weather or the plug
decides: heat, power, disk."""

STILL_WORKING_S = 60.0
LET_READ_S = 900.0
"""A page takes some minutes; nobody is interrupted for an update, and nobody waits for ever."""

TRYBOOT_A_B = 1 << 2
"""Of ``/chosen/bootloader/capabilities`` (Raspberry Pi documentation, "Device Trees"): the firmware
chooses the partition of ``[tryboot]``."""

INSTALLING = "I am installing an update. Please leave me switched on. I tell you when it is done."
STILL_INSTALLING = "I am still installing the update."
WAITING = "The update is installed. I start again when you have finished reading."
RESTARTING = "The update is installed. I start again now. This takes about a minute."


@dataclass(frozen=True, slots=True)
class Tools:
    """What an update works with.

    Attributes:
        places: of the files.
        slots: of this card.
        line: to the reader.
        rauc: the command.
        restart: starts the device on trial; returns the exit code of what was asked to.
    """

    places: Places
    slots: Slots
    line: Line
    rauc: tuple[str, ...] = ("rauc",)
    restart: Callable[[], int] = lambda: restart_on_trial()


def check(path: Path, tools: Tools) -> bundle.Bundle:
    """Return what a bundle holds, if this device would take it.

    Raises:
        VoxedgeError: it would not; see ``bundle.inspect``, and UpdateUnfit.
    """
    wanted = bundle.compatible_of(tools.places.rauc_config)
    found = bundle.inspect(path, tools.rauc)
    if found.compatible != wanted:
        raise UpdateUnfit(path=path, found=found.compatible, wanted=wanted)
    return found


def update(
    path: Path, tools: Tools, tell: Callable[[str], None], *, restart: bool = True
) -> bundle.Bundle:
    """Install a bundle and start it on trial. Blocking, minutes; root.

    Args:
        path: the bundle.
        tools: see there.
        tell: gets each step as a sentence or a percentage, for the eye.
        restart: False leaves the trial to the next ``restart_on_trial``.

    Raises:
        VoxedgeError: nothing has changed; it was said too.
    """
    line = tools.line
    try:
        # First of all: a system on trial takes nothing, whatever the bundle is.
        tools.slots.committed  # noqa: B018 - raises where there are no slots
        _check_trial(tools.places)
        found = check(path, tools)
        tell(f"The signature is good: version {found.version} for {found.compatible}.")
        slot = tools.slots.begin(_well(line))
        tell(f"Installing to slot {slot}.")
        line.say(INSTALLING)
        bundle.install(path, _Progress(line, tell), tools.rauc)
    except KeyboardInterrupt as error:
        stopped = UpdateInterrupted(reason="stopped by hand")
        line.say(stopped.speech, SpeechClass.REPLY)
        raise stopped from error
    except VoxedgeError as error:
        line.say(error.speech, SpeechClass.REPLY)
        raise
    if restart:
        _restart(tools, tell)
    return found


def _check_trial(places: Places) -> None:
    """Refuse what would be installed and never tried.

    Raises:
        SlotsMissing: the kernel restarts without the firmware's flag, or the firmware says that it
            does not know partitions on trial.
    """
    if not any(sign.exists() for sign in places.trial_signs):
        raise SlotsMissing(reason="its kernel cannot start the other slot on trial")
    try:
        raw = (places.device_tree / "chosen/bootloader/capabilities").read_bytes()
    except OSError:
        return  # Some firmware says nothing of itself. A trial that is not started harms nothing.
    if not int.from_bytes(raw, "big") & TRYBOOT_A_B:
        raise SlotsMissing(reason="its boot EEPROM is older than 2022-11-25: update that first")


def _restart(tools: Tools, tell: Callable[[str], None]) -> None:
    line = tools.line
    status = line.status()
    if status is not None and status.state not in AT_REST:
        line.say(WAITING)
        line.let_read(LET_READ_S)
    tell("Starting the new system on trial.")
    line.say(RESTARTING, SpeechClass.ALERT)
    line.let_finish()
    try:
        tools.slots.trying()
        code = tools.restart()
        if code != 0:
            raise UpdateFailed(reason=f"the restart was refused with code {code}")
    except VoxedgeError as error:
        line.say(error.speech, SpeechClass.REPLY)
        raise


def restart_on_trial() -> int:
    """Restart with the firmware's tryboot flag; return the exit code of ``systemctl``."""
    # "0": the default partition; "tryboot": the flag. systemd hands it to reboot(2).
    return _systemctl("reboot", "--reboot-argument=0 tryboot")


def restart_plainly() -> int:
    """Restart the committed slot; return the exit code of ``systemctl``."""
    return _systemctl("reboot")


def _systemctl(*words: str) -> int:
    try:
        return subprocess.run(["systemctl", *words], check=False).returncode
    except OSError as error:
        raise UpdateFailed(reason=f"systemctl: {os.strerror(error.errno or 0)}") from error


def _well(line: Line) -> tuple[str, ...]:
    """Return the parts of the present reader that work."""
    status = line.status()
    if status is None:
        return ()
    return tuple(n for n in PARTS_EXPECTED if n in status.health and status.health[n].ok)


class _Progress:
    """Prints every step, and says now and then that it goes on."""

    def __init__(self, line: Line, tell: Callable[[str], None]) -> None:
        self._line = line
        self._tell = tell
        self._said_s = line.clock()

    def __call__(self, percent: int | None, step: str) -> None:
        if percent is not None:
            self._tell(f"{percent:3d} % {step}")
        if self._line.clock() - self._said_s >= STILL_WORKING_S:
            self._said_s = self._line.clock()
            self._line.say(STILL_INSTALLING)
