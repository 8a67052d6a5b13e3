"""Narrower students."""

import numpy as np
import onnxruntime
import pytest
from student_fixtures import run_by_hand, tiny_weights

from voxedge.models.distil.graph import build_graph, empty_caches
from voxedge.models.distil.prune import prune
from voxedge.models.distil.shape import StudentShape, WeightsUnusable

SHAPE = StudentShape(
    latent_channels=5, channels=32, hidden=64, dilations=(1, 2), fft_size=64, hop=16, rate_hz=8000
)
PRIOR = np.random.default_rng(1).normal(size=(5, 30)).astype(np.float32)


def test_file_and_work_shrink_and_the_graph_runs():
    narrow, weights = prune(SHAPE, tiny_weights(shape=SHAPE), 0.5)
    assert (narrow.channels, narrow.hidden) == (16, 32)
    assert narrow.macs_per_frame < 0.6 * SHAPE.macs_per_frame
    model = build_graph(narrow, weights)
    assert model.ByteSize() < 0.7 * build_graph(SHAPE, tiny_weights(shape=SHAPE)).ByteSize()
    run = onnxruntime.InferenceSession(model.SerializeToString())
    feed = {"x": PRIOR[None], "tail": np.array([1]), **empty_caches(narrow)}
    given = run.run(None, feed)[0][0]
    assert np.abs(given - run_by_hand(narrow, weights, PRIOR)).max() < 1e-4


def test_units_that_do_nothing_go_first_and_cost_nothing():
    weights = tiny_weights(shape=SHAPE)
    idle = np.arange(0, 64, 2)
    for index in range(2):
        weights[f"blocks.{index}.contract.weight"][:, idle] = 0
    # Channels: all stay, because 0.1 of 32 rounds to none; of 64 units 8 go.
    narrow, left = prune(SHAPE, weights, 0.1)
    assert (narrow.channels, narrow.hidden) == (32, 56)
    before, after = run_by_hand(SHAPE, weights, PRIOR), run_by_hand(narrow, left, PRIOR)
    assert np.abs(before - after).max() < 1e-4


def test_nothing_to_remove_changes_nothing():
    weights = tiny_weights(shape=SHAPE)
    narrow, left = prune(SHAPE, weights, 0.0)
    assert narrow == SHAPE
    assert all(np.array_equal(left[name], value) for name, value in weights.items())


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_no_share(share):
    with pytest.raises(ValueError, match="no share"):
        prune(SHAPE, tiny_weights(shape=SHAPE), share)


def test_weights_of_another_shape():
    with pytest.raises(WeightsUnusable):
        prune(SHAPE, tiny_weights(), 0.3)
