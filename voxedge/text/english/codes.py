"""What is spelled on purpose: lot numbers, telephone numbers, addresses, names with digits."""

from __future__ import annotations

import re

from voxedge.text.english import numerals
from voxedge.text.english.characters import GREEK, SIGN_NAMES
from voxedge.text.english.dates import expiry_date
from voxedge.text.english.number import number_at
from voxedge.text.english.units import unit_at
from voxedge.text.fold import SUPERSCRIPTS, letters_end
from voxedge.text.language import LETTER_A, Kind, Reading, Scan, word_set
from voxedge.text.model import Doubt

_LOT_LABEL = (
    r"(?P<label>LOT|Lot|BATCH|Batch|Ch\.?-?B\.?|BN|B\.N\.?|NDC|GTIN|PZN|EAN|UPC|SN|S/N"
    r"|Serial|SERIAL"
    r"|REF|Ref|DIN|ISBN|CIP|AIFA|PC|PL|lot(?=[ ]?(?:no|num|#|:))|batch(?=[ ]?(?:no|num|#|:)))"
)
_LOT = re.compile(
    _LOT_LABEL + r"(?![^\W_])(?P<no>[ \u00a0]?(?:No\.?|no\.?|Nr\.?|NO\.?|[Nn]umber|NUMBER|code|#))?"
    r"[ \u00a0]?[:.#]?[ \u00a0]?(?P<code>"
    r"(?=[A-Z0-9./-]{0,20}[0-9])[A-Z0-9][A-Z0-9./-]{1,30})(?![^\W_])"
)
_LABELS = {
    "LOT": "lot",
    "BATCH": "batch",
    "SERIAL": "serial",
    "REF": "reference",
    "Ref": "reference",
    "BN": "batch number",
    "Ch.-B": "batch number",
    "Ch.-B.": "batch number",
    "Ch.B.": "batch number",
    "B.N": "batch number",
    "B.N.": "batch number",
    "SN": "serial number",
    "S/N": "serial number",
}
_EXP = re.compile(
    r"(?P<label>EXP(?:IRY|IRES)?|Exp(?:iry|ires)?|exp|Use by|USE BY|Best before|BBE"
    r"|MFG|Mfg|MFD|Mfd)(?![^\W_])\.?"
    r"(?P<date>[ \u00a0]?(?:[Dd]ate|DATE))?[ \u00a0]?[:.]?[ \u00a0]?(?=[0-9A-Z])"
)
_EXP_LABELS = {
    "exp": "expiry date",
    "bbe": "best before",
    "mfg": "made",
    "mfd": "made",
    "use by": "use by",
}

_PHONE = re.compile(
    r"(?:\+[0-9]{1,3}[ \u00a0.-]?)?(?:\([0-9]{1,5}\)[ \u00a0.-]?)?[0-9]{2,5}(?:[ "
    r"\u00a0.-][0-9]{2,5}){1,5}(?![0-9]|[^\W_])"
)
_PHONE_SHAPES = re.compile(
    r"(?:\+[0-9]{1,3}[ \u00a0.-]?)?(?:1[ -])?\(?[0-9]{3}\)?(?P<sep>[ "
    r"\u00a0.-])[0-9]{3}(?P=sep)[0-9]{4}(?![0-9]|[^\W_])"
    r"|\([0-9]{3}\) ?[0-9]{3}[ .-][0-9]{4}(?![0-9]|[^\W_])"
    r"|\+[0-9][0-9 \u00a0()./-]{6,20}[0-9](?![0-9]|[^\W_])"
    r"|1-[0-9]{3}-[0-9]{3}-?[0-9]{4}(?![0-9])"
    r"|0[0-9]{2,4}[ \u00a0/-][0-9]{3,4}(?:[ \u00a0-]?[0-9]{3,4}){0,2}(?![0-9]|[^\W_])"
    r"|\(0?[0-9]{2,4}\)[ \u00a0]?[0-9]{3,4}[ \u00a0-][0-9]{3,4}(?![0-9]|[^\W_])"
)
_EMERGENCY = re.compile(r"(?:112|911|999|000|111|119)(?![0-9]|[^\W_]|[.,/-][0-9]|[ ]?mg)")
_VANITY = re.compile(r"(?:1-)?8[0-9]{2}-[A-Z0-9]{3}-?[A-Z0-9]{4,}(?![^\W_])")
_PHONE_WORDS = word_set(
    "dial ring tel telephone phone call fax mobile freephone hotline helpline at on "
    "tel. ring number toll-free"
)

_EMAIL = re.compile(
    r"[A-Za-z0-9_%+-]{1,64}(?:\.[A-Za-z0-9_%+-]{1,64}){0,8}@[A-Za-z0-9-]{1,63}"
    r"(?:\.[A-Za-z0-9-]{1,63}){1,8}"
)
_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'()\[\]]{1,300}"
    r"|[A-Za-z0-9-]{2,63}(?:\.[A-Za-z0-9-]{2,63}){0,5}\.(?:com|org|net|edu|gov|info|eu"
    r"|uk|de|ie|fr|int)(?:/[^\s<>\"'()\[\]]{0,300})?(?![^\W_])"
)
_SCHEME = re.compile(r"^https?://")
_TLDS_SAID = word_set("com org net info gov edu html php co uk eu de int")

_KNOWN = re.compile(
    r"(?P<cyp>CYP[0-9][A-Z][0-9]{1,2}(?:/[0-9]{1,2})*)"
    r"|(?P<vit>(?:[Vv]itamins?[ \u00a0])?[BDK][0-9]{1,2}(?:(?:,[ ]?|[ ]?and[ ]"
    r"|/)[BDK][0-9]{1,2}){0,5})"
    r"|(?P<hba>HbA1[cC]|HBA1C)|(?P<eu>EU/[0-9]/[0-9]{2}/[0-9]{1,4}(?:/[0-9]{1,3}(?:-[0-9]{1,3})?)?)"
    r"|(?P<covid>COVID-19|Covid-19|covid-19)"
    r"|(?P<sars>SARS-CoV-2)"
    r"|(?P<enum>E[ \u00a0]?[1-9][0-9]{2,3}[a-i]?)"
    r"|(?P<other>A1[cC]|Q10|H2O2?|CO2|O2|N2O|NO2|SpO2|T[34]|PGE[12]|H1N1|H5N1|GLP-1"
    r"|SGLT-?2|PD-L?1|BRCA[12]"
    r"|FEV1|5-HT[0-9]?|HER2|IL-[0-9]{1,2}|Omega-[369]|omega-[369]|COX-[12]|HLA-B27"
    r"|P2Y12|HSV-?[12]|U-[1-5]00"
    r"|HIV-[12]|MP[34]|A[45]|[XYZ][0-9]|[Aa]lpha-[0-9]|[Bb]eta-[0-9]|[Gg]amma-[0-9])"
)
_ALNUM = re.compile(
    rf"[^\W_{SUPERSCRIPTS}]+(?:[.,/-](?=[^\W_]{{0,20}}[0-9])[^\W_{SUPERSCRIPTS}]+)*"
)
_WORD_SLASH = re.compile(r"[A-Z]?[a-z]{3,}/")
_PARTS = re.compile(r"[0-9]+|[A-Z][a-z]{2,}|[a-z]{3,}|[^\W\d_]|[^\w]")
_CONFUSED = re.compile(r"[0-9lIOoSBZ|][0-9lIOoSBZ|.,]{0,12}(?=[ \u00a0]?(?P<unit>[^\W\d_]|[μ%°]))")
_LOOKS_LIKE_DIGIT = frozenset("lIOoSBZ|")
_CHEMICAL = re.compile(
    r"[0-9]{1,2}(?:,[0-9]{1,2}){1,4}'?-(?=[A-Za-z])|[0-9]{1,2}-(?=[a-z]{1,12}(?:yl|ol"
    r"|ene|ane|oxy)[a-z]*)"
)


def spell_code(printed: str) -> str:
    """Spell for the ear: "A12B" is "A, one, two, B"."""
    names = []
    for char in printed:
        if char.isascii() and char.isdigit():
            names.append(numerals.ONES[int(char)])
        elif char.isalpha():
            names.append(char.upper() if char.isascii() else GREEK.get(char.lower(), char))
        elif char in SIGN_NAMES:
            names.append(SIGN_NAMES[char])
    return ", ".join(names)


def spell_doubtful(printed: str) -> str:
    """Spell so that "l" and "one", "O" and "zero" cannot be confused: "five, letter O"."""
    names = []
    for char in printed:
        if char in _LOOKS_LIKE_DIGIT and char.isalpha():
            names.append(f"letter {'L' if char == 'l' else char.upper()}")
        elif char.isascii() and char.isdigit():
            names.append(numerals.ONES[int(char)])
        else:
            names.append("point" if char == "." else SIGN_NAMES.get(char, char.upper()))
    return ", ".join(names)


def lot(scan: Scan) -> Reading | None:
    """Read a lot, batch, serial or article number character by character."""
    match = _LOT.match(scan.text, scan.pos)
    if match is None:
        return None
    code = match["code"].rstrip(".-/")
    if not any(c.isdigit() for c in code) or (
        match["label"] in ("PC", "Ref", "Lot", "Batch") and len(code) < 3
    ):
        return None
    end = match.start("code") + len(code)
    label = match["label"]
    said = _LABELS.get(label, label if label.istitle() else "")
    said = said or "-".join(c for c in label.upper() if c.isalpha())
    number = " number" if match["no"] and "number" not in said else ""
    return Reading(end, f"{said}{number}: {spell_code(code)},", Kind.WORD)


def expiry(scan: Scan) -> Reading | None:
    """Read "EXP 11/2026" as an expiry date."""
    match = _EXP.match(scan.text, scan.pos)
    if match is None:
        return None
    found = expiry_date(scan.text, match.end())
    if found is None:
        return None
    label = match["label"].lower()
    said = _EXP_LABELS.get(label, "expiry date" if label.startswith("exp") else label)
    return Reading(found.end, f", {said}: {found.text},", Kind.NUMBER, found.doubt)


def phone(scan: Scan) -> Reading | None:
    """Read a telephone number in its printed groups, digit by digit."""
    emergency = _EMERGENCY.match(scan.text, scan.pos)
    if emergency is not None and scan.last_word in _PHONE_WORDS:
        return Reading(emergency.end(), numerals.digits(emergency.group()), Kind.NUMBER)
    match = _VANITY.match(scan.text, scan.pos)
    if match is None:
        match = _PHONE_SHAPES.match(scan.text, scan.pos)
    if match is None and scan.last_word in _PHONE_WORDS:
        match = _PHONE.match(scan.text, scan.pos)
        if match is not None and sum(c.isdigit() for c in match.group()) < 6:
            match = None
    if match is None:
        return None
    unit = unit_at(scan.text, match.end() + 1)
    if unit is not None and (unit[0].dose or unit[0].bare):
        return None
    groups = re.findall(r"[0-9]+|[A-Z]+", match.group())
    said = [numerals.digits(g) if g.isdigit() else "-".join(g) for g in groups]
    plus = "plus " if match.group()[0] == "+" else ""
    return Reading(match.end(), plus + ", ".join(said), Kind.NUMBER)


def address(scan: Scan) -> Reading | None:
    """Read an e-mail or web address."""
    match = _EMAIL.match(scan.text, scan.pos) or _URL.match(scan.text, scan.pos)
    if match is None:
        return None
    printed = match.group().rstrip(".,;:!?-")
    said = []
    for part in re.findall(r"[A-Za-z]+|[0-9]|[^\sA-Za-z0-9]", _SCHEME.sub("", printed)):
        if part.isascii() and part.isdigit():
            said.append(numerals.ONES[int(part)])
        elif part.isascii() and part.isalpha():
            said.append(_address_word(part))
        elif part in SIGN_NAMES:
            said.append(SIGN_NAMES[part])
    return Reading(scan.pos + len(printed), " ".join(said), Kind.WORD)


def _address_word(part: str) -> str:
    lower = part.lower()
    if lower == "www":
        return "W-W-W"
    if lower in _TLDS_SAID - {"uk", "eu", "de", "html", "php"} or (
        len(part) > 3 and set(lower) & set("aeiouy")
    ):
        return lower
    if len(part) == 1:
        return LETTER_A if lower == "a" else lower
    return "-".join(part.upper())


def known(scan: Scan) -> Reading | None:
    """Read names with digits that have a settled reading: B12, CYP3A4, E 171, COVID-19."""
    match = _KNOWN.match(scan.text, scan.pos)
    if match is None or _goes_on(scan.text, match.end()):
        return None
    printed = match.group()
    if match.lastgroup == "cyp":
        return Reading(match.end(), say_parts(printed, digit_by_digit=True))
    if match.lastgroup == "vit":
        words = re.split(r"(,[ ]?|[ ]and[ ]|/|[ \u00a0])", printed)
        said = [say_parts(w) if w[-1:].isdigit() else w.replace("/", ", ") for w in words]
        return Reading(match.end(), "".join(said))
    if match.lastgroup == "hba":
        return Reading(match.end(), "H-b-A-one-C")
    if match.lastgroup in ("covid", "sars"):
        return Reading(
            match.end(), "covid nineteen" if match.lastgroup == "covid" else "sars cov two"
        )
    if match.lastgroup == "eu":
        return Reading(match.end(), spell_code(printed) + ",")
    if match.lastgroup == "enum":
        return Reading(match.end(), say_parts(printed.replace(" ", "").replace("\u00a0", "")))
    return Reading(match.end(), say_parts(printed))


def say_parts(printed: str, *, digit_by_digit: bool = False) -> str:
    """Say letters one by one, digits as a number, words as words: "Omega-3", "SpO2", "E110"."""
    said: list[str] = []
    for part in _PARTS.findall(printed):
        if part.isdigit():
            said.append(numerals.digits(part) if digit_by_digit else numerals.integer(part))
        elif part == "/":
            said.append("slash")
        elif len(part) > 2:
            said.append(part.lower())
        elif part.isalpha():
            said.append(LETTER_A if part in "aA" else part.upper())
    return " ".join(said)


def confused(scan: Scan) -> Reading | None:
    """Spell a would-be number with letters in it before a unit: "l0 mg", "5O mg", "IO mg"."""
    match = _CONFUSED.match(scan.text, scan.pos)
    if match is None:
        return None
    printed = match.group().rstrip(".,")
    if not set(printed) & _LOOKS_LIKE_DIGIT or len(printed) < len(match.group()):
        return None
    number = number_at(scan.text, scan.pos)
    proper = unit_at(scan.text, number.end) if number is not None else None
    if proper is not None and proper[1] != "l":
        return None  # "10IU" is ten and a unit, not "10I" and "U"
    start = match.end() + (scan.text[match.end()] in " \u00a0")
    found = unit_at(scan.text, start)
    if found is None:
        return None
    unit, symbol, _ = found
    digits = any(c.isdigit() for c in printed)
    if not digits and (not unit.bare or len(symbol) < 2 or len(printed) > 4):
        return None  # "So g" is no dose; "IO mg" is
    if start == match.end() and not digits:
        return None
    return Reading(match.end(), spell_doubtful(printed), Kind.NUMBER, Doubt.LOOKALIKE, True)


_MISREAD_UNIT = re.compile(r"(?:rng|gr|rnl|rnL|rnq|nig|mq|mI|rncg|rng/rnL|Lu|lU|IlU)(?![^\W_])")


def misread_unit(scan: Scan) -> Reading | None:
    """Spell what recognisers make of "mg", "ml" and "IU" after a number: "5 rng", "5 mI"."""
    match = _MISREAD_UNIT.match(scan.text, scan.pos)
    if (
        match is None
        or not scan.text[max(0, scan.pos - 2) : scan.pos].rstrip(" \u00a0")[-1:].isdecimal()
    ):
        return None
    return Reading(match.end(), spell_doubtful(match.group()), Kind.DOSE, Doubt.LOOKALIKE, True)


def chemical(scan: Scan) -> Reading | None:
    """Read the numbers of "1,2-propanediol" as the list they are."""
    match = _CHEMICAL.match(scan.text, scan.pos)
    if match is None:
        return None
    numbers = re.findall(r"[0-9]+", match.group())
    return Reading(match.end(), ", ".join(map(numerals.integer, numbers)) + " ", Kind.WORD)


def mixed(scan: Scan) -> Reading | None:
    """Spell a token of letters and digits that no rule knows, and say so."""
    match = _ALNUM.match(scan.text, scan.pos)
    if match is None or not any(c.isdigit() and c.isascii() for c in match.group()):
        return None
    printed = match.group()[: letters_end(match.group())]
    if _WORD_SLASH.match(printed):
        return None  # "doses/24 h", "California/7/2009": a word, then the rest
    digits = sum(c.isdigit() for c in printed)
    odd = (
        set(printed) & _LOOKS_LIKE_DIGIT
        and digits
        and all(c in _LOOKS_LIKE_DIGIT or not c.isalpha() for c in printed)
    )
    said = spell_doubtful(printed) if odd else spell_code(printed)
    doubt = Doubt.LOOKALIKE if odd else Doubt.UNPARSED
    return Reading(scan.pos + len(printed), said, Kind.NUMBER, doubt, True)


def _goes_on(text: str, end: int) -> bool:
    following = text[end : end + 1]
    return following.isalnum() or (following in "-/." and text[end + 1 : end + 2].isdigit())


_ORDINAL = re.compile(r"(?P<n>[0-9]{1,7})(?:st|nd|rd|th|ST|ND|RD|TH)(?![^\W_])")


def ordinal(scan: Scan) -> Reading | None:
    """Read "21st"."""
    match = _ORDINAL.match(scan.text, scan.pos)
    if match is None:
        return None
    return Reading(match.end(), numerals.ordinal(int(match["n"])), Kind.NUMBER)
