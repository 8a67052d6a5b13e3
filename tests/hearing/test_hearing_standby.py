"""Listening without a button: confirmed twice, deaf while it speaks, closed when it is off."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from voxedge.actions import Action, State
from voxedge.audio.endpoint import Endpointer
from voxedge.commands.grammar import build
from voxedge.commands.language import available, load
from voxedge.errors import MicrophoneLost, RecogniserFailed, WakeWordUnknown
from voxedge.inputs.events import Asked, Trouble
from voxedge.inputs.sayable import AT_ONCE, Advice, what_fits, words_worth_finding
from voxedge.inputs.standby import Mode, Standby, StandbySettings
from voxedge.testing.fake_audio import run_virtual
from voxedge.testing.fake_microphone import FakeEar, FakeMicrophone, Flaw

RATE = 16_000
RANDOM = np.random.default_rng(3)
SILENCE = np.zeros(RATE, dtype=np.int16)
WORD = RANDOM.normal(0, 4000, RATE).astype(np.int16)
TALE = RANDOM.normal(0, 4000, 6 * RATE).astype(np.int16)
PHRASE = "okay reader"
YES, NOTHING = (PHRASE, 0.9), ("", 0.0)


def loud(frame: Any) -> float:
    return 1.0 if np.abs(frame.astype(np.int32)).mean() > 500 else 0.0


class Bench:
    """A standby and what it does."""

    def __init__(self, ear: FakeEar, microphone: FakeMicrophone) -> None:
        self.ear, self.microphone = ear, microphone
        self.mode = Mode.WAKE
        self.woken = 0
        self.got: list[Asked | Trouble] = []
        self.standby = Standby(
            ear,
            lambda: microphone,
            lambda: Endpointer(loud),
            lambda: self.mode,
            load("en"),
            self._wake,
            self.got.append,
            StandbySettings(PHRASE),
        )

    def _wake(self) -> None:
        self.woken += 1
        # As the daemon does: the button's way of listening takes over.
        self.turn(Mode.OFF)

    def turn(self, mode: Mode) -> None:
        self.mode = mode
        self.standby.changed()

    @property
    def errors(self) -> list[type]:
        return [type(event.error) for event in self.got if isinstance(event, Trouble)]


def stand_by(
    answers: list[tuple[str, float]],
    *sounds: Any,
    seconds: float = 20.0,
    flaw: Flaw = Flaw.NONE,
    ear: type[FakeEar] = FakeEar,
    do: Callable[[Bench], Any] | None = None,
) -> Bench:
    async def main() -> Bench:
        sound = np.concatenate([SILENCE, *[part for s in sounds for part in (s, SILENCE)]])
        bench = Bench(ear(answers), FakeMicrophone(sound, flaw))
        life = asyncio.create_task(bench.standby.run())
        if do is not None:
            await do(bench)
        await asyncio.sleep(seconds)
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        return bench

    return run_virtual(main(), limit_s=400.0)


def test_the_phrase_is_confirmed_before_it_wakes() -> None:
    bench = stand_by([YES, YES], WORD)
    assert bench.woken == 1
    wake, everything = bench.ear.grammars
    assert [t.phrase for t in wake.templates] == [PHRASE]
    assert len(everything.templates) > 50
    assert everything.templates[-1].phrase == PHRASE
    assert bench.microphone.opened == bench.microphone.closed == 1


@pytest.mark.parametrize(
    "second", [NOTHING, (PHRASE, 0.2), ("next sentence", 0.9)], ids=["nothing", "unsure", "other"]
)
def test_what_is_not_confirmed_does_not_wake(second: tuple[str, float]) -> None:
    bench = stand_by([YES, second, NOTHING], WORD, WORD)
    assert bench.woken == 0
    assert len(bench.ear.grammars) == 3, "back to the short grammar"


def test_a_conversation_is_not_even_decoded() -> None:
    bench = stand_by([], TALE, TALE)
    assert bench.woken == bench.ear.fed == 0


def test_silence_costs_the_recogniser_nothing() -> None:
    assert stand_by([]).ear.fed == 0


def test_off_means_no_open_microphone() -> None:
    async def off_and_on(bench: Bench) -> None:
        await asyncio.sleep(3.0)
        assert bench.microphone.opened == 1
        bench.turn(Mode.OFF)
        await asyncio.sleep(0.2)
        assert bench.microphone.closed == 1
        assert bench.standby.idle.is_set()
        await asyncio.sleep(60.0)
        assert bench.microphone.opened == 1
        bench.turn(Mode.WAKE)
        await asyncio.sleep(0.3)
        assert bench.microphone.opened == 1, "the room still rings with the last word"
        await asyncio.sleep(0.5)
        assert bench.microphone.opened == 2

    stand_by([], do=off_and_on, seconds=0.0)


def test_it_is_deaf_as_soon_as_the_device_speaks_though_nobody_tells_it() -> None:
    async def speaks(bench: Bench) -> None:
        await asyncio.sleep(1.2)
        assert bench.microphone.opened == 1
        bench.mode = Mode.MUTED
        await asyncio.sleep(0.3)
        assert bench.microphone.closed == 1
        bench.mode = Mode.WAKE
        await asyncio.sleep(1.0)
        assert bench.microphone.opened == 2, "and hears again when nobody tells it either"
        bench.mode = Mode.MUTED

    assert stand_by([], WORD, do=speaks).woken == 0


def test_while_it_speaks_only_stop_words_are_heard() -> None:
    async def speaking(bench: Bench) -> None:
        bench.turn(Mode.STOP_WORDS)

    bench = stand_by([("stop", 0.9)], WORD, do=speaking)
    assert [e.intent.action for e in bench.got if isinstance(e, Asked)] == [Action.STOP]
    actions = {template.action for template in bench.ear.grammars[0].templates}
    assert actions == {Action.STOP, Action.HUSH, Action.PAUSE, Action.REPEAT}
    assert bench.woken == 0


def test_a_phrase_that_nobody_can_hear_is_told_once() -> None:
    class Deaf(FakeEar):
        async def set_grammar(self, grammar: Any) -> int:
            if len(grammar.templates) == 1:
                raise RecogniserFailed(reason="nothing in the grammar can be heard")
            return await super().set_grammar(grammar)

    bench = stand_by([], WORD, ear=Deaf, seconds=300.0)
    assert bench.errors == [WakeWordUnknown]
    assert bench.microphone.opened == 0


def test_a_dead_recogniser_is_no_bad_phrase() -> None:
    class Dead(FakeEar):
        async def set_grammar(self, grammar: Any) -> int:
            raise RecogniserFailed(reason="killed by SIGKILL")

    assert stand_by([], ear=Dead, seconds=300.0).errors == [RecogniserFailed]


def test_a_microphone_that_is_pulled_out_is_told_once_and_tried_again() -> None:
    bench = stand_by([], flaw=Flaw.VANISHING, seconds=100.0)
    assert bench.errors[0] is MicrophoneLost
    assert bench.microphone.opened == bench.microphone.closed >= 4


def test_an_ear_that_dies_in_the_middle_does_not_end_it() -> None:
    bench = stand_by([("!", 0.0), YES, YES], WORD, WORD, seconds=40.0)
    assert bench.errors == [RecogniserFailed]
    assert bench.microphone.opened >= 2


# -- what can I say? -------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", available())
@pytest.mark.parametrize("state", State)
def test_everything_advised_can_be_said_and_done(tag: str, state: State) -> None:
    grammar = build(load(tag))
    phrases = what_fits(grammar, state, opened=True, question=False)
    assert len(phrases) == len(set(phrases)) > 5
    assert all("{" not in phrase for phrase in phrases)
    fitting = {t.action for t in grammar.templates if state in t.action.row.states}
    assert len(phrases) <= len(fitting)


def test_the_advice_fits_the_moment() -> None:
    grammar = build(load("en"))
    assert what_fits(grammar, State.READING, opened=True, question=False)[:2] == ("stop", "pause")
    assert "next sentence" not in what_fits(grammar, State.IDLE, opened=False, question=False)
    assert what_fits(grammar, State.MENU, opened=True, question=True) == ("yes", "no thanks")
    assert "go to page two" not in what_fits(grammar, State.IDLE, opened=True, question=False)
    assert "open {title}" not in what_fits(grammar, State.IDLE, opened=True, question=False)


def test_asked_again_the_advice_goes_on_and_begins_anew() -> None:
    advice, phrases = Advice(), tuple(f"phrase {n}" for n in range(AT_ONCE + 3))
    assert advice.next(phrases) == (phrases[:AT_ONCE], True)
    assert advice.next(phrases) == (phrases[AT_ONCE:], False)
    assert advice.next(phrases) == (phrases[:AT_ONCE], True)
    assert advice.next(("other",)) == (("other",), False)


def test_long_words_of_the_page_can_be_looked_for() -> None:
    words = ["Paracetamol,", "(tablets)", "500", "the", "paracetamol", "x1y2z3w"]
    assert words_worth_finding(iter(words)) == ("paracetamol", "tablets")
    assert (
        len(words_worth_finding(f"{'a' * 6}{chr(97 + n % 26) * (n // 26 + 1)}" for n in range(99)))
        == 40
    )
