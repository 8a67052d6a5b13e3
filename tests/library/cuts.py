"""Kill a writing process again and again, and look at what it left; run by the test beside it.

The writer says on a pipe what it is about to do and what it has done, so that the judge knows
what must be there, and what may. Run: ``python cuts.py FOLDER CUTS SEED``; prints one JSON line.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from voxedge.document.cursor import Cursor, outline_of
from voxedge.document.model import Box, Document, Page, Paragraph, Section, Sentence, Word
from voxedge.reader.library import Library

SENTENCES = 60
KEPT = 6


def document(serial: int) -> Document:
    """Return a document that can be told from every other; four words to a sentence."""
    box = Box(0, 0, 9, 9)
    sentences = tuple(
        Sentence(tuple(Word(f"d{serial}s{n}w{w}", box, 0.5) for w in range(4)))
        for n in range(SENTENCES)
    )
    return Document((Section((Paragraph(sentences),)),), (Page(9, 9),), "en")


DOCUMENTS = {serial: document(serial) for serial in range(4)}


def write_until_killed(path: Path, say: int, seed: int) -> None:
    """Add, read on, mark, delete, for ever; each line is written whole before the next step."""
    chance = random.Random(seed)
    library = Library(path)
    while True:
        entries = library.entries()
        if len(entries) >= KEPT:
            number = entries[-1].number
            tell(say, "deleting", number)
            library.delete(number)
            tell(say, "deleted", number)
        serial = chance.randrange(4)
        tell(say, "adding", serial)
        added = library.add(DOCUMENTS[serial], title=f"doc {serial}", saved=True)
        tell(say, "added", added, serial)
        for sentence in range(1, chance.randrange(2, SENTENCES)):
            tell(say, "reading", added, 4 * sentence)
            library.put_cursor(added, Cursor(4 * sentence))
            tell(say, "read", added, 4 * sentence)
            if chance.random() < 0.2:
                library.mark(added, Cursor(4 * sentence))
                tell(say, "marked", added, 4 * sentence)


def tell(say: int, *words: object) -> None:
    os.write(say, (json.dumps(words) + "\n").encode())


class Judge:
    """What must be on the shelf, from what the writers said."""

    def __init__(self) -> None:
        self.known: dict[int, int] = {}
        self.cursors: dict[int, int] = {}
        self.marks: dict[int, set[int]] = {}
        self.faults: list[str] = []
        self.lag = 0
        self.checked = 0

    def judge(self, path: Path, said: list[list]) -> None:
        open_step: list = ["nothing"]
        for step, *rest in said:
            if step == "added":
                self.known[rest[0]] = rest[1]
                self.cursors[rest[0]] = 0
                self.marks[rest[0]] = set()
            elif step == "read":
                self.cursors[rest[0]] = rest[1]
            elif step == "marked":
                self.marks[rest[0]].add(rest[1])
            elif step == "deleted":
                self._forget(rest[0])
            open_step = [step, *rest]
        library = Library(path)
        if library.recovered is not None:
            self.faults.append("the file was damaged")
        library.check()
        found = {entry.number: entry for entry in library.entries()}
        self._compare(library, found, open_step)
        library.close()

    def _compare(self, library: Library, found: dict, open_step: list) -> None:
        if open_step[0] == "deleting" and open_step[1] not in found:
            self._forget(open_step[1])
        for number in set(found) - set(self.known):
            if open_step[0] != "adding":
                self.faults.append(f"{number} came from nowhere")
                continue
            self.known[number] = open_step[1]
            self.cursors[number], self.marks[number] = 0, set()
        for number, serial in self.known.items():
            if number not in found:
                self.faults.append(f"{number} is lost")
                continue
            if library.open(number) != DOCUMENTS[serial]:
                self.faults.append(f"{number} is not what was saved")
            word = found[number].cursor.word
            begun = open_step[2] if open_step[:2] == ["reading", number] else self.cursors[number]
            if word not in (self.cursors[number], begun):
                self.faults.append(f"{number}: cursor {word}, last told {self.cursors[number]}")
            self.lag = max(self.lag, (self.cursors[number] - word) // 4)
            self.cursors[number] = word
            there = {mark.word for mark in library.marks(number)}
            if not self.marks[number] <= there:
                self.faults.append(f"{number}: a mark is lost")
            self.marks[number] = there
            self.checked += 1

    def _forget(self, number: int) -> None:
        for table in (self.known, self.cursors, self.marks):
            table.pop(number, None)


def main(folder: Path, cuts: int, seed: int) -> None:
    path = folder / "library.sqlite3"
    chance = random.Random(seed)
    judge = Judge()
    steps = 0
    open_steps: dict[str, int] = {}
    for cut in range(cuts):
        hear, say = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(hear)
            write_until_killed(path, say, seed + cut)
        os.close(say)
        time.sleep(chance.uniform(0.0, 0.05))  # where the knife falls
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(hear) as lines:
            said = [json.loads(line) for line in lines]
        steps += len(said)
        last = said[-1][0] if said else "opening"
        open_steps[last] = open_steps.get(last, 0) + 1
        judge.judge(path, said)
    outline = outline_of(DOCUMENTS[0])
    assert len(outline.sentences) == SENTENCES
    print(
        json.dumps(
            {
                "cuts": cuts,
                "steps": steps,
                "documents_checked": judge.checked,
                "cursor_lag_sentences": judge.lag,
                "cut_after": open_steps,
                "faults": judge.faults,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
