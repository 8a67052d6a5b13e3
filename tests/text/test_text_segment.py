"""Sentences and clauses."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.text import first_clause, sentence_breaks, split_clauses, split_sentences

SENTENCES = [
    ["Take e.g. 5.5 mg daily.", "Then rest."],
    ["See Dr. Smith.", "He knows."],
    ["Take 500 mg p.o. q.i.d. with water.", "Do not exceed."],
    ["Take 500 mg p.o. q.i.d.", "Do not exceed."],
    ["See No. 5 and Fig. 2.", "No.", "It is not there."],
    ['"Stop!" he said.', "Then he left."],
    ["Wait... then go.", "Now."],
    ["At 8 a.m.", "The tablets are due."],
    ["At 8 a.m. and 9 p.m. daily."],
    ["Visit www.example.com today.", "Ask there."],
    ["Mix approx. 5 mL.", "Shake well."],
    ["It came from the U.S. Food office.", "J. Smith signed."],
    ["Store dry, cool, etc.", "Protect from light."],
    ["See section 4.", "Keep it."],
    ["Is it safe?", "Yes!", "It is."],
    ["1. What it is"],
    ["(See below.)", "Next."],
    ["He is ill.”", "She is not."],
    ["Paracetamol vs. ibuprofen, i.e. two drugs."],
    ["Call Prof. Dr. Miller now."],
    ["The ratio is 1:1000.", "Mix."],
    ["Take 2.", "5 more follow."],
    ["请仔细阅读。", "然后使用。"],
]


@pytest.mark.parametrize("sentences", SENTENCES, ids=lambda s: s[0][:30])
def test_sentences(sentences: list[str]) -> None:
    text = " ".join(sentences)
    assert [piece.strip() for piece in split_sentences(text, "en")] == sentences
    words = text.split()
    starts, total = [], 0
    for sentence in sentences[:-1]:
        total += len(sentence.split())
        starts.append(total)
    assert sentence_breaks(words, "en") == starts


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Uses\ntemporarily relieves minor aches and pains due to headache\nWarnings\nAsk.", 4),
        ("Do not take it\n- if you are ill,\n- if you are allergic.", 3),
        ("What is in it\n1. What it is\n2. How to take it", 3),
        ("A line that was broken in the\nmiddle goes on here.", 1),
        ("One paragraph\n\nand another", 2),
        ("first • second • third", 3),
        ("", 0),
        ("   \n ", 1),
    ],
)
def test_lines_and_lists(text: str, pieces: int) -> None:
    found = split_sentences(text, "en")
    assert "".join(found) == text
    assert len(found) == pieces, found


@given(st.text(max_size=200), st.sampled_from(["en", "zh", "de"]))
@settings(max_examples=300, deadline=None)
def test_cutting_loses_nothing(text: str, language: str) -> None:
    assert "".join(split_sentences(text, language)) == text
    assert "".join(split_clauses(text, language)) == text
    assert "".join(first_clause(text, language)) == text


@given(st.lists(st.text(alphabet='aB.5,!? -•"', min_size=1, max_size=5), max_size=40))
@settings(max_examples=300, deadline=None)
def test_breaks_are_rising_indices(words: list[str]) -> None:
    breaks = sentence_breaks(words, "en")
    assert breaks == sorted(set(breaks))
    assert all(0 < index < len(words) for index in breaks)


WHOLE = [
    "5, 10 or 20 mg",
    "1,000 mg",
    "250 mg / 5 mL",
    "5 mg, 10 mg or 15 mg",
    "5 - 10 mL",
    "March 12, 2026",
    "between 2 and 8 °C",
    "1 or 2 tablets",
    "2 x 500 mg",
    "5 (five) mg",
]


@given(
    st.lists(
        st.sampled_from(
            ["take", "water,", "and", "daily;", "if", "(see", "leaflet)", "or", *WHOLE]
        ),
        min_size=1,
        max_size=40,
    ),
    st.integers(3, 15),
)
@settings(max_examples=500, deadline=None)
def test_a_dose_is_never_torn(parts: list[str], max_words: int) -> None:
    text = " ".join(parts)
    spans, at = [], 0
    for part in parts:
        if part in WHOLE:
            spans.append((at, at + len(part)))
        at += len(part) + 1
    for pieces in (split_clauses(text, "en", max_words), first_clause(text, "en", max_words)):
        cut = 0
        for piece in pieces:
            cut += len(piece)
            assert not any(a < cut < b for a, b in spans), (pieces,)


def test_the_first_clause_is_short() -> None:
    text = (
        "If you are taking this medicine, shake the bottle well, then give 2.5 mL (125 mg) every "
        "8 hours, and do not exceed 1,000 mg in 24 hours."
    )
    head, rest = first_clause(text, "en")
    assert head == "If you are taking this medicine, "
    assert rest.startswith("shake the bottle")
    assert all(len(piece.split()) <= 12 for piece in split_clauses(text, "en"))


def test_a_short_sentence_stays_whole() -> None:
    assert first_clause("Take it, then rest.", "en") == ("Take it, then rest.", "")
    assert split_clauses("", "en") == []


@pytest.mark.shared
@pytest.mark.parametrize("name", ["df0", "qrd0", "qrd1"])
def test_real_leaflets(name: str) -> None:
    path = Path(__file__).parents[3] / "shared" / "leaflets" / f"{name}.gt.txt"
    if not path.exists():
        pytest.skip("the leaflets beside the project are not here")
    text = path.read_text("utf-8")
    pieces = split_sentences(text, "en")
    assert "".join(pieces) == text
    assert max(len(piece.split()) for piece in pieces) <= 35
    assert not any(piece.strip() in ("e.g.", "1.", "2.", "mg.") for piece in pieces)
