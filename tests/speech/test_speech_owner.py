from __future__ import annotations

import asyncio

import numpy as np
import pytest

from voxedge.engines.tts.fallback import FallbackVoice
from voxedge.errors import DiskFull, SoundCardLost, VoiceFailed, VoxedgeError
from voxedge.flow import Utterance
from voxedge.speech.events import (
    Interrupted,
    Outcome,
    SinkBack,
    SinkLost,
    Stopped,
    UtteranceSpoken,
    UtteranceStarted,
)
from voxedge.speech.lines import Line, SpeechClass
from voxedge.speech.owner import VoiceOwner
from voxedge.testing.fake_audio import FakeSink, run_virtual
from voxedge.testing.fake_voice import FakeVoice, FakeVoiceTimes, Misdeed, heard_pitch_hz, pitch_hz

RATE_HZ = 16_000


class Stage:
    """An owner with fakes around it, inside a running loop."""

    def __init__(self, voice=None, *, recover_sink=False, deadlines=None, latency_ms=0.0):
        self.voice = voice or FakeVoice()
        self.sink = FakeSink(RATE_HZ, latency_ms=latency_ms)
        self.events = []
        self.noted = asyncio.Event()
        self.owner = VoiceOwner(
            self.voice,
            self.sink,
            on_event=self._note,
            recover_sink=recover_sink,
            deadlines=deadlines,
        )

    @property
    def now(self):
        return asyncio.get_running_loop().time()

    async def __aenter__(self):
        self.runner = asyncio.get_running_loop().create_task(self.owner.run())
        return self

    async def __aexit__(self, *exc):
        self.runner.cancel()
        await asyncio.wait([self.runner])
        await self.sink.close()

    def _note(self, event):
        self.events.append((self.now, event))
        self.noted.set()

    async def spoken(self, text):
        while text not in self.texts(UtteranceSpoken):
            self.noted.clear()
            await self.noted.wait()

    def texts(self, kind):
        return [e.line.utterance.text for _, e in self.events if isinstance(e, kind)]

    def kinds(self):
        return [type(e) for _, e in self.events]


def lines(*texts, pause_ms=100, paragraph_end=None):
    return [
        Line(Utterance(t, pause_after_ms=pause_ms), ends_paragraph=t == paragraph_end)
        for t in texts
    ]


def at(samples, seconds, length_s=0.1):
    start = round(seconds * RATE_HZ)
    return samples[start : start + round(length_s * RATE_HZ)]


ONE, TWO, THREE = "one is the first sentence", "two is the second one", "three comes last of all"


def test_everything_is_heard_in_order_with_the_pauses_asked_for():
    async def main():
        async with Stage() as stage:
            speech = stage.owner.say(SpeechClass.READING, lines(ONE, TWO, pause_ms=300))
            assert await speech.finished() is Outcome.SPOKEN
            return (
                stage.sink.samples,
                stage.voice,
                stage.texts(UtteranceSpoken),
                stage.sink.underruns,
            )

    samples, voice, spoken, underruns = run_virtual(main())
    assert spoken == [ONE, TWO]
    assert underruns == 0
    sounding = np.flatnonzero(np.abs(samples) > 0.02)
    start = sounding[0]
    first, second = len(voice.hum(ONE)), len(voice.hum(TWO))
    gap = round(0.3 * RATE_HZ)
    assert heard_pitch_hz(samples[start : start + first], RATE_HZ) == pitch_hz(ONE)
    quiet = samples[start + first : start + first + gap - 50]
    assert not np.any(quiet), "the pause must be silence"
    tail = samples[start + first + gap : start + first + gap + second]
    assert heard_pitch_hz(tail, RATE_HZ) == pitch_hz(TWO)


def test_no_step_in_the_sound_is_larger_than_the_tone_itself_makes():
    async def main():
        async with Stage() as stage:
            stage.owner.say(SpeechClass.READING, lines(ONE, TWO, THREE))
            for seconds in (0.33, 0.41, 0.7):
                await asyncio.sleep(seconds)
                stage.owner.pause()
                await asyncio.sleep(0.2)
                stage.owner.resume()
            await asyncio.sleep(0.3)
            stage.owner.say(SpeechClass.ALERT, lines("alert"))
            await asyncio.sleep(0.7)
            stage.owner.stop()
            await asyncio.sleep(0.2)
            return stage.sink.samples

    samples = run_virtual(main())
    # 0.5 * sin at up to 3 kHz steps by at most 0.5 * 2 pi 3000 / 16000; a fade of 8 ms adds
    # 0.5 * pi / 2 / 128.
    limit = 0.5 * 2 * np.pi * 3000 / RATE_HZ + 0.5 * np.pi / 2 / 128
    assert np.abs(samples).max() > 0.4
    assert np.abs(np.diff(samples)).max() <= limit


def test_two_utterances_are_rendered_while_one_plays():
    async def main():
        async with Stage() as stage:
            many = [f"sentence number {i} of the long text" for i in range(6)]
            stage.owner.say(SpeechClass.READING, lines(*many))
            await asyncio.sleep(0.8)
            return stage.voice.asked, many

    asked, many = run_virtual(main())
    assert asked == many[:3]


def test_spoken_is_told_only_when_the_device_has_played_it():
    async def main():
        async with Stage(latency_ms=200.0) as stage:
            await stage.owner.say(SpeechClass.READING, lines(ONE)).finished()
            started = next(t for t, e in stage.events if isinstance(e, UtteranceStarted))
            spoken = next(t for t, e in stage.events if isinstance(e, UtteranceSpoken))
            first = np.flatnonzero(stage.sink.samples)[0] / RATE_HZ
            return started, spoken, first, len(stage.voice.hum(ONE)) / RATE_HZ

    started, spoken, first, length = run_virtual(main())
    assert started == pytest.approx(first + 0.2, abs=0.02)
    assert spoken == pytest.approx(first + length + 0.2, abs=0.02)


def test_stop_is_silent_within_a_fade_and_a_block_and_drops_what_waits():
    async def main():
        async with Stage() as stage:
            reading = stage.owner.say(SpeechClass.READING, lines(ONE, TWO, THREE))
            await asyncio.sleep(0.3)
            notice = stage.owner.say(SpeechClass.NOTICE, lines("notice"))
            await asyncio.sleep(0.3)
            stage.owner.stop()
            stopped_at = stage.now
            assert await reading.finished() is Outcome.STOPPED
            assert await notice.finished() is Outcome.STOPPED
            await asyncio.sleep(2.0)
            return stage.sink.samples, stopped_at, stage.kinds(), stage.voice.open

    samples, stopped_at, kinds, streams_open = run_virtual(main())
    last = np.flatnonzero(samples)[-1] / RATE_HZ
    assert stopped_at - 0.02 < last <= stopped_at + 0.020
    assert Stopped in kinds
    assert streams_open == 0, "synthesis of what was stopped must end"


def test_audio_of_an_old_generation_is_dropped_on_arrival():
    async def main():
        slow = FakeVoice(times=FakeVoiceTimes(first_chunk_s=1.0, chunk_s=1.0))
        async with Stage(slow) as stage:
            stage.owner.say(SpeechClass.READING, lines(ONE))
            await asyncio.sleep(0.5)
            stage.owner.stop()
            await asyncio.sleep(5.0)
            return stage.sink.samples

    assert not np.any(run_virtual(main()))


def test_stop_then_say_is_heard():
    async def main():
        async with Stage() as stage:
            stage.owner.say(SpeechClass.READING, lines(ONE, TWO))
            await asyncio.sleep(0.5)
            stage.owner.stop()
            reply = stage.owner.say(SpeechClass.REPLY, lines("stopped"))
            assert await reply.finished() is Outcome.SPOKEN
            return stage.texts(UtteranceSpoken)

    assert run_virtual(main()) == ["stopped"]


def test_stop_from_another_thread():
    async def main():
        async with Stage() as stage:
            reading = stage.owner.say(SpeechClass.READING, lines(ONE, TWO))
            await asyncio.sleep(0.5)
            await asyncio.to_thread(stage.owner.stop)
            return await reading.finished()

    assert run_virtual(main()) is Outcome.STOPPED


def test_reading_interrupted_by_a_reply_goes_on_at_the_start_of_its_sentence():
    async def main():
        async with Stage() as stage:
            reading = stage.owner.say(SpeechClass.READING, lines(ONE, TWO, THREE))
            await stage.spoken(ONE)
            await asyncio.sleep(0.4)  # in the middle of TWO
            reply = stage.owner.say(SpeechClass.REPLY, lines("page two"))
            assert await reply.finished() is Outcome.SPOKEN
            assert await reading.finished() is Outcome.SPOKEN
            return (
                stage.texts(UtteranceStarted),
                stage.texts(UtteranceSpoken),
                stage.voice.asked,
                stage.kinds(),
            )

    started, spoken, asked, kinds = run_virtual(main())
    assert started == [ONE, TWO, "page two", TWO, THREE]
    assert spoken == [ONE, "page two", TWO, THREE]
    assert Interrupted in kinds
    assert asked.count(TWO) == 1, "the sentence is said again from the cache"


def test_a_sentence_of_two_lines_is_resumed_at_its_first():
    async def main():
        script = [
            Line(Utterance("Take one tablet,"), ends_sentence=False),
            Line(Utterance("twice a day with water.")),
        ]
        async with Stage() as stage:
            reading = stage.owner.say(SpeechClass.READING, script)
            await stage.spoken("Take one tablet,")
            await asyncio.sleep(0.3)
            await stage.owner.say(SpeechClass.ALERT, lines("power")).finished()
            await reading.finished()
            return stage.texts(UtteranceStarted), reading.lines_spoken

    started, spoken = run_virtual(main())
    clauses = ["Take one tablet,", "twice a day with water."]
    assert started == [*clauses, "power", *clauses]
    assert spoken == 3


def test_newest_reply_wins():
    async def main():
        async with Stage() as stage:
            old = stage.owner.say(SpeechClass.REPLY, lines(ONE))
            await asyncio.sleep(0.3)
            new = stage.owner.say(SpeechClass.REPLY, lines(TWO))
            return await old.finished(), await new.finished(), stage.texts(UtteranceSpoken)

    assert run_virtual(main()) == (Outcome.REPLACED, Outcome.SPOKEN, [TWO])


def test_alert_interrupts_a_reply_which_is_said_again():
    async def main():
        async with Stage() as stage:
            reply = stage.owner.say(SpeechClass.REPLY, lines(ONE))
            await asyncio.sleep(0.3)
            stage.owner.say(SpeechClass.ALERT, lines("first alert"))
            stage.owner.say(SpeechClass.ALERT, lines("second alert"))
            await reply.finished()
            return stage.texts(UtteranceSpoken)

    assert run_virtual(main()) == ["first alert", "second alert", ONE]


def test_alerts_are_bounded_and_the_one_being_said_is_finished():
    async def main():
        async with Stage() as stage:
            alerts = []
            for i in range(7):
                alerts.append(stage.owner.say(SpeechClass.ALERT, lines(f"alert {i}")))
                await asyncio.sleep(0.01)
            return [await alert.finished() for alert in alerts]

    outcomes = run_virtual(main())
    spoken, replaced = Outcome.SPOKEN, Outcome.REPLACED
    assert outcomes == [spoken, replaced, replaced, replaced, spoken, spoken, spoken]


def test_notice_waits_for_the_end_of_a_paragraph_and_loses_nothing():
    async def main():
        script = lines(ONE, TWO, paragraph_end=TWO) + lines(THREE)
        async with Stage() as stage:
            reading = stage.owner.say(SpeechClass.READING, script)
            await asyncio.sleep(0.3)
            stage.owner.say(SpeechClass.NOTICE, lines("an older notice"))
            notice = stage.owner.say(SpeechClass.NOTICE, lines("battery low"))
            await notice.finished()
            await reading.finished()
            return stage.texts(UtteranceStarted), stage.kinds()

    started, kinds = run_virtual(main())
    assert started == [ONE, TWO, "battery low", THREE]
    assert Interrupted not in kinds


def test_notice_loses_patience_at_a_sentence_end():
    async def main():
        many = [f"a long sentence that fills some two seconds {i}" for i in range(20)]
        async with Stage() as stage:
            stage.owner.say(SpeechClass.READING, lines(*many))
            await asyncio.sleep(0.3)
            said_at = stage.now
            await stage.owner.say(SpeechClass.NOTICE, lines("battery low")).finished()
            return stage.now - said_at

    assert 15.0 < run_virtual(main()) < 20.0


def test_hint_is_heard_only_in_silence():
    async def main():
        async with Stage() as stage:
            reading = stage.owner.say(SpeechClass.READING, lines(ONE))
            hint = stage.owner.say(SpeechClass.HINT, lines("hint"))
            first = await hint.finished()
            await reading.finished()
            hint = stage.owner.say(SpeechClass.HINT, lines("hint"))
            second = await hint.finished()
            hint = stage.owner.say(SpeechClass.HINT, lines("hint"))
            await asyncio.sleep(0.1)
            stage.owner.say(SpeechClass.READING, lines(TWO))
            return first, second, await hint.finished()

    assert run_virtual(main()) == (Outcome.REPLACED, Outcome.SPOKEN, Outcome.REPLACED)


def test_pause_holds_the_place_and_resume_goes_on():
    async def main():
        async with Stage() as stage:
            reading = stage.owner.say(SpeechClass.READING, lines(ONE, TWO))
            await asyncio.sleep(0.5)
            stage.owner.pause()
            paused_at = stage.now
            await asyncio.sleep(60.0)
            assert stage.owner.paused
            stage.owner.resume()
            resumed_at = stage.now
            await reading.finished()
            return (
                stage.sink.samples,
                paused_at,
                resumed_at,
                stage.texts(UtteranceStarted),
                stage.voice,
            )

    samples, paused_at, resumed_at, started, voice = run_virtual(main())
    held = samples[round((paused_at + 0.02) * RATE_HZ) : round(resumed_at * RATE_HZ)]
    assert len(held) > 59 * RATE_HZ
    assert not np.any(held)
    assert started == [ONE, TWO]
    windows = np.abs(samples[: len(samples) // 16 * 16]).reshape(-1, 16).max(axis=1)
    sounding = np.count_nonzero(windows > 1e-3) * 16 / RATE_HZ
    whole = (len(voice.hum(ONE)) + len(voice.hum(TWO))) / RATE_HZ
    assert sounding == pytest.approx(whole, rel=0.05)


def test_a_reply_is_heard_while_reading_is_paused_and_reading_stays_paused():
    async def main():
        async with Stage() as stage:
            reading = stage.owner.say(SpeechClass.READING, lines(ONE, TWO))
            await asyncio.sleep(0.5)
            stage.owner.pause()
            await asyncio.sleep(0.1)
            reply = stage.owner.say(SpeechClass.REPLY, lines("page one"))
            assert await reply.finished() is Outcome.SPOKEN
            await asyncio.sleep(10.0)
            assert reading.outcome is None
            stage.owner.resume()
            await reading.finished()
            return stage.texts(UtteranceStarted)

    assert run_virtual(main()) == [ONE, "page one", ONE, TWO]


def test_stop_ends_a_pause():
    async def main():
        async with Stage() as stage:
            reading = stage.owner.say(SpeechClass.READING, lines(ONE))
            await asyncio.sleep(0.5)
            stage.owner.pause()
            await asyncio.sleep(0.5)
            stage.owner.stop()
            assert await reading.finished() is Outcome.STOPPED
            assert not stage.owner.paused
            return await stage.owner.say(SpeechClass.REPLY, lines("ready")).finished()

    assert run_virtual(main()) is Outcome.SPOKEN


@pytest.mark.parametrize("misdeed", [m for m in Misdeed if m not in (Misdeed.NONE, Misdeed.LOUD)])
def test_the_other_voice_speaks_when_one_fails(misdeed):
    async def main():
        bad = FakeVoice(name="bad", misdeeds={TWO: misdeed})
        good = FakeVoice(name="good", rate_hz=8_000)
        clock = asyncio.get_running_loop().time
        async with Stage(FallbackVoice(bad, good, clock=clock)) as stage:
            reading = stage.owner.say(SpeechClass.READING, lines(ONE, TWO, THREE))
            assert await reading.finished() is Outcome.SPOKEN
            return stage.texts(UtteranceSpoken), good.asked, bad.open, stage.sink.samples

    spoken, asked, streams_open, samples = run_virtual(main())
    assert spoken == [ONE, TWO, THREE]
    assert asked[0] == TWO
    assert streams_open == 0
    tail = np.trim_zeros(np.where(np.abs(samples) < 1e-4, 0.0, samples), "b")
    assert heard_pitch_hz(tail[-8000:-800].astype(np.float32), RATE_HZ) == pitch_hz(THREE)


@pytest.mark.parametrize("misdeed", [m for m in Misdeed if m not in (Misdeed.NONE, Misdeed.LOUD)])
def test_speech_fails_when_no_voice_can_say_it_and_the_owner_lives(misdeed):
    async def main():
        async with Stage(FakeVoice(misdeeds={TWO: misdeed})) as stage:
            reading = stage.owner.say(SpeechClass.READING, lines(ONE, TWO, THREE))
            assert await reading.finished() is Outcome.FAILED
            assert isinstance(reading.error, VoiceFailed)
            reply = stage.owner.say(SpeechClass.REPLY, lines("still here"))
            assert await reply.finished() is Outcome.SPOKEN
            return stage.texts(UtteranceSpoken)

    assert run_virtual(main()) == [ONE, "still here"]


def test_a_voice_far_too_loud_never_leaves_full_scale():
    async def main():
        async with Stage(FakeVoice(misdeeds={ONE: Misdeed.LOUD})) as stage:
            await stage.owner.say(SpeechClass.READING, lines(ONE)).finished()
            return stage.sink.samples

    peak = np.abs(run_virtual(main())).max()
    assert 0.9 < peak < 1.0


def test_lost_loudspeaker_is_opened_again_and_reading_goes_on_at_its_sentence():
    async def main():
        async with Stage(recover_sink=True) as stage:
            reading = stage.owner.say(SpeechClass.READING, lines(ONE, TWO))
            await stage.spoken(ONE)
            await asyncio.sleep(0.3)
            stage.sink.vanish(absent=3)
            assert await reading.finished() is Outcome.SPOKEN
            return stage.texts(UtteranceStarted), stage.kinds()

    started, kinds = run_virtual(main())
    assert started == [ONE, TWO, TWO]
    assert kinds.index(SinkLost) < kinds.index(SinkBack)


@pytest.mark.parametrize("how", ["vanish", "freeze", "disk full"])
def test_a_sink_that_fails_ends_the_owner_with_its_error(how):
    async def main():
        async with Stage() as stage:
            reading = stage.owner.say(SpeechClass.READING, lines(ONE, TWO))
            await asyncio.sleep(0.5)
            if how == "vanish":
                stage.sink.vanish()
            elif how == "freeze":
                stage.sink.freeze()
            else:
                stage.sink.fail_with(DiskFull(path="speech.wav"))
            outcome = await reading.finished()
            await asyncio.wait([stage.runner])
            return outcome, reading.error, stage.runner.exception()

    outcome, error, raised = run_virtual(main())
    wanted = DiskFull if how == "disk full" else SoundCardLost
    assert outcome is Outcome.FAILED
    assert type(error) is type(raised) is wanted


def test_script_that_comes_while_it_is_spoken_and_breaks_off():
    async def script():
        yield Line(Utterance(ONE))
        await asyncio.sleep(5.0)
        yield Utterance(TWO)
        raise ValueError("page text must not be in the message")

    async def main():
        async with Stage() as stage:
            reading = stage.owner.say(SpeechClass.READING, script())
            await asyncio.sleep(3.0)
            reply = stage.owner.say(SpeechClass.REPLY, lines("working"))
            assert await reply.finished() is Outcome.SPOKEN
            outcome = await reading.finished()
            return outcome, reading.error, stage.texts(UtteranceSpoken)

    outcome, error, spoken = run_virtual(main())
    assert outcome is Outcome.FAILED
    assert isinstance(error, VoxedgeError)
    assert "page text" not in str(error)
    assert spoken == [ONE, "working", TWO]


def test_a_script_of_any_length_is_taken_line_by_line():
    taken = []

    def script():
        for number in range(1_000_000):
            taken.append(number)
            yield Utterance(f"sentence number {number} of very many")
            if number == 5:
                raise ValueError("page text must not be in the message")

    async def main():
        async with Stage() as stage:
            reading = stage.owner.say(SpeechClass.READING, script())
            await stage.spoken("sentence number 0 of very many")
            ahead = len(taken)
            outcome = await reading.finished()
            return ahead, outcome, str(reading.error), reading.lines_spoken

    ahead, outcome, error, spoken = run_virtual(main())
    assert ahead <= 5
    assert outcome is Outcome.FAILED
    assert "ValueError" in error
    assert "page text" not in error
    assert spoken == 6


def test_script_is_closed_when_its_speech_is_stopped():
    closed = []

    async def script():
        try:
            while True:
                yield Utterance(ONE)
        finally:
            closed.append(True)

    async def main():
        async with Stage() as stage:
            reading = stage.owner.say(SpeechClass.READING, script())
            await asyncio.sleep(0.5)
            stage.owner.stop()
            await reading.finished()
            await asyncio.sleep(0.1)

    run_virtual(main())
    assert closed == [True]


def test_cancelling_the_owner_fades_out():
    async def main():
        async with Stage() as stage:
            reading = stage.owner.say(SpeechClass.READING, lines(ONE, TWO))
            await asyncio.sleep(0.5)
            stage.runner.cancel()
            await asyncio.wait([stage.runner])
            cancelled_at = stage.now
            assert await reading.finished() is Outcome.STOPPED
            await asyncio.sleep(1.0)
            return stage.sink.samples, cancelled_at

    samples, cancelled_at = run_virtual(main())
    last = np.flatnonzero(samples)[-1] / RATE_HZ
    assert last <= cancelled_at + 0.02
    assert np.abs(np.diff(samples)).max() <= 0.5 * 2 * np.pi * 3000 / RATE_HZ + 0.01


def test_finish_lets_run_return():
    async def main():
        stage = Stage()
        reading = stage.owner.say(SpeechClass.READING, lines(ONE))
        stage.owner.finish()
        await stage.owner.run()
        await stage.sink.close()
        return reading.outcome

    assert run_virtual(main()) is Outcome.SPOKEN


def test_a_listener_that_fails_does_not_silence_the_voice():
    async def main():
        def listen(event):
            raise RuntimeError("listener")

        sink = FakeSink(RATE_HZ)
        owner = VoiceOwner(FakeVoice(), sink, on_event=listen)
        reading = owner.say(SpeechClass.READING, lines(ONE))
        owner.finish()
        await owner.run()
        await sink.close()
        return reading.outcome

    assert run_virtual(main()) is Outcome.SPOKEN
