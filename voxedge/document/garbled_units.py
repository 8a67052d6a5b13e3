"""Units that the first reader is known to garble, told by the second.

Tesseract's English data cannot write µ at all, and at small sizes it takes the l of ml for an i and
a degree sign for a quotation mark. What it writes then ("5 jig", "200 mi") is no unit in any
leaflet, so that it speaks for the very unit it is the known garble of. Where the second reader has
that unit, and both have the same digits, the two agree as far as the first can see.

A garble that is a unit itself ("5 g", "5 ng", "5 mg" of µg) is never taken for another one, and
neither is one that begins with a digit where it touches the number: "251g" is 25 µg or 251 g.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from voxedge.document.figures import canonical, folded, holds_figure

_GARBLES: dict[str, frozenset[str]] = {
    "µg": frozenset({"pg", "jg", "yg", "ug", "tg", "wg", "jig", "j1g", "jlg", "j!g", "pug"}),
    "ml": frozenset({"mi", "mj", "m!", "m|", "m]", "m1", "mil", "rnl"}),
    "mg": frozenset({"rng", "nng", "mq"}),
    "l": frozenset({"i", "!", "|", "]", "1"}),
    "°c": frozenset({f"{mark}c" for mark in "\"'*^”“’‘"}),
    "°f": frozenset({f"{mark}f" for mark in "\"'*^”“’‘"}),
}
"""What tesseract 5.3 made of each unit on 60 made pages and 12 leaflets; lower case."""
_APART: dict[str, frozenset[str]] = {"iu": frozenset({"1u", "lu", "[u", "|u", "!u"})}
"""Garbles that must stand apart from the number: "51U" is 5 IU or 51 U."""
_AMOUNT = re.compile(r"([\d.,½¼¾~-]*\d|[½¼¾])?(.*)", re.DOTALL)
_TAIL = ".,;:)"
_DASHES = frozenset("一—-~")
_UNIT_MARKS = "µμ°℃℉"


def settled(words: Sequence[str], second: Sequence[str]) -> list[str]:
    """Return the words with garbled units written as the second reader has them.

    Args:
        words: of one printed line, or a run of its words.
        second: what the second reader has in the place of each (``agreement.lay_beside``).
    """
    texts = list(words)
    for number, (word, other) in enumerate(zip(words, second, strict=True)):
        before = words[number - 1] if number else ""
        after = words[number + 1] if number + 1 < len(words) else ""
        if word == "一" and folded(other.strip()) in _DASHES:
            # Chinese data reads the dash of a range as the ideograph for one.
            if holds_figure(before[-1:]) and holds_figure(after[:1]):
                texts[number] = other.strip()
            continue
        behind_figure = holds_figure(before[-1:])
        if behind_figure or holds_figure(word):
            texts[number] = _settled(word, other, behind_figure=behind_figure)
    return texts


def _settled(word: str, other: str, *, behind_figure: bool) -> str:
    core, theirs = word.rstrip(_TAIL), other.strip().rstrip(_TAIL)
    parts, their_parts = core.split("/"), theirs.split("/")
    if core == theirs or len(parts) != len(their_parts):
        return word
    pairs = list(zip(parts, their_parts, strict=True))
    apart = behind_figure
    for at, (part, their_part) in enumerate(pairs):
        if canonical(part) == canonical(their_part) and not _is_bare_mark(part, their_part):
            continue
        if not _speaks_for(part, their_part, stands_apart=apart and at == 0, divides=at > 0):
            return word
    return theirs + word[len(core) :]


def _speaks_for(part: str, theirs: str, *, stands_apart: bool, divides: bool) -> bool:
    """Say whether a part ("300mi", "jig", "l") is the same number and a garble of the same unit."""
    value, unit = _split(part)
    their_value, their_unit = _split(theirs)
    if not value and not stands_apart and not divides:
        return False
    if stands_apart and not their_value:
        # "1U" behind "5": what looks like a digit belongs to the garble.
        value, unit = "", folded(part).lower()
    if folded(value) != folded(their_value) or not their_unit:
        return False
    if unit in _GARBLES.get(their_unit, ()):
        # A letter alone stands for a unit only behind a slash: "mmol/I".
        return len(their_unit) > 1 or divides
    return stands_apart and unit in _APART.get(their_unit, ())


def _split(part: str) -> tuple[str, str]:
    match = _AMOUNT.fullmatch(folded(part).replace("℃", "°c").replace("℉", "°f"))
    assert match is not None  # every part of it is optional
    return match[1] or "", match[2].lower().replace(" ", "")


def _is_bare_mark(part: str, theirs: str) -> bool:
    """Say whether only quotation marks, which do not count elsewhere, part two units: "C and °C."""
    return folded(part).lower() != folded(theirs).lower() and any(m in theirs for m in _UNIT_MARKS)
