"""What is kept: documents that a person saved, where they stopped, and what they marked.

Nothing is kept unless it is saved, or unless the setting asks for the last few. Each change is
one transaction that is on the card when the call returns; a power cut loses at most the change
that was under way.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from voxedge.document.cursor import Cursor
from voxedge.document.find import SIMILAR, similarity, tokens
from voxedge.document.model import Document
from voxedge.document.serde import from_json, to_json
from voxedge.errors import DocumentMissing, LibraryDamaged, LibraryReadOnly
from voxedge.reader.shelf import (
    MIGRATIONS,
    FileDamaged,
    mapped_errors,
    move_aside,
    open_file,
    rescue,
)
from voxedge.speech.doubts import certain_text

_log = logging.getLogger(__name__)

TITLE_WORDS = 6
"""Words of a title made from the first line: enough to know a letter by, quick to hear."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One document on the shelf, without its text.

    Attributes:
        number: its name to the library; never given to another document.
        title: as spoken.
        saved: False for one that is only among the last few.
        pages: how many.
        cursor: where reading stopped.
    """

    number: int
    title: str
    saved: bool
    pages: int
    cursor: Cursor


class Library:
    """The shelf. Blocking and for one thread at a time: the daemon gives it a thread of its own.

    Every method may raise ``LibraryDamaged`` when the file proves damaged: by then the old file is
    moved aside, what could be read is rescued, and the library works on. Writing methods raise
    ``LibraryReadOnly`` or ``DiskFull`` and leave everything as it was.

    Args:
        path: the file; made where there is none.
        keep_recent: how many unsaved documents to keep; 0 keeps none.
        limit_mib: largest size of the file; beyond it the disk counts as full.
        migrations: what leads to the newest schema; tests give their own.

    Raises:
        LibraryReadOnly: the file was made by a newer voxedge, or is damaged and cannot be moved.
        DiskFull: there is no room to make it, or to rescue a damaged one.
    """

    def __init__(
        self,
        path: Path,
        *,
        keep_recent: int = 0,
        limit_mib: int = 512,
        migrations: Sequence[str] = MIGRATIONS,
    ) -> None:
        self._path = path
        self._keep_recent = keep_recent
        self._limit_mib = limit_mib
        self._migrations = migrations
        self.recovered: LibraryDamaged | None = None
        """Set when the file was found damaged on opening: to be spoken once."""
        try:
            self._file = open_file(path, migrations, limit_mib)
        except FileDamaged as error:
            self.recovered = self._recover(error)

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written."""
        return self._file.read_only

    def close(self) -> None:
        """Close the file; what WAL holds is folded into it."""
        self._file.connection.close()

    def check(self) -> None:
        """Read the whole file and see that it is sound; seconds for a large one."""
        with self._guarded() as connection:
            verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
            if verdict != "ok":
                raise FileDamaged(reason=verdict)

    # Documents

    def add(
        self,
        document: Document,
        *,
        title: str = "",
        saved: bool = False,
        cursor: Cursor = Cursor(),  # noqa: B008 - frozen
        pictures: Mapping[int, bytes] | None = None,
    ) -> int | None:
        """Put a document on the shelf and return its number.

        Args:
            document: what was read.
            title: empty takes the first words.
            saved: the person asked for it. Unsaved ones are kept only as the last few.
            cursor: where reading stands.
            pictures: JPEG by page, where pictures are kept.

        Returns:
            None where it is not to be kept: unsaved, and no recent ones are wanted.
        """
        if not saved and self._keep_recent == 0:
            return None
        with self._writing() as connection:
            wanted = title or title_of(document)
            row = (self._free_title(wanted), saved, len(document.pages), _pack(document))
            number = connection.execute(
                "INSERT INTO documents (title, saved, pages, body) VALUES (?, ?, ?, ?)", row
            ).lastrowid
            assert number is not None
            connection.execute(
                "INSERT INTO places SELECT ?, ?, coalesce(max(opened), 0) + 1 FROM places",
                (number, cursor.word),
            )
            self._put_pictures(number, pictures)
            connection.execute(
                "DELETE FROM documents WHERE id IN (SELECT id FROM documents JOIN places"
                " ON document = id WHERE NOT saved ORDER BY opened DESC LIMIT -1 OFFSET ?)",
                (self._keep_recent,),
            )
        return number

    def save(self, number: int, title: str = "") -> str:
        """Keep a recent document for good, under a title; return the title it has now."""
        with self._writing() as connection:
            old = self._row(number, "title")
            new = self._free_title(title, besides=number) if title else old
            connection.execute(
                "UPDATE documents SET saved = 1, title = ? WHERE id = ?", (new, number)
            )
        return str(new)

    def replace(
        self, number: int, document: Document, pictures: Mapping[int, bytes] | None = None
    ) -> None:
        """Put a longer version of the same document in its place: a page was added."""
        with self._writing() as connection:
            self._row(number, "id")
            connection.execute(
                "UPDATE documents SET pages = ?, body = ? WHERE id = ?",
                (len(document.pages), _pack(document), number),
            )
            self._put_pictures(number, pictures)

    def delete(self, number: int) -> None:
        """Remove a document with its pictures and marks; its bytes are overwritten."""
        with self._writing() as connection:
            self._row(number, "id")
            connection.execute("DELETE FROM documents WHERE id = ?", (number,))

    def document(self, number: int) -> Document:
        """Return a document."""
        with self._guarded():
            return _unpack(self._row(number, "body"))

    def open(self, number: int) -> Document:
        """Return a document, and remember it as the last one opened."""
        document = self.document(number)
        if not self.read_only:
            with self._writing() as connection:
                connection.execute(
                    "UPDATE places SET opened = (SELECT max(opened) FROM places) + 1"
                    " WHERE document = ?",
                    (number,),
                )
        return document

    def picture(self, number: int, page: int) -> bytes | None:
        """Return the JPEG of a page (counted from 0), None where it was not kept."""
        with self._guarded() as connection:
            row = connection.execute(
                "SELECT jpeg FROM pictures WHERE document = ? AND page = ?", (number, page)
            ).fetchone()
        return None if row is None else bytes(row[0])

    def entries(self) -> tuple[Entry, ...]:
        """Return what is on the shelf, the last one opened first."""
        with self._guarded() as connection:
            rows = connection.execute(
                "SELECT id, title, saved, pages, word FROM documents JOIN places ON document = id"
                " ORDER BY opened DESC"
            ).fetchall()
        return tuple(
            Entry(number, title, bool(saved), pages, Cursor(word))
            for number, title, saved, pages, word in rows
        )

    def last(self) -> Entry | None:
        """Return the last one opened, None where the shelf is empty."""
        return next(iter(self.entries()), None)

    def titled(self, title: str) -> Entry:
        """Return the entry whose title is most like what was said.

        Raises:
            DocumentMissing: no title is like it, or two are equally like it.
        """
        wanted = " ".join(tokens(title))
        scored = sorted(
            ((similarity(wanted, " ".join(tokens(e.title))), e) for e in self.entries()),
            key=lambda pair: -pair[0],
        )
        best = [entry for score, entry in scored if score >= SIMILAR and score == scored[0][0]]
        if len(best) != 1:
            raise DocumentMissing(document=title)
        return best[0]

    # Places

    def put_cursor(self, number: int, cursor: Cursor) -> None:
        """Remember where reading stands; called at the start of each sentence."""
        with self._writing() as connection:
            changed = connection.execute(
                "UPDATE places SET word = ? WHERE document = ?", (cursor.word, number)
            )
            if changed.rowcount == 0:
                raise DocumentMissing(document=number)

    def cursor(self, number: int) -> Cursor:
        """Return where reading stands."""
        with self._guarded() as connection:
            row = connection.execute(
                "SELECT word FROM places WHERE document = ?", (number,)
            ).fetchone()
        if row is None:
            raise DocumentMissing(document=number)
        return Cursor(row[0])

    def mark(self, number: int, cursor: Cursor) -> None:
        """Mark a place; marking it twice is one mark."""
        with self._writing() as connection:
            self._row(number, "id")
            connection.execute(
                "INSERT OR IGNORE INTO bookmarks VALUES (?, ?)", (number, cursor.word)
            )

    def unmark(self, number: int, cursor: Cursor) -> None:
        """Take a mark away; none there is no failure."""
        with self._writing() as connection:
            connection.execute(
                "DELETE FROM bookmarks WHERE document = ? AND word = ?", (number, cursor.word)
            )

    def marks(self, number: int) -> tuple[Cursor, ...]:
        """Return the marked places, in reading order."""
        with self._guarded() as connection:
            rows = connection.execute(
                "SELECT word FROM bookmarks WHERE document = ? ORDER BY word", (number,)
            ).fetchall()
        return tuple(Cursor(row[0]) for row in rows)

    # Inside

    def _row(self, number: int, column: str) -> object:
        row = self._file.connection.execute(
            f"SELECT {column} FROM documents WHERE id = ?", (number,)
        ).fetchone()
        if row is None:
            raise DocumentMissing(document=number)
        return row[0]

    def _put_pictures(self, number: int, pictures: Mapping[int, bytes] | None) -> None:
        self._file.connection.executemany(
            "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?)",
            [(number, page, jpeg) for page, jpeg in (pictures or {}).items()],
        )

    def _free_title(self, wanted: str, besides: int = -1) -> str:
        """Return the title with a number after it if another document has it: "Letter 2"."""
        taken = {
            " ".join(tokens(row[0]))
            for row in self._file.connection.execute(
                "SELECT title FROM documents WHERE id != ?", (besides,)
            )
        }
        title, number = wanted, 1
        while " ".join(tokens(title)) in taken:
            number += 1
            title = f"{wanted} {number}"
        return title

    @contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        try:
            with mapped_errors(self._path):
                yield self._file.connection
        except FileDamaged as error:
            raise self._recover(error) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of the block, or nothing of it."""
        if self.read_only:
            raise LibraryReadOnly(path=self._path, reason="it was opened for reading only")
        with self._guarded() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                # SQLite has rolled back by itself after some failures (a full disk is one).
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _recover(self, error: FileDamaged) -> LibraryDamaged:
        """Move the damaged file aside, start a new one, rescue what can be read."""
        if hasattr(self, "_file"):
            self._file.connection.close()
        aside = move_aside(self._path)
        self._file = open_file(self._path, self._migrations, self._limit_mib)
        with mapped_errors(self._path):
            rescued = rescue(aside, self._file.connection)
        for entry in self.entries():
            try:
                _unpack(self._row(entry.number, "body"))
            except FileDamaged:
                rescued -= 1
                self._file.connection.execute("DELETE FROM documents WHERE id = ?", (entry.number,))
        told = LibraryDamaged(path=aside, rescued=rescued)
        _log.error("%s (%s)", told, error)
        return told


def title_of(document: Document) -> str:
    """Return a title from the first words of a document; numbers in doubt are left out.

    A title is said whenever the document is named, and nothing is said of its numbers then.
    """
    words = [
        word
        for paragraph in document.paragraphs[:1]
        for place, sentence in enumerate(paragraph.sentences)
        for word in certain_text(sentence, starts_paragraph=place == 0).split()
    ]
    return " ".join(words[:TITLE_WORDS]).rstrip(".,:;") or "Untitled"


def _pack(document: Document) -> bytes:
    # The text stands three times in the JSON: it packs to about a tenth, and zlib's checksum
    # tells a flipped bit, which SQLite does not look for.
    return zlib.compress(json.dumps(to_json(document), ensure_ascii=False).encode())


def _unpack(body: object) -> Document:
    packed = body if isinstance(body, bytes) else b""
    try:
        return from_json(json.loads(zlib.decompress(packed)))
    except (ValueError, zlib.error) as error:
        raise FileDamaged(reason=f"a document does not unpack: {error}") from error
