"""``voxedge models list|fetch|verify|phrases|build|score``: voices and recognisers here."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from voxedge.cli import student
from voxedge.cli.options import Subparsers, load_settings
from voxedge.cli.progress import ProgressBar
from voxedge.errors import VoxedgeError

if TYPE_CHECKING:
    from voxedge.models.recognisers import RecogniserEntry


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("models", help="list, fetch and verify voices")
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    listing = verbs.add_parser("list", help="voices and recognisers: here, and to be had")
    listing.add_argument("--json", action="store_true", help="print one JSON object")
    listing.set_defaults(run=run_list)

    fetching = verbs.add_parser(
        "fetch", help="fetch and verify a voice or a recogniser; instant if it is here"
    )
    fetching.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="a voice, a recogniser or the language to hear; default: all that reading needs",
    )
    fetching.add_argument("--force", action="store_true", help="fetch and build it anew")
    fetching.add_argument(
        "--own",
        action="store_true",
        help="a recogniser: put it into the folder of models even if a Python package holds it",
    )
    fetching.set_defaults(run=run_fetch)

    verifying = verbs.add_parser("verify", help="check a voice's files against the manifest")
    verifying.add_argument("name", nargs="?", metavar="VOICE", help="default: the default voice")
    verifying.add_argument("--quick", action="store_true", help="compare sizes only")
    verifying.set_defaults(run=run_verify)

    phrases = verbs.add_parser("phrases", help="speak the device's own sentences beforehand")
    phrases.add_argument("--voice", metavar="V", help="default: the voice of the settings")
    phrases.add_argument("--rate", metavar="R", type=float, help="default: that of the settings")
    phrases.add_argument("--json", action="store_true", help="print one JSON object")
    phrases.set_defaults(run=run_phrases)

    student.register(verbs)


def run_list(arguments: argparse.Namespace) -> int:
    """Print every known voice and recogniser and how it stands."""
    from voxedge.models.recognisers import find_model, load_recognisers
    from voxedge.models.store import list_voices

    voices = list_voices()
    recognisers: list[tuple[RecogniserEntry, bool]] = []
    for entry in load_recognisers():
        try:
            find_model(entry.name, verify=False)
        except VoxedgeError:
            recognisers.append((entry, False))
        else:
            recognisers.append((entry, True))
    if arguments.json:
        rows = [
            {
                "name": voice.entry.name,
                "language": voice.entry.language,
                "state": voice.state.value,
                "default": voice.is_default,
                "bytes": voice.entry.size,
                "licence": voice.entry.licence,
                "folder": str(voice.folder),
            }
            for voice in voices
        ]
        heard = [
            {
                "name": entry.name,
                "language": entry.language,
                "state": "installed" if here else "absent",
                "bytes": entry.size,
                "licence": entry.licence,
            }
            for entry, here in recognisers
        ]
        print(json.dumps({"voices": rows, "recognisers": heard}, indent=2))
        return 0
    for voice in voices:
        mark = "*" if voice.is_default else " "
        size = f"{voice.entry.size / 1e6:.0f} MB"
        reason = f" ({voice.reason})" if voice.reason else ""
        print(
            f"{mark} {voice.entry.name}  {voice.entry.language}  {size}  "
            f"{voice.state.value}{reason}"
        )
        print(f"    {voice.entry.licence}")
    print("* is the default voice.")
    print("Recognisers of spoken commands (English needs none of these):")
    for entry, here in recognisers:
        print(
            f"  {entry.name}  {entry.language}  {entry.size / 1e6:.0f} MB  "
            f"{'installed' if here else 'absent'}"
        )
        print(f"    {entry.licence}")
    return 0


def run_fetch(arguments: argparse.Namespace) -> int:
    """Fetch and verify: a voice, which is built too, or a recogniser by its name or its language.

    Without a name: the default voice with its light networks in use, and the second reader.
    """
    from voxedge.engines.asr.second import prepare_judge
    from voxedge.models.readers import fetch_reader
    from voxedge.models.recognisers import WHISPER, fetch_model, load_recognisers
    from voxedge.models.store import VoiceStore

    if _is_recogniser(arguments.name) or _is_heard(arguments.name):
        place = fetch_model(arguments.name, progress=ProgressBar(), own=arguments.own)
        name = place.name if _is_heard(arguments.name) else arguments.name
        if any(e.name == name and e.engine == WHISPER for e in load_recognisers()):
            prepare_judge(name)
        print(f"{name} is installed and whole: it hears spoken commands.")
        return 0
    store = VoiceStore()
    name = arguments.name or store.default_voice
    store.fetch(name, ProgressBar(), force=arguments.force)
    print(f"{name} is installed and whole.")
    if arguments.name is None:
        student.use_shipped(name)
        reader = fetch_reader(progress=ProgressBar()).parent.name
        print(f"{reader} is installed and whole: numbers are read twice.")
    return 0


def _is_recogniser(name: str | None) -> bool:
    from voxedge.models.recognisers import load_recognisers

    return any(entry.name == name for entry in load_recognisers())


def _is_heard(language: str | None) -> bool:
    from voxedge.models.recognisers import load_recognisers

    return any(entry.language == language for entry in load_recognisers())


def run_verify(arguments: argparse.Namespace) -> int:
    """Check one voice or recogniser; a failure is an error with its exit code."""
    from voxedge.models.recognisers import find_model
    from voxedge.models.store import VoiceStore

    if _is_recogniser(arguments.name):
        find_model(arguments.name, verify=not arguments.quick)
        print(f"{arguments.name} is installed and whole.")
        return 0
    store = VoiceStore()
    status = store.verify(arguments.name or store.default_voice, quick=arguments.quick)
    print(f"{status.entry.name} is installed and whole.")
    return 0


def run_phrases(arguments: argparse.Namespace) -> int:
    """Keep the device's own sentences as sound; what is there already costs nothing."""
    import asyncio

    from voxedge.compose import open_phrases, style_of
    from voxedge.engines.tts.piper_onnx import PiperOnnxVoice, PiperSettings
    from voxedge.models.store import VoiceStore
    from voxedge.service.fixed_phrases import fixed_phrases, phrase_utterances
    from voxedge.speech.prepare import prepare_phrases

    settings = load_settings(arguments)
    cache = open_phrases(settings)
    utterances = list(phrase_utterances(fixed_phrases(), style_of(settings, "en")))
    threads = settings.voice.threads or None
    voice = PiperOnnxVoice(VoiceStore().open(settings.voice.name), PiperSettings(threads=threads))
    progress = ProgressBar()
    progress.start(f"speaking as {voice.name}", len(utterances), "phrases")
    try:
        failed = asyncio.run(
            prepare_phrases(voice, cache, utterances, on_done=lambda: progress.advance(1))
        )
    finally:
        voice.close()
    progress.finish()
    held = {"phrases": len(utterances) - failed, "failed": failed, "bytes": cache.held_bytes}
    if arguments.json:
        print(json.dumps({"voice": voice.name, **held}, indent=2))
    else:
        print(f"{held['phrases']} phrases of {voice.name} are kept, {held['bytes'] / 1e6:.0f} MB.")
        if failed:
            print(f"{failed} failed; they are spoken when they are needed.")
    return 0
