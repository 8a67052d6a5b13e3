"""``voxedge models build``: what goes wrong is told in a sentence, and a voice stays in use."""

from __future__ import annotations

import errno

import numpy as np
import onnx
import pytest
from installed_voice import NAME, install_tiny_voice

from voxedge.cli import student as command
from voxedge.cli.main import main
from voxedge.models import recipes, shipped
from voxedge.models.build import stages_folder
from voxedge.models.distil import recipe as distilling
from voxedge.models.distil.package import Student, save_student
from voxedge.models.distil.shape import StudentShape, weight_shapes
from voxedge.models.store import VoiceStore
from voxedge.testing.tiny_voice import CHANNELS, HOP, RATE_HZ

SHAPE = StudentShape(CHANNELS, 8, 12, (1, 2), 4 * HOP, HOP, RATE_HZ)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The folder of an installed voice that has a student."""
    monkeypatch.setenv("HOME", str(tmp_path))
    place = install_tiny_voice(tmp_path / "models", monkeypatch)
    rng = np.random.default_rng(0)
    weights = {
        name: rng.normal(0, 0.3, size).astype(np.float32)
        for name, size in weight_shapes(SHAPE).items()
    }
    students = tmp_path / "students"
    students.mkdir()
    origin = VoiceStore().entry().model.sha256
    save_student(students, NAME, Student(SHAPE, weights, {}, origin))
    monkeypatch.setattr(shipped, "students_folder", lambda: students)
    return place


def test_the_command_line_offers_exactly_the_recipes_there_are():
    assert command._RECIPES == recipes.RECIPES


@pytest.mark.parametrize("recipe", recipes.RECIPES)
def test_every_recipe_is_built_and_in_use(place, capsys, recipe):
    assert main(["models", "build", NAME, "--recipe", recipe]) == 0
    told = capsys.readouterr().out
    assert f"({recipe})" in told
    light = VoiceStore().open().light
    assert (light.recipe if light else "split") == recipe


def refused(capsys, *arguments):
    """The sentence that a build was refused with."""
    assert main(["models", "build", *arguments]) not in (0, 70)
    told = capsys.readouterr().err.strip()
    assert "Traceback" not in told
    return told.splitlines()[-1]


def test_an_unknown_recipe_is_refused(place, capsys):
    assert "invalid choice" in refused(capsys, "--recipe", "magic")


def test_an_unknown_voice_is_refused(place, capsys):
    assert "There is no voice 'nobody'" in refused(capsys, "nobody")


def test_pruning_without_training_is_refused(place, capsys):
    assert "--train" in refused(capsys, "--prune", "0.3")


@pytest.mark.parametrize("damage", ["flipped bit", "truncated", "gone"])
def test_a_damaged_official_model_is_refused_and_the_former_stays(place, capsys, damage):
    main(["models", "build"])
    before = VoiceStore().open().light
    model = place / f"{NAME}.onnx"
    data = bytearray(model.read_bytes())
    capsys.readouterr()
    if damage == "gone":
        model.unlink()
    elif damage == "truncated":
        model.write_bytes(data[:-100])
    else:
        data[len(data) // 2] ^= 1
        model.write_bytes(data)
    told = refused(capsys, "--recipe", "fp32")
    assert {"flipped bit": "has changed", "truncated": "bytes instead of", "gone": NAME}[
        damage
    ] in told
    if damage == "flipped bit":  # as long as it should be: the device itself hashes nothing
        assert VoiceStore().open().light == before


def test_a_graph_without_a_cut_is_refused(place, capsys, tmp_path, monkeypatch):
    # An ONNX file with the right digest that is no VITS voice.
    x = onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, [1])
    y = onnx.helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Identity", ["input"], ["output"])
    graph = onnx.helper.make_graph([node], "g", [x], [y])
    content = onnx.helper.make_model(graph).SerializeToString()
    monkeypatch.setattr("installed_voice.write_tiny_voice", _writing(content), raising=True)
    install_tiny_voice(tmp_path / "others", monkeypatch)
    assert "no cut found" in refused(capsys)


def _writing(content):
    from voxedge.testing.tiny_voice import write_tiny_voice

    def write(folder, name):
        model, config = write_tiny_voice(folder, name)
        model.write_bytes(content)
        return model, config

    return write


def test_a_full_disk_is_told_and_the_former_stays(place, capsys, monkeypatch):
    main(["models", "build", "--recipe", "fp32"])
    before = VoiceStore().open().light

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(recipes, "_write_whole", full)
    assert "full" in refused(capsys).lower()
    assert VoiceStore().open().light == before


def test_ctrl_c_leaves_nothing_half_and_the_next_build_is_whole(place, capsys, monkeypatch):
    real = distilling.write_graph

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(distilling, "write_graph", interrupted)
    assert main(["models", "build"]) == 130
    assert VoiceStore().open().light is None
    names = {path.name for path in place.iterdir()}
    stages = stages_folder(place, VoiceStore().entry().model.sha256).name
    assert names == {f"{NAME}.onnx", f"{NAME}.onnx.json", stages}
    monkeypatch.setattr(distilling, "write_graph", real)
    assert main(["models", "build"]) == 0
    assert VoiceStore().open().light is not None
