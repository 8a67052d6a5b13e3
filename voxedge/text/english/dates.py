"""Dates and times of day. Numbers are said in printed order, so nothing is rearranged.

``03/04/2026`` may be March or April: it is read number by number and flagged. A day above 12
tells the order. Two-digit years are read as printed, never completed.
"""

from __future__ import annotations

import re

from voxedge.text.english import numerals
from voxedge.text.language import Kind, Reading, Scan, word_set
from voxedge.text.model import Doubt

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_BY_NAME = {name[:3].lower(): name for name in MONTHS} | {"sept": "September"}
_MONTH = (
    r"(?P<month>(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?|JAN(?:UARY)?|FEB(?:RUARY)?"
    r"|MAR(?:CH)?|APR(?:IL)?|MAY|JUNE?|JULY?|AUG(?:UST)?|SEPT?(?:EMBER)?|OCT(?:OBER)?"
    r"|NOV(?:EMBER)?|DEC(?:EMBER)?)(?![^\W\d_]))\.?"
)
_YEAR = r"(?P<year>(?:19|20)[0-9]{2})(?![0-9]|[.,/-][0-9])"
_ONLY_YEAR = _YEAR.replace("year", "only_year")
_END = r"(?![0-9]|[^\W_]|[./-][0-9])"
_SEP = r"[ \u00a0./-]{1,2}"

_DAY_MONTH = re.compile(
    rf"(?P<day>[0-3]?[0-9])(?P<th>st|nd|rd|th)?(?:{_SEP}(?:of )?)?{_MONTH}(?:,?{_SEP}?{_YEAR})?"
)
_MONTH_FIRST = re.compile(
    rf"{_MONTH}(?:"
    rf"[ \u00a0](?P<day>[0-3]?[0-9])(?P<th>st|nd|rd|th)?(?![0-9]|[.,/:-][0-9]|[^\W_])"
    rf"(?:,?[ \u00a0]{_YEAR})?"
    rf"|(?:{_SEP})?{_ONLY_YEAR})"
)
_ISO = re.compile(
    rf"(?P<y>(?:19|20)[0-9]{{2}})[-/.](?P<m>0[1-9]|1[0-2])(?:[-/.](?P<d>[0-3][0-9]))?{_END}"
)
_NUMERIC = re.compile(
    rf"(?P<a>[0-3]?[0-9])(?P<sep>[./-])(?P<b>[0-3]?[0-9])(?P=sep)(?P<y>(?:19|20)?[0-9]{{2}}){_END}"
)
_MONTH_YEAR = re.compile(rf"(?P<m>0?[1-9]|1[0-2])(?P<sep>[./-])(?P<y>(?:19|20)[0-9]{{2}}){_END}")
_MONTH_SPACE_YEAR = re.compile(rf"(?P<m>0[1-9]|1[0-2])[ \u00a0](?P<y>20[0-9]{{2}}){_END}")
_SHORT = re.compile(rf"(?P<a>[0-9]{{2}})(?P<sep>[./-])(?P<b>[0-9]{{2}}){_END}")
_MONTH_GLUED = _MONTH.replace(r"(?![^\W\d_])", "")
_COMPACT_MONTH = re.compile(
    rf"(?P<day>[0-3][0-9])?{_MONTH_GLUED}(?P<yy>(?:20)?[0-9]{{2}})(?![0-9]|[^\W_])"
)
_DECADE = re.compile(r"(?P<year>(?:1[5-9]|20)[0-9]0)'?s(?![^\W_])|(?P<short>[2-9]0)'?s(?![^\W_])")
_CLOCK = re.compile(
    r"(?P<h>[01]?[0-9]|2[0-4])[:.](?P<m>[0-5][0-9])(?:[:](?P<s>[0-5][0-9]))?"
    r"(?:[ \u00a0]?(?P<half>[ap])\.?[ ]?m(?![^\W_])\.?|[ \u00a0]?(?P<hours>h|hrs|hours)(?![^\W_]))?"
    r"(?![0-9:]|[.][0-9]|[^\W_])"
)
_CLOCK_RANGE = re.compile(r"[ \u00a0]?[-–][ \u00a0]?(?=[0-9])")
_HOUR = re.compile(
    r"(?P<h>0?[1-9]|1[0-2])[ \u00a0]?(?P<half>[apAP])(?:\.[ ]?[mM]\.?|[mM])(?![^\W_])"
)
_TIME_WORDS = word_set(
    "at until till from by between before after around about to and since daily time"
)
YEAR_WORDS = word_set(
    "in since until till year by of before after during from between revised approved "
    "copyright © exp expiry"
)
_PLAIN_YEAR = re.compile(
    r"(?P<year>19[0-9]{2}|20[0-9]{2})(?![0-9]|[^\W_]|[ \u00a0]?[%°μ]|[.,/:–-][0-9])"
)


def month_first(scan: Scan) -> Reading | None:
    """Read "March 12, 2026", "Mar 2026", "NOV2026"."""
    match = _MONTH_FIRST.match(scan.text, scan.pos)
    if match is None:
        return None
    month = _month(match)
    if match["day"] is None:
        return Reading(
            match.end(), f"{month} {numerals.year(int(match['only_year']))}", Kind.NUMBER
        )
    if match["month"].lower() in ("may", "march") and match["month"].islower():
        return None
    day = int(match["day"])
    if not 1 <= day <= 31:
        return None
    words = f"{month} {_day(match)}"
    if match["year"]:
        words += f", {numerals.year(int(match['year']))}"
    return Reading(match.end(), words, Kind.NUMBER)


def date(scan: Scan) -> Reading | None:
    """Read a date that starts with a digit."""
    match = _DAY_MONTH.match(scan.text, scan.pos)
    if match is not None and 1 <= int(match["day"]) <= 31:
        capital = match["month"][0].isupper()
        if capital and not (match.end() < len(scan.text) and scan.text[match.end()].isalnum()):
            words = f"{_day(match)} {_month(match)}"
            if match["year"]:
                words += f" {numerals.year(int(match['year']))}"
            return Reading(match.end(), words, Kind.NUMBER)
    match = _ISO.match(scan.text, scan.pos)
    if match is not None and (match["d"] is None or 1 <= int(match["d"]) <= 31):
        words = f"{numerals.year(int(match['y']))} {MONTHS[int(match['m']) - 1]}"
        if match["d"]:
            words += f" {numerals.cardinal(int(match['d']))}"
        return Reading(match.end(), words, Kind.NUMBER)
    return _numeric(scan) or _month_year(scan)


def _day(match: re.Match[str]) -> str:
    number = int(match["day"])
    return numerals.ordinal(number) if match["th"] else numerals.cardinal(number)


def _month(match: re.Match[str]) -> str:
    return _BY_NAME[match["month"][:3].lower()]


def _numeric(scan: Scan) -> Reading | None:
    match = _NUMERIC.match(scan.text, scan.pos)
    if match is None:
        return None
    first, second, year = int(match["a"]), int(match["b"]), match["y"]
    said_year = numerals.year(int(year)) if len(year) == 4 else numerals.integer(year)
    if len(year) == 4 and 1 <= first <= 31 and 1 <= second <= 31:
        if first > 12 >= second or first == second <= 12:
            words = f"{numerals.cardinal(first)} {MONTHS[second - 1]} {said_year}"
            return Reading(match.end(), words, Kind.NUMBER)
        if second > 12 >= first:
            words = f"{MONTHS[first - 1]} {numerals.cardinal(second)}, {said_year}"
            return Reading(match.end(), words, Kind.NUMBER)
    words = f"{numerals.integer(match['a'])}, {numerals.integer(match['b'])}, {said_year}"
    return Reading(match.end(), words, Kind.NUMBER, Doubt.AMBIGUOUS_DATE)


def _month_year(scan: Scan) -> Reading | None:
    match = _MONTH_YEAR.match(scan.text, scan.pos)
    if match is None or scan.text[max(0, scan.pos - 1) : scan.pos] == "/":
        return None
    if match["sep"] == "." and match["m"][0] != "0" and scan.last_word not in YEAR_WORDS:
        return None  # 11.2026 may be a decimal
    if match["sep"] == "-" and match["m"][0] != "0" and len(match["m"]) == 1:
        return None
    words = f"{MONTHS[int(match['m']) - 1]} {numerals.year(int(match['y']))}"
    return Reading(match.end(), words, Kind.NUMBER)


def expiry_date(text: str, pos: int) -> Reading | None:
    """Read what stands after EXP: there "11 2026" and "NOV26" are dates, "11/26" is in doubt."""
    scan = Scan(text, pos, Kind.WORD, "exp")
    found = date(scan) or month_first(scan)
    if found is not None:
        return found
    match = _MONTH_SPACE_YEAR.match(text, pos)
    if match is not None:
        words = f"{MONTHS[int(match['m']) - 1]} {numerals.year(int(match['y']))}"
        return Reading(match.end(), words, Kind.NUMBER)
    match = _COMPACT_MONTH.match(text, pos)
    if match is not None:
        year = match["yy"]
        said = numerals.year(int(year)) if len(year) == 4 else numerals.integer(year)
        day = f"{numerals.integer(match['day'])} " if match["day"] else ""
        return Reading(match.end(), f"{day}{_month(match)} {said}", Kind.NUMBER)
    match = _SHORT.match(text, pos)
    if match is not None:
        words = f"{numerals.integer(match['a'])}, {numerals.integer(match['b'])}"
        return Reading(match.end(), words, Kind.NUMBER, Doubt.AMBIGUOUS_DATE)
    return None


def year_or_decade(scan: Scan) -> Reading | None:
    """Read "in 2026" as a year and "the 1990s" as a decade."""
    match = _DECADE.match(scan.text, scan.pos)
    if match is not None:
        words = numerals.year(int(match["year"])) if match["year"] else ""
        words = words or numerals.cardinal(int(match["short"]))
        plural = words[:-1] + "ies" if words.endswith("y") else words + "s"
        return Reading(match.end(), plural, Kind.NUMBER)
    if scan.last_word not in YEAR_WORDS:
        return None
    match = _PLAIN_YEAR.match(scan.text, scan.pos)
    if match is None:
        return None
    following = scan.text[match.end() : match.end() + 2].strip()[:1]
    if following.islower() and scan.last_word in ("of", "by", "from", "between", "after", "before"):
        return None  # "a dose of 2000 mg"
    return Reading(match.end(), numerals.year(int(match["year"])), Kind.NUMBER)


def clock(scan: Scan) -> Reading | None:
    """Read a time of day; "1:1000" is a dilution and "8.30" a decimal unless "a.m." follows."""
    match = _HOUR.match(scan.text, scan.pos)
    if match is not None:
        half = f"{match['half'].upper()}-M"
        words = f"{numerals.cardinal(int(match['h']))} {half}"
        return _with_end(scan, match, words)
    match = _CLOCK.match(scan.text, scan.pos)
    if match is None:
        return None
    half = f" {match['half'].upper()}-M" if match["half"] else ""
    if match.group()[len(match["h"])] == "." and not half and not match["hours"]:
        return None
    sure = half or match["hours"] or match["s"] or len(match["h"]) == 2
    if match["h"] == "1" and not sure and scan.last_word not in _TIME_WORDS:
        return None  # 1:10 may be a dilution; the ratio rule says "one to ten"
    hour, minute = int(match["h"]), match["m"]
    words = numerals.cardinal(hour)
    if minute == "00":
        words += "" if half else " o'clock"
    else:
        words += (
            f" oh {numerals.cardinal(int(minute))}"
            if minute[0] == "0"
            else f" {numerals.cardinal(int(minute))}"
        )
    if match["s"]:
        words += f" and {numerals.cardinal(int(match['s']))} second{'s' * (int(match['s']) != 1)}"
    return _with_end(scan, match, words + half)


def _with_end(scan: Scan, match: re.Match[str], words: str) -> Reading:
    """Add "to nine thirty" where a dash and a later time follow."""
    end = _end_before_stop(scan.text, match)
    dash = _CLOCK_RANGE.match(scan.text, end)
    later = clock(Scan(scan.text, dash.end(), Kind.NUMBER, "to")) if dash else None
    if later is not None and scan.last_word != "to":
        return Reading(later.end, f"{words} to {later.text}", Kind.NUMBER)
    return Reading(end, words, Kind.NUMBER)


def _end_before_stop(text: str, match: re.Match[str]) -> int:
    """Leave the dot of "8 a.m." to the sentence where it may end one."""
    end = match.end()
    if text[end - 1] == "." and (end == len(text) or text[end : end + 2].strip()[:1].isupper()):
        return end - 1
    return end


_ROUND_THE_CLOCK = re.compile(r"24/7(?![0-9/]|[^\W_])")
_RATIO = re.compile(
    r"([0-9]{1,7}):([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,7})(?![0-9:]|[^\W_]|[.,][0-9])"
)


def ratio(scan: Scan) -> Reading | None:
    """Read a dilution "1:1000" as "one to one thousand", and "24/7"."""
    match = _ROUND_THE_CLOCK.match(scan.text, scan.pos)
    if match is not None:
        return Reading(match.end(), "twenty-four seven", Kind.NUMBER)
    match = _RATIO.match(scan.text, scan.pos)
    if match is None:
        return None
    second = match[2].replace(",", "")
    return Reading(
        match.end(), f"{numerals.integer(match[1])} to {numerals.integer(second)}", Kind.NUMBER
    )
