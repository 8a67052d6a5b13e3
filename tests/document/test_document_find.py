"""Finding: as people remember words, and never one number for another."""

import pytest
from documents import document, documents
from hypothesis import given
from hypothesis import strategies as st

from voxedge.document.cursor import Cursor, outline_of
from voxedge.document.find import find, fold, tokens
from voxedge.document.model import Document

TEXT = outline_of(
    document(
        """
        Ibuprofen 200 mg. Take 500 mg of paracetamol. Do not overdose.
        Café crème for the élève. Take paracetamol 50 mg again. The dose is 5.5 ml.
        Straße and DOSE.
        """
    )
)


@pytest.mark.parametrize(
    ("query", "found", "exact"),
    [
        ("paracetamol", "paracetamol.", True),
        ("PARACET", "paracetamol.", True),
        ("paracetemol", "paracetamol.", False),
        ("cafe creme", "Café crème", True),
        ("ELEVE", "élève.", True),
        ("strasse", "Straße", True),
        ("dose", "dose", True),
        ("500 mg", "500 mg", True),
        ("500mg", "500 mg", True),
        ("5.5", "5.5", True),
        ("take paracetamol", "Take paracetamol", True),
    ],
)
def test_finds(query: str, found: str, exact: bool) -> None:
    match = find(TEXT, query, Cursor(), here=True)
    assert match is not None
    assert (match.found, match.exact) == (found, exact)


@pytest.mark.parametrize(
    "query", ["5", "20", "5000", "501", "5.6", "55", "100 mg", "zebra", "", "!"]
)
def test_never_offers_another_number_or_nonsense(query: str) -> None:
    assert find(TEXT, query, Cursor(), here=True) is None


def test_goes_on_and_round_and_back() -> None:
    first = find(TEXT, "paracetamol", Cursor(), here=True)
    assert first is not None
    second = find(TEXT, "paracetamol", first.cursor)
    assert second is not None
    assert second.cursor > first.cursor
    assert not second.wrapped
    third = find(TEXT, "paracetamol", second.cursor)
    assert third is not None
    assert (third.cursor, third.wrapped) == (first.cursor, True)
    back = find(TEXT, "paracetamol", second.cursor, backward=True)
    assert back is not None
    assert (back.cursor, back.wrapped) == (first.cursor, False)
    assert find(TEXT, "paracetamol", first.cursor, here=True) == first


def test_scripts_without_spaces_are_searched_by_letters() -> None:
    outline = outline_of(document("每日三次每次一片。口服。", joiner=""))
    match = find(outline, "每次一片", Cursor(), here=True)
    assert match is not None
    assert (match.cursor, match.found, match.exact) == (Cursor(4), "每次一片", True)


def test_kana_keep_their_marks_and_hangul_its_syllables() -> None:
    assert fold("が") != fold("か")
    assert fold("복용") == "복용"
    assert tokens("５００ｍｇ") == ("500", "mg")


@given(documents, st.integers(0, 40))
def test_every_word_is_found_where_it_stands(made: Document, index: int) -> None:
    outline = outline_of(made)
    if not outline.words:
        return
    cursor = outline.clamp(Cursor(index))
    word = outline.words[cursor.word]
    match = find(outline, word.text, cursor, here=True)
    if tokens(word.text):
        assert match is not None
        assert match.exact
        assert match.cursor == cursor or word.text not in match.found
    else:
        assert match is None


@given(documents, st.text(max_size=10), st.integers(-2, 40), st.booleans(), st.booleans())
def test_what_is_found_is_inside(
    made: Document, query: str, index: int, backward: bool, here: bool
) -> None:
    outline = outline_of(made)
    match = find(outline, query, Cursor(index), backward=backward, here=here)
    assert match is None or outline.clamp(match.cursor) == match.cursor


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_number_finds_only_itself(printed: int, asked: int) -> None:
    outline = outline_of(document(f"Take {printed} mg."))
    match = find(outline, str(asked), Cursor(), here=True)
    assert (match is not None) == (printed == asked)
