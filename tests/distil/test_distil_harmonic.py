"""Spectral parameters to samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.engines.tts.harmonic import HarmonicFormat, HarmonicSynthesis, add_pulses, hann

FORM = HarmonicFormat(fft_size=64, hop=16, rate_hz=8000)


def frames(count: int, form: HarmonicFormat = FORM, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    parameters = rng.normal(0, 0.7, (count, form.parameters)).astype(np.float32)
    parameters[:, -1] = np.log(1.5) + 0.3 * np.sin(np.arange(count) / 5)
    return parameters


def tone(form: HarmonicFormat, count: int, pitch_hz: float) -> np.ndarray:
    """Only pulses, through a filter that changes nothing."""
    parameters = np.zeros((count, form.parameters), dtype=np.float32)
    parameters[:, : form.bins] = -30
    parameters[:, -1] = np.log(pitch_hz / 100)
    return parameters


@settings(max_examples=30)
@given(st.lists(st.integers(0, 9), max_size=8))
def test_any_split_gives_the_samples_of_the_whole(sizes):
    total = sum(sizes) + 7
    parameters = frames(total)
    whole = HarmonicSynthesis(FORM).push(parameters, last=True)
    assert whole.shape == (total * FORM.hop,)
    synthesis, parts, at = HarmonicSynthesis(FORM), [], 0
    for size in sizes:
        parts.append(synthesis.push(parameters[at : at + size]))
        at += size
    parts.append(synthesis.push(parameters[at:], last=True))
    assert np.abs(np.concatenate(parts) - whole).max() < 1e-5


def test_the_end_may_come_without_frames():
    parameters = frames(12)
    synthesis = HarmonicSynthesis(FORM)
    parts = [synthesis.push(parameters), synthesis.push(parameters[:0], last=True)]
    whole = HarmonicSynthesis(FORM).push(parameters, last=True)
    assert np.abs(np.concatenate(parts) - whole).max() < 1e-5


def test_nothing_gives_nothing():
    empty = np.zeros((0, FORM.parameters), dtype=np.float32)
    assert HarmonicSynthesis(FORM).push(empty, last=True).size == 0


def test_samples_come_after_the_promised_lookahead():
    synthesis = HarmonicSynthesis(FORM)
    got = sum(len(synthesis.push(frames(1, seed=i))) for i in range(20))
    assert got >= (20 - HarmonicSynthesis.lookahead) * FORM.hop


@pytest.mark.parametrize("pitch_hz", [80.0, 125.0, 230.0])
def test_harmonics_stand_at_multiples_of_the_pitch(pitch_hz):
    form = HarmonicFormat()
    samples = HarmonicSynthesis(form).push(tone(form, 200, pitch_hz), last=True)
    middle = samples[8192 : 8192 + 16384]
    spectrum = np.abs(np.fft.rfft(middle * hann(16384)))
    bin_hz = form.rate_hz / 16384
    for harmonic in (1, 5, 20, 40):
        at = harmonic * pitch_hz / bin_hz
        near = spectrum[int(at) - 3 : int(at) + 5]
        between = spectrum[int(at + pitch_hz / bin_hz / 2) - 3 :][:6]
        assert near.max() > 30 * between.max(), harmonic
        assert abs(int(at) - 3 + near.argmax() - at) < 1.5, harmonic


def test_all_harmonics_are_equally_loud_at_any_pitch():
    form = HarmonicFormat()
    peaks = []
    for pitch_hz in (90.0, 180.0):
        excitation = np.zeros(22050)
        add_pulses(excitation, np.arange(22051) * pitch_hz / form.rate_hz + 0.3, 0)
        frame = np.abs(np.fft.rfft(excitation[5000:6024] * hann(1024)))
        peaks += [frame[round(k * pitch_hz * 1024 / form.rate_hz)] for k in (2, 10, 30)]
    assert min(peaks) > 0.75
    assert max(peaks) < 1.1


@pytest.mark.parametrize("garbage", [np.nan, 1e9, -1e9])
def test_a_garbled_pitch_neither_hangs_nor_blasts(garbage):
    parameters = frames(30)
    parameters[10:20, -1] = garbage
    samples = HarmonicSynthesis(FORM).push(parameters, last=True)
    assert np.isfinite(samples).all()


def test_levels_are_bounded():
    parameters = frames(30)
    parameters[:, :-1] = 1e4
    samples = HarmonicSynthesis(FORM).push(parameters, last=True)
    assert np.abs(samples).max() < 1e4
