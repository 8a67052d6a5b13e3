"""``voxedge library list|get``: what a reader has kept, for the sighted helper."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from voxedge.cli.options import Subparsers, load_settings
from voxedge.cli.run import state_folder
from voxedge.document.numbers import numbers_of
from voxedge.document.serde import to_json
from voxedge.errors import DocumentMissing, InputMissing, OutputUnwritable

if TYPE_CHECKING:
    from voxedge.document.model import Document
    from voxedge.reader.library import Entry, Library


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("library", help="list kept documents, or copy one out")
    kinds = parser.add_subparsers(metavar="WHAT", required=True)

    listing = kinds.add_parser("list", help="what is kept, the last one opened first")
    listing.add_argument("--json", action="store_true", help="print one JSON object")
    listing.set_defaults(run=run_list)

    getting = kinds.add_parser("get", help="write a document's text, JSON and kept pictures")
    getting.add_argument("document", metavar="TITLE|NUMBER", help="as `library list` names it")
    getting.add_argument("folder", metavar="DIR", type=Path, help="where to; made if need be")
    getting.set_defaults(run=run_get)
    for kind in (listing, getting):
        kind.add_argument("--state", metavar="DIR", type=Path, help="where saved documents live")


def run_list(arguments: argparse.Namespace) -> int:
    """Print what is kept."""
    library = _open(arguments)
    try:
        entries = library.entries()
    finally:
        library.close()
    if arguments.json:
        rows = [
            {"number": e.number, "title": e.title, "saved": e.saved, "pages": e.pages}
            for e in entries
        ]
        print(json.dumps({"documents": rows}, ensure_ascii=False, indent=2))
        return 0
    for entry in entries:
        kept = "" if entry.saved else ", not saved"
        pages = f"{entry.pages} page" + ("s" if entry.pages != 1 else "")
        print(f"{entry.number:>4}  {entry.title}  ({pages}{kept})")
    if not entries:
        print("Nothing is kept.")
    return 0


def run_get(arguments: argparse.Namespace) -> int:
    """Write one document; its place as "the last one read" stays as it is."""
    library = _open(arguments)
    try:
        entry = _wanted(library, arguments.document)
        document = library.document(entry.number)
        pictures = {page: library.picture(entry.number, page) for page in range(entry.pages)}
    finally:
        library.close()
    name = re.sub(r"[^\w-]+", "-", entry.title).strip("-") or str(entry.number)
    written = {
        f"{name}.txt": _as_text(document).encode(),
        f"{name}.json": json.dumps(to_json(document), ensure_ascii=False, indent=2).encode(),
    }
    for page, jpeg in pictures.items():
        if jpeg is not None:
            written[f"{name}-{page + 1}.jpg"] = jpeg
    folder: Path = arguments.folder
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file, data in written.items():
            (folder / file).write_bytes(data)
            print(folder / file)
    except OSError as error:
        raise OutputUnwritable(path=folder, reason=error.strerror) from error
    return 0


def _open(arguments: argparse.Namespace) -> Library:
    from voxedge.reader.library import Library

    path = (arguments.state or state_folder()) / "library.sqlite"
    if not path.exists():
        raise InputMissing(path=path)
    kept = load_settings(arguments).library
    return Library(path, keep_recent=kept.keep_recent, limit_mib=kept.limit_mib)


def _wanted(library: Library, name: str) -> Entry:
    for entry in library.entries():
        if name == str(entry.number):
            return entry
    if not name.strip():
        raise DocumentMissing(document=name)
    return library.titled(name)


def _as_text(document: Document) -> str:
    """Return the text, and behind it the numbers that nobody may rely on."""
    doubtful = [f"- {number.text}" for _, number in numbers_of(document) if not number.is_certain]
    if not doubtful:
        return document.text + "\n"
    note = "These numbers could not be read with certainty. Compare them with the page:"
    return "\n".join([document.text, "", "--", note, *doubtful, ""])
