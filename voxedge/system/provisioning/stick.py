"""A folder that somebody else filled: read with suspicion.

Nothing but the few files that are asked for is opened; no link is followed, no pipe waited for, no
file of a gigabyte read. What is wrong is a sentence, never a surprise.
"""

from __future__ import annotations

import codecs
import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from voxedge.errors import StickRefused

_NOT_PLAIN = (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO)
"""What opening a link with O_NOFOLLOW, a folder, and a socket say."""

ENTRIES_LOOKED_AT = 10_000
"""Of the stick's first folder; a photo archive has fewer."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that is looked for.

    Attributes:
        name: on the stick, whatever its case.
        spoken: what it is, to the ear.
        limit_bytes: larger is refused unread.
    """

    name: str
    spoken: str
    limit_bytes: int


SETTINGS = Wanted("voxedge.toml", "the settings", 64 * 1024)
WIFI = Wanted("wifi.txt", "the wireless network", 4 * 1024)
KEYS = Wanted("authorized_keys", "the keys for remote service", 16 * 1024)


def names_on(folder: Path) -> tuple[str, ...]:
    """Return the names in the stick's first folder, sorted.

    Raises:
        StickRefused: the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            found = [
                entry.name for entry, _ in zip(entries, range(ENTRIES_LOOKED_AT), strict=False)
            ]
    except OSError as error:
        raise _refused(Wanted(folder.name, "anything", 0), _why(error)) from error
    return tuple(sorted(found))


def read_text(folder: Path, wanted: Wanted, names: tuple[str, ...]) -> str | None:
    """Return the text of a file on the stick, None where there is none.

    Args:
        folder: of the stick.
        wanted: the file.
        names: from ``names_on``.

    Raises:
        StickRefused: it is there, and not to be taken.
    """
    matching = [name for name in names if name.casefold() == wanted.name]
    if not matching:
        return None
    if len(matching) > 1:
        raise _refused(wanted, "there are two of them")
    return _text(wanted, _bytes(folder, matching[0], wanted))


def _bytes(folder: Path, name: str, wanted: Wanted) -> bytes:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        around = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            descriptor = os.open(name, flags, dir_fd=around)
        finally:
            os.close(around)
        # Everything below is about the file that was opened: it cannot be exchanged in between.
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _refused(wanted, "it is not a plain file")
            data = file.read(wanted.limit_bytes + 1)
    except OSError as error:
        raise _refused(wanted, _why(error)) from error
    if len(data) > wanted.limit_bytes:
        raise _refused(wanted, "it is too large")
    return data


def _text(wanted: Wanted, data: bytes) -> str:
    # Windows' editors mark UTF-8, and may write UTF-16 with its mark.
    encoding = "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _refused(wanted, "it is not a text") from error
    if any(ord(character) < 32 and character not in "\t\r\n" for character in text):
        raise _refused(wanted, "it is not a text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _why(error: OSError) -> str:
    return "it is not a plain file" if error.errno in _NOT_PLAIN else "the stick cannot be read"


def _refused(wanted: Wanted, reason: str) -> StickRefused:
    return StickRefused(name=wanted.name, what=wanted.spoken, reason=reason)
