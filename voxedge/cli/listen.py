"""``voxedge listen``: print what is understood, one JSON line for each utterance."""

from __future__ import annotations

import argparse
from pathlib import Path

from voxedge.cli.options import Subparsers


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "listen",
        help="print what is understood of what is said",
        description="Listen to a recording or the microphone and print what each utterance means. "
        "Nothing is carried out, kept or sent.",
    )
    parser.add_argument("--wav", metavar="FILE", type=Path, help="a recording, not the microphone")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--lang", metavar="L", dest="hearing_language", help="of the commands")
    parser.add_argument("--device", metavar="CARD", dest="microphone", help="microphone by card id")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Listen until the recording ends, or for ever."""
    from voxedge.cli.listening import listen

    return listen(arguments)
