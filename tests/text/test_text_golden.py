"""The table of readings: what is printed, what is said, what is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxedge.text import Normalised, normalise

ROWS = [
    line
    for line in (Path(__file__).parent / "golden_en.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


def as_row(printed: str, said: Normalised) -> str:
    told = [(s, "?") for s in said.doubtful] + [(s, "!") for s in said.spelled]
    marks = "".join(f" | {m}{s.doubt.name} {printed[s.start : s.end]}" for s, m in told)
    return f"{printed} => {said.text}{marks}"


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(ROWS) >= 250
    assert len({row.split(" => ")[0] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" => ")[0][:40])
def test_reading(row: str) -> None:
    printed = row.split(" => ")[0]
    assert as_row(printed, normalise(printed)) == row


def test_spans_point_at_the_print_even_where_characters_fold() -> None:
    printed = "Take\u00a0½ or ５O mg ℃"
    said = normalise(printed)
    assert [printed[s.start : s.end] for s in said.spelled] == ["５O"]
    assert not said.certain


def test_a_language_without_rules_passes_its_text_and_flags_its_digits() -> None:
    said = normalise("Nimm 5 mg\x00 täglich", language="de-AT")
    assert said.text == "Nimm 5 mg täglich"
    assert [(s.start, s.end) for s in said.doubtful] == [(5, 6)]


def test_english_is_found_by_any_of_its_tags() -> None:
    for tag in ("en", "en-US", "en_GB", "eng"):
        assert normalise("5 mg", language=tag).text == "five milligrams"
