"""How an engine, unchanged, serves calls inside a worker process.

A ``Hosted`` object answers calls by streams of messages. ``HostedSynthesizer`` and
``HostedPageReader`` wrap the two protocols; any other engine (a camera) may implement ``Hosted``
itself and be started with kind "raw".
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any, Protocol

from voxedge.engines import codec
from voxedge.engines.framing import Message
from voxedge.engines.protocols import PageReader, Synthesizer
from voxedge.flow import Frame


class Hosted(Protocol):
    """What a worker process can serve. Used from the worker's one event loop."""

    def describe(self) -> dict[str, Any]:
        """Return JSON-safe facts that the proxy in the daemon needs (name, rate)."""
        ...

    def call(self, method: str, request: Message) -> AsyncIterator[Message]:
        """Answer one call by zero or more items.

        Cancelling the task that iterates stops the work as soon as it can be stopped.

        Raises:
            VoxedgeError: crosses to the daemon by class and details.
            ValueError: there is no such method.
        """
        ...

    def close(self) -> None:
        """Free what is held. Idempotent."""
        ...


class HostedSynthesizer:
    """A ``Synthesizer`` served: ``stream`` with an utterance gives its chunks."""

    def __init__(self, engine: Synthesizer) -> None:
        self._engine = engine

    def describe(self) -> dict[str, Any]:
        """Name and rate of the voice."""
        return {"name": self._engine.name, "rate_hz": self._engine.rate_hz}

    async def call(self, method: str, request: Message) -> AsyncIterator[Message]:
        """Synthesize."""
        if method != "stream":
            raise ValueError("a voice can only stream")
        chunks = self._engine.stream(codec.utterance_from_header(request.header))
        try:
            async for chunk in chunks:
                yield codec.chunk_to_message(chunk)
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()

    def close(self) -> None:
        """Close the voice."""
        self._engine.close()


class HostedPageReader:
    """A ``PageReader`` served: one page at a time, on a thread of its own.

    A blocking step cannot be cancelled; its outcome is dropped and the next page waits for it. The
    daemon kills the whole worker where that takes too long.
    """

    def __init__(self, engine: PageReader) -> None:
        self._engine = engine
        self._busy = asyncio.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="page-reader")

    def describe(self) -> dict[str, Any]:
        """Name of the recogniser."""
        return {"name": self._engine.name}

    async def call(self, method: str, request: Message) -> AsyncIterator[Message]:
        """Read a page whole (``read``), or page first and then sections (``start``)."""
        frame = codec.frame_from_message(request)
        language = str(request.header["language"])
        page = int(request.header["page"])
        async with self._busy:
            if method == "read":
                document = await self._on_thread(self._engine.read, frame, language, page)
                yield Message({}, codec.document_to_bytes(document))
            elif method == "start":
                async with aclosing(self._progress(frame, language, page)) as messages:
                    async for message in messages:
                        yield message
            else:
                raise ValueError("a page reader can only read")

    async def _progress(
        self, frame: Frame, language: str, page: int
    ) -> AsyncGenerator[Message, None]:
        reading = await self._on_thread(self._engine.start, frame, language, page)
        yield Message({"page": codec.page_to_list(reading.page)})
        iterator = iter(reading)
        try:
            # StopIteration cannot cross a Future, so the end is a default value.
            while (sections := await self._on_thread(next, iterator, None)) is not None:
                yield Message({}, codec.sections_to_bytes(sections))
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                await self._on_thread(close)

    async def _on_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Run one blocking step; a cancelled caller waits for its end before it goes."""
        step = asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        try:
            return await asyncio.shield(step)
        except asyncio.CancelledError:
            await asyncio.wait((step,))
            if not step.cancelled():
                step.exception()
            raise

    def close(self) -> None:
        """Let the thread go; a running step is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)


ADAPTERS: Mapping[str, Callable[[Any], Hosted]] = {
    "synthesizer": HostedSynthesizer,
    "page_reader": HostedPageReader,
    "raw": lambda engine: engine,
}
"""Kind of engine to the wrapper that serves it."""


def build(factory: str, kind: str, arguments: Mapping[str, Any]) -> Hosted:
    """Import ``package.module:callable``, call it with ``arguments`` and wrap the outcome.

    Blocking: models are loaded here.

    Raises:
        ValueError: a malformed name or an unknown kind.
        ImportError, AttributeError: no such factory.
        VoxedgeError: whatever the factory says.
    """
    module_name, separator, attribute = factory.partition(":")
    if not separator or kind not in ADAPTERS:
        raise ValueError(f"'{factory}' of kind '{kind}' is no factory")
    make = getattr(importlib.import_module(module_name), attribute)
    return ADAPTERS[kind](make(**arguments))
