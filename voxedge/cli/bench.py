"""``voxedge bench tts|ocr``: figures a user can repeat, against a peer in the same run."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from voxedge.cli.options import Subparsers, load_settings
from voxedge.cli.progress import ProgressBar


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("bench", help="measure the voice or the reading")
    kinds = parser.add_subparsers(metavar="WHAT", required=True)

    tts = kinds.add_parser("tts", help="the voice against piper-tts: same voice, text, threads")
    tts.add_argument("--json", action="store_true", help="print one JSON object")
    tts.add_argument("--rounds", type=int, default=5, metavar="N", help="times each sentence")
    tts.add_argument("--voice", metavar="V", help="the voice (see: voxedge models list)")
    tts.set_defaults(run=run_tts)

    ocr = kinds.add_parser("ocr", help="reading against plain tesseract, on pictures with truth")
    ocr.add_argument("paths", nargs="*", type=Path, metavar="DIR|IMAGE", help="with X.gt.txt files")
    ocr.add_argument("--json", action="store_true", help="print one JSON object")
    ocr.add_argument("--lang", metavar="L", help="language of all pictures")
    ocr.add_argument("--no-peer", action="store_true", help="leave plain tesseract out")
    ocr.set_defaults(run=run_ocr)


def run_tts(arguments: argparse.Namespace) -> int:
    """Measure the voice."""
    from voxedge.bench import tts
    from voxedge.models.store import VoiceStore

    name = load_settings(arguments).voice.name
    store = VoiceStore()
    status = store.verify(name)
    bar = ProgressBar()
    shown = 0

    def progress(done: int, total: int) -> None:
        nonlocal shown
        if shown == 0:
            bar.start("speaking in turn with piper-tts", total, "sentences")
        bar.advance(done - shown)
        shown = done

    result = tts.run(
        store.open(name),
        status.folder / status.entry.model.name,
        rounds=max(2, arguments.rounds),
        progress=progress,
    )
    bar.finish()
    print(json.dumps(result, indent=2) if arguments.json else tts.table(result))
    return 0


def run_ocr(arguments: argparse.Namespace) -> int:
    """Measure the reading."""
    from voxedge.bench import ocr

    rows = ocr.run(
        arguments.paths or ocr.default_paths(),
        language=arguments.lang,
        peer=not arguments.no_peer,
    )
    print(ocr.as_json(rows) if arguments.json else ocr.report(rows))
    return 0
