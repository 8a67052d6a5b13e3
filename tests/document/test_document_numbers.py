from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.document.confirm import confirm
from voxedge.document.model import Box, Document, Paragraph, Section, Sentence, Word
from voxedge.document.numbers import Certainty, numbers_in, numbers_of
from voxedge.document.serde import from_json, to_json

_BOX = Box(0, 0, 9, 9)


def sentence(first, second=None, joiner=" "):
    """Words of ``first``; ``second`` word by word, "_" for nothing, "?" for not asked."""
    words = first.split()
    others = [None] * len(words) if second is None else second.split()
    assert len(words) == len(others)
    named = {"_": "", "?": None}
    pairs = zip(words, others, strict=True)
    return Sentence(
        tuple(Word(w, _BOX, 0.9, 0, named.get(s, s) if s else None) for w, s in pairs), joiner
    )


def only(first, second=None):
    (number,) = numbers_in(sentence(first, second))
    return number


def document(*sentences):
    return Document((Section((Paragraph(tuple(sentences)),)),), (), "en")


def test_equal_readings_are_certain():
    number = only("Take 5 mg daily.", "Take 5 mg daily.")
    assert number.certainty is Certainty.CERTAIN
    assert (number.text, number.unit, number.readings) == ("5 mg", "mg", ("5 mg",))


@pytest.mark.parametrize(
    ("first", "second", "readings"),
    [
        ("Take 5 mg daily", "Take 50 mg daily", ("5 mg", "50 mg")),
        ("Take 1.5 mg daily", "Take 15 mg daily", ("1.5 mg", "15 mg")),
        ("Take 1,5 mg daily", "Take 1.5 mg daily", ("1,5 mg", "1.5 mg")),
        ("Take 5 mg daily", "Take 5 µg daily", ("5 mg", "5 µg")),
        ("Take 5 mg daily", "Take 5 g daily", ("5 mg", "5 g")),
        ("Take 5 mg daily", "Take 5 ml daily", ("5 mg", "5 ml")),
        ("Take 5 mg daily", "Take 5 _ daily", ("5 mg", "5")),
        ("Take 5 mi daily", "Take 5 ml daily", ("5 mi", "5 ml")),
        ("Take 1O mg daily", "Take 10 mg daily", ("1O mg", "10 mg")),
        ("Take 5 mg daily", "Take S mg daily", ("5 mg",)),
        ("Take 8 mg daily", "Take B mg daily", ("8 mg",)),
        ("Take 5 mg daily", "Take _ _ daily", ("5 mg",)),
        ("Take 5-10 mg daily", "Take 5-70 mg daily", ("5-10 mg", "5-70 mg")),
        ("Take 1/2 tablet daily", "Take 1/7 tablet daily", ("1/2 tablet", "1/7 tablet")),
    ],
)
def test_anything_else_is_doubtful(first, second, readings):
    number = only(first, second)
    assert not number.is_certain
    assert number.is_checked
    assert number.readings == readings


@pytest.mark.parametrize("text", ["Take 20pg daily", "about 5 mi of it", "Give 5 1U at once"])
def test_what_both_misread_alike_is_doubtful(text):
    assert not any(number.is_certain for number in numbers_in(sentence(text, text)))


def test_an_unchecked_number_is_doubtful_and_says_so():
    number = only("Take 5 mg daily")
    assert not number.is_certain
    assert not number.is_checked
    assert number.readings == ("5 mg",)


def test_one_word_unchecked_is_enough_for_doubt():
    assert not only("Take 5 mg", "Take 5 ?").is_certain


def test_a_character_the_second_reader_doubts_confirms_nothing():
    assert not only("Take 50 mg", "Take 5? mg").is_certain


def test_a_long_unit_that_counts_may_be_misspelt_by_the_second_reader():
    assert only("Take 2 tablets daily", "Take 2 tablcts daily").is_certain
    assert not only("Take 2 tablets daily", "Take 2 hours daily").is_certain


def test_a_number_only_the_second_reader_saw_is_told():
    (number,) = numbers_in(sentence("Take lO tablets", "Take 10 tablets"))
    assert not number.is_certain
    assert number.readings == ("10",)
    (lost,) = numbers_in(sentence("take them daily", "take5 them daily"))
    assert lost.text == "take"
    assert not lost.is_certain


def test_small_words_are_no_lost_numbers():
    assert numbers_in(sentence("up to it", "up t0 it")) == ()
    assert numbers_in(sentence("smokers felt", "sm0kers felt")) == ()


def test_numbers_that_share_a_word_are_compared_one_by_one():
    numbers = numbers_in(sentence("give 5mg/10ml now", "give 5mg/70ml now"))
    assert [n.is_certain for n in numbers] == [True, False]


def test_a_number_that_goes_on_after_its_point_is_doubtful():
    numbers = numbers_in(sentence("contains 2. 5 mg", "contains 2. .5 mg"))
    assert not any(number.is_certain for number in numbers)


def test_chinese_without_spaces():
    words = ("每", "8", "小时", "1", "次")
    same = Sentence(tuple(Word(w, _BOX, 0.9, 0, w) for w in words), "")
    assert [(n.text, n.is_certain) for n in numbers_in(same)] == [("8小时", True), ("1次", True)]
    lost = Sentence((Word("10", _BOX, 0.9, 0, "10"), Word("一", _BOX, 0.9, 0, "~")), "")
    assert not numbers_in(lost)[0].is_certain


def test_json_tells_numbers_and_comes_back():
    page = document(sentence("Take 5 mg daily.", "Take 50 mg daily."))
    data = to_json(page)
    assert data["numbers"] == [
        {
            "text": "5 mg",
            "unit": "mg",
            "certainty": "doubtful",
            "readings": ["5 mg", "50 mg"],
            "sentence": "Take 5 mg daily.",
        }
    ]
    assert from_json(data) == page


_MARKS = st.text(alphabet="0123456789.,/-lOISBmgµ%", min_size=1, max_size=6)


@given(st.lists(_MARKS, min_size=1, max_size=6))
def test_certain_numbers_are_equal_in_both_readings(words):
    text = " ".join(words)
    for number in numbers_in(sentence(text, text)):
        assert number.readings[0] == number.text
        assert number.text in text


@given(st.lists(st.tuples(_MARKS, _MARKS), min_size=1, max_size=5))
def test_whatever_the_second_reader_says_no_number_is_lost_and_nothing_is_raised(pairs):
    first, second = (" ".join(column) for column in zip(*pairs, strict=True))
    numbers = numbers_in(sentence(first, second.replace("?", "x")))
    digits = {at for at, character in enumerate(first) if character.isdecimal()}
    told = {at for number in numbers for at in range(number.start, number.end)}
    assert digits <= told


@given(st.integers(1, 9999), st.integers(1, 9999), st.sampled_from(["mg", "ml", "µg", "g"]))
def test_different_digits_are_never_certain(one, other, unit):
    number = only(f"Take {one} {unit} daily", f"Take {other} {unit} daily")
    assert number.is_certain == (one == other)


LONG = "Adults take {} mg every evening with water"


def test_a_second_picture_confirms():
    first = document(sentence(LONG.format(5), LONG.format(50)))
    second = document(sentence(LONG.format(50), LONG.format(50)))
    ((_, number),) = numbers_of(confirm(first, second))
    assert number.is_certain
    assert number.text == "50 mg"


def test_a_second_picture_with_another_number_confirms_nothing():
    first = document(sentence(LONG.format(5), LONG.format(50)))
    second = document(sentence(LONG.format(60), LONG.format(60)))
    ((_, number),) = numbers_of(confirm(first, second))
    assert not number.is_certain


def test_a_second_picture_as_sure_of_another_number_makes_it_doubtful():
    first = document(sentence(LONG.format(5), LONG.format(5)))
    second = document(sentence(LONG.format(50), LONG.format(50)))
    ((_, number),) = numbers_of(confirm(first, second))
    assert not number.is_certain
    assert number.readings == ("5 mg", "50 mg")


def test_a_doubtful_second_picture_changes_nothing():
    first = document(sentence(LONG.format(5), LONG.format(5)))
    second = document(sentence(LONG.format(50), LONG.format(60)))
    assert confirm(first, second) == first


def test_sentences_that_cannot_be_told_apart_confirm_nothing():
    first = document(sentence(LONG.format(5), LONG.format(50)))
    same = sentence(LONG.format(50), LONG.format(50))
    assert confirm(first, document(same, sentence(LONG.format(5), LONG.format(5)))) == first
    assert (
        confirm(first, document(sentence("Another text with 50 mg", "Another text with 50 mg")))
        == first
    )


@given(st.lists(st.integers(1, 99), min_size=1, max_size=4), st.data())
def test_confirming_by_itself_changes_nothing(values, data):
    texts = [f"{name} is given in {value} mg" for name, value in zip("ABCD", values, strict=False)]
    page = document(*(sentence(text, text) for text in texts))
    assert confirm(page, page) == page


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("take ea 6mg once", "take 2. 6mg once"),
        ("take 7 5 mmol once", "take _ 5 mmol once"),
        ("take 5 o mg once", "take 5 0 mg once"),
    ],
)
def test_a_number_beside_something_that_may_be_its_part_is_doubtful(first, second):
    assert not any(number.is_certain for number in numbers_in(sentence(first, second)))


def read_with(first, second, confidence):
    """A sentence whose words were read with these confidences."""
    words = sentence(first, second).words
    sure = [float(c) for c in confidence.split()]
    return numbers_in(
        Sentence(tuple(replace(w, confidence=c) for w, c in zip(words, sure, strict=True)))
    )


@pytest.mark.parametrize(
    ("first", "second", "confidence"),
    [
        ("is ih 5 mg daily", "is ? 5 mg daily", ".9 .5 .9 .9 .9"),  # 6.5 mg
        ("in 24 eure to you", "in 24 ? ? you", ".9 .9 .3 .9 .9"),  # 24 hours
        ("up 8 mifor children", "up 8 mlfor children", ".9 .9 .2 .9"),
        ("than 30 remutes before", "than 30 mnutes before", ".9 .9 .1 .9"),
        ("syrup 9 tim a", "syrup 9 tim a", ".9 .9 .9 .9"),  # 9 times
        ("for 21 da ys", "for 21 da ?", ".9 .9 .9 .9"),
        ("every 12 hour", "every 12 hours", ".9 .9 .9"),
        ("Mumbai - 080 now", "Mumbai ? 080 now", ".9 .9 .9 .9"),  # 400 - 080
        ("before May 202", "before May 202", ".9 .9 .9"),
        ("Fenistat 0. amg daily", "Fenistat 0. ? daily", ".9 .9 .9 .9"),  # 0.4mg
        ("contains 4. of it", "contains 4. of it", ".9 .9 .9 .9"),
        ("is 8.700 mg daily", "is 8.700 mg daily", ".9 .9 .9 .9"),
        ("Warlidin 1.3 mt: one tablet", "Warlidin 1.3 mt one tablet", ".9 .9 .9 .9 .9"),
        ("Drip at 42 mifh, and stop", "Drip at 42 ? ? ?", ".9 .9 .9 .8 .9 .9"),  # 42 ml/h
        ("between 3 and 11 mmol.", "between 3 and 11 mmol.", ".9 .9 .9 .9 .9"),
        ("between 3 and 11 mmol/.", "between 3 and 11 mmol/.", ".9 .9 .9 .9 .9"),
        ("was 20.5 mmol/, and it", "was 20.5 mmol/, and it", ".9 .9 .9 .9 .9"),
        ("give 3 mg/ and then", "give 3 mg/ and then", ".9 .9 .9 .9 .9"),
        ("has 52.1 mI./76mg daily", "has 52.1 mI./76mg daily", ".9 .9 .9 .9"),
    ],
)
def test_a_number_is_as_good_as_its_neighbours(first, second, confidence):
    assert not all(number.is_certain for number in read_with(first, second, confidence))


@pytest.mark.parametrize(
    ("first", "second", "confidence"),
    [
        ("take 5 mg daly", "take 5 mg ?", ".9 .9 .9 .2"),  # behind a unit nothing can hide
        ("tako 5 mg daily", "take 5 mg daily", ".3 .9 .9 .9"),
        ("in 24 smokers now", "in 24 smokers now", ".9 .9 .2 .9"),
        ("- 5 mg daily", "? 5 mg daily", ".1 .9 .9 .9"),
        ("give 20 mmol of it", "give 20 mmol of it", ".9 .9 .9 .9 .9"),
        ("below 11 mmol/l.", "below 11 mmol/l.", ".9 .9 .9"),
        ("give 3 mg/ 5 ml.", "give 3 mg/ 5 ml.", ".9 .9 .9 .9 .9"),
        ("Section 4. Take it", "Section 4. Take it", ".9 .9 .9 .9"),
    ],
)
def test_neighbours_that_hide_nothing_cost_no_certainty(first, second, confidence):
    assert read_with(first, second, confidence)[0].is_certain
