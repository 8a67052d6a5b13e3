"""The measurements of loading and of kept phrases measure, on the tiny voice."""

from __future__ import annotations

import json

import pytest

from voxedge.bench import cache, startup
from voxedge.models.build import build
from voxedge.testing.tiny_voice import write_tiny_voice


@pytest.fixture
def assets(tmp_path):
    return build("tiny", *write_tiny_voice(tmp_path), tmp_path / "stages")


def test_every_way_to_load_is_tried_in_a_process_of_its_own(assets, monkeypatch):
    ways = [way for way in startup.WAYS if way.name in {"onnx, all", "saved, all", "ort, all"}]
    monkeypatch.setattr(startup, "WAYS", ways)
    steps = []
    result = startup.run(assets, rounds=1, progress=lambda *step: steps.append(step))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert set(result["ways"]) == {way.name for way in ways}
    for figures in result["ways"].values():
        assert all(value > 0 for value in figures.values())
        assert figures["first_cpu_ms"] <= figures["sentence_cpu_ms"]
        assert figures["peak_memory_mib"] > 10
    assert "onnx, all" in startup.table(result)
    json.dumps(result)


def test_a_hit_is_compared_with_speaking(assets):
    result = cache.run(assets, rounds=1, sentences=cache.SENTENCES[:2])
    assert set(result["milliseconds"]) == set(cache.KINDS)
    assert all(taken > 0 for taken in result["milliseconds"].values())
    assert result["ratio"] > 1
    assert result["bytes"]["file, raw"] > 1000
    assert "file, FLAC" in cache.table(result)
