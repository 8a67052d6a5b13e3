"""``voxedge status``: how the running reader is, once or as it changes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from voxedge.api.client import ControlClient
from voxedge.api.protocol import Status, socket_path, status_to_json
from voxedge.cli.options import Subparsers


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("status", help="say how the running reader is")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--follow", action="store_true", help="go on whenever something changes")
    parser.add_argument("--socket", metavar="PATH", type=Path, help="the reader's control socket")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the status; with ``--follow`` until the reader ends or Ctrl-C."""
    with ControlClient(arguments.socket or socket_path()) as client:
        for status in client.follow() if arguments.follow else (client.status(),):
            text = (
                json.dumps(status_to_json(status)) if arguments.json else "\n".join(_lines(status))
            )
            print(text, flush=True)
    return 0


def _lines(status: Status) -> list[str]:
    speaking = ", speaking" if status.speaking else ""
    lines = [f"voxedge {status.version}: {status.state.value}{speaking}"]
    if status.document is not None:
        title = status.document.title or "not saved"
        lines.append(f"document: {title} ({status.document.pages} pages)")
    if status.cursor is not None and status.document is not None:
        at = status.cursor
        lines.append(
            f"at: page {at.page} of {status.document.pages}, "
            f"sentence {at.sentence} of {status.document.sentences}, {at.percent} %"
        )
    voice = status.voice
    lines.append(f"voice: {voice.name}, speed {voice.rate:g}, volume {voice.volume:g}")
    lines += [
        f"{name}: {'ok' if item.ok else 'TROUBLE'} ({item.detail})"
        for name, item in status.health.items()
    ]
    return lines
