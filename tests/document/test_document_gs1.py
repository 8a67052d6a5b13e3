from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.document.gs1 import SEPARATOR, Gs1Error, Gs1Label, elements, is_gtin, parse_label

TODAY = datetime.date(2026, 11, 23)


def with_check_digit(thirteen):
    weighted = sum(int(d) * (3 if n % 2 == 0 else 1) for n, d in enumerate(reversed(thirteen)))
    return thirteen + str(-weighted % 10)


PRODUCT = with_check_digit("0340093000001")


def test_a_medicine_box():
    text = f"01{PRODUCT}17280831" + f"10B4172K{SEPARATOR}21XY99887766"
    assert parse_label(text, TODAY) == Gs1Label(
        PRODUCT, datetime.date(2028, 8, 31), "B4172K", "XY99887766"
    )


@pytest.mark.parametrize("head", ["", "]d2", SEPARATOR, "]C1"])
def test_a_scanners_prefix_is_passed_over(head):
    assert parse_label(f"{head}01{PRODUCT}", TODAY).gtin == PRODUCT


def test_order_does_not_matter():
    text = f"21S1{SEPARATOR}10L2{SEPARATOR}17300100" + f"01{PRODUCT}"
    label = parse_label(text, TODAY)
    assert (label.serial, label.lot, label.gtin) == ("S1", "L2", PRODUCT)


@pytest.mark.parametrize(
    ("digits", "date"),
    [
        ("280831", datetime.date(2028, 8, 31)),
        ("280200", datetime.date(2028, 2, 29)),
        ("270200", datetime.date(2027, 2, 28)),
        ("301200", datetime.date(2030, 12, 31)),
        ("760101", datetime.date(2076, 1, 1)),
        ("770101", datetime.date(1977, 1, 1)),
    ],
)
def test_expiry_dates(digits, date):
    assert parse_label(f"17{digits}", TODAY).expiry == date


@pytest.mark.parametrize("digits", ["281301", "280001", "280230", "280431"])
def test_dates_that_are_none_are_refused(digits):
    with pytest.raises(Gs1Error):
        parse_label(f"17{digits}", TODAY)


@pytest.mark.parametrize(
    "text",
    ["", SEPARATOR, "01123", "hello", "0", "17abcdef", "10", f"10{SEPARATOR}21A", "10" + "x" * 91,
     f"01{PRODUCT[:-1]}{(int(PRODUCT[-1]) + 1) % 10}", "01٣٤٠٠٩٣٠٠٠٠٠٠١٤"],
)  # fmt: skip
def test_broken_strings_are_refused(text):
    with pytest.raises(Gs1Error):
        parse_label(text, TODAY)


def test_other_elements_are_passed_over():
    text = "3103001750" + f"7141234567{SEPARATOR}" + f"01{PRODUCT}"
    assert [ai for ai, _ in elements(text)] == ["3103", "714", "01"]


@pytest.mark.parametrize("digits", ["4006381333931", "96385074", "036000291452", PRODUCT])
def test_check_digits(digits):
    assert is_gtin(digits)
    assert not is_gtin(digits[:-1] + str((int(digits[-1]) + 1) % 10))


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        label = parse_label(text, TODAY)
    except Gs1Error:
        return
    assert isinstance(label, Gs1Label)


_VALUE = st.text(alphabet="ABCXYZ0189-/", min_size=1, max_size=20)


@given(_VALUE, _VALUE, st.dates(datetime.date(2000, 1, 1), datetime.date(2060, 12, 31)))
def test_what_is_written_is_read(lot, serial, expiry):
    text = f"01{PRODUCT}17{expiry:%y%m%d}10{lot}{SEPARATOR}21{serial}"
    assert parse_label(text, TODAY) == Gs1Label(PRODUCT, expiry, lot, serial)
