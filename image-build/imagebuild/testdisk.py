"""The disk that the boot test puts beside the card: a page, and the programs of the test."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from imagebuild.plan import HERE, MIB
from imagebuild.process import run

PAGE_TEXT = "Take one tablet in the morning.\n\nKeep it in a dry place.\n"
"""Short: an emulated processor reads and speaks some 50 times more slowly than this machine."""


def make_test_disk(python: Path, work: Path, more: Mapping[str, Path] | None = None) -> Path:
    """Make the disk and return it; ``scripts/make-page-photo`` sets and photographs the page.

    Args:
        python: runs that script.
        work: where the disk is made.
        more: further files by their names on the disk.
    """
    tree = work / "testdisk"
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "pictures").mkdir(parents=True)
    text = work / "page.txt"
    text.write_text(PAGE_TEXT, encoding="utf-8")
    script = HERE.parent / "scripts/make-page-photo"
    run([python, script, "page", text, tree / "pictures/page.jpg"])
    for name in ("guest_agent.py", "guest_shelf.py"):
        shutil.copyfile(Path(__file__).with_name(name), tree / name)
    for name, source in (more or {}).items():
        shutil.copyfile(source, tree / name)
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    disk = work / "voxtest.img"
    with disk.open("wb") as stream:
        stream.truncate(32 * MIB)
    run(["mke2fs", "-q", "-t", "ext4", "-L", "VOXTEST", "-E", "root_owner=0:0", "-d", tree, disk])
    return disk
