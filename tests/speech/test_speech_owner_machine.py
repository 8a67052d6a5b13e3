"""Whatever is said, stopped, paused and interrupted in whatever order: the owner keeps its word."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.flow import Utterance
from voxedge.speech.events import Outcome, UtteranceSpoken, UtteranceStarted
from voxedge.speech.lines import Line, SpeechClass
from voxedge.speech.owner import ALERTS_WAITING, VoiceOwner
from voxedge.speech.speech import Speech
from voxedge.testing.fake_audio import FakeSink, run_virtual
from voxedge.testing.fake_voice import FakeVoice, FakeVoiceTimes

RATE_HZ = 8_000
SILENT_AFTER_S = 0.020
"""One block of the fake device (10 ms) and the fade (8 ms), rounded up to whole blocks."""

say = st.tuples(
    st.just("say"),
    st.sampled_from(SpeechClass),
    st.integers(1, 3),
    st.booleans(),
)
commands = st.one_of(
    say,
    st.tuples(st.sampled_from(["stop", "pause", "resume"])),
    st.tuples(st.just("wait"), st.integers(0, 1_500)),
    st.tuples(st.just("late stop"), st.integers(0, 30)),
)
losses = st.tuples(st.just("vanish"), st.integers(0, 3))


@dataclass
class Run:
    said: list[tuple[Speech, list[Line]]] = field(default_factory=list)
    said_at: list[float] = field(default_factory=list)
    stops: list[tuple[float, int]] = field(default_factory=list)
    """When, and how many speeches had been said by then."""
    events: list[tuple[float, object]] = field(default_factory=list)
    samples: np.ndarray | None = None
    streams_open: int = 0


def script_of(number, count, *, clauses):
    """Lines of one speech; with ``clauses`` all of them are one sentence."""
    return [
        Line(
            Utterance(f"s{number} line {i} of it", pause_after_ms=80),
            ends_sentence=not clauses or i + 1 == count,
            ends_paragraph=i + 1 == count,
        )
        for i in range(count)
    ]


async def as_it_comes(script):
    for line in script:
        await asyncio.sleep(0.07)
        yield line


async def perform(steps):
    run = Run()
    loop = asyncio.get_running_loop()
    voice = FakeVoice(RATE_HZ, times=FakeVoiceTimes(0.04, 0.01))
    sink = FakeSink(RATE_HZ)
    owner = VoiceOwner(
        voice,
        sink,
        on_event=lambda event: run.events.append((loop.time(), event)),
        recover_sink=True,
    )
    runner = loop.create_task(owner.run())
    for step in steps:
        match step:
            case ("say", speech_class, count, clauses):
                script = script_of(len(run.said) + 1, count, clauses=clauses)
                source = as_it_comes(script) if speech_class is SpeechClass.READING else script
                run.said_at.append(loop.time())
                run.said.append((owner.say(speech_class, source), script))
            case ("stop",):
                run.stops.append((loop.time(), len(run.said)))
                owner.stop()
            case ("late stop", delay_ms):
                # As from another thread: the device is stopped before the loop hears of it.
                run.stops.append((loop.time(), len(run.said)))
                generation = sink.stop()
                loop.call_later(delay_ms / 1000.0, owner._forget, generation)
                await asyncio.sleep(delay_ms / 1000.0)
            case ("pause",):
                owner.pause()
            case ("resume",):
                owner.resume()
            case ("wait", wait_ms):
                await asyncio.sleep(wait_ms / 1000.0)
            case ("vanish", absent):
                sink.vanish(absent=absent)
        await asyncio.sleep(0)
    owner.resume()
    async with asyncio.timeout(120.0):
        for speech, _ in run.said:
            await speech.finished()
    await asyncio.sleep(0.5)
    assert not runner.done(), "the owner lives"
    assert owner.speaking is None
    runner.cancel()
    await asyncio.wait([runner])
    await sink.close()
    run.samples = sink.samples
    run.streams_open = voice.open
    return run


def check_promises(run):
    assert run.streams_open == 0
    for number, (speech, script) in enumerate(run.said):
        stopped_later = any(count > number for _, count in run.stops)
        spoken = [
            e.line
            for _, e in run.events
            if isinstance(e, UtteranceSpoken) and e.speech_id == speech.id
        ]
        assert speech.outcome is not Outcome.FAILED
        if speech.outcome is Outcome.SPOKEN:
            in_order = iter(spoken)
            assert all(line in in_order for line in script), "a line was lost or out of order"
            assert speech.lines_spoken == len(spoken) >= len(script)
        elif speech.outcome is Outcome.STOPPED:
            assert stopped_later
        else:
            newer = [s for s, _ in run.said[number + 1 :]]
            same = [s for s in newer if s.speech_class is speech.speech_class]
            assert same or speech.speech_class is SpeechClass.HINT
            # The one being said is spared, so the next is dropped by three newer ones.
            assert speech.speech_class is not SpeechClass.ALERT or len(same) >= ALERTS_WAITING - 1


def check_stops(run):
    """After a stop: no speech of before it begins a line, and nothing at all is heard."""
    for stopped_at, count in run.stops:
        before = {speech.id for speech, _ in run.said[:count]}
        for at, event in run.events:
            if isinstance(event, UtteranceStarted) and at > stopped_at:
                assert event.speech_id not in before
        until = run.said_at[count] if count < len(run.said_at) else stopped_at + 5.0
        silent = run.samples[
            round((stopped_at + SILENT_AFTER_S) * RATE_HZ) : round(until * RATE_HZ)
        ]
        assert not np.any(silent)


def check_no_clicks(run):
    steepest = FakeVoice.LEVEL * (2 * np.pi * 3_000 / RATE_HZ + np.pi / 2 / 64)
    assert np.abs(np.diff(run.samples)).max(initial=0.0) <= steepest


@settings(max_examples=120, deadline=None)
@given(st.lists(commands, max_size=25))
def test_commands_in_any_order(steps):
    run = run_virtual(perform(steps))
    check_promises(run)
    check_stops(run)
    check_no_clicks(run)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(commands, losses), max_size=25))
def test_commands_in_any_order_with_a_loudspeaker_that_comes_and_goes(steps):
    check_promises(run_virtual(perform(steps)))
