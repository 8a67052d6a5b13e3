"""The card: which partitions it has, and how the image file is put together.

No loop device and nothing mounted: file systems are made in files and copied to their places.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from pathlib import Path

from imagebuild.errors import DoesNotFit, NoSpace
from imagebuild.plan import MIB, Plan
from imagebuild.process import run

SECTOR = 512
_FAT = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
"""Microsoft basic data: what the Pi's firmware looks for on a GPT."""

_LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
DATA_TYPE = "7C7F3A5E-5A6F-4D0C-9F6B-0D5A1A3F76E1"
"""Of DATA alone: systemd-repart finds the partition that may grow by it
(overlay/usr/lib/repart.d/50-data.conf)."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition.

    Attributes:
        label: its name in the table; everything is found by it (``PARTLABEL=``).
        size_mib: its size in the image.
        type_uuid: what it is for.
    """

    label: str
    size_mib: int
    type_uuid: str


LAYOUT = (
    Partition("SELECTOR", 64, _FAT),
    Partition("BOOT_A", 192, _FAT),
    Partition("BOOT_B", 192, _FAT),
    Partition("ROOT_A", 2048, _LINUX),
    Partition("ROOT_B", 2048, _LINUX),
    Partition("DATA", 128, DATA_TYPE),
)
"""In the order of the card. The firmware counts from 1: BOOT_A is 2, BOOT_B is 3 (autoboot.txt)."""

_FIRST_MIB = 4
"""Partitions begin on erase blocks of cards (4 MiB)."""


def offset_mib(label: str) -> int:
    """Return where a partition begins."""
    start = _FIRST_MIB
    for partition in LAYOUT:
        if partition.label == label:
            return start
        start += partition.size_mib
    raise KeyError(label)


def image_mib() -> int:
    """Return the size of the image; the second table takes the last MiB."""
    return _FIRST_MIB + sum(partition.size_mib for partition in LAYOUT) + 1


def fixed_uuid(plan: Plan, name: str) -> str:
    """Return the same identifier for the same version at each build."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"voxedge:{plan.version}:{plan.epoch}:{name}"))


def table(plan: Plan) -> str:
    """Return the partition table as ``sfdisk`` reads it."""
    lines = ["label: gpt", f"label-id: {fixed_uuid(plan, 'disk')}", "first-lba: 2048", ""]
    lines += [
        f"start={offset_mib(p.label) * MIB // SECTOR}, size={p.size_mib * MIB // SECTOR}, "
        f"type={p.type_uuid}, uuid={fixed_uuid(plan, p.label)}, name={p.label}"
        for p in LAYOUT
    ]
    return "\n".join(lines) + "\n"


def make_fat(plan: Plan, target: Path, label: str, files: dict[str, Path]) -> None:
    """Make a FAT file system with these files (path inside: path here).

    Raises:
        DoesNotFit: they are larger than the partition.
    """
    size_mib = _size_mib(label)
    needed = sum(path.stat().st_size for path in files.values()) / MIB
    if needed > size_mib * 0.97:
        raise DoesNotFit(f"{label} has {size_mib} MiB; its files need {needed:.0f} MiB.")
    _new_file(target, size_mib)
    kind = "32" if size_mib >= 128 else "16"
    volume = fixed_uuid(plan, f"fat {label}").replace("-", "")[:8]
    # The same bytes serve either slot, so the volume's own label names neither.
    name = "SELECTOR" if label == "SELECTOR" else "BOOT"
    command = ["mkfs.vfat", "-F", kind, "-n", name, "-i", volume, "--invariant"]
    run([*command, target], env=plan.build_env)
    folders = sorted({p.as_posix() for f in files for p in Path(f).parents if p.as_posix() != "."})
    for folder in folders:
        run(["mmd", "-i", target, f"::{folder}"], env=plan.build_env)
    for folder in ["", *folders]:
        here = [files[f] for f in sorted(files) if Path(f).parent.as_posix() == (folder or ".")]
        if here:
            # -m keeps the files' times, which were settled before.
            run(["mcopy", "-m", "-i", target, *here, f"::{folder}/"], env=plan.build_env)


def make_ext4(
    plan: Plan, target: Path, label: str, tree: Path, *, journal: bool, mib: int = 0
) -> None:
    """Make an ext4 file system of a tree, with the same bytes each time.

    Raises:
        DoesNotFit: the tree is larger than the partition.
    """
    size_mib = mib or _size_mib(label)
    _new_file(target, size_mib)
    seed = fixed_uuid(plan, f"hash {label}")
    features = "^metadata_csum_seed" if journal else "^has_journal,^metadata_csum_seed"
    command = ["mke2fs", "-q", "-t", "ext4", "-L", label, "-U", fixed_uuid(plan, f"fs {label}")]
    command += ["-E", f"hash_seed={seed},lazy_itable_init=0,root_owner=0:0", "-O", features]
    command += ["-m", "0", "-d", str(tree), str(target)]
    try:
        run(command, env=plan.build_env)
    except NoSpace as error:
        if "Could not allocate" in str(error) or "is full" in str(error):
            raise DoesNotFit(f"{label} has {size_mib} MiB; the tree is larger.\n{error}") from error
        raise
    _settle_inode_times(plan, target)


def assemble(plan: Plan, target: Path, parts: dict[str, Path]) -> None:
    """Write the table and copy each file system to its place; empty places stay holes."""
    target.unlink(missing_ok=True)
    _new_file(target, image_mib())
    run(["sfdisk", "--quiet", target], stdin=table(plan), env=plan.build_env)
    for label, source in parts.items():
        command = ["dd", f"if={source}", f"of={target}", "bs=1M", f"seek={offset_mib(label)}"]
        run([*command, "conv=notrunc,sparse", "status=none"])


def _size_mib(label: str) -> int:
    return next(partition.size_mib for partition in LAYOUT if partition.label == label)


def _new_file(path: Path, size_mib: int) -> None:
    with path.open("wb") as stream:
        stream.truncate(size_mib * MIB)


def _settle_inode_times(plan: Plan, image: Path) -> None:
    """Set the times of every inode that mke2fs takes over and that nobody can set on a file.

    The last change of an inode (ctime) is that of the copying; e2fsprogs before 1.47.1 puts it into
    the image.
    """
    script = "".join(
        f"set_inode_field <{inode}> {field}\n"
        for inode in used_inodes(run(["dumpe2fs", image]))
        for field in (
            f"ctime @{plan.epoch}",
            f"atime @{plan.epoch}",
            "ctime_extra 0",
            "atime_extra 0",
        )
    )
    commands = image.with_suffix(".debugfs")
    commands.write_text(script, encoding="ascii")
    run(["debugfs", "-w", "-f", commands, image], env=plan.build_env)
    commands.unlink()


def used_inodes(dump: str) -> list[int]:
    """Return the inodes in use by what ``dumpe2fs`` says of the free ones."""
    found = re.search(r"^Inode count:\s+(\d+)", dump, re.MULTILINE)
    used = set(range(2, int(found[1]) + 1)) if found else set()
    for line in re.findall(r"^  Free inodes: (\d.*)$", dump, re.MULTILINE):
        for piece in line.split(", "):
            first, _, last = piece.partition("-")
            used -= set(range(int(first), int(last or first) + 1))
    return sorted(used)
