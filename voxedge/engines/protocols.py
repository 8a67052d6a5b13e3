"""What the house asks of an engine. Heavy libraries stay behind these doors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

from voxedge.document.model import Document, Section
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


class PageReader(Protocol):
    """An OCR pipeline: one picture in, text in reading order out."""

    @property
    def name(self) -> str:
        """Stable name and version ("tesseract 5.3.0")."""
        ...

    def read(self, frame: Frame, language: str, page: int = 0) -> Document:
        """Recognise a whole picture. Blocking: call it from a thread.

        Raises:
            VoxedgeError: nothing readable, language missing, engine missing or failed.
        """
        ...

    def read_progressively(
        self, frame: Frame, language: str, page: int = 0
    ) -> Iterator[tuple[Section, ...]]:
        """Yield sections as soon as each is final, in reading order, then stop. Blocking.

        The concatenation of everything yielded is what ``read`` returns for the same picture.
        """
        ...
