"""``voxedge update FILE.raucb``: a signed update to the other slot, tried before it is kept."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from voxedge.cli.options import Subparsers
from voxedge.errors import UsageError


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "update",
        help="install a signed update and try it",
        description="Install a signed update to the other slot of the card and start it on trial. "
        "If it is not well within five minutes, the system of before comes back by itself.",
    )
    parser.add_argument("bundle", metavar="FILE.raucb", type=Path, help="the update")
    parser.add_argument("--check", action="store_true", help="only say whether it would be taken")
    parser.add_argument(
        "--no-restart", action="store_true", help="install, and leave the trial to a later start"
    )
    parser.add_argument("--socket", metavar="PATH", type=Path, help="the reader's control socket")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Update, saying each step."""
    from voxedge.system.places import Places
    from voxedge.system.reader_line import Line, SocketReader
    from voxedge.system.slots import Slots
    from voxedge.system.update import Tools, check, update

    places = Places()
    tools = Tools(places, Slots(places), Line(SocketReader(arguments.socket)))
    if arguments.check:
        found = check(arguments.bundle, tools)
        print(f"{found.path}: version {found.version} for {found.compatible}. It would be taken.")
        return 0
    if places.rauc_config.exists() and os.geteuid() != 0:
        raise UsageError(reason="This needs root. Run: sudo voxedge update FILE.raucb")
    update(
        arguments.bundle,
        tools,
        lambda step: print(step, flush=True),
        restart=not arguments.no_restart,
    )
    if arguments.no_restart:
        print('Installed, and not tried yet: systemctl reboot --reboot-argument="0 tryboot"')
    return 0
