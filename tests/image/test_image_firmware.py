"""The firmware's part as the boot test plays it: which partition starts, and how Linux is told."""

import shutil
import subprocess
from pathlib import Path

import pytest
from imagebuild import firmware
from imagebuild.errors import BootTestFailed
from imagebuild.firmware import chosen_partition, power_on, with_bootloader
from imagebuild.layout import LAYOUT, offset_mib
from imagebuild.machine import Card
from imagebuild.plan import HERE, MIB
from imagebuild.process import find_tool

from voxedge.system.autoboot import PARTITIONS, Autoboot, other
from voxedge.system.update import TRYBOOT_A_B

SHIPPED = (HERE / "boot/autoboot.txt").read_text(encoding="ascii")


@pytest.mark.parametrize("slot", ["A", "B"])
def test_the_firmware_and_the_update_read_the_same(slot: str) -> None:
    """Two readers of one file, written apart from each other."""
    text = Autoboot(slot).text()
    assert chosen_partition(text, trial=False) == PARTITIONS[slot]
    assert chosen_partition(text, trial=True) == PARTITIONS[other(slot)]


@pytest.mark.parametrize(
    ("text", "plain", "trial"),
    [
        (SHIPPED, 2, 3),
        ("boot_partition=2\n", 2, 2),
        ("[all]\r\nboot_partition=2\r\n[tryboot]\r\nboot_partition=3\r\n", 2, 3),
        ("[tryboot]\nboot_partition=3\n[all]\nboot_partition=2\n", 2, 2),
        ("[none]\nboot_partition=5\n", 0, 0),
        ("# [all]\n#boot_partition=2\n", 0, 0),
        ("", 0, 0),
        ("#" * 600 + "\nboot_partition=2\n", 0, 0),
    ],
)
def test_sections_hold_from_their_line_on(text: str, plain: int, trial: int) -> None:
    assert chosen_partition(text, trial=False) == plain
    assert chosen_partition(text, trial=True) == trial


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    if find_tool("qemu-system-aarch64") is None:
        pytest.skip("qemu-system-arm is not installed")
    return firmware._bare_tree(tmp_path_factory.mktemp("tree"))


@pytest.mark.parametrize(("partition", "trial"), [(2, False), (3, True)])
def test_linux_reads_what_was_started(
    tmp_path: Path, tree: bytes, partition: int, trial: bool
) -> None:
    """The device-tree compiler's own reader, on the tree of the real emulator."""
    if shutil.which("fdtget") is None:
        pytest.skip("device-tree-compiler is not installed")
    path = tmp_path / "board.dtb"
    path.write_bytes(with_bootloader(tree, partition, trial))

    def get(node: str, name: str) -> str:
        command = ["fdtget", path, node, name]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert get("/chosen/bootloader", "partition") == str(partition)
    assert get("/chosen/bootloader", "tryboot") == str(int(trial))
    assert int(get("/chosen/bootloader", "capabilities")) & TRYBOOT_A_B
    assert get("/cpus/cpu@0", "compatible") == "arm,cortex-a72"


@pytest.mark.parametrize("tree", [b"", bytes(40), bytes.fromhex("d00dfeed") + bytes(36)])
def test_what_is_no_device_tree_is_refused(tree: bytes) -> None:
    with pytest.raises(BootTestFailed, match="device tree"):
        with_bootloader(tree, 2, trial=False)


@pytest.fixture
def card(tmp_path: Path) -> Card:
    """A card with the real layout; both boot partitions hold a kernel that names its slot."""
    tools = ("qemu-img", "mkfs.vfat", "mcopy")
    missing = [name for name in tools if find_tool(name) is None]
    if missing:
        pytest.skip(f"not installed: {' '.join(missing)}")
    raw = tmp_path / "card.img"
    with raw.open("wb") as stream:
        stream.truncate((offset_mib("ROOT_A") + 8) * MIB)
    for label in ("SELECTOR", "BOOT_A", "BOOT_B"):
        start, size = offset_mib(label), next(p.size_mib for p in LAYOUT if p.label == label)
        subprocess.run(
            [find_tool("mkfs.vfat") or "", "-n", "X", "--offset", str(start * MIB // 512), raw,
             str(size * 1024)],
            check=True, capture_output=True,
        )  # fmt: skip
        names = (
            ["autoboot.txt"] if label == "SELECTOR" else ["vmlinuz", "initrd.img", "cmdline.txt"]
        )
        for name in names:
            file = tmp_path / name
            file.write_text(SHIPPED if label == "SELECTOR" else f"{name} of {label}\n")
            subprocess.run(["mcopy", "-i", f"{raw}@@{start}M", file, "::/"], check=True)
    disk = tmp_path / "card.qcow2"
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", raw, disk]
    subprocess.run(command, check=True)
    return Card(disk, raw, raw, "")


def test_the_flag_is_for_one_start(tmp_path: Path, card: Card, tree: bytes) -> None:
    (tmp_path / "bare.dtb").write_bytes(tree)
    trial = power_on(card, tmp_path, "0 tryboot")
    assert (trial.partition, trial.trial) == (3, True)
    assert trial.card.kernel.read_text() == "vmlinuz of BOOT_B\n"
    assert trial.card.tree is not None
    after = power_on(card, tmp_path)
    assert (after.partition, after.trial) == (2, False)
    assert after.card.cmdline == "cmdline.txt of BOOT_A"
    assert after.card.disk == card.disk
