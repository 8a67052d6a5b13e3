"""Teacher pairs from the tiny voice, and students of it on disk."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from student_fixtures import tiny_weights

from voxedge.engines.tts.network import NetworkFailed, NetworkStopped, StopSwitch, VoiceNetwork
from voxedge.engines.tts.student import StudentDecoder, StudentNetwork
from voxedge.models.build import build
from voxedge.models.distil.package import (
    Student,
    load_student,
    priors,
    save_student,
    student_files,
    text_feeds,
    write_graph,
    write_text_encoder,
)
from voxedge.models.distil.quantize import (
    by_sensitivity,
    calibrate,
    most_int8,
    quantize_text_encoder,
)
from voxedge.models.distil.shape import StudentShape, WeightsUnusable
from voxedge.models.distil.teacher import Segments, load_shard, make_shards
from voxedge.models.graph.builder import Range
from voxedge.testing.tiny_voice import CHANNELS, HOP, RATE_HZ, write_tiny_voice

SHAPE = StudentShape(
    latent_channels=CHANNELS,
    channels=8,
    hidden=12,
    dilations=(1, 2),
    fft_size=4 * HOP,
    hop=HOP,
    rate_hz=RATE_HZ,
)


@pytest.fixture(scope="module", params=[1, 3], ids=["one speaker", "three speakers"])
def teacher(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("voice")
    model, config = write_tiny_voice(folder, speakers=request.param)
    return VoiceNetwork(build("tiny", model, config, folder / "built"), threads=1)


def student(teacher) -> Student:
    weights = tiny_weights(shape=SHAPE)
    few = [prior for prior, _ in zip(priors(teacher), range(3), strict=False)]
    return Student(SHAPE, weights, calibrate(SHAPE, weights, few), "0" * 64)


def test_shards_are_made_once_and_hold_what_the_teacher_says(teacher, tmp_path):
    paths = make_shards(teacher, tmp_path, minutes=0.1, shard_minutes=0.05, seed=2)
    assert len(paths) == 2
    stamps = [path.stat().st_mtime_ns for path in paths]
    paths[1].unlink()
    again = make_shards(teacher, tmp_path, minutes=0.1, shard_minutes=0.05, seed=2)
    assert again == paths
    assert paths[0].stat().st_mtime_ns == stamps[0]
    shard = load_shard(paths[1])
    frames = int(shard.offsets[-1])
    assert shard.prior.shape == (frames, CHANNELS)
    assert shard.audio.shape == shard.excitation.shape == (frames * HOP,)
    begin, end = shard.offsets[:2]
    if teacher.assets.config.speakers == 1:
        prior = shard.prior[begin:end].T.astype(np.float32)
        spoken = next(teacher.decode(prior, [end - begin]))
        kept = shard.audio[begin * HOP : end * HOP] / 32768
        assert np.abs(kept - np.clip(spoken, -1, 1)).max() < 0.01


def test_a_damaged_shard_is_told(tmp_path):
    path = tmp_path / "pairs.npz"
    np.savez(path, prior=np.zeros(3))
    with pytest.raises(ValueError, match="no shard"):
        load_shard(path)


def test_stretches_are_aligned_and_may_reach_over_edges(teacher, tmp_path):
    shard = load_shard(make_shards(teacher, tmp_path, 0.05, 0.05)[0])
    segments = Segments([shard], frames=20, margin=4, hop=HOP)
    batch = segments.draw(600, np.random.default_rng(0))
    assert batch["prior"].shape == (600, 20, CHANNELS)
    assert batch["audio"].shape == (600, 20 * HOP)
    silent = ~batch["prior"].any(axis=2)
    assert silent.any()
    sound = batch["audio"].reshape(600, 20, HOP)
    assert not sound[silent].any()
    assert not batch["weight"][silent].any()
    row, frame = np.argwhere(~silent)[5]
    place = np.flatnonzero((shard.prior == batch["prior"][row, frame].astype(np.float16)).all(1))
    there = shard.audio.reshape(-1, HOP)[place] / 32768
    assert np.abs(there - sound[row, frame]).max(axis=1).min() < 1e-6


def test_no_pairs_no_training():
    with pytest.raises(ValueError, match="no teacher pairs"):
        Segments([], 20, 4, HOP)


def test_a_student_comes_back_from_disk(teacher, tmp_path):
    saved = student(teacher)
    save_student(tmp_path, "tiny", saved)
    loaded = load_student(tmp_path, "tiny")
    assert loaded.shape == saved.shape
    assert loaded.int8 == dict(saved.int8)
    assert loaded.origin_sha256 == saved.origin_sha256


@pytest.mark.parametrize("damage", ["{", "{}", '{"format": 7}', '{"format": 1, "int8": []}'])
def test_a_damaged_description_is_refused(teacher, tmp_path, damage):
    save_student(tmp_path, "tiny", student(teacher))
    (tmp_path / "tiny.json").write_text(damage, encoding="utf-8")
    with pytest.raises(WeightsUnusable):
        load_student(tmp_path, "tiny")


def test_a_student_speaks_in_chunks_as_it_speaks_in_one(teacher, tmp_path):
    files = write_graph(student(teacher), tmp_path)
    network = StudentNetwork(teacher.assets, teacher.assets.text_encoder, files, threads=1)
    ids = next(text_feeds(teacher))["input"][0].tolist()
    own, whole_voice = network.encode(ids, None, 0.0), teacher.encode(ids, None, 0.0)
    assert np.array_equal(own.mean, whole_voice.mean)
    prior = next(priors(teacher))
    total = prior.shape[1]
    whole = next(network.decode(prior, [total]))
    assert whole.shape == (total * HOP,)
    for sizes, start in (([5, 9, total - 14], 0), ([1] * (total - 3), 3), ([total - 10], 10)):
        parts = list(network.decode(prior, sizes, start))
        assert [len(part) for part in parts] == [size * HOP for size in sizes]
        assert np.abs(np.concatenate(parts) - whole[start * HOP :]).max() < 1e-4


def test_a_short_utterance_is_spoken(teacher, tmp_path):
    files = write_graph(student(teacher), tmp_path)
    prior = next(priors(teacher))[:, :2]
    assert len(next(StudentDecoder(files, 1).decode(prior, [2]))) == 2 * HOP


def test_a_stopped_student_stops(teacher, tmp_path):
    files = write_graph(student(teacher), tmp_path)
    switch = StopSwitch()
    switch.stop()
    prior = next(priors(teacher))
    with pytest.raises(NetworkStopped):
        next(StudentDecoder(files, 1).decode(prior, [4], switch=switch))


def test_a_graph_of_another_student_is_told(teacher, tmp_path):
    files = write_graph(student(teacher), tmp_path)
    wrong = replace(files, form=replace(files.form, fft_size=256, hop=64))
    prior = next(priors(teacher))
    with pytest.raises(NetworkFailed, match="wrong shape"):
        next(StudentDecoder(wrong, 1).decode(prior, [4]))


def test_a_missing_graph_is_told(tmp_path):
    with pytest.raises(NetworkFailed):
        StudentDecoder(student_files(SHAPE, tmp_path / "none.onnx"), 1)


def test_the_light_text_encoder_keeps_its_timing(teacher, tmp_path):
    path = write_text_encoder(teacher, tmp_path)
    light = VoiceNetwork(replace(teacher.assets, text_encoder=path), threads=1)
    ids = next(text_feeds(teacher))["input"][0].tolist()
    before, after = (network.encode(ids, None, 0.0) for network in (teacher, light))
    # The tiny voice has a single weighted layer there: its last projection, which stays in fp32.
    assert np.abs(after.mean - before.mean).max() < 1e-4
    assert np.abs(after.durations - before.durations).max() < 1e-3


def test_what_stays_in_fp32_of_a_text_encoder(tmp_path):
    rng = np.random.default_rng(0)

    def weight(name, *size):
        return numpy_helper.from_array(rng.normal(0, 0.4, size).astype(np.float32), name)

    def node(kind, name, inputs, out):
        return helper.make_node(kind, inputs, [out], name=name)

    size = [1, 8, "tokens"]
    model = helper.make_model(
        helper.make_graph(
            [
                node("Conv", "first", ["x", "w1"], "a"),
                node("Transpose", "turn", ["a"], "b"),
                node("MatMul", "attention", ["a", "b"], "c"),
                node("MatMul", "attended", ["c", "a"], "d"),
                node("Conv", "second", ["d", "w2"], "mean"),
                node("Conv", "predictor", ["a", "w3"], "durations"),
                node("Identity", "scale", ["mean"], "log_scale"),
            ],
            "encoder",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, size)],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, size)
                for name in ("mean", "log_scale", "durations")
            ],
            [weight("w1", 8, 8, 1), weight("w2", 8, 8, 1), weight("w3", 8, 8, 1)],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    model.ir_version = 8
    for item in model.graph.node:
        if item.op_type == "Transpose":
            item.attribute.append(helper.make_attribute("perm", [0, 2, 1]))
    source, target = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    source.write_bytes(model.SerializeToString())
    feeds = [{"x": rng.normal(size=(1, 8, 9)).astype(np.float32)} for _ in range(4)]
    quantize_text_encoder(source, target, feeds)
    graph = onnx.load(str(target)).graph
    made_by = {out: item.op_type for item in graph.node for out in item.output}
    rounded = {
        item.name
        for item in graph.node
        if item.op_type in {"Conv", "MatMul"}
        and all(made_by.get(name) == "DequantizeLinear" for name in item.input[:2])
    }
    assert rounded == {"first"}


def test_a_text_encoder_needs_something_to_calibrate_with(tmp_path):
    with pytest.raises(ValueError, match="nothing to calibrate"):
        quantize_text_encoder(tmp_path / "a", tmp_path / "b", [])


def test_the_least_sensitive_layers_come_first():
    ranges = {name: Range(-1, 1) for name in ("loud", "soft", "fair")}
    harm = {"loud": 3.0, "soft": 0.1, "fair": 1.0}
    order = by_sensitivity(ranges, lambda layers: sum(harm[name] for name in layers))
    assert order == ["soft", "fair", "loud"]


@pytest.mark.parametrize("limit", [0, 1, 4, 9, 10])
def test_the_gate_is_asked_little_and_the_most_is_taken(limit):
    order = [f"layer {index}" for index in range(10)]
    asked = []

    def acceptable(layers):
        asked.append(len(layers))
        return len(layers) <= limit

    assert most_int8(order, acceptable) == order[:limit]
    assert len(asked) <= 6


def test_nothing_to_calibrate_with(teacher):
    with pytest.raises(ValueError, match="nothing to calibrate"):
        calibrate(SHAPE, tiny_weights(shape=SHAPE), [])
