"""The tree of the image: Debian's root, and over it everything that makes it a reader."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from imagebuild.bytecode import compile_packages
from imagebuild.errors import CommandFailed, WrongArchitecture
from imagebuild.models import install_models
from imagebuild.plan import HERE, REPO, Plan
from imagebuild.process import run, say
from imagebuild.root import remove_tree
from imagebuild.times import clamp_times
from imagebuild.tryboot import install_tryboot
from imagebuild.wheels import ELF_AARCH64, install_wheels

DISABLED = (
    "etc/systemd/system/getty.target.wants/getty@tty1.service",
    "etc/systemd/system/multi-user.target.wants/remote-fs.target",
    "etc/systemd/system/multi-user.target.wants/e2scrub_reap.service",
    "etc/systemd/system/multi-user.target.wants/ssh.service",
    "etc/systemd/system/multi-user.target.wants/wpa_supplicant.service",
    "etc/systemd/system/sockets.target.wants/ssh.socket",
    "etc/systemd/system/ssh.service.wants/sshd-keygen.service",
    "etc/systemd/system/sysinit.target.wants/systemd-resolved.service",
    "etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service",
    "etc/systemd/system/sysinit.target.wants/systemd-pstore.service",
    "etc/systemd/system/timers.target.wants/apt-daily.timer",
    "etc/systemd/system/timers.target.wants/apt-daily-upgrade.timer",
    "etc/systemd/system/timers.target.wants/dpkg-db-backup.timer",
    "etc/systemd/system/timers.target.wants/e2scrub_all.timer",
    "etc/systemd/system/timers.target.wants/fstrim.timer",
)
"""Links of ``systemctl enable`` that Debian makes and this box has no use for. The network's units
are started by whoever wants a network (docs/integrators/first-boot.md)."""

MASKED = (
    # Nobody can log in, and a prompt would keep a serial port busy.
    "serial-getty@.service",
    "getty@.service",
    "autovt@.service",
    "console-getty.service",
    # Asks its questions on a console that nobody sees.
    "systemd-firstboot.service",
    # The root is never written: nothing to commit or to rebuild.
    "systemd-machine-id-commit.service",
    "systemd-journal-flush.service",
    "ldconfig.service",
)

SECRETS = (
    "etc/ssh/ssh_host_*",
    "var/lib/systemd/random-seed",
    "var/lib/dbus/machine-id",
    "root/.ssh",
    "etc/ssl/private/*",
)
"""What must differ on every device, and therefore is not in the image."""

LEFTOVERS = (
    "var/log/*",
    "var/cache/apt/*",
    "var/cache/ldconfig/*",
    "var/cache/debconf/*-old",
    "var/lib/apt/lists/*",
    # Where this machine takes its packages from is its own affair; the device installs none.
    "etc/apt/sources.list.d/*",
    "var/lib/dpkg/*-old",
    "etc/*-",
    "boot/*",
    "usr/lib/raspi-firmware",
    "tmp/*",
    "run/*",
)
"""Of the installation. Kernel and firmware are on the boot partitions."""


WORK = ("tmp/*", "run/*", "root/.cache", "var/tmp/*")
"""What running the image's own programs may leave in the tree (gate.py, bytecode.py)."""


def make_tree(plan: Plan, root: Path, wheels: list[Path], models: Path | None, tree: Path) -> None:
    """Put the image's tree together at ``tree``; ``root`` is only read.

    Its times are those of the work: ``settle`` comes when nothing is changed in it any more.

    Raises:
        ImageError: a step failed; the tree is not to be used then.
    """
    say("Image tree: Debian, voxedge, models, settings")
    remove_tree(tree)
    run(["cp", "-a", "--reflink=auto", root, tree])
    _remove(tree, LEFTOVERS + SECRETS)
    install_wheels(wheels, tree)
    if models is not None:
        install_models(models, tree)
    copy_overlay(HERE / "overlay", tree)
    install_service(plan, tree)
    run(["systemd-sysusers", "--root", tree], env=plan.build_env)
    enable_units(HERE / "overlay", tree)
    install_tryboot(plan, root, tree)
    _quieten(tree)
    if plan.keyring is not None:
        shutil.copyfile(plan.keyring, tree / "etc/rauc/keyring.pem")
    check_no_password((tree / "etc/shadow").read_text(encoding="utf-8"))
    check_machine_code(tree / "opt/voxedge")
    compile_packages(plan, tree)


def install_service(plan: Plan, tree: Path) -> None:
    """Install the units as a person would, into the tree."""
    command = [str(plan.python), "-m", "voxedge", "install", "--root", str(tree), "--keyboard"]
    run([*command, "--executable", "/opt/voxedge/bin/voxedge"], cwd=REPO, env=plan.build_env)


def enable_units(overlay: Path, tree: Path) -> None:
    """Make the links of ``systemctl enable`` for the overlay's own units."""
    units = [
        path.name
        for path in sorted((overlay / "usr/lib/systemd/system").glob("*.*"))
        if path.is_file() and "\n[Install]" in path.read_text(encoding="utf-8")
    ]
    if units:
        run(["systemctl", "--root", tree, "enable", *units])


def check_no_password(shadow: str) -> None:
    """Refuse an image into which anybody could log in with a password.

    Raises:
        CommandFailed: an account has one, or needs none.
    """
    for line in shadow.splitlines():
        user, _, rest = line.partition(":")
        field = rest.partition(":")[0]
        if not field.startswith(("*", "!")):
            raise CommandFailed(f"The account {user} of the image is not locked.")


def check_machine_code(folder: Path) -> None:
    """Refuse programs and libraries for another processor.

    Raises:
        WrongArchitecture: names the first.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as stream:
            head = stream.read(20)
        if head[:4] == b"\x7fELF" and int.from_bytes(head[18:20], "little") != ELF_AARCH64:
            raise WrongArchitecture(f"{path.relative_to(folder)} is not for the Pi's processor.")


def _remove(tree: Path, patterns: tuple[str, ...]) -> None:
    for pattern in patterns:
        for path in tree.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def copy_overlay(overlay: Path, tree: Path, only: Sequence[str] = ()) -> None:
    """Copy a folder over the tree, owned by root; a program stays one, nothing else is kept.

    Args:
        overlay: the folder.
        tree: stands for ``/``.
        only: these files of it; () for all.
    """
    for source in sorted(overlay.rglob("*")):
        if source == overlay / "PACKAGES":
            continue  # Names packages for root.py.
        if only and str(source.relative_to(overlay)) not in only:
            continue
        target = tree / source.relative_to(overlay)
        if source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.symlink_to(source.readlink())
        elif source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif "__pycache__" not in source.parts:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copyfile(source, target)
            target.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)


def _quieten(tree: Path) -> None:
    units = tree / "etc/systemd/system"
    for name in DISABLED:
        (tree / name).unlink(missing_ok=True)
    for unit in MASKED:
        link = units / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    # Empty, not absent: systemd makes one in memory at each start and does not take it for the
    # first start of a new system.
    (tree / "etc/machine-id").write_text("")
    for folder in ("data", "boot/selector", "boot/firmware", "var/log/journal"):
        (tree / folder).mkdir(parents=True, exist_ok=True)
    (tree / "var/log/journal").rmdir()
    (tree / "etc/resolv.conf").unlink(missing_ok=True)
    (tree / "etc/resolv.conf").symlink_to("/run/systemd/resolve/stub-resolv.conf")
    (tree / "etc/default/locale").write_text("LANG=C.UTF-8\n")
    default = units / "default.target"
    default.unlink(missing_ok=True)
    default.symlink_to("/usr/lib/systemd/system/multi-user.target")


def settle(plan: Plan, tree: Path) -> None:
    """Make the tree the same at each build, whenever and wherever it was put together.

    Nothing is later than the build's time, what was made for the work is gone, and systemd is told
    that nothing has changed. Without the two ``.updated`` files the units with
    ConditionNeedsUpdate= would rebuild their indexes at every start, for /etc and /var are as new
    each time.
    """
    _remove(tree, WORK)
    for folder in ("etc", "var"):
        (tree / folder / ".updated").write_text(f"TIMESTAMP_NSEC={plan.epoch}000000000\n")
    clamp_times(tree, plan.epoch, plan.epoch)
    os.utime(tree / "usr", (plan.epoch, plan.epoch))
