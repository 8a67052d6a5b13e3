"""``voxedge install`` and ``voxedge uninstall``: the service on this system or in an image."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from voxedge.cli.options import Subparsers
from voxedge.errors import UsageError
from voxedge.service import installation
from voxedge.service.installation import Layout, Options


def register(commands: Subparsers) -> None:
    """Add both commands to the parser."""
    parser = commands.add_parser("install", help="make the reader start with the device")
    _add_places(parser)
    parser.add_argument(
        "--executable",
        metavar="PATH",
        type=Path,
        help="the voxedge command that the service starts (default: this one)",
    )
    parser.add_argument(
        "--keyboard", action="store_true", help="let keyboards and presenters act as buttons"
    )
    parser.add_argument(
        "--network", action="store_true", help="let other machines reach HTTP and Wyoming"
    )
    parser.add_argument("--no-start", action="store_true", help="only put the files in place")
    parser.set_defaults(run=run_install)

    parser = commands.add_parser("uninstall", help="remove the service; saved documents stay")
    _add_places(parser)
    parser.add_argument(
        "--purge", action="store_true", help="remove settings, saved documents and the user too"
    )
    parser.set_defaults(run=run_uninstall)


def run_install(arguments: argparse.Namespace) -> int:
    """Install, saying each step."""
    layout = _layout(arguments)
    options = Options(
        executable=arguments.executable or installation.default_executable(),
        keyboard=arguments.keyboard,
        network=arguments.network,
        start=not arguments.no_start,
    )
    return _say(installation.install(layout, options))


def run_uninstall(arguments: argparse.Namespace) -> int:
    """Uninstall, saying each step."""
    return _say(installation.uninstall(_layout(arguments), purge=arguments.purge))


def _add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root", metavar="DIR", type=Path, default=Path("/"), help="a mounted image, instead of /"
    )
    parser.add_argument(
        "--prefix",
        metavar="DIR",
        type=Path,
        default=Path("/etc"),
        help="/etc (default), or /usr for packages",
    )


def _layout(arguments: argparse.Namespace) -> Layout:
    layout = Layout(root=arguments.root, prefix=arguments.prefix)
    if layout.live and os.geteuid() != 0:
        raise UsageError(reason=f"This needs root. Run: sudo voxedge {arguments.command}")
    return layout


def _say(steps: Iterator[str]) -> int:
    for step in steps:
        print(step)
    return 0
