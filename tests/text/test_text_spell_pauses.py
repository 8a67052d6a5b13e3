"""Spelling and pauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.text import pause_after_ms, spell
from voxedge.text.pauses import HEADING_MS, PARAGRAPH_END_MS, SHORTEST_MS


def test_letters_digits_and_signs() -> None:
    assert spell("A1-b", "en") == ["eigh", "one", "dash", "B"]
    assert spell("µ5%", "en-US") == ["mu", "five", "percent"]
    assert spell("x y", "en") == ["X", "space", "Y"]


def test_the_telephone_alphabet() -> None:
    assert spell("Mg0", "en", True) == ["mike", "golf", "zero"]
    assert len({spell(c, "en", phonetic=True)[0] for c in "abcdefghijklmnopqrstuvwxyz"}) == 26


def test_case_on_demand() -> None:
    assert spell("Ab", "en", with_case=True) == ["capital eigh", "B"]


def test_rare_signs_have_their_unicode_name() -> None:
    assert spell("½💊", "en") == ["vulgar fraction one half", "pill"]
    assert spell("٣", "en") == ["three"]


def test_a_language_without_names_gives_the_characters() -> None:
    assert spell("a1", "xx") == ["a", "1"]


@given(st.text(max_size=30))
def test_every_name_can_be_said(text: str) -> None:
    for name in spell(text, "en"):
        assert name.strip()
        assert not any(c.isdecimal() for c in name)


def test_signs_order_the_pauses() -> None:
    def after(text: str) -> int:
        return pause_after_ms(text, is_paragraph_end=False, is_heading=False, rate=1.0)

    assert (
        after("no sign") < after("comma,") < after("semicolon; ") < after("stop.") < after("ask?")
    )
    assert after('he said "stop."') == after("stop.")
    assert after("") == after("no sign")


def test_paragraphs_and_headings_rest_longer_and_rate_shortens() -> None:
    assert pause_after_ms("a.", is_paragraph_end=True, is_heading=False, rate=1) == PARAGRAPH_END_MS
    assert pause_after_ms("a", is_paragraph_end=True, is_heading=True, rate=1) == HEADING_MS
    assert pause_after_ms("a", is_paragraph_end=False, is_heading=True, rate=2) == HEADING_MS // 2
    assert pause_after_ms("a", is_paragraph_end=False, is_heading=False, rate=3) == SHORTEST_MS


@pytest.mark.parametrize("rate", [0.5, 1.0, 3.0])
def test_pauses_never_vanish(rate: float) -> None:
    assert pause_after_ms("a,", is_paragraph_end=False, is_heading=False, rate=rate) >= SHORTEST_MS
