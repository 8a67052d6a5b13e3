"""Plug pulls: the emulator is killed at random moments; what was saved must be there afterwards.

While it runs, the reader's own library code saves documents as fast as it can and says of each when
it is on the card. What it said so must be there, whole, after the next start; what it had not yet
said may be. What the guest had not flushed is lost with it, as it is with a card; blocks torn by a
card's own power loss are not imitated.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path

from imagebuild import pullstate
from imagebuild.errors import BootTestFailed
from imagebuild.guest import Guest
from imagebuild.machine import Card, Machine
from imagebuild.pullstate import PullState
from imagebuild.scenario import Report, boot

SHELF = "/var/lib/voxedge/pulls.sqlite"
_AS_READER = (
    "setpriv --reuid voxedge --regid voxedge --clear-groups --no-new-privs "
    "env HOME=/var/lib/voxedge /opt/voxedge/bin/python3 -B /run/voxtest/guest_shelf.py"
)
_PORT = "/dev/virtio-ports/voxsaved"
_MASKED = ("voxedge.service", "voxedge.socket", "voxedge-confirm.service")
"""Not started between the pulls: it is the library that is tried, in the reader's own code, and the
emulator's time is dear. After the last pull everything starts."""

_DURING_BOOT_EVERY = 4
"""One pull in so many comes before the system is up."""

_BOOT_CPU_S = (5.0, 60.0)
_SAVING_CPU_S = (8.0, 30.0)
"""Ranges of the emulator's processor time after which the plug is pulled: of the start, and of the
saving. Not of the clock, which says little on a machine with other work."""


def pull_plugs(
    card: Card, disk: Path, work: Path, state: PullState, count: int, report: Report,
    timeout_s: float,
) -> None:  # fmt: skip
    """Pull the plug until it was pulled ``count`` times, and start once more.

    Args:
        card: what the board starts from; its layer lies in ``work``.
        disk: the test's own.
        work: of this series; ``pullstate`` keeps in it how far the series is.
        state: where the series stands.
        count: pulls in all, those of earlier runs among them.
        report: gets a line a pull.
        timeout_s: for any step.

    Raises:
        BootTestFailed: it does not start, or something saved is missing or damaged.
    """
    for line in state.lines:
        report.note(line)
    while state.pulled < count:
        state = _pull(card, disk, work, state, report, timeout_s)
        pullstate.save(work, state)
    machine, guest = boot(card, disk, work, "after-pulls", timeout_s)
    try:
        found = check_shelf(guest, set(state.promised), timeout_s)
        guest.wait_for("systemctl is-active voxedge.service", "active", timeout_s)
        guest.run("systemctl --no-block poweroff")
        machine.wait_off(timeout_s)
    finally:
        machine.pull_plug()
    report.note(f"{state.pulled} of {count} plug pulls survived; {len(found)} documents, all whole")


def _pull(
    card: Card, disk: Path, work: Path, state: PullState, report: Report, timeout_s: float
) -> PullState:
    number = state.pulled + 1
    # Of its own: the moment does not depend on whether the series was interrupted before.
    dice = random.Random(f"{state.seed} {number}")
    name = f"pull-{number:02d}"
    # Of a try that was interrupted: promised all the same.
    promised = state.promised | saved_numbers(work / f"{name}.saved")
    if number % _DURING_BOOT_EVERY == 0:
        machine = Machine(card, disk, work, name, _MASKED)
        try:
            cpu_s = _run_for(machine, dice.uniform(*_BOOT_CPU_S))
        finally:
            machine.pull_plug()
        line = f"pull {number}: {cpu_s:.0f} s into the start"
        report.note(line)
        return state.after_pull(promised, line)
    # The emulator empties the file when it starts, so what it held must be in the note before.
    pullstate.save(work, replace(state, promised=promised))
    machine, guest = boot(card, disk, work, name, timeout_s, _MASKED)
    try:
        found = check_shelf(guest, set(promised), timeout_s)
        first = max(found, default=0) + 1
        guest.run(f"{_AS_READER} save {SHELF} {first} > {_PORT} 2>&1 &")
        _wait_saving(machine, timeout_s)
        cpu_s = _run_for(machine, dice.uniform(*_SAVING_CPU_S))
    finally:
        machine.pull_plug()
    promised = frozenset(found | saved_numbers(machine.saved))
    line = (
        f"pull {number}: {cpu_s:.0f} s into the saving, {len(promised) - len(found)} saved, "
        f"{len(promised)} in all"
    )
    report.note(line)
    return state.after_pull(promised, line)


def check_shelf(guest: Guest, promised: set[int], timeout_s: float) -> set[int]:
    """Return the numbers of the documents in the guest, each of them whole.

    Raises:
        BootTestFailed: one that was promised is missing, or one is damaged.
    """
    guest.run("systemctl start voxedge-data.service", timeout_s)
    guest.wait_for("findmnt -no TARGET /var/lib/voxedge", "/var/lib/voxedge", timeout_s)
    found = {int(word) for word in guest.run(f"{_AS_READER} check {SHELF}", timeout_s).split()}
    if lost := promised - found:
        raise BootTestFailed(f"{len(lost)} documents were said to be saved and are gone: {lost}")
    return found


def saved_numbers(path: Path) -> set[int]:
    """Return the numbers in a file of them; the last line may be half a one."""
    text = path.read_text("ascii", "replace") if path.exists() else ""
    return {int(line) for line in text.split("\n")[:-1] if line.isdigit()}


def _wait_saving(machine: Machine, timeout_s: float) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not saved_numbers(machine.saved):
        machine.need_running()
        if time.monotonic() > deadline_s:
            raise BootTestFailed("The guest saves nothing.")
        time.sleep(0.2)


def _run_for(machine: Machine, cpu_s: float) -> float:
    begun_s = machine.cpu_s()
    while machine.cpu_s() - begun_s < cpu_s:
        machine.need_running()
        time.sleep(0.1)
    return machine.cpu_s() - begun_s
