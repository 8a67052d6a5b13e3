"""Never silent: whatever one voice does, the other speaks, and somebody is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from voxedge.engines.tts.batch import synthesize_many
from voxedge.engines.tts.failure_tone import failure_tone
from voxedge.engines.tts.fallback import Deadlines, FallbackVoice, VoiceSwitch
from voxedge.errors import EmptyText, VoiceCorrupt, VoiceFailed, VoiceMissing, VoxedgeError
from voxedge.flow import PcmChunk, Utterance, VoiceKind

RATE = 8000
SHORT = Deadlines(first_chunk_s=0.2, next_chunk_s=0.2, close_s=0.2)


def tone(level: float, count: int = 400, rate: int = RATE, last: bool = False) -> PcmChunk:
    return PcmChunk(np.full(count, level, dtype=np.float32), rate, last)


async def good(level: float) -> AsyncIterator[PcmChunk]:
    yield tone(level)
    yield tone(level, last=True)


async def crash_at_start() -> AsyncIterator[PcmChunk]:
    raise VoiceFailed(voice="n", reason="crash")
    yield tone(0.9)


async def foreign_crash() -> AsyncIterator[PcmChunk]:
    raise ZeroDivisionError("text of a page")
    yield tone(0.9)


async def no_memory() -> AsyncIterator[PcmChunk]:
    raise MemoryError
    yield tone(0.9)


async def crash_in_the_middle() -> AsyncIterator[PcmChunk]:
    yield tone(0.9)
    raise VoiceFailed(voice="n", reason="crash")


async def hang() -> AsyncIterator[PcmChunk]:
    await asyncio.Event().wait()
    yield tone(0.9)


async def hang_in_the_middle() -> AsyncIterator[PcmChunk]:
    yield tone(0.9)
    await asyncio.Event().wait()


async def break_off() -> AsyncIterator[PcmChunk]:
    yield tone(0.9)


async def no_numbers() -> AsyncIterator[PcmChunk]:
    yield tone(np.nan)


async def empty() -> AsyncIterator[PcmChunk]:
    yield tone(0.9, 0, last=True)


async def wrong_rate() -> AsyncIterator[PcmChunk]:
    yield tone(0.9, rate=44_100, last=True)


async def wrong_type() -> AsyncIterator[PcmChunk]:
    yield PcmChunk(np.zeros(10), RATE, True)  # type: ignore[arg-type]


async def deafening() -> AsyncIterator[PcmChunk]:
    yield tone(90.0, last=True)


async def endless() -> AsyncIterator[PcmChunk]:
    while True:
        yield tone(0.9, RATE * 60)


class Voice:
    """Does for each utterance what it is told to."""

    def __init__(
        self, name: str, make: Callable[[], AsyncIterator[PcmChunk]], rate_hz: int = RATE
    ) -> None:
        self.name, self.make, self.rate_hz = name, make, rate_hz
        self.asked: list[str] = []
        self.closed = 0

    def stream(self, utterance: Utterance) -> AsyncIterator[PcmChunk]:
        self.asked.append(utterance.text)
        return self.make()

    def close(self) -> None:
        self.closed += 1


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def formant_voice() -> Voice:
    return Voice("formant", lambda: good(0.25))


def natural_voice() -> Voice:
    return Voice("natural", lambda: good(0.9))


async def collect(voice: Any, utterance: Utterance) -> tuple[list[PcmChunk], VoxedgeError | None]:
    chunks: list[PcmChunk] = []
    try:
        async for chunk in voice.stream(utterance):
            chunks.append(chunk)
    except VoxedgeError as error:
        return chunks, error
    return chunks, None


def speak(voice: Any, text: str = "hello", **changes: Any) -> list[PcmChunk]:
    chunks, error = asyncio.run(collect(voice, Utterance(text, **changes)))
    assert error is None
    assert chunks[-1].last
    assert [chunk.last for chunk in chunks].count(True) == 1
    return chunks


def levels(chunks: list[PcmChunk]) -> list[float]:
    return [round(float(chunk.samples[0]), 2) for chunk in chunks]


FAILURES = [
    crash_at_start, foreign_crash, no_memory, crash_in_the_middle, hang, hang_in_the_middle,
    break_off, no_numbers, empty, wrong_rate, wrong_type, deafening, endless,
]  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES, ids=lambda item: item.__name__)
def test_the_formant_voice_says_the_whole_sentence(
    failure: Callable[[], AsyncIterator[PcmChunk]],
) -> None:
    switches: list[VoiceSwitch] = []
    natural, formant = Voice("natural", failure), formant_voice()
    door = FallbackVoice(natural, formant, on_switch=switches.append, deadlines=SHORT)
    chunks = speak(door, "take one tablet")
    assert levels(chunks)[-2:] == [0.25, 0.25]
    assert formant.asked == ["take one tablet"]
    assert {chunk.rate_hz for chunk in chunks} == {RATE}
    if len(chunks) > 2:  # something had been heard: a silence marks the new start
        assert not chunks[-3].samples.any()
        assert chunks[-3].duration_ms == 300
    assert [item.spoken_by for item in switches] == ["formant"]
    assert switches[0].error is not None
    assert "text of a page" not in str(switches[0].error)


def test_the_natural_voice_speaks_when_it_can() -> None:
    switches: list[VoiceSwitch] = []
    formant = formant_voice()
    door = FallbackVoice(natural_voice(), formant, on_switch=switches.append)
    assert levels(speak(door)) == [0.9, 0.9]
    assert formant.asked == []
    assert switches == []
    assert (door.name, door.rate_hz) == ("natural", RATE)


@pytest.mark.parametrize(
    "changes",
    [{"kind": VoiceKind.FORMANT}, {"rate": 2.5}, {"language": "de-DE"}, {"language": "cmn"}],
)
def test_what_the_formant_voice_is_for(changes: dict[str, Any]) -> None:
    natural = natural_voice()
    door = FallbackVoice(natural, formant_voice(), languages=("en-US",))
    assert levels(speak(door, **changes)) == [0.25, 0.25]
    assert natural.asked == []


@pytest.mark.parametrize("changes", [{"language": "en-GB"}, {"rate": 2.0}, {"rate": 0.5}])
def test_what_the_natural_voice_is_for(changes: dict[str, Any]) -> None:
    door = FallbackVoice(natural_voice(), formant_voice(), languages=("en-US",))
    assert levels(speak(door, **changes)) == [0.9, 0.9]


def test_a_failed_formant_voice_is_stood_in_for_too() -> None:
    switches: list[VoiceSwitch] = []
    door = FallbackVoice(
        natural_voice(), Voice("formant", crash_at_start), on_switch=switches.append
    )
    assert levels(speak(door, kind=VoiceKind.FORMANT)) == [0.9, 0.9]
    assert switches == []


def test_a_voice_that_never_opened_is_told_once() -> None:
    switches: list[VoiceSwitch] = []
    missing = VoiceMissing(voice="joe")
    door = FallbackVoice(missing, formant_voice(), on_switch=switches.append)
    speak(door)
    speak(door)
    assert switches == [VoiceSwitch("formant", missing)]
    assert (door.name, door.rate_hz) == ("formant", RATE)


def test_a_failed_voice_rests_longer_each_time_and_comes_back() -> None:
    switches: list[VoiceSwitch] = []
    clock = Clock()
    natural = Voice("natural", crash_at_start)
    door = FallbackVoice(natural, formant_voice(), on_switch=switches.append, clock=clock)
    tried: list[int] = []
    for now in (0, 4, 6, 14, 17, 30, 38):
        clock.now = float(now)
        speak(door)
        tried.append(len(natural.asked))
    # Tried at 0, rests 5; at 6, rests 10; at 17, rests 20; at 38.
    assert tried == [1, 1, 2, 2, 3, 3, 4]
    natural.make = lambda: good(0.9)
    clock.now = 1000.0
    assert levels(speak(door)) == [0.9, 0.9]
    assert [(item.spoken_by, item.error is None) for item in switches] == [
        ("formant", False),
        ("natural", True),
    ]


def test_a_corrupt_voice_rests_long() -> None:
    clock = Clock()

    async def corrupt() -> AsyncIterator[PcmChunk]:
        raise VoiceCorrupt(voice="n", reason="bit rot")
        yield tone(0.9)

    natural = Voice("natural", corrupt)
    door = FallbackVoice(natural, formant_voice(), clock=clock)
    speak(door)
    clock.now = 299.0
    speak(door)
    assert len(natural.asked) == 1


def test_when_both_fail_there_is_a_tone_and_then_the_error() -> None:
    door = FallbackVoice(Voice("natural", crash_at_start), Voice("formant", hang), deadlines=SHORT)
    chunks, error = asyncio.run(collect(door, Utterance("hello")))
    assert isinstance(error, VoiceFailed)
    assert "formant" in str(error)
    (tone_heard,) = chunks
    np.testing.assert_array_equal(tone_heard.samples, failure_tone(RATE).samples)
    assert not tone_heard.last


def test_nothing_to_say_is_no_failure() -> None:
    async def nothing() -> AsyncIterator[PcmChunk]:
        raise EmptyText
        yield tone(0.9)

    formant = formant_voice()
    switches: list[VoiceSwitch] = []
    door = FallbackVoice(Voice("natural", nothing), formant, on_switch=switches.append)
    chunks, error = asyncio.run(collect(door, Utterance("")))
    assert isinstance(error, EmptyText)
    assert chunks == []
    assert formant.asked == []
    assert switches == []


def test_another_rate_is_resampled() -> None:
    formant = Voice("formant", lambda: resampled(), rate_hz=16_000)

    async def resampled() -> AsyncIterator[PcmChunk]:
        yield tone(0.5, 16_000, 16_000)
        yield tone(0.5, 16_000, 16_000, last=True)

    door = FallbackVoice(natural_voice(), formant)
    chunks = speak(door, kind=VoiceKind.FORMANT)
    samples = np.concatenate([chunk.samples for chunk in chunks])
    assert {chunk.rate_hz for chunk in chunks} == {RATE}
    assert len(samples) == pytest.approx(2 * RATE, abs=RATE // 100)
    assert samples[RATE] == pytest.approx(0.5, abs=0.01)


def test_stopping_lets_go_of_the_voice() -> None:
    ended: list[str] = []

    async def watched() -> AsyncIterator[PcmChunk]:
        try:
            while True:
                yield tone(0.9)
        finally:
            ended.append("yes")

    async def stop() -> None:
        stream = FallbackVoice(Voice("natural", watched), formant_voice()).stream(Utterance("a"))
        await anext(aiter(stream))
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(stop())
    assert ended == ["yes"]


def test_close_closes_both() -> None:
    natural, formant = natural_voice(), formant_voice()
    FallbackVoice(natural, formant).close()
    assert (natural.closed, formant.closed) == (1, 1)


def test_failure_tone_is_a_sound_with_soft_edges() -> None:
    chunk = failure_tone(22_050)
    assert chunk.samples.dtype == np.float32
    assert 0.2 < np.abs(chunk.samples).max() <= 0.25
    assert abs(chunk.samples[0]) < 0.01
    assert 400 < chunk.duration_ms < 600


# Many utterances.


def many(voice: Any, texts: list[str], **settings: Any) -> list[tuple[int, PcmChunk]]:
    async def run() -> list[tuple[int, PcmChunk]]:
        utterances = [Utterance(text) for text in texts]
        return [item async for item in synthesize_many(voice, utterances, **settings)]

    return asyncio.run(run())


def test_many_keep_their_order() -> None:
    items = many(natural_voice(), ["a", "b", "c"])
    assert [number for number, _ in items] == [0, 0, 1, 1, 2, 2]
    assert [chunk.last for _, chunk in items] == [False, True] * 3
    assert many(natural_voice(), []) == []


def test_work_ahead_is_bounded() -> None:
    async def run() -> tuple[int, int]:
        voice = natural_voice()
        stream = synthesize_many(
            voice, (Utterance(str(number)) for number in range(100)), prefetch_chunks=4
        )
        await anext(aiter(stream))
        for _ in range(100):
            await asyncio.sleep(0)
        ahead = len(voice.asked)
        await stream.aclose()  # type: ignore[attr-defined]
        for _ in range(10):
            await asyncio.sleep(0)
        return ahead, len(voice.asked)

    ahead, after = asyncio.run(run())
    assert 2 <= ahead <= 4
    assert after == ahead


def test_a_failed_one_of_many_is_told_or_raised() -> None:
    class Picky(Voice):
        def stream(self, utterance: Utterance) -> AsyncIterator[PcmChunk]:
            return crash_at_start() if utterance.text == "b" else good(0.9)

    failed: list[int] = []
    items = many(
        Picky("p", hang), ["a", "b", "c"], on_error=lambda number, error: failed.append(number)
    )
    assert [number for number, _ in items] == [0, 0, 2, 2]
    assert failed == [1]
    with pytest.raises(VoiceFailed):
        many(Picky("p", hang), ["a", "b", "c"])


def test_a_foreign_failure_of_many_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        many(Voice("v", foreign_crash), ["a"])
