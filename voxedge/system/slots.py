"""The two slots: which one runs, which one starts, which one is on trial.

The firmware knows ``autoboot.txt`` alone; that file decides. ``slots.json`` is a note of how far an
update has come. Each change is one durable write, and every order of lost writes leaves a device
that starts: the note is read against what really runs (``after_start``), and never the reverse.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import Any

from voxedge.errors import SlotsDamaged, SlotsMissing, UpdateFailed, UpdateUnconfirmed
from voxedge.system import storage as durable
from voxedge.system.autoboot import PARTITIONS, SLOTS, Autoboot, other, parse_autoboot
from voxedge.system.places import Places
from voxedge.system.storage import Disk, Storage


class Phase(Enum):
    """How far an update has come."""

    INSTALLING = "installing"
    READY = "ready"
    TRYING = "trying"


class Start(Enum):
    """What this start of the device is, seen from the last update."""

    ORDINARY = "ordinary"
    TRIAL = "trial"
    UPDATED = "updated"
    """The trial was passed, and the power went before that was noted."""
    FELL_BACK = "fell back"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Update:
    """An update that is not finished.

    Attributes:
        slot: where it goes.
        phase: how far it is.
        expected: parts of the reader that were well before; the new system must have them too.
    """

    slot: str
    phase: Phase
    expected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """``slots.json``.

    Attributes:
        good: whether a slot is known to hold a whole system.
        update: None when there is none under way.
    """

    good: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    update: Update | None = None

    def marked(self, slot: str, good: bool) -> Note:
        """Return the note with one slot marked."""
        return replace(self, good={**self.good, slot: good})

    def to_json(self) -> bytes:
        """Return the file."""
        update = None
        if self.update is not None:
            expected = list(self.update.expected)
            update = {
                "slot": self.update.slot,
                "phase": self.update.phase.value,
                "expected": expected,
            }
        return json.dumps({"version": 1, "good": dict(self.good), "update": update}).encode()


def parse_note(data: bytes) -> Note:
    """Read ``slots.json``; nonsense is an empty note, for the note decides nothing."""
    try:
        body: dict[str, Any] = json.loads(data)
        good = {slot: bool(body["good"][slot]) for slot in PARTITIONS if slot in body["good"]}
        update = body["update"]
        if update is None:
            return Note(good)
        if update["slot"] not in PARTITIONS:
            return Note(good)
        expected = tuple(str(name) for name in update["expected"])
        return Note(good, Update(update["slot"], Phase(update["phase"]), expected))
    except (ValueError, KeyError, TypeError, RecursionError):
        return Note()


class Slots:
    """The slots of this card. Blocking; root; one process at a time changes them (RAUC's lock).

    Args:
        places: where the files are.
        storage: how they are written.
    """

    def __init__(self, places: Places | None = None, storage: Storage | None = None) -> None:
        self._places = places or Places()
        self._storage = storage or Disk()

    @property
    def current(self) -> str:
        """The slot that runs.

        Raises:
            SlotsMissing: nothing says so: this is not our image.
        """
        try:
            raw = (self._places.device_tree / "chosen/bootloader/partition").read_bytes()
            if int.from_bytes(raw, "big") in SLOTS:
                return SLOTS[int.from_bytes(raw, "big")]
        except OSError:
            pass  # No firmware of a Raspberry Pi: an emulator.
        try:
            words = self._places.cmdline.read_text(encoding="utf-8", errors="replace").split()
        except OSError:
            words = []
        for slot in PARTITIONS:
            if f"rauc.slot={slot}" in words or f"root=PARTLABEL=ROOT_{slot}" in words:
                return slot
        raise SlotsMissing(reason="the firmware does not say which slot runs")

    @property
    def committed(self) -> str:
        """The slot that every ordinary start takes.

        Raises:
            SlotsMissing: there is no ``autoboot.txt``.
            SlotsDamaged: it makes no sense.
        """
        path = self._places.autoboot
        try:
            text = self._storage.read(path).decode("ascii", errors="replace")
        except FileNotFoundError as error:
            raise SlotsMissing(reason=f"there is no {path}") from error
        except OSError as error:
            raise SlotsDamaged(path=path, reason=error.strerror or str(error)) from error
        return parse_autoboot(text, str(path)).committed

    @property
    def note(self) -> Note:
        """How far an update has come."""
        try:
            return parse_note(self._storage.read(self._places.slot_state))
        except OSError:
            return Note()

    # -- what RAUC asks ------------------------------------------------------------------

    def primary(self) -> str:
        """Return the slot that is to be started next: one that waits for its trial, or ours."""
        update = self.note.update
        if update is not None and update.phase is not Phase.INSTALLING:
            return update.slot
        return self.committed

    def choose(self, slot: str) -> None:
        """Have a slot tried at the next ``restart``; the committed one: have nothing tried.

        Nothing the firmware reads is changed: an ordinary start still takes the committed slot.
        """
        note = self.note
        if slot == self.committed:
            self._write_note(replace(note, update=None))
            return
        expected = note.update.expected if note.update is not None else ()
        ready = Update(slot, Phase.READY, expected)
        self._write_note(replace(note.marked(slot, True), update=ready))

    def is_good(self, slot: str) -> bool:
        """Return whether a slot holds a whole system, as far as is known."""
        return self.note.good.get(slot, slot == self.committed)

    def mark(self, slot: str, good: bool) -> None:
        """Mark a slot.

        The running slot marked good is committed: from then on every start takes it.

        Raises:
            UpdateFailed: the slot of every ordinary start cannot be given up: RAUC marks a slot bad
                before it writes over it.
        """
        if good and slot == self.current:
            self._commit(slot)
            return
        note = self.note
        if not good:
            if slot == self.committed:
                reason = f"slot {slot} is the one that starts; it cannot be given up"
                raise UpdateFailed(reason=reason)
            if note.update is not None and note.update.phase is not Phase.INSTALLING:
                note = replace(note, update=None)
        self._write_note(note.marked(slot, good))

    # -- what the update asks ------------------------------------------------------------

    def begin(self, expected: tuple[str, ...]) -> str:
        """Note that an update begins and return the slot that takes it.

        Raises:
            UpdateUnconfirmed: the running system is itself on trial.
        """
        current = self.current
        if current != self.committed:
            raise UpdateUnconfirmed(slot=current)
        target = other(current)
        note = self.note.marked(target, False)
        self._write_note(replace(note, update=Update(target, Phase.INSTALLING, expected)))
        return target

    def trying(self) -> None:
        """Note that the next start is the trial; to be called before the restart.

        Raises:
            UpdateFailed: nothing is installed.
        """
        note = self.note
        if note.update is None or note.update.phase is Phase.INSTALLING:
            raise UpdateFailed(reason="nothing is installed that could be tried")
        self._write_note(replace(note, update=replace(note.update, phase=Phase.TRYING)))

    def after_start(self) -> Start:
        """Return what this start is."""
        current, update = self.current, self.note.update
        if current != self.committed:
            return Start.TRIAL
        if update is None:
            return Start.ORDINARY
        if update.slot == current:
            return Start.UPDATED
        return Start.FELL_BACK if update.phase is Phase.TRYING else Start.INTERRUPTED

    def forget(self) -> None:
        """End an update that did not work: its slot is bad."""
        note = self.note
        if note.update is not None:
            self._write_note(replace(note.marked(note.update.slot, False), update=None))

    def repair(self) -> None:
        """Write ``autoboot.txt`` anew for the slot that runs, where the file makes no sense."""
        self._write_autoboot(Autoboot(self.current))

    def _commit(self, slot: str) -> None:
        # First what decides, then the note: a cut between leaves Start.UPDATED.
        self._write_autoboot(Autoboot(slot))
        note = self.note
        if note.update is not None and note.update.slot == slot:
            note = replace(note, update=None)
        self._write_note(note.marked(slot, True))

    def _write_autoboot(self, autoboot: Autoboot) -> None:
        path = self._places.autoboot
        try:
            durable.replace_in_place(self._storage, path, autoboot.text().encode("ascii"))
        except OSError as error:
            raise SlotsDamaged(path=path, reason=error.strerror or str(error)) from error

    def _write_note(self, note: Note) -> None:
        path = self._places.slot_state
        try:
            if parse_note(self._storage.read(path)) == note:
                return
        except OSError:
            pass  # Not there yet.
        try:
            durable.replace(self._storage, path, note.to_json())
        except OSError as error:
            raise SlotsDamaged(path=path, reason=error.strerror or str(error)) from error
