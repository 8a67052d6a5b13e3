from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.document.figures import (
    NumberKind,
    canonical,
    figures_in,
    is_clean_figure,
    is_misread,
    is_misread_unit,
    may_be_figure,
    starts_with_unit,
)


def found(text):
    return [(figure.value, figure.unit) for figure in figures_in(text)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Take 5 mg twice", [("5", "mg")]),
        ("0.5mg/5 mL", [("0.5", "mg"), ("5", "mL")]),
        ("2.5 mg/kg/day", [("2.5", "mg/kg/day")]),
        (".5 mg", [(".5", "mg")]),
        ("1,000 people", [("1,000", "people")]),
        ("1 000 mg", [("1 000", "mg")]),
        ("5-10 ml", [("5-10", "ml")]),
        ("5–10 ml", [("5–10", "ml")]),
        ("17- 28 ml", [("17- 28", "ml")]),
        ("17 - 28 ml", [("17 - 28", "ml")]),
        ("after9 weeks", [("9", "weeks")]),
        ("24个月", [("24", "个月")]),
        ("20～40mg/kg，每8小时", [("20～40", "mg/kg"), ("8", "小时")]),
        ("½ tablet", [("½", "tablet")]),
        ("1/2 tablet", [("1/2", "tablet")]),
        ("2x500 mg", [("2x500", "mg")]),
        ("95 % of them", [("95", "%")]),
        ("95%felt", [("95", "%")]),
        ("below 25 °C", [("25", "°C")]),
        ("below 25℃", [("25", "℃")]),
        ("1O mg", [("1O", "")]),
        ("no number here", []),
        ("一日三次", []),
    ],
)
def test_numbers_are_found_with_their_units(text, numbers):
    assert found(text) == numbers


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("5 mg", NumberKind.DOSE),
        ("24 hours", NumberKind.COUNT),
        ("12/05/2027", NumberKind.DATE),
        ("06/2027", NumberKind.DATE),
        ("8 May", NumberKind.DATE),
        ("B12", NumberKind.OTHER),
    ],
)
def test_kinds(text, kind):
    assert figures_in(text)[0].kind is kind


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5 mg", "5mg"),
        ("5 mL", "5 ml"),
        ("5–10 mg", "5-10 mg"),
        ("25 °C", "25℃"),
        ("5 µg", "5 μg"),  # micro sign and Greek mu print the same
        ("(500 mg)", "500 mg."),
        ("1·5 mg", "1.5 mg"),
    ],
)
def test_the_same_print_compares_equal(one, other):
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.5 mg", "15 mg"),
        ("1.5 mg", "1,5 mg"),
        ("1,000", "1.000"),
        ("5 mg", "5"),
        ("5 mg", "5 µg"),
        ("5 mg", "5 mcg"),
        ("5 µg", "5 mcg"),
        ("5 mg", "5 g"),
        ("5 mg", "5 ml"),
        ("10 mg", "1O mg"),
        ("1 mg", "l mg"),
        ("1 mg", "I mg"),
        ("5 mg", "S mg"),
        ("8 mg", "B mg"),
        ("5-10 mg", "510 mg"),
        ("1/2", "12"),
        ("<5 mg", "5 mg"),
        (".5 mg", "5 mg"),
        ("-5 °C", "5 °C"),
        ("5 mg/ml", "5 mg"),
    ],
)
def test_what_differs_by_a_digit_a_mark_or_a_unit_is_different(one, other):
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    "number",
    [
        "2Oug",
        "20pg",
        "5mi",
        "1O0 mg",
        "1O",
        "0.5 g/lin",
        "1.000 people",
        "2l",
        "5 mg/kq",
        "8.700 mg",
        "2.125 mg",
        "03/202",
        "12.05.202",
    ],
)
def test_known_misreadings_are_never_certain(number):
    assert is_misread(number)


@pytest.mark.parametrize(
    "number",
    [
        "5 mg", "0.125 mg", "1st", "2nd", "500 mg/day", "5 mg/kg/day", "24 hours", "12 sachets",
        "B12", "30 °C", "5 ml/min", "12/05/2027", "100 mg/tablet", "5mg/5ml", "2x500 mg", "1,000",
        "A43038", "0.000", "10 ml", "3/day",
    ],
)  # fmt: skip
def test_sound_numbers_are_no_misreadings(number):
    assert not is_misread(number)


def test_units_and_what_stands_for_them():
    assert starts_with_unit("ml)")
    assert starts_with_unit("IU/2")
    assert not starts_with_unit("mild")
    assert is_misread_unit("mi)")
    assert is_misread_unit("1U/2")
    assert not is_misread_unit("of")


def test_letters_that_may_be_digits():
    assert may_be_figure("lO")
    assert may_be_figure("S.")
    assert not may_be_figure("mg")
    assert not may_be_figure("tablet")


def test_a_clean_figure_is_nothing_else():
    assert is_clean_figure("5 mg")
    assert is_clean_figure("06/2027")
    assert not is_clean_figure("sm0kers")


@given(st.text())
def test_figures_lie_in_the_text_without_overlapping(text):
    figures = figures_in(text)
    at = 0
    for figure in figures:
        assert at <= figure.start < figure.end <= len(text)
        assert any(character.isnumeric() for character in text[figure.start : figure.end])
        at = figure.end


@given(st.text(alphabet="0123456789.,/-½ mgµlOIS ", min_size=1))
def test_every_digit_is_in_some_figure(text):
    figures = figures_in(text)
    inside = {at for figure in figures for at in range(figure.start, figure.end)}
    assert all(at in inside for at, character in enumerate(text) if character.isdecimal())


@given(st.text())
def test_canonical_is_stable(text):
    assert canonical(canonical(text)) == canonical(text)
