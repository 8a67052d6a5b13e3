"""Pitch and pulses of clean speech-like sound."""

import numpy as np
import pytest

from voxedge.models.distil.pitch import analyse, track, usual_pitch

RATE, HOP = 22050, 256


def buzz(hz_at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Negative pulses at a given pitch through two formants; the pulses' places."""
    cycles = np.cumsum(hz_at) / RATE
    places = np.flatnonzero(np.diff(np.floor(cycles))) + 1
    source = np.zeros(len(hz_at))
    source[places] = -1.0
    t = np.arange(400) / RATE
    sound = sum(
        np.convolve(source, np.exp(-t * 400) * np.cos(2 * np.pi * f * t))[: len(source)]
        for f in (600, 1800)
    )
    return 0.3 * sound, places


@pytest.mark.parametrize("hz", [75.0, 110.0, 210.0])
def test_a_steady_pitch_is_found(hz):
    sound, _ = buzz(np.full(RATE, hz))
    found, voiced = track(sound, RATE, HOP)
    assert voiced[4:-4].mean() > 0.95
    assert np.abs(found[8:-8] / hz - 1).max() < 0.03


def test_a_glide_is_followed_and_its_pulses_are_where_they_are():
    hz_at = np.linspace(90, 150, 2 * RATE)
    sound, places = buzz(hz_at)
    pitch = analyse(sound[: len(sound) // HOP * HOP], RATE, HOP)
    centres = np.arange(len(pitch.hz)) * HOP + HOP // 2
    middle = slice(10, -10)
    assert np.abs(pitch.hz[middle] / hz_at[centres][middle] - 1).max() < 0.04
    peaks = np.flatnonzero(pitch.excitation > 0.25 * pitch.excitation.max())
    inside = places[20:-26]
    nearest = np.abs(inside[:, None] - peaks[None, :]).min(axis=1)
    # Half a radian of the period comes before the mark; formants move the peak by a few samples.
    assert np.quantile(nearest, 0.9) < 0.15 * RATE / 90
    assert np.quantile(nearest, 0.95) - np.quantile(nearest, 0.05) < 0.05 * RATE / 90


def test_silence_and_noise_have_no_voice_and_a_running_pulse_train():
    noise = 1e-3 * np.random.default_rng(0).normal(size=40 * HOP)
    for sound in (np.zeros(40 * HOP), noise):
        pitch = analyse(sound, RATE, HOP)
        assert not pitch.voiced.any()
        assert np.isfinite(pitch.hz).all()
        assert pitch.excitation.max() > 0


def test_the_shortest_sound():
    pitch = analyse(np.zeros(HOP), RATE, HOP)
    assert pitch.hz.shape == (1,)
    assert pitch.excitation.shape == (HOP,)
    assert track(np.zeros(3), RATE, HOP)[0].size == 0


def test_a_rising_and_falling_melody_keeps_its_octave():
    t = np.arange(2 * RATE) / RATE
    hz_at = 95 + 25 * np.sin(2 * np.pi * 1.5 * t)
    sound, _ = buzz(hz_at)
    found, voiced = track(sound, RATE, HOP)
    centres = np.arange(len(found)) * HOP + HOP // 2
    assert np.abs(np.log2(found / hz_at[centres]))[voiced].max() < 0.2


def test_the_usual_pitch_is_the_median_of_what_is_voiced():
    tracks = [track(buzz(np.full(RATE, hz))[0], RATE, HOP) for hz in (90.0, 100.0, 200.0)]
    silence = track(np.zeros(RATE), RATE, HOP)
    assert abs(usual_pitch([*tracks, silence]) - 100) < 3
    assert usual_pitch([silence]) is None
