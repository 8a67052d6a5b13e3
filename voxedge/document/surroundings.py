"""What stands beside a number: a lost digit, a garbled unit, print that nobody could read.

Two readers that agree on "24" have not agreed on "24 hours" when neither could read the next word,
and "5" behind an unreadable mark may be the end of 6.5. A number is as good as its neighbours.
"""

from __future__ import annotations

from rapidfuzz import fuzz

from voxedge.document.figures import (
    canonical,
    holds_figure,
    is_misread_unit,
    starts_with_unit,
)
from voxedge.document.model import Word

_WORD_LIKENESS = 75.0
"""Letters in percent that two readings of a word share from which they are one."""
_LEGIBLE = 0.6
"""A word beside a number that only the first reader saw, and saw less surely, may be anything:
of 13 wrong numbers that both readers had alike, 10 stood beside one (60 pictures)."""
_SURE = 0.9
"""A word where a unit may stand, which only the first reader saw: "42 mifh" of ml/h at 0.87."""
_LONGEST_UNIT_CHARS = 8
"""Longer words after a number are no units: "mmol/l" is one of the longest."""
_COUNTED = (
    "tablets", "capsules", "minutes", "hours", "weeks", "months", "days", "years", "micrograms",
    "times", "drops", "sachets",
)  # fmt: skip
_DASHES = frozenset("-–—~")
_SIGNS = frozenset({"~", "-", "–", "/", "×", ".", ",", "+", "<", ">", "%", "°", "～"})


def is_clear_before(before: Word, *, begins_sentence: bool) -> bool:
    """Say whether the word before a number hides no part of it.

    Args:
        before: the word.
        begins_sentence: it is the sentence's first word: a dash there is a bullet.
    """
    if before.text in _DASHES and before.second is None and not begins_sentence:
        # "400 - 080" of which the first half went elsewhere.
        return False
    return not (_is_lost_sign(before) or _runs_on(before, is_left=True)) and _is_legible(before)


def is_clear_after(after: Word) -> bool:
    """Say whether the word after a number hides no part of it, its unit aside."""
    return not (_runs_on(after, is_left=False) or _is_lost_sign(after))


def may_be_unit(after: Word) -> bool:
    """Say whether the word after a number that has no unit may be one that was misread."""
    if is_misread_unit(after.text) or starts_with_unit(after.text) or _nearly_counts(after.text):
        return True
    if after.confidence < _LEGIBLE and not _is_same(after):
        # "mifor" of "ml for": likeness is not enough where a unit may stand.
        return any(character.isalnum() for character in after.text)
    if after.second is None:
        # The second reader could not be asked: the print is of another height, or noise made it so.
        return after.confidence < _SURE
    if starts_with_unit(after.second):
        return True
    if _is_same(after):
        return False
    length = len(canonical(after.text))
    return not (length >= 5 and _is_alike(after)) and length <= _LONGEST_UNIT_CHARS


def goes_on(text: str, after: Word) -> bool:
    """Say whether a number that ends in a point or comma may go on in the next word: "2." "5"."""
    return text.rstrip()[-1:] in (".", ",") and holds_figure(after.text[:1])


def _is_legible(word: Word) -> bool:
    """Say whether a word was read surely enough, or by both readers alike."""
    if word.confidence >= _LEGIBLE or not any(character.isalnum() for character in word.text):
        return True
    return _is_same(word) or _is_alike(word)


def _is_same(word: Word) -> bool:
    return word.second is not None and canonical(word.text) == canonical(word.second)


def _is_alike(word: Word) -> bool:
    one, two = canonical(word.text), canonical(word.second or "")
    return one.isalpha() and fuzz.ratio(one, two) >= _WORD_LIKENESS


def _is_lost_sign(word: Word) -> bool:
    """Say whether the second reader has a sign of a number where the first has something else."""
    second = (word.second or "").strip()
    return (
        second in _SIGNS and canonical(word.text) != canonical(second) and word.text not in _SIGNS
    )


def _runs_on(word: Word, *, is_left: bool) -> bool:
    """Say whether a neighbour may be a part of the number: "ea" here, "2." there, before "6 mg".

    A number beside it, on which the readers differ, may be one too: "7" and "5" of 7.5.
    """
    if word.second is None:
        return False
    if holds_figure(word.text):
        return canonical(word.text) != canonical(word.second)
    edge = word.second.rstrip(" .,")[-1:] if is_left else word.second.lstrip(" .,")[:1]
    return holds_figure(edge)


def _nearly_counts(word: str) -> bool:
    """Say whether a word is a unit that counts, misspelt ("mnutes") or cut off ("hou", "tim")."""
    core = canonical(word)
    if len(core) >= 2 and any(unit.startswith(core) and unit != core for unit in _COUNTED):
        return True
    return len(core) >= 5 and any(fuzz.ratio(core, unit) >= _WORD_LIKENESS for unit in _COUNTED)
