"""Models that are damaged, of another language, or not there: refused before they are opened."""

import asyncio
import json
from pathlib import Path

import pytest

from voxedge.cli.main import main
from voxedge.commands.grammar import build
from voxedge.commands.language import load
from voxedge.engines.asr.hosted import open_recogniser
from voxedge.errors import RecogniserCorrupt, RecogniserFailed
from voxedge.models.recognisers import RECEIPT, load_recognisers, tree_digest
from voxedge.service.hearing import WorkerRecogniser, recogniser_spec
from voxedge.service.workers import Worker


def a_model(folder: Path, language: str, receipt: str | None = None) -> Path:
    """Lay down files where the model of a language belongs; only the receipt may speak for them."""
    entry = next(e for e in load_recognisers() if e.language == language)
    place = folder / entry.name
    (place / "am").mkdir(parents=True)
    (place / "am" / "final.mdl").write_bytes(b"no model at all")
    (place / RECEIPT).write_text(receipt or "0" * 64, encoding="ascii")
    return place


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VOXEDGE_MODELS", str(tmp_path))
    return tmp_path


def test_a_damaged_model_is_refused_before_it_is_opened(models: Path) -> None:
    pytest.importorskip("vosk", reason="the extra 'hearing' is not installed")
    a_model(models, "zh")
    with pytest.raises(RecogniserCorrupt, match="changed"):
        open_recogniser("zh")


def test_a_damaged_english_model_does_not_make_it_deaf(models: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="the extra 'hearing' is not installed")
    a_model(models, "en")
    engine = open_recogniser("en")
    assert engine.name == "pocketsphinx"
    engine.close()


def test_a_model_that_verifies_and_does_not_open_is_told(models: Path) -> None:
    pytest.importorskip("vosk", reason="the extra 'hearing' is not installed")
    place = a_model(models, "zh")
    (place / RECEIPT).write_text(tree_digest(place), encoding="ascii")
    with pytest.raises(RecogniserCorrupt, match="does not open"):
        open_recogniser("zh")


def test_a_worker_with_a_damaged_model_fails_and_nothing_else(models: Path) -> None:
    a_model(models, "zh")

    async def main() -> str:
        async with Worker(recogniser_spec("zh")) as worker:
            ear = WorkerRecogniser(worker, patience_s=20.0)
            with pytest.raises(RecogniserFailed) as failure:
                await ear.set_grammar(build(load("zh")))
            return failure.value.spoken

    assert asyncio.run(main()), "the person is told"


def test_the_list_names_what_hears(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_model(models, "zh")
    assert main(["models", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["recognisers"]}
    assert rows["vosk-model-small-cn-0.22"]["state"] == "installed"
    assert rows["vosk-model-small-de-0.15"]["state"] == "absent"
    assert main(["models", "list"]) == 0
    assert "vosk-model-small-de-0.15  de  46 MB  absent" in capsys.readouterr().out


def test_a_language_is_fetched_by_its_tag(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = a_model(models, "zh")
    (place / RECEIPT).write_text(tree_digest(place), encoding="ascii")
    assert main(["models", "fetch", "zh"]) == 0  # it is here and whole: no network is asked
    assert f"{place.name} is installed and whole" in capsys.readouterr().out
