"""Widening: a factor folded into the last layer, chosen by a judge within a bound."""

import numpy as np
import pytest
from student_fixtures import TINY, run_by_hand, tiny_weights

from voxedge.engines.tts.harmonic import HarmonicSynthesis
from voxedge.models.distil import spread

BINS = TINY.form.bins


def spoken(parameters: np.ndarray) -> np.ndarray:
    return HarmonicSynthesis(TINY.form).push(parameters.astype(np.float32), last=True)


@pytest.fixture(scope="module")
def parameters() -> list[np.ndarray]:
    """Two utterances, loud and quiet by turns."""
    rng = np.random.default_rng(3)
    made = []
    for _ in range(2):
        values = rng.normal(0, 0.2, (400, TINY.form.parameters)).astype(np.float32)
        values[:, :BINS] += 1.5 * np.sin(np.arange(400) / 40)[:, None]
        made.append(values)
    return made


def test_widened_weights_give_wider_levels_and_nothing_else():
    weights = tiny_weights()
    prior = np.random.default_rng(1).normal(size=(5, 30)).astype(np.float32)
    before = run_by_hand(TINY, weights, prior)
    mean = spread.mean_level(TINY, [before])
    after = run_by_hand(TINY, spread.widened(TINY, weights, mean, 1.5), prior)
    assert np.allclose(after[:, :BINS].mean(0), before[:, :BINS].mean(0), atol=1e-4)
    assert np.allclose(after[:, :BINS].std(0), 1.5 * before[:, :BINS].std(0), rtol=1e-3)
    assert np.array_equal(after[:, BINS:], before[:, BINS:])
    assert run_by_hand(TINY, weights, prior) == pytest.approx(before)  # the original is untouched


def test_a_dull_student_is_widened_to_what_its_teacher_is(parameters):
    mean = spread.mean_level(TINY, parameters)
    lively = []
    for values in parameters:
        wide = values.copy()
        wide[:, :BINS] = mean + 1.06 * (wide[:, :BINS] - mean)
        lively.append(spoken(wide))
    wanted = float(np.mean([samples.std() for samples in lively]))
    chosen = spread.choose(
        TINY, parameters, lively, lambda samples: -abs(float(samples.std()) - wanted)
    )
    assert chosen.factor == pytest.approx(1.06)
    assert chosen.distance[1] < 0.2 * chosen.distance[0]
    assert chosen.opinion[1] > chosen.opinion[0]


def test_a_judge_that_loves_contrast_does_not_decide_alone(parameters):
    theirs = [spoken(values) for values in parameters]
    chosen = spread.choose(TINY, parameters, theirs, lambda samples: float(samples.std()))
    assert chosen.factor == 1.0
    assert chosen.distance[0] == chosen.distance[1]


def test_a_judge_that_finds_nothing_better_changes_nothing(parameters):
    noisy = [
        spoken(values) + np.random.default_rng(5).normal(0, 0.1, 400 * TINY.hop).astype("f4")
        for values in parameters
    ]
    chosen = spread.choose(TINY, parameters, noisy, lambda samples: 3.0)
    assert (chosen.factor, chosen.opinion) == (1.0, (3.0, 3.0))
