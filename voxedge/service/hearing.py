"""The recogniser as the daemon sees it: in a worker that may die in the middle of a word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from voxedge.commands.grammar import Grammar
from voxedge.engines.asr.hosted import heard_from_header
from voxedge.engines.asr.protocol import Heard
from voxedge.errors import RecogniserCorrupt, RecogniserFailed, RecogniserMissing
from voxedge.models.recognisers import find_model
from voxedge.service.restart import RestartPolicy, Trouble
from voxedge.service.workers import Worker, WorkerFailure, WorkerSpec

if TYPE_CHECKING:
    from voxedge.engines.asr.protocol import Int16Samples

PATIENCE_S = 5.0
"""For a recogniser that is being loaded again."""

FIRST_DELAY_S = 0.1
"""Before it is started again: somebody is in the middle of a sentence."""


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
        # A grammar is built in one piece: 0.6 s here, several times that on a Pi 4.
        cancel_grace_s=10.0,
        calls_at_once=1,
        memory_mb=1536,
        nice=2,
        spoken="I cannot understand speech at the moment. Please use the buttons.",
    )


def recogniser_worker(language: str, on_trouble: Callable[[Trouble], None]) -> Worker:
    """Return the recogniser's process, not yet started; back within two seconds when it dies."""
    policy = RestartPolicy(first_delay_s=FIRST_DELAY_S)
    return Worker(recogniser_spec(language), on_trouble, policy)


def check_recogniser(language: str) -> str:
    """Find out, without opening anything, whether there is a recogniser. Blocking: reads a model.

    Returns:
        Its name, for people.

    Raises:
        RecogniserMissing: none.
        RecogniserCorrupt: the model is damaged, and no other takes over.
    """
    try:
        require("vosk", language)
        return f"vosk with {find_model(language)[0].name}"
    except (RecogniserMissing, RecogniserCorrupt):
        if language != "en" or find_spec("pocketsphinx") is None:
            raise
    return "pocketsphinx"


def require(package: str, language: str) -> None:
    """Make sure that a package of the ``hearing`` extra is installed.

    Raises:
        RecogniserMissing: it is not.
    """
    if find_spec(package) is None:
        raise RecogniserMissing(language=language, reason="pip install 'voxedge[hearing]'")


class WorkerRecogniser:
    """A recogniser in a worker; used from the event loop.

    The grammar is told again to a worker that was started anew: it has forgotten.
    """

    def __init__(self, worker: Worker, patience_s: float = PATIENCE_S) -> None:
        """Wrap a worker of ``recogniser_spec``, entered by the caller."""
        self._worker = worker
        self._patience_s = patience_s
        self._learning = asyncio.Lock()
        self._grammar: Grammar | None = None
        self._told: int | None = None
        """The process that knows ``_grammar``; None while none does."""
        self._left_out = 0
        self._fed: int | None = None
        """The process that holds the beginning of the utterance."""

    @property
    def name(self) -> str:
        """The engine's name, once the worker has told it."""
        return str(self._worker.description.get("name") or "recogniser")

    async def set_grammar(self, grammar: Grammar) -> int:
        """Say what may be heard, and forget the utterance; see ``Recogniser.set_grammar``.

        A grammar that the worker knows already costs nothing.

        Raises:
            RecogniserFailed: the worker is down, or nothing of it can be heard.
            RecogniserCorrupt: the model is of another language.
        """
        async with self._learning:
            self._fed = None
            if grammar == self._grammar and self._knows:
                await self._ask("reset")
                return self._left_out
            self._grammar, self._told = grammar, None
            answer = await self._ask("grammar", grammar.to_json().encode())
            self._told = self._worker.pid
            self._left_out = int((answer or {}).get("left_out", 0))
            return self._left_out

    async def feed(self, samples: Int16Samples) -> Heard | None:
        """Take a piece of sound; see ``Recogniser.feed``.

        Raises:
            RecogniserFailed: the worker is down, or was while the utterance went on: half a
                sentence may be another command.
        """
        if self._fed is None:
            await self._remind()
            self._fed = self._worker.pid
        self._must_be_the_same()
        answer = await self._ask("feed", samples.astype("<i2").tobytes())
        return None if answer is None else heard_from_header(answer)

    async def finish(self) -> Heard:
        """Return the final result; see ``Recogniser.finish``."""
        self._must_be_the_same()
        self._fed = None
        answer = await self._ask("finish")
        if answer is None:
            raise RecogniserFailed(reason="no answer came")
        return heard_from_header(answer)

    async def reset(self) -> None:
        """Forget the utterance."""
        self._fed = None
        await self._remind()
        await self._ask("reset")

    @property
    def _knows(self) -> bool:
        """Whether the process that runs now has learned the grammar."""
        return self._told is not None and self._told == self._worker.pid

    def _must_be_the_same(self) -> None:
        known = self._told if self._fed is None else self._fed
        if known is None or known != self._worker.pid:
            # The sound went with the worker; an empty result would pass for "nothing was said".
            raise RecogniserFailed(reason="the recogniser was started anew")

    async def _remind(self) -> None:
        if self._grammar is not None and not self._knows:
            await self.set_grammar(self._grammar)

    async def _ask(self, method: str, payload: bytes = b"") -> Mapping[str, Any] | None:
        answer: Mapping[str, Any] | None = None
        try:
            async for item in self._worker.call(method, {}, payload, patience_s=self._patience_s):
                answer = item.header
        except WorkerFailure as failure:
            raise RecogniserFailed(reason=failure.reason) from failure
        return answer
