"""The test of updates: what it makes beforehand, and how it goes on after an interruption."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from imagebuild import steps, trials
from imagebuild.errors import BootTestFailed
from imagebuild.machine import Card
from imagebuild.process import find_tool
from imagebuild.scenario import Report
from imagebuild.steps import Steps
from imagebuild.workshop import MARK, Workshop, make_workshop

NEEDED = (*trials.TOOLS, "zstd", "mcopy", "mke2fs")
MISSING = [name for name in NEEDED if find_tool(name) is None]
needs_tools = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {' '.join(MISSING)}")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Made of a root that holds a reader and nothing else."""
    folder = tmp_path_factory.mktemp("shop")
    tree = folder / "tree"
    (tree / "opt/voxedge/bin").mkdir(parents=True)
    (tree / "etc").mkdir()
    (tree / "etc/filling").write_bytes(os.urandom(100_000))
    (tree / "opt/voxedge/bin/voxedge").write_text("#!/bin/sh\necho well\n")
    image = folder / "voxedge-0-pi4.img.zst"
    for kind in ("rootfs.ext4", "boot.vfat"):
        plain = folder / kind
        if kind == "rootfs.ext4":
            command = ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", tree, plain, "8M"]
        else:
            command = ["mkfs.vfat", "-C", plain, "512"]
        subprocess.run([find_tool(command[0]) or "", *command[1:]], check=True, capture_output=True)
        subprocess.run(
            ["zstd", "-q", plain, "-o", folder / f"voxedge-0-pi4.{kind}.zst"], check=True
        )
    return make_workshop(image, folder)


def taken_from(stick: Path, folder: Path) -> Path:
    """Return the root that the bundle on a stick holds."""
    bundle = folder / "update.raucb"
    subprocess.run(["mcopy", "-n", "-i", stick, "::/update.raucb", bundle], check=True)
    subprocess.run(
        ["unsquashfs", "-q", "-n", "-d", folder / "content", bundle],
        check=True,
        capture_output=True,
    )
    return folder / "content/root.ext4"


@needs_tools
@pytest.mark.parametrize(("kind", "reader"), [("good", "echo well"), ("broken", "exit 1")])
def test_a_stick_brings_a_marked_system(
    tmp_path: Path, shop: Workshop, kind: str, reader: str
) -> None:
    if shutil.which("unsquashfs") is None:
        pytest.skip("squashfs-tools is not installed")
    root = taken_from(getattr(shop, kind), tmp_path)

    def read(path: str) -> str:
        command = [find_tool("debugfs") or "", "-R", f"cat /{path}", root]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert read(MARK) == f"{kind}\n"
    assert reader in read("opt/voxedge/bin/voxedge")
    stat = subprocess.run(
        [find_tool("debugfs") or "", "-R", "stat /opt/voxedge/bin/voxedge", root],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert "Mode:  0755" in stat or kind == "good"


@needs_tools
def test_only_ours_is_signed_by_ours(tmp_path: Path, shop: Workshop) -> None:
    bundle = tmp_path / "update.raucb"
    subprocess.run(["mcopy", "-n", "-i", shop.good, "::/update.raucb", bundle], check=True)

    def verified(path: Path) -> bool:
        command = ["rauc", f"--keyring={shop.certificate}", "info", path]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    assert verified(bundle)
    assert not any(verified(path) for path in shop.refused.values())


@needs_tools
def test_an_image_without_its_file_systems_is_told(tmp_path: Path) -> None:
    with pytest.raises(BootTestFailed, match=r"rootfs\.ext4\.zst"):
        make_workshop(tmp_path / "voxedge-0-pi4.img.zst", tmp_path)


# -- going on --------------------------------------------------------------------------------


def test_a_test_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    assert steps.load(tmp_path, "sha") == Steps("sha")
    now = Steps("sha").after("0 tryboot", ["one", "two"]).after("", ["three"])
    steps.save(tmp_path, now)
    assert steps.load(tmp_path, "sha") == now
    assert (now.done, now.word, now.lines) == (2, "", ("one", "two", "three"))


@pytest.mark.parametrize("text", ["", "[]", '{"image": "sha"}'])
def test_a_damaged_note_and_another_image_are_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "steps.json").write_text(text)
    with pytest.raises(BootTestFailed, match="damaged"):
        steps.load(tmp_path, "sha")
    steps.save(tmp_path, Steps("sha"))
    with pytest.raises(BootTestFailed, match="another image"):
        steps.load(tmp_path, "other")


@pytest.mark.skipif(find_tool("qemu-img") is None, reason="qemu-utils is not installed")
def test_an_interrupted_step_begins_again_on_the_card_of_the_step_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "card.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "1M"], check=True)
    card = Card(disk, tmp_path, tmp_path, "")
    calls: list[tuple[str, str, str]] = []
    interrupted = {"_not_kept"}

    def step(name: str, answer: str) -> None:
        def run(self: trials.Trials, word: str) -> str:
            calls.append((name, word, self._card.disk.name))
            self._report.note(f"seen in {name}")
            if name in interrupted:
                raise KeyboardInterrupt
            return answer

        monkeypatch.setattr(trials.Trials, name, run)

    step("_first_life", "0 tryboot")
    step("_kept", "0 tryboot")
    step("_not_kept", "")
    step("_taken_back", "")

    def go() -> list[str]:
        report = Report(lambda text: None)
        shop = Workshop(tmp_path, tmp_path, tmp_path, {})
        now = steps.load(tmp_path, "sha")
        trials.Trials(card, disk, shop, tmp_path, tmp_path, tmp_path, report, now, 1.0).run()
        return report.lines

    with pytest.raises(KeyboardInterrupt):
        go()
    interrupted.clear()
    lines = go()
    assert calls == [
        ("_first_life", "", "step-1.qcow2"),
        ("_kept", "0 tryboot", "step-2.qcow2"),
        ("_not_kept", "0 tryboot", "step-3.qcow2"),
        ("_not_kept", "0 tryboot", "step-3.qcow2"),
        ("_taken_back", "", "step-4.qcow2"),
    ]
    names = ("_first_life", "_kept", "_not_kept", "_taken_back")
    assert lines == [f"seen in {name}" for name in names]
    told = subprocess.run(
        ["qemu-img", "info", tmp_path / "step-3.qcow2"], check=True, capture_output=True, text=True
    ).stdout
    assert "step-2.qcow2" in told
