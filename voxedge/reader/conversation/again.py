"""The page that was read before is under the camera again: what the two pictures tell together.

What is read aloud is always what lies there now. The earlier picture settles numbers that are in
doubt in this one, and gives back what this one lost; a page on which the two are sure of different
numbers is another page. Pure.
"""

from __future__ import annotations

from dataclasses import replace

from voxedge.actions import State
from voxedge.document.confirm import confirm
from voxedge.document.cursor import Cursor
from voxedge.document.merge import merge
from voxedge.document.model import Document, Section
from voxedge.document.numbers import numbers_in
from voxedge.document.same_page import (
    carried,
    counterpart,
    doubt_heard,
    likeness,
    page_of,
    with_page,
)
from voxedge.reader.book import Book, book_of
from voxedge.reader.conversation.effects import Effect, PictureIsOf, ReadOn, say
from voxedge.reader.conversation.model import Model, Open, Seen, Work
from voxedge.speech.lines import SpeechClass


def look(work: Work, so_far: Document, sections: tuple[Section, ...]) -> tuple[Work, Document]:
    """Compare what came with the page before, and let that settle what is in doubt.

    Args:
        work: the page that is being read in.
        so_far: what of it came before.
        sections: what came now.

    Returns:
        The work, and what came now, as a document.
    """
    came = replace(so_far, sections=sections)
    seen = work.seen
    if seen is None:
        return work, came
    everything = replace(so_far, sections=so_far.sections + sections)
    before = seen.before.book.document
    found = likeness(everything, before)
    if found.is_same is False:
        return replace(work, seen=None), came
    work = replace(work, seen=replace(seen, page=found.page, is_same=found.is_same is True))
    return work, confirm(came, page_of(before, found.page))


def begin(work: Work, book: Book) -> tuple[tuple[Effect, ...], Cursor] | None:
    """Return what is said before reading begins, and where; None to wait for more of the page.

    Whoever has just heard that a number is in doubt takes another picture for its sake: reading
    begins at that sentence.
    """
    start = book.outline.first()
    seen = work.seen
    if seen is None:
        return (), start
    doubt = doubt_heard(seen.before.book.outline, seen.before.cursor)
    if doubt is None or seen.before.finished:
        return ((say("same_page"),) if seen.is_same else ()), start
    at = counterpart(doubt, book.outline)
    if at is None:
        return None
    sentence = book.outline.sentences[at]
    sure = all(number.is_certain for number in numbers_in(sentence))
    told = say("same_page_now" if sure else "same_page_doubt")
    return (told,), book.outline.sentence_cursor(at)


def finish(model: Model, work: Work) -> tuple[Model, tuple[Effect, ...]]:
    """Put together what both pictures have of the page, once no more of it comes."""
    seen, document = work.seen, model.open
    if seen is None or not seen.is_same or document is None:
        return model, ()
    before = seen.before.book.document
    merged = merge(document.book.document, page_of(before, seen.page))
    if not merged.same_page:
        return model, ()
    page = merged.document
    reading = model.state is State.READING
    several = len(before.pages) > 1
    if reading and not (merged.took_second or several):
        # What was heard stays as it is, so that every place in it stays true.
        heard = document.book.spot(document.cursor).section + 1
        now = document.book.document
        page = replace(page, sections=now.sections[:heard] + page.sections[heard:])
    whole = with_page(before, seen.page, page) if several else page
    book = book_of(whole)
    cursor = carried(document.cursor, document.book.outline, book.outline)
    after = Open(
        book,
        cursor,
        number=seen.before.number,
        title=seen.before.title,
        saved=seen.before.saved,
        marks=tuple(
            carried(mark, seen.before.book.outline, book.outline) for mark in seen.before.marks
        ),
        finished=document.finished,
        began_s=document.began_s,
    )
    effects: list[Effect] = [PictureIsOf(seen.page)] if several else []
    if merged.took_second:
        effects.append(say("same_page_before_better"))
    elif merged.filled:
        effects.append(say("same_page_filled", SpeechClass.NOTICE))
    if reading and (merged.took_second or several):
        effects.append(ReadOn(cursor))
    return replace(model, open=after), tuple(effects)


def seen_of(model: Model) -> Seen | None:
    """Return what a new picture will be compared with."""
    document = model.open
    return Seen(document) if document is not None and not document.book.empty else None
