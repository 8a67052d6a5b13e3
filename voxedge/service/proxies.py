"""The engine protocols, served by worker processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

from voxedge.document.model import Document, Page, Section
from voxedge.engines import codec
from voxedge.engines.codec import CorruptAnswer
from voxedge.engines.framing import Message
from voxedge.errors import OcrFailed, VoiceFailed
from voxedge.flow import Frame, PcmChunk, Utterance
from voxedge.service.workers import Worker, WorkerFailure

T = TypeVar("T")


class WorkerSynthesizer:
    """A ``Synthesizer`` whose voice lives in a worker process.

    Name and rate are given, not asked for, so that the voice can be used (and fall back) before
    its worker is up. ``close`` leaves the worker to whoever entered it.
    """

    def __init__(self, worker: Worker, name: str, rate_hz: int, patience_s: float = 0.0) -> None:
        """Wrap a worker of kind "synthesizer".

        Args:
            worker: entered by the caller.
            name: of the voice.
            rate_hz: of its samples; chunks at another rate are corrupt.
            patience_s: how long ``stream`` waits for a worker that is not up. 0 fails at once and
                leaves the sentence to the simple voice.
        """
        self._worker = worker
        self._name = name
        self._rate_hz = rate_hz
        self._patience_s = patience_s

    @property
    def name(self) -> str:
        """The voice's name."""
        return self._name

    @property
    def rate_hz(self) -> int:
        """The samples a second of every chunk."""
        return self._rate_hz

    async def stream(self, utterance: Utterance) -> AsyncIterator[PcmChunk]:
        """Synthesize in the worker; see ``Synthesizer.stream``.

        Raises:
            VoiceFailed: the worker is down, was killed, or answered what is no speech.
            VoxedgeError: what the voice itself raised.
        """
        header = codec.utterance_to_header(utterance)
        complete = False
        items = self._worker.call("stream", header, patience_s=self._patience_s)
        async with aclosing(items):
            try:
                async for item in items:
                    chunk = codec.chunk_from_message(item, self._rate_hz)
                    complete = chunk.last
                    yield chunk
            except WorkerFailure as failure:
                raise VoiceFailed(voice=self._name, reason=failure.reason) from failure
            except CorruptAnswer as corrupt:
                self._worker.kill(f"answered garbage: {corrupt}")
                raise VoiceFailed(voice=self._name, reason=str(corrupt)) from corrupt
        if not complete:
            raise VoiceFailed(voice=self._name, reason="it stopped before the end")

    def close(self) -> None:
        """Nothing to free here."""


@dataclass(frozen=True, slots=True)
class WorkerPageReading:
    """A ``PageReading`` whose sections come from a worker process.

    Closing the iterator (or leaving it to the garbage collector) stops the reading.
    """

    page: Page
    sections: Iterator[tuple[Section, ...]]

    def __iter__(self) -> Iterator[tuple[Section, ...]]:
        """Return the sections; blocking, once only."""
        return self.sections


class WorkerPageReader:
    """A ``PageReader`` whose recogniser lives in a worker process.

    Its methods block, as the protocol says: call them from a thread, never from the loop.
    """

    def __init__(
        self,
        worker: Worker,
        name: str,
        loop: asyncio.AbstractEventLoop,
        language_tag: Callable[[str], str],
        patience_s: float = 10.0,
    ) -> None:
        """Wrap a worker of kind "page_reader".

        Args:
            worker: entered by the caller.
            name: of the recogniser.
            loop: the one the worker runs in.
            language_tag: of the recogniser; a table, so it is not asked of the worker.
            patience_s: how long to wait for a worker that is not up; there is no second recogniser
                to fall back to.
        """
        self._worker = worker
        self._name = name
        self._loop = loop
        self._language_tag = language_tag
        self._patience_s = patience_s

    @property
    def name(self) -> str:
        """The recogniser's name and version, once the worker has told it."""
        return str(self._worker.description.get("name") or self._name)

    def read(self, frame: Frame, language: str, page: int = 0) -> Document:
        """Recognise a whole picture in the worker; see ``PageReader.read``.

        Raises:
            OcrFailed: the worker is down, was killed, or answered what is no page.
            VoxedgeError: what the recogniser itself raised.
        """

        async def ask() -> Document:
            items = self._call("read", frame, language, page)
            async with aclosing(items):
                async for item in items:
                    return self._checked(codec.document_from_bytes, item.payload)
            raise OcrFailed(reason="no answer came")

        return self._blocking(ask())

    def language_tag(self, language: str) -> str:
        """Return the BCP 47 tag; no call to the worker."""
        return self._language_tag(language)

    def start(self, frame: Frame, language: str, page: int = 0) -> WorkerPageReading:
        """Begin to read in the worker; see ``PageReader.start``.

        Raises:
            OcrFailed: the worker is down, was killed, or answered what is no page.
            VoxedgeError: what the recogniser itself raised.
        """
        items = self._call("start", frame, language, page)
        first = self._blocking(_next_or_none(items))
        if first is None:
            raise OcrFailed(reason="no answer came")
        found = self._checked(codec.page_from_list, first.header.get("page"))
        return WorkerPageReading(found, self._sections(items))

    def _sections(self, items: AsyncGenerator[Message, None]) -> Iterator[tuple[Section, ...]]:
        try:
            while (item := self._blocking(_next_or_none(items))) is not None:
                yield self._checked(codec.sections_from_bytes, item.payload)
        finally:
            self._blocking(items.aclose())

    async def _call(
        self, method: str, frame: Frame, language: str, page: int
    ) -> AsyncGenerator[Message, None]:
        header = {**codec.frame_to_header(frame), "language": language, "page": page}
        payload = codec.frame_payload(frame)
        items = self._worker.call(method, header, payload, patience_s=self._patience_s)
        async with aclosing(items):
            try:
                async for item in items:
                    yield item
            except WorkerFailure as failure:
                raise OcrFailed(reason=failure.reason) from failure

    def _checked(self, decode: Callable[[Any], T], answer: Any) -> T:
        try:
            return decode(answer)
        except CorruptAnswer as corrupt:
            reason = f"answered garbage: {corrupt}"
            self._loop.call_soon_threadsafe(self._worker.kill, reason)
            raise OcrFailed(reason=str(corrupt)) from corrupt

    def _blocking(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` in the worker's loop and wait for it here.

        No time limit: the worker's own deadlines end every wait.
        """
        if _in_a_loop():
            work.close()
            raise RuntimeError("a page reader blocks: call it from a thread, not from the loop")
        if self._loop.is_closed():
            work.close()
            raise OcrFailed(reason="the reader is shutting down")
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except CancelledError as error:
            raise OcrFailed(reason="the reader is shutting down") from error


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _next_or_none(items: AsyncGenerator[Message, None]) -> Message | None:
    return await anext(items, None)
