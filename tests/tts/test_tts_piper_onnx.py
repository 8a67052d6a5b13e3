"""The natural voice, on the tiny network and, where it is installed, on the real one."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from voxedge.engines.tts import network as network_room
from voxedge.engines.tts import piper_onnx as voice_room
from voxedge.engines.tts.assets import VoiceAssets
from voxedge.engines.tts.durations import allot_frames, chunk_plan
from voxedge.engines.tts.network import (
    NetworkFailed,
    NetworkStopped,
    StopSwitch,
    VoiceNetwork,
)
from voxedge.engines.tts.phonemes import Phonemizer
from voxedge.engines.tts.piper_onnx import (
    PiperOnnxVoice,
    PiperSettings,
    kept_frames,
    sample_prior,
    thread_count,
)
from voxedge.errors import EmptyText, VoiceCorrupt, VoiceFailed, VoiceMissing
from voxedge.flow import PcmChunk, Utterance
from voxedge.models.build import build
from voxedge.models.store import VoiceStore
from voxedge.testing.tiny_voice import RATE_HZ, write_tiny_voice

TEXT = "Take one tablet twice a day with food, and drink plenty of water."
SETTINGS = PiperSettings(threads=1)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> VoiceAssets:
    folder = tmp_path_factory.mktemp("tiny")
    model, config = write_tiny_voice(folder)
    return build("tiny", model, config, folder / "stages")


@pytest.fixture(scope="module")
def real() -> VoiceAssets:
    try:
        return VoiceStore().open()
    except VoiceMissing as error:
        pytest.skip(f"the real voice is not installed: {error}")


@pytest.fixture
def voice(tiny: VoiceAssets) -> Iterator[PiperOnnxVoice]:
    made = PiperOnnxVoice(tiny, SETTINGS)
    yield made
    made.close()


def speak(voice: PiperOnnxVoice, text: str = TEXT, **changes: Any) -> list[PcmChunk]:
    async def collect() -> list[PcmChunk]:
        return [chunk async for chunk in voice.stream(Utterance(text, **changes))]

    return asyncio.run(collect())


def joined(chunks: list[PcmChunk]) -> np.ndarray:
    return np.concatenate([chunk.samples for chunk in chunks])


def prior_of(assets: VoiceAssets, network: VoiceNetwork, text: str = TEXT) -> np.ndarray:
    sentence = next(Phonemizer(assets.config).sentences(text))
    noise = np.random.default_rng(5)
    draws = noise.standard_normal((2, len(sentence.ids)), dtype=np.float32)
    encoded = network.encode(sentence.ids, draws, 0.8)
    return sample_prior(encoded, allot_frames(encoded.durations, 1.0, 1.0), 0.667, noise)


def test_it_speaks_in_growing_chunks(voice: PiperOnnxVoice) -> None:
    chunks = speak(voice)
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert {chunk.rate_hz for chunk in chunks} == {RATE_HZ} == {voice.rate_hz}
    assert len(chunks[0].samples) == 16 * 32
    assert len(chunks[1].samples) > len(chunks[0].samples)
    samples = joined(chunks)
    assert samples.dtype == np.float32
    assert 0.01 < np.abs(samples).max() <= 1.0


def test_equal_seeds_give_equal_samples_whatever_came_before(voice: PiperOnnxVoice) -> None:
    first = joined(speak(voice, seed=4))
    speak(voice, "Something else altogether.", seed=9)
    np.testing.assert_array_equal(joined(speak(voice, seed=4)), first)
    other = joined(speak(voice, seed=5))
    assert len(other) != len(first) or np.abs(other - first).max() > 1e-3


@pytest.mark.parametrize("pick", ["tiny", "real"])
def test_chunked_is_whole(pick: str, request: pytest.FixtureRequest) -> None:
    assets: VoiceAssets = request.getfixturevalue(pick)
    network = VoiceNetwork(assets, threads=1)
    prior = prior_of(assets, network)
    total = prior.shape[1]
    whole = next(network.decode(prior, [total]))
    for sizes in (chunk_plan(total), chunk_plan(total, 5, 1.2, 20), [total - 1, 1]):
        chunked = np.concatenate(list(network.decode(prior, sizes)))
        np.testing.assert_allclose(chunked, whole, atol=1e-5)
    later = np.concatenate(list(network.decode(prior, [20, total - 33], start=13)))
    np.testing.assert_allclose(later, whole[13 * assets.hop :], atol=1e-5)


def test_the_real_stages_give_what_the_original_gives(real: VoiceAssets) -> None:
    ids = next(Phonemizer(real.config).sentences(TEXT)).ids
    model = real.folder.parent / f"{real.name}.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    feed = {
        "input": np.array([ids]),
        "input_lengths": np.array([len(ids)]),
        "scales": np.array([0, 1, 0], dtype=np.float32),
    }
    original = session.run(None, feed)[0].ravel()
    ours = VoiceNetwork(real, threads=1).render_whole(ids, 1.0)
    np.testing.assert_allclose(ours, original, atol=1e-5)


def test_the_real_voice_begins_and_ends_with_speech(real: VoiceAssets) -> None:
    voice = PiperOnnxVoice(real, SETTINGS)
    try:
        samples = joined(speak(voice, "Store below twenty degrees."))
    finally:
        voice.close()
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    assert loud[0] < 0.1 * voice.rate_hz
    assert len(samples) - loud[-1] < 0.15 * voice.rate_hz
    # Faded edges: no click.
    assert abs(samples[0]) < 1e-3
    assert abs(samples[-1]) < 1e-3


def test_rate_changes_the_length(voice: PiperOnnxVoice) -> None:
    normal = len(joined(speak(voice)))
    slow, fast = (len(joined(speak(voice, rate=rate))) for rate in (0.5, 1.6))
    assert slow / normal == pytest.approx(2.0, rel=0.15)
    assert fast / normal == pytest.approx(1 / 1.6, rel=0.15)
    assert len(joined(speak(voice, rate=50.0))) == len(joined(speak(voice, rate=3.0)))


def test_several_sentences_have_a_gap_and_one_end(voice: PiperOnnxVoice) -> None:
    chunks = speak(voice, "Stop. Go on!")
    assert [chunk.last for chunk in chunks].count(True) == 1
    samples = joined(chunks)
    quiet = np.abs(samples) == 0.0
    assert np.convolve(quiet, np.ones(RATE_HZ // 5), "valid").max() == RATE_HZ // 5


@pytest.mark.parametrize("text", ["", "  ", "...", "\x00\x07", "-"])
def test_nothing_to_say(voice: PiperOnnxVoice, text: str) -> None:
    with pytest.raises(EmptyText):
        speak(voice, text)


def test_emoji_and_control_characters_do_not_hurt(voice: PiperOnnxVoice) -> None:
    assert speak(voice, "\x00hello\x1b 🙂 \u202e there")[-1].last


def test_missing_phonemes_are_counted(voice: PiperOnnxVoice) -> None:
    assert voice.missing_phonemes == 0
    speak(voice, "[[h☃a]]")
    assert voice.missing_phonemes == 1


def test_a_megabyte_begins_to_sound_and_can_be_stopped(voice: PiperOnnxVoice) -> None:
    async def first_two() -> int:
        stream = voice.stream(Utterance("word " * 200_000))
        count = 0
        async for chunk in stream:
            count += len(chunk.samples)
            if count > 1000:
                break
        await stream.aclose()  # type: ignore[attr-defined]
        return count

    assert asyncio.run(first_two()) > 1000
    assert speak(voice, "Still here.")[-1].last


class SlowNetwork:
    """Stands before a network's first frame stage until told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered, self.go_on = threading.Event(), threading.Event()
        real_run = network_room.run_session

        def run(session: Any, feed: Any, switch: Any = None) -> Any:
            if "x" in feed:
                self.entered.set()
                assert self.go_on.wait(10)
            return real_run(session, feed, switch)

        monkeypatch.setattr(network_room, "run_session", run)


def test_cancelling_does_not_wait_for_the_network(
    voice: PiperOnnxVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowNetwork(monkeypatch)

    async def cancel_within() -> None:
        async def listen() -> None:
            async for _ in voice.stream(Utterance(TEXT)):
                pytest.fail("a chunk after the stop")

        task = asyncio.create_task(listen())
        await asyncio.to_thread(slow.entered.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task  # the thread is still inside the run: nobody has let it go
        assert not slow.go_on.is_set()
        slow.go_on.set()

    asyncio.run(cancel_within())
    # The stopped run ended by itself and the voice speaks on.
    assert speak(voice)[-1].last


def test_the_loop_stays_free_while_the_network_works(
    voice: PiperOnnxVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowNetwork(monkeypatch)

    async def both() -> bool:
        task = asyncio.create_task(anext(voice.stream(Utterance(TEXT))))  # type: ignore[arg-type]
        await asyncio.to_thread(slow.entered.wait, 10)
        for _ in range(50):
            await asyncio.sleep(0)
        free = not task.done()
        slow.go_on.set()
        await task
        return free

    assert asyncio.run(both())


def test_a_thrown_switch_ends_a_run(tiny: VoiceAssets) -> None:
    network, switch = VoiceNetwork(tiny, threads=1), StopSwitch()
    assert not switch.stopped
    switch.stop()
    assert switch.stopped
    with pytest.raises(NetworkStopped):
        network.encode([1, 0, 13, 0, 2], None, 0.0, switch=switch)


def spoil(change: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Any]:
    real_run = network_room.run_session

    def run(session: Any, feed: Any, switch: Any = None) -> Any:
        outputs = real_run(session, feed, switch)
        return [change(outputs[0]), *outputs[1:]] if "x" in feed else outputs

    return run


def nothing(y: np.ndarray) -> np.ndarray:
    return np.zeros_like(y)


def not_finite(y: np.ndarray) -> np.ndarray:
    return np.full_like(y, np.nan)


def too_short(y: np.ndarray) -> np.ndarray:
    return y[:, :, :-1]


@pytest.mark.parametrize(
    ("change", "said"), [(nothing, "silence"), (not_finite, "no samples"), (too_short, "shape")]
)
def test_garbage_is_not_played(
    voice: PiperOnnxVoice, monkeypatch: pytest.MonkeyPatch, change: Any, said: str
) -> None:
    monkeypatch.setattr(network_room, "run_session", spoil(change))
    with pytest.raises(VoiceFailed, match=said):
        speak(voice)


def test_running_out_of_memory_is_a_failure_of_the_voice(
    voice: PiperOnnxVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(voice_room, "sample_prior", no_memory)
    with pytest.raises(VoiceFailed, match="out of memory"):
        speak(voice)


def test_garbage_from_the_text_encoder_is_not_decoded(
    tiny: VoiceAssets, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = VoiceNetwork(tiny, threads=1)
    good = network_room.run_session
    monkeypatch.setattr(
        network_room,
        "run_session",
        lambda *args: [np.full_like(item, np.inf) for item in good(*args)],
    )
    with pytest.raises(NetworkFailed, match="not finite"):
        network.encode([1, 0, 2], None, 0.0)
    monkeypatch.setattr(
        network_room, "run_session", lambda *args: [item[..., :1] for item in good(*args)]
    )
    with pytest.raises(NetworkFailed, match="shape"):
        network.encode([1, 0, 2], None, 0.0)


def test_a_file_that_is_no_network_is_a_corrupt_voice(tiny: VoiceAssets, tmp_path: Path) -> None:
    broken = tmp_path / "text.onnx"
    broken.write_bytes(b"no network")
    voice = PiperOnnxVoice(dataclasses.replace(tiny, text_encoder=broken), SETTINGS)
    with pytest.raises(VoiceCorrupt):
        speak(voice)
    with pytest.raises(VoiceCorrupt):
        asyncio.run(voice.warm_up())
    voice.close()
    voice.close()


def test_a_closed_voice_says_so(tiny: VoiceAssets) -> None:
    voice = PiperOnnxVoice(tiny, SETTINGS)
    voice.close()
    with pytest.raises(VoiceFailed, match="closed"):
        speak(voice)


def test_wrong_input_fails_as_a_network(tiny: VoiceAssets) -> None:
    network = VoiceNetwork(tiny, threads=1)
    with pytest.raises(NetworkFailed):
        network.encode([10_000], None, 0.0)


def test_gain(tiny: VoiceAssets, voice: PiperOnnxVoice) -> None:
    quiet = PiperOnnxVoice(dataclasses.replace(tiny, gain_db=-6.0206), SETTINGS)
    np.testing.assert_allclose(joined(speak(quiet)) * 2, joined(speak(voice)), atol=1e-4)
    quiet.close()
    loud = PiperOnnxVoice(dataclasses.replace(tiny, gain_db=24.0), SETTINGS)
    assert np.abs(joined(speak(loud))).max() == 1.0
    loud.close()


def test_kept_frames_stay_inside() -> None:
    frames = np.array([18, 1, 4, 3, 2, 5, 6], dtype=np.int64)
    assert kept_frames(frames, 2, 2) == (14, 31)
    assert kept_frames(np.array([1, 1, 1], dtype=np.int64), 1, 1) == (0, 3)


def test_thread_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert thread_count(2) == 2
    for cores, expected in ((1, 1), (2, 1), (4, 3), (16, 3), (None, 1)):
        monkeypatch.setattr(voice_room.os, "cpu_count", lambda cores=cores: cores)
        assert thread_count(None) == expected
