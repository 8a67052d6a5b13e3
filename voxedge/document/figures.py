"""Numbers in print, as two readers are compared by: digits, points and the unit, nothing else.

Nothing is repaired here. A letter that stands where a digit may stand (O for 0, l for 1, S for
5) is part of the number, so that two readings which differ by it are different.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class NumberKind(Enum):
    """What a number counts."""

    DOSE = "dose"
    """An amount of a substance, a rate, a share, a temperature."""
    COUNT = "count"
    """Tablets, times, hours, people."""
    DATE = "date"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a text, with its unit.

    Attributes:
        start: first character in the text.
        end: behind the last one, unit included.
        value: as printed, with letters that are glued to it.
        unit: as printed, "" where there is none.
        kind: what it counts.
    """

    start: int
    end: int
    value: str
    unit: str
    kind: NumberKind


_FOLDED = str.maketrans(
    {
        "μ": "µ", "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "～": "~", "⁄": "/",
        "∕": "/", "·": ".", "・": ".", "，": ",", "．": ".", "：": ":", "（": "(", "）": ")",
        "％": "%", "＜": "<", "＞": ">", "／": "/", "＋": "+", "º": "°", "˚": "°",
        "\u00a0": " ", "\u2009": " ", "\u202f": " ", "’": "'", "、": ",", "。": ".", "；": ";",
        **{chr(0xFF10 + n): str(n) for n in range(10)},
    }
)  # fmt: skip
"""Signs that print the same; one for one, so that places in the text stay."""

_DOSE_UNITS = (
    r"micrograms?", r"milligrams?", r"kilograms?", r"grams?", r"grammes?", r"millilit(?:er|re)s?",
    r"lit(?:er|re)s?", r"international units?", r"percent", r"degrees",
    r"mmol", r"µmol", r"umol", r"mol", r"mcg", r"[mµunk]?g", r"[mµudc]?[lL]", r"M?I\.?U\.?",
    r"U\.?I\.?", r"I\.?E\.?", r"kcal", r"kJ", r"mEq", r"MBq", r"µ[gl]", r"mm\s?Hg", r"m²",
    r"[kcm]?m",
    r"%", r"‰", r"°\s?[CF℃]?", r"℃", r"℉", r"p\.?p\.?m\.?",
    r"毫克", r"微克", r"千克", r"公斤", r"克", r"毫升", r"升", r"国际单位", r"单位",
)  # fmt: skip
_COUNT_UNITS = (
    r"tablets?", r"capsules?", r"caplets?", r"pills?", r"drops?", r"puffs?", r"sprays?",
    r"sachets?", r"patch(?:es)?", r"ampoules?", r"vials?", r"suppositor(?:y|ies)", r"doses?",
    r"teaspoon(?:ful)?s?", r"tablespoon(?:ful)?s?", r"spoon(?:ful)?s?", r"units?", r"times?",
    r"hourly", r"hours?", r"hrs?", r"minutes?", r"mins?", r"seconds?", r"days?", r"weeks?",
    r"months?", r"years?", r"people", r"patients", r"persons?", r"[hsd]",
    r"comprimés?", r"gélules?", r"gouttes?", r"fois", r"heures?", r"jours?", r"semaines?", r"mois",
    r"ans?", r"enfants?", r"personnes?", r"Tabletten?", r"Tage?n?", r"Stunden?", r"Jahren?",
    r"kapsül", r"saat", r"gün", r"defa", r"adet",
    r"个月",
    r"片", r"粒", r"次", r"小时", r"日", r"天", r"周", r"月", r"年", r"岁", r"支", r"袋", r"盒",
)  # fmt: skip
_DOSE = "|".join(_DOSE_UNITS)
_COUNT = "|".join(_COUNT_UNITS)
_NO_LETTER = r"(?:(?<=[^A-Za-zÀ-ɏ])|(?![A-Za-zÀ-ɏ]))"
"""A unit of letters ends where the letters end; a sign ends by itself."""
_UNIT = (
    rf"(?P<dose>(?:{_DOSE}){_NO_LETTER}(?:\s?/\s?[A-Za-zµ²]{{1,8}}{_NO_LETTER})*)"
    rf"|(?P<count>(?:{_COUNT}){_NO_LETTER})"
)
_FRACTIONS = "½¼¾⅓⅔⅛"
_D = rf"[\d{_FRACTIONS}]"
_MONTHS = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    "janv", "févr", "avr", "mai", "juin", "juil", "août", "déc", "ocak", "ekim",
)  # fmt: skip
_FIGURE = re.compile(
    # A glued sign or up to three letters, a naked decimal point, then digits.
    rf"(?:(?<![^\s(\[])[-+])?[<>≤≥±~]*(?:(?<![A-Za-zÀ-ɏ])[A-Za-z]{{1,3}})?[.,]?{_D}"
    # Digits with single points, slashes, dashes and letters between them; thousands by space.
    # White on either side of a dash is no gap between two numbers: "17- 28 ml".
    rf"(?:{_D}|[.,:/'×~-](?={_D})|(?<={_D}) ?[~-] ?(?={_D})|(?<={_D}) (?=\d{{3}}(?!\d))"
    rf"|[A-Za-z]{{1,2}}(?=[.,]?{_D})"
    rf"|[.,](?=[.,]{_D}))*"
    # A unit, glued or one space away; else letters glued on, which may be digits misread.
    rf"(?:\s?(?:{_UNIT})|[A-Za-z]{{1,3}}{_NO_LETTER})?",
    re.IGNORECASE,
)
_DATE = re.compile(rf"{_D}{{1,4}}[./-]{_D}{{1,4}}(?:[./-]{_D}{{2,4}})?|(?:19|20)\d\d")
_AFTER = re.compile(r"\s?([^\W\d_]{3,9})")
_EDGES = " \t\r\n()[]{}\"'“”‘«»;!?*†‡•|"
_LOOKALIKES = frozenset("OoQDlIi|!SsBZzGgqbTtA")
"""Letters that recognisers take for digits, and digits for them."""
_CLEAN = re.compile(rf"{_D}(?:{_D}|[.,:/~-](?={_D}))*(?:{_DOSE}|{_COUNT})?", re.IGNORECASE)
_LEADING_UNIT = re.compile(rf"(?:{_DOSE}|{_COUNT})(?:/|{_NO_LETTER})", re.IGNORECASE)
_MISREAD_UNITS = frozenset(
    {
        "pg", "jig", "pug", "yg", "j1g", "hg", "mi", "m1", "mj", "m!", "rnl", "mil", "1u", "lu",
        "iu1",
        "meg", "rng", "nng", "oc", "0c", "ac", "\"c", "*c", "'c", "\"f", "*f", "'f",
    }
)  # fmt: skip
"""What readers make of µg, ml, IU, mcg, mg and °C, both of them at times. Nobody doses in pg."""
_LIKE_ML = re.compile(r"m[^aeouygklm\W\d]")
"""Two letters, the first an m, and no word: "mt" of ml, on which both readers have agreed."""
_MISREAD = (
    re.compile(rf"{_D}(?:{'|'.join(map(re.escape, sorted(_MISREAD_UNITS)))})(?![a-z])"),
    re.compile(rf"{_D}(?:[ol|!z]|s(?=[^t]|$))(?!{_DOSE}$)(?!(?:{_COUNT})$)[\da-z]*{_D}"),
    re.compile(rf"{_D}(?:o|l|\||!|z|s)u?g?$"),
    re.compile(rf"/(?!(?:{_DOSE}|{_COUNT}|day|dose|min|person|body|{_D}))[a-zµ]+$"),
    re.compile(rf"/(?!(?:{_DOSE}|{_COUNT}|day|dose|min|person|body)s?\d?$)[a-zµ]+$"),
    # Of mg, ml, mm and mmol often only the m is left; nobody takes metres.
    re.compile(rf"{_D}m$"),
    # 8,700 with a short tail is 8.700 to both readers, and three decimals are hardly ever printed.
    re.compile(r"(?<![\d.,])[1-9]\d{0,2}\.\d{3}(?!\d)"),
    # "03/202": a year that was cut off.
    re.compile(r"[./-](?:19|20)\d(?!\d)"),
)
_COUNT_UNIT = re.compile(_COUNT, re.IGNORECASE)
_BARE_UNIT = re.compile(rf"(?:{_DOSE})(?:/[A-Za-zµ]{{1,6}})*", re.IGNORECASE)


def folded(text: str) -> str:
    """Return the text with signs that print the same made one; places stay as they are."""
    return text.translate(_FOLDED)


def figures_in(text: str) -> tuple[Figure, ...]:
    """Return the numbers of a text from left to right; they do not overlap."""
    return tuple(_figure(folded(text), match, text) for match in _FIGURE.finditer(folded(text)))


def canonical(number: str) -> str:
    """Return what two readings of a number are compared by: no spaces, no capitals.

    Decimal points and commas, units, signs and glued letters all stay.
    """
    # 1.5 mL and 1.5 ml print the same amount; a capital changes no unit of this table.
    bare = "".join(folded(number).split()).strip(_EDGES).rstrip(".,:;-").lower()
    return bare.replace("℃", "°c").replace("℉", "°f").replace("°°", "°")


def holds_figure(word: str) -> bool:
    """Say whether a word has a digit or a fraction; ideographs that count are words."""
    return any(character.isdecimal() or character in _FRACTIONS for character in word)


def is_month(word: str) -> bool:
    """Say whether a word is the name of a month, or begins like one."""
    return folded(word).strip(_EDGES).casefold().startswith(_MONTHS)


def is_dose_unit(word: str) -> bool:
    """Say whether a word is a unit of an amount, which no sentence begins with."""
    core = folded(word).strip(_EDGES).rstrip(".,:;")
    return _BARE_UNIT.fullmatch(core) is not None


def may_be_figure(word: str) -> bool:
    """Say whether a short word consists of letters that digits are taken for: "lO", "S".

    Small words such as "to" and "is" do not count.
    """
    core = word.strip(_EDGES + ".,:;")
    if not 0 < len(core) <= 3 or not all(character in _LOOKALIKES for character in core):
        return False
    return len(core) == 1 or not core.islower() or set(core) <= set("lo")


def is_clean_figure(word: str) -> bool:
    """Say whether a word is a number and nothing else, a unit aside."""
    return _CLEAN.fullmatch(canonical(word)) is not None


def starts_with_unit(word: str) -> bool:
    """Say whether a word is a unit, or begins with one and a slash: "ml", "IU/2"."""
    return _LEADING_UNIT.match(folded(word).lstrip(_EDGES)) is not None


def is_misread(number: str) -> bool:
    """Say whether a number looks as only misread ones do, however many readers agree on it.

    Letters that are taken for digits behind a digit ("2Oug"), units that do not exist ("20pg"),
    a unit that runs into a word ("0.5 g/lin"), a point where thousands are parted ("1.000"), a year
    of three digits ("03/202").
    """
    bare = canonical(number)
    return bare in _MISREAD_UNITS or any(pattern.search(bare) for pattern in _MISREAD)


def is_count_unit(word: str) -> bool:
    """Say whether a word is a unit that counts, as it is spelt: "hours", "tablet"."""
    return _COUNT_UNIT.fullmatch(canonical(word)) is not None


def is_misread_unit(word: str) -> bool:
    """Say whether a word is what readers make of a unit: "mi" of ml, "pg" of µg, "1U" of IU."""
    first = canonical(word).split("/")[0].rstrip(")].,:;")
    return first in _MISREAD_UNITS or _LIKE_ML.fullmatch(first) is not None


def _figure(text: str, match: re.Match[str], printed: str) -> Figure:
    unit = match["dose"] or match["count"] or ""
    end = match.end()
    start = match.start()
    value = printed[start : end - len(unit)].strip()
    if match["dose"]:
        kind = NumberKind.DOSE
    elif match["count"]:
        kind = NumberKind.COUNT
    elif _DATE.fullmatch(text[start:end]) or _before_month(text, end):
        kind = NumberKind.DATE
    else:
        kind = NumberKind.OTHER
    return Figure(start, end, value, printed[end - len(unit) : end].strip(), kind)


def _before_month(text: str, end: int) -> bool:
    after = _AFTER.match(text, end)
    return after is not None and after[1].casefold().startswith(_MONTHS)
