from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.audio.fades import EdgeFades, curve, fade_in, fade_out, frames_of, silence
from voxedge.audio.limiter import CEILING, KNEE, limit
from voxedge.audio.mixer import Mixer
from voxedge.audio.track import STALE, Track

RATE_HZ = 48_000
FADE = frames_of(8.0, RATE_HZ)
STEEPEST = 1.0001 * np.pi / 2 / FADE
"""The largest step between two samples that a raised-cosine fade of a constant 1 makes."""


def ones(frames):
    return np.ones(frames, dtype=np.float32)


def pull(track, frames, block=64):
    out = np.zeros(frames, dtype=np.float32)
    for start in range(0, frames, block):
        track.add_to(out[start : start + block])
    return out


def test_what_is_written_comes_out_unchanged_between_the_fades():
    track = Track(20_000, FADE)
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 10_000).astype(np.float32)
    assert track.push(noise, track.generation, last=True) == 10_000
    out = pull(track, 12_000, block=441)
    np.testing.assert_array_equal(out[FADE : 10_000 - FADE], noise[FADE : 10_000 - FADE])
    assert not np.any(out[10_000:])
    assert track.read == track.written == 10_000
    assert track.starved == 0


def test_stop_is_silent_after_one_fade_and_keeps_what_comes_later():
    track = Track(20_000, FADE)
    track.push(ones(15_000), track.generation)
    pull(track, 2_000)
    generation = track.stop()
    late = track.push(ones(100), generation - 1)
    assert late == STALE
    out = pull(track, 4_000)
    assert out[0] > 0.99
    assert not np.any(out[FADE:])
    assert np.abs(np.diff(out)).max() <= STEEPEST
    assert track.read == 15_000
    assert track.push(ones(1_000), generation, last=True) == 1_000
    assert pull(track, 1_000)[FADE:-FADE].min() == 1.0


def test_stop_within_a_block_lets_new_speech_begin_in_the_same_block():
    track = Track(20_000, FADE)
    track.push(ones(10_000), track.generation)
    pull(track, 2_000)
    track.push(ones(3_000), track.stop(), last=True)
    out = np.zeros(3 * FADE, dtype=np.float32)
    assert track.add_to(out) == len(out)
    assert out[FADE - 1] == 0.0
    assert out[2 * FADE] > 0.99
    assert np.abs(np.diff(out)).max() <= STEEPEST


def test_pause_holds_and_resume_goes_on_where_it_was():
    track = Track(50_000, FADE)
    ramp = np.linspace(0.5, 1.0, 40_000, dtype=np.float32)
    track.push(ramp, track.generation)
    pull(track, 4_800)
    track.pause()
    out = pull(track, 9_600)
    assert not np.any(out[FADE:])
    held = track.read
    pull(track, 9_600)
    assert track.read == held == 4_800 + FADE
    track.resume()
    out = pull(track, 4_800)
    np.testing.assert_allclose(out[FADE:], ramp[held + FADE : held + 4_800])


def test_stop_lifts_a_pause_without_letting_old_sound_through():
    track = Track(50_000, FADE)
    track.push(ones(40_000), track.generation)
    pull(track, 4_800)
    track.pause()
    pull(track, 4_800)
    generation = track.stop()
    assert not track.paused
    assert not np.any(pull(track, 4_800))
    track.push(0.5 * ones(1_000), generation, last=True)
    assert pull(track, 1_000).max() == pytest.approx(0.5)


def test_running_dry_fades_and_counts_only_in_the_middle_of_an_utterance():
    track = Track(20_000, FADE)
    track.push(ones(1_000), track.generation)
    out = pull(track, 3_000)
    assert track.starved == 1
    assert np.abs(np.diff(out)).max() <= STEEPEST
    track.push(ones(1_000), track.generation, last=True)
    out = pull(track, 3_000)
    assert track.starved == 1
    assert np.abs(np.diff(out)).max() <= STEEPEST


def test_ring_takes_no_more_than_fits_and_wraps():
    track = Track(1_000, FADE)
    count = np.arange(5_000, dtype=np.float32) / 5_000
    sent, heard = 0, []
    while sent < len(count):
        sent += track.push(count[sent:], track.generation, last=True)
        assert track.free >= 0
        heard.append(pull(track, 300, block=300))
    heard.append(pull(track, 1_500))
    assert np.concatenate(heard).max() <= 1.0
    assert track.read == 5_000


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("push"), st.integers(1, 3_000)),
            st.tuples(st.just("pull"), st.integers(1, 1_500)),
            st.tuples(st.just("late"), st.integers(1, 500)),
            st.tuples(st.sampled_from(["stop", "pause", "resume"]), st.just(0)),
        ),
        max_size=40,
    )
)
def test_no_click_and_no_old_sound_whatever_happens(steps):
    """Constant 1 goes in; each generation has a sign, so old sound would show."""
    track = Track(4_000, FADE)
    heard = [np.zeros(1, dtype=np.float32)]
    since_stop = None
    for step, amount in steps:
        sign = 1.0 if track.generation % 2 == 0 else -1.0
        if step == "push":
            track.push(np.float32(sign) * ones(amount), track.generation)
        elif step == "late" and track.generation:
            assert track.push(ones(amount), track.generation - 1) == STALE
        elif step == "stop":
            track.stop()
            since_stop = 0
        elif step == "pause":
            track.pause()
        elif step == "resume":
            track.resume()
        elif step == "pull":
            out = np.zeros(amount, dtype=np.float32)
            track.add_to(out)
            heard.append(out)
            if since_stop is not None:
                current = out[max(0, FADE - since_stop) :]
                assert not np.any(current * sign < 0), "sound of a stopped generation"
                since_stop += amount
        assert 0 <= track.read <= track.written
    steps_made = np.abs(np.diff(np.concatenate(heard)))
    assert steps_made.max(initial=0.0) <= STEEPEST


def test_mixer_ties_frames_to_the_clock():
    mixer = Mixer(RATE_HZ, 1_000.0)
    mixer.speech.push(ones(4_800), 0, last=True)
    out = np.zeros(4_800 + 480, dtype=np.float32)
    mixer.render(out, due_s=10.0)
    assert mixer.played.frames == 4_800
    assert mixer.played.due_s == pytest.approx(10.1)
    mixer.render(out, due_s=10.2)
    assert mixer.played.due_s == pytest.approx(10.1), "silence after speech moves nothing"
    assert mixer.rendered == 2 * len(out)


def test_volume_moves_along_a_ramp_and_never_clips():
    mixer = Mixer(RATE_HZ, 1_000.0)
    mixer.speech.push(0.5 * ones(40_000), 0, last=True)
    out = np.zeros(30_000, dtype=np.float32)
    mixer.render(out[:4_800], 0.0)
    mixer.volume = 4.0
    for start in range(4_800, 30_000, 480):
        mixer.render(out[start : start + 480], 0.0)
    assert out[4_799] == pytest.approx(0.5)
    assert 0.95 < out[-1] < 1.0
    assert np.abs(np.diff(out[4_000:])).max() < 0.01


def test_earcon_sounds_over_paused_speech():
    mixer = Mixer(RATE_HZ, 1_000.0)
    mixer.speech.pause()
    mixer.speech.push(ones(4_800), 0)
    mixer.earcons.push(0.3 * ones(2_400), 0, last=True)
    out = np.zeros(4_800, dtype=np.float32)
    mixer.render(out, 0.0)
    assert out.max() == pytest.approx(0.3)
    assert not np.any(out[2_400:])


@pytest.mark.parametrize("volume", [-0.1, 4.1, float("nan")])
def test_volume_out_of_range(volume):
    with pytest.raises(ValueError, match="volume"):
        Mixer(RATE_HZ, 100.0, volume)


@given(st.lists(st.floats(width=32), max_size=50))
def test_limiter_is_the_identity_below_the_knee_and_bounded_above(values):
    samples = np.array(values, dtype=np.float32)
    before = samples.copy()
    limit(samples)
    assert np.isfinite(samples).all()
    assert (np.abs(samples) <= CEILING).all()
    quiet = np.abs(before) <= KNEE
    np.testing.assert_array_equal(samples[quiet], before[quiet])
    finite = np.isfinite(before)
    assert (np.sign(samples[finite]) == np.sign(before[finite])).all()


def test_limiter_is_monotone():
    samples = np.linspace(-3, 3, 1001, dtype=np.float32)
    limit(samples)
    assert (np.diff(samples) >= 0).all()


def test_fades_touch_only_the_edges():
    samples = ones(1_000)
    assert fade_in(samples, 100)[0] == 0.0
    assert fade_in(samples, 100)[100:].min() == 1.0
    assert fade_out(samples, 100)[-1] == pytest.approx(curve(100)[0])
    assert fade_out(samples, 100)[:900].min() == 1.0
    assert samples.min() == 1.0, "the original is not touched"
    assert len(fade_out(ones(3), 100)) == 3
    assert len(silence(10.0, 16_000)) == 160
    assert len(silence(-1.0, 16_000)) == 0


@given(st.lists(st.integers(0, 700), min_size=1, max_size=12))
def test_edge_fades_do_not_depend_on_how_the_sound_is_cut(sizes):
    whole = ones(sum(sizes))
    fader = EdgeFades(100)
    parts = []
    for i, size in enumerate(sizes):
        parts.append(fader.process(ones(size), last=i == len(sizes) - 1))
    got = np.concatenate(parts)
    rising = whole.copy()
    count = min(100, len(whole))
    rising[:count] *= curve(100)[:count]
    np.testing.assert_allclose(got, fade_out(rising, 100), atol=1e-6)
