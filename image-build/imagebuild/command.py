"""``image-build/build``: the command line."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import types
from collections.abc import Sequence
from pathlib import Path

from imagebuild import debian, rpios
from imagebuild.errors import INTERRUPTED, CommandFailed, ImageError, NoSpace, ToolMissing
from imagebuild.plan import REPO, Plan, default_cache
from imagebuild.process import say

_NO_SPACE = 28


def main(arguments: Sequence[str]) -> int:
    """Build as asked; return the exit code (docs/integrators/image.md has the list)."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        options = _parser().parse_args(arguments)
        plan = make_plan(options)
        build = {"debian": debian.build, "rpios": rpios.build}[options.variant]
        print(build(plan))
        return 0
    except ImageError as error:
        say(f"image-build: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("image-build: interrupted; nothing was left under a final name.")
        return INTERRUPTED
    except OSError as error:
        if error.errno != _NO_SPACE:
            raise
        say(f"image-build: the disk is full: {error.filename or 'no file named'}")
        return NoSpace.exit_code


def make_plan(options: argparse.Namespace) -> Plan:
    """Return what the options ask for.

    Raises:
        ToolMissing: there is no Python that can run voxedge.
    """
    python = options.python or REPO / ".venv/bin/python"
    if not Path(python).is_file():
        raise ToolMissing(
            f"There is no {python}. Run scripts/demo once, or name a Python that has voxedge's "
            "dependencies with --python."
        )
    text = (REPO / "voxedge/__init__.py").read_text(encoding="utf-8")
    found = re.search(r'__version__ = "([^"]+)"', text)
    return Plan(
        output=options.output.resolve(),
        cache=(options.cache or default_cache()).resolve(),
        epoch=int(os.environ.get("SOURCE_DATE_EPOCH") or _last_commit_s()),
        version=found[1] if found else "0",
        python=Path(python),
        voice="" if options.no_voice else "default",
        keyring=options.keyring,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="image-build/build", description="Build the SD-card image for a Raspberry Pi 4B."
    )
    parser.add_argument("--variant", choices=("debian", "rpios"), default="debian")
    parser.add_argument("--output", type=Path, default=Path("build/image"), metavar="DIR")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="default: ~/.cache/voxedge-image")
    parser.add_argument("--python", type=Path, metavar="PATH", help="default: .venv/bin/python")
    parser.add_argument(
        "--no-voice", action="store_true", help="espeak-ng alone: see docs/voices.md, Licence"
    )
    parser.add_argument(
        "--keyring",
        type=Path,
        metavar="PEM",
        help="who may sign updates (docs/integrators/updates.md)",
    )
    return parser


def _last_commit_s() -> int:
    command = ["git", "-C", str(REPO), "log", "-1", "--format=%ct"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise CommandFailed("This is no git checkout: set SOURCE_DATE_EPOCH to a date in seconds.")
    return int(done.stdout)


def _stop(number: int, frame: types.FrameType | None) -> None:
    """SIGTERM ends the build as Ctrl-C does: by an exception, so that everything is put away."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
