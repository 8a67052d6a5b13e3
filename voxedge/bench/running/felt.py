"""What is felt: stop to silence, press to earcon, action to speech.

Measured in the audio that leaves: every sample is stamped with the time at which it leaves a device
with a 40 ms buffer (``audio.measure.ClockedSink``), and the press with the time at which another
thread, as a button's driver is, asked for it.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxedge.actions import Action, Intent
from voxedge.audio.measure import ClockedSink
from voxedge.models.progress import Progress
from voxedge.reader.conversation.model import Model
from voxedge.reader.messages import load_messages
from voxedge.reader.own_phrases import OwnPhrases
from voxedge.reader.session import Parts, Session
from voxedge.service.engines import Engines, hosted_voice
from voxedge.service.workers import Worker
from voxedge.speech.planner import Style
from voxedge.testing.fake_engines import TEXT
from voxedge.testing.fake_reader import FakeCamera, FakePages, FakeShelf

CACHED = (Action.HELP, Action.QUIET_MODE, Action.NO, Action.HELP)
"""Actions whose answers have no blank to fill: these are kept as sound."""

_PAGES = "\n".join([TEXT] * 40)
_QUIET_S = 0.35


class _Ear:
    """Notes when speech and earcons leave the device."""

    def __init__(self, sink: ClockedSink) -> None:
        self.speech_first_s = self.speech_last_s = self.earcon_first_s = 0.0
        self._due_s = 0.0
        mixer = sink._mixer
        self._rate_hz = mixer.rate_hz
        self._render, self._speech = mixer.render, mixer.speech.add_to
        self._earcons = mixer.earcons.add_to
        mixer.render = self._on_render  # type: ignore[method-assign]
        mixer.speech.add_to = self._on_speech  # type: ignore[method-assign]
        mixer.earcons.add_to = self._on_earcons  # type: ignore[method-assign]

    def reset(self) -> None:
        """Listen for the next."""
        self.speech_first_s = self.speech_last_s = self.earcon_first_s = 0.0

    def _on_render(self, out: Any, due_s: float) -> None:
        self._due_s = due_s
        self._render(out, due_s)

    def _on_speech(self, out: Any) -> int:
        count = self._speech(out)
        sounding = np.flatnonzero(np.abs(out) > 1e-4)
        if len(sounding):
            self.speech_last_s = self._due_s + (int(sounding[-1]) + 1) / self._rate_hz
            if not self.speech_first_s:
                self.speech_first_s = self._due_s + int(sounding[0]) / self._rate_hz
        return count

    def _on_earcons(self, out: Any) -> int:
        count = self._earcons(out)
        if count and not self.earcon_first_s:
            self.earcon_first_s = self._due_s
        return count


@dataclass(frozen=True, slots=True)
class Felt:
    """What was felt, in milliseconds of the audio that leaves the device.

    Attributes:
        stop_to_silence_ms: from the press to the last sample of speech.
        press_to_earcon_ms: from the press to the first sample of its sound.
        action_to_speech_ms: from the press to the first sample of a kept answer.
        late_blocks: times the device's own thread was not run in time; the machine's load.
    """

    stop_to_silence_ms: tuple[float, ...]
    press_to_earcon_ms: tuple[float, ...]
    action_to_speech_ms: tuple[float, ...]
    late_blocks: int


@dataclass(frozen=True, slots=True)
class _Bench:
    session: Session
    ear: _Ear
    draw: random.Random
    progress: Progress

    async def press(self, action: Action) -> float:
        """Press as a driver's thread does; return when."""
        loop = asyncio.get_running_loop()
        self.ear.reset()

        def driver() -> float:
            pressed_s = time.monotonic()
            loop.call_soon_threadsafe(self.session.press, Intent(action))
            return pressed_s

        return await asyncio.to_thread(driver)

    async def reading(self) -> None:
        """Wait until the document is heard."""
        self.session.press(Intent(Action.RESUME))
        self.ear.reset()
        async with asyncio.timeout(20.0):
            while not self.ear.speech_first_s:  # noqa: ASYNC110 - the device's own thread tells
                await asyncio.sleep(0.01)


async def felt(
    engines: Engines, *, stops: int, presses: int, progress: Progress, seed: int = 0
) -> Felt:
    """Measure stops, presses and answers on a session with that voice; real time, minutes."""
    async with AsyncExitStack() as parts:
        sink = ClockedSink()
        parts.push_async_callback(sink.close)
        worker = None
        if engines.voice is not None:
            worker = await parts.enter_async_context(Worker(engines.voice))
            await worker.wait_ready(engines.voice.start_deadline_s)
        hosted = hosted_voice(engines, worker, lambda _: None)
        voice, natural = hosted.voice, hosted.natural
        parts.callback(voice.close)
        cache = OwnPhrases()
        session = Session(
            Parts(
                voice=voice,
                sink=sink,
                camera=FakeCamera(0.0),
                pages=FakePages(_PAGES, section_s=0.0),
                shelf=FakeShelf(),
                messages=load_messages(),
                style=lambda language: Style(language=language),
                cache=cache,
            ),
            Model(),
        )
        if natural is not None:
            for utterance in session.fixed_utterances():
                chunks = tuple([chunk async for chunk in natural.stream(utterance)])
                cache.pin(natural.name, utterance, chunks)
        life = asyncio.create_task(session.run())
        try:
            await session.started.wait()
            bench = _Bench(session, _Ear(sink), random.Random(seed), progress)
            return Felt(
                stop_to_silence_ms=await _stops(bench, stops),
                press_to_earcon_ms=await _presses(bench, presses),
                action_to_speech_ms=await _answers(bench, presses),
                late_blocks=sink.late,
            )
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)


async def _stops(bench: _Bench, count: int) -> tuple[float, ...]:
    bench.progress.start("stopping speech", count, "stops")
    bench.session.press(Intent(Action.READ))
    await asyncio.sleep(1.0)
    took_ms: list[float] = []
    while len(took_ms) < count:
        await bench.reading()
        await asyncio.sleep(bench.draw.uniform(0.02, 0.6))
        pressed_s = await bench.press(Action.STOP)
        await asyncio.sleep(_QUIET_S)
        if bench.ear.speech_last_s > pressed_s:  # Otherwise it fell into a pause.
            took_ms.append(1000.0 * (bench.ear.speech_last_s - pressed_s))
            bench.progress.advance(1)
    bench.progress.finish()
    return tuple(took_ms)


async def _presses(bench: _Bench, count: int) -> tuple[float, ...]:
    bench.progress.start("pressing", count, "presses")
    took_ms: list[float] = []
    for number in range(count):
        if number % 2:
            await bench.reading()
        await asyncio.sleep(bench.draw.uniform(0.0, 0.1))
        pressed_s = await bench.press(Action.HUSH)
        await asyncio.sleep(_QUIET_S)
        took_ms.append(1000.0 * (bench.ear.earcon_first_s - pressed_s))
        bench.session.press(Intent(Action.STOP))
        await asyncio.sleep(_QUIET_S)  # Its own earcon must be over.
        bench.progress.advance(1)
    bench.progress.finish()
    return tuple(took_ms)


async def _answers(bench: _Bench, count: int) -> tuple[float, ...]:
    bench.progress.start("asking", count, "answers")
    took_ms: list[float] = []
    for number in range(count):
        pressed_s = await bench.press(CACHED[number % len(CACHED)])
        async with asyncio.timeout(10.0):
            while not bench.ear.speech_first_s:  # noqa: ASYNC110 - the device's own thread tells
                await asyncio.sleep(0.005)
        took_ms.append(1000.0 * (bench.ear.speech_first_s - pressed_s))
        bench.session.press(Intent(Action.STOP))
        await asyncio.sleep(bench.draw.uniform(0.1, 0.2))
        bench.progress.advance(1)
    bench.progress.finish()
    return tuple(took_ms)
