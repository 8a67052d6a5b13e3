"""The file under the library: opened, brought up to date, checked, and rescued when damaged.

SQLite in WAL mode with ``synchronous=FULL``: a commit is on the card before it returns, which a
cursor that may be one sentence old at most needs. One commit a sentence is a few kilobytes every
few seconds.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from voxedge.errors import DiskFull, LibraryReadOnly, VoxedgeError

_log = logging.getLogger(__name__)

MIGRATIONS: tuple[str, ...] = (
    # 1. The place is a table of its own: it changes with every sentence, and changing a row
    # writes the whole row. "opened" counts up instead of telling the time: a Pi has no clock
    # that survives a power cut.
    """
    CREATE TABLE documents (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        saved INTEGER NOT NULL,
        pages INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE places (
        document INTEGER PRIMARY KEY REFERENCES documents(id) ON DELETE CASCADE,
        word INTEGER NOT NULL,
        opened INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE bookmarks (
        document INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
        word INTEGER NOT NULL,
        PRIMARY KEY (document, word)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE pictures (
        document INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
        page INTEGER NOT NULL,
        jpeg BLOB NOT NULL,
        PRIMARY KEY (document, page)
    ) STRICT;
    """,
)
"""What leads from each version of the file to the next; only ever appended to."""

_CHECKED_AT_OPEN = ("documents", "places", "bookmarks")
"""Pictures are not: reading hundreds of megabytes from a card would take longer than starting."""

_COPIED = (
    ("documents", "id, title, saved, pages, body"),
    ("places", "document, word, opened"),
    ("bookmarks", "document, word"),
    ("pictures", "document, page, jpeg"),
)


class FileDamaged(VoxedgeError):
    """The file is no sound database; never leaves this room."""

    printed = "The library file is damaged: {reason}."


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file.

    Attributes:
        connection: in autocommit mode; every write is a transaction of its own.
        read_only: nothing can be written.
    """

    connection: sqlite3.Connection
    read_only: bool


def open_file(path: Path, migrations: Sequence[str], limit_mib: int) -> Opened:
    """Open the file, making or migrating it; read-only where it cannot be written.

    Raises:
        FileDamaged: it is no sound database.
        LibraryReadOnly: it was made by a newer voxedge.
        DiskFull: there is no room to make or migrate it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (sqlite3.OperationalError, OSError) as error:
        return _open_read_only(path, str(error))
    try:
        with mapped_errors(path):
            _prepare(connection, path, migrations, limit_mib)
    except LibraryReadOnly as error:
        connection.close()
        if "newer" in str(error.details["reason"]):
            raise
        return _open_read_only(path, str(error.details["reason"]))
    except VoxedgeError:
        connection.close()
        raise
    return Opened(connection, read_only=False)


def _prepare(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[str], limit_mib: int
) -> None:
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=2000")
    # What was deleted is overwritten: a letter that a person deletes is not left on the card.
    connection.execute("PRAGMA secure_delete=ON")
    page_size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={limit_mib * 1024 * 1024 // page_size}")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(migrations):
        raise LibraryReadOnly(path=path, reason=f"made by a newer voxedge (version {version})")
    for number, script in enumerate(migrations[version:], start=version + 1):
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE; {script}; PRAGMA user_version={number}; COMMIT"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    for table in _CHECKED_AT_OPEN:
        verdict = connection.execute(f"PRAGMA quick_check('{table}')").fetchone()[0]
        if verdict != "ok":
            raise FileDamaged(reason=verdict)
    # Prove now, not at the first save, that the file can be written.
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")


def _open_read_only(path: Path, reason: str) -> Opened:
    _log.warning("the library can only be read: %s", reason)
    if path.is_file():
        # immutable: WAL needs a shared-memory file, which a read-only folder cannot hold.
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        with mapped_errors(path):
            if connection.execute("PRAGMA user_version").fetchone()[0] > 0:
                return Opened(connection, read_only=True)
        connection.close()
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.executescript(MIGRATIONS[0])
    return Opened(connection, read_only=True)


@contextlib.contextmanager
def mapped_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into our own failures.

    Raises:
        DiskFull: no room, or the library's own limit is reached.
        LibraryReadOnly: it cannot be written, or the card answers with errors.
        FileDamaged: the database is malformed.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        primary = None if code is None else code & 0xFF
        if primary == sqlite3.SQLITE_FULL or (primary == sqlite3.SQLITE_IOERR and _is_full(path)):
            raise DiskFull(path=path) from error
        if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise FileDamaged(reason=str(error)) from error
        if isinstance(error, sqlite3.OperationalError):
            raise LibraryReadOnly(path=path, reason=str(error)) from error
        raise


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < 64 * 1024
    except OSError:
        return False


def move_aside(path: Path) -> Path:
    """Rename a damaged file, and what SQLite keeps beside it, out of the way; return its new name.

    Raises:
        LibraryReadOnly: the folder cannot be written.
    """
    number = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    try:
        for ending in ("", "-wal", "-shm"):
            part = path.with_name(path.name + ending)
            if part.exists():
                part.rename(aside.with_name(aside.name + ending))
    except OSError as error:
        raise LibraryReadOnly(path=path, reason=error.strerror or str(error)) from error
    return aside


def rescue(damaged: Path, into: sqlite3.Connection) -> int:
    """Copy what can still be read from a damaged file, row by row; return how many documents.

    A row that does not read is passed over; a table that breaks off is read from its end too.
    """
    try:
        source = sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        return 0
    with contextlib.closing(source):
        into.execute("BEGIN IMMEDIATE")
        for table, columns in _COPIED:
            for row in _readable_rows(source, table, columns):
                marks = ", ".join("?" * len(row))
                # A row whose document was lost, or that came from both ends, is refused: right.
                with contextlib.suppress(sqlite3.IntegrityError):
                    into.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", row)
        into.execute("INSERT OR IGNORE INTO places SELECT id, 0, 0 FROM documents")
        into.execute("COMMIT")
    return int(into.execute("SELECT count(*) FROM documents").fetchone()[0])


def _readable_rows(
    source: sqlite3.Connection, table: str, columns: str
) -> Iterator[tuple[object, ...]]:
    """Yield rows one at a time (pictures are large) until the table breaks off, from both ends."""
    first = columns.split(",", maxsplit=1)[0]
    for order in ("ASC", "DESC"):
        try:
            rows = source.execute(f"SELECT {columns} FROM {table} ORDER BY {first} {order}")
            while (row := rows.fetchone()) is not None:
                yield row
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            continue
        return
