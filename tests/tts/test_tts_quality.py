from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.engines.tts.adaptive import HELD_MAX_S, AdaptiveVoice
from voxedge.engines.tts.quality import QualityRules, QualityState, Readings, next_quality
from voxedge.errors import FormantVoiceMissing, VoiceFailed
from voxedge.flow import PcmChunk, Utterance
from voxedge.testing.fake_voice import FakeVoice, Misdeed

RULES = QualityRules()
HOT, COOL = Readings(temperature_c=84.0), Readings(temperature_c=60.0)


def walk(readings, rungs=3, step_s=10.0, state=None, at_least=0):
    """The rungs after each reading, one every ``step_s``."""
    state, rungs_seen = state or QualityState(), []
    for number, seen in enumerate(readings):
        state = next_quality(state, seen, number * step_s, rungs, RULES, at_least)
        rungs_seen.append(state.rung)
    return rungs_seen


# -- the rules --------------------------------------------------------------------------------


def test_one_hot_reading_changes_nothing_two_do():
    assert walk([HOT, COOL, HOT, HOT]) == [0, 0, 0, 1]


def test_heat_that_stays_goes_down_to_the_last_rung_and_no_further():
    assert walk([HOT] * 8) == [0, 1, 1, 2, 2, 2, 2, 2]


def test_sound_that_breaks_off_steps_down_at_once():
    assert walk([Readings(real_time_factor=0.96)]) == [1]


def test_between_hot_and_cool_nothing_moves():
    between = Readings(temperature_c=78.0)
    assert walk([HOT, HOT, *[between] * 20]) == [0, *[1] * 21]


def test_it_comes_back_after_a_calm_time():
    assert walk([HOT, HOT, COOL, COOL, COOL, COOL]) == [0, 1, 1, 1, 0, 0]


def test_a_better_voice_that_does_not_last_is_tried_ever_later():
    state, now_s, waits = QualityState(), 0.0, []
    for _ in range(8):
        while state.rung == 0:
            state, now_s = next_quality(state, HOT, now_s, 2, RULES), now_s + 1
        down_s = state.changed_s
        while state.rung == 1:
            state, now_s = next_quality(state, COOL, now_s, 2, RULES), now_s + 1
        waits.append(state.changed_s - down_s)
    assert waits == [30, 60, 120, 240, 480, 600, 600, 600]


def test_who_asks_for_less_gets_less_at_once_and_more_again_later():
    assert walk([COOL], at_least=2) == [2]
    assert walk([COOL] * 5, at_least=7) == [2] * 5
    calm = QualityState(rung=2, changed_s=-100.0)
    assert walk([COOL] * 8, state=calm) == [1, 1, 1, 0, 0, 0, 0, 0]


readings = st.builds(
    Readings,
    temperature_c=st.none() | st.floats(0, 110),
    real_time_factor=st.none() | st.floats(0, 5),
    load=st.none() | st.floats(0, 50),
)


@given(st.lists(st.tuples(readings, st.floats(0.1, 100)), max_size=60), st.integers(1, 4))
def test_it_stays_on_the_ladder_and_moves_one_rung_at_a_time(seen, rungs):
    state, now_s = QualityState(), 0.0
    for reading, passed_s in seen:
        now_s += passed_s
        after = next_quality(state, reading, now_s, rungs, RULES)
        assert 0 <= after.rung < rungs
        assert abs(after.rung - state.rung) <= 1
        if after.rung < state.rung:
            assert now_s - state.changed_s >= RULES.calm_s
        if after.rung != state.rung:
            assert after.changed_s == now_s
        state = after


@given(st.lists(st.floats(75.0, 81.99), max_size=60))
def test_a_temperature_that_wavers_between_the_limits_changes_nothing(temperatures):
    assert not any(walk([Readings(temperature_c=t) for t in temperatures]))


@given(readings, st.integers(0, 2))
def test_what_nobody_knows_is_no_reason_to_step_down(seen, rung):
    state = QualityState(rung=rung, changed_s=0.0)
    unknown = Readings()
    assert next_quality(state, unknown, 1.0, 3, RULES).rung == rung
    worse = replace(seen, temperature_c=None)
    assert (
        next_quality(state, worse, 1.0, 3, RULES).rung
        <= next_quality(state, replace(seen, temperature_c=100.0), 1.0, 3, RULES).rung
    )


# -- the ladder of voices ---------------------------------------------------------------------


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


class Stage:
    def __init__(self, ladder=None, readings=Readings()):  # noqa: B008 - frozen
        self.clock, self.readings, self.changes = Clock(), readings, []
        self.ladder = ladder or [
            FakeVoice(rate_hz=16_000, name="best"),
            FakeVoice(rate_hz=16_000, name="light"),
            FakeVoice(rate_hz=8_000, name="formant"),
        ]
        self.voice = AdaptiveVoice(
            self.ladder, lambda: self.readings, clock=self.clock, on_change=self.changes.append
        )

    def say(self, text, **details):
        async def run():
            return [c async for c in self.voice.stream(Utterance(text, **details))]

        return asyncio.run(run())

    def who_says(self, *texts):
        spoken = []
        for text in texts:
            self.say(text)
            spoken.append(self.voice.spoken_by)
        return spoken


def test_the_best_voice_speaks_while_all_is_well():
    stage = Stage(readings=COOL)
    assert stage.who_says("One.", "Two.", "Three.") == ["best"] * 3
    assert stage.voice.name == "best"
    assert stage.changes == []


def test_it_steps_down_between_sentences_and_tells():
    stage = Stage(readings=HOT)
    assert stage.who_says("One.", "Two.", "Three.", "Four.") == [
        "best", "light", "light", "formant",
    ]  # fmt: skip
    assert stage.changes == ["light", "formant"]


def test_it_never_changes_inside_a_sentence():
    stage = Stage(readings=HOT)
    spoken = stage.who_says("Take", "one tablet,", "twice a day,", "with food.", "Drink water.")
    assert spoken == ["best"] * 4 + ["light"]


@pytest.mark.parametrize("end", [".", "!", "?", ".”", '."', "。", ".)"])
def test_a_sentence_ends_where_its_sign_stands(end):
    stage = Stage(readings=HOT)
    assert stage.who_says(f"One{end}", "Two.") == ["best", "light"]


def test_a_heading_ends_its_sentence_by_the_silence_after_it():
    stage = Stage(readings=HOT)
    stage.say("Side effects", pause_after_ms=800)
    assert stage.who_says("Headache.") == ["light"]


def test_a_text_without_any_sign_is_not_one_sentence_for_ever():
    stage = Stage(readings=HOT)
    assert stage.who_says("a", "b", "c") == ["best"] * 3
    stage.clock.now_s += HELD_MAX_S
    assert stage.who_says("d") == ["light"]


def test_a_cheaper_voice_comes_at_the_rate_that_was_promised():
    stage = Stage(readings=COOL)
    stage.voice.ask_for(2)
    chunks = stage.say("Ten words that are long enough to be resampled well.")
    assert stage.voice.spoken_by == "formant"
    assert {chunk.rate_hz for chunk in chunks} == {16_000}
    assert [chunk.last for chunk in chunks].count(True) == 1
    spoken_s = sum(len(chunk.samples) for chunk in chunks) / 16_000
    plain = Stage(ladder=[FakeVoice(rate_hz=8_000)]).say(
        "Ten words that are long enough to be resampled well."
    )
    assert spoken_s == pytest.approx(sum(len(c.samples) for c in plain) / 8_000, rel=0.01)


class SlowVoice:
    """Needs as long as it is told for each second of sound, by the stage's clock."""

    name, rate_hz = "slow", 16_000

    def __init__(self, clock, pace):
        self.clock, self.pace = clock, pace

    async def stream(self, utterance):
        for last in (False, True):
            self.clock.now_s += self.pace
            yield PcmChunk(np.full(16_000, 0.1, dtype=np.float32), 16_000, last)

    def close(self):
        pass


@pytest.mark.parametrize(("pace", "expected"), [(1.2, "light"), (0.8, "light"), (0.2, "slow")])
def test_a_voice_that_does_not_keep_pace_gives_way(pace, expected):
    clock = Clock()
    voice = AdaptiveVoice([SlowVoice(clock, pace), FakeVoice(name="light")], Readings, clock=clock)

    async def run():
        for text in ("One.", "Two.", "Three.", "Four.", "Five."):
            async for _ in voice.stream(Utterance(text)):
                # What the listener takes is not the voice's time.
                clock.now_s += 5.0

    asyncio.run(run())
    assert voice.spoken_by == expected


def test_one_sentence_that_waited_for_the_voice_to_load_changes_nothing():
    clock = Clock()
    slow = SlowVoice(clock, 10.0)
    voice = AdaptiveVoice([slow, FakeVoice(name="light")], Readings, clock=clock)

    async def run():
        for number in range(6):
            async for _ in voice.stream(Utterance(f"{number}.")):
                pass
            slow.pace = 0.2

    asyncio.run(run())
    assert voice.spoken_by == "slow"


def test_its_failure_is_raised_for_the_voice_behind_it():
    stage = Stage(ladder=[FakeVoice(misdeeds={"One.": Misdeed.CRASH_MIDWAY}), FakeVoice()])
    with pytest.raises(VoiceFailed):
        stage.say("One.")


def test_a_cheaper_voice_that_fails_leaves_the_sentence_to_the_better_one(caplog):
    broken = FakeVoice(name="formant", misdeeds={"One.": Misdeed.CRASH_MIDWAY})
    whole = Stage(ladder=[FakeVoice(name="best")]).say("One.")

    class Missing(FakeVoice):
        async def stream(self, utterance):
            raise FormantVoiceMissing
            yield

    stage = Stage(ladder=[FakeVoice(name="best"), Missing(name="formant")])
    stage.voice.ask_for(1)
    np.testing.assert_array_equal(joined(stage.say("One.")), joined(whole))
    assert "voice formant failed" in caplog.text
    # Once it has been heard, another voice must not go on in the middle.
    stage = Stage(ladder=[FakeVoice(name="best"), broken])
    stage.voice.ask_for(1)
    with pytest.raises(VoiceFailed):
        stage.say("One.")


def joined(chunks):
    return np.concatenate([chunk.samples for chunk in chunks])


def test_closing_closes_every_voice_and_an_empty_ladder_is_refused():
    closed = []

    class Closing(FakeVoice):
        def close(self):
            closed.append(self.name)

    AdaptiveVoice([Closing(name="a"), Closing(name="b")], Readings).close()
    assert closed == ["a", "b"]
    with pytest.raises(ValueError, match="without a voice"):
        AdaptiveVoice([], Readings)
