"""The Debian root: made once for a list of packages, then kept."""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from pathlib import Path

from imagebuild.emulator import need_emulator
from imagebuild.errors import CommandFailed, DownloadFailed, NoSpace
from imagebuild.mirror import sources_list
from imagebuild.plan import HERE, SUITE, Plan
from imagebuild.process import need_tools, run, say
from imagebuild.times import clamp_times

ROOT_EPOCH = "1767225600"
"""SOURCE_DATE_EPOCH of the root (2026-01-01): it outlives many commits of voxedge."""

ROOT_NEEDS_BYTES = 4 << 30
"""Free space for a root: its files, the packages, what apt unpacks meanwhile."""


INITRAMFS = """
set -e
for kernel in "$1"/boot/vmlinuz-*; do
    chroot "$1" update-initramfs -c -k "${kernel##*/vmlinuz-}"
done
"""
"""Debian's scripts make the initramfs twice, three to four minutes of processor time each. With
INITRD=No the kernel's package makes none, and then its trigger finds none to update; this makes the
one, when every package is configured."""


def read_list(path: Path) -> list[str]:
    """Return the lines of a list, without comments."""
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in lines if line]


def packages() -> list[str]:
    """Return the Debian packages of the image, those of the overlay's files among them."""
    names = (*read_list(HERE / "packages.list"), *read_list(HERE / "overlay/PACKAGES"))
    return sorted(set(names))


def root_key() -> str:
    """Return the name of the root that these inputs make."""
    digest = hashlib.sha256(f"{SUITE}\n".encode())
    digest.update("\n".join(packages()).encode())
    for path in [HERE / "dpkg.cfg", *sorted((HERE / "initramfs").rglob("*"))]:
        if path.is_file():
            mode = "x" if path.stat().st_mode & 0o100 else "-"
            digest.update(f"{path.relative_to(HERE)} {mode}\n".encode())
            # Of the boot scripts only the names: see initramfs.py.
            digest.update(b"" if "scripts" in path.parts else path.read_bytes())
    return digest.hexdigest()[:12]


def need_space(folder: Path, needed: int) -> None:
    """Fail before the work.

    Raises:
        NoSpace: ``folder`` has fewer than ``needed`` bytes free.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoSpace(
            f"{folder} has {free / 1e9:.1f} GB free; this step needs {needed / 1e9:.1f} GB."
        )


def prepare_root(plan: Plan) -> Path:
    """Return the configured Debian tree, built now if no earlier build left it.

    It comes under its name whole or not at all.

    Raises:
        ImageError: no emulator, no mirror, no space, a package failed.
    """
    root = plan.cache / f"root-{SUITE}-arm64-{root_key()}"
    if root.is_dir():
        say(f"Debian root: {root.name}, kept from an earlier build")
        return root
    need_tools(["mmdebstrap"])
    need_emulator()
    need_space(plan.cache, ROOT_NEEDS_BYTES)
    new = root.with_name(root.name + ".new")
    remove_tree(new)
    sources = plan.cache / "sources.list"
    sources.write_text(sources_list(), encoding="utf-8")
    say("Debian root: installing packages; with emulated scripts this takes 10 to 30 minutes")
    begun_s = time.time()
    try:
        run(
            _mmdebstrap(new, sources),
            env={
                **plan.build_env,
                "SOURCE_DATE_EPOCH": ROOT_EPOCH,
                "QEMU_CPU": "cortex-a72",
                # Of the kernel's package and of a trigger: one initramfs each. See INITRAMFS.
                "INITRD": "No",
            },
            log=plan.cache / "mmdebstrap.log",
        )
        # What the installation itself wrote: an image would otherwise tell when its root was made.
        clamp_times(new, begun_s, int(ROOT_EPOCH))
    except CommandFailed as error:
        remove_tree(new)
        if any(sign in str(error) for sign in ("Failed to fetch", "apt-get update", "download")):
            raise DownloadFailed(str(error)) from error
        raise
    except BaseException:
        remove_tree(new)
        raise
    new.rename(root)
    return root


def remove_tree(path: Path) -> None:
    """Remove a tree; what is mounted in it is unmounted first, and never removed.

    A build that was killed leaves the mounts of mmdebstrap behind: /proc, /sys, /dev.
    """
    if not path.exists():
        return
    for place in mounts_below(path):
        run(["umount", "--lazy", place])
    run(["rm", "-rf", "--one-file-system", path])


def mounts_below(path: Path, table: Path = Path("/proc/self/mountinfo")) -> list[Path]:
    """Return what is mounted below a folder, the innermost first."""
    base = path.resolve()
    found = []
    for line in table.read_text("utf-8", "surrogateescape").splitlines():
        # Spaces and the like are written as three octal digits.
        place = Path(re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), line.split(" ")[4]))
        if place != base and place.is_relative_to(base):
            found.append(place)
    return found[::-1]


def _mmdebstrap(target: Path, sources: Path) -> list[str | Path]:
    copy = (
        f'mkdir -p "$1/etc/initramfs-tools" && cp -r "{HERE}/initramfs/." "$1/etc/initramfs-tools/"'
    )
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--arch=arm64",
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=APT::Install-Recommends "false"',
        # A build machine's clock may be off; signatures are still verified.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        *(f"--dpkgopt={line}" for line in read_list(HERE / "dpkg.cfg")),
        f"--setup-hook={copy}",
        f"--customize-hook={INITRAMFS}",
        f"--include={','.join(packages())}",
        SUITE,
        target,
        sources,
    ]
