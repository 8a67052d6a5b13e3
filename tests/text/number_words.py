"""English number words back to values: written apart from the product, to check it.

``numbers_in("two hundred fifty milligrams per five")`` is ``[250, 5]``.
Knows cardinals, ordinals, "point", digit runs ("zero zero seven" is 7, "one two" is 12), halves
and quarters, "and a half", year pairs ("twenty twenty-six"), month names and powers of ten.
"""

from __future__ import annotations

import re
from fractions import Fraction


def words(block: str) -> list[str]:
    return block.split()


ONES = {w: i for i, w in enumerate(words("zero one two three four five six seven eight nine"))}
ONES["oh"] = 0
TEENS = {
    w: i
    for i, w in enumerate(
        words("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"),
        10,
    )
}
TENS = {
    w: 10 * i
    for i, w in enumerate(words("twenty thirty forty fifty sixty seventy eighty ninety"), 2)
}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
SCALES |= {"quadrillion": 10**15, "quintillion": 10**18, "sextillion": 10**21}
PARTS = {"half": 2, "halves": 2, "third": 3, "quarter": 4, "fifth": 5, "sixth": 6, "seventh": 7}
PARTS |= {"eighth": 8, "ninth": 9, "tenth": 10}
PARTS |= {w + "s": n for w, n in PARTS.items() if w not in ("half", "halves")}
MONTHS = {
    m: i
    for i, m in enumerate(
        words(
            "january february march april may june july august september october november december"
        ),
        1,
    )
}
NUMERIC = {*ONES, *TEENS, *TENS, *SCALES, "hundred", "point"} - {"oh"}


def numbers_in(text: str, *, months: bool = False) -> list[Fraction]:
    """Return the values said in ``text``, in order."""
    tokens = re.findall(r"[a-z']+|[,.;:!?]", text.lower().replace("-", " "))
    found: list[Fraction] = []
    i = 0
    while i < len(tokens):
        if months and tokens[i] in MONTHS:
            found.append(Fraction(MONTHS[tokens[i]]))
            i += 1
        elif tokens[i] in NUMERIC and tokens[i] != "hundred" and tokens[i] not in SCALES:
            j = i
            while j < len(tokens) and (tokens[j] in NUMERIC or tokens[j] == "oh"):
                j += 1
            values = values_of(tokens[i:j])
            rest = tokens[j : j + 3]
            if rest[:1] and rest[0] in PARTS and len(values) == 1:
                values = [values[0] / PARTS[rest[0]]]
                j += 1
            elif rest[:2] in (["and", "a"], ["and", "an"]) and rest[2:] and rest[2] in PARTS:
                values[-1] += Fraction(1, PARTS[rest[2]])
                j += 3
            elif (
                rest[:1] == ["and"]
                and rest[1:2]
                and rest[1] in ONES
                and rest[2:]
                and rest[2] in PARTS
            ):
                values[-1] += Fraction(ONES[rest[1]], PARTS[rest[2]])
                j += 3
            found.extend(values)
            i = j
        else:
            i += 1
    return found


def values_of(said: list[str]) -> list[Fraction]:
    """Read one unbroken run of number said; a year pair or a digit run counts as one number."""
    if "point" in said:
        cut = said.index("point")
        head = values_of(said[:cut]) if cut else [Fraction(0)]
        digits = []
        rest = said[cut + 1 :]
        while rest and rest[0] in ONES:
            digits.append(str(ONES[rest.pop(0)]))
        fraction = Fraction(int("".join(digits)), 10 ** len(digits))
        scale = 1
        while rest and rest[0] in SCALES:
            scale *= SCALES[rest.pop(0)]
        return [*head[:-1], (head[-1] + fraction) * scale, *(values_of(rest) if rest else [])]
    if len(said) > 1 and all(w in ONES for w in said):
        return [Fraction(int("".join(str(ONES[w]) for w in said)))]
    total, group, i = 0, None, 0
    while i < len(said):
        word = said[i]
        if word in SCALES:
            total += (group if group is not None else 1) * SCALES[word]
            group = None
        elif word == "hundred":
            group = (group or 1) * 100
        else:
            value = ONES.get(word, TEENS.get(word, TENS.get(word)))
            assert value is not None, said
            fits = (
                group is None
                or (group % 100 == 0 and group > 0)
                or (group % 10 == 0 and group % 100 >= 20 and 0 < value < 10)
            )
            if not fits:
                # "nineteen ninety nine", "nineteen oh five": a year said in two halves
                tail = values_of([w for w in said[i:] if w != "oh"])
                assert len(tail) == 1, said
                assert tail[0] < 100, said
                return [Fraction(group * 100 + tail[0])]
            group = (group or 0) + value
        i += 1
    return [Fraction(total + (group or 0))]
