"""Whatever stands on paper, or comes out of a recogniser: it is said, and quickly."""

from __future__ import annotations

import time
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from voxedge.text import normalise

PRINT = (
    "500 mg mL 0.5 5-10 1/2 ½ ² 10⁹ µg IU U q8h b.i.d. bid p.o. PRN x × / - – ( ) , . : ; < ≤ "
    "± ~ % °C EXP LOT A12B34 03/04/2026 2026-11 8:30 a.m. Type IV I II Section No. Dr. e.g. "
    "etc. $5 +44 20 79 www.a.com x@y.org l0 5O B12 CYP3A4 1,000 1,2,3 1.000 ① ٣ ５ A NSAID "
    "TAKE DO NOT \n \t ' \" 💊 * ® mg/kg tab caps stat St. 1st 1990s March 12 May 2026 minus "
    "five one half and or to vs. w/ #3 § 4.2.1"
)
MEDICAL = st.sampled_from(PRINT.split(" "))
scraps = st.lists(st.one_of(MEDICAL, st.text(max_size=6)), max_size=14).flatmap(
    lambda parts: st.sampled_from(["", " "]).map(lambda gap: gap.join(parts))
)


@given(st.one_of(st.text(max_size=80), scraps))
@example("½a¹²³\ud800\x00\u202e①Ⅳ〇㊿")
@settings(max_examples=1500, deadline=None)
def test_any_text_comes_out_speakable(text: str) -> None:
    said = normalise(text)
    for char in said.text:
        assert not char.isnumeric() or char.isalpha(), (text, said.text, char)
        assert unicodedata.category(char)[0] != "C", (text, said.text)
    spans = [*said.spelled, *said.doubtful]
    for span in spans:
        assert 0 <= span.start < span.end <= len(text), (text, span)
    for row in (said.spelled, said.doubtful):
        assert all(a.end <= b.start for a, b in pairwise(row)), (text, row)


@given(scraps)
@settings(max_examples=1500, deadline=None)
def test_normalising_again_changes_nothing(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once, text


ADVERSARIAL = {
    "digits": "1" * 8_000,
    "digits and dots": "1." * 20_000,
    "digits and commas": "1,000" + ",000" * 10_000,
    "spaced groups": "1" + " 000" * 10_000,
    "dashes": "1-" * 20_000,
    "slashes": "1/" * 20_000,
    "mg slashes": "5 mg/" * 8_000,
    "times": "2x" * 20_000,
    "letters": "a" * 8_000,
    "capitals": "A" * 8_000,
    "dotted letters": "a." * 20_000,
    "ab dots": "ab." * 14_000,
    "hyphened": "a-" * 20_000,
    "mixed": "a1" * 20_000,
    "at signs": "a@" * 20_000,
    "mail-like": "a.b@c-" * 6_000,
    "brackets": "(" * 8_000,
    "quotes": "'" * 8_000,
    "dots": "." * 8_000,
    "spaces": " " * 8_000,
    "newlines": "\n " * 20_000,
    "roman": "Type I and I " * 3_000,
    "romans": "IVX" * 14_000,
    "lot": "LOT " * 10_000,
    "exp": "EXP 0" * 8_000,
    "phones": "+1 (555) " * 5_000,
    "powers": "10^" * 14_000,
    "superscripts": "¹" * 8_000,
    "q": "q4-" * 14_000,
    "confused": "l0" * 20_000,
    "combining": "a\u0301" * 20_000,
    "one line of words": "take two tablets " * 2_400,
}


@pytest.fixture(scope="module")
def plain_s_per_char() -> float:
    """CPU time of a leaflet's text: what the adversaries are held against."""
    text = "Take 2.5 mg twice daily, 5-10 mL every 8 hours (15-30 °C). " * 1700
    started = time.process_time()
    normalise(text)
    return (time.process_time() - started) / len(text)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_no_text_takes_more_than_linear_time(name: str, plain_s_per_char: float) -> None:
    text = ADVERSARIAL[name]
    started = time.process_time()
    said = normalise(text)
    spent = (time.process_time() - started) / len(text)
    assert len(said.text) <= 20 * len(text)
    assert spent < 12 * plain_s_per_char, f"{spent / plain_s_per_char:.1f} times ordinary text"
