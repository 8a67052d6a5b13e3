"""``autoboot.txt``: which boot partition the firmware of a Raspberry Pi starts. Pure.

``[all]`` holds for every start, ``[tryboot]`` for the one start after ``reboot "0 tryboot"``. With
``tryboot_a_b=1`` the flag chooses a partition and nothing else. The firmware clears the flag before
it starts the kernel, so that every later start, whatever caused it, takes ``[all]`` again.
Source: Raspberry Pi documentation, "autoboot.txt" (at most 512 bytes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from voxedge.errors import SlotsDamaged

PARTITIONS: Mapping[str, int] = {"A": 2, "B": 3}
"""Slot to the number of its boot partition."""

SLOTS: Mapping[int, str] = {number: slot for slot, number in PARTITIONS.items()}


def other(slot: str) -> str:
    """Return the slot that is not this one."""
    return "B" if slot == "A" else "A"


@dataclass(frozen=True, slots=True)
class Autoboot:
    """What the file says; the slot on trial is always the other one.

    Attributes:
        committed: the slot of every ordinary start.
    """

    committed: str

    def text(self) -> str:
        """Return the file. Both choices have the same length: one sector is written to switch."""
        return (
            "[all]\n"
            "tryboot_a_b=1\n"
            f"boot_partition={PARTITIONS[self.committed]}\n"
            "[tryboot]\n"
            f"boot_partition={PARTITIONS[other(self.committed)]}\n"
        )


def parse_autoboot(text: str, path: str = "autoboot.txt") -> Autoboot:
    """Read the file as the firmware does.

    Raises:
        SlotsDamaged: it does not choose between the two boot partitions.
    """
    values: dict[str, dict[str, str]] = {}
    section = "all"
    for line in (raw.strip() for raw in text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            continue
        key, found, value = line.partition("=")
        if not found:
            raise SlotsDamaged(path=path, reason="a line is neither a section nor a setting")
        values.setdefault(section, {})[key.strip()] = value.strip()
    always, trial = values.get("all", {}), values.get("tryboot", {})
    if always.get("tryboot_a_b") != "1":
        raise SlotsDamaged(path=path, reason="tryboot_a_b=1 is missing")
    committed = _slot(always.get("boot_partition"))
    tried = _slot(trial.get("boot_partition"))
    if committed is None or tried != other(committed):
        raise SlotsDamaged(path=path, reason="it does not name the two boot partitions")
    return Autoboot(committed)


def _slot(value: str | None) -> str | None:
    return SLOTS.get(int(value)) if value in ("2", "3") else None
