"""Power cuts: kill -9 at any moment, and a write-ahead log that ends anywhere."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cuts import DOCUMENTS, Judge

from voxedge.document.cursor import Cursor
from voxedge.reader.library import Library

CUTS = 250


@pytest.fixture
def fast_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: the cuts fall between steps, not into waiting."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    folder = memory / f"voxedge-cuts-{os.getpid()}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_kill_at_any_moment_loses_nothing(fast_folder: Path) -> None:
    result = subprocess.run(
        [sys.executable, Path(__file__).with_name("cuts.py"), fast_folder, str(CUTS), "7"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["faults"] == []
    assert told["cursor_lag_sentences"] <= 1
    assert told["documents_checked"] > CUTS, "there was something to lose"
    assert len(told["cut_after"]) >= 3, "the knife fell in different places"


def test_the_judge_sees_a_loss(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    library = Library(path)
    number = library.add(DOCUMENTS[0], saved=True)
    library.close()
    for said, fault in [
        ([["added", 99, 0]], "99 is lost"),
        ([["added", number, 1]], f"{number} is not what was saved"),
        ([["added", number, 0], ["read", number, 40]], f"{number}: cursor 0, last told 40"),
        ([["added", number, 0], ["marked", number, 40]], f"{number}: a mark is lost"),
        ([["deleted", 5]], f"{number} came from nowhere"),
    ]:
        judge = Judge()
        judge.judge(path, said)
        assert fault in judge.faults


def test_a_log_that_ends_anywhere_leaves_whole_steps(tmp_path: Path) -> None:
    """What a power cut does to the last writes: the log's tail is gone, or half of it is noise."""
    path = tmp_path / "live" / "library.sqlite3"
    library = Library(path)
    number = library.add(DOCUMENTS[0], saved=True, title="zero")
    assert number is not None
    for sentence in range(30):
        library.put_cursor(number, Cursor(4 * sentence))
    second = library.add(DOCUMENTS[1], saved=True, title="one")
    assert second is not None
    log = path.with_name(path.name + "-wal").read_bytes()
    database = path.read_bytes()
    library.close()
    chance = random.Random(3)
    seen: set[int] = set()
    for cut in sorted(chance.randrange(len(log)) for _ in range(60)):
        there = tmp_path / "cut" / "library.sqlite3"
        shutil.rmtree(there.parent, ignore_errors=True)
        there.parent.mkdir()
        there.write_bytes(database)
        noise = chance.randbytes(4096) if cut % 2 else b""
        there.with_name(there.name + "-wal").write_bytes(log[:cut] + noise)
        after = Library(there)
        after.check()
        assert after.recovered is None
        entries = {entry.number: entry for entry in after.entries()}
        if number in entries:
            assert after.open(number) == DOCUMENTS[0]
            seen.add(entries[number].cursor.word // 4)
        if second in entries:
            assert after.open(second) == DOCUMENTS[1]
            assert entries[number].cursor == Cursor(4 * 29)
        after.close()
    assert len(seen) > 5, "the cuts fell between different sentences"
