"""What the house asks of an engine. Heavy libraries stay behind these doors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

from voxedge.document.model import Document, Page, Section
from voxedge.flow import Frame, PcmChunk, Utterance


class Synthesizer(Protocol):
    """A voice.

    Engines are used from one event loop. Their heavy work runs on threads or processes of their
    own; ``stream`` never blocks the loop.
    """

    @property
    def name(self) -> str:
        """Stable name for messages, cache keys and JSON ("en_US-joe-medium", "espeak-ng")."""
        ...

    @property
    def rate_hz(self) -> int:
        """The samples a second of every chunk."""
        ...

    def stream(self, utterance: Utterance) -> AsyncIterator[PcmChunk]:
        """Synthesize; the last chunk has ``last`` set.

        Closing the iterator (``aclose``) or cancelling the task stops the work before the next
        chunk. ``pause_after_ms`` is not rendered here: the owner of the voice writes silence.

        Raises:
            VoxedgeError: a subclass that says what failed; the caller falls back to the other
                voice so that the device is never silent.
        """
        ...

    def close(self) -> None:
        """Free threads and models. Idempotent."""
        ...


class PageReading(Protocol):
    """One page being read."""

    @property
    def page(self) -> Page:
        """Size and rotation, known from the start."""
        ...

    def __iter__(self) -> Iterator[tuple[Section, ...]]:
        """Yield sections as soon as each is final, in reading order. Blocking; once only."""
        ...


class PageReader(Protocol):
    """An OCR pipeline: one picture in, text in reading order out. Blocking: call from a thread."""

    @property
    def name(self) -> str:
        """Stable name and version ("tesseract 5.3.0")."""
        ...

    def language_tag(self, language: str) -> str:
        """Return the BCP 47 tag of one of the engine's language names ("eng": "en")."""
        ...

    def start(self, frame: Frame, language: str, page: int = 0) -> PageReading:
        """Find out which way up the page is, and begin to read it.

        Args:
            frame: the picture.
            language: the engine's name of the language.
            page: number given to every word.

        Raises:
            VoxedgeError: nothing readable, language missing, engine missing or failed; also while
                iterating over what is returned.
        """
        ...

    def read(self, frame: Frame, language: str, page: int = 0) -> Document:
        """Read a whole picture: the concatenation of everything ``start`` yields."""
        ...
