"""Updates in the booted image: refused, kept, and taken back.

A stick is put into the emulated board as a person would; everything behind it is the image's own:
udev, the stick's unit, RAUC with dm-verity, the other slot's partitions, the restart with the
firmware's word, the judgement of the daemon. The one part that is played is the firmware's
(``firmware.py``), and ``/dev/vcio`` stands for its device, which no emulated board has.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from imagebuild import steps
from imagebuild.errors import BootTestFailed
from imagebuild.firmware import PoweredOn, power_on
from imagebuild.guest import Guest
from imagebuild.machine import Card, Machine
from imagebuild.plan import REPO
from imagebuild.process import run
from imagebuild.scenario import TAPE, Report, boot, power_off, wait_ready
from imagebuild.soundmatch import find, samples
from imagebuild.steps import Steps
from imagebuild.workshop import MARK, Workshop
from voxedge.system.confirm import FELL_BACK, UPDATED

TOOLS = ("openssl", "rauc", "mksquashfs", "mkfs.vfat", "debugfs", "mtype")
VOXEDGE = "/opt/voxedge/bin/voxedge"
REFUSED_CODE = 22
_LOOK_S = 10.0
"""A look costs the emulated processor half a second."""

_STICKS_JOURNAL = "journalctl --no-pager -q -o cat -u 'voxedge-stick@*' 2>/dev/null || true"
"""It fails, and complains of the filter, as long as no such unit has said anything."""
_LAST_STEP = "Starting the new system on trial."
_WORD = "0 tryboot"


class Trials:
    """One card through refusals, an update that is kept and one that is taken back.

    Args:
        card: what the board starts from.
        disk: the test's own, with the certificate and the bundles to be refused.
        shop: the sticks.
        work: for the files.
        python: runs voxedge on this machine: it says the sentences that are listened for.
        models: likewise.
        report: gets what is seen.
        now: where the test stands; ``steps`` keeps it in ``work``.
        timeout_s: for any step.
    """

    def __init__(
        self, card: Card, disk: Path, shop: Workshop, work: Path, python: Path, models: Path,
        report: Report, now: Steps, timeout_s: float,
    ) -> None:  # fmt: skip
        self._card = card
        self._disk = disk
        self._shop = shop
        self._work = work
        self._python = python
        self._models = models
        self._report = report
        self._steps = now
        self._timeout_s = timeout_s
        self._cpu_s = 0.0

    def run(self) -> None:
        """Go through all of it, from the step on that was not passed before.

        Raises:
            BootTestFailed: an update was not refused, kept or taken back as it should have been.
        """
        now, first = self._steps, self._card
        for line in now.lines:
            self._report.note(line)
        every = (self._first_life, self._kept, self._not_kept, self._taken_back)
        for number, step in enumerate(every, 1):
            if number <= now.done:
                continue
            self._card = steps.layer(first, self._work, number)
            known = len(self._report.lines)
            word = step(now.word)
            now = now.after(word, self._report.lines[known:])
            steps.save(self._work, now)

    def _first_life(self, word: str) -> str:
        """Slot A: two updates are refused, a third is installed; return the restart's word."""
        machine, guest = self._start("update-1", word, "A", self._shop.good)
        try:
            wait_ready(machine, guest, self._report, self._timeout_s)
            self._prepare(guest)
            for why in sorted(self._shop.refused):
                self._refuse(guest, why)
            return self._install(machine, guest, "B")
        finally:
            machine.pull_plug()

    def _kept(self, word: str) -> str:
        """Slot B on trial: well, so it is committed. Then the broken update; return its word."""
        machine, guest = self._start("update-2", word, "B", self._shop.broken, trial=True)
        try:
            wait_ready(machine, guest, self._report, self._timeout_s)
            self._must_run(guest, "B", "good")
            self._wait_judged(guest)
            self._must_start(guest, 3)
            self._must_have_said(guest, UPDATED)
            self._report.note("update: slot B was well, is committed, and said so")
            self._prepare(guest)
            return self._install(machine, guest, "A")
        finally:
            machine.pull_plug()

    def _not_kept(self, word: str) -> str:
        """Slot A on trial with a reader that does not start: it gives up by itself."""
        machine, guest = self._start("update-3", word, "A", trial=True)
        try:
            self._must_run(guest, "A", "broken")
            begun_s = time.monotonic()
            again = machine.wait_restart(self._timeout_s)
        finally:
            machine.pull_plug()
        if again:
            raise BootTestFailed(f"The broken system restarted with the word {again!r}.")
        took_s = time.monotonic() - begun_s
        self._report.note(f"broken update: not well, restarted by itself after {took_s:.0f} s")
        return again

    def _taken_back(self, word: str) -> str:
        """The firmware starts B again, which says so; nothing is left under way."""
        machine, guest = self._start("update-4", word, "B")
        try:
            wait_ready(machine, guest, self._report, self._timeout_s)
            self._must_run(guest, "B", "good")
            self._wait_judged(guest)
            self._must_start(guest, 3)
            self._must_have_said(guest, FELL_BACK)
            note = guest.run("cat /data/device/slots.json")
            if '"update": null' not in note or '"A": false' not in note:
                raise BootTestFailed(f"The slots' note is {note}.")
            self._report.note("broken update: the system of before is back, and said so")
            power_off(machine, guest, self._report, self._timeout_s)
            return ""
        finally:
            machine.pull_plug()

    def _start(
        self, name: str, word: str, slot: str, stick: Path | None = None, *, trial: bool = False
    ) -> tuple[Machine, Guest]:
        now = power_on(self._card, self._work, word)
        if (now.partition, now.trial) != ({"A": 2, "B": 3}[slot], trial):
            raise BootTestFailed(f"The firmware starts {_told(now)}, not slot {slot}.")
        self._report.note(f"firmware: {_told(now)}")
        sticks = (stick,) if stick is not None else ()
        return boot(
            now.card, self._disk, self._work, name, self._timeout_s, sticks=sticks, steady=True
        )

    def _prepare(self, guest: Guest) -> None:
        """What a Pi and ``--keyring`` would have: the firmware's device, and who may sign."""
        guest.run("touch /dev/vcio && cp /run/voxtest/updates.pem /etc/rauc/keyring.pem")

    def _refuse(self, guest: Guest, why: str) -> None:
        said = guest.run(
            f"{VOXEDGE} update /run/voxtest/{why}.raucb 2>&1; echo code $?", self._timeout_s
        )
        written = guest.run("head -c 1048576 /dev/disk/by-partlabel/ROOT_B | tr -d '\\0' | wc -c")
        note = guest.run("cat /data/device/slots.json", check=False)
        if not said.endswith(f"code {REFUSED_CODE}") or "installing" in note:
            raise BootTestFailed(f"The {why} update was not refused: {said}\n{note}")
        if written != "0":
            raise BootTestFailed(f"The {why} update was written to the other slot.")
        self._report.note(f"{why} update: {said.splitlines()[-2].removeprefix('voxedge: ')}")

    def _install(self, machine: Machine, guest: Guest, slot: str) -> str:
        """Put the stick in; return the word of the restart that follows."""
        begun_s, cpu_s = time.monotonic(), machine.cpu_s()
        machine.plug()
        told = self._follow(machine, guest, begun_s)
        word = machine.wait_restart(self._timeout_s)
        if word != _WORD or f"Installing to slot {slot}." not in told:
            raise BootTestFailed(f"It restarted with {word!r} after:\n{told}")
        signed = re.search(r"The signature is good: .*", told)
        self._report.note(
            f"stick: {signed[0] if signed else ''} Installed to slot {slot} in "
            f"{time.monotonic() - begun_s:.0f} s, {self._cpu_s - cpu_s:.0f} s of emulator CPU; "
            f"restarted with the word {word!r}"
        )
        return word

    def _follow(self, machine: Machine, guest: Guest, begun_s: float) -> str:
        """Read the stick's journal until the guest is gone; return the last of it."""
        told = ""
        while time.monotonic() - begun_s < 2 * self._timeout_s:
            try:
                active = guest.run("systemctl show -P ActiveState voxedge-stick@sda.service")
                told = guest.run(_STICKS_JOURNAL) or told
            except BootTestFailed:
                # It is on its way down: what it says last is the kernel's word.
                return told
            self._cpu_s = machine.cpu_s()
            if told and active in ("inactive", "failed") and _LAST_STEP not in told:
                raise BootTestFailed(f"The stick brought no update:\n{told}")
            time.sleep(_LOOK_S)
        raise BootTestFailed(f"The update does not come to an end:\n{told}")

    def _wait_judged(self, guest: Guest) -> None:
        guest.wait_for("test -e /run/voxedge-trial-settled && echo yes", "yes", self._timeout_s)

    def _must_run(self, guest: Guest, slot: str, mark: str) -> None:
        label = guest.run(
            "blkid -s PARTLABEL -o value $(findmnt -no SOURCE /run/voxedge-root/lower)"
        )
        found = guest.run(f"cat /{MARK}", check=False)
        if label != f"ROOT_{slot}" or found != mark:
            raise BootTestFailed(f"{label} runs, with the mark {found!r}.")

    def _must_start(self, guest: Guest, partition: int) -> None:
        text = guest.run("grep -m1 boot_partition /boot/selector/autoboot.txt")
        if text != f"boot_partition={partition}":
            raise BootTestFailed(f"autoboot.txt says {text}.")

    def _must_have_said(self, guest: Guest, sentence: str) -> None:
        """The sentence is on the guest's tape, spoken as this machine's reader speaks it."""
        path = self._work / "sentence.wav"
        path.unlink(missing_ok=True)
        env = {"VOXEDGE_MODELS": str(self._models), "PYTHONPATH": str(REPO)}
        run([self._python, "-m", "voxedge", "say", sentence, "--out", path], env=env)
        wanted = samples(path.read_bytes()[44:])
        deadline_s = time.monotonic() + self._timeout_s
        while True:
            status: Any = guest.ask({"type": "status"})["status"]
            if not status["speaking"]:
                match = find(wanted, samples(guest.fetch(TAPE, 44)))
                if match.same:
                    self._report.note(f"heard: {sentence!r} (log-mel {match.distance_db:.2f} dB)")
                    return
                if time.monotonic() > deadline_s:
                    raise BootTestFailed(
                        f"{sentence!r} was not said; nearest {match.distance_db:.2f} dB."
                    )
            time.sleep(_LOOK_S)


def _told(now: PoweredOn) -> str:
    how = "on trial" if now.trial else "as autoboot.txt says"
    return f"starts partition {now.partition} {how}"
