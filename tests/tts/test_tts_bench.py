"""The measurements measure: on the tiny voice, with the real piper-tts beside it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.bench import intelligibility
from voxedge.bench import tts as bench
from voxedge.bench.intelligibility import number_words, plain_words
from voxedge.errors import UsageError
from voxedge.models.build import build
from voxedge.testing.fake_voice import FakeVoice
from voxedge.testing.tiny_voice import write_tiny_voice


def test_the_comparison_has_its_keys_and_its_raw_figures(tmp_path: Path) -> None:
    model, config = write_tiny_voice(tmp_path)
    assets = build("tiny", model, config, tmp_path / "stages")
    steps: list[tuple[int, int]] = []
    result = bench.run(
        assets,
        model,
        rounds=2,
        sentences=bench.SENTENCES[:2],
        memory_runs=1,
        progress=lambda done, total: steps.append((done, total)),
    )
    for key in ("first_audio_ratio", "cpu_ratio", "memory_ratio"):
        assert set(result[key]) == {"median", "low", "high"}
        assert 0 < result[key]["low"] <= result[key]["median"] <= result[key]["high"]
    for side in ("voxedge", "piper_tts"):
        raw = result["raw"][side]
        assert len(raw["readings"]) == 4
        assert all(reading["audio_s"] > 0.1 for reading in raw["readings"])
        assert raw["peak_memory_mib"] > 10
    assert steps[-1] == (6, 6)
    text = bench.table(result)
    assert "first audio" in text
    assert f"{result['cpu_ratio']['median']:.3f}" in text


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Take 250 mg, please!", "take two hundred fifty milligrams please"),
        (
            "Take two hundred and fifty milligrams please",
            "take two hundred fifty milligrams please",
        ),
        ("2.5 mL", "two point five millilitres"),
        ("twenty-four", "twenty four"),
        ("1,500 times", "one thousand five hundred times"),
        ("the 14th of May", "the fourteen of may"),
        ("the fourteenth of May", "the fourteen of may"),
        ("don’t", "don't"),
        ("20 percent", "twenty percent"),
        ("", ""),
    ],
)
def test_plain_words(written: str, plain: str) -> None:
    assert plain_words(written) == plain


@given(st.integers(0, 999_999))
@settings(max_examples=200)
def test_numbers_are_words_that_stay_words(number: int) -> None:
    words = number_words(number)
    assert words.replace(" ", "").isalpha()
    assert plain_words(str(number)) == words == plain_words(words)


def test_scoring_without_a_recogniser_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"voxedge\[score\]"):
        intelligibility.run(FakeVoice())
