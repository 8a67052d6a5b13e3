"""The image's own programs, run on this machine as a Pi 4 would run them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from imagebuild.emulator import need_emulator
from imagebuild.process import run

CPUINFO = "".join(
    f"processor\t: {core}\nBogoMIPS\t: 108.00\n"
    "Features\t: fp asimd evtstrm crc32 cpuid\nCPU implementer\t: 0x41\n"
    "CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n\n"
    for core in range(4)
)
"""/proc/cpuinfo of a Pi 4B. User-mode qemu 7.2 shows that of this machine instead, which
onnxruntime does not survive; and the saved networks are named after its Features line."""

_INSIDE = (
    'mount --bind "$0/run/cpuinfo" "$0/run/cpuinfo" && mount -t proc proc "$0/proc" && '
    'mount --bind "$0/run/cpuinfo" "$0/proc/cpuinfo" && mount -t tmpfs tmpfs "$0/tmp" && '
    'exec chroot "$0" /usr/bin/env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 HOME=/tmp '
    'PYTHONDONTWRITEBYTECODE=1 QEMU_CPU=cortex-a72 "$@"'
)


def run_in_tree(tree: Path, command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a program of the tree in a chroot, emulated where need be, and return its output.

    The mounts are in a namespace of their own: nothing of them is seen outside or left behind.

    Raises:
        EmulatorMissing: Arm programs cannot run here.
        CommandFailed: it failed.
    """
    need_emulator()
    cpuinfo = tree / "run/cpuinfo"
    cpuinfo.write_text(CPUINFO, encoding="ascii")
    variables = [f"{name}={value}" for name, value in environment.items()]
    unshare = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _INSIDE, str(tree)]
    try:
        return run([*unshare, *variables, *command], env={"QEMU_CPU": "cortex-a72"})
    finally:
        cpuinfo.unlink(missing_ok=True)
