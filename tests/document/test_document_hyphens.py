import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.document.hyphens import join_hyphenated, join_parts
from voxedge.document.model import Box, Word

KNOWN = {"paracetamol", "long", "term", "mother", "in", "law", "well", "wellbeing", "being"}


def words(*texts: str) -> list[Word]:
    return [Word(text, Box(0, 0, 10, 10), 0.9) for text in texts]


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ("para-", "cetamol", "paracetamol"),
        ("para-", "cetamol.", "paracetamol."),
        ("(para-", "cetamol)", "(paracetamol)"),
        ("amlo-", "dipine", "amlodipine"),
        ("well-", "being", "wellbeing"),
        ("Omega-", "3", "Omega-3"),
        ("5-", "10", "5-10"),
        ("2-", "fache", "2-fache"),
        ("Al-", "Cu", "Al-Cu"),
        ("long-", "term", "long-term"),
        ("mother-in-", "law", "mother-in-law"),
        ("médi\u00ad", "cament", "médicament"),
        ("medi¬", "cine", "medicine"),
    ],
)
def test_hyphens(first: str, second: str, whole: str) -> None:
    assert join_parts(first, second, KNOWN.__contains__) == whole


def test_over_several_lines() -> None:
    lines = [words("take", "para-"), words("cetamol", "5-"), words("10", "mL"), words("daily")]
    joined = join_hyphenated(lines, KNOWN.__contains__)
    assert [word.text for word in joined] == ["take", "paracetamol", "5-10", "mL", "daily"]


def test_a_dash_of_its_own_is_no_broken_word() -> None:
    joined = join_hyphenated([words("doses", "-"), words("two")], KNOWN.__contains__)
    assert [word.text for word in joined] == ["doses", "-", "two"]


def test_the_first_box_and_the_lower_confidence_stay() -> None:
    first = Word("para-", Box(1, 2, 3, 4), 0.9, page=1)
    second = Word("cetamol", Box(5, 6, 7, 8), 0.4, page=1)
    (joined,) = join_hyphenated([[first], [second]], KNOWN.__contains__)
    assert joined == Word("paracetamol", Box(1, 2, 3, 4), 0.4, page=1)


@given(
    st.lists(
        st.lists(st.sampled_from(["5-", "10", "mg", "0.5", "a-", "b", "1-", "2/3-"]), max_size=4),
        max_size=5,
    )
)
def test_no_digit_is_ever_lost(texts: list[list[str]]) -> None:
    joined = join_hyphenated([words(*line) for line in texts], lambda _: False)
    before = [c for line in texts for text in line for c in text if c.isdigit()]
    assert [c for word in joined for c in word.text if c.isdigit()] == before
