"""Cursor moves: inside the document always, and next then previous comes back."""

import pytest
from documents import document, documents
from hypothesis import given
from hypothesis import strategies as st

from voxedge.document.cursor import Cursor, Outline, Unit, outline_of
from voxedge.document.model import Document, Page

LEAFLET = document(
    """
    Keep this leaflet. Read it all.
    # 3. How to take it
    Take one tablet daily. Swallow it whole.
    ---
    With water.
    # 4. Side effects
    Headache. Nausea.
    """
)

outlines = documents.map(outline_of)
cursors = st.integers(-5, 60).map(Cursor)
units = st.sampled_from(Unit)


def inside(outline: Outline, cursor: Cursor | None) -> bool:
    return cursor is None or outline.clamp(cursor) == cursor


@given(outlines, cursors, units)
def test_next_then_previous_is_where_it_was(outline: Outline, cursor: Cursor, unit: Unit) -> None:
    start = outline.start(cursor, unit)
    after = outline.next(start, unit)
    if after is not None:
        assert outline.previous(after, unit) == start
    before = outline.previous(start, unit)
    if before is not None:
        assert outline.next(before, unit) == start


@given(outlines, cursors, units)
def test_next_then_previous_is_in_the_unit_it_left(
    outline: Outline, cursor: Cursor, unit: Unit
) -> None:
    after = outline.next(cursor, unit)
    if after is not None:
        back = outline.previous(after, unit)
        assert back is not None
        assert outline.number(back, unit) == outline.number(cursor, unit)


@given(outlines, cursors, units)
def test_every_move_stays_inside(outline: Outline, cursor: Cursor, unit: Unit) -> None:
    moves = (
        outline.next(cursor, unit),
        outline.previous(cursor, unit),
        outline.start(cursor, unit),
        outline.first(unit),
        outline.last(unit),
        outline.page(cursor.word),
        outline.clamp(cursor),
    )
    assert all(inside(outline, move) for move in moves)
    place = outline.place(cursor)
    assert (place is None) == (not outline.words)
    if place is not None:
        assert 1 <= place.page <= place.pages
        assert 1 <= place.section <= place.sections
        assert 1 <= place.paragraph <= place.paragraphs
        assert 1 <= place.sentence <= place.sentences
        assert 0 <= place.percent < 100


@given(outlines, units)
def test_walking_forward_meets_every_word_once(outline: Outline, unit: Unit) -> None:
    cursor: Cursor | None = outline.first(unit)
    met: list[int] = []
    while cursor is not None:
        met.extend(outline.span(cursor, unit))
        cursor = outline.next(cursor, unit)
    assert met == list(range(len(outline.words)))


@given(outlines, units)
def test_walking_back_from_the_last_unit_meets_the_first(outline: Outline, unit: Unit) -> None:
    cursor, steps = outline.last(unit), 0
    while (before := outline.previous(cursor, unit)) is not None:
        assert before < cursor
        cursor, steps = before, steps + 1
    assert cursor == outline.first(unit)
    assert steps == max(0, len(outline.starts[unit]) - 1)


@given(documents, documents, cursors, units)
def test_pages_added_at_the_end_leave_the_place_alone(
    first: Document, more: Document, cursor: Cursor, unit: Unit
) -> None:
    before = outline_of(first)
    if not before.words:
        return
    place = before.start(cursor, Unit.SENTENCE)
    grown = Document(first.sections + more.sections, first.pages + more.pages, "en")
    assert outline_of(grown).sentence_at(place) == before.sentence_at(place)


@given(outlines, cursors, st.lists(cursors, max_size=5).map(tuple))
def test_marks_lie_strictly_before_and_after(
    outline: Outline, cursor: Cursor, marks: tuple[Cursor, ...]
) -> None:
    at = outline.clamp(cursor)
    after = outline.marked(cursor, marks, forward=True)
    before = outline.marked(cursor, marks, forward=False)
    assert after is None or after > at
    assert before is None or before < at
    places = {outline.clamp(mark) for mark in marks} - {at}
    assert (after is None) == (not any(place > at for place in places))
    assert (before is None) == (not any(place < at for place in places))


def test_an_empty_document_has_no_place() -> None:
    outline = outline_of(Document((), (Page(10, 10),), "en"))
    assert outline.place(Cursor()) is None
    assert outline.word_at(Cursor(3)) is None
    assert outline.sentence_at(Cursor()) is None
    assert list(outline.span(Cursor(), Unit.PAGE)) == []
    assert outline.page(1) is None


def test_where_am_i() -> None:
    outline = outline_of(LEAFLET)
    cursor = outline.page(2)
    assert cursor is not None
    place = outline.place(cursor)
    assert place is not None
    assert (place.page, place.pages) == (2, 2)
    assert (place.section, place.sections, place.heading) == (2, 3, "3. How to take it")
    assert (place.paragraph, place.paragraphs) == (4, 6)
    assert (place.sentence, place.sentences) == (6, 9)
    assert place.percent == 100 * 18 // 25
    sentence = outline.sentence_at(cursor)
    assert sentence is not None
    assert sentence.text == "With water."


def test_previous_from_the_middle_of_a_sentence_is_the_one_before() -> None:
    outline = outline_of(LEAFLET)
    middle = outline.next(outline.sentence_cursor(1), Unit.WORD)
    assert middle == Cursor(4)
    assert outline.previous(middle, Unit.SENTENCE) == Cursor(0)
    assert outline.start(middle, Unit.SENTENCE) == Cursor(3)


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        (Unit.WORD, "Nausea."),
        (Unit.SENTENCE, "Nausea."),
        (Unit.PARAGRAPH, "Headache."),
        (Unit.SECTION, "4."),
        (Unit.PAGE, "With"),
    ],
)
def test_last(unit: Unit, text: str) -> None:
    outline = outline_of(LEAFLET)
    word = outline.word_at(outline.last(unit))
    assert word is not None
    assert word.text == text
