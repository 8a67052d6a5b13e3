from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.document.garbled_units import settled


def written(first, second):
    return " ".join(settled(first.split(), second.split()))


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("take 5 jig daily", "take 5 μg daily", "take 5 μg daily"),
        ("take 5 pg daily", "take 5 µg daily", "take 5 µg daily"),
        ("take 0.25j1g/kg now", "take 0.25μg/kg now", "take 0.25μg/kg now"),
        ("is 9j1g/7 mi for", "is 9μg/7 ml for", "is 9μg/7 ml for"),
        ("than 200 mi) should", "than 200 ml) should", "than 200 ml) should"),
        ("below 30 mi/min).", "below 30 ml/min).", "below 30 ml/min)."),
        ("is 300m! every", "is 300ml every", "is 300ml every"),
        ("above 6.0 mmol/I.", "above 6.0 mmol/l.", "above 6.0 mmol/l."),
        ('above 15-30 "C now', "above 15-30 °C now", "above 15-30 °C now"),
        ("below 25”C now", "below 25℃ now", "below 25℃ now"),
        ("take 5 1U/0.125 mg", "take 5 IU/0.125 mg", "take 5 IU/0.125 mg"),
        ("为 10 一 30 ml", "为 10 ～ 30 ml", "为 10 ～ 30 ml"),
    ],
)
def test_a_known_garble_gives_way_to_the_unit_it_speaks_for(first, second, text):
    assert written(first, second) == text


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("take 5 mg daily", "take 5 µg daily"),  # units both
        ("take 9 g/kg daily", "take 9 µg/kg daily"),
        ("take 5 ng daily", "take 5 µg daily"),
        ("take 251g daily", "take 25µg daily"),  # 251 g
        ("take 29.91U daily", "take 29.9IU daily"),  # 29.91 U
        ("take 5jig daily", "take 50µg daily"),  # another number
        ("take 5 mi daily", "take 5 mg daily"),  # a garble of something else
        ("take 5 jig daily", "take 5 ml daily"),
        ("take 5 jig daily", "take 5 ?g daily"),  # the second reader is not sure
        ("dance a jig daily", "dance a µg daily"),  # no number before it
        ("take 250C daily", "take 25°C daily"),  # 250 C
        ("take 5 i daily", "take 5 l daily"),
        ("take 5 mg/ml daily", "take 5 mg daily"),
        ("take 一 30 ml", "take ~ 30 ml"),
    ],
)
def test_anything_else_stays_as_the_first_reader_has_it(first, second):
    assert written(first, second) == first


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("take 5 jig daily", "take 50 µg daily", "take 5 µg daily"),
        ("take 1.5 mi daily", "take 15 ml daily", "take 1.5 ml daily"),
    ],
)
def test_a_unit_may_be_settled_while_its_number_stays_in_dispute(first, second, text):
    assert written(first, second) == text


_word = st.text(st.sampled_from('0123456789.,mgµlIUij1"C°/一~-'), max_size=6)


@given(st.lists(st.tuples(_word, _word), max_size=6))
def test_no_digit_of_the_first_reader_is_ever_changed(pairs):
    words, second = [a for a, _ in pairs], [b for _, b in pairs]
    for before, other, after in zip(words, second, settled(words, second), strict=True):
        if after == before:
            continue
        # What is written is wholly the second reader's, the first one's marks at its end aside.
        assert after.startswith(other.strip().rstrip(".,;:)"))


@given(
    st.from_regex(r"[1-9]\d{0,3}(\.\d)?", fullmatch=True),
    st.from_regex(r"[1-9]\d{0,3}(\.\d)?", fullmatch=True),
)
def test_different_values_never_agree_through_their_units(one, other):
    if one == other:
        return
    for garble, unit in (("jig", "µg"), ("mi", "ml"), ('"C', "°C")):
        assert settled([f"{one}{garble}"], [f"{other}{unit}"]) == [f"{one}{garble}"]
        texts = settled([one, garble], [other, unit])
        assert texts[0] == one
