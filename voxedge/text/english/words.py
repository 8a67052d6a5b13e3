"""Words: abbreviations, Roman numerals, capitals, letters, Greek."""

from __future__ import annotations

import re

from voxedge.text.english import numerals
from voxedge.text.english.characters import GREEK
from voxedge.text.english.quantities import per_chain
from voxedge.text.english.units import COUNTED_WORDS, UNITS_EXTENDED, WORDS_AS_UNITS, unit_at
from voxedge.text.fold import letters_end
from voxedge.text.language import LETTER_A, Kind, Reading, Scan, word_set

_ABBREVIATIONS = {
    "e.g": "for example",
    "eg": "for example",
    "i.e": "that is",
    "ie": "that is",
    "etc": "et cetera",
    "vs": "versus",
    "cf": "compare",
    "viz": "namely",
    "approx": "approximately",
    "max": "maximum",
    "min": "minimum",
    "incl": "including",
    "excl": "excluding",
    "resp": "respectively",
    "ca": "about",
    "dr": "doctor",
    "mr": "mister",
    "mrs": "missus",
    "ms": "miz",
    "prof": "professor",
    "ltd": "limited",
    "inc": "incorporated",
    "dept": "department",
    "tel": "telephone",
    "conc": "concentration",
    "diam": "diameter",
    "temp": "temperature",
    "wt": "weight",
    "pt": "patient",
    "pts": "patients",
    "rx": "prescription",
    "qty": "quantity",
    "tsp": "teaspoon",
    "tbsp": "tablespoon",
    "al": "al",
}
_ONLY_DOTTED = word_set(
    "eg ie al max min incl excl resp ca dept conc diam temp wt pt pts inc cf ms"
)
"""Read as abbreviations only with their dot; without it they may be words or something else."""
_BEFORE_NUMBER = {
    "no": "number",
    "nos": "numbers",
    "nr": "number",
    "fig": "figure",
    "figs": "figures",
    "sec": "section",
    "sect": "section",
    "ch": "chapter",
    "vol": "volume",
    "art": "article",
    "p": "page",
    "pp": "pages",
    "ext": "extension",
    "tab": "table",
    "max": "maximum",
    "min": "minimum",
}
_UNDOTTED = word_set("No Nos Nr Fig NO max Max MAX min Min MIN")
_MEASURES = re.compile(r"(?P<w>[Ww]t|WT|[Hh]t|HT)(?=\.?:)")
_ABBREVIATED = re.compile(r"(?:e\.[ ]?g|i\.[ ]?e|[A-Za-z]{1,6})\.(?=(?P<after>[ \u00a0]?.?))")
_BEFORE_DIGIT = re.compile(r"(?P<word>[A-Za-z]{1,4})\.?[ \u00a0]?(?=[0-9])")
_SAINT = re.compile(r"St(?:\.|(?=[ \u00a0][A-Z]))(?=(?P<name>[^\w.]{0,4}[A-Z])?)")
_INITIALS = re.compile(r"(?:[A-Za-z]\.){2,6}(?![^\W_])")
_WITH = re.compile(r"(?P<w>w/o|W/O|w/|c/o|n/a|N/A|and/or|AND/OR|[wv]/[wv])(?![^\W_]|/)")
_WITH_READINGS = {
    "w/o": "without",
    "w/": "with",
    "c/o": "care of",
    "n/a": "not applicable",
    "and/or": "and or",
    "w/v": "weight per volume",
    "w/w": "weight per weight",
    "v/v": "volume per volume",
    "v/w": "volume per weight",
}

_ROMAN_DIGITS = {"I": 1, "V": 5, "X": 10}
_ROMAN = (
    r"(?P<roman>[IVX]{1,7})(?P<letter>[a-d]|A(?![^\W_])|B(?![^\W_]))?"
    r"(?![^\W_⁰¹²³⁴⁵⁶⁷⁸⁹]|'|-[A-HJ-UWYZa-z](?![^\W_])|\.[A-Za-z])"
)
_ROMAN_KEYWORDS = (
    "section part type types stage stages phase phases chapter annex appendix factor factors class "
    "grade grades schedule volume figure table title article step level group angiotensin mobitz "
    "bipolar nyha antithrombin complement war category module panel collagen interleukin nerve "
    "nerves zone tier sect degree hypersensitivity stadium paragraph"
)
_KEYED_ROMAN = re.compile(
    r"(?P<key>" + "|".join(sorted(_ROMAN_KEYWORDS.split(), key=len, reverse=True)) + r")"
    r"(?P<gap>(?!'[A-Z])[\s~\"'*^|•·®™℠†‡]{1,5})" + _ROMAN,
    re.IGNORECASE,
)
_NEXT_ROMAN = re.compile(_ROMAN)
_FREE_ROMAN = re.compile(
    r"(?:II|III|VI|VII|VIII|IX|XI|XII|XIII|XIV|XVI|XVII)(?![^\W_]|'|-|\.[A-Za-z])"
)
_WORLD_WAR = re.compile(r"WW(I{1,2})(?![^\W_])")
_PRONOUN_NEXT = re.compile(
    r"[ \u00a0](?:am|was|have|had|will|would|can|could|should|must|may|do|did|take"
    r"|took|like|want|need"
    r"|use|think|know|feel|see|get|get|forgot|miss|missed|started|stop|stopped|read|felt|saw|got)\b"
)
_ROMAN_VALID = re.compile(r"X{0,3}(?:IX|IV|V?I{0,3})")

_ACRONYMS = word_set(
    "FDA NHS USA US UK EU EEA WHO EMA HIV ECG EKG MRI CT BP GP OTC ID IV IM ADHD ADD COPD IBS IBD "
    "UTI STI STD DVT PE MI TIA CNS RNA DNA ATP ACE ARB SSRI SNRI MAO MAOI TCA PPI "
    "NSAID NSAIDS NSAIDs "
    "ALT AST GGT LDL HDL BMI PVC PET PTFE HDPE MHRA HPRA PIL QRD SMPC SPC USP BPC EP NF NDC GTIN "
    "LLC PLC AG SA AB BV NV INC PO BOX TV PC CD DVD LED USB GPS SMS PDF URL FAQ EXP MFG UV SPF "
    "HRT IUD PCOS PMS ENT ICU ER OR ED GI CV RA MS AED CPR HCL HCI EDTA BHA BHT MSG ETA AKA VAT "
    "IGE TB RSV HPV MMR BCG CFC HFA MDI DPI ADR IBU ASA APAP HCT HCTZ"
) - word_set("ADD OR WHO BOX INC AG ETA IBU")
_SAID_AS_WORDS = word_set("AIDS NATO UNICEF LASER SARS COVID CREON PIN SIM ZIP SPAN")
_SHORT_WORDS = word_set(
    "a age ages all also am an and any are arm as ask at away back be bed blue body both box "
    "but buy by call can cap caps care case cold cool cup cut date day days deep did dip do dog "
    "dose drug dry due each ear eat ebb end ever eye eyes face fact fall feet few fill fit five "
    "flat fold food foot for four free from full gas gel get give good had half hand hard has "
    "hat have he head heat help her here hers high him his hold hot hour how i if ill in into "
    "iron is it item its jar joy just keep kept kids kit know last late left leg less let lid "
    "lie life like line lip list live lock long look lose loss lot low lung made make many may "
    "men mild milk miss mix more most mouth must my name near neck need new next nil nine no "
    "non none nor nose not note now of off oil old on once one only open or oral our out over "
    "pack pad pain part past pay pen per pet pill pink pour pull push put rash rate read red "
    "rest risk room rub safe salt same sea seal see seek self set she sick side sign sit site "
    "six size skin slow so soft some soon sore spit step stop sun sure swab tabs take talk tape "
    "tell ten test than that the them then they thin this time tiny tip tips to told too took "
    "top tube turn twice two type unit up upon us use used uses via vial void wait want warm "
    "warn was wash we wear week well went were wet what when who why wide will wipe with work "
    "year yes you your zero zinc"
)
_VOWELS = frozenset("aeiouyAEIOUY")
_TOKEN = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*")
_LETTER_KEYS = word_set(
    "vitamin vitamins hepatitis group type section part table appendix annex grade class influenza "
    "immunoglobulin haemophilia hemophilia coenzyme protein figure step option plan phase schedule "
    "component ward block toxin retinol provitamin solution bottle vial chamber "
    "syringe letter box §"
)
_COUNTS = frozenset(numerals.NUMBER_WORDS) | {"half", "quarter", "a", "an"}
_BARE_UNIT = frozenset(s for s, u in UNITS_EXTENDED.items() if u.bare)


def abbreviation(scan: Scan) -> Reading | None:
    """Read "e.g.", "Dr.", "No. 5", "St. John's", "w/o"."""
    text, pos = scan.text, scan.pos
    match = _WITH.match(text, pos)
    if match is not None:
        return Reading(match.end(), _WITH_READINGS[match["w"].lower()])
    match = _MEASURES.match(text, pos)
    if match is not None:
        return Reading(match.end(), "weight" if match["w"].lower() == "wt" else "height")
    match = _BEFORE_DIGIT.match(text, pos)
    if match is not None:
        word = match["word"]
        dotted = "." in match.group()
        said = _BEFORE_NUMBER.get(word.lower()) if dotted or word in _UNDOTTED else None
        if said is not None:
            return Reading(match.end(), said)
    match = _SAINT.match(text, pos)
    if match is not None:
        if match["name"] is None:
            return Reading(_keep_final_stop(text, match.end(), "etc"), "street")
        return Reading(match.end(), "saint")
    match = _ABBREVIATED.match(text, pos)
    if match is not None:
        stem = match.group()[:-1].replace(" ", "").lower()
        said = _ABBREVIATIONS.get(stem)
        if said is not None:
            return Reading(_keep_final_stop(text, match.end(), stem), said)
    match = _INITIALS.match(text, pos)
    if match is not None:
        letters = match.group().replace(".", "")
        if letters.upper() in ("AM", "PM"):
            letters = letters.upper()
        end = match.end()
        if end == len(text) or text[end : end + 2] in ("\n", "\n\n"):
            end -= 1
        return Reading(end, spelled_letters(letters))
    word = _TOKEN.match(text, pos)
    if (
        word is not None
        and word.group().lower() in _ABBREVIATIONS
        and word.group().lower() not in _ONLY_DOTTED
    ):
        if len(word.group()) > 2 and word.group().isupper() and scan.caps:
            return Reading(word.end(), _ABBREVIATIONS[word.group().lower()])
        if not word.group().isupper():
            return Reading(word.end(), _ABBREVIATIONS[word.group().lower()])
    return None


def _keep_final_stop(text: str, end: int, stem: str) -> int:
    """Leave the dot of "etc." at the end of a sentence."""
    rest = text[end : end + 3].strip()
    if not rest:
        return end - 1
    ends = stem in ("etc", "ltd", "inc", "max", "min", "al") and rest[:1].isupper()
    return end - 1 if ends else end


def spelled_letters(letters: str) -> str:
    """Join letters so that they are said one by one: "F-D-A"."""
    body = "-".join(letters)
    return body[:-1] + LETTER_A if body[-1:] in ("A", "a") and body else body


def roman(scan: Scan) -> Reading | None:
    """Read "Type II" and a following "and III"; never the pronoun I."""
    text, pos = scan.text, scan.pos
    match = _WORLD_WAR.match(text, pos)
    if match is not None:
        return Reading(
            match.end(), "World War " + ("Two" if match[1] == "II" else "One"), Kind.ROMAN
        )
    if scan.last is Kind.ROMAN:
        match = _NEXT_ROMAN.match(text, pos)
        numeral = match is not None and match["roman"].isupper() and _valid(match["roman"])
        pronoun = match is not None and match["roman"] == "I" and _PRONOUN_NEXT.match(text, pos + 1)
        if match is not None and numeral and not pronoun:
            return Reading(match.end(), _roman_words(match), Kind.ROMAN)
    match = _KEYED_ROMAN.match(text, pos)
    if match is not None and match["roman"].isupper() and _valid(match["roman"]):
        key = match["key"]
        after = text[match.end() : match.end() + 2]
        pronoun = match["roman"] == "I" and (
            _PRONOUN_NEXT.match(text, match.end()) is not None
            or (
                key.islower()
                and after[:1] == " "
                and key not in ("type", "phase", "stage", "class", "grade")
            )
            or re.match(r"[ ][A-Z](?![^\W_])", text[match.end() : match.end() + 3]) is not None
        )
        if not pronoun:
            said = key.lower() if scan.caps and key.isupper() else key
            return Reading(match.end(), f"{said} {_roman_words(match)}", Kind.ROMAN)
    match = _FREE_ROMAN.match(text, pos)
    if match is None:
        return None
    return Reading(match.end(), numerals.cardinal(_roman_value(match.group())), Kind.ROMAN)


def _valid(printed: str) -> bool:
    return _ROMAN_VALID.fullmatch(printed) is not None


def _roman_value(printed: str) -> int:
    values = [_ROMAN_DIGITS[c] for c in printed]
    return sum(-v if v < max(values[i:]) else v for i, v in enumerate(values))


def _roman_words(match: re.Match[str]) -> str:
    words = numerals.cardinal(_roman_value(match["roman"]))
    letter = match["letter"]
    if not letter:
        return words
    return f"{words} {LETTER_A if letter in 'aA' else letter.upper()}"


def bare_unit(scan: Scan) -> Reading | None:
    """Read a unit without a number: "in mg", "mg/kg/day"."""
    found = unit_at(scan.text, scan.pos)
    if found is None or found[1] not in _BARE_UNIT:
        return None
    unit, symbol, end = found
    per, end, doubt = per_chain(scan.text, end, symbol)
    return Reading(end, unit.plural + per, Kind.DOSE, unit.doubt or doubt)


def word(scan: Scan) -> Reading | None:
    """Read a word as a word, its capitals as letters or as a heading's case."""
    match = _TOKEN.match(scan.text, scan.pos)
    if match is None:
        return None
    printed = match.group()
    printed = printed[: letters_end(printed)].rstrip("-'")
    parts = re.split(r"([-'])", printed)
    said = "".join(_part(p, scan, len(parts) > 1) for p in parts)
    if printed == "A" and scan.last_word in _LETTER_KEYS:
        said = LETTER_A
    elif printed == "A" and scan.caps:
        said = "a"
    lower = printed.lower()
    counted = scan.last is Kind.NUMBER or scan.last_word in _COUNTS
    kind = Kind.DOSE if lower in WORDS_AS_UNITS and counted else Kind.WORD
    if lower in COUNTED_WORDS and counted:
        kind = Kind.NUMBER
    if lower in ("and", "or", "to") and scan.last is Kind.ROMAN:
        kind = Kind.ROMAN
    return Reading(scan.pos + len(printed), said, kind, glued=True)


def _part(part: str, scan: Scan, compound: bool) -> str:
    if len(part) == 1 and part in GREEK:
        return GREEK[part]
    if len(part) == 1 and part.lower() in GREEK and not part.isascii():
        return GREEK[part.lower()]
    if len(part) < 2 or not part.isascii():
        return part.lower() if scan.caps and len(part) > 1 else part
    plural = part[:-1].isupper() and part[-1] == "s" and len(part) > 2
    letters = part[:-1] if plural else part
    if not letters.isupper():
        return "-".join(part) if _is_camel(part) else part
    if letters in _SAID_AS_WORDS:
        return part.lower()
    if letters in _ACRONYMS and not (scan.caps and letters.lower() in _SHORT_WORDS):
        return _acronym(letters, plural)
    lower = part.lower()
    if lower in _SHORT_WORDS or (
        set(letters) & _VOWELS and (len(letters) > 4 or (scan.caps and len(letters) > 2))
    ):
        return lower
    return _acronym(letters, plural)


def _is_camel(part: str) -> bool:
    """Say whether capitals inside make it letters: "eGFR", "IgE", "mRNA", "CrCl"."""
    inner = sum(c.isupper() for c in part[1:])
    return len(part) <= 6 and (
        inner >= 2 or (inner == 1 and (len(part) == 3 or not set(part.lower()) & set("aeiou")))
    )


def _acronym(letters: str, plural: bool) -> str:
    if plural:
        return "-".join(letters) + "'s"
    return spelled_letters(letters)
