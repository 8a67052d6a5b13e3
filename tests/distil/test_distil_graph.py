"""The student as an ONNX graph."""

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from student_fixtures import TINY, run_by_hand, tiny_weights

from voxedge.models.distil.graph import (
    build_graph,
    empty_caches,
    first_frames,
    linear_names,
)
from voxedge.models.distil.shape import WeightsUnusable
from voxedge.models.graph.builder import Range, tap_inputs

WEIGHTS = tiny_weights()


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


@pytest.fixture(scope="module")
def plain():
    return session(build_graph(TINY, WEIGHTS))


def stream(run, prior, sizes):
    caches, parts, at = empty_caches(TINY), [], 0
    for number, size in enumerate(sizes):
        last = number == len(sizes) - 1
        feed = {"x": prior[None, :, at : at + size], "tail": np.array([int(last)])}
        y, *kept = run.run(None, {**feed, **caches})
        caches = {f"cache.{i}": value for i, value in enumerate(kept)}
        parts.append(y[0])
        at += size
    return np.concatenate(parts)


def draw_prior(count, seed=1):
    return np.random.default_rng(seed).normal(size=(5, count)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 4, 40])
def test_the_graph_is_the_network(plain, count):
    prior = draw_prior(count)
    assert np.abs(stream(plain, prior, [count]) - run_by_hand(TINY, WEIGHTS, prior)).max() < 1e-4


@settings(max_examples=30)
@given(st.lists(st.integers(1, 12), max_size=6))
def test_any_split_gives_what_the_whole_gives(sizes):
    run = session(build_graph(TINY, WEIGHTS))
    sizes = [first_frames(TINY), *sizes]
    prior = draw_prior(sum(sizes))
    whole = stream(run, prior, [sum(sizes)])
    assert np.abs(stream(run, prior, sizes) - whole).max() < 1e-5


def test_context_is_what_a_frame_hangs_on():
    prior = draw_prior(60)
    changed = prior.copy()
    changed[:, 30] += 5
    differs = np.abs(run_by_hand(TINY, WEIGHTS, prior) - run_by_hand(TINY, WEIGHTS, changed))
    touched = np.flatnonzero(differs.max(axis=1) > 1e-7)
    assert 30 - touched.min() == TINY.context
    assert touched.max() - 30 == TINY.context


def test_int8_stays_near_and_is_really_int8(plain):
    prior = draw_prior(50)
    model = build_graph(TINY, WEIGHTS)
    taps = tap_inputs(model, linear_names(TINY))
    values = session(model).run(
        list(taps.values()),
        {"x": prior[None], "tail": np.array([1]), **empty_caches(TINY)},
    )
    ranges = {
        name: Range(float(value.min()), float(value.max()))
        for name, value in zip(taps, values, strict=True)
    }
    assert set(ranges) == set(linear_names(TINY))
    light = build_graph(TINY, WEIGHTS, ranges)
    onnx.checker.check_model(light)
    assert sum(item.data_type == onnx.TensorProto.INT8 for item in light.graph.initializer) >= len(
        ranges
    )
    whole, rough = stream(plain, prior, [50]), stream(session(light), prior, [50])
    error = np.abs(rough - whole).mean() / np.abs(whole).mean()
    assert 1e-6 < error < 0.1


@pytest.mark.parametrize("fault", ["missing", "shape", "nan", "extra"])
def test_weights_of_another_network_are_refused(fault):
    weights = dict(WEIGHTS)
    if fault == "missing":
        del weights["output.bias"]
    elif fault == "shape":
        weights["input.bias"] = np.zeros(3, dtype=np.float32)
    elif fault == "nan":
        weights["input.bias"] = np.full(8, np.nan, dtype=np.float32)
    else:
        weights["surplus"] = np.zeros(1, dtype=np.float32)
    with pytest.raises(WeightsUnusable):
        build_graph(TINY, weights)
