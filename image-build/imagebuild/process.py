"""Programs that the build calls, and their failures in words."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from imagebuild.errors import CommandFailed, NoSpace, ToolMissing

PACKAGES = {
    "mmdebstrap": "mmdebstrap",
    "arch-test": "arch-test",
    "mkfs.vfat": "dosfstools",
    "mcopy": "mtools",
    "mke2fs": "e2fsprogs",
    "debugfs": "e2fsprogs",
    "mmd": "mtools",
    "mtype": "mtools",
    "mksquashfs": "squashfs-tools",
    "dumpe2fs": "e2fsprogs",
    "sfdisk": "fdisk",
    "zstd": "zstd",
    "systemd-sysusers": "systemd",
    "qemu-system-aarch64": "qemu-system-arm",
    "qemu-img": "qemu-utils",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
    "swig": "swig",
    "make": "make",
    "depmod": "kmod",
}
"""Which Debian package brings a program."""


def say(text: str) -> None:
    """Tell the person who builds; standard output is kept for results."""
    print(text, file=sys.stderr, flush=True)


def need_tools(names: Sequence[str]) -> None:
    """Fail before the first minute of work rather than after it.

    Raises:
        ToolMissing: at least one is not installed; all that are missing are named.
    """
    missing = [name for name in names if find_tool(name) is None]
    if missing:
        packages = sorted({PACKAGES.get(name, name) for name in missing})
        raise ToolMissing(
            f"Not installed: {', '.join(missing)}. Run: sudo apt-get install {' '.join(packages)}"
        )


def find_tool(name: str) -> str | None:
    """Return where a program is; looks where root's are too, which a user's PATH lacks."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    cwd: Path | None = None,
    log: Path | None = None,
) -> str:
    """Run a program to its end and return its standard output.

    Args:
        command: the program and its arguments.
        env: variables added to those of this process.
        stdin: text given to it.
        cwd: where it runs.
        log: both its outputs go there instead, and "" is returned.

    Raises:
        ToolMissing: there is no such program.
        NoSpace: it failed because a disk is full.
        CommandFailed: it failed otherwise.
    """
    words = [str(word) for word in command]
    words[0] = find_tool(words[0]) or words[0]
    environment = {**os.environ, **(env or {})}
    try:
        if log is not None:
            with log.open("w", encoding="utf-8") as stream:
                code, _, _ = _run_group(words, environment, stdin, cwd, stream, subprocess.STDOUT)
            errors, output = log.read_text(encoding="utf-8", errors="replace"), ""
        else:
            code, output, errors = _run_group(
                words, environment, stdin, cwd, subprocess.PIPE, subprocess.PIPE
            )
    except FileNotFoundError as error:
        raise ToolMissing(f"Not installed: {words[0]}.") from error
    if code != 0:
        raise _failure(words, code, errors or output, log)
    return output


STOP_S = 60.0
"""Of mmdebstrap: it unmounts what it mounted before it ends."""


def _run_group(
    words: Sequence[str],
    environment: Mapping[str, str],
    stdin: str | None,
    cwd: Path | None,
    stdout: IO[str] | int,
    stderr: int,
) -> tuple[int, str, str]:
    """Run a program in a process group of its own; whatever ends this ends all of the group.

    ``subprocess.run`` kills the one process, at once: the programs that it had started would go on
    writing, and what it had mounted would stay mounted.
    """
    # A signal between the start and the try would leave the program without an owner.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        process = subprocess.Popen(
            words, env=environment, cwd=cwd, text=True, errors="replace", start_new_session=True,
            stdin=None if stdin is None else subprocess.PIPE, stdout=stdout, stderr=stderr,
            preexec_fn=partial(signal.pthread_sigmask, signal.SIG_SETMASK, before),
        )  # fmt: skip
    except BaseException:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        raise
    with process:
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            output, errors = process.communicate(stdin)
        except BaseException:
            _end_group(process)
            raise
    return process.returncode, output or "", errors or ""


def _end_group(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    # What is left of the group, whether or not its leader has ended.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


_FULL = ("No space left on device", "Disk full", "Could not allocate block", "is full")
"""What a program says when the disk is full: libc, mtools, mke2fs."""


def _failure(words: Sequence[str], code: int, errors: str, log: Path | None) -> Exception:
    name = Path(words[0]).name
    tail = "\n".join(errors.strip().splitlines()[-8:])
    if any(sign in errors for sign in _FULL):
        return NoSpace(f"The disk is full ({name}).\n{tail}")
    where = f" All it said is in {log}." if log else ""
    return CommandFailed(f"{name} failed with exit code {code}.{where}\n{tail}")
