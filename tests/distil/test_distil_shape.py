"""Weights on disk."""

import json

import numpy as np
import pytest
from student_fixtures import TINY, tiny_weights

from voxedge.models.distil.shape import StudentShape, WeightsUnusable, load_weights, save_weights


def test_weights_come_back_in_half_precision(tmp_path):
    weights = tiny_weights()
    save_weights(tmp_path / "s.npz", TINY, weights)
    shape, loaded = load_weights(tmp_path / "s.npz")
    assert shape == TINY
    for name, value in weights.items():
        assert loaded[name].dtype == np.float32
        assert np.abs(loaded[name] - value).max() <= 1e-3 * max(1, np.abs(value).max())


@pytest.mark.parametrize("cut", [0, 10, 2000])
def test_a_truncated_file_is_refused(tmp_path, cut):
    path = tmp_path / "s.npz"
    save_weights(path, TINY, tiny_weights())
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(WeightsUnusable):
        load_weights(path)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 9},
        {"shape": {}},
        {"shape": {"hop": 15}},
        {"shape": {"channels": 0}},
        {"shape": {"dilations": "no"}},
    ],
)
def test_a_wrong_description_is_refused(tmp_path, change):
    path = tmp_path / "s.npz"
    save_weights(path, TINY, tiny_weights())
    with np.load(path) as archive:
        arrays = dict(archive)
    meta = json.loads(str(arrays["meta"]))
    if change.get("shape"):
        meta["shape"] |= change["shape"]
    else:
        meta |= change
    arrays["meta"] = np.array(json.dumps(meta))
    np.savez(path, **arrays)
    with pytest.raises(WeightsUnusable):
        load_weights(path)


def test_a_missing_file_is_told_as_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_weights(tmp_path / "none.npz")


def test_the_default_student_is_a_ninth_of_what_it_replaces():
    shape = StudentShape()
    # en_US-joe-medium: 2.92 GMAC a second of audio less 0.35 of the text encoder.
    original = 2.57e9 / (shape.rate_hz / shape.hop)
    assert shape.macs_per_frame < original / 9
    assert shape.context == 51
