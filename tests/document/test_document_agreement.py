from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.document.agreement import lay_beside


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        (["of", "5", "mg"], "of 5 mg", ["of", "5", "mg"]),
        (["of", "5", "mg"], "of5mg", ["of", "5", "mg"]),
        (["of", "5", "mg"], "of50mg", ["of", "50", "mg"]),
        (["take", "5"], "take15", ["take", "15"]),
        (["take", "mg"], "take5mg", ["take5", "mg"]),
        (["is", "1.5", "mg"], "is 15 mg", ["is", "15", "mg"]),
        (["5", "mg"], "", ["", ""]),
        (["5", "to", "10"], "5 to 10", ["5", "to", "10"]),
        ([], "5 mg", []),
    ],
)
def test_each_word_gets_what_stands_in_its_place(words, text, found):
    assert lay_beside(words, text) == found


def test_what_stands_between_two_numbers_confirms_neither():
    assert lay_beside(["5", "10"], "5 1 10") != ["5", "10"]
    assert all(
        second != word
        for second, word in zip(lay_beside(["5", "20"], "5320"), ["5", "20"], strict=True)
    )


def test_a_number_torn_in_two_is_not_confirmed():
    assert lay_beside(["1", "0", "mg"], "10 mg") == ["10", "10", "mg"]
    assert lay_beside(["8,", "700", "g"], "8,700 g")[:2] == ["8,700", "8,700"]


def test_thousands_parted_by_a_space_are_one_number():
    assert lay_beside(["1", "000", "mg"], "1000mg") == ["1", "000", "mg"]


def test_two_numbers_joined_in_one_keep_the_space_between_them():
    assert lay_beside(["510", "mg"], "5 10 mg") == ["5 10", "mg"]


@given(st.lists(st.text(min_size=1).filter(lambda t: not any(map(str.isspace, t))), max_size=6))
def test_a_word_is_confirmed_by_itself(words):
    assert [s.replace(" ", "") for s in lay_beside(words, " ".join(words))] == words


@given(
    st.lists(st.text(alphabet="015lOmg.,", min_size=1, max_size=4), min_size=1, max_size=5),
    st.text(alphabet="015lOmg., ", max_size=20),
)
def test_no_character_of_the_second_reading_is_lost(words, text):
    found = lay_beside(words, text)
    assert len(found) == len(words)
    # A character may be given to two words, and is never in none.
    for character in set(text) - {" "}:
        assert sum(s.count(character) for s in found) >= text.count(character)


@given(
    st.lists(st.sampled_from(["5", "10", "0.5", "mg", "take", "of", "ml"]), min_size=1, max_size=5),
    st.data(),
)
def test_a_changed_digit_is_seen_in_its_word(words, data):
    places = [n for n, word in enumerate(words) if word[0].isdigit()]
    if not places:
        return
    place = data.draw(st.sampled_from(places))
    changed = [*words]
    changed[place] = words[place].replace(words[place][0], "8")
    assert lay_beside(words, " ".join(changed))[place] != words[place]
