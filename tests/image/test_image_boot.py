"""The built image boots on an emulated Cortex-A72. Skipped where no image was built.

``VOXEDGE_IMAGE`` names one; else the newest below ``build/image`` is taken. The full test, which
reads a page and pulls the plug, is run by hand (docs/integrators/image.md).
"""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from imagebuild import boottest
from imagebuild.errors import BootTestFailed, ToolMissing
from imagebuild.machine import CMDLINE_LIMIT, Card, Machine, restart_word
from imagebuild.process import find_tool
from imagebuild.pulls import saved_numbers
from imagebuild.testdisk import make_test_disk

REPO = Path(__file__).resolve().parents[2]


def image() -> Path:
    named = os.environ.get("VOXEDGE_IMAGE")
    if named:
        return Path(named)
    try:
        return boottest.newest_image(REPO / "build/image")
    except BootTestFailed as error:
        pytest.skip(str(error))


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_the_image_boots_and_the_reader_is_ready(tmp_path: Path) -> None:
    missing = [name for name in boottest.TOOLS if find_tool(name) is None]
    if missing:
        pytest.skip(f"not installed: {' '.join(missing)}")
    log = tmp_path / "log"
    command = [REPO / "image-build/boot-test", image(), "--quick", "--log", log]
    subprocess.run([*command, "--work", tmp_path, "--python", sys.executable], check=False)
    assert "passed in" in log.read_text(), log.read_text()


def test_no_image_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BootTestFailed, match="image-build/build first"):
        boottest.newest_image(tmp_path)


def test_a_missing_emulator_is_an_error_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagebuild.process.shutil.which", lambda name, path=None: None)
    log = tmp_path / "log"
    assert boottest.main(["--log", str(log)]) == ToolMissing.exit_code
    assert "qemu-system-arm" in log.read_text()


def test_numbers_that_were_saved_when_the_plug_was_pulled(tmp_path: Path) -> None:
    """The last line may be half a one: it was never promised."""
    path = tmp_path / "saved"
    assert saved_numbers(path) == set()
    path.write_text("1\n2\n17")
    assert saved_numbers(path) == {1, 2}
    path.write_text("1\nTraceback\n3\n")
    assert saved_numbers(path) == {1, 3}


def test_the_test_s_units_fit_the_kernel_command_line(tmp_path: Path) -> None:
    """What is longer than 2,047 characters the kernel cuts off without a word."""
    cmdline = (REPO / "image-build/boot/cmdline.txt").read_text().strip()
    card = Card(tmp_path / "disk", tmp_path / "kernel", tmp_path / "initrd", cmdline)
    machine = Machine.__new__(Machine)
    machine.log, machine.saved, machine._socket = (tmp_path / name for name in "abc")
    machine._sticks, machine._steady = (), True
    words = machine._command(card, tmp_path / "test", ("voxedge.service", "voxedge.socket") * 2)
    assert len(words[words.index("-append") + 1]) < CMDLINE_LIMIT - 64


WAIT_FOR_INTERRUPT, BRANCH_BACK = 0xD503207F, 0x17FFFFFF
"""A64: wfi; b -4."""


@pytest.mark.parametrize(
    ("console", "word"),
    [
        ("[  1.2] reboot: Restarting system with command '0 tryboot'\n", "0 tryboot"),
        ("[  1.2] reboot: Restarting system\n", ""),
        ("[  1.2] reboot: Power down\n", None),
        ("Kernel panic - not syncing\nRebooting in 10 seconds..\n", None),
        ("", None),
    ],
)
def test_the_word_of_a_restart_is_what_the_kernel_says_last(console: str, word: str | None) -> None:
    assert restart_word(console) == word


def test_a_stick_is_put_in_by_the_emulator(tmp_path: Path) -> None:
    """qemu itself, with a guest that sleeps: the stick is behind its USB port after ``plug``."""
    if find_tool("qemu-system-aarch64") is None:
        pytest.skip("qemu-system-arm is not installed")
    for name in ("kernel", "initrd", "test", "stick"):
        (tmp_path / name).write_bytes(bytes(1 << 20))
    (tmp_path / "kernel").write_bytes(struct.pack("<II", WAIT_FOR_INTERRUPT, BRANCH_BACK))
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", tmp_path / "disk", "1M"], check=True)
    card = Card(tmp_path / "disk", tmp_path / "kernel", tmp_path / "initrd", "ro")
    machine = Machine(
        card, tmp_path / "test", tmp_path, "life", sticks=[tmp_path / "stick"], steady=True
    )
    try:
        machine.connect(30).close()
        machine.plug()
        with pytest.raises(BootTestFailed, match="no stick 1"):
            machine.plug(1)
        with pytest.raises(BootTestFailed, match="does not take"):
            machine.plug(0)  # It is in already.
    finally:
        machine.pull_plug()


def test_the_test_disk_has_a_page_and_the_agent(tmp_path: Path) -> None:
    if find_tool("mke2fs") is None or find_tool("debugfs") is None:
        pytest.skip("e2fsprogs is not installed")
    disk = make_test_disk(Path(sys.executable), tmp_path)
    listed = subprocess.run(
        [find_tool("debugfs") or "", "-R", "ls -p /", disk],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in ("guest_agent.py", "guest_shelf.py", "pictures"):
        assert f"/{name}/" in listed
    assert (tmp_path / "testdisk/pictures/page.jpg").stat().st_size > 10_000
