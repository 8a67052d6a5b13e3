"""How a number that two readers do not agree on is said: never as if it were certain.

The sentence is spoken with the number left out and named as unsure; what it may be is told right
after it. "Take a number I am not sure of every day. I am not sure of this number. It may be five
or fifty milligrams. Please take another picture."
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxedge.document.figures import figures_in
from voxedge.document.numbers import NumberReading, numbers_in

if TYPE_CHECKING:
    from voxedge.document.model import Sentence

LANGUAGE = "en"
"""Of what is said about doubts; the voice of the page's language may be another one."""

UNSURE = "a number I am not sure of"
UNCHECKED = "unchecked"
NOT_CHECKED = "I could not check the numbers that I call unchecked. They may be wrong."
ANOTHER_PICTURE = "Please take another picture."
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_MARKER = re.compile(r"\(?\d{1,2}(?:\.\d{1,2})*[.)]?\s")


@dataclass(frozen=True, slots=True)
class Doubted:
    """A sentence as it may be spoken.

    Attributes:
        printed: its text, with every doubtful number replaced.
        explained: what is said after it, in ``LANGUAGE``; "" where nothing is in doubt.
        is_checked: false where some number was not looked at a second time.
    """

    printed: str
    explained: str
    is_checked: bool

    @property
    def is_certain(self) -> bool:
        """Whether nothing in it is in doubt."""
        return self.is_checked and not self.explained


def with_doubts(sentence: Sentence, language: str, *, starts_paragraph: bool) -> Doubted:
    """Return what may be said of a sentence.

    Args:
        sentence: as it was read.
        language: BCP 47 tag of its text; the words put into the sentence are English only.
        starts_paragraph: a bare number at its very start ("3." of a heading or a list) counts
            the parts of the page and no dose; it is spoken as it was read.
    """
    text = sentence.text
    doubtful = [n for n in numbers_in(sentence) if not n.is_certain]
    if starts_paragraph and doubtful and _is_marker(text, doubtful[0]):
        doubtful = doubtful[1:]
    in_english = language.partition("-")[0] == LANGUAGE
    pieces, at = [], 0
    for number in doubtful:
        pieces.append(text[at : number.start])
        if number.is_checked:
            pieces.append(UNSURE if in_english else "…")
        elif in_english:
            pieces.append(f"{UNCHECKED} {text[number.start : number.end]}")
        else:
            pieces.append(text[number.start : number.end])
        at = number.end
    pieces.append(text[at:])
    disputed = [number for number in doubtful if number.is_checked]
    is_checked = len(disputed) == len(doubtful)
    return Doubted("".join(pieces), _explained(disputed), is_checked)


def _is_marker(text: str, number: NumberReading) -> bool:
    marker = _MARKER.match(text)
    return number.start <= 1 and not number.unit and marker is not None


def _explained(numbers: Sequence[NumberReading]) -> str:
    if not numbers:
        return ""
    if len(numbers) == 1:
        return f"I am not sure of this number. {_guess('It', numbers[0])}"
    said = f"I am not sure of {len(numbers)} numbers here."
    if len(numbers) > len(_ORDINALS):
        return said
    guesses = (
        _guess(f"The {ordinal}", number)
        for ordinal, number in zip(_ORDINALS, numbers, strict=False)
    )
    return " ".join([said, *guesses])


def _guess(subject: str, number: NumberReading) -> str:
    readings = list(number.readings)
    if len(readings) == 2 and (shared := _shared_unit(readings)):
        readings[0] = readings[0][: -len(shared)].strip()
    return f"{subject} may be {' or '.join(readings)}."


def _shared_unit(readings: Sequence[str]) -> str:
    units = {figure.unit for reading in readings for figure in figures_in(reading)[-1:]}
    unit = units.pop() if len(units) == 1 else ""
    return unit if unit and all(reading.endswith(unit) for reading in readings) else ""
