"""Two builds are compared to the byte, and what differs is named."""

import os
import subprocess
from pathlib import Path

import pytest
from imagebuild import compare
from imagebuild.errors import BuildsDiffer, CommandFailed
from imagebuild.process import find_tool

TOOLS = ("zstd", "debugfs", "mke2fs")
MISSING = [name for name in TOOLS if find_tool(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {' '.join(MISSING)}")


def build(folder: Path, files: dict[str, bytes]) -> Path:
    """What a build leaves, small: an image, a root, a bill of materials."""
    tree = folder / "tree"
    (tree / "etc").mkdir(parents=True)
    for name, data in files.items():
        (tree / name).write_bytes(data)
        os.utime(tree / name, (1000, 1000))
    root = folder / "root"
    env = {**os.environ, "E2FSPROGS_FAKE_TIME": "1000"}
    subprocess.run(
        [find_tool("mke2fs") or "", "-q", "-t", "ext4", "-b", "4096", "-O", "^has_journal",
         "-U", "clear", "-E", "hash_seed=12345678-0000-4000-8000-000000000000",
         "-d", tree, root, "4M"],
        check=True, env=env,
    )  # fmt: skip
    out = folder / "out"
    out.mkdir()
    for name in ("voxedge-0-pi4.img.zst", "voxedge-0-pi4.rootfs.ext4.zst"):
        subprocess.run(["zstd", "-q", root, "-o", out / name], check=True)
    (out / "voxedge-0-pi4.sbom.json").write_text("{}")
    return out


def test_a_build_equals_its_copy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = build(tmp_path / "1", {"etc/hostname": b"voxedge\n"})
    assert compare.main([str(first), str(first), "--work", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.count("equal, sha256") == 3
    assert said.endswith("The two builds are equal to the byte.\n")


def test_the_file_that_differs_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "need_space", lambda folder, needed: None)
    same = {"etc/hostname": b"voxedge\n" * 1000}
    first = build(tmp_path / "1", {**same, "etc/changing": b"a" * 9000})
    second = build(tmp_path / "2", {**same, "etc/changing": b"b" * 9000})
    code = compare.main([str(first), str(second), "--work", str(tmp_path)])
    assert code == BuildsDiffer.exit_code
    told = capsys.readouterr()
    assert "/etc/changing" in told.out
    assert "hostname" not in told.out
    assert "rootfs.ext4.zst" in told.err
    assert not list(tmp_path.glob("voxedge-compare-*"))


def test_other_files_and_no_build_are_told(tmp_path: Path) -> None:
    first = build(tmp_path / "1", {})
    with pytest.raises(CommandFailed, match="no finished build"):
        list(compare.compare(first, tmp_path, tmp_path))
    second = tmp_path / "second"
    second.mkdir()
    (second / "voxedge-0-pi4.img.zst").write_bytes(b"")
    with pytest.raises(BuildsDiffer, match="other files"):
        list(compare.compare(first, second, tmp_path))


def test_what_only_one_has_differs(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(bytes(compare.BLOCK * 3))
    two.write_bytes(bytes(compare.BLOCK) + b"x" + bytes(compare.BLOCK * 3 - 1))
    assert compare.differing_blocks(one, two) == [1, 3]
