"""One printed number: where it ends, its words, and whether its notation can be trusted.

Readings, in the order they are tried:

- vulgar fractions: ``½``, ``1½``, ``1 ½``, ``1/2``, ``1 1/2``
- ``1-1/2`` is one and a half, as American labels print it; doubtful
- thousands: ``1,000``, ``1 000`` with a no-break space, ``1'000``; with a plain space only where
  a later group starts with 0 (``10 000``), because "take 2 500 mg" may be two of 500
- decimals: ``2.5``, ``0.05``; a naked ``.5`` is "point five" and doubtful
- decimal comma: one or two digits after it (``2,5``) or a leading zero (``0,125``); doubtful
- anything else made of digits, dots and commas is not a number here
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from voxedge.text.english import numerals
from voxedge.text.fold import SUPERSCRIPTS
from voxedge.text.model import Doubt

VULGAR = {
    char: (int(top), int(bottom))
    for char, top, bottom in (
        (char, *unicodedata.normalize("NFKC", char).split("⁄")) for char in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒"
    )
}
SLASHED = {f"{a}/{b}": (a, b) for a, b in set(VULGAR.values()) if b in (2, 3, 4, 8)}
"""Fractions read as such when printed with a slash; ``5/10`` may be a combined strength."""

LONGEST_PLAIN = 7
"""A longer run of digits without separators is a code or a phone number: digit by digit."""

_RUN = re.compile(r"[0-9](?:[0-9]|[.,'](?=[0-9]))*")
_NAKED = re.compile(r"\.[0-9]+(?![0-9.,]*[0-9])")
_SPACED_GROUPS = re.compile(r"(?:[ \u00a0][0-9]{3}(?![0-9]|[.,'][0-9]))+")
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_SWISS = re.compile(r"[1-9][0-9]{0,2}(?:'[0-9]{3})+(?:\.[0-9]+)?")
_DECIMAL = re.compile(r"([0-9]+)\.([0-9]+)")
_COMMA = re.compile(r"([0-9]+),([0-9]{1,2}|[0-9]{4,})|(0),([0-9]+)")
_SECTION = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,2}){2,5}")
_LIST = re.compile(r"[0-9]{1,2}(?:,[0-9]{1,2}){2,9}")
_SLASH_FRACTION = re.compile(r"([0-9])/([0-9])(?![0-9/.,][0-9]|[0-9])")
_MIXED_TAIL = re.compile(
    r"(?:[ \u00a0]?([½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒])|([ \u00a0-])([0-9]/[0-9])(?![0-9/]))"
)
_POWER = re.compile(rf"(?:([−-]?)([{SUPERSCRIPTS}]{{1,3}})|\^([−+-]?)([0-9]{{1,3}})(?![0-9.]))")


@dataclass(frozen=True, slots=True)
class Number:
    """A number as read.

    Attributes:
        end: offset after it.
        words: how it is said.
        one: the unit after it stays singular ("one", "one half").
        doubt: why its notation cannot be trusted blindly.
        trailing_zero: it ends in ".0", an error-prone way to write a dose.
        whole: a plain run of digits, None for anything else.
        long: a run of digits too long to be an amount unless a unit follows.
        size: for telling an upward range from a downward one, as far as a float can.
    """

    end: int
    words: str
    one: bool
    size: float
    doubt: Doubt | None = None
    trailing_zero: bool = False
    whole: str | None = None
    long: bool = False


def number_at(text: str, pos: int) -> Number | None:
    """Return the number that starts at ``pos``, None where there is none that can be trusted.

    The character after it may still make it something else (a letter: a code).
    """
    char = text[pos : pos + 1]
    if char in VULGAR and char:
        return _with_vulgar("", VULGAR[char], pos + 1)
    if char == ".":
        match = _NAKED.match(text, pos)
        if match is None:
            return None
        fraction = match.group()[1:]
        size = float("0." + fraction[:15])
        words = numerals.decimal("", fraction)
        return Number(match.end(), words, False, size, Doubt.NAKED_DECIMAL)
    match = _SLASH_FRACTION.match(text, pos)
    if match is not None and match.group() in SLASHED:
        return _with_vulgar("", SLASHED[match.group()], match.end())
    run = _RUN.match(text, pos)
    return _run(text, run) if run else None


def power_at(text: str, pos: int) -> tuple[str, int] | None:
    """Return " to the power of nine" and its end for "⁹" or "^9" after a number."""
    match = _POWER.match(text, pos)
    if match is None:
        return None
    raised = match.group(2)
    digits = "".join(str(SUPERSCRIPTS.index(c)) for c in raised) if raised else match.group(4)
    sign = "minus " if (match.group(1) or match.group(3) or "+") in "−-" else ""
    return f" to the power of {sign}{numerals.integer(digits)}", match.end()


def _with_vulgar(whole: str, part: tuple[int, int], end: int, doubt: Doubt | None = None) -> Number:
    top, bottom = part
    if not whole:
        return Number(end, numerals.fraction(top, bottom), True, top / bottom)
    words = numerals.mixed(whole, top, bottom)
    return Number(end, words, False, int(whole[:15]) + top / bottom, doubt)


def _run(text: str, run: re.Match[str]) -> Number | None:
    printed, end = run.group(), run.end()
    if printed.isdigit():
        return _whole(text, printed, end)
    if _THOUSANDS.fullmatch(printed):
        return _plain(printed.replace(",", ""), end)
    if _SWISS.fullmatch(printed):
        return _plain(printed.replace("'", ""), end)
    if _DECIMAL.fullmatch(printed):
        return _plain(printed, end)
    if _COMMA.fullmatch(printed):
        return _plain(printed.replace(",", "."), end, Doubt.DECIMAL_COMMA)
    if _SECTION.fullmatch(printed):
        words = " point ".join(numerals.integer(part) for part in printed.split("."))
        return Number(end, words, False, 0.0)
    if _LIST.fullmatch(printed):
        words = ", ".join(numerals.integer(part) for part in printed.split(","))
        return Number(end, words, False, 0.0, Doubt.AMBIGUOUS_NUMBER)
    return None


def _plain(printed: str, end: int, doubt: Doubt | None = None) -> Number:
    whole, point, fraction = printed.partition(".")
    size = float(f"{whole[:15]}.{fraction[:15] or 0}")
    if not point:
        return Number(end, numerals.integer(whole), whole == "1", size, doubt)
    words = numerals.decimal(whole, fraction)
    return Number(end, words, False, size, doubt, trailing_zero=not fraction.strip("0"))


def _whole(text: str, printed: str, end: int) -> Number:
    tail = _MIXED_TAIL.match(text, end)
    if tail is not None and len(printed) <= LONGEST_PLAIN:
        part = VULGAR.get(tail.group(1)) if tail.group(1) else SLASHED.get(tail.group(3))
        if part is not None:
            doubt = Doubt.AMBIGUOUS_NUMBER if tail.group(2) == "-" else None
            return _with_vulgar(printed, part, tail.end(), doubt)
    groups = _SPACED_GROUPS.match(text, end)
    if groups is not None and len(printed) <= 3 and printed[0] != "0":
        sure = "\u00a0" in groups.group() or " 0" in groups.group()
        if sure:
            return _plain(printed + re.sub(r"\s", "", groups.group()), groups.end())
        words = ", ".join(map(numerals.integer, [printed, *groups.group().split()]))
        return Number(groups.end(), words, False, 0.0, Doubt.AMBIGUOUS_NUMBER)
    long = len(printed) > LONGEST_PLAIN
    words = numerals.digits(printed) if long else numerals.integer(printed)
    return Number(end, words, printed == "1", float(printed[:15]), None, False, printed, long)
