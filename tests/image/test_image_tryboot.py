"""The module that starts the other slot once: made for the kernel of the root, and for no other."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from imagebuild import tryboot
from imagebuild.errors import CommandFailed, DownloadFailed
from imagebuild.plan import Plan

VERSION = "6.12.117+deb13-arm64"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    cache = tmp_path / "cache"
    cache.mkdir()
    return Plan(tmp_path / "out", cache, 1_767_225_600, "0.0.0", Path("/usr/bin/python3"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    boot = tmp_path / "root/boot"
    boot.mkdir(parents=True)
    (boot / f"vmlinuz-{VERSION}").touch()
    return boot.parent


def test_it_is_made_for_the_one_kernel_of_the_root(root: Path, tmp_path: Path) -> None:
    assert tryboot.kernel_version(root) == VERSION
    with pytest.raises(CommandFailed, match="has 0 kernels"):
        tryboot.kernel_version(tmp_path)
    (root / "boot/vmlinuz-6.12.90+deb13-arm64").touch()
    with pytest.raises(CommandFailed, match="has 2 kernels"):
        tryboot.kernel_version(root)


def test_headers_that_are_gone_leave_an_image_that_says_so(
    plan: Plan,
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def gone(*_: object) -> Path:
        raise DownloadFailed("E: Unable to locate package")

    monkeypatch.setattr(tryboot, "need_tools", lambda _: None)
    monkeypatch.setattr(tryboot, "_headers", gone)
    assert tryboot.install_tryboot(plan, root, tmp_path / "tree") is False
    assert f"cannot be updated: no headers of its kernel {VERSION}" in capsys.readouterr().err
    assert not (tmp_path / "tree").exists()


def test_a_kept_module_is_put_where_depmod_finds_it(
    plan: Plan, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = plan.cache / "kept.ko"
    kept.write_bytes(b"\x7fELF module")
    commands: list[list[object]] = []
    monkeypatch.setattr(tryboot, "build_tryboot", lambda *_: kept)
    monkeypatch.setattr(tryboot, "run", lambda command, **_: commands.append(command))
    tree = tmp_path / "tree"
    assert tryboot.install_tryboot(plan, root, tree)
    placed = tree / f"usr/lib/modules/{VERSION}/updates/{tryboot.NAME}"
    assert placed.read_bytes() == kept.read_bytes()
    assert commands == [["depmod", "-b", tree, VERSION]]


def test_another_source_is_another_module(
    plan: Plan, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept for an older source is not taken."""
    monkeypatch.setattr(tryboot, "_headers", _stop)
    monkeypatch.setattr(tryboot, "need_tools", lambda _: None)
    sources = tmp_path / "sources"
    shutil.copytree(tryboot.SOURCES, sources)
    monkeypatch.setattr(tryboot, "SOURCES", sources)
    seen = set()
    for text in ("/* one */", "/* two */"):
        (sources / "voxedge_tryboot.c").write_text(text)
        with pytest.raises(CommandFailed):
            tryboot.build_tryboot(plan, root, VERSION)
        monkeypatch.setattr(tryboot, "run", _never)
        name = _kept_name(plan, root)
        (plan.cache / name).touch()
        assert tryboot.build_tryboot(plan, root, VERSION).name == name
        seen.add(name)
    assert len(seen) == 2
    assert tryboot.build_tryboot(replace(plan), root, VERSION).name in seen


def _stop(*_: object) -> Path:
    raise CommandFailed("stop here")


def _never(*_: object, **__: object) -> str:
    raise AssertionError("nothing is run for a kept module")


def _kept_name(plan: Plan, root: Path) -> str:
    """Ask the function itself: the name that it looks for."""
    asked: list[str] = []
    exists = Path.exists

    def note(path: Path) -> bool:
        if path.suffix == ".ko":
            asked.append(path.name)
        return exists(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "exists", note)
        with pytest.raises(CommandFailed):
            tryboot.build_tryboot(plan, root, VERSION)
    return asked[0]


@pytest.mark.skipif(not os.environ.get("VOXEDGE_TEST_KERNEL"), reason="fetches 20 MB and compiles")
def test_it_compiles_for_the_kernel_of_the_kept_root(plan: Plan) -> None:
    from imagebuild.plan import default_cache

    root = next(default_cache().glob("root-*"))
    module = tryboot.build_tryboot(plan, root, tryboot.kernel_version(root))
    data = module.read_bytes()
    assert data[18:20] == b"\xb7\x00", "for Arm"
    assert tryboot.kernel_version(root).encode() in data
    assert b"of:N*T*Craspberrypi,bcm2835-firmware" in data
