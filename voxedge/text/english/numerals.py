"""Numbers as English words, American style without "and": 205 is "two hundred five"."""

from __future__ import annotations

ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["", "", *["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]]
SCALES = [
    "",
    *["thousand", "million", "billion", "trillion", "quadrillion", "quintillion", "sextillion"],
]
ORDINAL_ENDINGS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
FRACTIONS = {
    2: ("half", "halves"),
    3: ("third", "thirds"),
    4: ("quarter", "quarters"),
    5: ("fifth", "fifths"),
    6: ("sixth", "sixths"),
    7: ("seventh", "sevenths"),
    8: ("eighth", "eighths"),
    9: ("ninth", "ninths"),
    10: ("tenth", "tenths"),
}
NUMBER_WORDS = frozenset({*ONES, *TENS[2:], *SCALES[1:], "hundred", "point", "oh"})
LIMIT = 1000 ** len(SCALES)
"""Cardinals from here on are read digit by digit."""


def cardinal(number: int) -> str:
    """Return the words of a number from 0 up to ``LIMIT``; digit by digit beyond."""
    if number >= LIMIT:
        return digits(str(number))
    if number < 1000:
        return _below_thousand(number)
    groups: list[str] = []
    scale = 0
    while number:
        number, group = divmod(number, 1000)
        if group:
            groups.append(f"{_below_thousand(group)} {SCALES[scale]}".strip())
        scale += 1
    return " ".join(reversed(groups))


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    head = f"{ONES[hundreds]} hundred" if hundreds else ""
    if hundreds and not rest:
        return head
    return f"{head} {_below_hundred(rest)}".strip()


def _below_hundred(number: int) -> str:
    if number < 20:
        return ONES[number]
    tens, ones = divmod(number, 10)
    return f"{TENS[tens]}-{ONES[ones]}" if ones else TENS[tens]


def digits(printed: str) -> str:
    """Return each digit's name: "007" is "zero zero seven"."""
    return " ".join(ONES[int(digit)] for digit in printed)


def decimal(whole: str, fraction: str) -> str:
    """Read "12", "05" as "twelve point zero five"; an empty whole part stays unsaid."""
    head = f"{integer(whole)} " if whole else ""
    return f"{head}point {digits(fraction)}"


def integer(printed: str) -> str:
    """Read a run of digits: as a number, or digit by digit where a zero leads."""
    if len(printed) > 1 and printed[0] == "0":
        return digits(printed)
    return cardinal(int(printed)) if len(printed) <= 3 * len(SCALES) else digits(printed)


def ordinal(number: int) -> str:
    """Return "twenty-first" for 21."""
    words = cardinal(number)
    cut = max(words.rfind(" "), words.rfind("-")) + 1
    head, last = words[:cut], words[cut:]
    if last in ORDINAL_ENDINGS:
        return head + ORDINAL_ENDINGS[last]
    return head + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def year(number: int) -> str:
    """Read a year the way dates are read: 1905 is "nineteen oh five", 2026 "twenty twenty-six"."""
    century, rest = divmod(number, 100)
    if not 1000 <= number <= 9999 or (century % 10 == 0 and rest < 10):
        return cardinal(number)
    if rest == 0:
        return f"{_below_hundred(century)} hundred"
    if rest < 10:
        return f"{_below_hundred(century)} oh {ONES[rest]}"
    return f"{_below_hundred(century)} {_below_hundred(rest)}"


def fraction(numerator: int, denominator: int) -> str:
    """Return "three quarters"; ``denominator`` is a key of ``FRACTIONS``."""
    singular, plural = FRACTIONS[denominator]
    return f"{cardinal(numerator)} {singular if numerator == 1 else plural}"


def mixed(whole: str, numerator: int, denominator: int) -> str:
    """Return "one and a half", "two and three quarters"."""
    part = fraction(numerator, denominator)
    if numerator == 1:
        part = "a " + FRACTIONS[denominator][0]
        part = part.replace("a eighth", "an eighth")
    return f"{integer(whole)} and {part}"
