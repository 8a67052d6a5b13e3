"""Writing that survives a power cut.

Two ways, both with one moment at which the new content replaces the old:

* ``replace``: write beside, sync, rename, sync the folder. For any file on ext4; on FAT the rename
  changes the start cluster of the one directory entry (``vfat_rename``), which is one sector.
* ``overwrite``: for a file of at most one sector whose length does not change. One sector is
  written and nothing else: no directory, no allocation table.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

SECTOR_BYTES = 512


class Storage(Protocol):
    """The single steps; a power cut may come between any two, or lose what was not synced."""

    def read(self, path: Path) -> bytes:
        """Return the content; FileNotFoundError where there is none."""
        ...

    def create(self, path: Path, data: bytes, mode: int) -> None:
        """Make or empty a file and write it; not yet on the card."""
        ...

    def overwrite(self, path: Path, data: bytes) -> None:
        """Write over the beginning of a file; not yet on the card."""
        ...

    def sync(self, path: Path) -> None:
        """Bring a file or folder to the card."""
        ...

    def rename(self, old: Path, new: Path) -> None:
        """Put ``old`` in the place of ``new``."""
        ...


class Disk:
    """The real one. Blocking."""

    def read(self, path: Path) -> bytes:
        """Return the content."""
        return path.read_bytes()

    def create(self, path: Path, data: bytes, mode: int) -> None:
        """Make or empty a file and write it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        # A leftover of an earlier try may have another mode or be a link.
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)

    def overwrite(self, path: Path, data: bytes) -> None:
        """Write over the beginning of a file."""
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.pwrite(descriptor, data, 0)
        finally:
            os.close(descriptor)

    def sync(self, path: Path) -> None:
        """Bring a file or folder to the card."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """Put ``old`` in the place of ``new``."""
        old.replace(new)


def replace(storage: Storage, path: Path, data: bytes, mode: int = 0o644) -> None:
    """Give a file new content, whole or not at all.

    Raises:
        OSError: the card is full, read-only or broken; the old content stands.
    """
    beside = path.with_name(path.name + ".new")
    storage.create(beside, data, mode)
    storage.sync(beside)
    storage.rename(beside, path)
    storage.sync(path.parent)


def replace_in_place(storage: Storage, path: Path, data: bytes) -> None:
    """Give a file of one sector new content; by ``replace`` where its length changes.

    Raises:
        OSError: as ``replace``.
    """
    try:
        present = storage.read(path)
    except FileNotFoundError:
        present = b""
    if len(data) > SECTOR_BYTES or len(present) != len(data):
        replace(storage, path, data)
        return
    if present != data:
        storage.overwrite(path, data)
        storage.sync(path)
