"""One piece of speech through the voice to the loudspeaker, until it ends or must give way.

Three tasks, joined: one renders lines ahead, one writes what is rendered, one watches what the
loudspeaker has played. All three end together, also when the owner cancels them.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from voxedge.audio.fades import FADE_MS, EdgeFades, frames_of, silence
from voxedge.audio.resample import StreamResampler
from voxedge.errors import VoxedgeError
from voxedge.flow import PcmChunk
from voxedge.speech.events import UtteranceSpoken, UtteranceStarted

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxedge.audio.sink import AudioSink
    from voxedge.flow import FloatSamples
    from voxedge.speech.events import Event
    from voxedge.speech.lines import Line, SpeechClass
    from voxedge.speech.renderer import Renderer
    from voxedge.speech.speech import Speech

PREFETCH = 2
"""Lines rendered ahead of the one being written."""


class Played(Enum):
    """How far it came."""

    TO_THE_END = "to the end"
    TO_A_GAP = "to a gap"
    """It gave way at the end of a paragraph, as it was asked to."""
    SUPERSEDED = "superseded"
    """A stop came from another thread."""


@dataclass(frozen=True, slots=True)
class _Rendering:
    """A line and its sound as it comes; None behind the last chunk."""

    line: Line
    chunks: asyncio.Queue[PcmChunk | VoxedgeError | None] = field(default_factory=asyncio.Queue)


@dataclass(frozen=True, slots=True)
class _Mark:
    """The event to tell once the loudspeaker has played up to here."""

    mark: int
    event: UtteranceStarted | UtteranceSpoken


class Playing:
    """Plays one ``Speech`` once, from where it stands.

    Args:
        speech: whose lines are taken.
        renderer: makes their sound.
        sink: takes the sound.
        generation: of the sink, for which the sound is made.
        emit: told of started and spoken lines.
        gap_wanted: asked behind each line whether to give way there.
    """

    def __init__(
        self,
        speech: Speech,
        renderer: Renderer,
        sink: AudioSink,
        generation: int,
        emit: Callable[[Event], None],
        gap_wanted: Callable[[Line], bool],
    ) -> None:
        self._speech = speech
        self._renderer = renderer
        self._sink = sink
        self._generation = generation
        self._emit = emit
        self._gap_wanted = gap_wanted
        self._ready: asyncio.Queue[_Rendering | VoxedgeError | None] = asyncio.Queue(PREFETCH)
        # Two marks a line; the ring of the sink bounds how many lines are under way.
        self._marks: asyncio.Queue[_Mark | None] = asyncio.Queue()

    async def run(self) -> Played:
        """Play; lines not heard to their end stay with the speech, for ``rewind``.

        Raises:
            VoxedgeError: of a voice or of the script; what was rendered before has been heard.
            ExceptionGroup: of a ``VoxedgeError`` of the sink.
        """
        async with asyncio.TaskGroup() as tasks:
            renderer = tasks.create_task(self._render(), name="speech render")
            watcher = tasks.create_task(self._watch(), name="speech watch")
            played = await self._write()
            renderer.cancel()
            self._marks.put_nowait(None)
            if not await watcher:
                return Played.SUPERSEDED
        if isinstance(played, VoxedgeError):
            raise played
        return played

    async def _render(self) -> None:
        try:
            while (line := await self._speech.lines.next()) is not None:
                rendering = _Rendering(line)
                await self._ready.put(rendering)
                await self._render_line(rendering)
        except VoxedgeError as error:
            await self._ready.put(error)
        else:
            await self._ready.put(None)

    async def _render_line(self, rendering: _Rendering) -> None:
        # Unbounded, but the renderer ends an utterance that does not end by itself.
        chunks = rendering.chunks
        try:
            async with aclosing(self._renderer.stream(rendering.line.utterance)) as stream:
                async for chunk in stream:
                    chunks.put_nowait(chunk)
        except VoxedgeError as error:
            # Told when its turn comes: what was rendered before is spoken first.
            chunks.put_nowait(error)
        else:
            chunks.put_nowait(None)

    async def _write(self) -> Played | VoxedgeError:
        while (rendering := await self._ready.get()) is not None:
            if isinstance(rendering, VoxedgeError):
                return rendering
            ended = await self._write_line(rendering)
            if ended is not None:
                return ended
            if self._gap_wanted(rendering.line):
                return Played.TO_A_GAP
        return Played.TO_THE_END

    async def _write_line(self, rendering: _Rendering) -> Played | VoxedgeError | None:
        """Write one line and the pause behind it; None when all went well."""
        line = rendering.line
        rate_hz = self._sink.rate_hz
        shaper: _Shaper | None = None
        started = False
        while (chunk := await rendering.chunks.get()) is not None:
            if isinstance(chunk, VoxedgeError):
                if shaper is not None:
                    await self._put(shaper.break_off(), last=True)
                return chunk
            shaper = shaper or _Shaper(chunk.rate_hz, rate_hz)
            samples = shaper.process(chunk)
            mark = await self._put(samples)
            if mark is None:
                return Played.SUPERSEDED
            if not started and len(samples):
                started = True
                first = mark - len(samples) + 1
                self._marks.put_nowait(_Mark(first, UtteranceStarted(*self._who, line)))
        mark = await self._put(silence(0.0, rate_hz))
        if mark is None:
            return Played.SUPERSEDED
        self._marks.put_nowait(_Mark(mark, UtteranceSpoken(*self._who, line)))
        # Running dry in the middle of a sentence is an underrun, between sentences it is not.
        pause = silence(line.utterance.pause_after_ms, rate_hz)
        mark = await self._put(pause, last=line.ends_sentence)
        return None if mark is not None else Played.SUPERSEDED

    async def _put(self, samples: FloatSamples, *, last: bool = False) -> int | None:
        return await self._sink.write(PcmChunk(samples, self._sink.rate_hz, last), self._generation)

    async def _watch(self) -> bool:
        """Tell of every mark in its turn; False when a stop came first."""
        while (item := await self._marks.get()) is not None:
            if not await self._sink.heard(item.mark, self._generation):
                return False
            if isinstance(item.event, UtteranceSpoken):
                line = item.event.line
                self._speech.lines.heard(line)
                self._speech.lines_spoken += 1
                self._speech.place = line.place or self._speech.place
            self._emit(item.event)
        return True

    @property
    def _who(self) -> tuple[int, SpeechClass]:
        return self._speech.id, self._speech.speech_class


class _Shaper:
    """From an engine's chunks to the sink's rate, with a fade at both edges."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._from_hz = from_hz
        self._resampler = StreamResampler(from_hz, to_hz)
        self._fades = EdgeFades(frames_of(FADE_MS, to_hz))

    def process(self, chunk: PcmChunk) -> FloatSamples:
        samples = self._resampler.process(chunk.samples, last=chunk.last)
        return self._fades.process(samples, last=chunk.last)

    def break_off(self) -> FloatSamples:
        """End in the middle, faded."""
        return self._fades.process(np.zeros(0, dtype=np.float32), last=True)
