"""The session's errands to the library: in order, one at a time, and never in a press's way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from voxedge.errors import VoxedgeError
from voxedge.flow import Frame
from voxedge.reader.book import book_of
from voxedge.reader.conversation.effects import (
    DeleteBook,
    Effect,
    KeepBook,
    ListBooks,
    OpenBook,
    PictureIsOf,
    PutCursor,
    PutMark,
    SaveBook,
)
from voxedge.reader.conversation.happenings import (
    Deleted,
    Happening,
    Listed,
    Opened,
    Saved,
    ShelfFailed,
)
from voxedge.reader.conversation.model import Model
from voxedge.reader.ports import Shelf

_log = logging.getLogger(__name__)

_ERRANDS = 64


@dataclass(frozen=True, slots=True)
class _PictureTaken:
    """A page of the open document was photographed."""

    number: int
    frame: Frame


class Shelving:
    """Carries out what the conversation wants of the shelf.

    Args:
        shelf: the library.
        model: the conversation as it stands.
        happened: told what the shelf answers.
        encode: makes a JPEG of a page, on a thread; None where pictures are not kept.
    """

    def __init__(
        self,
        shelf: Shelf,
        model: Callable[[], Model],
        happened: Callable[[Happening], None],
        encode: Callable[[Frame], bytes] | None = None,
    ) -> None:
        self._shelf = shelf
        self._model = model
        self._happened = happened
        self._encode = encode
        self._pictures: dict[int, bytes] = {}
        self._errands: asyncio.Queue[Effect | _PictureTaken] = asyncio.Queue(_ERRANDS)
        self._place: PutCursor | None = None

    def took(self, number: int, frame: Frame) -> None:
        """Keep the picture of a page (counted from 0) until its document is put on the shelf."""
        if self._encode is not None and not self._errands.full():
            self._errands.put_nowait(_PictureTaken(number, frame))

    def ask(self, effect: Effect) -> None:
        """Take an errand; of places only the newest matters, so that a slow card is not flooded."""
        if isinstance(effect, PutCursor):
            waiting, self._place = self._place, effect
            if waiting is not None:
                return
        try:
            self._errands.put_nowait(effect)
        except asyncio.QueueFull:
            _log.error("the library is stuck; a request was dropped")
            self._happened(ShelfFailed(VoxedgeError(reason="the library is stuck")))

    async def run(self) -> None:
        """Run errands until cancelled."""
        while True:
            effect = await self._errands.get()
            if isinstance(effect, PutCursor):
                effect, self._place = self._place or effect, None
            answer: Happening | None
            try:
                answer = await self._run(effect)
            except VoxedgeError as error:
                _log.warning("library: %s", error)
                # What a person asked for is told; a place, which nobody asked for, is not.
                answer = None if isinstance(effect, PutCursor) else ShelfFailed(error)
            if answer is not None:
                self._happened(answer)

    async def _run(self, effect: Effect | _PictureTaken) -> Happening | None:
        match effect:
            case _PictureTaken(number=page, frame=frame):
                await self._take_in(page, frame)
            case PictureIsOf(page=page):
                if 0 in self._pictures:
                    self._pictures = {page: self._pictures[0]}
            case PutCursor(number=number, cursor=cursor):
                await self._shelf.put_cursor(number, cursor)
            case PutMark(number=number, cursor=cursor):
                await self._shelf.mark(number, cursor)
            case DeleteBook(number=number):
                await self._shelf.delete(number)
                return Deleted(number)
            case ListBooks():
                return Listed(await self._shelf.entries())
            case OpenBook(number=wanted, title=title):
                self._pictures.clear()
                found = await self._shelf.open(wanted, title)
                if found is None:
                    return Opened(None)
                entry, text, marks = found
                return Opened(entry, book_of(text), marks)
            case SaveBook(title=title):
                return await self._save(title)
            case KeepBook():
                return await self._keep()
            case _:
                raise AssertionError(f"nobody carries out {type(effect).__name__}")
        return None

    async def _save(self, title: str) -> Happening | None:
        opened = self._model().open
        if opened is None:
            return None
        document = opened.book.document
        number, kept = await self._shelf.save(
            document, title, opened.cursor, opened.marks, opened.number, self._pictures
        )
        return Saved(document, number, kept, saved=True, asked=True)

    async def _keep(self) -> Happening | None:
        opened = self._model().open
        if opened is None:
            return None
        document = opened.book.document
        if opened.number is not None:
            await self._shelf.replace(opened.number, document, self._pictures)
            return None
        recent = await self._shelf.keep(document, opened.cursor, self._pictures)
        return None if recent is None else Saved(document, *recent, saved=False, asked=False)

    async def _take_in(self, page: int, frame: Frame) -> None:
        if self._encode is None:
            return
        if page == 0:
            self._pictures.clear()  # Another document begins.
        self._pictures[page] = await asyncio.to_thread(self._encode, frame)
