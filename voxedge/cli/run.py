"""``voxedge run``: the reader that a person lives with."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import os
from pathlib import Path
from typing import TYPE_CHECKING

from voxedge.cli.options import Subparsers, load_settings
from voxedge.errors import UsageError

if TYPE_CHECKING:
    from voxedge.audio.sink import AudioSink
    from voxedge.config import Settings
    from voxedge.testing.file_microphone import FileMicrophone

SIMULATED_RATE_HZ = 22_050
"""That of the voice: nothing is resampled."""


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "run",
        help="be the reader: buttons, camera, voice",
        description="Be the reader until Ctrl-C. The service runs this; --simulate needs no "
        "hardware: the keys of the terminal are the buttons (docs/buttons.md).",
    )
    parser.add_argument("--simulate", action="store_true", help="use no hardware")
    parser.add_argument("--camera", metavar="DIR", type=Path, help="pictures or a film instead")
    parser.add_argument("--mic", metavar="WAV", type=Path, help="a recording, or a folder of them")
    parser.add_argument("--sink", metavar="F.wav", type=Path, help="a file as the loudspeaker")
    parser.add_argument("--state", metavar="DIR", type=Path, help="where saved documents live")
    parser.add_argument("--socket", metavar="PATH", type=Path, help="the control socket")
    parser.add_argument("--engines", choices=("real", "fake"), default="real", help="for tests")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT."""
    from voxedge.reader.camera import is_live
    from voxedge.service import journal
    from voxedge.service.daemon import Daemon, Options
    from voxedge.service.engines import fake_engines, real_engines
    from voxedge.service.notify import Notifier

    pictures = arguments.camera
    if pictures is not None and not (pictures.is_dir() or is_live(pictures)):
        reason = f"--camera wants a folder of pictures or a film; {pictures} is none"
        raise UsageError(reason=reason)
    faulthandler.enable()
    journal.install(10 if arguments.debug else 20)
    settings = load_settings(arguments)
    options = Options(
        settings=settings,
        load_settings=lambda: load_settings(arguments),
        engines=fake_engines() if arguments.engines == "fake" else real_engines(settings),
        state_folder=arguments.state or state_folder(),
        socket=arguments.socket or _own_socket(),
        open_sink=lambda: _open_sink(settings, arguments.sink),
        pictures=arguments.camera,
        simulate=arguments.simulate,
        microphone=_file_microphone(arguments.mic),
    )

    async def be_the_reader(notifier: Notifier) -> None:
        await Daemon(options, notifier).run()

    with Notifier.from_environment() as notifier:
        asyncio.run(be_the_reader(notifier))
    return 0


def _file_microphone(path: Path | None) -> FileMicrophone | None:
    if path is None:
        return None
    from voxedge.testing.file_microphone import FileMicrophone

    if not path.exists():
        raise UsageError(reason=f"--mic wants a recording or a folder of them; {path} is none")
    return FileMicrophone(path)


def _open_sink(settings: Settings, tape: Path | None) -> AudioSink:
    from voxedge.compose import open_sink

    if tape is None:
        return open_sink(settings, None, SIMULATED_RATE_HZ)
    from voxedge.audio.paced import PacedSink
    from voxedge.audio.tape import WavTape

    # Left open until the process ends: every block is in the file once it was played.
    return PacedSink(WavTape(tape, SIMULATED_RATE_HZ).write, SIMULATED_RATE_HZ, name=str(tape))


def state_folder() -> Path:
    """Return where library and preferences live: systemd's, or the user's own."""
    given = os.environ.get("STATE_DIRECTORY")
    if given:
        return Path(given.split(":")[0])
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path("~/.local/state").expanduser()) / "voxedge"


def _own_socket() -> Path:
    """Where a reader listens that systemd gave no socket; clients look there too."""
    from voxedge.api.protocol import user_socket_path

    named = os.environ.get("VOXEDGE_SOCKET")
    if named:
        return Path(named)
    runtime = os.environ.get("RUNTIME_DIRECTORY")
    if runtime:
        return Path(runtime.split(":")[0]) / "control.sock"
    return user_socket_path()
