"""``voxedge selftest``: a spoken walk through everything an assembler has built."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from voxedge.cli.options import Subparsers, load_settings
from voxedge.errors import ReaderNotRunning, UsageError

if TYPE_CHECKING:
    from voxedge.config import Settings
    from voxedge.system.selftest.outcome import Result
    from voxedge.system.selftest.ports import Parts

UNITS = ("voxedge.socket", "voxedge.service")


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "selftest",
        help="try every part of the box and tell what is right and wrong",
        description="Try voice, volume, buttons, camera, microphone, power, storage, models and "
        "clock, one after the other, aloud. The running service makes way for it and comes back.",
    )
    parser.add_argument("--simulate", action="store_true", help="use no hardware")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument(
        "--only", metavar="STEP", action="append", help="only this step (may be repeated)"
    )
    parser.add_argument("--out", metavar="FILE", type=Path, help="a .wav or .flac as loudspeaker")
    parser.add_argument("--camera", metavar="DIR", type=Path, help="pictures in place of a camera")
    parser.add_argument("--microphone", metavar="CARD", help="by ALSA card id or name")
    parser.add_argument("--state", metavar="DIR", type=Path, help="where saved documents live")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Walk; 1 if a part is wrong, else 0."""
    from voxedge.system.selftest.outcome import all_well
    from voxedge.system.selftest.walk import STEPS

    names = tuple(arguments.only or STEPS)
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        raise UsageError(reason=f"There is no step '{unknown[0]}'. Steps: {', '.join(STEPS)}")
    settings = load_settings(arguments)
    with contextlib.ExitStack() as around:
        if not arguments.simulate:
            around.enter_context(service_at_rest())
        state = _state_folder(arguments, around)
        results = asyncio.run(_walk(arguments, settings, state, names))
    if arguments.json:
        print(json.dumps(as_json(results), indent=2))
    else:
        print("\n".join(("", *table(results))))
    return 0 if all_well(results) else 1


async def _walk(
    arguments: argparse.Namespace, settings: Settings, state: Path, names: tuple[str, ...]
) -> tuple[Result, ...]:
    from voxedge.system.selftest.walk import walk

    # With --json standard output is the object alone.
    stream = sys.stderr if arguments.json else sys.stdout

    def tell(text: str) -> None:
        print(f"  {text}", file=stream, flush=True)

    opened: AbstractAsyncContextManager[Parts]
    if arguments.simulate:
        from voxedge.testing.fake_box import fake_parts

        opened = fake_parts(settings, state, tell)
    else:
        from voxedge.system.selftest.parts import real_parts

        opened = real_parts(
            settings,
            state,
            tell,
            out=arguments.out,
            pictures=arguments.camera,
            microphone=arguments.microphone,
        )
    async with opened as parts:
        return await walk(parts, names)


def table(results: tuple[Result, ...]) -> list[str]:
    """Return a line for each step."""
    mark = {"well": "well   ", "wrong": "WRONG  ", "absent": "absent "}
    width = max(len(result.step) for result in results)
    return [
        f"{mark[result.outcome.verdict.value]} {result.step:<{width}}  "
        f"{result.outcome.detail or result.outcome.spoken}"
        for result in results
    ]


def as_json(results: tuple[Result, ...]) -> dict[str, object]:
    """Return what ``--json`` prints."""
    from voxedge.system.selftest.outcome import all_well

    return {
        "well": all_well(results),
        "steps": [
            {
                "step": result.step,
                "verdict": result.outcome.verdict.value,
                "spoken": result.outcome.spoken,
                "detail": result.outcome.detail,
                "took_s": round(result.took_s, 2),
            }
            for result in results
        ],
    }


@contextlib.contextmanager
def service_at_rest() -> Iterator[None]:
    """Let the running service make way: it holds camera, buttons and sound card.

    Raises:
        UsageError: it runs and cannot be stopped by this user.
    """
    from voxedge.api.client import ControlClient
    from voxedge.api.protocol import socket_path

    path = socket_path()
    try:
        with ControlClient(path, timeout_s=5.0) as reader:
            reader.status()
    except ReaderNotRunning:
        yield
        return
    is_service = path.is_relative_to("/run/voxedge")
    if not is_service or os.geteuid() != 0:
        hint = "Run: sudo voxedge selftest" if is_service else "End it first"
        raise UsageError(reason=f"The reader runs and holds camera and buttons. {hint}")
    subprocess.run(["systemctl", "stop", *UNITS], check=False)
    try:
        yield
    finally:
        subprocess.run(["systemctl", "start", *UNITS], check=False)


def _state_folder(arguments: argparse.Namespace, around: contextlib.ExitStack) -> Path:
    if arguments.state is not None:
        return Path(arguments.state)
    if arguments.simulate:
        return Path(around.enter_context(tempfile.TemporaryDirectory(prefix="voxedge-selftest-")))
    service = Path("/var/lib/voxedge")
    if service.is_dir() and os.access(service, os.W_OK):
        return service
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path("~/.local/state").expanduser()) / "voxedge"
