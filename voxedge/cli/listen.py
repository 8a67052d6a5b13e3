"""``voxedge listen``: print what is understood, one JSON line for each utterance."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from voxedge.audio.capture import Microphone
from voxedge.audio.endpoint import Edge, Endpointer, energy_probability, silero_probability
from voxedge.audio.sound_file import SoundFile
from voxedge.cli.options import Subparsers
from voxedge.commands.grammar import build
from voxedge.commands.language import load
from voxedge.commands.parse import Understood, understand
from voxedge.errors import RecogniserMissing
from voxedge.service.hearing import WorkerRecogniser, recogniser_spec
from voxedge.service.workers import Worker

if TYPE_CHECKING:
    from voxedge.engines.asr.protocol import Heard


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "listen",
        help="print what is understood of what is said",
        description="Listen to a recording or the microphone and print what each utterance means. "
        "Nothing is carried out, kept or sent.",
    )
    parser.add_argument("--wav", metavar="FILE", type=Path, help="a recording, not the microphone")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--lang", metavar="L", default="en", help="language of the commands")
    parser.add_argument("--device", metavar="CARD", help="microphone by ALSA card id or name")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Listen until the recording ends, or for ever."""
    return asyncio.run(_listen(arguments))


async def _listen(arguments: argparse.Namespace) -> int:
    language = load(arguments.lang)
    source = SoundFile(arguments.wav) if arguments.wav else Microphone(arguments.device)
    # Missing or damaged models are told at once, not as the failure of a worker.
    await asyncio.to_thread(_check, language.tag)
    grammar = build(language)
    async with Worker(recogniser_spec(language.tag)) as worker:
        ear = WorkerRecogniser(worker, patience_s=60.0)
        await ear.set_grammar(grammar)
        cutter, position_ms, started_ms, open_ = endpointer(), 0.0, 0.0, False
        async for piece in source.pieces():
            for edge, samples in cutter.hear(piece):
                if edge is Edge.START:
                    started_ms, open_ = position_ms - 1000 * len(samples) / 16_000, True
                heard: Heard | None = await ear.feed(samples)
                if edge in (Edge.END, Edge.TOO_LONG):
                    heard, open_ = await ear.finish(), False
                if heard is not None and heard.final:
                    made = understand(heard.text, heard.confidence, language, grammar)
                    _print(made, ear.name, started_ms + heard.end_ms, arguments.json)
            position_ms += 1000 * len(piece) / 16_000
        if open_:
            heard = await ear.finish()
            made = understand(heard.text, heard.confidence, language, grammar)
            _print(made, ear.name, started_ms + heard.end_ms, arguments.json)
    return 0


def endpointer() -> Endpointer:
    """Return one with the best detector there is."""
    try:
        return Endpointer(silero_probability())
    except RecogniserMissing:
        return Endpointer(energy_probability())


def _check(language: str) -> None:
    """Find out, without opening anything, whether there is a recogniser.

    Raises:
        RecogniserMissing: none.
        RecogniserCorrupt: the model is damaged, and no other takes over.
    """
    from voxedge.errors import RecogniserCorrupt
    from voxedge.models.recognisers import find_model

    try:
        require("vosk", language)
        find_model(language)
    except (RecogniserMissing, RecogniserCorrupt):
        if language != "en" or find_spec("pocketsphinx") is None:
            raise


def require(package: str, language: str) -> None:
    """Make sure that a package of the ``hearing`` extra is installed.

    Raises:
        RecogniserMissing: it is not.
    """
    if find_spec(package) is None:
        raise RecogniserMissing(language=language, reason="pip install 'voxedge[hearing]'")


def as_json(made: Understood, engine: str, end_ms: float) -> dict[str, object]:
    """Return the documented object; see ``docs/voice-commands.md``."""
    intent = made.intent
    return {
        "text": made.text,
        "action": intent.action.label if intent else None,
        "slots": dict(intent.arguments) if intent else {},
        "confidence": made.confidence,
        "end_ms": round(end_ms),
        "engine": engine,
    }


def _print(made: Understood, engine: str, end_ms: float, as_lines: bool) -> None:
    if as_lines:
        print(json.dumps(as_json(made, engine, end_ms), ensure_ascii=False), flush=True)
        return
    print("\n".join(_sentences(made)), flush=True)


def _sentences(made: Understood) -> Iterator[str]:
    if made.intent is not None:
        slots = "".join(f" {name}={value}" for name, value in made.intent.arguments)
        yield f"{made.intent.action.label}{slots}  ({made.text}, {made.confidence:.2f})"
    elif made.unsure:
        yield f"not sure: {made.text} ({made.confidence:.2f})"
    else:
        yield "no command"
