"""A second picture of the same page: what it confirms, and what it puts in doubt. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rapidfuzz import fuzz

from voxedge.document.figures import canonical
from voxedge.document.model import Document, Paragraph, Section, Sentence, Word
from voxedge.document.numbers import NumberReading, numbers_in, words_of

_SAME_SENTENCE = 85.0
"""Likeness in percent of two sentences, digits aside, from which they are the same print."""
_MIN_LETTERS = 10
"""Shorter sentences ("2 tablets") stand on a page more than once."""
_DIGITS = re.compile(r"\d+")


def confirm(first: Document, second: Document) -> Document:
    """Return the first document with its numbers judged by another picture of the same page.

    A doubtful number becomes certain where the second picture has a certain one in its place
    that is among its readings: three of four looks agree. A certain one becomes doubtful where
    the second picture is as certain of another: two pictures of one print cannot both be right.
    All else stays. Words, order and boxes are those of the first.
    """
    others = [s for p in second.paragraphs for s in p.sentences if numbers_in(s)]
    sections = tuple(
        Section(tuple(_paragraph(paragraph, others) for paragraph in section.paragraphs))
        for section in first.sections
    )
    return replace(first, sections=sections)


def _paragraph(paragraph: Paragraph, others: Sequence[Sentence]) -> Paragraph:
    sentences = tuple(_sentence(sentence, others) for sentence in paragraph.sentences)
    return replace(paragraph, sentences=sentences)


def _sentence(sentence: Sentence, others: Sequence[Sentence]) -> Sentence:
    numbers = numbers_in(sentence)
    other = _counterpart(sentence, others) if numbers else None
    if other is None:
        return sentence
    counterparts = numbers_in(other)
    if len(counterparts) != len(numbers):
        return sentence
    words = list(sentence.words)
    ranges = [words_of(sentence, number) for number in numbers]
    # From the end: replacing one number may change how many words there are.
    for place in reversed(range(len(numbers))):
        mine, theirs, span = numbers[place], counterparts[place], ranges[place]
        shared = any(set(span) & set(rest) for at, rest in enumerate(ranges) if at != place)
        if shared or not theirs.is_certain:
            continue
        if not mine.is_certain and _is_among(theirs, mine):
            taken = [other.words[number] for number in words_of(other, theirs)]
            words[span.start : span.stop] = _placed(taken, words[span.start])
        elif mine.is_certain and canonical(mine.text) != canonical(theirs.text):
            head, *tail = words[span.start : span.stop]
            disputed = [replace(head, second=theirs.text), *(replace(w, second="") for w in tail)]
            words[span.start : span.stop] = disputed
    return replace(sentence, words=tuple(words))


def _counterpart(sentence: Sentence, others: Sequence[Sentence]) -> Sentence | None:
    """Return the sentence of the other picture that is surely the same, digits aside."""
    bare = _DIGITS.sub("", sentence.text)
    if sum(character.isalpha() for character in bare) < _MIN_LETTERS:
        return None
    scored = sorted(
        ((fuzz.ratio(bare, _DIGITS.sub("", other.text)), at) for at, other in enumerate(others)),
        reverse=True,
    )
    if not scored or scored[0][0] < _SAME_SENTENCE:
        return None
    if len(scored) > 1 and scored[1][0] > scored[0][0] - 3.0:
        # "Take 1 tablet a day." and "Take 2 tablets a day.": which is which cannot be told.
        return None
    return others[scored[0][1]]


def _is_among(number: NumberReading, doubtful: NumberReading) -> bool:
    return canonical(number.text) in {canonical(reading) for reading in doubtful.readings}


def _placed(words: Sequence[Word], first: Word) -> list[Word]:
    """Return the words at the place of another: boxes of one picture mean nothing in the other."""
    return [replace(word, box=first.box, page=first.page) for word in words]
