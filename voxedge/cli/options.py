"""What several commands share: settings, the options of the voice, the type of the parser."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from voxedge.config import Settings, overlay, parse_settings
from voxedge.errors import ConfigError, InputMissing, InputUnreadable, UsageError

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Subparsers = object


_OPTIONS = {
    "voice": "voice.name",
    "rate": "voice.rate",
    "lang": "reading.language",
    "device": "audio.device",
}
"""Command-line option to setting."""


def add_voice_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``read`` and ``say`` that choose voice, speed and destination."""
    parser.add_argument("--out", metavar="FILE", type=Path, help="write a .wav or .flac instead")
    parser.add_argument("--voice", metavar="V", help="the voice (see: voxedge models list)")
    parser.add_argument("--rate", metavar="R", type=float, help="speed, 0.5 to 3 (default 1)")
    parser.add_argument("--device", metavar="CARD", help="sound card by ALSA card id or name")


def load_settings(arguments: argparse.Namespace) -> Settings:
    """Read the settings file and lay the command line's choices over it.

    Raises:
        ConfigError: the file cannot be taken.
        UsageError: a value given on the command line cannot be taken.
        InputMissing: ``--config`` names a file that is not there.
    """
    settings = _from_file(getattr(arguments, "config", None))
    given = {dotted: getattr(arguments, name, None) for name, dotted in _OPTIONS.items()}
    try:
        return overlay(settings, given, "command line")
    except ConfigError as error:
        raise UsageError(reason=f"--{error.details['reason']}") from error


def _from_file(named: str | None) -> Settings:
    if named is not None:
        path = Path(named)
        if not path.exists():
            raise InputMissing(path=path)
        return _read(path)
    places = (
        Path(os.environ["VOXEDGE_CONFIG"]) if os.environ.get("VOXEDGE_CONFIG") else None,
        Path("~/.config/voxedge/voxedge.toml").expanduser(),
        Path("/etc/voxedge/voxedge.toml"),
    )
    for place in places:
        if place is not None and place.is_file():
            return _read(place)
    return Settings()


def _read(path: Path) -> Settings:
    try:
        return parse_settings(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise ConfigError(path=path, reason="not text in UTF-8") from error
    except OSError as error:
        raise InputUnreadable(path=path, reason=error.strerror or str(error)) from error
