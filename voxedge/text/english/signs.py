"""Signs: what stands before a number, money, brackets, dashes, emoji."""

from __future__ import annotations

import re
import unicodedata

from voxedge.text.english import numerals
from voxedge.text.english.number import VULGAR, number_at
from voxedge.text.english.quantities import quantity
from voxedge.text.english.units import unit_after_per
from voxedge.text.fold import SUPERSCRIPTS
from voxedge.text.language import Kind, Reading, Scan
from voxedge.text.model import Doubt

_COMPARISONS = {
    "<=": "less than or equal to",
    ">=": "greater than or equal to",
    "=<": "less than or equal to",
    "≤": "less than or equal to",
    "≥": "greater than or equal to",
    "<": "less than",
    ">": "more than",
    "±": "plus or minus",
    "+/-": "plus or minus",
    "+/−": "plus or minus",
    "~": "about",
    "≈": "about",
    "≠": "not equal to",
}
_COMPARISON = re.compile(r"(?:<=|>=|=<|\+/[-−]|[<>≤≥±~≈≠])(?=[ \u00a0]?[-−+.]?[0-9½¼¾⅓⅔⅛])")
_MINUS = re.compile(r"[-−–](?=[0-9.½¼¾])")
_PLUS = re.compile(r"\+(?=[0-9.])")
_NUMBER_SIGN = re.compile(r"#[ ]?(?=[0-9])")
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
}
_MONEY = re.compile(
    r"(?P<sign>[$€£¥₹])[ \u00a0]?(?P<whole>[0-9]{1,3}(?:,[0-9]{3}){1,5}|[0-9]{1,15})"
    r"(?:\.(?P<part>[0-9]{1,4}))?"
    r"(?:[ \u00a0]?(?P<scale>bn|[mMkKbB]|million|billion|thousand)(?![^\W_]))?(?![0-9]"
    r"|[.,][0-9]|[^\W_])"
)
_SCALES = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion"}
_SUPERSCRIPT = re.compile(rf"[{SUPERSCRIPTS}]{{1,9}}")
_SLASH_PER = re.compile(r"/[ \u00a0]?(?=[A-Za-zμ])")
_SLASH_NUMBER = re.compile(r"/[ ]?[0-9]{1,3}[ ]?(?:h|hrs?|hours|days?|weeks?|mL|ml|kg)(?![^\W_])")
_ELLIPSIS = re.compile(r"…|\.{2,}")
_NAMED = {
    "&": "and",
    "@": "at",
    "+": "plus",
    "=": "equals",
    "×": "times",
    "÷": "divided by",
    "%": "percent",
    "‰": "per mille",
    "°": "degrees",
    "→": "arrow",
    "±": "plus or minus",
    "≤": "less than or equal to",
    "≥": "greater than or equal to",
    "<": "less than",
    ">": "greater than",
    "≈": "about",
    "≠": "not equal to",
    "§": "section",
    "©": "copyright",
    "€": "euros",
    "£": "pounds",
    "$": "dollars",
    "¥": "yen",
    "₹": "rupees",
    "∞": "infinity",
    "√": "root",
    "✓": "tick",
    "✔": "tick",
    "✗": "cross",
    "✘": "cross",
    "☐": "empty box",
    "☑": "ticked box",
    "−": "minus",
    "∆": "delta",
}
_PAUSES = frozenset(",;:.!?")
_FULL_WIDTH = {
    "。": ".",
    "，": ",",
    "、": ",",
    "；": ";",
    "：": ":",
    "！": "!",
    "？": "?",
    "．": ".",
}


def signed(scan: Scan) -> Reading | None:
    """Read a sign together with the number it belongs to: "≤ 5 mg", "-5 °C", ".5 mg"."""
    text, pos = scan.text, scan.pos
    match = _COMPARISON.match(text, pos)
    if match is not None:
        end = match.end() + (text[match.end()] in " \u00a0")
        return Reading(end, _COMPARISONS[match.group()], scan.last)
    before = text[pos - 1 : pos] if pos else ""
    match = _MINUS.match(text, pos)
    if match is not None and not before.isalnum() and before not in (")", "'", "%", "°"):
        return _minus(scan, match.end())
    match = _PLUS.match(text, pos)
    if match is not None:
        return Reading(match.end(), "plus", scan.last)
    match = _NUMBER_SIGN.match(text, pos)
    if match is not None:
        return Reading(match.end(), "number", scan.last)
    if text[pos] == "." and not before.isalnum() and number_at(text, pos) is not None:
        return quantity(scan)
    return None


def _minus(scan: Scan, start: int) -> Reading | None:
    inner = quantity(Scan(scan.text, start, scan.last, scan.last_word, scan.caps))
    if inner is None:
        return None
    if scan.last in (Kind.DOSE, Kind.NUMBER):
        return Reading(
            inner.end, f"to {inner.text}", inner.kind, inner.doubt or Doubt.AMBIGUOUS_NUMBER
        )
    temperature = "degree" in inner.text
    if inner.kind is Kind.DOSE and not temperature:  # a list dash, or a dash that lost its space
        return Reading(inner.end, f", {inner.text}", inner.kind, inner.doubt)
    return Reading(inner.end, f"minus {inner.text}", inner.kind, inner.doubt)


def money(scan: Scan) -> Reading | None:
    """Read "$5", "€3.20", "£10m"."""
    match = _MONEY.match(scan.text, scan.pos)
    if match is None:
        return None
    whole, part = match["whole"].replace(",", ""), match["part"]
    one, many, small, smalls = _CURRENCIES[match["sign"]]
    if match["scale"]:
        scale = _SCALES.get(match["scale"].lower(), match["scale"])
        amount = numerals.decimal(whole, part) if part else numerals.integer(whole)
        return Reading(match.end(), f"{amount} {scale} {many}", Kind.NUMBER)
    if part and (len(part) != 2 or not small):
        return Reading(match.end(), f"{numerals.decimal(whole, part)} {many}", Kind.NUMBER)
    words = f"{numerals.integer(whole)} {one if whole == '1' else many}"
    if part and part != "00":
        words += f" and {numerals.cardinal(int(part))} {small if part == '01' else smalls}"
    return Reading(match.end(), words, Kind.NUMBER)


def superscript(scan: Scan) -> Reading | None:
    """Read a raised number that no unit and no power took: a note mark."""
    match = _SUPERSCRIPT.match(scan.text, scan.pos)
    if match is None:
        return None
    number = "".join(str(SUPERSCRIPTS.index(c)) for c in match.group())
    return Reading(match.end(), f", note {numerals.integer(number)}, ", Kind.WORD)


def lone_numeric(scan: Scan) -> Reading | None:
    """Read "①" and other numeric characters by their value."""
    char = scan.text[scan.pos]
    if char in VULGAR or char.isascii():
        return None
    value = unicodedata.numeric(char, None)
    if value is None or char.isalpha():
        return None
    if value != int(value) or value < 0:
        return Reading(scan.pos + 1, "fraction", Kind.NUMBER, Doubt.UNPARSED, True)
    return Reading(scan.pos + 1, numerals.cardinal(int(value)), Kind.NUMBER)


def slash(scan: Scan) -> Reading | None:
    """Read "/" as "per" before a unit after an amount, as a pause between words."""
    if scan.text[scan.pos] != "/":
        return None
    match = _SLASH_PER.match(scan.text, scan.pos)
    if match is not None and scan.last in (Kind.DOSE, Kind.NUMBER, Kind.SIG):
        found = unit_after_per(scan.text, match.end())
        if found is not None:
            return Reading(found[2], f"per {found[0].singular}", Kind.DOSE, found[0].doubt)
        if found is None and scan.last is Kind.DOSE:
            return Reading(scan.pos + 1, ",", Kind.DOSE, glued=True)
    if scan.last is Kind.DOSE and _SLASH_NUMBER.match(scan.text, scan.pos):
        return Reading(scan.pos + 1, "per", Kind.DOSE)
    around = scan.text[max(0, scan.pos - 1) : scan.pos] + scan.text[scan.pos + 1 : scan.pos + 2]
    if any(c.isdigit() for c in around):
        return Reading(scan.pos + 1, "slash", scan.last)
    return Reading(scan.pos + 1, ",", Kind.BREAK, glued=True)


def sign(scan: Scan) -> Reading:
    """Read any single sign; the last rule, it always answers."""
    text, pos = scan.text, scan.pos
    char = _FULL_WIDTH.get(text[pos], text[pos])
    end = pos + 1
    if char == "\n":
        return Reading(end, " ", scan.last, glued=True)
    if char.isspace():
        return Reading(end, " ", scan.last, glued=True)
    match = _ELLIPSIS.match(text, pos)
    if match is not None:
        closing = not text[match.end() :][:2].strip() or text[match.end() :][:2].strip().isupper()
        return Reading(match.end(), ". " if closing else ", ", _after_pause(scan), glued=True)
    following, before = text[end : end + 1], text[pos - 1 : pos] if pos else ""
    if char in _PAUSES:
        if char == "." and before.isalnum() and following.isalnum():
            return Reading(end, ". " if following.isupper() else " dot ", Kind.BREAK, glued=True)
        if char == ":" and before.isdigit() and following.isdigit():
            return Reading(end, " to ", scan.last, glued=True)
        kind = _after_pause(scan) if char == "," else Kind.BREAK
        return Reading(
            end, f"{char} " if not following.isdigit() or char != "," else ", ", kind, glued=True
        )
    if char in "([{（【「『":
        return Reading(end, ", ", _after_pause(scan), glued=True)
    if char in ")]}）】」』":
        return Reading(end, ", ", scan.last, glued=True)
    if char in "-–—−":
        return _dash(scan, before, following)
    if char == "'":
        return Reading(end, "", scan.last, glued=True)
    if char == "§" and following.isalpha():
        return Reading(end, "paragraph sign")
    if char in _NAMED:
        return Reading(end, _NAMED[char], Kind.ROMAN if char == "§" else Kind.WORD)
    if unicodedata.category(char) == "So" and (name := _emoji_name(char)):
        return Reading(end, f"{name} sign", Kind.WORD)
    if unicodedata.category(char)[0] in "LM":
        return Reading(end, char, Kind.WORD, glued=True)
    return Reading(end, " ", scan.last, glued=True)


def _after_pause(scan: Scan) -> Kind:
    """Keep the context of a dose across a comma: "5 mg, bid" and "5 mg (po)"."""
    return scan.last if scan.last in (Kind.DOSE, Kind.SIG) else Kind.BREAK


def _dash(scan: Scan, before: str, following: str) -> Reading:
    end = scan.pos + 1
    if scan.last is Kind.ROMAN and following and following in "IVX":
        return Reading(end, "to", Kind.ROMAN)
    if before.isalpha() and following.isalpha() and scan.text[scan.pos] == "-":
        return Reading(end, "-", Kind.WORD, glued=True)
    if before.isalnum() and following.isdigit() and scan.text[scan.pos] == "-":
        return Reading(end, " ", scan.last, glued=True)  # "Interleukin-6"
    if before.strip() and following.strip() and scan.text[scan.pos] == "-":
        return Reading(end, " ", scan.last, glued=True)
    if scan.text[scan.pos] == "-" and before.isalpha():
        return Reading(end, " ", scan.last, glued=True)  # "pre- and post-"
    return Reading(end, ", ", _after_pause(scan), glued=True)


def _emoji_name(char: str) -> str:
    code = ord(char)
    if not (0x1F300 <= code <= 0x1FAFF or 0x2600 <= code <= 0x27BF) or 0x1F3FB <= code <= 0x1F3FF:
        return ""
    name = unicodedata.name(char, "").lower()
    return name if name.replace(" ", "").isalpha() else ""
