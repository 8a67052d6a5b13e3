"""The recogniser as the daemon sees it: in a worker that may die in the middle of a word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from voxedge.commands.grammar import Grammar
from voxedge.engines.asr.hosted import heard_from_header
from voxedge.engines.asr.protocol import Heard
from voxedge.errors import RecogniserFailed
from voxedge.service.workers import Worker, WorkerFailure, WorkerSpec

if TYPE_CHECKING:
    from voxedge.engines.asr.protocol import Int16Samples

PATIENCE_S = 5.0
"""For a recogniser that is being loaded again."""


def recogniser_spec(language: str) -> WorkerSpec:
    """Return how the recogniser of a language is hosted.

    The large Korean model takes 620 MB of memory; small ones 150 to 250.
    """
    return WorkerSpec(
        name="recogniser",
        factory="voxedge.engines.asr.hosted:recogniser",
        kind="raw",
        arguments={"language": language},
        start_deadline_s=60.0,
        item_deadline_s=15.0,
        calls_at_once=1,
        memory_mb=1536,
        nice=2,
        spoken="I cannot understand speech at the moment. Please use the buttons.",
    )


class WorkerRecogniser:
    """A recogniser in a worker; used from the event loop.

    The grammar is told again to a worker that was started anew: it has forgotten.
    """

    def __init__(self, worker: Worker, patience_s: float = PATIENCE_S) -> None:
        """Wrap a worker of ``recogniser_spec``, entered by the caller."""
        self._worker = worker
        self._patience_s = patience_s
        self._grammar: Grammar | None = None
        self._told: int | None = None

    @property
    def name(self) -> str:
        """The engine's name, once the worker has told it."""
        return str(self._worker.description.get("name") or "recogniser")

    async def set_grammar(self, grammar: Grammar) -> int:
        """Say what may be heard; see ``Recogniser.set_grammar``.

        Raises:
            RecogniserFailed: the worker is down, or nothing of it can be heard.
            RecogniserCorrupt: the model is of another language.
        """
        self._grammar = grammar
        answer = await self._ask("grammar", grammar.to_json().encode())
        self._told = self._worker.pid
        return int((answer or {}).get("left_out", 0))

    async def feed(self, samples: Int16Samples) -> Heard | None:
        """Take a piece of sound; see ``Recogniser.feed``."""
        await self._remind()
        answer = await self._ask("feed", samples.astype("<i2").tobytes())
        return None if answer is None else heard_from_header(answer)

    async def finish(self) -> Heard:
        """Return the final result; see ``Recogniser.finish``."""
        if self._told != self._worker.pid:
            # The sound went with the worker; an empty result would pass for "nothing was said".
            raise RecogniserFailed(reason="the recogniser was started anew")
        answer = await self._ask("finish")
        if answer is None:
            raise RecogniserFailed(reason="no answer came")
        return heard_from_header(answer)

    async def reset(self) -> None:
        """Forget the utterance."""
        await self._remind()
        await self._ask("reset")

    async def _remind(self) -> None:
        if self._worker.pid != self._told and self._grammar is not None:
            await self.set_grammar(self._grammar)

    async def _ask(self, method: str, payload: bytes = b"") -> Mapping[str, Any] | None:
        answer: Mapping[str, Any] | None = None
        try:
            async for item in self._worker.call(method, {}, payload, patience_s=self._patience_s):
                answer = item.header
        except WorkerFailure as failure:
            raise RecogniserFailed(reason=failure.reason) from failure
        return answer
