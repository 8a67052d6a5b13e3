"""RAUC's bundles: what is in one, may it be trusted, and putting it on the other slot.

RAUC does the cryptography (CMS signatures against the keyring of ``/etc/rauc/system.conf``) and
the writing; here its words are understood and turned into our failures. Blocking.
"""

from __future__ import annotations

import os
import re
import selectors
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from voxedge.errors import (
    InputIsDirectory,
    InputMissing,
    InputUnreadable,
    SlotsMissing,
    UpdateCorrupt,
    UpdateFailed,
    UpdateInterrupted,
    UpdateTooLarge,
    UpdateUnfit,
    UpdateUnsigned,
    UpdateUntrusted,
    VoxedgeError,
)

INSPECT_TIMEOUT_S = 120.0
"""A signature over the hash tree takes seconds; one over a whole old-style bundle longer."""

SILENCE_LIMIT_S = 900.0
"""A slot of a gigabyte takes two minutes on a slow card. Past this the installer hangs."""

TICK_S = 5.0

OnProgress = Callable[[int | None, str], None]


@dataclass(frozen=True, slots=True)
class Bundle:
    """What the signed manifest says.

    Attributes:
        path: the file.
        compatible: the kind of device it is made for.
        version: of the system in it.
    """

    path: Path
    compatible: str
    version: str


def compatible_of(rauc_config: Path) -> str:
    """Return the kind of this device.

    Raises:
        SlotsMissing: this system was not made by ``image-build``.
    """
    try:
        text = rauc_config.read_text(encoding="utf-8")
    except OSError as error:
        raise SlotsMissing(reason=f"there is no {rauc_config}") from error
    found = re.search(r"(?m)^\s*compatible\s*=\s*(\S+)\s*$", text)
    if found is None:
        raise SlotsMissing(reason=f"{rauc_config} names no compatible")
    return found[1]


def inspect(path: Path, rauc: Sequence[str] = ("rauc",)) -> Bundle:
    """Verify the signature of a bundle and return what it holds. Nothing is written.

    Args:
        path: the bundle.
        rauc: the command, with ``--conf`` where it is not the default one.

    Raises:
        InputMissing, InputIsDirectory, InputUnreadable: no such file.
        UpdateUnsigned, UpdateUntrusted, UpdateCorrupt: it must not be installed.
        SlotsMissing: RAUC is not installed.
        UpdateFailed: RAUC does not answer.
    """
    _check_file(path)
    command = [*rauc, "info", "--output-format=shell", os.fspath(path.absolute())]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=INSPECT_TIMEOUT_S,
            check=False,
            env=_environment(),
        )
    except FileNotFoundError as error:
        raise SlotsMissing(reason="rauc is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise UpdateFailed(reason="rauc did not answer in time") from error
    if done.returncode != 0:
        raise _failure(path, done.stderr)
    values = _shell_values(done.stdout)
    return Bundle(
        path, values.get("RAUC_MF_COMPATIBLE", ""), values.get("RAUC_MF_VERSION", "") or "unknown"
    )


def install(
    path: Path,
    on_progress: OnProgress,
    rauc: Sequence[str] = ("rauc",),
) -> None:
    """Write a bundle to the other slot, by RAUC's service; it verifies everything again.

    Args:
        path: the bundle.
        on_progress: gets percent and step; None and "" every five seconds in which nothing is told.
        rauc: the command.

    Raises:
        VoxedgeError: it was not installed; the running slot is as it was.
    """
    command = [*rauc, "install", os.fspath(path.absolute())]
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=_environment()
        )
    except FileNotFoundError as error:
        raise SlotsMissing(reason="rauc is not installed") from error
    with process:
        try:
            told = _follow(process, on_progress)
        except BaseException:
            # Ctrl-C too: RAUC's service would go on, but nobody would start what it wrote.
            process.kill()
            raise
    if process.returncode != 0:
        raise _failure(path, told)


def _follow(
    process: subprocess.Popen[bytes], on_progress: Callable[[int | None, str], None]
) -> str:
    """Read what the installer tells until it ends; return it."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    told, pending, silent_s = [], b"", 0.0
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            if not selector.select(TICK_S):
                silent_s += TICK_S
                if silent_s >= SILENCE_LIMIT_S:
                    raise UpdateInterrupted(reason="the installer hangs")
                on_progress(None, "")
                continue
            silent_s = 0.0
            data = os.read(descriptor, 4096)
            *lines, pending = (pending + data).split(b"\n")
            for line in [*lines, pending] if not data else lines:
                text = line.decode("utf-8", errors="replace").strip()
                told.append(text)
                step = re.match(r"(\d{1,3})% (.+)", text)
                if step:
                    on_progress(int(step[1]), step[2])
            if not data:
                return "\n".join(told)


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise InputIsDirectory(path=path)
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except FileNotFoundError as error:
        raise InputMissing(path=path) from error
    except OSError as error:
        raise InputUnreadable(path=path, reason=error.strerror or str(error)) from error
    # Plain and verity bundles begin as squashfs; an encrypted one we do not make.
    if start != b"hsqs":
        raise UpdateCorrupt(path=path, reason="it is empty" if not start else "it is no bundle")


_REASONS: tuple[tuple[str, type[VoxedgeError]], ...] = (
    (r"signature size is 0\b", UpdateUnsigned),
    # The signature is one of ours, of other bytes.
    (r"content verify error|bundle format .*not allowed", UpdateCorrupt),
    (r"signature verification failed|not signed|no keyring|certificate", UpdateUntrusted),
    (r"compatible mismatch|does not match system compatible", UpdateUnfit),
    (r"too small for image|no space left|too large|not enough space", UpdateTooLarge),
    (
        r"invalid bundle|invalid signature|checksum|digest|verity|squashfs|i/o error|input/output",
        UpdateCorrupt,
    ),
    (r"disconnected|noreply|no reply|vanished|killed|remote peer", UpdateInterrupted),
)
"""RAUC's words (its src/signature.c, src/bundle.c, src/install.c, src/update_handler.c) to ours,
most telling first."""


def _failure(path: Path, told: str) -> VoxedgeError:
    reason = _last_words(told)
    for pattern, kind in _REASONS:
        if re.search(pattern, told, re.IGNORECASE):
            if kind is UpdateUnfit:
                return UpdateUnfit(path=path, found="another device", wanted="this one")
            return kind(path=path, reason=reason)
    return UpdateFailed(reason=reason)


def _last_words(told: str) -> str:
    lines = [line for line in told.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("LastError: ")]
    last = (errors or lines or ["rauc did not say why"])[-1]
    return last.removeprefix("LastError: ").strip().rstrip(".")


def _shell_values(text: str) -> Mapping[str, str]:
    values = {}
    for line in text.splitlines():
        name, found, value = line.partition("=")
        if found and name.startswith("RAUC_"):
            try:
                values[name] = "".join(shlex.split(value))
            except ValueError:
                continue
    return values


def _environment() -> dict[str, str]:
    # Its messages are understood here: no translations.
    return {**os.environ, "LC_ALL": "C"}
