"""What ``voxedge listen`` does; apart, so that other commands need not load it."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from voxedge.audio.capture import RATE_HZ, Microphone
from voxedge.audio.endpoint import Edge, Endpointer, endpointer
from voxedge.audio.microphone_level import CLIPPED_SHARE
from voxedge.audio.sound_file import SoundFile
from voxedge.cli.options import load_settings
from voxedge.cli.run import state_folder
from voxedge.commands.grammar import Grammar, build
from voxedge.commands.language import CommandLanguage, load
from voxedge.commands.parse import Understood, understand
from voxedge.errors import MicrophoneClipped
from voxedge.service.hearing import WorkerRecogniser, check_recogniser, recogniser_spec
from voxedge.service.tuning import load_thresholds
from voxedge.service.workers import Worker

if TYPE_CHECKING:
    from voxedge.audio.capture import SoundSource
    from voxedge.engines.asr.protocol import Heard

PATIENCE_S = 60.0
"""For a model that is being loaded: a large one takes a quarter of a minute on a Pi 4."""


def listen(arguments: argparse.Namespace) -> int:
    """Listen until the recording ends, or for ever."""
    settings = load_settings(arguments).hearing
    language = load(arguments.hearing_language or settings.language)
    source: SoundSource
    if arguments.wav is not None:
        source = SoundFile(arguments.wav)
    else:
        source = Microphone(arguments.microphone or settings.microphone or None)
    listener = _Listener(language, build(language), arguments.json)
    asyncio.run(listener.listen(source))
    if arguments.wav is not None and not listener.understood and listener.clipped > CLIPPED_SHARE:
        raise MicrophoneClipped(percent=round(100 * listener.clipped))
    return 0


class _Listener:
    """Prints what is made of each utterance.

    Args:
        language: of the commands.
        grammar: what may be said.
        as_lines: of JSON.
    """

    def __init__(self, language: CommandLanguage, grammar: Grammar, as_lines: bool) -> None:
        self._language = language
        self._grammar = grammar
        self._as_lines = as_lines
        self._thresholds = load_thresholds(state_folder(), language.tag)
        self.understood = False
        self.clipped = 0.0
        """Largest share of clipped samples of an utterance."""

    async def listen(self, source: SoundSource) -> None:
        """Listen until the source ends.

        Raises:
            VoxedgeError: no recogniser, no microphone, or one that broke.
        """
        # Missing or damaged models are told at once, not as the failure of a worker.
        await asyncio.to_thread(check_recogniser, self._language.tag)
        async with Worker(recogniser_spec(self._language.tag)) as worker:
            ear = WorkerRecogniser(worker, PATIENCE_S)
            await ear.set_grammar(self._grammar)
            await self._take(source, ear, endpointer(gated=True))

    async def _take(self, source: SoundSource, ear: WorkerRecogniser, cutter: Endpointer) -> None:
        position_ms = started_ms = 0.0
        is_open = False
        async with aclosing(source.pieces()) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                for edge, samples in cutter.hear(piece):
                    if edge is Edge.START:
                        started_ms = position_ms - 1000 * len(samples) / RATE_HZ
                        is_open = True
                    heard = await ear.feed(samples)
                    if edge in (Edge.END, Edge.TOO_LONG):
                        heard, is_open = await ear.finish(), False
                    if heard is not None and heard.final:
                        self._tell(heard, ear.name, started_ms, cutter.clipped)
                position_ms += 1000 * len(piece) / RATE_HZ
        if is_open:
            self._tell(await ear.finish(), ear.name, started_ms, cutter.clipped)

    def _tell(self, heard: Heard, engine: str, started_ms: float, clipped: float) -> None:
        made = understand(
            heard.text, heard.confidence, self._language, self._grammar, self._thresholds
        )
        if made.intent is not None:
            self.understood = True
        elif clipped > CLIPPED_SHARE:
            self.clipped = max(self.clipped, clipped)
            print(MicrophoneClipped(percent=round(100 * clipped)), file=sys.stderr)
        end_ms = max(0.0, started_ms + heard.end_ms)
        if self._as_lines:
            line = json.dumps(as_json(made, engine, end_ms), ensure_ascii=False)
        else:
            line = "\n".join(_sentences(made))
        print(line, flush=True)


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


def _sentences(made: Understood) -> Iterator[str]:
    if made.intent is not None:
        slots = "".join(f" {name}={value}" for name, value in made.intent.arguments)
        yield f"{made.intent.action.label}{slots}  ({made.text}, {made.confidence:.2f})"
    elif made.unsure:
        yield f"not sure: {made.text} ({made.confidence:.2f})"
    else:
        yield "no command"
