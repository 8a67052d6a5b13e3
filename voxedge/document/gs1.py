"""What a medicine's barcode says: GS1 element strings.

A DataMatrix on a box (EU Falsified Medicines Directive, US DSCSA) holds application identifiers
(AI), each followed by its value: (01) product, (17) expiry, (10) lot, (21) serial number. Values
of variable length end at a group separator (FNC1, sent as ASCII 29) or at the end. Source: GS1
General Specifications, sections 3 and 7.8; day 00 means the last day of the month (section 7.12).
"""

from __future__ import annotations

import calendar
import datetime
import re
from dataclasses import dataclass

SEPARATOR = "\x1d"
_FIXED = {
    "00": 18, "01": 14, "02": 14, "03": 14, "04": 16, "11": 6, "12": 6, "13": 6, "15": 6, "16": 6,
    "17": 6, "18": 6, "19": 6, "20": 2, "41": 13,
}  # fmt: skip
"""Length of values that need no separator, by the first two digits of the AI (section 7.8.5)."""
_FOUR_DIGITS = ("31", "32", "33", "34", "35", "36", "39", "43", "70", "72", "80", "81", "82")
_THREE_DIGITS = ("23", "24", "25", "40", "41", "42", "71")
_MEASURE_CHARS = 6
_LONGEST = 90
_TWENTIETH_CENTURY = 51
"""Two-digit years this far ahead of now belong to the past century (section 7.12)."""


@dataclass(frozen=True, slots=True)
class Gs1Label:
    """What a code tells about a medicine; None where it has no such element.

    Attributes:
        gtin: 14 digits, check digit right.
        expiry: last day it may be used.
        lot: batch or lot.
        serial: serial number.
    """

    gtin: str | None = None
    expiry: datetime.date | None = None
    lot: str | None = None
    serial: str | None = None


class Gs1Error(ValueError):
    """The text is no GS1 element string; the message says where it breaks."""


def parse_label(text: str, today: datetime.date) -> Gs1Label:
    """Read an element string as a scanner gives it.

    Args:
        text: with or without a symbology identifier ("]d2") or a leading separator.
        today: for the century of two-digit years.

    Raises:
        Gs1Error: an unknown or incomplete element, a wrong check digit, a date that is none.
    """
    values = dict(elements(text))
    gtin = values.get("01")
    if gtin is not None and not is_gtin(gtin):
        raise Gs1Error(f"(01) {gtin} has a wrong check digit")
    expiry = values.get("17")
    return Gs1Label(
        gtin=gtin,
        expiry=None if expiry is None else _date(expiry, today),
        lot=values.get("10"),
        serial=values.get("21"),
    )


def elements(text: str) -> list[tuple[str, str]]:
    """Return AI and value of each element, in order.

    Raises:
        Gs1Error: as ``parse_label``.
    """
    rest = re.sub(r"^\][A-Za-z]\d", "", text)
    found: list[tuple[str, str]] = []
    while rest := rest.lstrip(SEPARATOR):
        identifier = _identifier(rest)
        rest = rest[len(identifier) :]
        length = _FIXED.get(identifier[:2])
        if identifier[:2] in ("31", "32", "33", "34", "35", "36"):
            length = _MEASURE_CHARS
        if length is None:
            value = rest.partition(SEPARATOR)[0]
            if not 0 < len(value) <= _LONGEST:
                raise Gs1Error(f"({identifier}) has no value of a sound length")
        else:
            value = rest[:length]
            if len(value) < length or not (value.isascii() and value.isdigit()):
                raise Gs1Error(f"({identifier}) needs {length} digits")
        rest = rest[len(value) :]
        found.append((identifier, value))
    if not found:
        raise Gs1Error("it is empty")
    return found


def is_gtin(digits: str) -> bool:
    """Say whether 8, 12, 13 or 14 digits end in the right check digit (section 7.9)."""
    if len(digits) not in (8, 12, 13, 14) or not (digits.isascii() and digits.isdigit()):
        return False
    weighted = sum(int(d) * (3 if n % 2 else 1) for n, d in enumerate(reversed(digits)))
    return weighted % 10 == 0


def _identifier(rest: str) -> str:
    first = rest[:2]
    if len(first) < 2 or not (first.isascii() and first.isdigit()):
        raise Gs1Error(f"no application identifier at {rest[:4]!r}")
    length = 4 if first in _FOUR_DIGITS else 3 if first in _THREE_DIGITS else 2
    identifier = rest[:length]
    if len(identifier) < length or not identifier.isdigit():
        raise Gs1Error(f"no application identifier at {rest[:4]!r}")
    return identifier


def _date(digits: str, today: datetime.date) -> datetime.date:
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    year += today.year - today.year % 100
    if year - today.year >= _TWENTIETH_CENTURY:
        year -= 100
    elif year - today.year <= _TWENTIETH_CENTURY - 101:
        year += 100
    if not 1 <= month <= 12:
        raise Gs1Error(f"(17) {digits} is no date")
    try:
        return datetime.date(year, month, day or calendar.monthrange(year, month)[1])
    except ValueError as problem:
        raise Gs1Error(f"(17) {digits} is no date") from problem
