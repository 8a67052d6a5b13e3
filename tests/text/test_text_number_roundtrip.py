"""Every number that goes in comes out, in order, equal in value."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from number_words import numbers_in

from voxedge.text import normalise
from voxedge.text.english import numerals

SETTINGS = settings(max_examples=200, deadline=None)
DOSE_UNITS = ["mg", "mL", "ml", "µg", "mcg", "g", "mg/kg", "mmol", "IU", "mg/mL", "mg/kg/day", "%"]
OTHER_UNITS = ["°C", "kg", "mmHg", "hours", "tablets", "days", "mmol/l", "ml/min", "kcal", "cm"]

plain = st.integers(0, 9_999_999).map(lambda n: (str(n), [Fraction(n)]))
grouped = st.integers(1000, 10**12).map(lambda n: (f"{n:,}", [Fraction(n)]))
decimals = st.tuples(st.integers(0, 99_999), st.integers(1, 9999), st.integers(4, 6)).map(
    lambda t: (f"{t[0]}.{t[1]:0{t[2]}d}", [Fraction(f"{t[0]}.{t[1]:0{t[2]}d}")])
)
naked = st.integers(1, 999).map(lambda n: (f".{n}", [Fraction(f"0.{n}")]))
comma = st.tuples(st.integers(0, 999), st.integers(0, 99)).map(
    lambda t: (f"{t[0]},{t[1]}", [Fraction(f"{t[0]}.{t[1]}")])
)
vulgar = st.sampled_from(
    [
        ("½", Fraction(1, 2)),
        ("¼", Fraction(1, 4)),
        ("¾", Fraction(3, 4)),
        ("⅓", Fraction(1, 3)),
        ("⅔", Fraction(2, 3)),
        ("⅛", Fraction(1, 8)),
        ("1/2", Fraction(1, 2)),
        ("3/4", Fraction(3, 4)),
    ]
).map(lambda t: (t[0], [t[1]]))
mixed = st.tuples(
    st.integers(1, 99),
    st.sampled_from(
        [
            ("½", Fraction(1, 2)),
            (" 1/2", Fraction(1, 2)),
            ("¼", Fraction(1, 4)),
            (" 3/4", Fraction(3, 4)),
            (" ½", Fraction(1, 2)),
        ]
    ),
).map(lambda t: (f"{t[0]}{t[1][0]}", [t[0] + t[1][1]]))
number = st.one_of(plain, grouped, decimals, naked, comma, vulgar, mixed)
exact = st.one_of(plain, grouped, decimals)
unit = st.sampled_from(DOSE_UNITS + OTHER_UNITS)
gap = st.sampled_from([" ", "", "\u00a0"])


@st.composite
def amount(draw: st.DrawFn) -> tuple[str, list[Fraction]]:
    text, values = draw(number)
    name = draw(unit)
    space = " " if name[0].isalpha() and name in ("hours", "tablets", "days") else draw(gap)
    return f"{text}{space}{name}", values


@st.composite
def ranged(draw: st.DrawFn) -> tuple[str, list[Fraction]]:
    low, high = draw(exact), draw(exact)
    if re.fullmatch(r"(19|20)\d\d", low[0]) or re.fullmatch(r"0\d+", low[0]):
        low = ("5", [Fraction(5)])
    dash = draw(st.sampled_from(["-", "–", " - ", " – ", " to ", " or "]))
    name = draw(st.sampled_from(["mg", "mL", "tablets", "°C", "µg"]))
    return f"{low[0]}{dash}{high[0]} {name}", low[1] + high[1]


@st.composite
def ratio(draw: st.DrawFn) -> tuple[str, list[Fraction]]:
    top, bottom = draw(exact), draw(exact)
    slash = draw(st.sampled_from(["/", " / ", " per "]))
    a, b = draw(st.sampled_from([("mg", "mL"), ("µg", "ml"), ("IU", "mL"), ("mg", "kg")]))
    return f"{top[0]} {a}{slash}{bottom[0]} {b}", top[1] + bottom[1]


@st.composite
def multiplied(draw: st.DrawFn) -> tuple[str, list[Fraction]]:
    count = draw(st.integers(1, 99))
    dose = draw(exact)
    times = draw(st.sampled_from([" x ", " × ", "×", "x"]))
    return f"{count}{times}{dose[0]} mg", [Fraction(count), *dose[1]]


FILLERS = [
    "Take",
    "up to",
    "every",
    "with water and",
    "(not more than",
    "or",
    "daily;",
    "then",
    "Do not exceed",
]


@st.composite
def sentence(draw: st.DrawFn) -> tuple[str, list[Fraction]]:
    parts: list[str] = []
    values: list[Fraction] = []
    for _ in range(draw(st.integers(1, 5))):
        parts.append(draw(st.sampled_from(FILLERS)))
        text, found = draw(st.one_of(amount(), ranged(), ratio(), multiplied()))
        parts.append(text)
        values += found
    return " ".join(parts) + draw(st.sampled_from([".", "", " daily.", ")."])), values


@given(st.integers(0, numerals.LIMIT - 1))
@SETTINGS
def test_cardinals_round_trip(number: int) -> None:
    assert numbers_in(numerals.cardinal(number)) == [number]


@given(st.one_of(amount(), ranged(), ratio(), multiplied(), sentence()))
@settings(max_examples=1500, deadline=None)
def test_numbers_in_are_numbers_out(case: tuple[str, list[Fraction]]) -> None:
    printed, values = case
    said = normalise(printed)
    assert not said.spelled, (printed, said)
    assert numbers_in(said.text) == values, (printed, said.text)


dates = st.dates().filter(lambda d: 1900 <= d.year < 2100)


@given(
    dates,
    st.sampled_from(
        ["%Y-%m-%d", "%d %B %Y", "%d %b %Y", "%d. %B %Y", "%d/%m/%Y", "%d.%m.%Y", "%m/%d/%Y"]
    ),
)
@SETTINGS
def test_dates_keep_their_numbers_in_printed_order(day, shape: str) -> None:  # type: ignore[no-untyped-def]
    printed = day.strftime(shape)
    said = normalise(printed)
    order = {"Y": day.year, "m": day.month, "d": day.day, "B": day.month, "b": day.month}
    expected = [order[letter] for letter in re.findall(r"%(\w)", shape)]
    assert numbers_in(said.text, months=True) == expected, (printed, said.text)
    numeric = "/" in shape or ("." in shape and "%m" in shape)
    ambiguous = numeric and day.day <= 12 and day.month != day.day
    assert bool(said.doubtful) == ambiguous, (printed, said)


@given(st.integers(0, 23), st.integers(0, 59), st.sampled_from(["", " a.m.", " pm", "h"]))
@SETTINGS
def test_times_keep_their_numbers(hour: int, minute: int, half: str) -> None:
    printed = f"at {hour}:{minute:02d}{half}"
    said = normalise(printed).text
    values = [hour] if minute == 0 else [hour, minute]
    words = said.replace(" oh ", ", ")
    parsed = [v for piece in split_clock(words) for v in numbers_in(piece)]
    assert parsed == values, (printed, said)


def split_clock(words: str) -> list[str]:
    """Part "eight thirty" into hour and minute."""
    tokens = words.replace("at ", "").replace(",", " ,").split()
    return [tokens[0], " ".join(tokens[1:])]


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("two hundred fifty milligrams per five", [250, 5]),
        ("zero point zero five", [Fraction(5, 100)]),
        ("one and a half tablets, three quarters", [Fraction(3, 2), Fraction(3, 4)]),
        ("nineteen ninety-nine", [1999]),
        ("twenty twenty-six", [2026]),
        ("nineteen oh five", [1905]),
        ("twenty-one thousand three hundred five", [21305]),
        ("zero zero seven", [7]),
        ("five, ten", [5, 10]),
        ("no numbers here", []),
    ],
)
def test_the_parser_of_the_tests_itself(said: str, values: list[Fraction]) -> None:
    assert numbers_in(said) == values
