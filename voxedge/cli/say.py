"""``voxedge say TEXT|-``: text in, speech out."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from voxedge.cli.options import Subparsers, add_voice_options, load_settings
from voxedge.cli.voice import tell_of_switch
from voxedge.compose import open_phrases, open_recent_speech, open_sink, open_voice, style_of
from voxedge.config import Settings
from voxedge.errors import EmptyText, TextTooLong, UsageError
from voxedge.reader.aloud import log_first_audio
from voxedge.speech.cache import SpeechCache
from voxedge.speech.lines import SpeechClass
from voxedge.speech.planner import plan_text
from voxedge.speech.speak import speak_stream

LONGEST_TEXT = 2_000_000
"""Characters; some forty hours of speech. More is a mistake, not a text."""


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("say", help="speak a text")
    parser.add_argument("text", metavar="TEXT", help="what to say; - reads standard input")
    parser.add_argument(
        "--class",
        dest="speech_class",
        choices=[speech_class.name.lower() for speech_class in SpeechClass],
        help="let the running reader say it, with this urgency, among what it says itself",
    )
    parser.add_argument("--socket", metavar="PATH", type=Path, help="the running reader's socket")
    add_voice_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Speak the text to its end."""
    settings = load_settings(arguments)
    text = _standard_input() if arguments.text == "-" else arguments.text
    if len(text) > LONGEST_TEXT:
        raise TextTooLong(size=len(text), limit=LONGEST_TEXT)
    if not any(character.isprintable() and not character.isspace() for character in text):
        raise EmptyText
    if arguments.speech_class is not None:
        return _through_the_reader(text, arguments)
    asyncio.run(_say(text, settings, arguments))
    return 0


def _through_the_reader(text: str, arguments: argparse.Namespace) -> int:
    """Hand the text to the daemon; returns when it is in the queue."""
    from voxedge.api.client import ControlClient
    from voxedge.api.protocol import socket_path

    given = [name for name in ("out", "voice", "rate", "device") if getattr(arguments, name)]
    if given:
        raise UsageError(reason=f"With --class the running reader speaks; --{given[0]} is its own.")
    with ControlClient(arguments.socket or socket_path()) as client:
        client.say(SpeechClass[arguments.speech_class.upper()], text)
    return 0


def _standard_input() -> str:
    # One character more than is taken tells too much from enough without holding it all.
    data = sys.stdin.buffer.read(4 * LONGEST_TEXT + 4)
    return data.decode("utf-8", errors="replace")


async def _say(text: str, settings: Settings, arguments: argparse.Namespace) -> None:
    voice = open_voice(settings, tell_of_switch)
    try:
        sink = open_sink(settings, arguments.out, voice.rate_hz)
        try:
            lines = plan_text(text, style_of(settings, "en"))
            cache = SpeechCache(phrases=open_phrases(settings), recent=open_recent_speech(settings))
            await speak_stream(lines, voice, sink, on_event=log_first_audio(), cache=cache)
        finally:
            await sink.close()
    finally:
        voice.close()
