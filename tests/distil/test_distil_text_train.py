"""Training a text student, on one of a few hundred weights."""

from dataclasses import replace

import numpy as np
import pytest
from student_fixtures import TINY_TEXT, run_text_by_hand, tiny_text_weights

from voxedge.engines.tts.network import VoiceNetwork
from voxedge.models.build import build
from voxedge.models.distil.text.graph import build_text_graph
from voxedge.models.distil.text.pairs import TextShard
from voxedge.models.distil.text.recipe import TextPlan, distil_text, fitting_text_shape
from voxedge.models.distil.text.train import Sentences, TextTraining, errors_of, train_text
from voxedge.models.distil.train import CheckpointUnusable
from voxedge.testing.tiny_voice import write_tiny_voice

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra 'build')")

HOW = TextTraining(steps=6, batch=4, save_every=2, held_out=3, learning_rate=3e-3)


@pytest.fixture(scope="module")
def shard() -> TextShard:
    """Forty sentences of a teacher that is itself a text student."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 30, 40)
    ids = [rng.integers(0, TINY_TEXT.tokens, count) for count in lengths]
    weights, latent = tiny_text_weights(seed=5), TINY_TEXT.latent_channels
    values = np.concatenate([run_text_by_hand(TINY_TEXT, weights, item) for item in ids])
    noise = rng.normal(size=len(values)).astype(np.float32)
    return TextShard(
        ids=np.concatenate(ids).astype(np.int16),
        mean=values[:, :latent].astype(np.float16),
        log_scale=values[:, latent : 2 * latent].astype(np.float16),
        log_frames=values[:, 2 * latent].astype(np.float32),
        swayed=(values[:, 2 * latent] + 0.3 * noise - 0.1).astype(np.float32),
        noise=noise,
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
    )


def test_the_trained_network_is_the_exported_network():
    from voxedge.models.distil.text.network import make_text_student

    weights = tiny_text_weights()
    student = make_text_student(TINY_TEXT)
    student.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    ids = np.random.default_rng(1).integers(0, TINY_TEXT.tokens, 13)
    wanted = run_text_by_hand(TINY_TEXT, weights, ids)
    # Filled up behind the end, as in a batch with a longer sentence.
    filled = np.zeros((1, 24), dtype=np.int64)
    filled[0, :13] = ids
    mask = np.zeros((1, 12), dtype=np.float32)
    mask[0, :7] = 1
    with torch.no_grad():
        said = student(torch.from_numpy(filled), torch.from_numpy(mask))
    assert np.allclose(said.mean[0, :13].numpy(), wanted[:, :5], atol=1e-4)
    assert np.allclose(said.log_frames[0, :13].numpy(), wanted[:, 10], atol=1e-4)


def test_it_learns(shard, tmp_path):
    how = replace(HOW, steps=300, average=0.95)
    weights = train_text(TINY_TEXT, [shard], tmp_path / "t.pt", how)
    kept = Sentences([shard], how.held_out)
    before, after = (
        errors_of(build_text_graph(TINY_TEXT, w).SerializeToString(), kept)
        for w in (tiny_text_weights(seed=9), weights)
    )
    assert after.mean < 0.5 * before.mean
    assert after.log_scale < before.log_scale
    assert after.log_frames < before.log_frames


def test_an_interrupted_training_ends_in_the_same_weights(shard, tmp_path):
    whole = train_text(TINY_TEXT, [shard], tmp_path / "a.pt", HOW)
    calls = iter([False, False, True])
    train_text(TINY_TEXT, [shard], tmp_path / "b.pt", HOW, stop=lambda: next(calls))
    again = train_text(TINY_TEXT, [shard], tmp_path / "b.pt", HOW)
    assert all(np.array_equal(whole[name], again[name]) for name in whole)


def test_a_foreign_checkpoint_is_refused(shard, tmp_path):
    path = tmp_path / "t.pt"
    train_text(TINY_TEXT, [shard], path, replace(HOW, steps=1))
    with pytest.raises(CheckpointUnusable, match="another text student"):
        train_text(replace(TINY_TEXT, hidden=16), [shard], path, HOW)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(CheckpointUnusable, match="does not load"):
        train_text(TINY_TEXT, [shard], path, HOW)


def test_batches_leave_out_what_is_kept_and_fill_up_little(shard):
    sentences = Sentences([shard], 3)
    assert [place[1] for place in sentences.kept] == shard.offsets[-4:-1].tolist()
    with pytest.raises(ValueError, match="too few"):
        Sentences([shard], 40)
    batches = sentences.draw(4, np.random.default_rng(0))
    assert len(batches) == 16
    share = np.mean([batch["counted"].mean() for batch in batches])
    assert share > 0.8
    assert all(batch["ids"].shape[1] == 2 * batch["mask"].shape[1] for batch in batches)


def test_from_voice_to_text_student(tmp_path):
    model, config = write_tiny_voice(tmp_path)
    teacher = VoiceNetwork(build("tiny", model, config, tmp_path / "built"), threads=1)
    shape = fitting_text_shape(teacher, TINY_TEXT)
    plan = TextPlan(8, shape=shape, training=HOW)
    work, sha = tmp_path / "work", teacher.assets.model_sha256
    text = distil_text("tiny", teacher, sha, work, tmp_path / "out", plan)
    assert "sentences kept out" in text.training
    assert (tmp_path / "out" / "tiny.text.npz").is_file()
    again = distil_text("tiny", teacher, sha, work, tmp_path / "out", plan)
    assert all(np.array_equal(again.weights[name], text.weights[name]) for name in text.weights)
    with pytest.raises(ValueError, match="not the voice's"):
        distil_text("tiny", teacher, sha, work, work, replace(plan, shape=TINY_TEXT))
