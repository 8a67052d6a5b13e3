"""Two readings of one page made one: what is filled, what stands, and that no number changes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.document.merge import merge
from voxedge.document.model import Box, Document, Page, Paragraph, Section, Sentence, Word
from voxedge.document.numbers import numbers_of

LINES = (
    "Take one tablet of 5 mg twice a day with water.",
    "Do not take more than 40 mg in one day.",
    "Keep this leaflet, you may need to read it again.",
    "Store below 25 °C out of the reach of children.",
)


def document(
    *lines: str, sure: float = 0.9, second: bool = True, doubts: dict[str, str] | None = None
) -> Document:
    paragraphs = []
    for number, line in enumerate(lines):
        words = tuple(
            Word(
                text,
                Box(60 * at, 40 * number, 60 * at + 50, 40 * number + 30),
                sure,
                0,
                (doubts or {}).get(text, text) if second else None,
            )
            for at, text in enumerate(line.split())
        )
        paragraphs.append(Paragraph((Sentence(words),)))
    return Document((Section(tuple(paragraphs)),), (Page(800, 600),), "en", "test")


def doubtful(found: Document) -> list[str]:
    return [number.text for _, number in numbers_of(found) if not number.is_certain]


def test_a_page_merged_with_itself_is_itself() -> None:
    page = document(*LINES)
    merged = merge(page, page)
    assert merged.document == page
    assert (merged.filled, merged.replaced, merged.doubted, merged.settled) == (0, 0, 0, 0)


def test_a_lost_line_is_filled_where_it_belongs_and_in_our_pixels() -> None:
    lost = document(LINES[0], LINES[1], LINES[3])
    whole = document(*LINES, sure=0.85)
    for merged in (merge(lost, whole), merge(whole, lost)):
        assert merged.document.text == whole.text
    shifted = merge(document(*LINES[1:], sure=0.95), document(*LINES, sure=0.81))
    assert shifted.document.text == document(*LINES).text


def test_the_surer_word_stands_unless_the_page_knows_better() -> None:
    good = document(*LINES, sure=0.9)
    bad = document(*(line.replace("leaflet", "ieafiet") for line in LINES), sure=0.7)
    assert merge(bad, good).document.text == good.text
    # Surer, but nowhere else on the page: "leaflet" stands twice.
    unsure = document(*LINES, "Read this leaflet first.", sure=0.5)
    wrong = document(*LINES, "Read this ieafiet first.", sure=0.9)
    merged = merge(unsure, wrong).document.text
    assert merged.count("ieafiet") <= 1


def test_a_number_that_differs_is_never_changed_and_never_certain() -> None:
    one = document(*LINES)
    two = document(*(line.replace("40 mg", "10 mg") for line in LINES), sure=0.8)
    merged = merge(one, two)
    assert merged.document.text == one.text
    assert merged.doubted == 1
    assert doubtful(one) == []
    assert doubtful(merged.document) == ["40 mg"]


def test_a_unit_that_differs_is_doubtful() -> None:
    one = document(*LINES)
    two = document(*(line.replace("5 mg", "5 µg") for line in LINES), sure=0.8)
    assert "5 mg" in doubtful(merge(one, two).document)


def test_a_later_picture_settles_a_number_nobody_had_checked() -> None:
    unchecked, checked = document(*LINES, second=False), document(*LINES, sure=0.8)
    assert len(doubtful(unchecked)) == 3
    merged = merge(unchecked, checked)
    assert doubtful(merged.document) == []
    assert merged.settled >= 3


def test_a_second_reader_that_saw_another_number_in_another_picture_is_heard() -> None:
    one, two = document(*LINES), document(*LINES, sure=0.8, doubts={"40": "10"})
    assert doubtful(merge(one, two).document) == ["40 mg"]


def test_another_page_is_not_mixed_in() -> None:
    other = document("Bonjour le monde entier", "ceci est une autre feuille", sure=0.3)
    page = document(*LINES)
    merged = merge(page, other)
    assert not merged.same_page
    assert merged.document == page
    empty = Document((), (), "en")
    assert not merge(page, empty).same_page


def test_junk_is_left_out() -> None:
    junk = document(*LINES[:3], "& ~ ts ¢ of 4", LINES[3], sure=0.85)
    merged = merge(document(*LINES), junk)
    assert "¢" not in merged.document.text


_WORDS = st.sampled_from(["take", "5", "mg", "50", "2.5", "tablet", "daily", "leaflet", "µg", "1O"])
_TEXT = st.lists(st.lists(_WORDS, min_size=1, max_size=8).map(" ".join), min_size=1, max_size=5)


@settings(max_examples=200, deadline=None)
@given(_TEXT, _TEXT, st.floats(0.1, 1.0), st.floats(0.1, 1.0))
def test_no_number_is_made_up(one: list[str], two: list[str], sure: float, other: float) -> None:
    a, b = document(*one, sure=sure), document(*two, sure=other)
    given_words = {w for text in (a.text, b.text) for w in text.split()}
    merged = merge(a, b).document
    assert set(merged.text.split()) <= given_words
    assert merged.pages == a.pages
