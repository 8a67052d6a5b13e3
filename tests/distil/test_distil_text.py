"""The text student without PyTorch: its file, its graph, its place in a voice."""

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from student_fixtures import TINY_TEXT, run_text_by_hand, tiny_text_weights, tiny_weights

from voxedge.engines.tts.network import VoiceNetwork
from voxedge.errors import VoiceCorrupt
from voxedge.models.build import build
from voxedge.models.distil.package import Student, load_student, priors, save_student
from voxedge.models.distil.recipe import (
    fitting_shape,
    install_student,
    installed_folder,
    open_installed,
)
from voxedge.models.distil.shape import WeightsUnusable
from voxedge.models.distil.text.graph import (
    LOG_FRAMES_MAX,
    build_text_graph,
    calibrate_text,
    text_feed,
    text_linear_names,
)
from voxedge.models.distil.text.package import TextStudent, load_text, save_text
from voxedge.models.distil.text.pairs import lines_to_say, load_text_shard, make_text_shards
from voxedge.models.distil.text.recipe import fitting_text_shape
from voxedge.models.distil.text.shape import (
    TextShape,
    load_text_weights,
    save_text_weights,
)
from voxedge.models.recipes import use_recipe
from voxedge.testing.tiny_voice import CHANNELS, write_tiny_voice

WEIGHTS = tiny_text_weights()
LATENT = TINY_TEXT.latent_channels


def session(int8=None, weights=WEIGHTS):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    model = build_text_graph(TINY_TEXT, weights, int8)
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


EXACT = session()


def some_ids(count, seed=0):
    return np.random.default_rng(seed).integers(0, TINY_TEXT.tokens, count)


@given(st.integers(1, 60), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_the_graph_is_the_network_at_every_length(count, seed):
    ids = some_ids(count, seed)
    mean, log_scale, durations = EXACT.run(None, text_feed(ids))
    wanted = run_text_by_hand(TINY_TEXT, WEIGHTS, ids)
    assert mean.shape == log_scale.shape == (1, LATENT, count)
    assert durations.shape == (1, 1, count)
    assert np.allclose(mean[0].T, wanted[:, :LATENT], atol=1e-4)
    assert np.allclose(log_scale[0].T, wanted[:, LATENT : 2 * LATENT], atol=1e-4)
    frames = np.exp(np.minimum(wanted[:, 2 * LATENT], LOG_FRAMES_MAX))
    assert np.allclose(durations[0, 0], frames, rtol=1e-3)


def test_noise_sways_durations_as_far_as_it_is_asked_to():
    ids, noise = some_ids(9), np.linspace(-2, 2, 9, dtype=np.float32)
    values = run_text_by_hand(TINY_TEXT, WEIGHTS, ids)[:, 2 * LATENT :]
    feed = text_feed(ids)
    feed["duration_noise"] = np.stack([noise, np.full(9, 99, dtype=np.float32)])[None]
    for scale in (0.0, 0.5, 1.0):
        feed["scales"] = np.array([9, 9, scale], dtype=np.float32)
        sway = values[:, 1] + np.exp(values[:, 2]) * noise
        wanted = np.exp(values[:, 0] + scale * sway)
        assert np.allclose(EXACT.run(None, feed)[2][0, 0], wanted, rtol=1e-3)


def test_an_unknown_phoneme_and_a_wild_duration_are_bounded():
    known = EXACT.run(None, text_feed(np.array([3, TINY_TEXT.tokens - 1, 2])))
    unknown = EXACT.run(None, text_feed(np.array([3, 10_000, 2])))
    assert np.array_equal(known[0], unknown[0])
    wild = {**WEIGHTS, "output.bias": np.full_like(WEIGHTS["output.bias"], 500)}
    durations = session(weights=wild).run(None, text_feed(np.array([1, 2])))[2]
    assert np.allclose(durations, np.exp(LOG_FRAMES_MAX))


def test_int8_stays_close_and_leaves_the_last_layer_exact():
    spans = calibrate_text(TINY_TEXT, WEIGHTS, [some_ids(30, seed) for seed in range(5)])
    assert [*spans] == text_linear_names(TINY_TEXT)
    assert "output" not in spans
    rounded, exact = session(spans), EXACT
    feed = text_feed(some_ids(30, 77))
    one, other = rounded.run(None, feed)[0], exact.run(None, feed)[0]
    assert 0 < np.abs(one - other).max() < 0.2 * np.abs(other).max()
    with pytest.raises(ValueError, match="nothing to calibrate"):
        calibrate_text(TINY_TEXT, WEIGHTS, [])


# -- its file -----------------------------------------------------------------------------------


def test_weights_survive_the_file(tmp_path):
    path = tmp_path / "x.npz"
    save_text_weights(path, TINY_TEXT, WEIGHTS)
    shape, weights = load_text_weights(path)
    assert shape == TINY_TEXT
    assert all(np.allclose(weights[name], WEIGHTS[name], atol=2e-3) for name in WEIGHTS)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"input.bias": None}, "input.bias is missing"),
        ({"input.bias": np.zeros(3)}, "instead of"),
        ({"input.bias": np.full(8, np.nan)}, "not finite"),
        ({"more": np.zeros(1)}, "belongs to no student"),
    ],
)
def test_weights_that_fit_no_network_are_refused(tmp_path, change, reason):
    weights = {k: v for k, v in {**WEIGHTS, **change}.items() if v is not None}
    save_text_weights(tmp_path / "x.npz", TINY_TEXT, weights)
    with pytest.raises(WeightsUnusable, match=reason):
        load_text_weights(tmp_path / "x.npz")


def test_sizes_that_make_no_network_are_refused(tmp_path):
    save_text_weights(tmp_path / "x.npz", TextShape(dilations=(1, 0)), {})
    with pytest.raises(WeightsUnusable, match="no network"):
        load_text_weights(tmp_path / "x.npz")


@pytest.mark.parametrize("damage", ["cut", "other", "description", "gone"])
def test_files_that_are_damaged_or_of_another_are_refused(tmp_path, damage):
    text = TextStudent(TINY_TEXT, WEIGHTS, {}, "a" * 64, "Trained.")
    save_text(tmp_path, "v", text)
    assert load_text(tmp_path, "v").training == "Trained."
    assert load_text(tmp_path, "w") is None
    weights, description = tmp_path / "v.text.npz", tmp_path / "v.text.json"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:400])
    elif damage == "other":
        save_text_weights(weights, TINY_TEXT, tiny_text_weights(seed=1))
    elif damage == "description":
        description.write_text("{}", encoding="utf-8")
    else:
        description.unlink()
    with pytest.raises(WeightsUnusable):
        load_text(tmp_path, "v")


# -- its place in a voice -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voice")
    model, config = write_tiny_voice(folder)
    return VoiceNetwork(build("tiny", model, config, folder / "built"), threads=1)


@pytest.fixture(scope="module")
def student(teacher):
    shape = fitting_shape(teacher)
    text_shape = fitting_text_shape(teacher, TINY_TEXT)
    weights = tiny_text_weights(shape=text_shape)
    origin = teacher.assets.model_sha256
    text = TextStudent(text_shape, weights, {}, origin)
    return Student(shape, tiny_weights(shape=shape), {}, origin, "", text)


def test_it_is_saved_and_loaded_with_its_voice(student, tmp_path):
    save_student(tmp_path, "tiny", student)
    loaded = load_student(tmp_path, "tiny")
    assert loaded.text.shape == student.text.shape
    (tmp_path / "tiny.text.npz").unlink()
    assert load_student(tmp_path, "tiny").text is None


def test_an_installed_voice_encodes_with_it(teacher, student, tmp_path):
    folder = installed_folder(tmp_path, student)
    install_student("tiny", student, teacher, folder)
    network = open_installed("tiny", student, teacher, folder)
    ids = [1, 4, 2, 7, 3]
    encoded = network.encode(ids, None, 0.0)
    wanted = run_text_by_hand(student.text.shape, student.text.weights, np.array(ids))
    assert np.allclose(encoded.mean.T, wanted[:, :CHANNELS], atol=1e-3)
    bare = Student(student.shape, student.weights, {}, student.origin_sha256)
    assert installed_folder(tmp_path, bare) != folder


def test_a_text_student_of_another_voice_is_refused(teacher, student, tmp_path):
    text = student.text
    foreign = TextStudent(text.shape, text.weights, {}, "f" * 64)
    other = Student(student.shape, student.weights, {}, student.origin_sha256, "", foreign)
    with pytest.raises(VoiceCorrupt, match="another model"):
        install_student("tiny", other, teacher, tmp_path / "s")


@pytest.mark.parametrize(("recipe", "exact"), [("student", False), ("fp32", True)])
def test_every_light_recipe_uses_it(teacher, student, recipe, exact):
    built = use_recipe(recipe, teacher.assets, student, None)
    assert built.light.text_encoder.name == "text_encoder.int8.onnx"
    assert built.light.recipe == recipe
    assert built.light.text_encoder != teacher.assets.text_encoder


def test_a_voice_with_several_speakers_keeps_its_own(tmp_path):
    model, config = write_tiny_voice(tmp_path, speakers=2)
    several = VoiceNetwork(build("two", model, config, tmp_path / "built"), threads=1)
    with pytest.raises(ValueError, match="several speakers"):
        fitting_text_shape(several)


# -- what it learns from ------------------------------------------------------------------------


def test_answers_of_the_teacher_are_kept_and_not_asked_again(teacher, tmp_path, monkeypatch):
    (path,) = make_text_shards(teacher, tmp_path, 6, seed=3)
    shard = load_text_shard(path)
    assert len(shard.offsets) == 7
    assert len(shard.ids) == shard.offsets[-1] == len(shard.noise)
    last = slice(shard.offsets[-2], shard.offsets[-1])
    answer = teacher.encode([int(token) for token in shard.ids[last]], None, 0.0)
    assert np.allclose(shard.mean[last], answer.mean.T, atol=2e-3)
    assert np.allclose(np.exp(shard.log_frames[last]), answer.durations, rtol=1e-4)
    assert np.abs(shard.swayed - shard.log_frames).max() > 0
    monkeypatch.setattr(teacher, "encode", None)
    assert make_text_shards(teacher, tmp_path, 6, seed=3) == [path]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="no shard"):
        load_text_shard(path)


def test_half_of_what_is_said_is_words_in_no_order(tmp_path):
    book = tmp_path / "book.txt"
    book.write_text("A sentence of its own stands here.\n%\nAnother one follows, it seems.")
    said = [line for line, _ in zip(lines_to_say(1, [book]), range(300), strict=False)]
    assert said == [line for line, _ in zip(lines_to_say(1, [book]), range(300), strict=False)]
    assert said != [line for line, _ in zip(lines_to_say(2, [book]), range(300), strict=False)]
    whole = said.count("Another one follows, it seems.")
    assert 20 < whole < 100
    assert any(len(line.split()) <= 2 for line in said)
    assert all(line[:1] == line[:1].upper() for line in said)


def test_priors_of_a_voice_come_from_the_original(teacher):
    assert next(priors(teacher)).shape[0] == CHANNELS
