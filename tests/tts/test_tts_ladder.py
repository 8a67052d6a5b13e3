"""The three rungs as the daemon puts them together, and who may climb."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace

import pytest

from voxedge.actions import Action, intent
from voxedge.engines.tts.adaptive import AdaptiveVoice
from voxedge.engines.tts.lighter import LighterVoice
from voxedge.engines.tts.quality import QualityRules, QualityState, Readings, next_quality
from voxedge.errors import VoiceUnknown
from voxedge.flow import Utterance, VoiceKind
from voxedge.reader.conversation.effects import Say, UseVoice, VoiceWish
from voxedge.reader.conversation.model import Model, World
from voxedge.reader.conversation.steps import ask
from voxedge.service import refresh
from voxedge.service.engines import Engines, VoiceFacts, hosted_voice
from voxedge.testing.fake_voice import FakeVoice

RULES = QualityRules(calm_s=30)


class Asked(FakeVoice):
    """Notes the kind of each utterance it is asked for."""

    def __init__(self, **options):
        super().__init__(**options)
        self.kinds = []

    def stream(self, utterance):
        self.kinds.append(utterance.kind)
        return super().stream(utterance)


class Box:
    """Sensors and clock of a box that somebody heats."""

    def __init__(self):
        self.celsius, self.throttled, self.now_s = 50.0, False, 0.0

    def sense(self):
        return Readings(temperature_c=self.celsius, throttled=self.throttled)

    def clock(self):
        return self.now_s


@pytest.fixture
def box():
    return Box()


@pytest.fixture
def ladder(box):
    natural = Asked(name="joe")
    rungs = [natural, LighterVoice(natural), Asked(name="formant")]
    return AdaptiveVoice(rungs, box.sense, rules=RULES, clock=box.clock)


def say(ladder, text, box, after_s=5.0):
    async def run():
        return [chunk async for chunk in ladder.stream(Utterance(text))]

    chunks = asyncio.run(run())
    box.now_s += after_s
    return chunks


def test_heat_goes_by_the_light_networks_to_the_formant_voice_and_back(ladder, box):
    natural = ladder._ladder[0]
    heard = []

    def sentences(count):
        for _ in range(count):
            say(ladder, "A sentence.", box)
            heard.append(ladder.spoken_by)

    sentences(2)
    box.celsius = 84.0
    sentences(6)
    box.celsius = 60.0
    sentences(20)
    assert list(dict.fromkeys(heard)) == ["joe", "joe (light)", "formant"]
    assert heard[-1] == "joe"
    assert VoiceKind.LIGHT in natural.kinds
    assert set(natural.kinds) <= {VoiceKind.NATURAL, VoiceKind.LIGHT}


def test_a_processor_that_was_slowed_down_counts_as_hot(ladder, box):
    box.throttled = True
    say(ladder, "One.", box)
    say(ladder, "Two.", box)
    say(ladder, "Three.", box)
    assert ladder.rung >= 1
    state = QualityState(rung=1, calm_s=30)
    slowed = Readings(temperature_c=40, throttled=True)
    assert next_quality(state, slowed, 1000.0, 3, RULES).rung == 1, "one look is none"
    calm = next_quality(state, Readings(temperature_c=40, throttled=False), 1000.0, 3, RULES)
    assert calm.rung == 0


def test_a_wish_that_is_taken_back_brings_the_best_voice_back_at_once(ladder, box):
    ladder.ask_for(1)
    say(ladder, "One.", box)
    assert ladder.spoken_by == "joe (light)"
    ladder.ask_for(0)
    say(ladder, "Two.", box)
    assert ladder.spoken_by == "joe"


def test_a_wish_that_is_taken_back_does_not_cool_the_box(ladder, box):
    ladder.ask_for(1)
    box.celsius = 84.0
    say(ladder, "One.", box)
    ladder.ask_for(0)
    say(ladder, "Two.", box)
    assert ladder.rung >= 1
    box.celsius = 50.0
    say(ladder, "Three.", box)
    assert ladder.rung >= 1, "heat has the last word, and its calm time"


def test_no_sentence_has_two_voices(ladder, box):
    box.celsius = 90.0
    say(ladder, "Take one tablet", box)
    first = ladder.spoken_by
    for part in ("in the morning", "and one", "in the evening."):
        say(ladder, part, box)
        assert ladder.spoken_by == first


def test_the_lighter_voice_is_the_same_one_asked_for_less():
    natural = Asked(name="joe", rate_hz=16_000)
    lighter = LighterVoice(natural)

    async def run():
        return [chunk async for chunk in lighter.stream(Utterance("Ready.", rate=1.5))]

    chunks = asyncio.run(run())
    assert chunks[-1].last
    assert natural.kinds == [VoiceKind.LIGHT]
    assert (lighter.name, lighter.rate_hz) == ("joe (light)", 16_000)
    lighter.close()


# -- as the daemon has it -----------------------------------------------------------------------


def hosted(has_lighter, on_rung=None):
    facts = VoiceFacts("joe", 22_050, ("en",), has_lighter)
    engines = Engines(None, facts, None, None)
    return hosted_voice(engines, SimpleNamespace(), lambda _: None, on_rung)


def test_a_voice_with_lighter_networks_has_three_rungs():
    voice = hosted(has_lighter=True)
    assert [item.name for item in voice.ladder._ladder] == ["joe", "joe (light)", "espeak-ng"]
    assert voice.rungs == {VoiceWish.NATURAL: 0, VoiceWish.LIGHT: 1, VoiceWish.SIMPLE: 2}


def test_without_them_the_light_voice_is_the_natural_one():
    voice = hosted(has_lighter=False)
    assert [item.name for item in voice.ladder._ladder] == ["joe", "espeak-ng"]
    assert voice.rungs == {VoiceWish.NATURAL: 0, VoiceWish.LIGHT: 0, VoiceWish.SIMPLE: 1}


def test_a_wish_is_taken_up_with_the_next_sentence():
    told = []
    voice = hosted(has_lighter=True, on_rung=told.append)
    voice.use(VoiceWish.SIMPLE)

    async def run():
        return [chunk async for chunk in voice.voice.stream(Utterance("Ready."))]

    chunks = asyncio.run(run())
    assert told == ["espeak-ng"]
    assert chunks[-1].stand_in
    assert chunks[-1].rate_hz == 22_050


def test_a_wish_without_a_choice_is_no_failure():
    facts = VoiceFacts("joe", 22_050, ("en",))
    alone = hosted_voice(Engines(None, facts, None, None), None, lambda _: None)
    alone.use(VoiceWish.LIGHT)
    fixed = Engines(None, facts, None, None, adaptive=False)
    hosted_voice(fixed, SimpleNamespace(), lambda _: None).use(VoiceWish.LIGHT)
    assert alone.ladder is None


@pytest.mark.parametrize(
    ("action", "wish"),
    [
        (Action.NATURAL_VOICE, VoiceWish.NATURAL),
        (Action.LIGHT_VOICE, VoiceWish.LIGHT),
        (Action.SIMPLE_VOICE, VoiceWish.SIMPLE),
    ],
)
def test_the_three_words_for_it(action, wish):
    step = ask(Model(), intent(action), World())
    assert UseVoice(wish) in step.effects
    assert any(isinstance(effect, Say) for effect in step.effects)


# -- a newer student ----------------------------------------------------------------------------


class Worker:
    def __init__(self):
        self.waited = 0

    async def wait_ready(self, limit_s):
        self.waited += 1


@pytest.fixture
def stale(monkeypatch):
    """Whether the networks are, and the commands that were run."""
    found = SimpleNamespace(stale=True, code=0, commands=[])

    async def run(*command):
        found.commands.append(command)
        return found.code

    monkeypatch.setattr(
        refresh, "VoiceStore", lambda: SimpleNamespace(is_stale=lambda name: found.stale)
    )
    monkeypatch.setattr(refresh, "_run", run)
    return found


def test_stale_networks_are_made_anew_once_the_voice_speaks(stale, caplog):
    worker = Worker()
    with caplog.at_level(logging.INFO):
        asyncio.run(refresh.refresh_networks("joe", worker))
    (command,) = stale.commands
    assert command[-3:] == ("models", "refresh", "joe")
    assert worker.waited == 1
    assert "speaks from the next start" in caplog.text


def test_up_to_date_networks_cost_nothing(stale):
    stale.stale, worker = False, Worker()
    asyncio.run(refresh.refresh_networks("joe", worker))
    assert not stale.commands
    assert not worker.waited


def test_a_refresh_that_fails_is_told_in_the_log(stale, caplog, monkeypatch):
    stale.code = 13
    asyncio.run(refresh.refresh_networks("joe", Worker()))
    assert "the former stays" in caplog.text

    def unknown():
        raise VoiceUnknown(voice="joe", known="none")

    monkeypatch.setattr(refresh, "VoiceStore", unknown)
    asyncio.run(refresh.refresh_networks("joe", Worker()))
    assert "not looked at" in caplog.text


def test_the_process_has_a_low_priority_and_ends_with_us():
    async def main():
        assert await refresh._run("sh", "-c", "exit $(nice)") >= refresh.NICENESS
        task = asyncio.create_task(refresh._run("sleep", "600"))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
