"""Dose safety: which numbers two independent readers agree on, and which are in doubt.

A number is certain when a second reader saw exactly the same digits, the same decimal mark and
the same unit in its place. Anything else is doubtful: another number, another unit, a lost
point, nothing at all, or no second reader at work.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from rapidfuzz import fuzz

from voxedge.document.figures import (
    Figure,
    NumberKind,
    canonical,
    figures_in,
    holds_figure,
    is_clean_figure,
    is_count_unit,
    is_misread,
    is_month,
)
from voxedge.document.model import Document, Sentence, Word
from voxedge.document.surroundings import goes_on, is_clear_after, is_clear_before, may_be_unit

UNSURE = "?"
"""Stands in a second reading for a character that the reader itself is not sure of."""
_COUNT_UNIT_LIKENESS = 60.0
"""Letters of "tablets" that the second reader may get wrong; a unit of mass must be exact."""


_PLAIN_WORD_CONFIDENCE = 0.6
"""A small word such as "to", read as surely as this, is no number that was lost."""


class Certainty(Enum):
    """Whether a number may be spoken as it is."""

    CERTAIN = "certain"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True)
class NumberReading:
    """One number of a sentence.

    Attributes:
        text: value and unit as the reading text has them.
        unit: as printed, "" where there is none.
        certainty: whether both readers agree.
        readings: what may be printed there: the reading text's first, then the second reader's
            where it differs and is a number.
        is_checked: whether a second reader looked at it at all.
        start: first character in the sentence's text.
        end: behind the last.
    """

    text: str
    unit: str
    certainty: Certainty
    readings: tuple[str, ...]
    is_checked: bool
    start: int
    end: int

    @property
    def is_certain(self) -> bool:
        """Whether it may be spoken as it is."""
        return self.certainty is Certainty.CERTAIN


def numbers_in(sentence: Sentence) -> tuple[NumberReading, ...]:
    """Return the numbers of a sentence in printed order, those only the second reader saw too."""
    spans = _word_spans(sentence)
    figures = figures_in(sentence.text)
    found: list[NumberReading] = []
    taken: set[int] = set()
    for group in _groups(figures, spans):
        found += _judged(sentence, group, spans)
        taken.update(group.words)
    for number, word in enumerate(sentence.words):
        if number not in taken and _hides_number(word):
            start, end = spans[number]
            second = (word.second or "").strip()
            found.append(
                NumberReading(word.text, "", Certainty.DOUBTFUL, (second,), True, start, end)
            )
    return tuple(sorted(found, key=lambda reading: reading.start))


def numbers_of(document: Document) -> Iterator[tuple[Sentence, NumberReading]]:
    """Yield every number of a document with the sentence it stands in, in reading order."""
    for paragraph in document.paragraphs:
        for sentence in paragraph.sentences:
            for reading in numbers_in(sentence):
                yield sentence, reading


def words_of(sentence: Sentence, number: NumberReading) -> range:
    """Return the places of the words a number of this sentence stands in."""
    spans = _word_spans(sentence)
    first = bisect_right([start for start, _ in spans], number.start) - 1
    return range(first, bisect_left([start for start, _ in spans], number.end))


@dataclass(frozen=True, slots=True)
class _Group:
    """Figures that share words ("5mg/10ml"), and all words they stand in."""

    figures: tuple[Figure, ...]
    words: range


def _groups(figures: Sequence[Figure], spans: Sequence[tuple[int, int]]) -> Iterator[_Group]:
    held: list[Figure] = []
    words = range(0)
    for figure in figures:
        first = bisect_right([start for start, _ in spans], figure.start) - 1
        last = bisect_left([start for start, _ in spans], figure.end)
        if held and first >= words.stop:
            yield _Group(tuple(held), words)
            held = []
        words = range(words.start if held else first, last)
        held.append(figure)
    if held:
        yield _Group(tuple(held), words)


def _judged(
    sentence: Sentence, group: _Group, spans: Sequence[tuple[int, int]]
) -> Iterator[NumberReading]:
    """Compare figures with what the second reader has in the words they stand in."""
    words = [sentence.words[number] for number in group.words]
    checked = all(word.second is not None for word in words)
    second = sentence.joiner.join(word.second or "" for word in words)
    theirs = figures_in(second)
    pairs = len(theirs) == len(group.figures)
    before = sentence.words[group.words.start - 1] if group.words.start else None
    after = sentence.words[group.words.stop] if group.words.stop < len(spans) else None
    for place, figure in enumerate(group.figures):
        end, unit = figure.end, figure.unit
        text = sentence.text[figure.start : end].strip()
        other = ""
        if pairs:
            other = second[theirs[place].start : theirs[place].end].strip()
        elif len(theirs) == 1:
            other = second[theirs[0].start : theirs[0].end].strip()
        agrees = checked and pairs and UNSURE not in second
        if agrees and canonical(text) != canonical(other):
            stop = theirs[place + 1].start if place + 1 < len(theirs) else len(second)
            agrees = _same_count(figure, second[theirs[place].start : stop])
        is_last = place + 1 == len(group.figures)
        if place == 0 and before is not None:
            begins = group.words.start == 1
            agrees = agrees and is_clear_before(before, begins_sentence=begins)
            agrees = agrees and not (is_month(before.text) and _is_cut_year(figure))
        if _breaks_off(sentence.text, figure):
            agrees = False
        if is_last and after is not None and not is_clear_after(after):
            agrees = False
        elif is_last and after is not None and not unit and may_be_unit(after):
            # "30 mi" here, "30 ml" there: what stands for a unit is part of the number.
            end = spans[group.words.stop][1]
            text = sentence.text[figure.start : end].strip(" .,;:()")
            other = f"{other} {(after.second or '').strip(' .,;:()')}" if other else ""
            agrees = False
        if (
            is_last
            and after is not None
            and goes_on(sentence.text[: spans[group.words.stop][0]], after)
        ):
            agrees = agrees and canonical(after.second or "") == canonical(after.text)
        agrees = agrees and not is_misread(text)
        readings = [text]
        if not agrees and other and UNSURE not in other and canonical(other) != canonical(text):
            readings.append(other)
        certainty = Certainty.CERTAIN if agrees else Certainty.DOUBTFUL
        yield NumberReading(text, unit, certainty, tuple(readings), checked, figure.start, end)


def _is_cut_year(figure: Figure) -> bool:
    return len(figure.value) == 3 and figure.value[:2] in ("19", "20")


def _breaks_off(text: str, figure: Figure) -> bool:
    """Say whether something is missing behind a number that ends in a point, comma or slash.

    Decimals of "0." at an end, or of a point amid a sentence ("4. of it"); "/l" of "11 mmol.", or
    "l" of "37 mmol/.": blurred, thin marks beside a full stop are seen by neither reader.
    """
    rest = text[figure.end :]
    if rest[:1] == "/":
        divisor = rest[1:].lstrip()[:1]
        return not (holds_figure(divisor) or rest[1:2].isalpha())
    if rest[:1] not in (".", ","):
        return False
    if figure.unit.lower().endswith("mol"):
        return True
    lost = rest[0] == "." and rest[1:].lstrip()[:1].islower()
    return not figure.unit and (canonical(figure.value) == "0" or lost)


def _same_count(figure: Figure, other: str) -> bool:
    """Say whether "2 tablcts" is 2 tablets: long words that count may be misspelt by a letter."""
    counted = canonical(figure.unit)
    if figure.kind is not NumberKind.COUNT or len(counted) < 4:
        return False
    value, two = canonical(figure.value), canonical(other)
    rest = two.removeprefix(value)
    return (
        two.startswith(value)
        and not holds_figure(rest)
        and rest[:1].isalpha()
        # "12 hour" of "12 hours" was cut off; nobody knows what else was.
        and not is_count_unit(rest)
        and fuzz.ratio(rest, counted) >= _COUNT_UNIT_LIKENESS
    )


def _hides_number(word: Word) -> bool:
    """Say whether the second reader saw a number where the first saw letters only."""
    if word.second is None or not holds_figure(word.second):
        return False
    core = word.text.strip(".,:;()")
    lost = word.second.replace(core, "", 1) if len(core) > 3 else word.second
    if not is_clean_figure(lost):
        return False
    is_plain_word = len(core) >= 2 and core.isalpha() and core.islower()
    return lost != word.second or not (is_plain_word and word.confidence >= _PLAIN_WORD_CONFIDENCE)


def _word_spans(sentence: Sentence) -> list[tuple[int, int]]:
    ends = list(
        itertools.accumulate(
            (len(word.text) + len(sentence.joiner) for word in sentence.words), initial=0
        )
    )
    return [
        (start, start + len(word.text)) for start, word in zip(ends, sentence.words, strict=False)
    ]
