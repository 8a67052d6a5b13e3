"""What the image is made of agrees with itself and with voxedge."""

import json
import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagebuild import root, rpios
from imagebuild.blockmap import BLOCK, block_map, mapped_ranges
from imagebuild.gate import MODULES
from imagebuild.initramfs import cpio, with_scripts
from imagebuild.layout import DATA_TYPE, LAYOUT
from imagebuild.mirror import sources_list
from imagebuild.plan import HERE, Plan
from imagebuild.process import find_tool
from imagebuild.rpios import SHARED_FILES
from imagebuild.sbom import bill_of_materials
from imagebuild.wheels import LOCK, SOURCE_ONLY, install_wheels, read_lock

from voxedge.system.autoboot import parse_autoboot

REPO = HERE.parent
LABELS = {partition.label for partition in LAYOUT}
OVERLAY = HERE / "overlay"


def test_autoboot_starts_slot_a_and_is_what_the_update_would_write() -> None:
    text = (HERE / "boot/autoboot.txt").read_text(encoding="ascii")
    assert parse_autoboot(text).committed == "A"
    assert parse_autoboot(text).text() == text


def test_the_firmware_reads_every_line_of_config_txt() -> None:
    lines = (HERE / "boot/config.txt").read_text(encoding="ascii").splitlines()
    assert max(map(len, lines)) <= 98
    settings = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
    assert settings["arm_64bit"] == "1"
    assert settings["kernel"] == "vmlinuz"


def test_the_kernel_command_line_is_one_line_with_a_root_of_the_card() -> None:
    text = (HERE / "boot/cmdline.txt").read_text(encoding="ascii")
    assert text.count("\n") == 1
    assert "root=PARTLABEL=ROOT_A" in text.split()
    assert "ro" in text.split()


def test_fstab_names_partitions_of_the_card_and_only_data_is_written() -> None:
    rows = [
        line.split()
        for line in (OVERLAY / "etc/fstab").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    named = {row[0].removeprefix("PARTLABEL="): row for row in rows if "PARTLABEL=" in row[0]}
    assert set(named) == {"DATA", "SELECTOR"}
    assert set(named) <= LABELS
    # A card with a damaged partition must still start.
    assert all("nofail" in row[3] for row in named.values())
    # StateDirectory= would make such a mount a condition of the reader's start.
    assert not any(row[1].startswith("/var/lib/voxedge") for row in rows)


def test_only_data_may_grow() -> None:
    text = (OVERLAY / "usr/lib/repart.d/50-data.conf").read_text().lower()
    assert f"type={DATA_TYPE.lower()}" in text
    assert [p.label for p in LAYOUT if p.type_uuid.lower() == DATA_TYPE.lower()] == ["DATA"]
    assert len(list((OVERLAY / "usr/lib/repart.d").iterdir())) == 1


def test_the_hardware_watchdog_is_fed_within_what_the_pi_can_count() -> None:
    text = (OVERLAY / "etc/systemd/system.conf.d/voxedge.conf").read_text()
    found = re.search(r"^RuntimeWatchdogSec=(\d+)$", text, re.MULTILINE)
    assert found is not None
    assert int(found[1]) < 15


def test_the_image_has_no_hook_of_the_boot_test() -> None:
    for path in (*OVERLAY.rglob("*"), *(HERE / "boot").iterdir(), *(HERE / "initramfs").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            assert b"voxtest" not in path.read_bytes(), path


@pytest.mark.parametrize(
    "script",
    [p for p in (HERE / "initramfs").rglob("*") if p.is_file() and p.parent.name != "conf.d"],
    ids=lambda path: path.name,
)
def test_boot_scripts_parse_and_say_what_they_need(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True)
    said = subprocess.run(["sh", script, "prereqs"], check=True, capture_output=True, text=True)
    assert said.stdout == ""
    assert script.stat().st_mode & 0o100


@pytest.mark.parametrize(
    ("number", "expected"), [(2, "ROOT_A"), (3, "ROOT_B"), (0, ""), (1, ""), (258, "")]
)
def test_the_root_follows_the_boot_partition(tmp_path: Path, number: int, expected: str) -> None:
    """The script itself, with its two paths moved."""
    script = (HERE / "initramfs/scripts/init-premount/voxedge-slot").read_text()
    node, answer = tmp_path / "partition", tmp_path / "param.conf"
    node.write_bytes(number.to_bytes(4, "big"))
    script = script.replace("/proc/device-tree/chosen/bootloader/partition", str(node))
    script = script.replace("/conf/param.conf", str(answer))
    subprocess.run(["sh", "-c", script, "slot"], check=True)
    said = answer.read_text() if answer.exists() else ""
    assert said == (f"ROOT=PARTLABEL={expected}\n" if expected else "")


def test_the_lock_is_what_voxedge_is_tested_with() -> None:
    """The device runs the versions of scripts/locks, and every dependency that voxedge names."""
    device = read_lock(LOCK.read_text(encoding="utf-8"))
    tested: dict[str, set[str]] = {}
    for name in ("runtime.txt", "test.txt"):
        text = (REPO / "scripts/locks" / name).read_text(encoding="utf-8")
        for package, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE):
            tested.setdefault(package.lower(), set()).add(version)
    differing = {n: v for n, (v, _) in device.items() if n in tested and v not in tested[n]}
    assert differing == {}
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["hearing"], *extras["hardware"]]
    names = {re.split(r"[<>=\[; ]", entry)[0].lower() for entry in wanted}
    assert names <= set(device)
    assert set(device) >= SOURCE_ONLY
    assert all(hashes for _, hashes in device.values())


def test_the_gate_imports_what_voxedge_depends_on() -> None:
    assert {"onnxruntime", "cv2", "piper", "lgpio", "vosk", "voxedge.service.daemon"} <= set(
        MODULES
    )


def test_the_root_has_another_key_for_other_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    before = root.root_key()
    assert before == root.root_key()
    monkeypatch.setattr(root, "packages", lambda: ["systemd"])
    assert root.root_key() != before


def test_one_initramfs_is_made_for_each_kernel(tmp_path: Path) -> None:
    """The hook as mmdebstrap runs it, with a stand-in of chroot."""
    (tmp_path / "boot").mkdir()
    for version in ("6.12.1+deb13-arm64", "6.12.2+deb13-arm64"):
        (tmp_path / f"boot/vmlinuz-{version}").touch()
    (tmp_path / "bin").mkdir()
    stand_in = tmp_path / "bin/chroot"
    stand_in.write_text('#!/bin/sh\necho "$@"\n')
    stand_in.chmod(0o755)
    command = ["sh", "-c", root.INITRAMFS, "exec", tmp_path]
    env = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        f"{tmp_path} update-initramfs -c -k 6.12.1+deb13-arm64",
        f"{tmp_path} update-initramfs -c -k 6.12.2+deb13-arm64",
    ]
    stand_in.write_text("#!/bin/sh\nexit 3\n")
    assert subprocess.run(command, env=env, check=False).returncode != 0


def test_packages_have_no_duplicates_and_nothing_that_listens_by_itself() -> None:
    names = root.packages()
    assert len(names) == len(set(names))
    assert {"systemd", "tesseract-ocr-eng", "espeak-ng", "libportaudio2", "rauc"} <= set(names)
    assert not {"gcc", "python3-pip", "avahi-daemon", "telnetd"} & set(names)


def test_the_mirror_is_the_one_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VOXEDGE_DEBIAN_MIRROR", raising=False)
    monkeypatch.delenv("VOXEDGE_DEBIAN_SECURITY", raising=False)
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/debian.sources").write_text(
        "Types: deb\nURIs: https://mirror.example/debian\nSuites: bookworm\n\n"
        "Types: deb\nURIs: https://mirror.example/debian-security\nSuites: bookworm-security\n"
    )
    (tmp_path / "sources.list").write_text("deb https://other.example/ubuntu noble main\n")
    lines = sources_list(tmp_path).splitlines()
    assert [line.split("] ")[1] for line in lines] == [
        "https://mirror.example/debian trixie main non-free-firmware",
        "https://mirror.example/debian-security trixie-security main non-free-firmware",
    ]
    monkeypatch.setenv("VOXEDGE_DEBIAN_MIRROR", "https://snapshot.example/debian")
    assert "https://snapshot.example/debian trixie" in sources_list(tmp_path)


def test_no_mirror_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from imagebuild.errors import DownloadFailed

    monkeypatch.delenv("VOXEDGE_DEBIAN_MIRROR", raising=False)
    with pytest.raises(DownloadFailed, match="VOXEDGE_DEBIAN_MIRROR"):
        sources_list(tmp_path)


@given(st.lists(st.booleans(), min_size=1, max_size=600))
def test_mapped_ranges_are_exactly_the_blocks_that_hold_something(
    tmp_path_factory: pytest.TempPathFactory, filled: list[bool]
) -> None:
    path = tmp_path_factory.getbasetemp() / "blocks"
    path.write_bytes(b"".join((b"\0" * (BLOCK - 1) + bytes([full])) for full in filled))
    ranges = mapped_ranges(path)
    inside = [any(first <= block <= last for first, last in ranges) for block in range(len(filled))]
    assert inside == filled
    # As few ranges as possible: there is a hole between any two.
    assert all(after[0] - before[1] > 1 for before, after in pairwise(ranges))


def test_bmaptool_takes_the_block_map(tmp_path: Path) -> None:
    if find_tool("bmaptool") is None:
        pytest.skip("bmaptool is not installed")
    image, target = tmp_path / "card.img", tmp_path / "card"
    image.write_bytes(bytes(BLOCK * 3) + b"x" * BLOCK * 2 + bytes(BLOCK * 3))
    (tmp_path / "card.img.bmap").write_text(block_map(image))
    subprocess.run(
        ["bmaptool", "copy", "--bmap", tmp_path / "card.img.bmap", image, target],
        check=True,
        capture_output=True,
    )
    assert target.read_bytes().rstrip(b"\0") == image.read_bytes().rstrip(b"\0")
    (tmp_path / "card.img.bmap").write_text(block_map(image).replace("<Range", "<Range ", 1))
    wrong = subprocess.run(
        ["bmaptool", "copy", "--bmap", tmp_path / "card.img.bmap", image, target],
        check=False,
        capture_output=True,
    )
    assert wrong.returncode != 0


def test_the_boot_scripts_archive_unpacks_with_cpio(tmp_path: Path) -> None:
    if find_tool("cpio") is None:
        pytest.skip("cpio is not installed")
    archive = cpio({"scripts/init-bottom/one": b"#!/bin/sh\n", "scripts/two": b"x" * 5})
    assert len(archive) % 512 == 0
    subprocess.run(
        ["cpio", "-i", "-d", "--quiet"], input=archive, cwd=tmp_path, check=True, timeout=30
    )
    assert (tmp_path / "scripts/two").read_bytes() == b"x" * 5
    assert (tmp_path / "scripts/init-bottom/one").stat().st_mode & 0o777 == 0o755


def test_the_archive_begins_aligned_behind_the_initramfs() -> None:
    whole = with_scripts(b"odd")
    assert whole[:4] == b"odd\0"
    assert whole[4:10] == b"070701"
    assert b"scripts/init-bottom/voxedge-overlay" in whole


def test_the_bill_of_materials_names_packages_and_wheels(tmp_path: Path) -> None:
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(
        "Package: libc6\nStatus: install ok installed\nArchitecture: arm64\nVersion: 2.41-12\n"
        "Source: glibc\n\nPackage: gone\nStatus: deinstall ok config-files\nArchitecture: arm64\n"
        "Version: 1+2~3\n"
    )
    info = tmp_path / "opt/voxedge/lib/python3.13/site-packages/Some_Thing-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Some_Thing\nVersion: 1\n")
    plan = Plan(tmp_path, tmp_path, 1_767_225_600, "0", Path(sys.executable))
    text = bill_of_materials(plan, tmp_path, {"some-thing": ("1", frozenset({"sha256:ab"}))})
    assert text == bill_of_materials(
        plan, tmp_path, {"some-thing": ("1", frozenset({"sha256:ab"}))}
    )
    bill: dict[str, Any] = json.loads(text)
    assert bill["bomFormat"] == "CycloneDX"
    purls = [component["purl"] for component in bill["components"]]
    assert purls == [
        "pkg:deb/debian/libc6@2.41-12?arch=arm64&distro=trixie",
        "pkg:pypi/some-thing@1",
    ]


def test_unpacked_wheels_make_an_environment_for_the_image_s_python(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/__init__.py", "value = 1\n")
        archive.writestr("a-1.data/purelib/b.py", "value = 2\n")
        archive.writestr("a-1.data/scripts/a-command", "#!python\n")
    tree = tmp_path / "tree"
    install_wheels([path], tree)
    site = tree / "opt/voxedge/lib/python3.13/site-packages"
    assert (site / "a/__init__.py").read_text() == "value = 1\n"
    assert (site / "b.py").exists()
    assert not list(tree.rglob("a-command"))
    assert (tree / "opt/voxedge/bin/python3").readlink() == Path("/usr/bin/python3.13")
    assert (tree / "opt/voxedge/bin/voxedge").stat().st_mode & 0o111 == 0o111


def test_the_other_variant_takes_files_that_exist() -> None:
    assert [name for name in SHARED_FILES if not (OVERLAY / name).is_file()] == []


LINTED = re.compile(
    r"X-Env-(Layer-(Name|Category|Version|Desc|Requires)|VarPrefix|Var-\w+(-(Desc|Required|Valid|Set))?)"
)
"""Fields of a layer's metadata that rpi-image-gen's linter knows, of those that are used here."""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """What the rpios variant writes, with an empty payload."""
    if find_tool("tar") is None:
        pytest.skip("tar is not installed")
    payload = tmp_path / "payload"
    payload.mkdir()
    rpios._write_sources(
        Plan(tmp_path, tmp_path, 1_767_225_600, "0", Path(sys.executable)), tmp_path, payload
    )
    return tmp_path


def test_the_layer_of_the_other_variant_is_as_its_linter_wants_it(sources: Path) -> None:
    text = (sources / "layer/voxedge.yaml").read_text()
    block = text.partition("# METABEGIN\n")[2].partition("# METAEND\n")[0]
    fields = dict(
        line.removeprefix("# ").split(": ", 1) for line in block.splitlines() if line != "#"
    )
    assert [name for name in fields if not LINTED.fullmatch(name)] == []
    # An attribute without its variable, or a variable without a prefix, is refused.
    bases = {name for name in fields if re.fullmatch(r"X-Env-Var-\w+", name)}
    assert {
        name.rpartition("-")[0] for name in fields if re.match(r"X-Env-Var-\w+-", name)
    } == bases
    assert fields["X-Env-VarPrefix"] == "voxedge"
    assert "$IGconf_voxedge_assetdir/voxedge-payload.tar" in text
    assert (sources / "layer/voxedge-payload.tar").exists()


def test_nothing_that_listens_or_radiates_is_installed_by_the_other_variant(sources: Path) -> None:
    """Its units are not shipped there, and Debian switches these on as it installs them."""
    layer = (sources / "layer/voxedge.yaml").read_text()
    packages = set(re.findall(r"^    - ([\w.+-]+)$", layer, re.MULTILINE))
    assert {"tesseract-ocr-eng", "espeak-ng", "python3-picamera2"} <= packages
    assert not {"openssh-server", "wpasupplicant", "rauc", "linux-image-arm64"} & packages
    config = (sources / "config/voxedge.yaml").read_text()
    assert "minbase" not in "".join(line for line in config.splitlines() if line[:1] != "#")
    assert "layer: image-rota" in config


def test_both_slots_of_the_other_variant_share_what_is_saved() -> None:
    assert rpios._SHARED_STATE.splitlines() == ["Version=1", "Path=/var/lib/voxedge"]
