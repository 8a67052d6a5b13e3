"""``voxedge do``: ask the running reader for an action."""

from __future__ import annotations

import argparse
from pathlib import Path

from voxedge.actions import Action, Slot, action_named, intent_from_words
from voxedge.api.client import ControlClient
from voxedge.api.protocol import socket_path
from voxedge.cli.options import Subparsers
from voxedge.errors import UsageError


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("do", help="ask the running reader for an action")
    parser.add_argument("action", metavar="ACTION", nargs="?", help="for example: next-sentence")
    parser.add_argument("words", metavar="ARGS", nargs="*", help="for example: side effects")
    parser.add_argument("--list", action="store_true", help="list the actions and their arguments")
    parser.add_argument("--socket", metavar="PATH", type=Path, help="the reader's control socket")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the action here, send it, and wait until the reader has taken it up."""
    if arguments.list:
        for action in Action:
            print(_line(action))
        return 0
    if arguments.action is None:
        raise UsageError(reason="Which action? List them: voxedge do --list")
    asked = intent_from_words(action_named(arguments.action), arguments.words)
    with ControlClient(arguments.socket or socket_path()) as client:
        client.do(asked)
    return 0


def _line(action: Action) -> str:
    usage = " ".join([action.label, *(_argument(slot) for slot in action.row.slots)])
    return f"{usage:<28} {action.row.help}"


def _argument(slot: Slot) -> str:
    return slot.name.upper() if slot.required else f"[{slot.name.upper()}]"
