"""``build`` and ``score`` on the command line, with the tiny voice."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from student_fixtures import tiny_weights

from voxedge.cli import student as command
from voxedge.engines.tts.assets import LightAssets, StudentAssets
from voxedge.engines.tts.network import VoiceNetwork
from voxedge.errors import StudentRefused
from voxedge.models import shipped
from voxedge.models.build import build
from voxedge.models.distil.package import Student, save_student
from voxedge.models.distil.shape import StudentShape
from voxedge.models.manifest import load_manifest
from voxedge.models.score import judge as judging
from voxedge.models.score import recogniser
from voxedge.models.score.metrics import JudgeMissing, Mos
from voxedge.models.score.sentences import evenly, load_sentences
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


class Listener:
    def transcribe(self, samples, rate_hz):
        return "take two tablets"


@pytest.fixture
def voice(tmp_path, monkeypatch):
    """The tiny voice with a student that came with voxedge."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    model, config = write_tiny_voice(folder)
    teacher = VoiceNetwork(build("tiny", model, config, folder / "built"), threads=1)
    monkeypatch.setattr(command, "_original", lambda name: teacher)
    students = tmp_path / "students"
    students.mkdir()
    weights = tiny_weights(shape=SHAPE)
    save_student(students, "tiny", Student(SHAPE, weights, {}, teacher.assets.model_sha256))
    monkeypatch.setattr(shipped, "students_folder", lambda: students)
    monkeypatch.setattr(judging, "Dnsmos", lambda: lambda samples, rate_hz: Mos(3.0, 3.0, 3.0))
    monkeypatch.setattr(recogniser, "Whisper", Listener)
    few = evenly(load_sentences(), 4)  # for what judges all of them
    monkeypatch.setattr(judging, "load_sentences", lambda: few)
    return students


def test_build_installs_once(voice, capsys):
    assert command.main(["build", "tiny"]) == 0
    first = capsys.readouterr().out
    assert "tiny speaks with networks of" in first
    assert command.main(["build", "tiny"]) == 0
    assert capsys.readouterr().out == first


def test_score_prints_a_table_and_writes_a_page(voice, capsys, tmp_path):
    code = command.main(["score", "tiny", "--sentences", "3", "--out", str(tmp_path / "page")])
    printed = capsys.readouterr().out
    assert code == 0
    assert "gate: passed" in printed
    assert (tmp_path / "page" / "index.html").is_file()


def test_score_as_json(voice, capsys):
    assert command.main(["score", "tiny", "--sentences", "2", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["voice"] == "tiny"
    assert figures["mos_ratio"]["value"] == 1


def test_a_trained_student_is_judged_without_being_in_use(voice, capsys, tmp_path):
    trained = tmp_path / "work"
    voice.rename(trained)
    assert command.main(["score", "tiny", "--sentences", "1", "--student", str(trained)]) == 0
    assert "1 sentences without noise" in capsys.readouterr().out
    assert command.main(["score", "tiny", "--student", str(tmp_path)]) == 2
    assert f"No student of tiny is in {tmp_path}" in capsys.readouterr().err


def test_the_lighter_student_is_judged_by_itself(voice, capsys):
    assert command.main(["score", "tiny", "--sentences", "1", "--lighter"]) == 2
    assert "No student of tiny.lighter" in capsys.readouterr().err
    origin = command._original("tiny").assets.model_sha256
    other = Student(SHAPE, tiny_weights(seed=3, shape=SHAPE), {}, origin)
    save_student(voice, "tiny.lighter", other)
    assert command.main(["score", "tiny", "--sentences", "1", "--lighter"]) == 0
    assert "1 sentences" in capsys.readouterr().out


def test_score_with_the_engines_noise(voice, capsys):
    assert command.main(["score", "tiny", "--sentences", "1", "--noise"]) == 0
    assert "with the engine's noise" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["build", "score"])
def test_a_voice_without_a_student_is_told(voice, capsys, verb):
    for path in voice.iterdir():
        path.unlink()
    assert command.main([verb, "tiny"]) == 2
    assert "No student of tiny came with voxedge" in capsys.readouterr().err


def test_damaged_weights_are_told(voice, capsys):
    path = voice / "tiny.npz"
    path.write_bytes(path.read_bytes()[:500])
    assert command.main(["build", "tiny"]) == 2
    assert "does not parse" in capsys.readouterr().err


def test_a_missing_judge_is_told(voice, capsys, monkeypatch):
    def missing():
        raise JudgeMissing("DNSMOS needs the package speechmos")

    monkeypatch.setattr(judging, "Dnsmos", missing)
    assert command.main(["score", "tiny"]) == 2
    assert "pip install" in capsys.readouterr().err


def test_a_pruned_student_is_trained_and_installed(voice, capsys, tmp_path, monkeypatch):
    asked = []

    def instead(name, teacher, origin, work, target, plan, warm, progress, guide):
        asked.append(plan.shape)
        assert guide.shape == SHAPE
        return Student(plan.shape, warm, {}, origin)

    monkeypatch.setattr("voxedge.models.distil.recipe.distil_voice", instead)
    work = str(tmp_path / "work")
    assert command.main(["build", "tiny", "--train", work, "--prune", "0.4"]) == 0
    assert asked[0].hidden == 8
    assert command.main(["build", "tiny", "--train", work, "--prune", "2"]) == 2
    assert "share" in capsys.readouterr().err


def test_a_student_below_the_gate_is_refused_and_the_former_stays(
    voice, capsys, tmp_path, monkeypatch
):
    assert command.main(["build", "tiny"]) == 0
    place = command._original("tiny").assets.folder.parent
    before = (place / "in-use.json").read_text()
    other = tiny_weights(seed=7, shape=SHAPE)

    def instead(name, teacher, origin, work, target, plan, warm, progress, guide):
        return Student(SHAPE, other, {}, origin)

    heard = iter([3.0, 2.9] * 200)  # original, candidate, sentence after sentence
    monkeypatch.setattr(judging, "Dnsmos", lambda: lambda *_: Mos(mos := next(heard), mos, mos))
    monkeypatch.setattr("voxedge.models.distil.recipe.distil_voice", instead)
    work = str(tmp_path / "work")
    assert command.main(["build", "tiny", "--train", work]) == StudentRefused.exit_code
    told = capsys.readouterr()
    assert "gate: FAILED" in told.out
    assert "those that were in use stay" in told.err
    assert (place / "in-use.json").read_text() == before


def test_training_begins_with_a_shipped_student_and_refines_a_voices_own(
    voice, tmp_path, monkeypatch, capsys
):
    begun, plans = [], []

    def instead(name, teacher, origin, work, target, plan, warm, progress, guide):
        begun.append(warm)
        plans.append(plan.training)
        return Student(SHAPE, warm, {}, origin)

    monkeypatch.setattr("voxedge.models.distil.recipe.distil_voice", instead)
    monkeypatch.setattr("voxedge.models.distil.recipe.fitting_shape", lambda teacher: SHAPE)
    work = str(tmp_path / "work")
    assert command.main(["build", "tiny", "--train", work, "--begin-with", "tiny"]) == 0
    assert begun[0]["blocks.0.expand.weight"].shape == (12, 8)
    # Its own student is refined: the judges are there from the first step.
    assert plans[0].judged_from == 0
    assert plans[0].steps == 20_000
    assert command.main(["build", "tiny", "--train", work, "--begin-with", "nobody"]) == 2
    assert "No student of nobody" in capsys.readouterr().err


def test_a_card_is_of_the_shipped_student_whatever_is_in_use(voice, capsys, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(
        "voxedge.engines.tts.opening.open_network", lambda assets, threads: opened.append(assets)
    )
    teacher = command._original("tiny")
    light = LightAssets("fp32", tmp_path / "t", StudentAssets(tmp_path / "s", 12, ()), 128, 32)
    teacher.assets = replace(teacher.assets, light=light)
    card = tmp_path / "card.md"
    manifest = SimpleNamespace(find=lambda name: load_manifest().voices[0])
    monkeypatch.setattr("voxedge.models.manifest.load_manifest", lambda: manifest)
    assert command.main(["score", "tiny", "--sentences", "1", "--card", str(card)]) == 0
    assert not opened
    text = card.read_text(encoding="utf-8")
    assert "student.onnx" in text
    assert "both with noise: within the gate" in text
