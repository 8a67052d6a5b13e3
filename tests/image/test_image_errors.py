"""Every way in which a build can fail: its message, its exit code, and nothing half left behind."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from imagebuild import command, debian, root, wheels
from imagebuild.emulator import need_emulator
from imagebuild.errors import (
    CommandFailed,
    DoesNotFit,
    DownloadCorrupt,
    EmulatorMissing,
    ImageError,
    NeedsRoot,
    NoSpace,
    ToolMissing,
    WrongArchitecture,
)
from imagebuild.plan import Plan
from imagebuild.process import need_tools, run
from imagebuild.tree import check_machine_code, check_no_password

REPO = Path(__file__).resolve().parents[2]


def plan(folder: Path) -> Plan:
    return Plan(folder / "out", folder / "cache", 1_767_225_600, "0", Path(sys.executable))


def subclasses(kind: type) -> set[type]:
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


def test_every_failure_has_an_exit_code_of_its_own() -> None:
    codes = [kind.exit_code for kind in subclasses(ImageError) if kind is not ImageError]
    assert len(codes) == len(set(codes)) >= 10
    assert not {0, 1, 2, 130} & set(codes)


def test_every_exit_code_is_in_the_documentation() -> None:
    text = (REPO / "docs/integrators/image.md").read_text(encoding="utf-8")
    for kind in subclasses(ImageError) - {ImageError}:
        assert f"| {kind.exit_code} |" in text, kind


def test_missing_tools_are_all_named_with_their_packages() -> None:
    with pytest.raises(ToolMissing, match=r"mmdebstrapx, zstdx") as failure:
        need_tools(["sh", "zstdx", "mmdebstrapx"][::-1])
    assert "apt-get install" in str(failure.value)


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(ToolMissing, match="no-such-program"):
        run(["no-such-program"])


def test_no_emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagebuild.emulator.find_tool", lambda name: None)
    with pytest.raises(EmulatorMissing, match="qemu-user-static"):
        need_emulator(tmp_path, machine="x86_64")


def test_an_emulator_that_the_kernel_does_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagebuild.emulator.find_tool", lambda name: "/usr/bin/true")
    (tmp_path / "register").mkdir()
    with pytest.raises(EmulatorMissing, match="could not be registered"):
        need_emulator(tmp_path, machine="x86_64")


def test_a_registered_emulator_needs_the_flag_f(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagebuild.emulator.find_tool", lambda name: None)
    rule = tmp_path / "qemu-aarch64"
    rule.write_text("enabled\ninterpreter /usr/bin/qemu-aarch64\nflags: OC\n")
    with pytest.raises(EmulatorMissing):
        need_emulator(tmp_path, machine="x86_64")
    rule.write_text("enabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: OCF\n")
    need_emulator(tmp_path, machine="x86_64")


def test_an_arm_machine_needs_no_emulator(tmp_path: Path) -> None:
    need_emulator(tmp_path, machine="aarch64")


def test_not_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NeedsRoot, match="sudo"):
        debian.build(plan(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_too_little_space_is_said_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1))
    with pytest.raises(NoSpace, match="needs 4"):
        root.need_space(tmp_path, 4 << 30)


@pytest.mark.parametrize(
    "sign", ["write: No space left on device", "Disk full", "Could not allocate block in ext2"]
)
def test_a_full_disk_is_told_from_other_failures(sign: str) -> None:
    with pytest.raises(NoSpace):
        run(["sh", "-c", f"echo '{sign}' >&2; exit 1"])
    with pytest.raises(CommandFailed, match="exit code 3"):
        run(["sh", "-c", "echo broken >&2; exit 3"])


def test_a_really_full_disk() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full")
    with pytest.raises(NoSpace):
        run(["dd", "if=/dev/zero", "of=/dev/full", "bs=1", "count=1"])


def test_a_disk_that_fills_up_between_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(plan: Plan) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device", "some.img")

    monkeypatch.setattr(debian, "build", fails)
    monkeypatch.setattr(signal, "signal", lambda *arguments: None)
    assert command.main(["--python", sys.executable]) == NoSpace.exit_code
    assert "some.img" in capsys.readouterr().err


def test_no_python_for_voxedge(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        code = command.main(["--python", str(tmp_path / "python")])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert code == ToolMissing.exit_code
    assert "--python" in capsys.readouterr().err


def wheel(folder: Path, name: str, members: dict[str, bytes]) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return path


ELF_X86 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00" + bytes(44)
ELF_ARM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00" + bytes(44)


def test_a_wheel_for_another_processor(tmp_path: Path) -> None:
    wheel(tmp_path, "a-1-cp313-cp313-manylinux_2_28_x86_64.whl", {"a.py": b""})
    with pytest.raises(WrongArchitecture, match="a-1-cp313"):
        wheels.check_wheels(tmp_path)


def test_a_wheel_that_says_arm_and_holds_another_library(tmp_path: Path) -> None:
    name = "a-1-cp313-cp313-manylinux_2_28_aarch64.whl"
    wheel(tmp_path, name, {"a/_a.so": ELF_ARM})
    wheels.check_wheels(tmp_path)
    wheel(tmp_path, name, {"a/_a.so": ELF_ARM, "a.libs/libb.so.1.2": ELF_X86})
    with pytest.raises(WrongArchitecture, match=r"libb\.so"):
        wheels.check_wheels(tmp_path)


def test_a_program_for_another_processor_in_the_tree(tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(ELF_ARM)
    check_machine_code(tmp_path)
    (tmp_path / "bad").write_bytes(ELF_X86)
    with pytest.raises(WrongArchitecture, match="bad"):
        check_machine_code(tmp_path)


def test_a_wheel_that_is_cut_off(tmp_path: Path) -> None:
    whole = wheel(tmp_path, "a-1-py3-none-any.whl", {"a.py": b"x" * 1000}).read_bytes()
    (tmp_path / "a-1-py3-none-any.whl").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DownloadCorrupt, match="damaged"):
        wheels.check_wheels(tmp_path)


def test_a_wheel_that_leaves_its_folder(tmp_path: Path) -> None:
    path = wheel(tmp_path, "a-1-py3-none-any.whl", {"../../../../../escaped": b""})
    with pytest.raises(DownloadCorrupt, match="escaped"):
        wheels.install_wheels([path], tmp_path / "tree")
    assert not (tmp_path / "escaped").exists()


def test_a_download_with_another_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip itself, offline: the file is there and is not the one that was promised."""
    offered = tmp_path / "offered"
    offered.mkdir()
    metadata = b"Metadata-Version: 2.1\nName: promised\nVersion: 1\n"
    members = {"promised.py": b"", "promised-1.dist-info/METADATA": metadata}
    wheel(offered, "promised-1-py3-none-any.whl", members)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(offered))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    block = f"promised==1 \\\n    --hash=sha256:{'0' * 64}"
    with pytest.raises(DownloadCorrupt, match=r"device\.lock"):
        wheels._download(plan(tmp_path), [block], offered, [])


def test_an_account_without_a_lock() -> None:
    check_no_password("root:*:1::::::\nvoxedge:!*:1::::::\n")
    for shadow in ("root::1::::::\n", "root:$y$j9T$abc:1::::::\n"):
        with pytest.raises(CommandFailed, match="root"):
            check_no_password(shadow)


LONG_STEP = """
import signal, sys
sys.path.insert(0, {image_build!r})
from pathlib import Path
from imagebuild.process import run

def stop(number, frame):
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, stop)
# As mmdebstrap: it puts things away when it is asked to end, and has programs of its own.
step = "trap 'echo away > {folder}/away; exit 1' TERM; sleep 300 & echo $! > {folder}/child; wait"
run(["sh", "-c", step])
"""


def test_an_interrupted_step_puts_its_things_away_and_leaves_no_program(tmp_path: Path) -> None:
    script = LONG_STEP.format(image_build=str(REPO / "image-build"), folder=tmp_path)
    build = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    child = tmp_path / "child"
    deadline_s = time.monotonic() + 30
    while not (child.exists() and child.read_text().strip()):
        assert time.monotonic() < deadline_s, "the step did not begin"
        time.sleep(0.02)
    build.send_signal(signal.SIGTERM)
    build.wait(30)
    assert (tmp_path / "away").read_text() == "away\n"
    # Killed; on a busy machine it takes a moment until it is gone.
    while _runs(int(child.read_text())):
        assert time.monotonic() < deadline_s, "a program of the step goes on"
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_mounts_below_a_tree_are_found_innermost_first(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    tree = tmp_path / "root new"
    tree.mkdir()
    written = str(tree).replace(" ", "\\040")
    table.write_text(
        f"1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:5 / {written}/proc rw - proc proc rw\n"
        f"3 2 0:6 / {written}/proc/sys/fs/binfmt_misc rw - binfmt_misc binfmt_misc rw\n"
        f"4 1 0:7 / {written}er/proc rw - proc proc rw\n"
    )
    assert root.mounts_below(tree, table) == [
        tree / "proc/sys/fs/binfmt_misc",
        tree / "proc",
    ]


INTERRUPTED_BUILD = """
import signal, sys, time

# A shell that starts tests in the background has them ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {image_build!r})
from pathlib import Path
from types import SimpleNamespace
from imagebuild import command, debian

debian.need_tools = lambda names: None
debian.need_space = lambda folder, needed: None
debian.prepare_root = debian.prepare_wheels = debian.prepare_models = lambda plan: Path("/nowhere")
debian.os.geteuid = lambda: 0

def half(plan, folder):
    folder.mkdir()
    (folder / "half.img").write_bytes(b"half an image")
    print("half way", flush=True)
    time.sleep(60)

debian.build_own_wheel = half
sys.exit(command.main(["--output", {output!r}, "--python", sys.executable]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_build_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    output = tmp_path / "out"
    script = INTERRUPTED_BUILD.format(image_build=str(REPO / "image-build"), output=str(output))
    build = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1767225600"},
    )
    assert build.stdout is not None
    assert build.stdout.readline() == "half way\n"
    build.send_signal(number)
    _, said = build.communicate(timeout=30)
    assert build.returncode == 130
    assert "interrupted" in said
    assert list(output.iterdir()) == []


def test_what_a_killed_build_left_is_swept_away_by_the_next(tmp_path: Path) -> None:
    dead = subprocess.run(["sh", "-c", "echo $$"], check=True, capture_output=True, text=True)
    output = tmp_path / "out"
    left = output / f".work-{dead.stdout.strip()}"
    left.mkdir(parents=True)
    running = output / f".work-{os.getppid()}"
    running.mkdir()
    with debian._workplace(plan(tmp_path)) as work:
        assert work.is_dir()
        assert not left.exists()
        assert running.exists()
    assert not work.exists()


def test_an_image_that_is_too_large_gets_no_final_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("zstd") is None:
        pytest.skip("zstd is not installed")
    monkeypatch.setattr(debian, "COMPRESSED_LIMIT", 10)
    work = tmp_path / "work"
    work.mkdir()
    what = plan(tmp_path)
    what.output.mkdir()
    for name in (f"{what.name}.img", "rootfs.ext4", "boot.vfat"):
        (work / name).write_bytes(os.urandom(4096))
    with pytest.raises(DoesNotFit):
        debian._finish(what, work / f"{what.name}.img", tmp_path, work)
    assert list(what.output.iterdir()) == []


def test_the_wait_for_a_step_is_not_endless() -> None:
    """The emulator is given up on, not waited for: BootTestFailed within its time."""
    from imagebuild.errors import BootTestFailed
    from imagebuild.twin import wait_finished

    begun_s = time.monotonic()
    with pytest.raises(BootTestFailed, match="not read"):
        wait_finished(lambda: {"document": None, "state": "idle", "speaking": False}, 0.6)
    assert time.monotonic() - begun_s < 30
