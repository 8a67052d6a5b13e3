"""The library: what was saved is there, what was not is not, and every failure is told."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from voxedge.document.cursor import Cursor
from voxedge.document.model import Box, Document, Page, Paragraph, Section, Sentence, Word
from voxedge.errors import DiskFull, DocumentMissing, LibraryDamaged, LibraryReadOnly
from voxedge.reader.library import Library, title_of
from voxedge.reader.shelf import MIGRATIONS, open_file


def document(text: str, pages: int = 1) -> Document:
    words = tuple(
        Word(word, Box(0, 0, 9, 9), 0.5, n % pages) for n, word in enumerate(text.split())
    )
    return Document(
        (Section((Paragraph((Sentence(words),)),)),), tuple(Page(9, 9) for _ in range(pages)), "en"
    )


LETTER = document("Dear Ms Smith, your appointment is on Monday at nine.")
LEAFLET = document("Take one tablet of 5 mg daily. Größe 日本語", pages=2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "library.sqlite3"


@pytest.fixture
def library(path: Path) -> Iterator[Library]:
    made = Library(path)
    yield made
    made.close()


def saved(library: Library, what: Document, title: str = "") -> int:
    number = library.add(what, title=title, saved=True)
    assert number is not None
    return number


def test_what_was_saved_is_there_after_a_restart(path: Path) -> None:
    library = Library(path)
    number = saved(library, LEAFLET, "Blood pressure")
    library.put_cursor(number, Cursor(5))
    library.mark(number, Cursor(7))
    library.mark(number, Cursor(2))
    library.mark(number, Cursor(2))
    library.close()
    again = Library(path)
    (entry,) = again.entries()
    assert (entry.number, entry.title, entry.saved, entry.pages) == (
        number,
        "Blood pressure",
        True,
        2,
    )
    assert entry.cursor == again.cursor(number) == Cursor(5)
    assert again.marks(number) == (Cursor(2), Cursor(7))
    assert again.open(number) == LEAFLET
    again.unmark(number, Cursor(2))
    assert again.marks(number) == (Cursor(7),)
    again.close()


def test_nothing_is_kept_that_was_not_saved(library: Library, path: Path) -> None:
    assert library.add(LETTER) is None
    assert library.entries() == ()
    assert b"appointment" not in path.read_bytes()


def test_the_last_few_are_kept_when_asked(path: Path) -> None:
    library = Library(path, keep_recent=2)
    first = library.add(document("first"))
    kept = saved(library, document("kept"))
    second, third = library.add(document("second")), library.add(document("third"))
    numbers = [entry.number for entry in library.entries()]
    assert numbers == [third, second, kept]
    with pytest.raises(DocumentMissing):
        library.open(first or 0)
    assert library.save(second or 0, "Now for good") == "Now for good"
    library.add(document("fourth"))
    library.add(document("fifth"))
    assert {kept, second} < {entry.number for entry in library.entries()}
    library.close()


def test_the_last_one_opened_comes_first_whatever_the_clock_says(library: Library) -> None:
    assert library.last() is None
    one, two = saved(library, LETTER), saved(library, LEAFLET)
    assert [entry.number for entry in library.entries()] == [two, one]
    library.open(one)
    last = library.last()
    assert last is not None
    assert last.number == one


def test_titles(library: Library) -> None:
    assert title_of(LETTER) == "Dear Ms Smith, your appointment is"
    assert title_of(document("")) == "Untitled"
    first = saved(library, LETTER, "Letter")
    saved(library, LEAFLET, "letter")
    saved(library, LEAFLET, "Heart pills")
    assert [entry.title for entry in library.entries()] == ["Heart pills", "letter 2", "Letter"]
    assert library.titled("LETTER").number == first
    assert library.titled("hart pills").title == "Heart pills"
    assert library.save(first, "Letter") == "Letter", "its own title is free to it"
    for unknown in ("zebra", "", "5"):
        with pytest.raises(DocumentMissing):
            library.titled(unknown)


def test_a_page_is_added(library: Library) -> None:
    number = saved(library, LETTER)
    library.put_cursor(number, Cursor(4))
    library.replace(number, LEAFLET, {0: b"jpeg zero", 1: b"jpeg one"})
    assert library.open(number) == LEAFLET
    assert library.cursor(number) == Cursor(4)
    assert (library.picture(number, 1), library.picture(number, 2)) == (b"jpeg one", None)


def test_what_is_deleted_is_gone_from_the_card(path: Path) -> None:
    library = Library(path)
    number = library.add(LETTER, saved=True, title="Secret", pictures={0: b"PICTURE" * 500})
    assert number is not None
    library.mark(number, Cursor(1))
    library.delete(number)
    assert library.entries() == ()
    assert library.marks(number) == ()
    assert library.picture(number, 0) is None
    new = saved(library, LEAFLET)
    assert new != number, "a number is never given twice"
    library.close()
    left = path.read_bytes()
    assert b"Secret" not in left
    assert b"PICTURE" not in left


@pytest.mark.parametrize(
    "call",
    [
        lambda lib: lib.open(99),
        lambda lib: lib.delete(99),
        lambda lib: lib.save(99, "x"),
        lambda lib: lib.replace(99, LETTER),
        lambda lib: lib.put_cursor(99, Cursor(1)),
        lambda lib: lib.cursor(99),
        lambda lib: lib.mark(99, Cursor(1)),
    ],
)
def test_what_is_not_there_is_told(library: Library, call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DocumentMissing):
        call(library)
    saved(library, LETTER)
    assert len(library.entries()) == 1


def test_it_may_be_made_in_one_thread_and_used_in_another(library: Library) -> None:
    numbers: list[int] = []
    worker = threading.Thread(target=lambda: numbers.append(saved(library, LETTER)))
    worker.start()
    worker.join()
    assert library.open(numbers[0]) == LETTER


def test_a_commit_is_on_the_card_before_it_returns(path: Path) -> None:
    """Killing a process cannot show this: what the kernel holds survives it. A power cut would."""
    opened = open_file(path, MIGRATIONS, 1)
    pragmas = {
        name: opened.connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
    }
    opened.connection.close()
    full = 2
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": full,
        "secure_delete": 1,
        "foreign_keys": 1,
    }


# Migrations


def test_an_old_file_is_brought_up_to_date(path: Path) -> None:
    old = Library(path)
    number = saved(old, LETTER)
    old.close()
    newer = (*MIGRATIONS, "ALTER TABLE documents ADD COLUMN colour TEXT")
    library = Library(path, migrations=newer)
    assert library.open(number) == LETTER
    library.close()
    with pytest.raises(LibraryReadOnly, match="newer voxedge"):
        Library(path)
    Library(path, migrations=newer).close()


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    old = Library(path)
    number = saved(old, LETTER)
    old.close()
    broken = (*MIGRATIONS, "CREATE TABLE extra (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1)")
    first = Library(path, migrations=broken)
    assert first.read_only, "the old file is still read"
    assert first.open(number) == LETTER
    first.close()
    again = Library(path)
    assert again.open(number) == LETTER
    with contextlib.closing(sqlite3.connect(path)) as raw:
        names = {row[0] for row in raw.execute("SELECT name FROM sqlite_master")}
    assert "extra" not in names
    again.close()


# Failures


def test_a_full_disk_is_told_and_loses_nothing(path: Path) -> None:
    library = Library(path, limit_mib=1)
    number = saved(library, LETTER)
    library.put_cursor(number, Cursor(3))
    with pytest.raises(DiskFull):
        library.add(LEAFLET, saved=True, pictures={0: bytes(2 * 1024 * 1024)})
    assert [entry.number for entry in library.entries()] == [number]
    library.put_cursor(number, Cursor(4))
    assert library.open(number) == LETTER
    library.check()
    library.close()


def test_a_disk_that_is_truly_full(tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", mount],
        capture_output=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip("needs to be root to make a small disk")
    try:
        library = Library(mount / "library.sqlite3")
        number = saved(library, LETTER)
        ballast = mount / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        with pytest.raises(DiskFull):
            add_many(library, 200)
        ballast.unlink()
        kept = len(library.entries())
        saved(library, LEAFLET)
        assert len(library.entries()) == kept + 1, "it goes on when there is room again"
        assert library.open(number) == LETTER
        library.check()
        library.close()
    finally:
        subprocess.run(["umount", mount], check=True)


def add_many(library: Library, count: int) -> None:
    for _ in range(count):
        saved(library, LEAFLET)


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "not a database":
        data[:] = b"<html>no database</html>" * 400
    elif how == "cut short":
        del data[len(data) // 2 :]
    elif how == "zeroed middle":
        data[4096 : len(data) - 4096] = bytes(len(data) - 8192)
    elif how == "header":
        data[:16] = bytes(16)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("how", ["not a database", "cut short", "zeroed middle", "header"])
def test_a_damaged_file_is_moved_aside_and_told(path: Path, how: str) -> None:
    library = Library(path)
    for number in range(40):
        saved(library, document(f"letter {number} " + "word " * 200), f"t{number}")
    library.close()
    damage(path, how)
    again = Library(path)
    told = again.recovered
    assert isinstance(told, LibraryDamaged)
    aside = Path(str(told.details["path"]))
    assert aside.exists()
    assert aside.name == "library.damaged-1.sqlite3"
    assert told.details["rescued"] == len(again.entries())
    for entry in again.entries():
        assert again.open(entry.number).text.startswith("letter ")
    saved(again, LETTER)
    again.check()
    again.close()
    Library(path).close()


def test_most_documents_are_rescued_from_one_bad_page(path: Path) -> None:
    library = Library(path)
    for number in range(40):
        saved(library, document(f"letter {number} " + os.urandom(3000).hex()), f"t{number}")
    library.close()
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4096] = os.urandom(4096)
    path.write_bytes(bytes(data))
    again = Library(path)
    with contextlib.suppress(LibraryDamaged):
        for entry in again.entries():
            again.open(entry.number)
    kept = [again.open(entry.number) for entry in again.entries()]
    assert len(kept) >= 30
    assert all(each.text.startswith("letter ") for each in kept)
    again.close()


def test_damage_found_while_running_is_told_and_it_works_on(path: Path) -> None:
    library = Library(path)
    good, bad = saved(library, LETTER), saved(library, LEAFLET)
    with contextlib.closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE documents SET body = ? WHERE id = ?", (b"rotten", bad))
        raw.commit()
    with pytest.raises(LibraryDamaged) as caught:
        library.open(bad)
    assert caught.value.details["rescued"] == 1
    assert "rescued 1 of its documents" in caught.value.speech
    assert library.open(good) == LETTER
    assert [entry.number for entry in library.entries()] == [good]
    library.close()


_READ_ONLY = """
import json, os, sys, urllib.parse
from pathlib import Path
from voxedge.errors import LibraryReadOnly
from voxedge.document.cursor import Cursor
from voxedge.reader.library import Library
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
library = Library(Path(sys.argv[1]))
refused = 0
for call in (lambda: library.put_cursor(1, Cursor(1)), lambda: library.delete(1)):
    try:
        call()
    except LibraryReadOnly as error:
        refused += "cannot save" in error.speech
texts = [library.open(e.number).text[:4] for e in library.entries()]
print(json.dumps([library.read_only, refused, texts]))
"""


def as_nobody(path: Path) -> list[object]:
    """Open a library as a user who may read but not write; root may write everything."""
    result = subprocess.run(
        [sys.executable, "-c", _READ_ONLY, path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert isinstance(found, list)
    return found


def test_a_folder_that_cannot_be_written_is_still_read(path: Path) -> None:
    library = Library(path)
    saved(library, LETTER)
    library.close()
    for folder in path.parent.parents:
        # pytest makes its folders for their owner alone.
        if folder.stat().st_uid == os.geteuid() and "pytest" in folder.as_posix():
            folder.chmod(0o755)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        assert as_nobody(path) == [True, 2, ["Dear"]]
    finally:
        path.parent.chmod(0o755)


def test_no_file_where_none_can_be_made_is_an_empty_shelf(path: Path) -> None:
    path.parent.mkdir(mode=0o555)
    for folder in path.parent.parents:
        if folder.stat().st_uid == os.geteuid() and "pytest" in folder.as_posix():
            folder.chmod(0o755)
    assert as_nobody(path) == [True, 2, []]
