"""The part of the Raspberry Pi's firmware in a start, played for the emulated board.

qemu's board has no firmware that reads ``autoboot.txt``. This does what Raspberry Pi
says of theirs ("autoboot.txt", "Boot flow", "chosen/bootloader"): take the partition of ``[all]``,
or that of ``[tryboot]`` for the one start after ``reboot "0 tryboot"``; start the kernel that lies
there; and tell the kernel in the device tree what was done. That a real board does the same is not
shown by it.

It reads the file in its own way, not in voxedge's: two readers that agree are worth more than one.
"""

from __future__ import annotations

import struct
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from imagebuild.errors import BootTestFailed
from imagebuild.layout import LAYOUT, offset_mib
from imagebuild.machine import Card, boot_card
from imagebuild.plan import MIB
from imagebuild.process import find_tool, run

_CAPABILITIES = 0b1100
"""What it can: bit 2 a partition on trial, bit 3 tryboot at all."""

LONGEST_AUTOBOOT = 512
"""Bytes that the firmware reads of the file."""


@dataclass(frozen=True, slots=True)
class PoweredOn:
    """What the firmware decided.

    Attributes:
        card: with the kernel of the partition, and a device tree that names it.
        partition: its number, counted from 1.
        trial: whether the flag of ``reboot "0 tryboot"`` chose it.
    """

    card: Card
    partition: int
    trial: bool


def power_on(card: Card, work: Path, word: str = "") -> PoweredOn:
    """Choose the partition as ``autoboot.txt`` on the card says, and take its kernel.

    Args:
        card: the kernel and the device tree in it are not looked at.
        work: for the files; those of an earlier start are overwritten.
        word: of the restart before (``Machine.wait_restart``). The flag is cleared by being read:
            who powers on anew without a word gets an ordinary start.

    Raises:
        BootTestFailed: the card starts nothing.
    """
    trial = "tryboot" in word.split()
    selector = _partition(card, "SELECTOR", work / "selector.vfat")
    text = run(["mtype", "-i", selector, "::/autoboot.txt"])
    number = chosen_partition(text, trial)
    label = LAYOUT[number - 1].label if 1 <= number <= len(LAYOUT) else ""
    if not label.startswith("BOOT_"):
        raise BootTestFailed(f"autoboot.txt names the partition {number}:\n{text}")
    folder = work / label
    folder.mkdir(exist_ok=True)
    here = boot_card(_partition(card, label, folder / "boot.vfat"), 0, card.disk, folder)
    tree = folder / "board.dtb"
    tree.write_bytes(with_bootloader(_bare_tree(work), number, trial))
    return PoweredOn(replace(here, tree=tree), number, trial)


def chosen_partition(text: str, trial: bool) -> int:
    """Return the boot partition that ``autoboot.txt`` names; 0 where it names none.

    A section holds from its line on; in a start on trial ``[tryboot]`` holds too, and the last
    setting wins.
    """
    holds, number = True, 0
    for line in text[:LONGEST_AUTOBOOT].splitlines():
        words = line.partition("#")[0].strip()
        if words.startswith("["):
            holds = words == "[all]" or (words == "[tryboot]" and trial)
        elif holds and words.startswith("boot_partition="):
            number = int(words.removeprefix("boot_partition="))
    return number


def _partition(card: Card, label: str, target: Path) -> Path:
    """Copy a partition as it is on the card now."""
    size = next(p.size_mib for p in LAYOUT if p.label == label)
    start = offset_mib(label)
    target.unlink(missing_ok=True)
    # count= is where it ends: qemu-img counts from the beginning of the input, not from skip=.
    run(["qemu-img", "dd", "-f", "qcow2", "-O", "raw", f"if={card.disk}", f"of={target}",
         "bs=1M", f"skip={start}", f"count={start + size}"])  # fmt: skip
    if target.stat().st_size != size * MIB:
        raise BootTestFailed(f"{label} could not be copied from the card.")
    return target


def _bare_tree(work: Path) -> bytes:
    """Return the device tree that the emulator makes for its board."""
    path = work / "bare.dtb"
    if not path.exists():
        command = [find_tool("qemu-system-aarch64") or "qemu-system-aarch64"]
        command += ["-M", f"virt,dumpdtb={path}", "-cpu", "cortex-a72", "-smp", "2"]
        command += ["-m", "4096", "-display", "none", "-nic", "none"]
        subprocess.run(command, check=True, capture_output=True)
    return path.read_bytes()


# -- the flattened device tree (Devicetree Specification 0.4, chapter 5) ---------------------

_MAGIC = 0xD00DFEED
_BEGIN_NODE, _END_NODE, _PROP, _NOP, _END = 1, 2, 3, 4, 9
_HEADER = struct.Struct(">10I")


def with_bootloader(tree: bytes, partition: int, trial: bool) -> bytes:
    """Return the device tree with ``/chosen/bootloader``: what was started, and whether on trial.

    Raises:
        BootTestFailed: it is no device tree, or has no ``/chosen``.
    """
    fields = list(_HEADER.unpack_from(tree.ljust(_HEADER.size, b"\0")))
    magic, _, structure, strings, _, _, _, _, strings_size, structure_size = fields
    if magic != _MAGIC:
        raise BootTestFailed("The emulator's device tree is none.")
    block = tree[structure : structure + structure_size]
    names = tree[strings : strings + strings_size]
    added, node = b"", _cells(_BEGIN_NODE) + _padded(b"bootloader\0")
    told = {"partition": partition, "tryboot": int(trial), "capabilities": _CAPABILITIES}
    for name, value in told.items():
        node += _cells(_PROP, 4, len(names) + len(added), value)
        added += name.encode() + b"\0"
    node += _cells(_END_NODE)
    place = _end_of_chosen(block)
    block = block[:place] + node + block[place:]
    # Memory reservations stay where they are; the two blocks go behind them, strings last.
    head = tree[_HEADER.size : structure]
    fields[2], fields[3] = structure, structure + len(block)
    fields[8], fields[9] = len(names) + len(added), len(block)
    if structure > strings:
        raise BootTestFailed("The emulator's device tree has its blocks in another order.")
    fields[1] = fields[3] + fields[8]
    return _HEADER.pack(*fields) + head + block + names + added


def _end_of_chosen(block: bytes) -> int:
    """Return where ``/chosen`` ends: a node may be put there, behind its properties."""
    place, path = 0, []
    while place < len(block):
        (token,) = struct.unpack_from(">I", block, place)
        if token == _BEGIN_NODE:
            end = block.index(b"\0", place + 4)
            path.append(block[place + 4 : end])
            place = (end + 4) // 4 * 4
        elif token == _END_NODE:
            if path == [b"", b"chosen"]:
                return place
            path.pop()
            place += 4
        elif token == _PROP:
            (length,) = struct.unpack_from(">I", block, place + 4)
            place += 12 + (length + 3) // 4 * 4
        elif token == _NOP:
            place += 4
        else:
            break
    raise BootTestFailed("The emulator's device tree has no /chosen.")


def _cells(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
