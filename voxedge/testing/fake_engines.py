"""Engines for worker processes of a simulated reader: no model, no tesseract, always the same.

``voxedge run --engines fake`` hosts them; so do the tests and ``voxedge bench daemon``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import chain
from typing import Any

from voxedge.document.model import Document, Page, Section
from voxedge.engines.framing import Message
from voxedge.engines.protocols import PageReading
from voxedge.flow import Frame
from voxedge.testing.bad_engines import BadPageReading
from voxedge.testing.fake_reader import sections_of
from voxedge.testing.fake_voice import FakeVoice, FakeVoiceTimes

RATE_HZ = 22_050

TEXT = """
# Dosage
Take one tablet in the morning. Swallow it whole. Do not chew it.
Drink a glass of water. Take it after breakfast.
# Side effects
Headache is common. Tell your doctor about it.
# Storage
Keep it dry. Keep it out of the reach of children.
"""


class TypedReader:
    """A ``PageReader`` that reads the same page in every picture."""

    name = "typed 1.0"

    def language_tag(self, language: str) -> str:
        """Return the first two letters."""
        return language[:2]

    def read(self, frame: Frame, language: str, page: int = 0) -> Document:
        """Read everything."""
        reading = self.start(frame, language, page)
        return Document(tuple(chain.from_iterable(reading)), (reading.page,), "en", self.name)

    def start(self, frame: Frame, language: str, page: int = 0) -> PageReading:
        """Begin."""
        del language
        sections: Iterator[tuple[Section, ...]] = ((s,) for s in sections_of(TEXT, page))
        return BadPageReading(Page(frame.width_px, frame.height_px), sections)


class BadCamera:
    """``Hosted``: a camera that goes wrong.

    Args:
        mode: "hang", "garbage" (fewer pixels than promised) or "nothing" (no picture, no error).
    """

    def __init__(self, mode: str) -> None:
        self._mode = mode

    def describe(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    async def call(self, _method: str, _request: Message) -> AsyncIterator[Message]:
        """Go wrong."""
        if self._mode == "hang":
            await asyncio.Event().wait()
        if self._mode == "garbage":
            yield Message({"shape": [3, 3]}, b"1")

    def close(self) -> None:
        """Nothing is held."""


def bad_camera(mode: str) -> BadCamera:
    """Return a camera that goes wrong."""
    return BadCamera(mode)


def voice(ms_per_char: float = 40.0) -> FakeVoice:
    """Return a voice that hums."""
    times = FakeVoiceTimes(first_chunk_s=0.01, chunk_s=0.0)
    return FakeVoice(RATE_HZ, ms_per_char=ms_per_char, times=times)


def page_reader() -> TypedReader:
    """Return a reader of the one page."""
    return TypedReader()
