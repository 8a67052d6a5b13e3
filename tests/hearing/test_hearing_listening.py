"""Push to talk: every session ends, every outcome is told, whatever ear or microphone do."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from voxedge.actions import Action, State
from voxedge.audio.endpoint import Endpointer, EndpointSettings
from voxedge.commands.grammar import build
from voxedge.commands.language import load
from voxedge.commands.parse import threshold
from voxedge.errors import MicrophoneDead, MicrophoneLost, MicrophoneMissing, RecogniserFailed
from voxedge.inputs.events import Asked, Trouble
from voxedge.inputs.voice import ListeningSettings, Moment, PushToTalk, Told
from voxedge.testing.fake_audio import run_virtual
from voxedge.testing.fake_microphone import FakeEar, FakeMicrophone, Flaw

RATE = 16_000
RANDOM = np.random.default_rng(3)
SPEECH = (RANDOM.normal(0, 4000, RATE)).astype(np.int16)
"""A second of noise that the loudness detector takes for speech."""
QUIET = np.zeros(0, dtype=np.int16)


def loud(frame: Any) -> float:
    return 1.0 if np.abs(frame.astype(np.int32)).mean() > 500 else 0.0


class Bench:
    """One push-to-talk input with everything around it."""

    def __init__(self, ear: FakeEar, microphone: FakeMicrophone) -> None:
        self.got: list[Asked | Trouble] = []
        self.told: list[Told] = []
        self.ear, self.microphone = ear, microphone
        self.talk = PushToTalk(
            ear,
            lambda: microphone,
            lambda: Endpointer(loud),
            lambda: Moment(load("en"), build(load("en"), State.READING)),
            self.got.append,
            self.told.append,
            ListeningSettings(),
        )

    async def tap(self) -> None:
        self.talk.press()
        await asyncio.sleep(0.1)
        self.talk.release()
        await self.over()

    async def over(self) -> None:
        while self.talk.listening:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.05)

    @property
    def actions(self) -> list[Action]:
        return [event.intent.action for event in self.got if isinstance(event, Asked)]

    @property
    def troubles(self) -> list[object]:
        return [event.error for event in self.got if isinstance(event, Trouble)]


def listen(
    answers: list[tuple[str, float]],
    sound: Any = SPEECH,
    flaw: Flaw = Flaw.NONE,
    do: Callable[[Bench], Any] = Bench.tap,
) -> Bench:
    async def main() -> Bench:
        bench = Bench(FakeEar(answers), FakeMicrophone(sound, flaw))
        await do(bench)
        await bench.talk.close()
        return bench

    return run_virtual(main(), limit_s=120.0)


def test_a_tap_ends_with_the_speech_and_the_first_thing_is_silence() -> None:
    bench = listen([("next sentence", 0.9)])
    assert bench.actions == [Action.HUSH, Action.NEXT_SENTENCE]
    assert bench.told == [Told.LISTENING, Told.ENDED]
    assert bench.microphone.opened == bench.microphone.closed == 1


def test_a_whole_command_is_not_kept_waiting_for_the_endpointer() -> None:
    settles_at = len(SPEECH) // 4

    async def said(do: Callable[[Bench], Any]) -> Bench:
        bench = Bench(FakeEar([("next sentence", 0.9)], settles_at), FakeMicrophone(SPEECH))
        await do(bench)
        await bench.talk.close()
        return bench

    async def hold(bench: Bench) -> None:
        bench.talk.press()
        await asyncio.sleep(3.0)
        bench.talk.release()
        await bench.over()

    tapped = run_virtual(said(Bench.tap), limit_s=120.0)
    held = run_virtual(said(hold), limit_s=120.0)
    assert tapped.actions == held.actions == [Action.HUSH, Action.NEXT_SENTENCE]
    assert tapped.ear.fed < settles_at + 16_000
    assert held.ear.fed > 2 * tapped.ear.fed, "a finger that is down may go on to speak"


def test_a_held_button_ends_with_its_release() -> None:
    async def hold(bench: Bench) -> None:
        bench.talk.press()
        await asyncio.sleep(3.0)
        assert bench.talk.listening, "speech is over, but the finger is still down"
        bench.talk.release()
        await bench.over()

    assert listen([("pause", 0.9)], do=hold).actions == [Action.HUSH, Action.PAUSE]


def test_nobody_speaks() -> None:
    bench = listen([], QUIET)
    assert bench.told == [Told.LISTENING, Told.ENDED, Told.SILENCE]
    assert bench.ear.fed == 0, "silence must not wake the recogniser"


def test_a_button_that_is_held_for_ever_ends_by_itself() -> None:
    async def stuck(bench: Bench) -> None:
        bench.talk.press()
        await bench.over()

    assert listen([], QUIET, do=stuck).told[-1] is Told.SILENCE


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (("", 0.0), Told.NOT_UNDERSTOOD),
        (("the cat sat", 0.9), Told.NOT_UNDERSTOOD),
        (("next sentence", 0.2), Told.UNSURE),
        (("shut down", threshold(Action.SHUT_DOWN) - 0.01), Told.UNSURE),
    ],
)
def test_what_is_no_sure_command_is_told_and_not_done(
    answer: tuple[str, float], told: Told
) -> None:
    bench = listen([answer])
    assert bench.actions == [Action.HUSH]
    assert bench.told[-1] is told


@pytest.mark.parametrize(
    ("flaw", "error"),
    [
        (Flaw.MISSING, MicrophoneMissing),
        (Flaw.DEAD, MicrophoneDead),
        (Flaw.VANISHING, MicrophoneLost),
    ],
)
def test_a_broken_microphone_is_told(flaw: Flaw, error: type[Exception]) -> None:
    async def hold(bench: Bench) -> None:
        bench.talk.press()
        await bench.over()

    bench = listen([("stop", 0.9)], SPEECH, flaw, hold)
    assert [type(trouble) for trouble in bench.troubles] == [error]
    assert bench.actions == [Action.HUSH]
    opened = flaw is not Flaw.MISSING
    assert bench.told == ([Told.LISTENING, Told.ENDED] if opened else [])


def test_an_ear_that_dies_is_told_and_well_again_after() -> None:
    async def twice(bench: Bench) -> None:
        await bench.tap()
        await bench.tap()

    bench = listen([("!", 0.0), ("stop", 0.9)], do=twice)
    assert [type(t) for t in bench.troubles] == [RecogniserFailed, type(None)]
    assert bench.actions == [Action.HUSH, Action.HUSH, Action.STOP]


def test_a_clipped_microphone_and_a_flood_end() -> None:
    for flaw in (Flaw.CLIPPED, Flaw.FLOOD):
        bench = listen([("stop", 0.9)], SPEECH, flaw)
        assert bench.told[-1] in (Told.ENDED, Told.SILENCE), flaw
        assert bench.microphone.closed == 1


def test_who_drives_the_microphone_into_clipping_is_told_so() -> None:
    assert listen([("", 0.0)], SPEECH, Flaw.CLIPPED).told[-1] is Told.TOO_LOUD
    assert listen([("", 0.0)], SPEECH).told[-1] is Told.NOT_UNDERSTOOD


def test_another_button_ends_it_and_nothing_follows() -> None:
    async def elsewhere(bench: Bench) -> None:
        bench.talk.press()
        await asyncio.sleep(0.5)
        bench.talk.cancel()
        await bench.over()

    bench = listen([("stop", 0.9)], do=elsewhere)
    assert bench.actions == [Action.HUSH]
    assert bench.told == [Told.LISTENING, Told.ENDED]


def test_the_readers_own_earcon_is_not_listened_to() -> None:
    async def main() -> Bench:
        bench = Bench(FakeEar([("stop", 0.9)]), FakeMicrophone(SPEECH))
        bench.talk._settings = ListeningSettings(deaf_s=0.4)
        await bench.tap()
        return bench

    bench = run_virtual(main(), limit_s=60.0)
    assert bench.actions == [Action.HUSH, Action.STOP]
    # 0.6 s of the second of speech, and the silence that ends it.
    assert bench.ear.fed < 1.15 * RATE


def test_what_is_said_while_the_ear_still_learns_is_not_lost() -> None:
    class SlowEar(FakeEar):
        async def set_grammar(self, grammar: Any) -> int:
            await asyncio.sleep(3.0)
            assert not self.fed
            return await super().set_grammar(grammar)

    async def main() -> Bench:
        bench = Bench(SlowEar([("stop", 0.9)]), FakeMicrophone(SPEECH))
        await bench.tap()
        return bench

    bench = run_virtual(main(), limit_s=60.0)
    assert bench.actions == [Action.HUSH, Action.STOP]
    assert bench.ear.fed >= RATE


def test_a_second_press_starts_anew() -> None:
    async def again(bench: Bench) -> None:
        bench.talk.press()
        await asyncio.sleep(0.3)
        await bench.tap()

    bench = listen([("stop", 0.9)], do=again)
    assert bench.actions == [Action.HUSH, Action.HUSH, Action.STOP]
    assert bench.microphone.opened == bench.microphone.closed == 2


def test_closing_in_the_middle_delivers_nothing() -> None:
    async def leave(bench: Bench) -> None:
        bench.talk.press()
        await asyncio.sleep(0.5)

    bench = listen([("stop", 0.9)], do=leave)
    assert bench.actions == [Action.HUSH]
    assert bench.microphone.closed == 1


def test_ten_minutes_of_noise_are_cut_and_bounded() -> None:
    endpointer = Endpointer(lambda _frame: 1.0, EndpointSettings())
    noise = RANDOM.normal(0, 3000, RATE).astype(np.int16)
    edges = [edge for _ in range(600) for edge, _ in endpointer.hear(noise)]
    assert 600 / 9 < sum(edge is not None and edge.value == "too long" for edge in edges) < 600 / 7
