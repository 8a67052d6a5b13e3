"""Talking to a session under the virtual clock: what is done and said, and that reading goes on."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest
from rigs import Rig, rig

from voxedge.actions import Action, Intent, State
from voxedge.audio.endpoint import Endpointer
from voxedge.commands.parse import threshold
from voxedge.config import HearingSettings
from voxedge.errors import MicrophoneMissing, RecogniserCorrupt, RecogniserMissing, VoxedgeError
from voxedge.reader.conversation.model import Model
from voxedge.service import talking
from voxedge.service.talking import Ears, Hearing
from voxedge.testing.fake_microphone import FakeEar, FakeMicrophone, Flaw

RATE = 16_000
RANDOM = np.random.default_rng(3)
WORD = np.concatenate(
    [np.zeros(RATE, dtype=np.int16), RANDOM.normal(0, 4000, RATE).astype(np.int16)]
)
ROOM = np.zeros(0, dtype=np.int16)


class NoProcess:
    """Stands for a worker: none is started."""

    def __init__(self, *_arguments: Any) -> None:
        self.started = True

    async def __aenter__(self) -> "NoProcess":
        return self

    async def __aexit__(self, *_exception: object) -> None:
        return None


def loud(frame: Any) -> float:
    return 1.0 if np.abs(frame.astype(np.int32)).mean() > 500 else 0.0


class Stage:
    """A session, its ears, and a person who says what is on a list."""

    def __init__(self, rig: Rig, hearing: Hearing, ear: FakeEar) -> None:
        self.rig, self.hearing, self.ear = rig, hearing, ear

    async def talk(self) -> list[str]:
        """Tap the button, and return what the reader begins to say, the page included."""
        self.rig.voice.asked.clear()
        self.rig.earcons.clear()
        assert self.hearing.tap(Intent(Action.TALK))
        await asyncio.sleep(12.0)
        return list(self.rig.voice.asked)


def stage(
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[Stage], Coroutine[Any, Any, None]],
    answers: list[tuple[str, float]],
    *,
    sound: Any = WORD,
    flaw: Flaw = Flaw.NONE,
    settings: HearingSettings | None = None,
    missing: VoxedgeError | None = None,
    check: Callable[[], None] = lambda: None,
    model: Model | None = None,
) -> None:
    ear, microphone = FakeEar(answers), FakeMicrophone(sound, flaw)

    def checked(_tag: str) -> str:
        if missing is not None:
            raise missing
        return "fake"

    monkeypatch.setattr(talking, "recogniser_worker", NoProcess)
    monkeypatch.setattr(talking, "WorkerRecogniser", lambda _worker, _patience: ear)
    monkeypatch.setattr(talking, "check_recogniser", checked)
    monkeypatch.setattr(talking, "endpointer", lambda *_a, **_k: Endpointer(loud))

    async def titles() -> tuple[str, ...]:
        return ("The gas bill",)

    async def main(r: Rig) -> None:
        hearing = Hearing(
            settings or HearingSettings(),
            r.session,
            Ears(microphone, check),
            titles,
            lambda trouble: None,
        )
        life = asyncio.create_task(hearing.run())
        await asyncio.sleep(1.0)
        try:
            await work(Stage(r, hearing, ear))
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)

    rig(main, model=model)


def test_reading_is_held_while_it_listens_and_the_command_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work(s: Stage) -> None:
        await s.rig.read()
        s.rig.earcons.clear()
        s.hearing.takes(Intent(Action.TALK))
        await asyncio.sleep(0.5)
        assert not s.rig.session.speaking
        s.hearing.takes(Intent(Action.TALK_END))
        await s.rig.until(lambda: s.rig.sentence.startswith("Headache"))
        assert s.rig.state is State.READING
        assert s.rig.earcons == ["key_press", "listen", "listened"]
        everything = s.ear.grammars[-1]
        assert "the gas bill" in [v for values in everything.values.values() for v in values]

    stage(monkeypatch, work, [("go to side effects", 0.9)])


@pytest.mark.parametrize(
    ("answer", "sound", "told"),
    [
        (("", 0.0), ROOM, "I heard nothing."),
        (("", 0.0), WORD, "I did not understand."),
        (("next sentence", 0.2), WORD, "Did you say: next sentence?"),
        (("!", 0.0), WORD, "I could not understand."),
    ],
)
def test_whatever_was_not_understood_is_told_and_reading_goes_on(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[str, float], sound: Any, told: str
) -> None:
    async def work(s: Stage) -> None:
        await s.rig.read()
        said = " ".join(await s.talk())
        assert told in said
        assert s.rig.state is State.READING
        after = said.partition(told)[2]
        assert "glass of water" in after, "the page goes on"

    stage(monkeypatch, work, [answer], sound=sound)


@pytest.mark.parametrize(("answer", "off"), [("yes please", True), ("no thanks", False)])
def test_what_cannot_be_undone_asks_back(
    monkeypatch: pytest.MonkeyPatch, answer: str, off: bool
) -> None:
    async def work(s: Stage) -> None:
        said = " ".join(await s.talk())
        assert "Turn me off?" in said
        assert s.rig.state is State.MENU
        assert not s.rig.powered_off
        await s.talk()
        assert {t.action for t in s.ear.grammars[-1].templates} >= {Action.YES, Action.NO}
        assert Action.NEXT_PAGE not in {t.action for t in s.ear.grammars[-1].templates}
        assert bool(s.rig.powered_off) == off

    stage(monkeypatch, work, [("shut down", 0.95), (answer, 0.9)])


def test_an_unsure_shut_down_is_not_even_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(s: Stage) -> None:
        assert "Did you say: shut down?" in " ".join(await s.talk())
        assert s.rig.state is State.IDLE

    stage(monkeypatch, work, [("shut down", threshold(Action.SHUT_DOWN) - 0.01)])


def test_what_can_i_say(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(s: Stage) -> None:
        await s.rig.read()
        first = " ".join(await s.talk())
        assert "You can say: stop; pause; repeat;" in first
        assert "Ask again for more." in first
        second = " ".join(await s.talk())
        assert "You can say:" in second
        assert "pause;" not in second
        assert s.rig.state is State.READING

    stage(monkeypatch, work, [("what can i say", 0.9)] * 2)


def test_advice_in_another_language_is_said_in_that_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work(s: Stage) -> None:
        said = " ".join(await s.talk())
        assert "읽어 줘" in said
        assert "You can say" not in said

    korean = HearingSettings(language="ko")
    stage(monkeypatch, work, [("도움말", 0.9)], settings=korean)


def test_a_microphone_may_be_plugged_in_later(monkeypatch: pytest.MonkeyPatch) -> None:
    here: list[bool] = []

    def check() -> None:
        if not here:
            raise MicrophoneMissing(reason="none is connected")

    async def work(s: Stage) -> None:
        assert "I have no microphone." in await s.talk()
        assert not s.ear.grammars, "nothing to listen to, nothing is loaded"
        here.append(True)
        said = " ".join(await s.talk())
        assert "It is " in said or "I do not know the time" in said

    stage(monkeypatch, work, [("what time is it", 0.9)], check=check)


def test_a_microphone_that_is_pulled_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(s: Stage) -> None:
        assert "My microphone was disconnected." in await s.talk()
        assert s.rig.state is State.IDLE

    stage(monkeypatch, work, [("stop", 0.9)], sound=ROOM, flaw=Flaw.VANISHING)


@pytest.mark.parametrize(
    ("error", "at_once"),
    [
        (RecogniserMissing(language="zh", reason="none"), False),
        (RecogniserCorrupt(model="m", reason="rot"), True),
    ],
)
def test_without_a_recogniser_the_button_says_why(
    monkeypatch: pytest.MonkeyPatch, error: VoxedgeError, at_once: bool
) -> None:
    async def work(s: Stage) -> None:
        first = error.speech.partition(".")[0]
        assert (first in " ".join(s.rig.said)) == at_once
        said = " ".join(await s.talk())
        # What was said before is kept as sound, and not made again.
        assert at_once or first in said
        assert "error" in s.rig.earcons

    stage(monkeypatch, work, [], missing=error)


def test_where_commands_are_not_wanted_the_button_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(s: Stage) -> None:
        assert not s.hearing.takes(Intent(Action.TALK))
        said = await s.rig.do(Action.TALK)
        assert "I cannot listen to you here." in " ".join(said)

    stage(monkeypatch, work, [], settings=HearingSettings(commands=False))


def test_the_wake_word_taps_the_button_and_off_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(s: Stage) -> None:
        await s.rig.until(lambda: "listen" in s.rig.earcons)
        await asyncio.sleep(8.0)
        assert "slower" in " ".join(s.rig.said).lower()
        assert await s.rig.do(Action.WAKE_WORD)
        assert s.rig.model.wake_word is False
        s.hearing.changed()
        s.rig.earcons.clear()
        await asyncio.sleep(20.0)
        assert "listen" not in s.rig.earcons

    answers = [("okay reader", 0.9)] * 2 + [("slower", 0.9)]
    settings = HearingSettings(wake_word="okay reader")
    stage(monkeypatch, work, answers, settings=settings, model=Model(wake_word=True))


def test_a_stop_word_stops_the_reading_where_the_card_cancels_its_own_sound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work(s: Stage) -> None:
        await s.rig.read()
        s.hearing.changed()
        await s.rig.until(lambda: s.rig.state is State.IDLE, limit_s=5.0)
        actions = {t.action for t in s.ear.grammars[-1].templates}
        assert actions == {Action.STOP, Action.HUSH, Action.PAUSE, Action.REPEAT}

    stage(monkeypatch, work, [("stop", 0.9)], settings=HearingSettings(barge_in=True))
