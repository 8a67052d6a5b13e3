"""Runs inside the guest, as the reader's user: saves documents one after the other, or checks them.

``save LIBRARY FIRST`` prints the number of each document once the library says that it is on the
card. ``check LIBRARY`` opens every document, sees that it is complete, and prints their
numbers. A document's words follow from its number, so that half a document would be found out.
"""

import sys
from pathlib import Path

from voxedge.document.model import Box, Document, Page, Paragraph, Section, Sentence, Word
from voxedge.reader.library import Library

WORDS = 400


def document(number: int) -> Document:
    """Return the document of a number."""
    words = tuple(
        Word(f"n{number}w{place}", Box(0, place, 9, place + 1), 0.9) for place in range(WORDS)
    )
    body = Section((Paragraph((Sentence(words),)),))
    return Document((body,), (Page(100, WORDS),), "en")


def main() -> None:
    """Do what the command line says."""
    verb, path = sys.argv[1], Path(sys.argv[2])
    library = Library(path)
    if library.recovered is not None:
        sys.exit(f"the library was damaged: {library.recovered}")
    if verb == "check":
        library.check()
        found = []
        for entry in library.entries():
            number = int(entry.title.split()[1])
            if library.document(entry.number).text != document(number).text:
                sys.exit(f"document {number} is not whole")
            found.append(number)
        print(*sorted(found))
        return
    number = int(sys.argv[3])
    while True:
        library.add(document(number), title=f"page {number}", saved=True)
        print(number, flush=True)
        number += 1


main()
