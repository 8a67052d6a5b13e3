"""What the reading session needs of the world outside: an eye, somebody who reads, a shelf."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Protocol

from voxedge.document.cursor import Cursor
from voxedge.document.model import Document, Section
from voxedge.flow import Frame
from voxedge.reader.conversation.happenings import PageBegan

if TYPE_CHECKING:
    from voxedge.reader.library import Entry


class Camera(Protocol):
    """Takes pictures of what lies under it. On the event loop; never blocks it."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    def press(self) -> None:
        """While ``take`` leads the hand: take the picture now, as it is."""
        ...

    async def take(self) -> Frame:
        """Take one picture, now or when the page lies right.

        Raises:
            CameraMissing: there is none.
            CameraFailed: it did not give a picture in time.
            VoxedgeError: the picture is none that can be read.
        """
        ...


class PageStream(Protocol):
    """Reads pictures. On the event loop; the work is done elsewhere."""

    def read(
        self, frame: Frame, number: int
    ) -> AsyncGenerator[PageBegan | tuple[Section, ...], None]:
        """Yield what is known of the page first, then sections as soon as each is final.

        Closing the iterator stops the work.

        Args:
            frame: the picture.
            number: of the page in its document, from 0; it is given to every word.

        Raises:
            VoxedgeError: nothing readable, or the recogniser failed.
        """
        ...


class Shelf(Protocol):
    """Keeps documents. On the event loop; every method raises ``VoxedgeError`` where it fails."""

    async def keep(
        self, document: Document, cursor: Cursor, pictures: Mapping[int, bytes]
    ) -> tuple[int, str] | None:
        """Keep it among the last few, where such are kept; return its number and title.

        Args:
            document: what was read.
            cursor: where reading stands.
            pictures: JPEG by page number; empty where pictures are not kept.
        """
        ...

    async def save(
        self,
        document: Document,
        title: str,
        cursor: Cursor,
        marks: tuple[Cursor, ...],
        number: int | None,
        pictures: Mapping[int, bytes],
    ) -> tuple[int, str]:
        """Keep it for good, under its number where it has one; return number and title."""
        ...

    async def replace(self, number: int, document: Document, pictures: Mapping[int, bytes]) -> None:
        """Put a longer version in its place; pictures of other pages stay."""
        ...

    async def put_cursor(self, number: int, cursor: Cursor) -> None:
        """Remember where reading stands."""
        ...

    async def mark(self, number: int, cursor: Cursor) -> None:
        """Remember a mark."""
        ...

    async def delete(self, number: int) -> None:
        """Take it off the shelf."""
        ...

    async def open(
        self, number: int | None, title: str | None
    ) -> tuple[Entry, Document, tuple[Cursor, ...]] | None:
        """Return a document by number or title, the last one read where neither is given.

        None where the shelf is empty.
        """
        ...

    async def entries(self) -> tuple[Entry, ...]:
        """Return what is on the shelf, the last one opened first."""
        ...
