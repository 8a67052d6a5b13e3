"""Time compression: length, pitch, loudness, and no trace of the chunking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.engines.tts.compress import TimeCompressor

RATE = 22_050


def hum(seconds: float = 1.0, hertz: float = 150.0) -> np.ndarray:
    time_s = np.arange(int(RATE * seconds)) / RATE
    tone = sum(np.sin(2 * np.pi * hertz * k * time_s) / k for k in range(1, 6))
    return np.asarray(0.2 * tone, dtype=np.float32)


def whole(samples: np.ndarray, speed: float) -> np.ndarray:
    return TimeCompressor(speed, RATE).push(samples, last=True)


@pytest.mark.parametrize("speed", [1.0, 1.25, 1.6, 2.0, 3.0])
def test_shorter_by_the_speed_at_the_same_pitch_and_loudness(speed: float) -> None:
    sound = hum()
    short = whole(sound, speed)
    assert short.dtype == np.float32
    assert len(short) == round(len(sound) / speed)
    middle = short[len(short) // 4 : -len(short) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * RATE / len(middle) == pytest.approx(150, abs=RATE / len(middle))
    assert np.std(middle) == pytest.approx(np.std(sound), rel=0.05)


def test_speed_one_is_the_sound_itself() -> None:
    sound = hum(0.3)
    np.testing.assert_allclose(whole(sound, 1.0)[:-600], sound[:-600], atol=1e-5)


@given(st.lists(st.integers(0, 4000), max_size=12), st.floats(1.0, 3.0))
@settings(max_examples=30, deadline=None)
def test_chunking_leaves_no_trace(cuts: list[int], speed: float) -> None:
    sound = hum(0.4) * np.linspace(0.2, 1.0, int(RATE * 0.4), dtype=np.float32)
    compressor = TimeCompressor(speed, RATE)
    parts = np.split(sound, sorted(min(cut, len(sound)) for cut in cuts))
    pushed = [compressor.push(part) for part in parts]
    joined = np.concatenate([*pushed, compressor.push(sound[:0], last=True)])
    np.testing.assert_array_equal(joined, whole(sound, speed))


@pytest.mark.parametrize("length", [0, 1, 10, 263, 264, 265, 700])
def test_very_short_sounds(length: int) -> None:
    assert len(whole(hum()[:length], 2.0)) == round(length / 2.0)


def test_silence_stays_silence() -> None:
    assert not whole(np.zeros(5000, dtype=np.float32), 2.0).any()
