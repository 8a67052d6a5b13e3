"""Durations to frames, frames to chunks."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.engines.tts.durations import allot_frames, chunk_plan

durations = st.lists(st.floats(0.0625, 12, width=32), min_size=1, max_size=120).map(
    lambda values: np.array(values, dtype=np.float32)
)


@given(durations, st.floats(0.5, 2))
def test_at_rate_one_it_is_pipers_rounding(values: np.ndarray, scale: float) -> None:
    expected = np.ceil(values * np.float32(scale)).astype(int)
    np.testing.assert_array_equal(allot_frames(values, scale, 1.0), expected)


@given(durations, st.floats(0.5, 3))
@settings(max_examples=200)
def test_the_total_follows_the_rate(values: np.ndarray, rate: float) -> None:
    natural = int(np.ceil(values).sum())
    frames = allot_frames(values, 1.0, rate)
    assert frames.min() >= 1
    target = natural / rate
    if rate == 1.0:
        return
    # At one stretch each token may step by one frame, all at the same time; never below one
    # frame a token.
    assert frames.sum() <= max(target, len(values))
    assert frames.sum() >= target - len(values)


def test_faster_never_lengthens_a_token() -> None:
    values = np.random.default_rng(1).uniform(0.3, 8, 60).astype(np.float32)
    before = allot_frames(values, 1.0, 0.5)
    for rate in (0.8, 1.0, 1.3, 1.7, 2.0, 3.0):
        after = allot_frames(values, 1.0, rate)
        assert (after <= before).all()
        before = after


@given(st.integers(1, 5000), st.integers(1, 40), st.floats(1, 3), st.integers(40, 200))
def test_a_plan_covers_everything(total: int, first: int, growth: float, largest: int) -> None:
    sizes = chunk_plan(total, first, growth, largest)
    assert sum(sizes) == total
    assert min(sizes) > 0
    assert sizes[0] == min(first, total) or len(sizes) == 1
    assert max(sizes) < largest + first + 1


def test_a_plan_begins_small_and_grows() -> None:
    assert chunk_plan(355, 16, 1.5, 96) == [16, 24, 36, 54, 81, 96, 48]
    assert chunk_plan(20, 16) == [20]
    assert chunk_plan(5, 16) == [5]
