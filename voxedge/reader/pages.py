"""Pictures read one after the other, their sections handed on as soon as each is final."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from voxedge.document.model import Document, Page, Section
from voxedge.engines.protocols import PageReader, PageReading
from voxedge.errors import VoxedgeError
from voxedge.flow import Frame

Loader = Callable[[Path], Frame]


@dataclass(frozen=True, slots=True)
class SectionsRead:
    """Sections of page ``number`` (from 0) that are final.

    Attributes:
        number: of the page, from 0.
        sections: in reading order.
        page: with the first sections of a page, that page.
    """

    number: int
    sections: tuple[Section, ...]
    page: Page | None = None


@dataclass(frozen=True, slots=True)
class PageFailed:
    """Page ``number`` (from 0) could not be read, or not to its end."""

    number: int
    error: VoxedgeError


Part = SectionsRead | PageFailed


@dataclass(frozen=True, slots=True)
class PagesRead:
    """The whole outcome.

    Attributes:
        document: everything that was read, None when no page gave anything.
        failures: pages that failed, in order.
        first_section_ms: from the start until the first section was final.
        read_ms: until the last page was done.
    """

    document: Document | None
    failures: tuple[PageFailed, ...]
    first_section_ms: float | None
    read_ms: float


class PageFeed:
    """Reads pictures on a thread of its own; used once, from one event loop.

    Args:
        pictures: paths, in page order.
        load: opens one picture.
        reader: recognises it.
        language: the reader's name of the language.

    A page that fails does not keep the others from being read.
    """

    def __init__(
        self, pictures: Sequence[Path], load: Loader, reader: PageReader, language: str
    ) -> None:
        self._pictures = pictures
        self._load = load
        self._reader = reader
        self._language = language
        self._pages: list[Page] = []
        self._sections: list[Section] = []
        self._failures: list[PageFailed] = []
        self._started_s = time.monotonic()
        self._first_section_ms: float | None = None
        self._read_ms = 0.0

    async def parts(self) -> AsyncGenerator[Part, None]:
        """Yield what is read while it is read.

        Recognition runs ahead of the consumer. Closing the iterator ends the work after the region
        in hand (a second of tesseract at most).
        """
        queue: asyncio.Queue[Part | None] = asyncio.Queue()
        with ThreadPoolExecutor(1, thread_name_prefix="reader") as thread:
            pump = asyncio.create_task(self._pump(queue, thread), name="page-feed")
            try:
                while (part := await queue.get()) is not None:
                    yield part
                await pump
            finally:
                pump.cancel()
                thread.shutdown(wait=False, cancel_futures=True)

    def outcome(self) -> PagesRead:
        """Return what has been read so far."""
        document = None
        if self._sections:
            document = Document(
                sections=tuple(self._sections),
                pages=tuple(self._pages),
                language=self._reader.language_tag(self._language),
                engine=self._reader.name,
            )
        return PagesRead(document, tuple(self._failures), self._first_section_ms, self._read_ms)

    async def _pump(self, queue: asyncio.Queue[Part | None], thread: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        try:
            for number, picture in enumerate(self._pictures):
                try:
                    reading = await loop.run_in_executor(thread, self._begin, number, picture)
                    self._pages.append(reading.page)
                    steps = iter(reading)
                    page: Page | None = reading.page
                    while sections := await loop.run_in_executor(thread, _step, steps):
                        queue.put_nowait(self._note(SectionsRead(number, sections, page)))
                        page = None
                except VoxedgeError as error:
                    failed = PageFailed(number, error)
                    self._failures.append(failed)
                    queue.put_nowait(failed)
        finally:
            self._read_ms = self._elapsed_ms()
            queue.put_nowait(None)

    def _begin(self, number: int, picture: Path) -> PageReading:
        """Open one picture and begin to read it (on the reading thread)."""
        return self._reader.start(self._load(picture), self._language, len(self._pages))

    def _note(self, part: SectionsRead) -> SectionsRead:
        if self._first_section_ms is None:
            self._first_section_ms = self._elapsed_ms()
        self._sections.extend(part.sections)
        return part

    def _elapsed_ms(self) -> float:
        return 1000.0 * (time.monotonic() - self._started_s)


def _step(steps: Iterable[tuple[Section, ...]]) -> tuple[Section, ...]:
    """Return the next non-empty batch, or an empty one at the end."""
    for sections in steps:
        if sections:
            return sections
    return ()
