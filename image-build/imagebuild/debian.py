"""The ``debian`` variant: from the inputs to the finished files under their final names."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imagebuild.blockmap import block_map
from imagebuild.errors import CommandFailed, DoesNotFit, NeedsRoot
from imagebuild.gate import import_gate
from imagebuild.initramfs import with_scripts
from imagebuild.layout import assemble, make_ext4, make_fat
from imagebuild.models import prepare_models
from imagebuild.plan import COMPRESSED_LIMIT, HERE, ZSTD_LEVEL, Plan
from imagebuild.process import need_tools, run, say
from imagebuild.root import need_space, prepare_root, remove_tree
from imagebuild.sbom import bill_of_materials
from imagebuild.tree import make_tree, settle
from imagebuild.wheels import LOCK, build_own_wheel, prepare_wheels, read_lock

TOOLS = ("mmdebstrap", "arch-test", "mkfs.vfat", "mmd", "mcopy", "mke2fs", "debugfs", "dumpe2fs",
         "sfdisk", "dd", "zstd", "systemd-sysusers", "systemctl", "depmod", "make",
         "swig")  # fmt: skip
"""All that any step calls, asked for before the first: a cold build would otherwise run for half an
hour and then want a compiler."""

WORK_NEEDS_BYTES = 5 << 30
"""The tree, the file systems and the image while they are made."""

_FIRMWARE = ("start4.elf", "start4cd.elf", "fixup4.dat", "fixup4cd.dat")
"""Of the Pi 4. The cd pair is what gpu_mem=16 loads; the others serve whoever raises it."""


def build(plan: Plan) -> Path:
    """Build the image and return its path; everything else lies beside it.

    Every file comes under its final name whole or not at all: ``NAME.img.zst``, ``.img.bmap``,
    ``.sbom.json``, ``.sha256`` (of all of them), and ``NAME.rootfs.ext4.zst`` and
    ``NAME.boot.vfat.zst``, from which an update bundle is made.

    Raises:
        ImageError: with its exit code.
    """
    if os.geteuid() != 0:
        raise NeedsRoot("The image's files belong to root: run this with sudo.")
    native = platform.machine() == "aarch64"
    need_tools([*TOOLS, "gcc" if native else "aarch64-linux-gnu-gcc"])
    plan.output.mkdir(parents=True, exist_ok=True)
    root = prepare_root(plan)
    begun_s = time.monotonic()
    wheels = prepare_wheels(plan)
    models = prepare_models(plan)
    with _workplace(plan) as work:
        need_space(work, WORK_NEEDS_BYTES)
        own = build_own_wheel(plan, work / "own")
        tree = work / "tree"
        make_tree(plan, root, [*sorted(wheels.glob("*.whl")), own], models, tree)
        import_gate(plan, tree, wheels)
        settle(plan, tree)
        image = _make_image(plan, root, tree, work)
        names = _finish(plan, image, tree, work)
    say(f"Built in {time.monotonic() - begun_s:.0f} s on top of the kept root.")
    return plan.output / names[0]


def _make_image(plan: Plan, root: Path, tree: Path, work: Path) -> Path:
    say("File systems and image")
    parts = {
        "SELECTOR": work / "selector.vfat",
        "BOOT_A": work / "boot.vfat",
        "ROOT_A": work / "rootfs.ext4",
        "BOOT_B": work / "boot-b.vfat",
        "DATA": work / "data.ext4",
    }
    make_fat(plan, parts["BOOT_A"], "BOOT_A", boot_files(plan, root, work))
    # B is empty until the first update: no start file, so the firmware passes it over.
    make_fat(plan, parts["BOOT_B"], "BOOT_B", {})
    selector = work / "autoboot.txt"
    shutil.copyfile(HERE / "boot/autoboot.txt", selector)
    os.utime(selector, (plan.epoch, plan.epoch))
    make_fat(plan, parts["SELECTOR"], "SELECTOR", {"autoboot.txt": selector})
    make_ext4(plan, parts["ROOT_A"], "ROOT_A", tree, journal=False)
    make_ext4(plan, parts["DATA"], "DATA", _data_tree(plan, tree, work), journal=True)
    image = work / f"{plan.name}.img"
    assemble(plan, image, parts)
    return image


def boot_files(plan: Plan, root: Path, work: Path) -> dict[str, Path]:
    """Return what lies on a boot partition: path there, file here.

    Raises:
        CommandFailed: the root has no kernel.
    """
    kernels = sorted(root.glob("boot/vmlinuz-*"))
    if not kernels:
        raise CommandFailed(f"{root} has no kernel.")
    version = kernels[-1].name.removeprefix("vmlinuz-")
    firmware = root / "usr/lib/raspi-firmware"
    trees = root / f"usr/lib/linux-image-{version}/broadcom"
    files = {
        "vmlinuz": kernels[-1],
        "initrd.img": root / f"boot/initrd.img-{version}",
        **{name: firmware / name for name in _FIRMWARE},
        **{tree.name: tree for tree in sorted(trees.glob("bcm2711-rpi-4*.dtb"))},
        **{f"overlays/{o.name}": o for o in sorted(firmware.glob("overlays/*.dtbo"))},
        "overlays/overlay_map.dtb": firmware / "overlays/overlay_map.dtb",
    }
    # mcopy takes a file's own name, so what has another one here is copied first.
    staged = work / "boot"
    for name, source in list(files.items()):
        files[name] = _staged(plan, source, staged / name)
    initrd = files["initrd.img"]
    initrd.write_bytes(with_scripts(initrd.read_bytes()))
    os.utime(initrd, (plan.epoch, plan.epoch))
    for name in ("config.txt", "cmdline.txt"):
        files[name] = _staged(plan, HERE / "boot" / name, staged / name)
    return {name: path for name, path in files.items() if path.exists()}


def _staged(plan: Plan, source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.exists():
        shutil.copyfile(source, target)
        os.utime(target, (plan.epoch, plan.epoch))
    return target


def _data_tree(plan: Plan, tree: Path, work: Path) -> Path:
    """Return what DATA holds at first: the folders that the mounts of fstab look for."""
    data = work / "data"
    owners = {"voxedge": _ids(tree, "voxedge"), "device": (0, 0)}
    for name, (user, group) in owners.items():
        (data / name).mkdir(parents=True)
        os.chown(data / name, user, group)
        (data / name).chmod(0o700)
        os.utime(data / name, (plan.epoch, plan.epoch))
    os.utime(data, (plan.epoch, plan.epoch))
    return data


def _ids(tree: Path, user: str) -> tuple[int, int]:
    for line in (tree / "etc/passwd").read_text(encoding="utf-8").splitlines():
        fields = line.split(":")
        if fields[0] == user:
            return int(fields[2]), int(fields[3])
    raise CommandFailed(f"The image has no user {user}.")


def _finish(plan: Plan, image: Path, tree: Path, work: Path) -> list[str]:
    """Compress, describe, check the size, and move everything to its final name."""
    say("Compressing")
    made = {
        f"{plan.name}.img.zst": _compressed(plan, image),
        f"{plan.name}.rootfs.ext4.zst": _compressed(plan, work / "rootfs.ext4"),
        f"{plan.name}.boot.vfat.zst": _compressed(plan, work / "boot.vfat"),
    }
    size = made[f"{plan.name}.img.zst"].stat().st_size
    if size > COMPRESSED_LIMIT:
        raise DoesNotFit(f"The image has {size / 1e9:.2f} GB, more than {COMPRESSED_LIMIT / 1e9}.")
    texts = {
        f"{plan.name}.img.bmap": block_map(image),
        f"{plan.name}.sbom.json": bill_of_materials(plan, tree, read_lock(LOCK.read_text("utf-8"))),
    }
    for name, text in texts.items():
        made[name] = work / name
        made[name].write_text(text, encoding="utf-8")
    sums = "".join(f"{_sha256(path)}  {name}\n" for name, path in made.items())
    made[f"{plan.name}.sha256"] = work / "sums"
    made[f"{plan.name}.sha256"].write_text(sums, encoding="ascii")
    for name, path in made.items():
        path.replace(plan.output / name)
    for name in made:
        say(f"  {(plan.output / name).stat().st_size / 1e6:8.1f} MB  {plan.output / name}")
    say(f"sha256 of the image: {sums.split()[0]}")
    return list(made)


def _compressed(plan: Plan, path: Path) -> Path:
    target = path.with_name(path.name + ".zst")
    # One frame and no time stamp: the same input gives the same bytes, however many threads.
    run(
        ["zstd", "-q", "-f", f"-{ZSTD_LEVEL}", "-T0", str(path), "-o", str(target)],
        env=plan.build_env,
    )
    return target


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _workplace(plan: Plan) -> Iterator[Path]:
    """A folder beside the results (a rename must not cross disks), gone in any case."""
    for left in plan.output.glob(".work-*"):
        if not Path(f"/proc/{left.name.rpartition('-')[2]}").exists():
            remove_tree(left)
    work = plan.output / f".work-{os.getpid()}"
    remove_tree(work)
    work.mkdir(parents=True)
    try:
        yield work
    finally:
        remove_tree(work)
