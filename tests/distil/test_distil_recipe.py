"""The whole way, with the tiny voice."""

import errno
import sys

import numpy as np
import pytest
from student_fixtures import tiny_weights

from voxedge.engines.tts.network import VoiceNetwork
from voxedge.errors import DiskFull, VoiceCorrupt
from voxedge.models import shipped
from voxedge.models.build import build
from voxedge.models.distil import recipe
from voxedge.models.distil.network import TorchMissing
from voxedge.models.distil.package import Student, load_lighter, load_student, priors
from voxedge.models.distil.quantize import calibrate
from voxedge.models.distil.recipe import (
    Plan,
    choose_int8,
    distil_voice,
    fitting_shape,
    install_student,
    installed_folder,
    is_installed,
    open_installed,
)
from voxedge.models.distil.shape import StudentShape
from voxedge.models.distil.train import Training
from voxedge.models.manifest import load_manifest
from voxedge.models.score.metrics import Mos
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


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voice")
    model, config = write_tiny_voice(folder)
    return VoiceNetwork(build("tiny", model, config, folder / "built"), threads=1)


@pytest.fixture(scope="module")
def student(teacher):
    weights = tiny_weights(shape=SHAPE)
    few = [prior for prior, _ in zip(priors(teacher), range(3), strict=False)]
    ranges = calibrate(SHAPE, weights, few)
    return Student(SHAPE, weights, ranges, teacher.assets.model_sha256)


class Judge:
    """Likes the first it hears and, of the others, the first ``pleased``."""

    def __init__(self, pleased: int, sentences: int = 16) -> None:
        self.calls, self.pleased, self.sentences = 0, pleased, sentences

    def __call__(self, samples, rate_hz):
        voice = self.calls // self.sentences
        self.calls += 1
        return Mos(3.0 if voice <= self.pleased else 2.0, 3.0, 3.0)


def test_an_installed_student_speaks(teacher, student, tmp_path):
    folder = installed_folder(tmp_path, student)
    assert not is_installed(folder)
    install_student("tiny", student, teacher, folder)
    assert is_installed(folder)
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    network = open_installed("tiny", student, teacher, folder)
    prior = next(priors(teacher))
    assert np.abs(next(network.decode(prior, [prior.shape[1]]))).max() > 0


def test_another_student_goes_into_another_folder(student, tmp_path):
    other = Student(SHAPE, student.weights, {}, student.origin_sha256)
    assert installed_folder(tmp_path, other) != installed_folder(tmp_path, student)
    assert installed_folder(tmp_path, student) == installed_folder(tmp_path, student)


def test_a_student_of_another_voice_is_refused(teacher, student, tmp_path):
    foreign = Student(SHAPE, student.weights, student.int8, "f" * 64)
    with pytest.raises(VoiceCorrupt, match="another model"):
        install_student("tiny", foreign, teacher, tmp_path / "s")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_former_student_in_use(teacher, student, tmp_path, monkeypatch):
    folder = tmp_path / "s"
    install_student("tiny", student, teacher, folder)

    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(recipe, "write_text_encoder", full)
    with pytest.raises(DiskFull):
        install_student("tiny", student, teacher, folder)
    assert is_installed(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_a_student_that_is_silent_is_refused(teacher, student, tmp_path):
    weights = {name: np.zeros_like(value) for name, value in student.weights.items()}
    weights["output.bias"] = np.full_like(weights["output.bias"], -200)
    mute = Student(SHAPE, weights, {}, student.origin_sha256)
    with pytest.raises(VoiceCorrupt, match="no sound"):
        install_student("tiny", mute, teacher, tmp_path / "s")


@pytest.mark.parametrize("damage", ["truncate", "remove", "description"])
def test_damage_is_noticed(teacher, student, tmp_path, damage):
    folder = tmp_path / "s"
    install_student("tiny", student, teacher, folder)
    graph = folder / "student.onnx"
    if damage == "truncate":
        graph.write_bytes(graph.read_bytes()[:100])
        with pytest.raises(VoiceCorrupt):
            open_installed("tiny", student, teacher, folder)
    elif damage == "remove":
        graph.unlink()
    else:
        (folder / "installed.json").write_text("[", encoding="utf-8")
    assert not is_installed(folder)


def test_all_layers_in_int8_if_the_judge_lets_them(teacher, student):
    kept = choose_int8(teacher, SHAPE, student.weights, Judge(pleased=99))
    assert len(kept) == 2 + 2 * len(SHAPE.dilations)


def test_no_layer_in_int8_if_the_judge_lets_none(teacher, student):
    assert choose_int8(teacher, SHAPE, student.weights, Judge(pleased=0)) == {}


def test_without_pytorch_nothing_is_begun(teacher, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(TorchMissing, match="pip install"):
        distil_voice("tiny", teacher, "0" * 64, tmp_path, tmp_path, Plan())
    assert not list(tmp_path.iterdir())


def test_a_plan_that_does_not_fit_the_voice_is_refused(teacher, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "require_torch", lambda: None)
    monkeypatch.setattr(recipe, "Dnsmos", lambda: Judge(pleased=99))
    with pytest.raises(ValueError, match="channels"):
        distil_voice("tiny", teacher, "0" * 64, tmp_path, tmp_path, Plan())


def test_the_default_plan_is_fitted_to_any_voice(teacher):
    shape = fitting_shape(teacher)
    assert (shape.latent_channels, shape.hop, shape.rate_hz) == (CHANNELS, HOP, RATE_HZ)
    assert shape.channels == StudentShape().channels


def test_from_voice_to_student(teacher, tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="PyTorch is not installed (extra 'build')")
    monkeypatch.setattr(recipe, "Dnsmos", lambda: Judge(pleased=99))
    training = Training(steps=3, batch=2, frames=120, margin=4, judged_frames=100, save_every=1)
    plan = Plan(minutes=0.1, shape=SHAPE, training=training)
    sha = teacher.assets.model_sha256
    made = distil_voice("tiny", teacher, sha, tmp_path / "work", tmp_path / "out", plan)
    loaded = load_student(tmp_path / "out", "tiny")
    assert loaded.int8 == made.int8
    install_student("tiny", loaded, teacher, tmp_path / "installed")
    again = distil_voice("tiny", teacher, sha, tmp_path / "work", tmp_path / "out", plan)
    assert all(np.array_equal(again.weights[name], made.weights[name]) for name in made.weights)


def test_the_shipped_student_belongs_to_the_default_voice():
    manifest = load_manifest()
    voice = manifest.find(manifest.default)
    student = load_student(shipped.students_folder(), voice.name)
    assert student.origin_sha256 == voice.model.sha256
    assert student.shape == StudentShape()
    assert len(student.int8) == 2 + 2 * len(student.shape.dilations)


def test_the_shipped_lighter_student_is_the_same_voice_narrower():
    manifest = load_manifest()
    voice = manifest.find(manifest.default)
    folder = shipped.students_folder()
    student, lighter = load_student(folder, voice.name), load_lighter(folder, voice.name)
    assert lighter.origin_sha256 == voice.model.sha256
    assert lighter.shape.form == student.shape.form
    assert lighter.shape.macs_per_frame < 0.6 * student.shape.macs_per_frame
    files = [folder / f"{voice.name}{suffix}.npz" for suffix in ("", ".lighter")]
    assert files[1].stat().st_size < 0.6 * files[0].stat().st_size
    assert len(lighter.int8) == 2 + 2 * len(lighter.shape.dilations)
