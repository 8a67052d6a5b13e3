"""What of the models goes into the image, and into its bill of materials."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from imagebuild import models, sbom
from imagebuild.errors import DownloadCorrupt
from imagebuild.plan import Plan

from voxedge.models.recognisers import load_recognisers


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(
        output=tmp_path / "out",
        cache=tmp_path / "cache",
        epoch=1_700_000_000,
        version="1.0",
        python=Path("python3"),
        voice="joe",
    )


def test_the_second_listener_is_fetched_by_a_name_that_the_manifest_knows(plan, monkeypatch):
    asked = []
    monkeypatch.setattr(models, "run", lambda command, **_: asked.append(command[3:]))
    assert models.prepare_models(plan) == plan.cache / "models"
    assert ["models", "fetch"] in asked
    assert ["models", "fetch", models.SECOND_LISTENER, "--own"] in asked
    assert models.SECOND_LISTENER in {entry.name for entry in load_recognisers()}


def test_an_image_without_a_voice_fetches_nothing(plan, monkeypatch):
    monkeypatch.setattr(models, "run", lambda *_, **__: pytest.fail("something was fetched"))
    assert models.prepare_models(replace(plan, voice="")) is None


def test_what_came_wrong_is_told(plan, monkeypatch):
    def wrong(*_, **__):
        raise models.CommandFailed("it is not the file that was promised")

    monkeypatch.setattr(models, "run", wrong)
    with pytest.raises(DownloadCorrupt):
        models.prepare_models(plan)


def test_the_bill_names_every_network(tmp_path):
    networks = {"joe/student.onnx": b"a", "whisper-tiny-en/model.bin": b"b"}
    for name, letter in networks.items():
        path = tmp_path / name
        path.parent.mkdir()
        path.write_bytes(letter * (1 << 20))
    (tmp_path / "joe" / "config.json").write_bytes(b"c" * (1 << 20))
    named = {item["name"]: item["hashes"][0]["content"] for item in sbom._models(tmp_path)}
    assert named == {
        name: hashlib.sha256(letter * (1 << 20)).hexdigest() for name, letter in networks.items()
    }


def test_phrases_of_a_former_student_do_not_travel(plan, monkeypatch):
    voice = plan.cache / "models" / "joe"
    (voice / "phrases").mkdir(parents=True)
    (voice / "in-use.json").write_text("student one")
    (voice / "phrases" / "old.pcm").touch()
    monkeypatch.setattr(models, "run", lambda *_, **__: None)
    models.prepare_models(plan)
    assert not (voice / "phrases").exists()

    (voice / "phrases").mkdir()
    (voice / "phrases" / "new.pcm").touch()
    models.prepare_models(plan)
    assert (voice / "phrases" / "new.pcm").exists(), "of the same student: nothing to do"
    (voice / "in-use.json").write_text("student two")
    models.prepare_models(plan)
    assert not (voice / "phrases").exists()
