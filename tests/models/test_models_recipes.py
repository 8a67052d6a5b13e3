from __future__ import annotations

import asyncio
import errno
import json
import logging
from dataclasses import replace

import numpy as np
import pytest
from installed_voice import NAME, install_tiny_voice

from voxedge.engines.tts.opening import open_network
from voxedge.engines.tts.piper_onnx import PiperOnnxVoice, PiperSettings
from voxedge.engines.tts.student import StudentNetwork
from voxedge.errors import DiskFull, VoiceCorrupt
from voxedge.flow import Utterance, VoiceKind
from voxedge.models import recipes, shipped
from voxedge.models.distil import recipe as distilling
from voxedge.models.distil.package import Student, save_student
from voxedge.models.distil.shape import StudentShape, WeightsUnusable, weight_shapes
from voxedge.models.graph.builder import Range
from voxedge.models.store import VoiceStore
from voxedge.testing.tiny_voice import CHANNELS, HOP, RATE_HZ

SHAPE = StudentShape(
    latent_channels=CHANNELS, channels=8, hidden=12, dilations=(1, 2), fft_size=4 * HOP, hop=HOP,
    rate_hz=RATE_HZ,
)  # fmt: skip


@pytest.fixture
def store(tmp_path, monkeypatch):
    install_tiny_voice(tmp_path / "models", monkeypatch)
    return VoiceStore()


@pytest.fixture
def student(store):
    rng = np.random.default_rng(0)
    weights = {
        name: rng.normal(0, 0.3, size).astype(np.float32)
        for name, size in weight_shapes(SHAPE).items()
    }
    int8 = {"blocks.0.expand": Range(-5.0, 5.0)}
    return Student(SHAPE, weights, int8, store.open().model_sha256)


def spoken(assets, kind=VoiceKind.NATURAL):
    voice = PiperOnnxVoice(assets, PiperSettings(threads=1))
    hello = Utterance("Hello there.", kind=kind)

    async def run():
        return np.concatenate([c.samples async for c in voice.stream(hello)])

    try:
        return asyncio.run(run())
    finally:
        voice.close()


@pytest.mark.parametrize("recipe", ["student", "fp32"])
def test_the_light_networks_are_what_speaks_from_then_on(store, student, recipe):
    plain = spoken(store.open())
    built = store.build(recipe, student=student)
    assert built.light is not None
    opened = VoiceStore().open()
    assert opened.light == built.light
    assert opened.light.recipe == recipe
    assert isinstance(open_network(opened, 1), StudentNetwork)
    light = spoken(opened)
    assert np.isfinite(light).all()
    assert not np.array_equal(light[: len(plain)], plain[: len(light)])
    assert opened.gain_db == store.entry().gain_db


def test_split_goes_back_to_the_voice_itself(store, student):
    plain = spoken(store.open())
    store.build("student", student=student)
    assert store.build("split").light is None
    assert store.open().light is None
    np.testing.assert_array_equal(spoken(store.open()), plain)


def test_a_former_student_makes_room_once_the_new_one_is_in_use(store, student):
    former = store.build("fp32", student=student).light.student.path.parent
    ancient = former.with_name("student-1-0123456789abcdef")
    ancient.mkdir()
    latter = store.build("student", student=student).light.student.path.parent
    assert not ancient.exists()
    assert latter.is_dir()
    assert not former.exists()
    assert len(spoken(store.open())) > 0


def test_what_is_kept_of_one_recipe_is_no_sound_of_another(store, student):
    names = {store.identity()}
    for recipe in ("student", "fp32"):
        store.build(recipe, student=student)
        names.add(store.identity())
    assert len(names) == 3


def test_only_the_text_encoder_of_the_student_recipe_is_in_int8(store, student):
    exact = store.build("fp32", student=student).light
    assert exact.text_encoder.is_file()
    light = store.build("student", student=student).light
    assert exact.text_encoder == store.open().text_encoder
    assert light.text_encoder != exact.text_encoder


# -- a newer voxedge, and a lighter student ----------------------------------------------------


@pytest.fixture
def students(tmp_path, monkeypatch, student):
    """What came with voxedge: a student of the voice."""
    folder = tmp_path / "students"
    folder.mkdir()
    save_student(folder, NAME, student)
    monkeypatch.setattr(shipped, "students_folder", lambda: folder)
    return folder


def another(student, seed=5):
    rng = np.random.default_rng(seed)
    weights = {
        name: rng.normal(0, 0.3, item.shape).astype(np.float32)
        for name, item in student.weights.items()
    }
    return replace(student, weights=weights)


def test_a_newer_student_is_noticed_and_taken(store, students, student, monkeypatch):
    store.build("student")
    assert not store.is_stale()
    assert not store.refresh()
    old = spoken(store.open())
    save_student(students, NAME, another(student))
    assert store.is_stale()
    assert VoiceStore().open().light is not None, "the former one speaks until then"
    monkeypatch.setattr(distilling, "write_text_encoder", None)  # the former one's is taken
    assert store.refresh()
    assert not store.is_stale()
    new = spoken(store.open())
    assert not np.array_equal(old[: len(new)], new[: len(old)])
    folders = list(store.open().folder.parent.glob("student-*"))
    assert len(folders) == 1, "and the former one makes room"


def test_what_somebody_trained_or_chose_is_never_stale(store, students, student):
    store.build("student", student=another(student, 6))
    save_student(students, NAME, another(student))
    assert not store.is_stale()
    store.build("split")
    assert not store.is_stale()
    for path in students.iterdir():
        path.unlink()
    assert not store.is_stale()


def test_networks_from_before_the_digest_was_noted_are_stale(store, students):
    store.build("student")
    file = store.open().folder.parent / recipes.IN_USE_FILE
    data = json.loads(file.read_text())
    del data["shipped"]
    file.write_text(json.dumps(data))
    assert store.is_stale()


def test_a_refresh_that_fails_leaves_the_former_in_use(store, students, student, monkeypatch):
    store.build("student")
    before = store.open().light
    save_student(students, NAME, another(student))
    (students / f"{NAME}.npz").write_bytes(b"PK damaged")
    with pytest.raises(WeightsUnusable):
        store.refresh()
    assert store.open().light == before
    save_student(students, NAME, replace(another(student), origin_sha256="0" * 64))
    with pytest.raises(VoiceCorrupt):
        store.refresh()
    assert store.open().light == before


def test_a_pair_of_students_shares_a_text_encoder(store, students, student):
    assert not store.has_lighter()
    store.build("student")
    assert not store.has_lighter()
    alone = spoken(store.open())
    np.testing.assert_array_equal(spoken(store.open(), VoiceKind.LIGHT), alone)
    save_student(students, f"{NAME}.lighter", another(student))
    assert store.is_stale()
    store.refresh()
    assert store.has_lighter()
    pair = store.open()
    assert pair.light.lighter.path in pair.files
    np.testing.assert_array_equal(spoken(pair), alone)
    lighter = spoken(pair, VoiceKind.LIGHT)
    assert not np.array_equal(lighter, spoken(pair))
    assert len(lighter) == len(spoken(pair))
    store.verify(NAME)
    pair.light.lighter.path.unlink()
    assert VoiceStore().open().light is None
    assert not store.has_lighter()


# -- what goes wrong leaves the former networks in use ------------------------------------------


def test_a_student_of_another_model_is_refused(store, student):
    store.build("fp32", student=student)
    before = store.open().light
    with pytest.raises(VoiceCorrupt, match="another model"):
        store.build("student", student=replace(student, origin_sha256="f" * 64))
    assert store.open().light == before


@pytest.mark.parametrize("step", ["install_student", "_write_whole"])
def test_a_full_disk_leaves_the_former_in_use(store, student, monkeypatch, step):
    store.build("fp32", student=student)
    before = store.open().light

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(distilling if step == "install_student" else recipes, step, full)
    with pytest.raises(DiskFull):
        store.build("student", student=student)
    assert store.open().light == before


def test_a_build_that_is_killed_leaves_the_former_in_use_and_is_done_again(
    store, student, monkeypatch
):
    store.build("fp32", student=student)
    before = store.open().light
    real = distilling.write_graph

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(distilling, "write_graph", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.build("student", student=student)
    assert store.open().light == before
    assert not [p for p in store.open().folder.parent.iterdir() if p.name.startswith(".student")]
    monkeypatch.setattr(distilling, "write_graph", real)
    assert store.build("student", student=student).light.recipe == "student"


def test_without_a_student_nothing_changes(store, tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "students_folder", lambda: tmp_path)
    with pytest.raises(FileNotFoundError):
        store.build("student")
    (tmp_path / f"{NAME}.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(WeightsUnusable):
        store.build("student")
    assert store.open().light is None


def test_a_changed_official_model_is_no_ground_to_build_on(store, student):
    model = store.open().folder.parent / f"{NAME}.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    with pytest.raises(VoiceCorrupt, match="changed"):
        store.build("student", student=student)


@pytest.mark.parametrize(
    "damage",
    ["no json", "null", "format", "model", "truncated student", "no text encoder", "no caches"],
)
def test_damaged_light_networks_give_way_to_the_voice_itself(store, student, damage, caplog):
    plain = spoken(store.open())
    light = store.build("student", student=student).light
    file = store.open().folder.parent / recipes.IN_USE_FILE
    data = json.loads(file.read_text())
    if damage == "no json":
        file.write_text("{")
    elif damage == "null":
        file.write_text("null")
    elif damage == "truncated student":
        light.student.path.write_bytes(light.student.path.read_bytes()[:-1])
    elif damage == "no text encoder":
        light.text_encoder.unlink()
    else:
        if damage == "no caches":
            del data["caches"]
        else:
            data["format" if damage == "format" else "model_sha256"] = 99
        file.write_text(json.dumps(data))
    with caplog.at_level(logging.WARNING):
        opened = store.open()
    assert opened.light is None
    assert "light networks" in caplog.text
    np.testing.assert_array_equal(spoken(opened), plain)


def test_a_flipped_bit_is_found_by_verify(store, student):
    light = store.build("student", student=student).light
    store.verify(NAME)
    data = bytearray(light.student.path.read_bytes())
    data[len(data) // 2] ^= 1
    light.student.path.write_bytes(data)
    with pytest.raises(VoiceCorrupt):
        store.verify(NAME)
