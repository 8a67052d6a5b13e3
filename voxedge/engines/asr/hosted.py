"""A recogniser inside a worker process, and its proxy in the daemon.

Vosk may take its process with it, so no recogniser runs in the daemon. The proxy speaks through a
``Worker`` of kind "raw" (``docs/developers/workers.md``); its methods are ``grammar``, ``feed``,
``finish`` and ``reset``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any

import numpy as np

from voxedge.actions import SlotKind, action_named
from voxedge.commands.grammar import Grammar, Template
from voxedge.engines.asr.protocol import Heard, HeardWord, Recogniser
from voxedge.engines.framing import Message
from voxedge.errors import RecogniserFailed, RecogniserMissing


def open_recogniser(language: str) -> Recogniser:
    """Open the best recogniser there is for a language. Blocking: seconds.

    Vosk where its model is installed; pocketsphinx for English otherwise, and beside it the second
    listener where that one's model is installed.

    Raises:
        RecogniserMissing: none is installed.
        RecogniserCorrupt: the model is damaged. A damaged English one is no reason to be deaf:
            pocketsphinx takes over.
    """
    from voxedge.engines.asr.vosk_engine import open_vosk
    from voxedge.errors import RecogniserCorrupt

    try:
        return open_vosk(language)
    except (RecogniserMissing, RecogniserCorrupt):
        if language.partition("-")[0] != "en":
            raise
    from voxedge.engines.asr.second import SecondListener, open_judge
    from voxedge.engines.asr.sphinx_engine import SphinxRecogniser

    return SphinxRecogniser(SecondListener(lambda: open_judge("en")))


class HostedRecogniser:
    """A ``Recogniser`` served as a ``Hosted`` engine, on a thread of its own."""

    def __init__(self, engine: Recogniser) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recogniser")

    def describe(self) -> dict[str, Any]:
        """Name and language."""
        return {"name": self._engine.name, "language": self._engine.language}

    async def call(self, method: str, request: Message) -> AsyncIterator[Message]:
        """Answer ``grammar``, ``feed``, ``finish`` or ``reset``."""
        match method:
            case "grammar":
                grammar = grammar_from_json(bytes(request.payload))
                left_out = await self._do(self._engine.set_grammar, grammar)
                yield Message({"left_out": left_out})
            case "feed":
                heard = await self._do(self._engine.feed, samples_from(request))
                if heard is not None:
                    yield Message(heard_to_header(heard))
            case "finish":
                yield Message(heard_to_header(await self._do(self._engine.finish)))
            case "reset":
                await self._do(self._engine.reset)
            case _:
                raise ValueError("a recogniser can only listen")

    async def _do(self, work: Callable[..., Any], *arguments: Any) -> Any:
        step = asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        try:
            return await asyncio.shield(step)
        except asyncio.CancelledError:
            await asyncio.wait((step,))
            if not step.cancelled():
                step.exception()
            raise

    def close(self) -> None:
        """Let the engine and its thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._engine.close()


def recogniser(language: str) -> HostedRecogniser:
    """Factory for ``WorkerSpec``: the best recogniser of a language. See ``open_recogniser``."""
    return HostedRecogniser(open_recogniser(language))


def samples_from(request: Message) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Return the samples of a ``feed``.

    Raises:
        RecogniserFailed: not whole samples.
    """
    payload = bytes(request.payload)
    if len(payload) % 2:
        raise RecogniserFailed(reason="half a sample came")
    return np.frombuffer(payload, dtype="<i2")


def grammar_from_json(text: str | bytes) -> Grammar:
    """Return the grammar; the inverse of ``Grammar.to_json``.

    Raises:
        RecogniserFailed: it is none.
    """
    try:
        raw = json.loads(text)
        return Grammar(
            str(raw["language"]),
            tuple(Template(action_named(label), str(phrase)) for label, phrase in raw["templates"]),
            MappingProxyType(
                {SlotKind(kind): tuple(map(str, said)) for kind, said in raw["values"].items()}
            ),
            tuple(map(str, raw["decoys"])),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecogniserFailed(reason="the grammar is malformed") from error


def heard_to_header(heard: Heard) -> dict[str, Any]:
    """Return JSON-safe fields."""
    return {
        "text": heard.text,
        "words": [[w.text, w.start_ms, w.end_ms, w.confidence] for w in heard.words],
        "confidence": heard.confidence,
        "final": heard.final,
        "end_ms": heard.end_ms,
        "settled": heard.settled,
    }


def heard_from_header(header: Mapping[str, Any]) -> Heard:
    """Return what was heard; the inverse of ``heard_to_header``.

    Raises:
        RecogniserFailed: it is nonsense.
    """
    try:
        words = tuple(
            HeardWord(str(text), int(start), int(end), float(sure))
            for text, start, end, sure in header["words"]
        )
        confidence = float(header["confidence"])
        if not 0.0 <= confidence <= 1.0 or not isinstance(header["text"], str):
            raise ValueError("out of range")  # noqa: TRY301 - one place tells what is wrong
        return Heard(
            header["text"],
            words,
            confidence,
            header["final"] is True,
            int(header["end_ms"]),
            header.get("settled") is True,
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise RecogniserFailed(reason="the recogniser answered nonsense") from error
