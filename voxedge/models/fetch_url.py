"""Fetch a file over HTTPS: resumed where it broke off, checked, put in place whole."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path

from voxedge.errors import DiskFull, FetchFailed
from voxedge.models.progress import Progress

TIMEOUT_S = 30.0
"""Longest silence of a server."""

ATTEMPTS = 4
_PIECE = 1 << 16


def fetch_url(
    name: str,
    address: str,
    size: int,
    sha256: str,
    target: Path,
    progress: Progress,
    timeout_s: float = TIMEOUT_S,
) -> None:
    """Fetch one file. Blocking.

    What has come lies in ``<target>.part`` until it is whole and its digest is right; a later
    call goes on from there (HTTP ``Range``). Then it is renamed, which is atomic.

    Args:
        name: the voice, for messages.
        address: https address.
        size: bytes it must have.
        sha256: digest it must have.
        target: final path; its folder exists.
        progress: advanced by bytes.
        timeout_s: longest silence of the server.

    Raises:
        FetchFailed: refused, silent, broken off again and again, or not what was promised.
        DiskFull: no room.
    """
    part = target.with_name(target.name + ".part")
    trouble = ""
    for _ in range(ATTEMPTS):
        try:
            _receive(name, address, size, part, progress, timeout_s)
        except urllib.error.HTTPError as error:
            raise FetchFailed(name=name, reason=f"the server says {error.code}") from error
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                part.unlink(missing_ok=True)
                raise DiskFull(path=target) from error
            trouble = _reason(error)
            continue
        if part.stat().st_size == size:
            break
        trouble = f"it broke off at {part.stat().st_size} of {size} bytes"
    else:
        raise FetchFailed(name=name, reason=trouble)
    with part.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != sha256:
        part.unlink()
        raise FetchFailed(name=name, reason=f"{target.name} is not the file that was promised")
    part.replace(target)


def _receive(
    name: str, address: str, size: int, part: Path, progress: Progress, timeout_s: float
) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have > size:
        part.unlink()
        have = 0
    if have == size:
        return
    request = urllib.request.Request(address)
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=timeout_s) as response:
        resumed = response.status == http.client.PARTIAL_CONTENT
        if have and resumed:
            progress.advance(have)
        with part.open("ab" if resumed else "wb") as stream:
            total = have if resumed else 0
            while block := response.read(_PIECE):
                total += len(block)
                if total > size:
                    raise FetchFailed(name=name, reason=f"it is longer than {size} bytes")
                stream.write(block)
                progress.advance(len(block))
            stream.flush()
            os.fsync(stream.fileno())


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "the server does not answer"
    if isinstance(error, urllib.error.URLError):
        return f"the server cannot be reached ({error.reason})"
    return str(error) or type(error).__name__
