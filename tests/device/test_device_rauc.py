"""RAUC itself: bundles that are signed, wrongly signed, not signed, and one that is installed.

The whole way with a throwaway key: ``image-build/bundle`` makes the update, RAUC's own service (on
a D-Bus of its own) writes it to slots that are files, through our bootloader backend.
"""

import configparser
import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from voxedge import errors
from voxedge.system import bundle, update
from voxedge.system.autoboot import Autoboot
from voxedge.system.confirm import confirm
from voxedge.system.places import Places
from voxedge.system.reader_line import Line
from voxedge.system.slots import Slots, Start
from voxedge.system.update import Tools
from voxedge.testing.fake_card import FakeReader, FakeTime

ROOT = Path(__file__).parents[2]
SYSTEM_CONF = ROOT / "image-build/overlay/etc/rauc/system.conf"
NEEDED = ("rauc", "mksquashfs", "openssl", "mke2fs", "mkfs.vfat", "mcopy")
MISSING = [name for name in NEEDED if shutil.which(name) is None]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


def run(*command: str | Path, **more: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [os.fspath(word) for word in command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == more.get("code", 0), done.stdout + done.stderr
    return done


def make_key(folder: Path, name: str) -> tuple[Path, Path]:
    """As docs/integrators/updates.md tells an integrator to."""
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650",
        "-subj", f"/CN={name}", "-keyout", key, "-out", cert)  # fmt: skip
    return key, cert


@dataclass(frozen=True)
class Workshop:
    """An integrator's folder: keys, and updates of every kind."""

    folder: Path
    trusted: Path
    good: Path
    foreign: Path
    unsigned: Path

    def rauc(self, conf: Path) -> tuple[str, ...]:
        return ("rauc", f"--conf={conf}")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    folder = tmp_path_factory.mktemp("workshop")
    key, cert = make_key(folder, "ours")
    other_key, other_cert = make_key(folder, "theirs")
    tree, boot = folder / "root", folder / "boot.vfat"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/os-release").write_text("VERSION_ID=2\n")
    (tree / "etc/filling").write_bytes(os.urandom(100_000))
    run("mkfs.vfat", "-C", boot, "512")
    for name, k, c in (("good", key, cert), ("foreign", other_key, other_cert)):
        run(sys.executable, ROOT / "image-build/bundle", tree, boot, "--cert", c, "--key", k,
            "--out", folder / f"{name}.raucb", "--version", "2.0", "--format", "plain")  # fmt: skip
    unsigned = folder / "unsigned.raucb"
    shutil.copytree(tree, folder / "content")
    run("mksquashfs", folder / "content", unsigned, "-quiet", "-no-progress")
    return Workshop(folder, cert, folder / "good.raucb", folder / "foreign.raucb", unsigned)


@dataclass(frozen=True)
class Device:
    """A card of files, and RAUC's settings as shipped, but for their paths."""

    folder: Path
    places: Places
    conf: Path

    def slot(self, name: str) -> Path:
        return self.folder / name

    def start(self, slot: str) -> Slots:
        self.places.cmdline.write_text(f"root=PARTLABEL=ROOT_{slot}")
        return Slots(self.places)


@pytest.fixture
def device(tmp_path: Path, workshop: Workshop) -> Device:
    return make_device(tmp_path, workshop.trusted)


def make_device(folder: Path, keyring: Path) -> Device:
    places = Places(
        autoboot=folder / "autoboot.txt",
        slot_state=folder / "device/slots.json",
        device=folder / "device",
        cmdline=folder / "cmdline",
        device_tree=folder / "device-tree",
        rauc_config=folder / "system.conf",
        trial_signs=(folder,),
    )
    places.autoboot.write_text(Autoboot("A").text())
    for name, mib in (("ROOT_A", 24), ("ROOT_B", 24), ("BOOT_A", 2), ("BOOT_B", 2)):
        with (folder / name).open("wb") as file:
            file.truncate(mib << 20)
    backend = folder / "rauc-bootloader"
    backend.write_text(
        f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from voxedge.system.bootloader import main
from voxedge.system.places import Places
from voxedge.system.slots import Slots
with open({str(folder / "calls")!r}, "a") as calls:
    print(*sys.argv[1:], file=calls)
folder = Path({str(folder)!r})
sys.exit(main(sys.argv[1:], Slots(Places(autoboot=folder / "autoboot.txt",
    slot_state=folder / "device/slots.json", cmdline=folder / "cmdline",
    device_tree=folder / "device-tree"))))
"""
    )
    backend.chmod(0o755)
    text = SYSTEM_CONF.read_text()
    text = text.replace("/dev/disk/by-partlabel", str(folder))
    text = text.replace("/usr/lib/voxedge/rauc-bootloader", str(backend))
    text = text.replace("/etc/rauc/keyring.pem", str(keyring))
    text = text.replace("/run/rauc", str(folder / "mnt"))
    text = text.replace("/data/device/rauc", str(folder / "status"))
    # Verity needs the kernel's device-mapper, which a container has not.
    text = text.replace("bundle-formats=verity", "bundle-formats=plain verity")
    (folder / "mnt").mkdir()
    (folder / "status").mkdir()
    places.rauc_config.write_text(text)
    device = Device(folder, places, places.rauc_config)
    device.start("A")
    return device


@pytest.fixture
def service(device: Device, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """RAUC's service on a bus of its own; ended with the test."""
    with serving(device, monkeypatch):
        yield


@contextlib.contextmanager
def serving(device: Device, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """RAUC's service as the image starts it, for the slot that runs now."""
    if os.geteuid() != 0 or shutil.which("dbus-daemon") is None or not _can_loop():
        pytest.skip("installing needs root, dbus-daemon and loop devices")
    start = (ROOT / "image-build/overlay/usr/lib/voxedge/rauc-service").read_text()
    start = start.replace(
        "/usr/lib/voxedge/rauc-bootloader", str(device.folder / "rauc-bootloader")
    )
    start = start.replace("/run/rauc/mnt", str(device.folder / "mnt"))
    start = start.replace("/usr/bin/rauc", f"{shutil.which('rauc')} --conf={device.conf}")
    bus = device.folder / "bus"
    bus.unlink(missing_ok=True)
    config = device.folder / "bus.conf"
    config.write_text(
        f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path={bus}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
<allow receive_sender="*"/><allow eavesdrop="true"/></policy>
</busconfig>"""
    )
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={bus}")
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={config}", "--nofork"], stderr=subprocess.DEVNULL
    )
    _wait(bus.exists)
    log = (device.folder / "service.log").open("wb")
    rauc = subprocess.Popen(
        ["sh", "-c", start],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        _wait(lambda: subprocess.run(["rauc", f"--conf={device.conf}", "status"],
              capture_output=True, check=False).returncode == 0)  # fmt: skip
        yield
    finally:
        for process in (rauc, daemon):
            process.terminate()
            process.wait(10)
        log.close()


def _can_loop() -> bool:
    return (
        Path("/dev/loop-control").exists() and "squashfs" in Path("/proc/filesystems").read_text()
    )


def _wait(holds: object, limit_s: float = 20.0) -> None:
    assert callable(holds)
    until_s = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < until_s, "the service did not come up"
        time.sleep(0.05)


# -- whom it trusts --------------------------------------------------------------------------


def test_a_bundle_signed_by_our_key_is_taken(workshop: Workshop, device: Device) -> None:
    found = bundle.inspect(workshop.good, workshop.rauc(device.conf))
    assert (found.compatible, found.version) == ("voxedge-pi4", "2.0")


def test_a_bundle_signed_by_another_key_is_refused(workshop: Workshop, device: Device) -> None:
    with pytest.raises(errors.UpdateUntrusted):
        bundle.inspect(workshop.foreign, workshop.rauc(device.conf))


def test_a_bundle_without_a_signature_is_refused(workshop: Workshop, device: Device) -> None:
    with pytest.raises(errors.UpdateUnsigned):
        bundle.inspect(workshop.unsigned, workshop.rauc(device.conf))


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_a_bundle_that_breaks_off_is_refused(
    tmp_path: Path, workshop: Workshop, device: Device, keep: float
) -> None:
    whole = workshop.good.read_bytes()
    cut = tmp_path / "cut.raucb"
    cut.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises((errors.UpdateCorrupt, errors.UpdateUnsigned)):
        bundle.inspect(cut, workshop.rauc(device.conf))


def test_a_bundle_changed_after_signing_is_refused(
    tmp_path: Path, workshop: Workshop, device: Device
) -> None:
    data = bytearray(workshop.good.read_bytes())
    data[len(data) // 2] ^= 1
    changed = tmp_path / "changed.raucb"
    changed.write_bytes(data)
    with pytest.raises(errors.VoxedgeError) as caught:
        bundle.inspect(changed, workshop.rauc(device.conf))
    assert isinstance(caught.value, errors.UpdateUntrusted | errors.UpdateCorrupt)


def test_a_device_without_a_keyring_takes_nothing(
    tmp_path: Path, workshop: Workshop, device: Device
) -> None:
    bare = make_device(tmp_path_of(tmp_path, "bare"), tmp_path / "no-such-keyring.pem")
    with pytest.raises(errors.VoxedgeError) as caught:
        bundle.inspect(workshop.good, workshop.rauc(bare.conf))
    assert caught.value.exit_code == 22


def tmp_path_of(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder


# -- a real installation ---------------------------------------------------------------------


def tools(device: Device, reader: FakeReader, restarted: list[str]) -> Tools:
    def restart() -> int:
        restarted.append("0 tryboot")
        return 0

    clock = FakeTime()
    line = Line(reader, clock.clock, clock.sleep)
    rauc = ("rauc", f"--conf={device.conf}")
    return Tools(device.places, Slots(device.places), line, rauc, restart)


@pytest.mark.usefixtures("service")
def test_an_update_is_installed_tried_and_kept(workshop: Workshop, device: Device) -> None:
    reader, restarted, steps = FakeReader(voice=True), [], []
    before = device.slot("ROOT_A").read_bytes()
    update.update(workshop.good, tools(device, reader, restarted), steps.append)

    assert restarted == ["0 tryboot"]
    assert any(step.startswith("100 %") for step in steps)
    assert device.slot("ROOT_A").read_bytes() == before, "the running slot is never written"
    # ext4's own mark, and the tree's file: the new root stands in the other slot.
    root = device.slot("ROOT_B").read_bytes()
    assert root[0x438:0x43A] == b"\x53\xef"
    assert b"VERSION_ID=2" in root
    assert device.slot("BOOT_B").read_bytes()[510:512] == b"\x55\xaa"
    calls = (device.folder / "calls").read_text()
    assert calls.index("set-state B bad") < calls.index("set-primary B")
    assert device.places.autoboot.read_text() == Autoboot("A").text(), "nothing is committed yet"

    new = device.start("B")
    clock = FakeTime()
    assert confirm(new, Line(reader, clock.clock, clock.sleep), lambda: 1) is Start.TRIAL
    assert device.places.autoboot.read_text() == Autoboot("B").text()
    assert reader.texts[-1] == "I have been updated."


def test_the_update_after_it_goes_to_the_first_slot(
    workshop: Workshop, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slot B runs: RAUC must not take A for the running one, and write over B."""
    device.places.autoboot.write_text(Autoboot("B").text())
    device.start("B")
    running, restarted = device.slot("ROOT_B").read_bytes(), []
    with serving(device, monkeypatch):
        update.update(workshop.good, tools(device, FakeReader(), restarted), lambda _: None)
    assert restarted == ["0 tryboot"]
    assert b"VERSION_ID=2" in device.slot("ROOT_A").read_bytes()
    assert device.slot("ROOT_B").read_bytes() == running


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("kind", ["foreign", "unsigned"])
def test_rauc_itself_refuses_what_we_would(workshop: Workshop, device: Device, kind: str) -> None:
    """Past our own check: the service verifies again."""
    before = device.slot("ROOT_B").read_bytes()
    with pytest.raises((errors.UpdateUntrusted, errors.UpdateUnsigned)):
        bundle.install(getattr(workshop, kind), lambda *_: None, ("rauc", f"--conf={device.conf}"))
    assert device.slot("ROOT_B").read_bytes() == before


@pytest.mark.usefixtures("service")
def test_an_update_larger_than_its_slot_is_told(workshop: Workshop, device: Device) -> None:
    # A real block device: a file would grow.
    slot = device.slot("ROOT_B")
    small = device.folder / "small"
    small.write_bytes(bytes(1 << 20))
    loop = run("losetup", "--find", "--show", small).stdout.strip()
    slot.unlink()
    slot.symlink_to(loop)
    reader, restarted = FakeReader(), []
    try:
        with pytest.raises(errors.UpdateTooLarge):
            update.update(workshop.good, tools(device, reader, restarted), lambda _: None)
    finally:
        run("losetup", "--detach", loop)
    assert restarted == []
    assert reader.texts[-1] == errors.UpdateTooLarge(reason="").speech
    assert Slots(device.places).committed == "A"


@pytest.mark.usefixtures("service")
def test_a_system_on_trial_is_protected_from_rauc_too(workshop: Workshop, device: Device) -> None:
    """A runs and B is committed: A is on trial, and B is what the firmware falls back to."""
    device.places.autoboot.write_text(Autoboot("B").text())
    with pytest.raises(errors.UpdateFailed):
        bundle.install(workshop.good, lambda *_: None, ("rauc", f"--conf={device.conf}"))
    assert not any(device.slot("ROOT_B").read_bytes())


# -- the script, and what is shipped ---------------------------------------------------------


def test_a_verity_bundle_is_made_and_verified(tmp_path: Path, workshop: Workshop) -> None:
    """The format of the device; reading it takes device-mapper, its signature does not."""
    out = tmp_path / "verity.raucb"
    run(sys.executable, ROOT / "image-build/bundle", workshop.folder / "root",
        workshop.folder / "boot.vfat", "--cert", workshop.trusted,
        "--key", workshop.folder / "ours.key", "--out", out)  # fmt: skip
    assert (
        "Bundle Format: \tverity"
        in run("rauc", f"--keyring={workshop.trusted}", "info", out).stdout
    )


@pytest.mark.skipif(shutil.which("zstd") is None, reason="zstd is not installed")
def test_what_the_build_leaves_is_taken_as_it_is(tmp_path: Path, workshop: Workshop) -> None:
    """Compressed images, as image-build/build writes them."""
    run("mke2fs", "-q", "-t", "ext4", "-d", workshop.folder / "root", tmp_path / "root.ext4", "8M")
    run("zstd", "-q", tmp_path / "root.ext4")
    run("zstd", "-q", workshop.folder / "boot.vfat", "-o", tmp_path / "boot.vfat.zst")
    out = tmp_path / "new.raucb"
    run(sys.executable, ROOT / "image-build/bundle", tmp_path / "root.ext4.zst",
        tmp_path / "boot.vfat.zst", "--cert", workshop.trusted,
        "--key", workshop.folder / "ours.key", "--out", out)  # fmt: skip
    told = run("rauc", f"--keyring={workshop.trusted}", "info", "--output-format=shell", out).stdout
    assert f"RAUC_IMAGE_SIZE_0={8 << 20}" in told


def test_an_image_larger_than_its_slot_makes_no_bundle(tmp_path: Path, workshop: Workshop) -> None:
    with (tmp_path / "boot.vfat").open("wb") as file:
        file.truncate(193 << 20)
    done = run(sys.executable, ROOT / "image-build/bundle", workshop.folder / "root",
               tmp_path / "boot.vfat", "--cert", workshop.trusted,
               "--key", workshop.folder / "ours.key", "--out", tmp_path / "x.raucb",
               code=1)  # fmt: skip
    assert "larger than its slot of 192 MiB" in done.stderr


def test_a_key_that_does_not_fit_makes_no_bundle(tmp_path: Path, workshop: Workshop) -> None:
    out = tmp_path / "no.raucb"
    done = run(sys.executable, ROOT / "image-build/bundle", workshop.folder / "root",
               workshop.folder / "boot.vfat", "--cert", workshop.trusted,
               "--key", workshop.folder / "theirs.key", "--out", out, code=1)  # fmt: skip
    assert done.stderr.startswith("bundle: rauc: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", ["root", "boot", "cert"])
def test_what_is_missing_is_named(tmp_path: Path, workshop: Workshop, wrong: str) -> None:
    paths = {
        "root": workshop.folder / "root",
        "boot": workshop.folder / "boot.vfat",
        "cert": workshop.trusted,
    }
    paths[wrong] = tmp_path / "nothing"
    done = run(sys.executable, ROOT / "image-build/bundle", paths["root"], paths["boot"],
               "--cert", paths["cert"], "--key", workshop.folder / "ours.key",
               "--out", tmp_path / "x.raucb", code=1)  # fmt: skip
    assert "nothing" in done.stderr
    assert not (tmp_path / "x.raucb").exists()


def test_the_shipped_settings_fit_the_script_and_the_card() -> None:
    conf = configparser.ConfigParser()
    conf.read(SYSTEM_CONF)
    script = (ROOT / "image-build/bundle").read_text()
    assert f'COMPATIBLE = "{conf["system"]["compatible"]}"' in script
    layout = (ROOT / "image-build/imagebuild/layout.py").read_text()
    sizes = dict(re.findall(r'Partition\("(\w+)", (\d+)', layout))
    for section, label in (
        ("slot.rootfs.0", "ROOT_A"),
        ("slot.rootfs.1", "ROOT_B"),
        ("slot.boot.0", "BOOT_A"),
        ("slot.boot.1", "BOOT_B"),
    ):
        assert conf[section]["device"] == f"/dev/disk/by-partlabel/{label}"
        kind = "ROOT_MIB" if label.startswith("ROOT") else "BOOT_MIB"
        assert f"{kind} = {sizes[label]}" in script
    assert conf["system"]["bundle-formats"] == "verity", "no unsigned and no plain ones"
    backend = ROOT / "image-build/overlay" / conf["handlers"]["bootloader-custom-backend"][1:]
    assert backend.stat().st_mode & 0o111
    assert (ROOT / "image-build/boot/autoboot.txt").read_text() == Autoboot("A").text()


def test_no_private_key_is_in_the_project() -> None:
    listed = run("git", "-C", ROOT, "ls-files").stdout.split()
    assert not [name for name in listed if name.endswith((".key", ".p12", ".pem"))]
