"""Voices for tests: one that hums each text in its own way, and what a bad engine does.

Each utterance is a steady tone at a frequency drawn from its text, so a test can tell from the
samples which text is being heard.
"""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from voxedge.errors import VoiceFailed
from voxedge.flow import PcmChunk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from voxedge.flow import FloatSamples, Utterance


class Misdeed(Enum):
    """What goes wrong with an utterance."""

    NONE = "none"
    HANG = "hang"
    """Nothing ever comes."""
    HANG_MIDWAY = "hang midway"
    """The first chunk comes, then nothing."""
    CRASH = "crash"
    """An exception that is no ``VoxedgeError``, before the first chunk."""
    CRASH_MIDWAY = "crash midway"
    """``VoiceFailed`` behind the first chunk."""
    NAN = "nan"
    """Samples that are no numbers."""
    SHAPE = "shape"
    """Two channels of float64."""
    MUTE = "mute"
    """A last chunk without samples."""
    BROKEN_OFF = "broken off"
    """The stream ends without a last chunk."""
    ENDLESS = "endless"
    """It never comes to its end."""
    LOUD = "loud"
    """A hundred times full scale."""


@dataclass(frozen=True, slots=True)
class FakeVoiceTimes:
    """How long the fake takes, in seconds of the loop's clock.

    Attributes:
        first_chunk_s: to the first chunk of an utterance.
        chunk_s: to each one after it.
    """

    first_chunk_s: float = 0.05
    chunk_s: float = 0.02


class FakeVoice:
    """A ``Synthesizer`` that needs no model.

    Args:
        rate_hz: of its chunks.
        name: its name.
        ms_per_char: length of speech.
        times: how long it takes.
        misdeeds: by text; every other utterance goes well.
    """

    CHUNK_MS = 100.0
    LEVEL = 0.5

    def __init__(
        self,
        rate_hz: int = 16_000,
        *,
        name: str = "fake",
        ms_per_char: float = 40.0,
        times: FakeVoiceTimes | None = None,
        misdeeds: dict[str, Misdeed] | None = None,
    ) -> None:
        self._rate_hz = rate_hz
        self._name = name
        self._ms_per_char = ms_per_char
        self._times = times or FakeVoiceTimes()
        self.misdeeds = dict(misdeeds or {})
        self.asked: list[str] = []
        """The texts, in the order in which their synthesis began."""
        self.open = 0
        """Streams that were begun and not yet ended."""

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def rate_hz(self) -> int:
        """Samples a second."""
        return self._rate_hz

    def close(self) -> None:
        """Nothing to free."""

    async def stream(self, utterance: Utterance) -> AsyncIterator[PcmChunk]:
        """Hum, or misbehave as ordered."""
        self.asked.append(utterance.text)
        misdeed = self.misdeeds.get(utterance.text, Misdeed.NONE)
        self.open += 1
        try:
            await asyncio.sleep(self._times.first_chunk_s)
            if misdeed is Misdeed.HANG:
                await asyncio.Event().wait()
            if misdeed is Misdeed.CRASH:
                raise ZeroDivisionError("the engine has a bug")
            if misdeed is Misdeed.MUTE:
                yield PcmChunk(np.zeros(0, dtype=np.float32), self._rate_hz, last=True)
                return
            sound = self.hum(utterance.text)
            step = round(self.CHUNK_MS * self._rate_hz / 1000.0)
            for start in range(0, len(sound), step):
                if start:
                    await asyncio.sleep(self._times.chunk_s)
                    await self._midway(misdeed)
                last = start + step >= len(sound) and misdeed is not Misdeed.BROKEN_OFF
                yield self._chunk(sound[start : start + step], misdeed, last=last)
            while misdeed is Misdeed.ENDLESS:
                await asyncio.sleep(self._times.chunk_s)
                yield PcmChunk(sound[:step], self._rate_hz)
        finally:
            self.open -= 1

    def hum(self, text: str) -> FloatSamples:
        """What an utterance of that text sounds like, ``float32`` ``[n]``."""
        frames = max(1, round(len(text) * self._ms_per_char * self._rate_hz / 1000.0))
        turns = 2.0 * np.pi * pitch_hz(text) * np.arange(frames) / self._rate_hz
        return (self.LEVEL * np.sin(turns)).astype(np.float32)

    async def _midway(self, misdeed: Misdeed) -> None:
        if misdeed is Misdeed.HANG_MIDWAY:
            await asyncio.Event().wait()
        if misdeed is Misdeed.CRASH_MIDWAY:
            raise VoiceFailed(voice=self._name, reason="it was told to")

    def _chunk(self, samples: FloatSamples, misdeed: Misdeed, *, last: bool) -> PcmChunk:
        if misdeed is Misdeed.ENDLESS:
            last = False
        if misdeed is Misdeed.NAN:
            samples = np.full_like(samples, np.nan)
        if misdeed is Misdeed.LOUD:
            samples = samples * np.float32(200.0)
        if misdeed is Misdeed.SHAPE:
            stereo: Any = np.zeros((len(samples), 2))
            return PcmChunk(stereo, self._rate_hz, last)
        return PcmChunk(samples, self._rate_hz, last)


def pitch_hz(text: str) -> float:
    """The frequency that stands for a text: 200 to 3000 Hz in steps of 50."""
    return 200.0 + 50.0 * (zlib.crc32(text.encode()) % 57)


def heard_pitch_hz(samples: FloatSamples, rate_hz: int) -> float:
    """The strongest frequency of a stretch of sound, to the nearest 50 Hz; 0 for silence."""
    if not len(samples) or float(np.abs(samples).max()) < 0.01:
        return 0.0
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    strongest = float(np.argmax(spectrum)) * rate_hz / len(samples)
    return 50.0 * round(strongest / 50.0)
