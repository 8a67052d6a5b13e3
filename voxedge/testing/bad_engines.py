"""Engines that go wrong, each in one way, and two that do not.

Every factory here is given to a worker process by name ("voxedge.testing.bad_engines:voice").
Modes of ``voice`` and ``page_reader``:

========================  =====================================================================
``good``                  works: a tone per utterance; one section per 100 rows of pixels
``crash_at_start``        the process aborts while the engine is built
``fail_at_start``         the factory raises ``VoiceMissing``
``hang_at_start``         the factory never returns
``crash_mid_stream``      SIGSEGV after the first item
``hang``                  no second item, and deaf to cancellation (a blocked event loop)
``slow``                  a second item only after an hour, but cancellable
``endless``               items without end
``raise``                 raises ``VoiceFailed`` / ``OcrFailed`` after the first item
``raise_foreign``         raises an exception whose message quotes the text
``out_of_memory``         allocates until the limit
``garbage``               random bytes in the middle of the stream of frames
``wrong_type``            float64 samples / text instead of sections
``wrong_rate``            samples at another rate
``not_finite``            NaN samples
``no_end``                stops without a last chunk
========================  =====================================================================
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import random
import signal
import stat
import time
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np

from voxedge.document.model import Box, Document, Page, Paragraph, Section, Sentence, Word
from voxedge.errors import OcrFailed, VoiceFailed, VoiceMissing
from voxedge.flow import Frame, PcmChunk, Utterance

log = logging.getLogger(__name__)

RATE_HZ = 22_050
CHUNK_SAMPLES = 2_205
ROWS_PER_SECTION = 100
HOUR_S = 3600.0


class BadVoice:
    """A ``Synthesizer``: three chunks of a tone, or trouble."""

    name = "bad-voice"
    rate_hz = RATE_HZ

    def __init__(self, mode: str) -> None:
        self._mode = mode

    async def stream(self, utterance: Utterance) -> AsyncIterator[PcmChunk]:
        """Yield a tone; the trouble comes with the second chunk."""
        log.info("stream begins")
        yield PcmChunk(_tone(0), RATE_HZ)
        async for chunk in self._second(utterance):
            yield chunk
        if self._mode != "no_end":
            yield PcmChunk(_tone(2), RATE_HZ, last=True)

    async def _second(self, utterance: Utterance) -> AsyncIterator[PcmChunk]:
        chunk = PcmChunk(_tone(1), RATE_HZ)
        match self._mode:
            case "slow":
                await asyncio.sleep(HOUR_S)
            case "endless":
                while True:
                    yield chunk
            case "raise":
                raise VoiceFailed(voice=self.name, reason="told to")
            case "raise_foreign":
                raise ValueError(f"cannot say {utterance.text!r}")
            case "wrong_type":
                chunk = dataclasses.replace(
                    chunk, samples=cast("Any", chunk.samples.astype(np.float64))
                )
            case "wrong_rate":
                chunk = dataclasses.replace(chunk, rate_hz=8_000)
            case "not_finite":
                chunk = dataclasses.replace(chunk, samples=chunk.samples * np.float32("nan"))
            case mode:
                _common_trouble(mode)
        yield chunk

    def close(self) -> None:
        """Nothing is held."""


@dataclasses.dataclass(frozen=True, slots=True)
class BadPageReading:
    """A ``PageReading``."""

    page: Page
    sections: Iterator[tuple[Section, ...]]

    def __iter__(self) -> Iterator[tuple[Section, ...]]:
        """Return the sections."""
        return self.sections


class BadPageReader:
    """A ``PageReader``: one section per 100 rows of pixels, or trouble."""

    name = "bad-page-reader 1.0"

    def __init__(self, mode: str) -> None:
        self._mode = mode

    def language_tag(self, language: str) -> str:
        """Return the first two letters."""
        return language[:2]

    def read(self, frame: Frame, language: str, page: int = 0) -> Document:
        """Read everything."""
        reading = self.start(frame, language, page)
        return Document(tuple(chain.from_iterable(reading)), (reading.page,), language, self.name)

    def start(self, frame: Frame, language: str, page: int = 0) -> BadPageReading:
        """Begin; a section tells the mean grey of its rows; trouble comes with the second."""
        return BadPageReading(
            Page(frame.width_px, frame.height_px, 90), self._sections(frame, language, page)
        )

    def _sections(self, frame: Frame, language: str, page: int) -> Iterator[tuple[Section, ...]]:
        for top in range(0, frame.height_px, ROWS_PER_SECTION):
            if top == ROWS_PER_SECTION:
                self._trouble(language)
            rows = frame.pixels[top : top + ROWS_PER_SECTION]
            yield (_section(f"grey {round(float(rows.mean()))}", top, frame, page),)

    def _trouble(self, language: str) -> None:
        match self._mode:
            case "slow":
                time.sleep(HOUR_S)
            case "raise":
                raise OcrFailed(reason="told to")
            case "raise_foreign":
                raise ValueError(f"cannot read {language!r}")
            case mode:
                _common_trouble(mode)


def voice(mode: str = "good", flag: str = "") -> BadVoice:
    """Return a voice, or fail in starting.

    Args:
        mode: see the module.
        flag: a file that is made at the first start; from the second on the voice is good. So a
            test can watch a worker recover.
    """
    return BadVoice(_started(mode, flag))


def page_reader(mode: str = "good", flag: str = "") -> BadPageReader:
    """Return a page reader, or fail in starting; see ``voice``."""
    return BadPageReader(_started(mode, flag))


def _started(mode: str, flag: str) -> str:
    if flag:
        if Path(flag).exists():
            return "good"
        Path(flag).touch()
    starts: dict[str, Callable[[], object]] = {
        "crash_at_start": os.abort,
        "hang_at_start": lambda: time.sleep(HOUR_S),
        "fail_at_start": _fail_at_start,
    }
    starts.get(mode, lambda: None)()
    return mode


def _fail_at_start() -> None:
    raise VoiceMissing(voice="bad-voice")


def _common_trouble(mode: str) -> None:
    match mode:
        case "crash_mid_stream":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "hang":
            time.sleep(HOUR_S)
        case "out_of_memory":
            hoard = []
            while True:
                hoard.append(np.ones(4_000_000))
        case "garbage":
            _write_garbage()


def _write_garbage() -> None:
    """Write noise into the socket to the daemon, as a library with a stray pointer might."""
    noise = random.Random(4).randbytes(4096)
    for entry in Path("/proc/self/fd").iterdir():
        fd = int(entry.name)
        try:
            if fd > 2 and stat.S_ISSOCK(os.fstat(fd).st_mode):
                os.write(fd, noise)
        except OSError:
            continue


def _tone(index: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    time_s = (np.arange(CHUNK_SAMPLES) + index * CHUNK_SAMPLES) / RATE_HZ
    return (0.25 * np.sin(2 * np.pi * 440.0 * time_s)).astype(np.float32)


def _section(text: str, top: int, frame: Frame, page: int) -> Section:
    box = Box(0, top, frame.width_px, min(top + ROWS_PER_SECTION, frame.height_px))
    words = tuple(Word(part, box, 0.9, page, part) for part in text.split())
    return Section((Paragraph((Sentence(words),)),))
