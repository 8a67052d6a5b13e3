"""The command line: parse, dispatch, and turn every failure into a sentence and an exit code."""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import voxedge
from voxedge.cli import (
    bench,
    commands,
    do,
    doctor,
    install,
    library,
    listen,
    models,
    read,
    run,
    say,
    selftest,
    status,
    tune_voice,
    update,
)
from voxedge.errors import EXIT_INTERRUPTED, UsageError, VoxedgeError

COMMANDS = (
    read,
    say,
    run,
    do,
    listen,
    tune_voice,
    status,
    library,
    models,
    doctor,
    bench,
    commands,
    install,
    update,
    selftest,
)


class _Parser(argparse.ArgumentParser):
    """argparse, with its own complaints raised as ours."""

    def error(self, message: str) -> NoReturn:
        hint = f"See: {self.prog} --help"
        raise UsageError(reason=f"{message[:1].upper()}{message[1:]}. {hint}")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = _Parser(
        prog="voxedge",
        description="Reads print aloud, offline: pictures in, speech out.",
        epilog="Exit codes and what they mean: docs/errors.md",
    )
    parser.add_argument("--version", action="version", version=f"voxedge {voxedge.__version__}")
    parser.add_argument("--config", metavar="FILE", help="settings file (TOML)")
    parser.add_argument(
        "--debug", action="store_true", help="log what happens and show where an error came from"
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.register(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; never raises, never shows a traceback."""
    debug = _is_debug(sys.argv[1:] if argv is None else argv)
    try:
        arguments = build_parser().parse_args(argv)
        logging.basicConfig(
            level=logging.DEBUG if debug else logging.WARNING,
            format="%(levelname)s %(name)s: %(message)s",
            stream=sys.stderr,
        )
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        _print_error("Stopped.")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`voxedge read x | head`): not a failure of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except VoxedgeError as error:
        if debug:
            logging.getLogger(__name__).debug("failed", exc_info=True)
        _print_error(str(error))
        return error.exit_code
    except Exception as error:
        # The last net: a sentence instead of a traceback.
        if debug:
            logging.getLogger(__name__).debug("failed", exc_info=True)
        hint = "run voxedge --debug ... for more"
        unforeseen = VoxedgeError(reason=f"{type(error).__name__} ({hint})")
        _print_error(str(unforeseen))
        return unforeseen.exit_code
    return code


def _is_debug(argv: Sequence[str]) -> bool:
    """Say whether ``--debug`` stands before the command; behind ``read`` it names a folder.

    Also where the words of the command make no sense together, so that nothing was parsed.
    """
    names = {command.__name__.rpartition(".")[2] for command in COMMANDS}
    before = list(itertools.takewhile(lambda word: word not in names, argv))
    return "--debug" in before


def _print_error(sentence: str) -> None:
    print(f"voxedge: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
