"""What an integrator would make, for the boot test: keys, signed updates, sticks that bring them.

The key is thrown away with the test. The image is not changed: the certificate reaches the guest on
the test disk, and the guest puts it where ``image-build/build --keyring`` would have.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from imagebuild.errors import BootTestFailed
from imagebuild.plan import HERE, MIB
from imagebuild.process import run

MARK = "etc/voxedge-boot-test"
"""A file in the root of each update: tells the guest's system from the one of before."""

_READER = "opt/voxedge/bin/voxedge"
_BROKEN_READER = "#!/bin/sh\n# An update that went wrong: its reader ends at once.\nexit 1\n"


@dataclass(frozen=True, slots=True)
class Workshop:
    """Updates of every kind.

    Attributes:
        certificate: whose updates the guest is told to take.
        good: FAT image of a stick with the system of the image, marked.
        broken: likewise, with a reader that does not start.
        refused: bundles by the reason for which they must be refused.
    """

    certificate: Path
    good: Path
    broken: Path
    refused: dict[str, Path]


def make_workshop(image: Path, work: Path) -> Workshop:
    """Make everything from what ``image-build/build`` left beside ``image``.

    What an earlier run left in ``work`` whole is taken as it is.

    Raises:
        BootTestFailed: it left no file systems there.
    """
    folder = work / "workshop"
    folder.mkdir(exist_ok=True)
    whole = folder / "whole"
    if whole.exists():
        return _opened(folder)
    root, boot = (_beside(image, kind) for kind in ("rootfs.ext4.zst", "boot.vfat.zst"))
    ours, theirs = _key(folder, "ours"), _key(folder, "theirs")
    plain = folder / "root.ext4"
    run(["zstd", "-dq", "-f", "--sparse", root, "-o", plain])
    for name, version in (("good", "2.0"), ("broken", "3.0")):
        changed = folder / f"{name}.ext4"
        shutil.copyfile(plain, changed)
        _write_into(changed, MARK, f"{name}\n", folder)
        if name == "broken":
            _write_into(changed, _READER, _BROKEN_READER, folder)
        bundle = _bundle(changed, boot, ours, folder / f"{name}.raucb", version)
        changed.unlink()
        _stick(bundle, folder / f"{name}.stick")
        bundle.unlink()
    plain.unlink()
    _make_refused(theirs, folder)
    whole.touch()
    return _opened(folder)


def _opened(folder: Path) -> Workshop:
    refused = {why: folder / f"{why}.raucb" for why in ("unsigned", "foreign")}
    return Workshop(folder / "ours.pem", folder / "good.stick", folder / "broken.stick", refused)


def _make_refused(theirs: tuple[Path, Path], folder: Path) -> None:
    """Small ones: what they hold is never looked at."""
    tree, firmware = folder / "tiny", folder / "tiny-boot"
    for place in (tree, firmware):
        place.mkdir(exist_ok=True)
        # RAUC makes no bundle of less than a block.
        (place / "nothing").write_bytes(os.urandom(64 * 1024))
    unsigned = folder / "unsigned.raucb"
    unsigned.unlink(missing_ok=True)
    run(["mksquashfs", tree, unsigned, "-quiet", "-no-progress"])
    _bundle(tree, firmware, theirs, folder / "foreign.raucb", "4.0")


def _beside(image: Path, kind: str) -> Path:
    found = image.with_name(f"{image.name.removesuffix('.img.zst')}.{kind}")
    if not found.is_file():
        raise BootTestFailed(f"There is no {found}: an update is made of it. Build the image anew.")
    return found


def _key(folder: Path, name: str) -> tuple[Path, Path]:
    """As docs/integrators/updates.md tells an integrator to."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    run(["openssl", "req", "-x509", "-newkey", "rsa:4096", "-nodes", "-days", "7300",
         "-subj", f"/CN={name}", "-keyout", key, "-out", certificate])  # fmt: skip
    return key, certificate


def _bundle(root: Path, boot: Path, pair: tuple[Path, Path], target: Path, version: str) -> Path:
    target.unlink(missing_ok=True)
    # lz4: the emulated processor unpacks it, and this one packs it, in a quarter of the time.
    run([sys.executable, HERE / "bundle", root, boot, "--key", pair[0], "--cert", pair[1],
         "--out", target, "--version", version, "--compression", "lz4"])  # fmt: skip
    return target


def _write_into(image: Path, path: str, text: str, folder: Path) -> None:
    """Put a file into an ext4 file system in place of the one that is there."""
    source = folder / "file"
    source.write_text(text, encoding="ascii")
    place, _, name = path.rpartition("/")
    commands = folder / "debugfs"
    lines = [f"cd /{place}", f"rm {name}", f"write {source} {name}"]
    lines += [f"set_inode_field {name} mode 0100755"]
    commands.write_text("\n".join(lines) + "\n", encoding="ascii")
    run(["debugfs", "-w", "-f", commands, image])
    if text not in run(["debugfs", "-R", f"cat /{path}", image]):
        raise BootTestFailed(f"{path} could not be written into {image.name}.")


def _stick(bundle: Path, target: Path) -> None:
    with target.open("wb") as stream:
        stream.truncate((bundle.stat().st_size // MIB + 40) * MIB)
    run(["mkfs.vfat", "-F", "32", "-n", "UPDATE", target])
    run(["mcopy", "-i", target, bundle, "::/update.raucb"])
