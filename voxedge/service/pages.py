"""The page reader for the daemon's event loop, served by a worker process."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from voxedge.document.model import Section
from voxedge.engines import codec
from voxedge.engines.codec import CorruptAnswer
from voxedge.errors import OcrFailed
from voxedge.flow import Frame
from voxedge.reader.conversation.happenings import PageBegan
from voxedge.service.workers import Worker, WorkerFailure

PATIENCE_S = 20.0
"""For a worker that is starting or was killed: there is no second recogniser to turn to."""


class WorkerPages:
    """A ``PageStream`` whose recogniser lives in a worker process.

    Args:
        worker: of kind "page_reader"; entered by the caller.
        language_tag: the recogniser's table of languages.
        language: its name of the language of the pages; may be set anew.
    """

    def __init__(self, worker: Worker, language_tag: Callable[[str], str], language: str) -> None:
        self._worker = worker
        self._language_tag = language_tag
        self.language = language

    async def read(
        self, frame: Frame, number: int
    ) -> AsyncGenerator[PageBegan | tuple[Section, ...], None]:
        """Read one picture; see ``PageStream.read``."""
        language = self.language
        header = {**codec.frame_to_header(frame), "language": language, "page": number}
        payload = codec.frame_payload(frame)
        items = self._worker.call("start", header, payload, patience_s=PATIENCE_S)
        try:
            async with aclosing(items):
                first = await anext(items, None)
                if first is None:
                    raise OcrFailed(reason="no answer came")
                yield PageBegan(
                    page=codec.page_from_list(first.header.get("page")),
                    language=self._language_tag(language),
                    engine=str(self._worker.description.get("name", "")),
                )
                async for item in items:
                    yield codec.sections_from_bytes(item.payload)
        except WorkerFailure as failure:
            raise OcrFailed(reason=failure.reason) from failure
        except CorruptAnswer as corrupt:
            self._worker.kill(f"answered garbage: {corrupt}")
            raise OcrFailed(reason=str(corrupt)) from corrupt
