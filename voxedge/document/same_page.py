"""Is this the page that was read before? Judged from its first words on, while it is being read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz

from voxedge.document.cursor import Cursor, Outline, Unit
from voxedge.document.figures import canonical, holds_figure
from voxedge.document.model import Document, Section, Sentence
from voxedge.document.numbers import NumberReading, numbers_in

_SAME = 0.7
"""Share of the new page's words that stand on the old one too. Leaflets of two medicines share up
to half of theirs."""
_OTHER = 0.5
_ENOUGH_WORDS = 25
"""Different words from which the share can be believed: headings are the same on every leaflet."""
_LETTERS = 3
_LIKE = 80.0
"""Likeness of two sentences from which they are two readings of one, their digits aside."""
_JUST_HEARD = 3
"""Sentences: a doubt that was heard so recently is why somebody takes another picture."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What is known so far.

    Attributes:
        page: of the old document that looks most like it.
        is_same: None while there is too little of it to say.
    """

    page: int
    is_same: bool | None


def likeness(now: Document, before: Document) -> Likeness:
    """Compare what was read of a page so far with every page of a document.

    Two pictures in which two readers are sure of different numbers in one sentence are of two
    pages, however alike: the leaflets of 200 mg and of 400 mg.
    """
    words = _vocabulary(now)
    shares = {
        number: len(words & _vocabulary(page_of(before, number))) / max(1, len(words))
        for number in range(len(before.pages))
    }
    page = max(shares, key=lambda number: shares[number], default=0)
    share = shares.get(page, 0.0)
    if share < _OTHER or _conflict(now, page_of(before, page)):
        return Likeness(page, False)
    if len(words) < _ENOUGH_WORDS:
        return Likeness(page, None)
    return Likeness(page, share >= _SAME)


def page_of(document: Document, number: int) -> Document:
    """Return one page of a document as a document."""
    sections = tuple(section for section in document.sections if _page_number(section) == number)
    pages = document.pages[number : number + 1]
    return replace(document, sections=sections, pages=pages)


def with_page(document: Document, number: int, page: Document) -> Document:
    """Return the document with another reading in the place of one of its pages."""
    own = [section for section in document.sections if _page_number(section) != number]
    at = sum(_page_number(section) < number for section in own)
    new = tuple(_numbered(section, number) for section in page.sections)
    pages = (*document.pages[:number], *page.pages[:1], *document.pages[number + 1 :])
    return replace(document, sections=(*own[:at], *new, *own[at:]), pages=pages)


def doubt_heard(outline: Outline, cursor: Cursor) -> Sentence | None:
    """Return the last sentence up to the cursor in which a number is in doubt, if just heard."""
    last = outline.number(cursor, Unit.SENTENCE)
    for number in range(last, max(-1, last - _JUST_HEARD), -1):
        if number >= len(outline.sentences):
            continue
        sentence = outline.sentences[number]
        if any(not found.is_certain for found in numbers_in(sentence)):
            return sentence
    return None


def counterpart(sentence: Sentence, outline: Outline) -> int | None:
    """Return the number of the sentence that is most like one of another reading."""
    wanted = _bare(sentence)
    best = max(
        ((fuzz.ratio(wanted, _bare(other)), -at) for at, other in enumerate(outline.sentences)),
        default=(0.0, 0),
    )
    return -best[1] if best[0] >= _LIKE else None


def carried(cursor: Cursor, old: Outline, new: Outline) -> Cursor:
    """Return the place in another reading of the same text; sentences are found by likeness."""
    sentence = old.sentence_at(cursor)
    if sentence is None or not new.sentences:
        return Cursor()
    number = old.number(cursor, Unit.SENTENCE)
    same = [at for at, other in enumerate(new.sentences) if other.text == sentence.text]
    found = min(same, key=lambda at: abs(at - number)) if same else counterpart(sentence, new)
    if found is None:
        return new.clamp(cursor)
    return new.sentence_cursor(found)


def _vocabulary(document: Document) -> frozenset[str]:
    return frozenset(
        core.casefold()
        for paragraph in document.paragraphs
        for sentence in paragraph.sentences
        for word in sentence.words
        if (core := word.text.strip(".,;:!?()[]")) and _counts(core)
    )


def _counts(core: str) -> bool:
    # An ideograph is a word; of letters it takes some to be one.
    return not holds_figure(core) and (len(core) >= _LETTERS or not core.isascii())


def _conflict(now: Document, before: Document) -> bool:
    # Sentences equal but for their digits are looked up, not compared: this runs on the event loop.
    known: dict[str, list[Sentence]] = {}
    for sentence in _sentences(before):
        known.setdefault(_bare(sentence), []).append(sentence)
    for sentence in _sentences(now):
        others = known.get(_bare(sentence), [])
        if len(others) == 1 and _differ(numbers_in(sentence), numbers_in(others[0])):
            return True
    return False


def _differ(ours: Sequence[NumberReading], theirs: Sequence[NumberReading]) -> bool:
    """Say whether two readers each are sure of different numbers in one place."""
    return len(ours) == len(theirs) and any(
        one.is_certain and two.is_certain and canonical(one.text) != canonical(two.text)
        for one, two in zip(ours, theirs, strict=True)
    )


def _sentences(document: Document) -> Iterator[Sentence]:
    for paragraph in document.paragraphs:
        yield from paragraph.sentences


def _bare(sentence: Sentence) -> str:
    return "".join(mark for mark in sentence.text.casefold() if not mark.isdigit())


def _page_number(section: Section) -> int:
    counts = Counter(
        word.page
        for paragraph in section.paragraphs
        for sentence in paragraph.sentences
        for word in sentence.words
    )
    return counts.most_common(1)[0][0] if counts else 0


def _numbered(section: Section, page: int) -> Section:
    return replace(
        section,
        paragraphs=tuple(
            replace(
                paragraph,
                sentences=tuple(
                    replace(
                        sentence,
                        words=tuple(replace(word, page=page) for word in sentence.words),
                    )
                    for sentence in paragraph.sentences
                ),
            )
            for paragraph in section.paragraphs
        ),
    )
