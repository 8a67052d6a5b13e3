"""Amounts: numbers with units, ranges, ratios, multipliers.

amount    := number power? unit? ("/" number? unit)*
amounts   := amount (("-" | "x") amount)?
hyphened  := number "-" word            "5-day", "250-mg"
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from voxedge.text.english import numerals
from voxedge.text.english.number import Number, number_at, power_at
from voxedge.text.english.units import STRENGTHS, Unit, unit_after_per, unit_at
from voxedge.text.fold import SUPERSCRIPTS, letters_end
from voxedge.text.language import Kind, Reading, Scan
from voxedge.text.model import Doubt

_DASH = re.compile(r"[ \u00a0]?(?:-|–|—|\.\.\.|…|~)[ \u00a0]?(?=[0-9.½⅓⅔¼¾⅛⅜⅝⅞])")
_TIMES = re.compile(r"[ \u00a0]?[x×X*][ \u00a0]?(?=[0-9.½⅓⅔¼¾])")
_COURSE = re.compile(r"[ \u00a0]?[xX×][ ]?[0-9]{1,3}[ ]?(?:d|days?|wks?|weeks?|months?)(?![^\W_])")
_TIMES_WORD = re.compile(r"[ \u00a0]?[x×](?![^\W_]|[ ]?[0-9])(?:/(day|week|month|d|wk|h|hour))?")
_SLASH = re.compile(r"[ \u00a0]?/[ \u00a0]?")
_HYPHEN_WORD = re.compile(r"-([^\W\d_]{2,30})(?![^\W_])")
_SPLIT_DECIMAL = re.compile(r"(?:^|[^0-9.])[0-9]{1,3}\.[ \u00a0]$")
"""A digit, a dot and a space before a dose: a list marker or "2.5" torn apart."""
_PLUS_MINUS = re.compile(r"[ \u00a0]?(?:±|\+/-|\+/−)[ \u00a0]?(?=[0-9.])")
_BLOOD_PRESSURE = re.compile(r"([0-9]{2,3})/([0-9]{2,3})(?=[ \u00a0]?mm ?Hg)")
_STRENGTHS = re.compile(r"[0-9][0-9.,]{0,9}(?:/[0-9][0-9.,]{0,9}){1,3}(?![0-9/])")
_LENGTHS = frozenset({"mm", "cm", "m", "in", "ft"})


@dataclass(frozen=True, slots=True)
class _Amount:
    end: int
    words: str
    size: float
    doubt: Doubt | None
    unit: Unit | None
    symbol: str
    number: Number


def quantity(scan: Scan) -> Reading | None:
    """Read an amount, a range, a ratio or a multiplication that starts with a number."""
    pressure = _BLOOD_PRESSURE.match(scan.text, scan.pos)
    if pressure is not None:
        high, low = map(numerals.integer, pressure.groups())
        return Reading(pressure.end(), f"{high} over {low}", Kind.NUMBER)
    first = _amount(scan.text, scan.pos)
    if first is None:
        return _strengths(scan)
    reading = _range(scan.text, first)
    if reading is not None:
        reading = _times(scan.text, reading, one=False)
    else:
        reading = _product(scan.text, first) or _tail(scan.text, first)
    if _SPLIT_DECIMAL.search(scan.text[max(0, scan.pos - 6) : scan.pos]) and reading is not None:
        doubt = reading.doubt or Doubt.AMBIGUOUS_NUMBER
        reading = replace(reading, doubt=doubt) if reading.kind is Kind.DOSE else reading
    if reading is None or _runs_on(scan.text, reading.end):
        return _strengths(scan)
    return reading


def _amount(text: str, pos: int) -> _Amount | None:
    number = number_at(text, pos)
    if number is None:
        return None
    words, end, doubt = number.words, number.end, number.doubt
    power = power_at(text, end)
    found = None
    if power is not None and (number.whole is None or int(number.whole[:3]) <= 10):
        words, end = words + power[0], power[1]
    if text[end : end + 1] in ("l", "I", "O") and not text[end + 1 : end + 2].isalnum():
        return None  # "5l": five litres, or fifty-one with a bad last digit?
    found = _unit(text, end)
    if found is None:
        if number.long or (number.whole and number.whole[0] == "0" and len(number.whole) > 2):
            words = " ".join(numerals.ONES[int(d)] for d in number.whole or "")
        return _Amount(end, words, number.size, doubt, None, "", number)
    unit, symbol, end = found
    if number.long and number.whole:
        words = numerals.integer(number.whole)
    words += " " + (unit.singular if number.one and power is None else unit.plural)
    doubt = doubt or (Doubt.TRAILING_ZERO if number.trailing_zero and unit.dose else unit.doubt)
    per, end, per_doubt = per_chain(text, end, symbol)
    return _Amount(end, words + per, number.size, doubt or per_doubt, unit, symbol, number)


def _unit(text: str, end: int) -> tuple[Unit, str, int] | None:
    """Find the unit after a number, with at most one space between."""
    start = end + 1 if text[end : end + 1] in (" ", "\u00a0") else end
    found = unit_at(text, start)
    if found is None:
        return None
    unit, symbol, stop = found
    if text[stop : stop + 1] == "." and symbol.isalpha() and text[stop + 1 : stop + 3].strip():
        following = text[stop + 1 : stop + 3].lstrip()[:1]
        if following.islower() or following.isdigit():
            stop += 1  # the dot of "tab." in mid-sentence
    return unit, symbol, stop


def per_chain(text: str, end: int, first: str = "") -> tuple[str, int, Doubt | None]:
    """Read "/5 mL", "/kg/day" after the unit ``first``."""
    words, doubt = "", None
    while (slash := _SLASH.match(text, end)) is not None:
        start = slash.end()
        number = number_at(text, start)
        if number is None:
            found = unit_after_per(text, start)
            if found is None:
                break
            unit, _, end = found
            words += f" per {unit.singular}"
            doubt = doubt or unit.doubt
            continue
        space = 1 if text[number.end : number.end + 1] in (" ", "\u00a0") else 0
        found = unit_after_per(text, number.end + space)
        if found is None:
            break
        unit, symbol, end = found
        between = "slash" if symbol in STRENGTHS or symbol == first else "per"
        words += f" {between} {number.words} {unit.singular if number.one else unit.plural}"
        doubt = doubt or number.doubt or unit.doubt
        if doubt is None and number.trailing_zero and unit.dose:
            doubt = Doubt.TRAILING_ZERO
    return words, end, doubt


def _range(text: str, first: _Amount) -> Reading | None:
    dash = _DASH.match(text, first.end)
    if dash is None:
        spread = _PLUS_MINUS.match(text, first.end)
        second = _amount(text, spread.end()) if spread else None
        if second is None:
            return None
        return _reading(second, f"{first.words} plus or minus {second.words}", first)
    second = _amount(text, dash.end())
    if second is None or _DASH.match(text, second.end):
        return None
    if first.number.long or second.number.long or _is_code_like(first, second):
        return None
    year = _years(first, second)
    if year is not None:
        return Reading(second.end, year, Kind.NUMBER)
    words = f"{first.words} to {second.words}"
    doubt = None
    same_unit = first.unit is None or first.unit == second.unit
    if same_unit and second.size < first.size:  # a combined strength, or a digit misread
        doubt = Doubt.DESCENDING
        words = f"{first.words}, dash, {second.words}"
    return _reading(second, words, first, doubt)


def _is_code_like(first: _Amount, second: _Amount) -> bool:
    """Leading zeros ("020-7946") make a code of what looks like a range."""
    return any(
        a.unit is None
        and a.number.whole is not None
        and a.number.whole[:1] == "0" != a.number.whole
        for a in (first, second)
    )


def _years(first: _Amount, second: _Amount) -> str | None:
    both = [a.number.whole or "" for a in (first, second) if a.unit is None]
    if len(both) == 2 and all(len(y) == 4 and y[:2] in ("19", "20") for y in both):
        return f"{numerals.year(int(both[0]))} to {numerals.year(int(both[1]))}"
    return None


def _product(text: str, first: _Amount) -> Reading | None:
    words, last, doubt, count = first.words, first, first.doubt, 0
    if first.unit is not None and _COURSE.match(text, first.end):
        return None  # "8hrs x 10 days": for ten days
    while count < 4 and (times := _TIMES.match(text, last.end)) is not None:
        second = _amount(text, times.end())
        if second is None:
            return None
        by = second.symbol in _LENGTHS or last.symbol in _LENGTHS
        words += (" by " if by else " times ") + second.words
        doubt = doubt or second.doubt
        last, count = second, count + 1
    if count:
        spread = _range(text, last)
        if spread is not None:
            return Reading(
                spread.end,
                words[: -len(last.words)] + spread.text,
                spread.kind,
                doubt or spread.doubt,
            )
        return _reading(last, words, first, doubt)
    if first.unit is not None:
        return None
    plain = Reading(first.end, first.words, Kind.NUMBER, first.doubt)
    reading = _times(text, plain, one=first.number.one)
    return None if reading is plain else reading


def _times(text: str, count: Reading, *, one: bool) -> Reading:
    """Read "x daily", "x/day" and "x 500 mg" after a count; the count itself if none follows."""
    if count.kind is not Kind.NUMBER:
        return count
    match = _TIMES.match(text, count.end)
    second = _amount(text, match.end()) if match is not None else None
    if second is not None:
        words = f"{count.text} times {second.words}"
        kind = Kind.DOSE if second.unit is not None else Kind.NUMBER
        return Reading(second.end, words, kind, count.doubt or second.doubt)
    match = _TIMES_WORD.match(text, count.end)
    if match is None:
        return count
    found = unit_after_per(text, match.start(1)) if match.group(1) else None
    per = f" per {found[0].singular}" if found else ""
    return Reading(
        match.end(), f"{count.text} {'time' if one else 'times'}{per}", Kind.DOSE, count.doubt
    )


def _tail(text: str, amount: _Amount) -> Reading | None:
    """Read what may hang on one amount: a hyphened word, or nothing."""
    hyphen = _HYPHEN_WORD.match(text, amount.end)
    if hyphen is not None and amount.unit is None and amount.number.doubt is None:
        word = hyphen.group(1)
        stopped = text[hyphen.end() : hyphen.end() + 1] == "." and len(word) < 6
        if stopped or letters_end(word) < len(word):  # "5-max.": an abbreviation, not a word
            return _reading(amount, amount.words, amount)
        unit = unit_at(text, hyphen.start(1))
        said = unit[0].singular if unit and unit[2] == hyphen.end() else word.lower()
        if word.isupper() and not unit:
            said = "-".join(word)
        return Reading(hyphen.end(), f"{amount.words} {said}", Kind.DOSE if unit else Kind.NUMBER)
    return _reading(amount, amount.words, amount)


def _reading(last: _Amount, words: str, first: _Amount, doubt: Doubt | None = None) -> Reading:
    dosed = last.unit is not None or first.unit is not None
    return Reading(
        last.end,
        words,
        Kind.DOSE if dosed else Kind.NUMBER,
        first.doubt or last.doubt or doubt,
    )


def _strengths(scan: Scan) -> Reading | None:
    """Read "5/160 mg", the strengths of a combined tablet, as printed: "five slash ..."."""
    match = _STRENGTHS.match(scan.text, scan.pos)
    if match is None:
        return None
    printed = match.group().rstrip(".,")
    end = scan.pos + len(printed)
    parts = [number_at(part, 0) for part in printed.split("/")]
    ends = list(map(len, printed.split("/")))
    if any(p is None or p.doubt or p.long or p.end != e for p, e in zip(parts, ends, strict=True)):
        return None
    words = " slash ".join(p.words for p in parts if p is not None)
    found = _unit(scan.text, end)
    if found is None:
        if _runs_on(scan.text, end):
            return None
        return Reading(end, words, Kind.NUMBER)
    return Reading(found[2], f"{words} {found[0].plural}", Kind.DOSE, found[0].doubt)


def _runs_on(text: str, end: int) -> bool:
    """Say whether letters or digits go on right after what was read: then it was no amount."""
    following = text[end : end + 1]
    if not following:
        return False
    if (following.isalnum() and following not in SUPERSCRIPTS) or following == "_":
        return True
    if following in "-–" and text[end + 1 : end + 2].isdigit():
        return True
    return following == "/" and text[end + 1 : end + 2].isdigit()
