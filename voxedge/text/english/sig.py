"""Dose shorthand of prescriptions ("sig codes").

Dotted forms are never English words and are always read. Undotted ones ("bid", "tab", "stat")
are read only inside a dose: after an amount, a dosage form or another code.
Codes on the ISMP list of error-prone abbreviations are read and flagged, or spelled where the
list tells that they have two meanings.
"""

from __future__ import annotations

import re

from voxedge.text.english import numerals
from voxedge.text.english.number import number_at
from voxedge.text.language import Kind, Reading, Scan
from voxedge.text.model import Doubt

_READINGS = {
    "bid": "twice a day",
    "bd": "twice a day",
    "tid": "three times a day",
    "tds": "three times a day",
    "qid": "four times a day",
    "qds": "four times a day",
    "qd": "once a day",
    "qod": "every other day",
    "od": "once a day",
    "om": "every morning",
    "on": "every night",
    "qam": "every morning",
    "qpm": "every evening",
    "qhs": "every night at bedtime",
    "qn": "every night",
    "qh": "every hour",
    "qwk": "every week",
    "prn": "as needed",
    "po": "by mouth",
    "pr": "rectally",
    "pv": "vaginally",
    "sl": "under the tongue",
    "sc": "under the skin",
    "sq": "under the skin",
    "subq": "under the skin",
    "im": "into a muscle",
    "iv": "into a vein",
    "ac": "before meals",
    "pc": "after meals",
    "hs": "at bedtime",
    "stat": "immediately",
    "gtt": "drops",
    "gtts": "drops",
    "tab": "tablet",
    "tabs": "tablets",
    "cap": "capsule",
    "caps": "capsules",
    "inj": "injection",
    "supp": "suppository",
    "supps": "suppositories",
    "susp": "suspension",
    "soln": "solution",
    "ung": "ointment",
    "ad lib": "as desired",
}
_DOTTED = {
    ".".join(code) + ".": code
    for code in [
        "bid",
        "bd",
        "tid",
        "tds",
        "qid",
        "qds",
        "qd",
        "qod",
        "od",
        "om",
        "on",
        "qam",
        "qpm",
        "qhs",
        "qn",
        "qh",
        "prn",
        "po",
        "pr",
        "pv",
        "sl",
        "sc",
        "sq",
        "im",
        "iv",
        "ac",
        "pc",
        "hs",
    ]
}
_ERROR_PRONE = frozenset(
    {"qd", "qod", "od", "hs", "qhs", "sc", "sq", "subq", "sl", "qn", "om", "on"}
)
_CAPITALS_ALONE = frozenset({"PRN", "TID", "QID", "QOD", "QHS", "TDS", "QDS"})
"""Capitals that are no English word and no other common abbreviation."""
_TWO_MEANINGS = {
    "MS": "M-S",
    "MSO4": "M-S-O-four",
    "MgSO4": "M-g-S-O-four",
    "AD": "A-D",
    "AS": "A-S",
    "AU": "A-U",
}
"""Morphine or magnesium, ear or "as directed": spelled (ISMP)."""

_WORD = re.compile(r"[A-Za-z]{2,5}(?![^\W_]|['’-][^\W_])\.?")
_DOTS = re.compile(
    r"(?:[A-Za-z]\.){1,3}[A-Za-z]\.?(?![^\W_]|\.[^\W_])|(?:[A-Za-z]\. ){1,2}[A-Za-z]\.(?![^\W_])"
)
_EVERY = re.compile(
    r"[qQ]\.?[ ]?(?P<a>[0-9]{1,3})(?:[ ]?(?:-|–|to)[ ]?(?P<b>[0-9]{1,3}))?\.?[ ]?"
    r"(?P<unit>h|H|hr|hrs|hours|°|min|d|days|D|wk|weeks|mo)(?![^\W_])\.?"
)
_HASH = re.compile(
    r"[xX×][ ]?(?P<n>[0-9]{1,3})[ ]?(?P<unit>d|days?|wks?|weeks?|doses?|months?)(?![^\W_])"
)
_TIMES = re.compile(r"[xX×]([0-9]{1,3})(?![^\W_]|[.,/-][0-9])")
_EVERY_UNITS = {"h": "hours", "°": "hours", "m": "minutes", "d": "days", "w": "weeks"}
_MS = re.compile(r"(?:MgSO4|MSO4|MS(?=[ \u00a0][0-9]))(?![^\W_])")


def every(scan: Scan) -> Reading | None:
    """Read "q8h", "q.8.h.", "q4-6h" and "x 7 days"."""
    match = _EVERY.match(scan.text, scan.pos)
    if match is not None:
        unit = match["unit"].lower()
        name = "months" if unit == "mo" else _EVERY_UNITS[unit[0]]
        first = numerals.integer(match["a"])
        span = f"{first} to {numerals.integer(match['b'])}" if match["b"] else first
        if span == "one":
            name = name[:-1]
        return Reading(_keep_stop(scan.text, match), f"every {span} {name}", Kind.SIG)
    match = _HASH.match(scan.text, scan.pos)
    if match is None:
        match = _TIMES.match(scan.text, scan.pos)
        return Reading(match.end(), f"times {numerals.integer(match[1])}") if match else None
    unit = match["unit"].lower()
    name = (
        {"d": "day", "w": "week", "m": "month"}.get(unit[0], "day") if unit[:2] != "do" else "dose"
    )
    count = numerals.integer(match["n"])
    return Reading(match.end(), f"for {count} {name}{'' if count == 'one' else 's'}", Kind.SIG)


def code(scan: Scan) -> Reading | None:
    """Read one code, dotted or not."""
    two = _MS.match(scan.text, scan.pos)
    if two is not None:
        return Reading(two.end(), _TWO_MEANINGS[two.group()], Kind.WORD, Doubt.ERROR_PRONE, True)
    match = _DOTS.match(scan.text, scan.pos)
    if match is not None:
        dotted = match.group().replace(" ", "").lower()
        plain = _DOTTED.get(dotted if dotted.endswith(".") else dotted + ".")
        if plain is not None:
            doubt = Doubt.ERROR_PRONE if plain in _ERROR_PRONE else None
            return Reading(_keep_stop(scan.text, match), _READINGS[plain], Kind.SIG, doubt)
    match = _WORD.match(scan.text, scan.pos)
    if match is None:
        return None
    word = match.group().rstrip(".")
    lower = word.lower()
    if lower not in _READINGS or not (
        word.islower()
        or word.isupper()
        or lower in ("qam", "qpm", "qhs", "tab", "cap", "subq", "inj")
    ):
        return None
    in_dose = scan.last in (Kind.DOSE, Kind.SIG)
    if lower == "on" or (lower in ("po", "pr", "im", "om") and word.islower() and not in_dose):
        return None
    if word.isupper() and word in _CAPITALS_ALONE and not scan.caps:
        in_dose = True
    form_ahead = lower in ("tab", "tabs", "cap", "caps", "inj", "supp") and (
        match.group().endswith(".") and number_at(scan.text, match.end() + 1) is not None
    )
    if not in_dose and not form_ahead:
        return None
    if word == "OD" or (lower == "od" and scan.caps):
        return Reading(scan.pos + 2, "O-D", Kind.SIG, Doubt.ERROR_PRONE, True)
    doubt = Doubt.ERROR_PRONE if lower in _ERROR_PRONE else None
    end = match.end() if form_ahead else _keep_stop(scan.text, match, before_digit=False)
    return Reading(end, _READINGS[lower], Kind.SIG, doubt)


def _keep_stop(text: str, match: re.Match[str], *, before_digit: bool = True) -> int:
    """End before the dot where the sentence may end there, after it elsewhere."""
    end = match.end()
    if text[end - 1 : end] != ".":
        return end
    following = text[end : end + 3].lstrip(" \u00a0\"')")[:1]
    goes_on = following.islower() or (following.isdigit() and before_digit)
    return end if goes_on or (following and following in ",;:") else end - 1
