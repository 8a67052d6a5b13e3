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
from voxedge.document.numbers import NumberReading, numbers_in, words_of
from voxedge.speech.doubt_words import DoubtWords, doubt_words, speaks

if TYPE_CHECKING:
    from voxedge.document.model import Sentence

_MARKER = re.compile(r"\(?\d{1,2}(?:\.\d{1,2})*[.)]?\s")


@dataclass(frozen=True, slots=True)
class Doubted:
    """A sentence as it may be spoken.

    Attributes:
        printed: its text, with every doubtful number replaced.
        explained: what is said after it, in the language of ``words``; "" where nothing is in
            doubt.
        words: for doubts: of the sentence's language where there are any, else English.
        is_checked: false where some number was not looked at a second time.
    """

    printed: str
    explained: str
    is_checked: bool
    words: DoubtWords

    @property
    def is_certain(self) -> bool:
        """Whether nothing in it is in doubt."""
        return self.is_checked and not self.explained


def with_doubts(sentence: Sentence, language: str, *, starts_paragraph: bool) -> Doubted:
    """Return what may be said of a sentence.

    Args:
        sentence: as it was read.
        language: BCP 47 tag of its text. Where there are no words for doubts in it, nothing is put
            into the sentence, and the doubt is told in English behind it.
        starts_paragraph: a bare number at its very start ("3." of a heading or a list) counts
            the parts of the page and no dose; it is spoken as it was read.
    """
    text, words = sentence.text, doubt_words(language)
    doubtful = doubtful_numbers(sentence, starts_paragraph=starts_paragraph)
    has_words = speaks(language)
    pieces, at = [], 0
    for number in doubtful:
        pieces.append(text[at : number.start])
        printed = text[number.start : number.end]
        if number.is_checked:
            pieces.append(words.unsure if has_words else "…")
        else:
            pieces.append(words.unchecked.format(number=printed) if has_words else printed)
        at = number.end
    pieces.append(text[at:])
    disputed = [number for number in doubtful if number.is_checked]
    is_checked = len(disputed) == len(doubtful)
    return Doubted("".join(pieces), _explained(disputed, words), is_checked, words)


def without_doubts(text: str, language: str) -> Doubted:
    """Return text that holds no number of a page: a reply, a message."""
    return Doubted(text, "", True, doubt_words(language))


def doubtful_numbers(sentence: Sentence, *, starts_paragraph: bool) -> list[NumberReading]:
    """Return the numbers of a sentence that must not be said as if they were certain.

    Args:
        sentence: as it was read.
        starts_paragraph: see ``with_doubts``.
    """
    doubtful = [number for number in numbers_in(sentence) if not number.is_certain]
    if starts_paragraph and doubtful and _is_marker(sentence.text, doubtful[0]):
        return doubtful[1:]
    return doubtful


def doubt_at(sentence: Sentence, word: int, *, starts_paragraph: bool) -> NumberReading | None:
    """Return the doubtful number that a word of the sentence is a part of, None where it is sure.

    Args:
        sentence: as it was read.
        word: place in ``sentence.words``.
        starts_paragraph: see ``with_doubts``.
    """
    for number in doubtful_numbers(sentence, starts_paragraph=starts_paragraph):
        if word in words_of(sentence, number):
            return number
    return None


def certain_text(sentence: Sentence, *, starts_paragraph: bool) -> str:
    """Return the text of a sentence with its doubtful numbers left out."""
    pieces, at = [], 0
    for number in doubtful_numbers(sentence, starts_paragraph=starts_paragraph):
        pieces.append(sentence.text[at : number.start])
        at = max(at, number.end)
    return "".join([*pieces, sentence.text[at:]])


def may_be(number: NumberReading, words: DoubtWords) -> str:
    """Return the readings of a number as they are said: "5 or 50 mg"."""
    readings = list(number.readings)
    if len(readings) == 2 and (shared := _shared_unit(readings)):
        readings[0] = readings[0][: -len(shared)].strip()
    return words.or_.join(readings)


def _is_marker(text: str, number: NumberReading) -> bool:
    marker = _MARKER.match(text)
    return number.start <= 1 and not number.unit and marker is not None


def _explained(numbers: Sequence[NumberReading], words: DoubtWords) -> str:
    if not numbers:
        return ""
    if len(numbers) == 1:
        return words.one.format(readings=may_be(numbers[0], words))
    said = words.many.format(count=len(numbers))
    if len(numbers) > len(words.each):
        return said
    guesses = (
        guess.format(readings=may_be(number, words))
        for guess, number in zip(words.each, numbers, strict=False)
    )
    return " ".join([said, *guesses])


def _shared_unit(readings: Sequence[str]) -> str:
    units = {figure.unit for reading in readings for figure in figures_in(reading)[-1:]}
    unit = units.pop() if len(units) == 1 else ""
    return unit if unit and all(reading.endswith(unit) for reading in readings) else ""
