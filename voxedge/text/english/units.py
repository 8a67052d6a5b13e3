"""Units of leaflets and labels: printed symbol to spoken name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from voxedge.text.language import word_set
from voxedge.text.model import Doubt


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as it is said.

    Attributes:
        singular: after one, after a fraction below one, and after "per".
        plural: after every other number.
        dose: measures medicine, so "1.0" and ".5" before it are error-prone (ISMP).
        doubt: the symbol itself is known to be misread.
        bare: the symbol means the unit even without a number before it.
    """

    singular: str
    plural: str
    dose: bool = False
    doubt: Doubt | None = None
    bare: bool = False


def _metric(base: str, symbol: str, prefixes: str, *, dose: bool = False) -> dict[str, Unit]:
    names = {"k": "kilo", "d": "deci", "c": "centi", "m": "milli", "μ": "micro", "n": "nano"}
    names |= {"p": "pico", "M": "mega", "G": "giga"}
    return {
        p + symbol: Unit(
            names[p] + base, names[p] + base + "s", dose=dose, bare=len(symbol + p) > 1
        )
        for p in prefixes
    }


_DOSE_GRAM = {
    **_metric("gram", "g", "kmμnp", dose=True),
    "g": Unit("gram", "grams", dose=True),
    "mcg": Unit("microgram", "micrograms", dose=True, bare=True),
    "ug": Unit("microgram", "micrograms", dose=True, doubt=Doubt.ERROR_PRONE),
    "mgs": Unit("milligram", "milligrams", dose=True, bare=True),
    "mcgs": Unit("microgram", "micrograms", dose=True, bare=True),
    "kgs": Unit("kilogram", "kilograms", bare=True),
    "gm": Unit("gram", "grams", dose=True, doubt=Doubt.ERROR_PRONE),
    "gms": Unit("gram", "grams", dose=True, doubt=Doubt.ERROR_PRONE),
}
_DOSE_VOLUME = {
    **_metric("litre", "L", "dcmμn", dose=True),
    **_metric("litre", "l", "dcmμn", dose=True),
    "L": Unit("litre", "litres"),
    "l": Unit("litre", "litres"),
    "mls": Unit("millilitre", "millilitres", dose=True, bare=True),
    "mLs": Unit("millilitre", "millilitres", dose=True, bare=True),
    "cc": Unit("cubic centimetre", "cubic centimetres", dose=True, doubt=Doubt.ERROR_PRONE),
    "tsp": Unit("teaspoon", "teaspoons", dose=True),
    "tbsp": Unit("tablespoon", "tablespoons", dose=True),
    "fl oz": Unit("fluid ounce", "fluid ounces", dose=True),
    "fl. oz": Unit("fluid ounce", "fluid ounces", dose=True),
    "oz": Unit("ounce", "ounces", dose=True),
    "gtt": Unit("drop", "drops", dose=True),
    "gtts": Unit("drop", "drops", dose=True),
}
_DOSE_UNITS = {
    "IU": Unit("international unit", "international units", True, Doubt.ERROR_PRONE, True),
    "I.U.": Unit("international unit", "international units", True, Doubt.ERROR_PRONE, True),
    "iu": Unit("international unit", "international units", True, Doubt.ERROR_PRONE),
    "I.E.": Unit("international unit", "international units", True, Doubt.ERROR_PRONE),
    "mIU": Unit("milli-international unit", "milli-international units", True, Doubt.ERROR_PRONE),
    "MIU": Unit(
        "million international units", "million international units", True, Doubt.ERROR_PRONE
    ),
    "kIU": Unit("thousand international units", "thousand international units", True),
    "mU": Unit("milliunit", "milliunits", True, Doubt.ERROR_PRONE),
    "U": Unit("unit", "units", True, Doubt.ERROR_PRONE),
    "u": Unit("unit", "units", True, Doubt.ERROR_PRONE),
}
_CHEMISTRY = {
    **_metric("mole", "mol", "kmμnp"),
    "mol": Unit("mole", "moles"),
    "mEq": Unit("milliequivalent", "milliequivalents", dose=True, bare=True),
    "meq": Unit("milliequivalent", "milliequivalents", dose=True, bare=True),
    "mval": Unit("milliequivalent", "milliequivalents", dose=True),
    "mOsm": Unit("milliosmole", "milliosmoles", bare=True),
    "mosm": Unit("milliosmole", "milliosmoles", bare=True),
    "mOsmol": Unit("milliosmole", "milliosmoles", bare=True),
    "ppm": Unit("part per million", "parts per million", bare=True),
    "ppb": Unit("part per billion", "parts per billion", bare=True),
    "CFU": Unit("colony-forming unit", "colony-forming units", dose=True),
    "PFU": Unit("plaque-forming unit", "plaque-forming units", dose=True),
    "Da": Unit("dalton", "daltons"),
    "kDa": Unit("kilodalton", "kilodaltons", bare=True),
}
_PHYSICS = {
    "mmHg": Unit("millimetre of mercury", "millimetres of mercury", bare=True),
    "mm Hg": Unit("millimetre of mercury", "millimetres of mercury", bare=True),
    "cmH2O": Unit("centimetre of water", "centimetres of water", bare=True),
    "cm H2O": Unit("centimetre of water", "centimetres of water", bare=True),
    **_metric("pascal", "Pa", "kM"),
    "Pa": Unit("pascal", "pascals"),
    "mbar": Unit("millibar", "millibars", bare=True),
    **_metric("joule", "J", "kM"),
    "J": Unit("joule", "joules"),
    "kcal": Unit("kilocalorie", "kilocalories", bare=True),
    "cal": Unit("calorie", "calories"),
    "Cal": Unit("calorie", "calories"),
    **_metric("becquerel", "Bq", "kMG", dose=True),
    "Bq": Unit("becquerel", "becquerels", dose=True),
    **_metric("sievert", "Sv", "mμ"),
    "Sv": Unit("sievert", "sieverts"),
    **_metric("gray", "Gy", "mc"),
    "Gy": Unit("gray", "grays"),
    **_metric("curie", "Ci", "mμ", dose=True),
    **_metric("hertz", "Hz", "kMG"),
    "Hz": Unit("hertz", "hertz"),
    "kHz": Unit("kilohertz", "kilohertz", bare=True),
    "MHz": Unit("megahertz", "megahertz", bare=True),
    "GHz": Unit("gigahertz", "gigahertz", bare=True),
    "W": Unit("watt", "watts"),
    "kW": Unit("kilowatt", "kilowatts", bare=True),
    "V": Unit("volt", "volts"),
    "mV": Unit("millivolt", "millivolts"),
    "mA": Unit("milliampere", "milliamperes"),
    "mAh": Unit("milliampere hour", "milliampere hours", bare=True),
    "dB": Unit("decibel", "decibels"),
    "bpm": Unit("beat per minute", "beats per minute"),
    "rpm": Unit("revolution per minute", "revolutions per minute"),
    "°C": Unit("degree Celsius", "degrees Celsius", bare=True),
    "° C": Unit("degree Celsius", "degrees Celsius", bare=True),
    "°F": Unit("degree Fahrenheit", "degrees Fahrenheit", bare=True),
    "° F": Unit("degree Fahrenheit", "degrees Fahrenheit", bare=True),
    "°": Unit("degree", "degrees"),
    "%": Unit("percent", "percent", bare=True),
    "% w/v": Unit("percent weight per volume", "percent weight per volume", bare=True),
    "% w/w": Unit("percent by weight", "percent by weight", bare=True),
    "% v/v": Unit("percent by volume", "percent by volume", bare=True),
    "‰": Unit("per mille", "per mille", bare=True),
}
_AREAS = {
    f"{symbol}{mark}": Unit(
        f"{word} {name}", f"{word} {name}s", bare=len(symbol) > 1 or not mark.isascii()
    )
    for symbol, name in (("m", "metre"), ("cm", "centimetre"), ("mm", "millimetre"))
    for mark, word in (
        *((m, "square") for m in ("²", "2", "^2")),
        *((m, "cubic") for m in ("³", "3", "^3")),
    )
}
_LENGTH = {
    **_metric("metre", "m", "kcmn"),
    "μm": Unit("micrometre", "micrometres", bare=True),
    "m": Unit("metre", "metres"),
    "ft": Unit("foot", "feet"),
    "lb": Unit("pound", "pounds"),
    "lbs": Unit("pound", "pounds", bare=True),
}
_TIME = {
    "h": Unit("hour", "hours"),
    "hr": Unit("hour", "hours"),
    "hrs": Unit("hour", "hours", bare=True),
    "min": Unit("minute", "minutes"),
    "mins": Unit("minute", "minutes"),
    "sec": Unit("second", "seconds"),
    "secs": Unit("second", "seconds"),
    "s": Unit("second", "seconds"),
    "msec": Unit("millisecond", "milliseconds"),
    "ms": Unit("millisecond", "milliseconds"),
    "wk": Unit("week", "weeks"),
    "wks": Unit("week", "weeks", bare=True),
    "mo": Unit("month", "months"),
    "mos": Unit("month", "months"),
    "yr": Unit("year", "years"),
    "yrs": Unit("year", "years", bare=True),
    "y/o": Unit("year old", "years old"),
}
_FORMS = {
    "tab": Unit("tablet", "tablets", dose=True),
    "tabs": Unit("tablet", "tablets", dose=True),
    "cap": Unit("capsule", "capsules", dose=True),
    "caps": Unit("capsule", "capsules", dose=True),
    "amp": Unit("ampoule", "ampoules", dose=True),
    "amps": Unit("ampoule", "ampoules", dose=True),
    "supp": Unit("suppository", "suppositories", dose=True),
    "inj": Unit("injection", "injections", dose=True),
    "pk": Unit("pack", "packs"),
    "pcs": Unit("piece", "pieces"),
}
WORDS_AS_UNITS = word_set(
    "gram grams milligram milligrams microgram micrograms nanogram nanograms kilogram "
    "kilograms litre litres liter liters millilitre millilitres milliliter milliliters "
    "unit units tablet tablets capsule capsules drop drops puff puffs spray sprays dose "
    "doses sachet sachets patch patches ampoule ampoules vial vials teaspoon teaspoons "
    "teaspoonful teaspoonfuls tablespoon tablespoons spoonful spoonfuls scoop scoops "
    "lozenge lozenges suppository suppositories caplet caplets softgel softgels gummy "
    "gummies pill pills millimoles millimole mole moles"
)
"""Spelled-out units: they take "per" after them and carry the context of a dose."""

STRENGTHS = frozenset({"mg", "μg", "mcg", "IU", "microgram", "°C", "°F", "° C", "° F", "%"})
"""Two amounts in these units around a slash are two strengths or two scales, not a ratio."""

COUNTED_WORDS = frozenset({"time", "times", "cells", "copies", "beats", "breaths"})
"""Words that take "per" after them but are no dose."""
_GAUGE = {"G": Unit("gauge", "gauge")}
_AFTER_PER = {
    "d": Unit("day", "days"),
    "day": Unit("day", "days"),
    "days": Unit("days", "days"),
    "dose": Unit("dose", "doses"),
    "week": Unit("week", "weeks"),
    "month": Unit("month", "months"),
    "year": Unit("year", "years"),
    "night": Unit("night", "nights"),
    "hour": Unit("hour", "hours"),
    "hours": Unit("hours", "hours"),
    "minute": Unit("minute", "minutes"),
    "tablet": Unit("tablet", "tablets"),
    "capsule": Unit("capsule", "capsules"),
    "vial": Unit("vial", "vials"),
    "patch": Unit("patch", "patches"),
    "sachet": Unit("sachet", "sachets"),
    "puff": Unit("puff", "puffs"),
    "spray": Unit("spray", "sprays"),
    "actuation": Unit("actuation", "actuations"),
    "drop": Unit("drop", "drops"),
    "unit": Unit("unit", "units"),
    "kg bw": Unit("kilogram of body weight", "kilograms of body weight"),
    "kg b.w.": Unit("kilogram of body weight", "kilograms of body weight"),
}

UNITS: dict[str, Unit] = {
    **_DOSE_GRAM,
    **_DOSE_VOLUME,
    **_DOSE_UNITS,
    **_CHEMISTRY,
    **_PHYSICS,
    **_AREAS,
    **_LENGTH,
    **_TIME,
    **_FORMS,
}
"""What may follow a number. ``μ`` is the Greek letter: folding has unified both code points."""

_CAPITALS = {
    symbol.upper(): unit
    for symbol, unit in UNITS.items()
    if symbol.upper() not in UNITS
    and symbol.isalpha()
    and symbol.islower()
    and len(symbol) > 1
    and symbol not in ("mm", "ms", "pa", "min", "mo", "nm", "pm", "pg", "km", "amp", "cal", "ng")
}
"""Labels set in capitals: "500 MG". Symbols whose capitals mean something else stay out."""
_ODD = {
    symbol: Unit(unit.singular, unit.plural, unit.dose, Doubt.ERROR_PRONE)
    for symbol, unit in (("Mg", UNITS["mg"]), ("Ml", UNITS["ml"]), ("mG", UNITS["mg"]))
}
UNITS_EXTENDED: dict[str, Unit] = {**UNITS, **_CAPITALS, **_ODD}
PER_UNITS: dict[str, Unit] = {**UNITS_EXTENDED, **_AFTER_PER}


def _alternatives(symbols: dict[str, Unit]) -> re.Pattern[str]:
    longest_first = sorted(symbols, key=len, reverse=True)
    return re.compile(
        "(?:" + "|".join(map(re.escape, longest_first)) + r")(?![^\W_⁰¹²³⁴⁵⁶⁷⁸⁹]|'[a-z])"
    )


_UNIT = _alternatives(UNITS_EXTENDED)
_PER_UNIT = _alternatives(PER_UNITS)
_GAUGE_MARK = re.compile(r"G(?=[ ]?(?:needle|x|×|cannula))")


def unit_at(text: str, pos: int) -> tuple[Unit, str, int] | None:
    """Return the unit whose symbol stands at ``pos``, the symbol and its end."""
    match = _UNIT.match(text, pos)
    if match is not None:
        return UNITS_EXTENDED[match.group()], match.group(), match.end()
    match = _GAUGE_MARK.match(text, pos)
    return (_GAUGE["G"], "G", match.end()) if match else None


def unit_after_per(text: str, pos: int) -> tuple[Unit, str, int] | None:
    """Return the unit after a slash, where "d" and "day" are units too."""
    match = _PER_UNIT.match(text, pos)
    return (PER_UNITS[match.group()], match.group(), match.end()) if match else None
