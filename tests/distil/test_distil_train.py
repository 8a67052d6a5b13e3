"""Training itself, on a student of a few hundred weights."""

from dataclasses import replace

import numpy as np
import pytest
from student_fixtures import TINY, run_by_hand, tiny_weights

from voxedge.models.distil.teacher import Shard
from voxedge.models.distil.train import CheckpointUnusable, Guide, Training, train

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra 'build')")

FRAMES = 240


@pytest.fixture(scope="module")
def shard() -> Shard:
    rng = np.random.default_rng(0)
    times = np.arange(FRAMES * TINY.hop) / TINY.rate_hz
    audio = 0.3 * np.sin(2 * np.pi * 120 * times) + 0.02 * rng.normal(size=len(times))
    excitation = np.zeros(len(times))
    excitation[:: round(TINY.rate_hz / 120)] = 1
    return Shard(
        prior=rng.normal(size=(FRAMES, TINY.latent_channels)).astype(np.float16),
        audio=(audio * 32767).astype(np.int16),
        excitation=excitation.astype(np.float16),
        hz=np.full(FRAMES, 120, dtype=np.float32),
        voiced=np.ones(FRAMES, dtype=bool),
        offsets=np.array([0, FRAMES]),
    )


def how(steps: int, **change) -> Training:
    plan = {
        "steps": steps,
        "batch": 2,
        "frames": 220,
        "margin": 4,
        "judged_frames": 200,
        "judged_from": 0.5,
        "save_every": 2,
    }
    return Training(**(plan | change))


def test_the_trained_network_is_the_exported_network():
    from voxedge.models.distil.network import make_student

    weights = tiny_weights()
    student = make_student(TINY)
    student.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    prior = np.random.default_rng(1).normal(size=(5, 30)).astype(np.float32)
    with torch.no_grad():
        given = student.parameters_of(torch.from_numpy(prior.T.copy())[None])[0].numpy()
    assert np.abs(given - run_by_hand(TINY, weights, prior)).max() < 1e-4


def test_the_trained_sound_is_the_spoken_sound():
    from voxedge.engines.tts.harmonic import (
        PULSE_TAPS,
        HarmonicFormat,
        HarmonicSynthesis,
        add_pulses,
    )
    from voxedge.models.distil.network import make_student

    student = make_student(TINY)
    weights = {name: 0.2 * value for name, value in tiny_weights().items()}
    student.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    with torch.no_grad():
        student.output.weight[-1] = 0
        prior = torch.randn(1, 30, 5, generator=torch.Generator().manual_seed(0))
        parameters = student.parameters_of(prior)
        count = 30 * TINY.hop
        pitch_hz = 100 * float(parameters[0, 0, -1].exp())
        excitation = np.zeros(count + 4 * PULSE_TAPS)
        cycles = 0.5 / (2 * np.pi) + np.arange(len(excitation) + 1) * pitch_hz / TINY.rate_hz
        add_pulses(excitation, cycles, 0, 64)
        trained, _ = student(prior, torch.from_numpy(excitation[:count].astype(np.float32))[None])
    form = HarmonicFormat(TINY.fft_size, TINY.hop, TINY.rate_hz)
    spoken = HarmonicSynthesis(form).push(parameters[0].numpy(), last=True)
    # Pulses of the speaking voice run on a little past the end; a stretch in training ends there.
    inside = slice(TINY.fft_size, count - 2 * TINY.fft_size)
    level = np.abs(spoken).mean()
    difference = np.abs(trained[0].numpy() - spoken)[inside].max()
    assert difference < 1e-3 * level


def test_it_learns(shard, tmp_path):
    from voxedge.models.distil.train import _Run

    run = _Run(TINY, [shard], how(60, judged_from=1.0, learning_rate=0.05), None)
    losses = [run.advance()["mel"] for _ in range(60)]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_an_interrupted_training_ends_as_an_uninterrupted_one(shard, tmp_path):
    whole = train(TINY, [shard], tmp_path / "whole.pt", how(4))
    calls = []

    def stop() -> bool:
        calls.append(1)
        return len(calls) > 2

    train(TINY, [shard], tmp_path / "parts.pt", how(4), stop=stop)
    parts = train(TINY, [shard], tmp_path / "parts.pt", how(4))
    for name, value in whole.items():
        assert np.array_equal(value, parts[name]), name


def test_a_warm_start_begins_with_the_given_weights(shard, tmp_path):
    given = tiny_weights()
    kept = train(TINY, [shard], tmp_path / "c.pt", how(0), warm=given)
    assert all(np.array_equal(kept[name], value) for name, value in given.items())


def test_a_student_follows_its_guide_first(shard, tmp_path):
    from voxedge.models.distil.train import _Run

    wide = replace(TINY, hidden=24)
    guide = Guide(wide, tiny_weights(3, wide))
    run = _Run(TINY, [shard], how(100, guided_until=0.6, learning_rate=0.02), None, guide)
    losses = [run.advance() for _ in range(61)]
    followed = [item["guide"] for item in losses[:60]]
    assert np.mean(followed[-5:]) < 0.8 * np.mean(followed[:5])
    assert "guide" not in losses[60]
    assert "mel" in losses[60]


def test_the_guide_itself_has_no_distance_to_its_guide():
    from voxedge.models.distil.losses import guide_distance
    from voxedge.models.distil.network import part_sizes

    parameters = torch.randn(1, 7, TINY.form.parameters, generator=torch.Generator().manual_seed(0))
    turned = parameters.clone()
    turned[..., TINY.form.bins : 2 * TINY.form.bins] += 2 * np.pi
    sizes = part_sizes(TINY)
    assert float(guide_distance(turned, parameters, sizes)) < 1e-4
    assert float(guide_distance(0.9 * parameters, parameters, sizes)) > 0.01


def test_a_damaged_or_foreign_checkpoint_is_refused(shard, tmp_path):
    path = tmp_path / "c.pt"
    train(TINY, [shard], path, how(0))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointUnusable):
        train(TINY, [shard], path, how(1))
    torch.save({"format": 1, "shape": {}}, path)
    with pytest.raises(CheckpointUnusable):
        train(TINY, [shard], path, how(1))
