"""Arm programs on this machine: Debian's packages are configured by their own scripts.

Where the processor is another one, the kernel hands Arm programs to qemu (binfmt_misc). The flag F
matters: it opens qemu at once, so that it works inside a chroot that has no qemu.
"""

from __future__ import annotations

import platform
from pathlib import Path

from imagebuild.errors import CommandFailed, EmulatorMissing
from imagebuild.process import find_tool, run, say

BINFMT = Path("/proc/sys/fs/binfmt_misc")
QEMU = "qemu-aarch64-static"
_RULE = (
    r":qemu-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:"
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:{qemu}:OCF"
)
_HINT = "Run: sudo apt-get install qemu-user-static binfmt-support"


def need_emulator(binfmt: Path = BINFMT, machine: str = "") -> None:
    """Make sure that Arm programs run here; registers qemu with the kernel if need be.

    Raises:
        EmulatorMissing: they do not, and qemu is not installed or cannot be registered.
    """
    if (machine or platform.machine()) == "aarch64" or _is_registered(binfmt):
        return
    qemu = find_tool(QEMU)
    if qemu is None:
        raise EmulatorMissing(f"Arm programs cannot run here. {_HINT}")
    try:
        if not (binfmt / "register").exists():
            run(["mount", "-t", "binfmt_misc", "binfmt_misc", binfmt])
        (binfmt / "register").write_text(_RULE.format(qemu=qemu), encoding="ascii")
    except (OSError, CommandFailed) as error:
        raise EmulatorMissing(
            f"Arm programs cannot run here: qemu could not be registered ({error}). {_HINT}"
        ) from error
    say("Arm programs are run by qemu from now on (binfmt_misc, until the next start).")


def _is_registered(binfmt: Path) -> bool:
    for rule in binfmt.glob("*aarch64*"):
        text = rule.read_text(encoding="ascii", errors="replace")
        flags = next((line for line in text.splitlines() if line.startswith("flags:")), "")
        if text.startswith("enabled") and "F" in flags:
            return True
    return False
