"""The library for the event loop: on a thread of its own, one call after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from voxedge.document.cursor import Cursor
from voxedge.document.model import Document
from voxedge.errors import LibraryDamaged
from voxedge.reader.library import Entry, Library

T = TypeVar("T")


class Bookshelf:
    """A ``Shelf`` over a ``Library``.

    Args:
        open_library: makes the library; called on its thread, at the first need, so that a slow
            card does not keep the reader from starting.
    """

    def __init__(self, open_library: Callable[[], Library]) -> None:
        self._open_library = open_library
        self._library: Library | None = None
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="library")

    async def warm_up(self) -> LibraryDamaged | None:
        """Open the file now; return what is to be told of it."""
        return await self._on_thread(lambda library: library.recovered)

    async def close(self) -> None:
        """Close the file once everything asked for is done. Idempotent."""

        def close() -> None:
            if self._library is not None:
                self._library.close()
                self._library = None

        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, close)
            self._thread.shutdown()

    async def keep(
        self, document: Document, cursor: Cursor, pictures: Mapping[int, bytes]
    ) -> tuple[int, str] | None:
        """See ``Shelf.keep``."""

        def keep(library: Library) -> tuple[int, str] | None:
            number = library.add(document, cursor=cursor, pictures=pictures)
            return None if number is None else (number, _title(library, number))

        return await self._on_thread(keep)

    async def save(
        self,
        document: Document,
        title: str,
        cursor: Cursor,
        marks: tuple[Cursor, ...],
        number: int | None,
        pictures: Mapping[int, bytes],
    ) -> tuple[int, str]:
        """See ``Shelf.save``."""

        def save(library: Library) -> tuple[int, str]:
            if number is not None:
                return number, library.save(number, title)
            added = library.add(document, title=title, saved=True, cursor=cursor, pictures=pictures)
            assert added is not None
            for mark in marks:
                library.mark(added, mark)
            return added, _title(library, added)

        return await self._on_thread(save)

    async def replace(self, number: int, document: Document, pictures: Mapping[int, bytes]) -> None:
        """See ``Shelf.replace``."""
        await self._on_thread(lambda library: library.replace(number, document, pictures))

    async def put_cursor(self, number: int, cursor: Cursor) -> None:
        """See ``Shelf.put_cursor``."""
        await self._on_thread(lambda library: library.put_cursor(number, cursor))

    async def mark(self, number: int, cursor: Cursor) -> None:
        """See ``Shelf.mark``."""
        await self._on_thread(lambda library: library.mark(number, cursor))

    async def delete(self, number: int) -> None:
        """See ``Shelf.delete``."""
        await self._on_thread(lambda library: library.delete(number))

    async def open(
        self, number: int | None, title: str | None
    ) -> tuple[Entry, Document, tuple[Cursor, ...]] | None:
        """See ``Shelf.open``."""

        def opened(library: Library) -> tuple[Entry, Document, tuple[Cursor, ...]] | None:
            entry = _wanted(library, number, title)
            if entry is None:
                return None
            document = library.open(entry.number)
            return entry, document, library.marks(entry.number)

        return await self._on_thread(opened)

    async def entries(self) -> tuple[Entry, ...]:
        """See ``Shelf.entries``."""
        return await self._on_thread(lambda library: library.entries())

    async def _on_thread(self, work: Callable[[Library], T]) -> T:
        def run() -> T:
            if self._library is None:
                self._library = self._open_library()
            return work(self._library)

        return await asyncio.get_running_loop().run_in_executor(self._thread, run)


def _wanted(library: Library, number: int | None, title: str | None) -> Entry | None:
    if title is not None:
        return library.titled(title)
    if number is None:
        return library.last()
    return next((entry for entry in library.entries() if entry.number == number), None)


def _title(library: Library, number: int) -> str:
    return next(entry.title for entry in library.entries() if entry.number == number)
