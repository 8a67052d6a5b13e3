"""The card's table and file systems, made by the real tools."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from imagebuild import layout, tree
from imagebuild.errors import DoesNotFit
from imagebuild.layout import (
    LAYOUT,
    Partition,
    assemble,
    image_mib,
    make_ext4,
    make_fat,
    offset_mib,
)
from imagebuild.plan import MIB, Plan
from imagebuild.process import find_tool
from imagebuild.times import clamp_times

TOOLS = ("sfdisk", "mkfs.vfat", "mcopy", "mke2fs", "debugfs", "dumpe2fs")
MISSING = [name for name in TOOLS if find_tool(name) is None]
needs_tools = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {' '.join(MISSING)}")

SMALL = (
    Partition("SELECTOR", 16, layout._FAT),
    Partition("BOOT_A", 8, layout._FAT),
    Partition("ROOT_A", 16, layout._LINUX),
    Partition("DATA", 16, layout.DATA_TYPE),
)


def plan(folder: Path, epoch: int = 1_767_225_600) -> Plan:
    return Plan(folder, folder, epoch, "0", Path(sys.executable))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same layout with small partitions; the FAT kind follows from the size."""
    monkeypatch.setattr(layout, "LAYOUT", SMALL)


def test_the_firmware_counts_the_boot_partitions_as_autoboot_does() -> None:
    labels = [partition.label for partition in LAYOUT]
    assert labels == ["SELECTOR", "BOOT_A", "BOOT_B", "ROOT_A", "ROOT_B", "DATA"]


def test_partitions_begin_on_erase_blocks_and_do_not_overlap() -> None:
    end = 4
    for partition in LAYOUT:
        assert offset_mib(partition.label) == end
        assert offset_mib(partition.label) % 4 == 0
        end += partition.size_mib
    assert image_mib() == end + 1


def test_slots_are_equally_large_and_the_card_fits_8_gb() -> None:
    sizes = {partition.label: partition.size_mib for partition in LAYOUT}
    assert sizes["BOOT_A"] == sizes["BOOT_B"]
    assert sizes["ROOT_A"] == sizes["ROOT_B"]
    assert image_mib() * MIB < 7_400_000_000


def test_a_label_that_is_not_on_the_card() -> None:
    with pytest.raises(KeyError):
        offset_mib("ROOT_C")


def test_identifiers_are_the_same_for_the_same_version_and_differ_otherwise(tmp_path: Path) -> None:
    first, second = plan(tmp_path), plan(tmp_path, 1_767_225_601)
    assert layout.fixed_uuid(first, "DATA") == layout.fixed_uuid(first, "DATA")
    assert layout.fixed_uuid(first, "DATA") != layout.fixed_uuid(second, "DATA")
    assert layout.fixed_uuid(first, "DATA") != layout.fixed_uuid(first, "ROOT_A")


@needs_tools
def test_an_image_holds_what_was_put_into_it(tmp_path: Path, small: None) -> None:
    file = tmp_path / "autoboot.txt"
    file.write_text("[all]\n")
    tree = tmp_path / "tree"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/hostname").write_text("voxedge\n")
    what = plan(tmp_path)
    selector, root = tmp_path / "selector", tmp_path / "root"
    make_fat(what, selector, "SELECTOR", {"autoboot.txt": file, "overlays/x.dtbo": file})
    make_ext4(what, root, "ROOT_A", tree, journal=False)
    image = tmp_path / "card.img"
    assemble(what, image, {"SELECTOR": selector, "ROOT_A": root})

    table = subprocess.run(
        [find_tool("sfdisk") or "", "--dump", image], check=True, capture_output=True, text=True
    ).stdout
    assert [f'name="{p.label}"' in table for p in SMALL] == [True] * 4
    assert layout.DATA_TYPE in table
    place = f"{image}@@{layout.offset_mib('SELECTOR')}M"
    listed = subprocess.run(
        ["mdir", "-b", "-/", "-i", place, "::"], check=True, capture_output=True, text=True
    ).stdout
    assert "autoboot.txt" in listed
    assert "overlays" in listed
    with image.open("rb") as stream:
        stream.seek(layout.offset_mib("ROOT_A") * MIB)
        assert stream.read(16 * MIB) == root.read_bytes()
    # A place that nothing was copied to stays a hole.
    assert image.stat().st_blocks * 512 < image.stat().st_size / 2


@needs_tools
def test_the_same_tree_gives_the_same_bytes_whenever_it_was_copied(
    tmp_path: Path, small: None
) -> None:
    digests = []
    for number in range(2):
        tree = tmp_path / f"tree{number}"
        (tree / "usr/bin").mkdir(parents=True)
        for name in ("one", "two"):
            path = tree / "usr/bin" / name
            path.write_text(name * 100)
            os.utime(path, (1000, 1000))
        (tree / "bin").symlink_to("usr/bin")
        for path in (tree / "usr/bin", tree / "usr", tree):
            os.utime(path, (1000, 1000))
        os.utime(tree / "bin", (1000, 1000), follow_symlinks=False)
        (tree / "usr/bin/one").read_text()  # The time of the last access differs as well.
        target = tmp_path / f"{number}.ext4"
        make_ext4(plan(tmp_path), target, "ROOT_A", tree, journal=False)
        digests.append(hashlib.sha256(target.read_bytes()).hexdigest())
        _wait_for_another_second()
    assert digests[0] == digests[1]


def _wait_for_another_second() -> None:
    """ctime cannot be set: the copies must really be made at different times."""
    now = int(time.time())
    while int(time.time()) == now:
        time.sleep(0.05)


@needs_tools
def test_a_tree_put_together_at_another_time_gives_the_same_bytes(
    tmp_path: Path, small: None
) -> None:
    """What the work leaves in the tree, the check on the Cortex-A72 among it, is settled."""
    digests = []
    for number in range(2):
        root = tmp_path / f"tree{number}"
        for folder in ("usr/lib/models/voice", "etc", "var", "run", "tmp", "root"):
            (root / folder).mkdir(parents=True)
        (root / "etc/old").write_text("old\n")
        os.utime(root / "etc/old", (1000, 1000))
        (root / "usr/lib/models/voice/ready").write_text("made by the check\n")
        (root / "run/gate.py").write_text(f"of build {number}\n")
        (root / "tmp/left").write_text(f"of build {number}\n")
        (root / "etc/link").symlink_to("old")
        tree.settle(plan(tmp_path), root)
        assert list((root / "run").iterdir()) == list((root / "tmp").iterdir()) == []
        assert (root / "etc/old").stat().st_mtime == 1000
        target = tmp_path / f"{number}.ext4"
        make_ext4(plan(tmp_path), target, "ROOT_A", root, journal=False)
        digests.append(hashlib.sha256(target.read_bytes()).hexdigest())
        _wait_for_another_second()
    assert digests[0] == digests[1]


def test_only_what_is_later_gets_another_time(tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    folder.mkdir()
    for name, time_s in (("before", 1000), ("after", 3000)):
        (folder / name).write_text(name)
        os.utime(folder / name, (time_s, time_s))
    clamp_times(folder, 2000, 1500)
    assert (folder / "before").stat().st_mtime == 1000
    assert (folder / "after").stat().st_mtime == 1500
    assert folder.stat().st_mtime == 1500


@needs_tools
def test_a_tree_that_is_too_large_is_said_so(tmp_path: Path, small: None) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "large").write_bytes(os.urandom(20 * MIB))
    with pytest.raises(DoesNotFit, match="ROOT_A has 16 MiB"):
        make_ext4(plan(tmp_path), tmp_path / "x", "ROOT_A", tree, journal=False)
    with pytest.raises(DoesNotFit, match="BOOT_A has 8 MiB"):
        make_fat(plan(tmp_path), tmp_path / "x", "BOOT_A", {"large": tree / "large"})


def test_used_inodes_are_those_that_are_not_free() -> None:
    dump = (
        "Inode count:              32\nFree inodes:              25\n"
        "Group 0: (Blocks 0-99)\n  Free inodes: 6, 9-16\n"
        "Group 1: (Blocks 100-199)\n  Free inodes: 17-32\n"
    )
    assert layout.used_inodes(dump) == [2, 3, 4, 5, 7, 8]


@needs_tools
def test_e2fsck_finds_nothing_to_mend(tmp_path: Path, small: None) -> None:
    fsck = find_tool("e2fsck") or shutil.which("e2fsck")
    if fsck is None:
        pytest.skip("e2fsck is not installed")
    tree = tmp_path / "tree"
    (tree / "voxedge").mkdir(parents=True)
    target = tmp_path / "data"
    make_ext4(plan(tmp_path), target, "DATA", tree, journal=True)
    done = subprocess.run([fsck, "-fn", target], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
