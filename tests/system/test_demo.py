"""The main job from end to end: the bundled photograph, real tesseract, the real voice.

What is heard is judged by a recogniser that knows nothing of us (Whisper).
"""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import soundfile

from voxedge.bench import intelligibility
from voxedge.errors import VoxedgeError
from voxedge.models.store import verify_voice
from voxedge.text import normalise

ROOT = Path(__file__).parents[2]
DATA = ROOT / "voxedge" / "testing" / "data"
TRUTH = (DATA / "leaflet.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], Path]:
    """What ``read --json --out`` gives for the bundled photograph."""
    try:
        verify_voice("en_US-joe-medium", quick=True)
    except VoxedgeError as error:
        pytest.skip(f"no voice on this machine: {error}")
    out = tmp_path_factory.mktemp("demo") / "demo.wav"
    answer = subprocess.run(
        [sys.executable, "-m", "voxedge", "read", DATA / "leaflet.jpg", "--json", "--out", out],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    return json.loads(answer.stdout), out


def test_the_json_is_what_the_schema_promises(spoken: tuple[dict[str, object], Path]) -> None:
    schema = json.loads((ROOT / "docs" / "read.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(spoken[0], schema)
    timings_ms = spoken[0]["timings_ms"]
    assert isinstance(timings_ms, dict)
    assert {"read", "first_section", "first_audio"} <= set(timings_ms)


def test_every_word_of_the_page_is_read_in_order(spoken: tuple[dict[str, object], Path]) -> None:
    assert str(spoken[0]["text"]).split() == TRUTH.split()


@pytest.mark.slow
def test_a_stranger_understands_what_is_said(spoken: tuple[dict[str, object], Path]) -> None:
    jiwer = pytest.importorskip("jiwer", reason="the extra 'score' is not installed")
    samples, rate_hz = soundfile.read(spoken[1], dtype="float32")
    lines = [line.removeprefix("- ") for line in TRUTH.splitlines() if line]
    said = intelligibility.plain_words(" ".join(normalise(line).text for line in lines))
    heard = intelligibility.plain_words(intelligibility.listener()(samples, rate_hz))
    assert jiwer.wer(said, heard) <= 0.05
