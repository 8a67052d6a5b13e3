"""``voxedge tune-voice``: hear how a person says the commands, and set thresholds that fit."""

from __future__ import annotations

import argparse
from pathlib import Path

from voxedge.cli.options import Subparsers


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "tune-voice",
        help="find out which commands are heard badly, and be more lenient with those",
        description="Asks for some commands, one after the other, tells which are weak, and sets "
        "thresholds that fit the voice. What was recorded is deleted. Stop the running reader "
        "first: it has the microphone.",
    )
    parser.add_argument("--lang", metavar="L", dest="hearing_language", help="of the commands")
    parser.add_argument("--times", metavar="N", type=int, default=2, help="each phrase (default 2)")
    parser.add_argument(
        "--wav", metavar="DIR", type=Path, help="recordings named next_sentence.wav"
    )
    parser.add_argument("--keep", metavar="DIR", type=Path, help="keep the recordings there")
    parser.add_argument("--device", metavar="CARD", dest="microphone", help="microphone by card id")
    parser.add_argument("--state", metavar="DIR", type=Path, help="where the reader's state lives")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask, judge, tell, keep the thresholds."""
    from voxedge.cli.tuning import tune

    return tune(arguments)
