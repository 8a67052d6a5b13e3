"""Two readings of one page made one: what is filled, what stands, and that no number changes."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.document.figures import canonical
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


def words_of(found: Document) -> list[tuple[Sentence, Word]]:
    return [(s, w) for p in found.paragraphs for s in p.sentences for w in s.words]


def certain(found: Document) -> set[str]:
    return {canonical(number.text) for _, number in numbers_of(found) if number.is_certain}


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
    assert all(word.page == 0 for _, word in words_of(shifted.document))


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


def test_three_of_four_looks_agree() -> None:
    one, two = document(*LINES), document(*LINES, sure=0.8, doubts={"40": "10"})
    assert doubtful(two) == ["40 mg"]
    assert doubtful(merge(one, two).document) == []
    merged = merge(two, one)
    assert doubtful(merged.document) == []
    assert merged.settled == 1


def test_a_number_both_pictures_doubt_stays_in_doubt() -> None:
    one = document(*LINES, doubts={"40": "10"})
    two = document(*LINES, doubts={"40": "46"})
    assert doubtful(merge(one, two).document) == ["40 mg"]


def test_the_first_picture_gives_the_structure_unless_the_second_has_far_more() -> None:
    page = document(*LINES)
    assert not merge(page, page).took_second
    merged = merge(document(*LINES[:2]), page)
    assert merged.took_second
    assert merged.document.text == page.text


def test_words_are_filled_in_only_between_words_that_both_pictures_have() -> None:
    """A picture that lost the right side, and one that lost the left: only the end is sure."""
    rows = [line.split() for line in LINES]
    left = document(*(" ".join(row[:6]) for row in rows))
    right = document(*(" ".join(row[4:]) for row in rows), sure=0.8)
    merged = merge(left, right)
    assert merged.document.text == f"{left.text} the reach of children."


def test_print_that_the_first_picture_read_otherwise_is_not_filled_in_again() -> None:
    lines = [*LINES[:2], "Yuo msut nto frget sis", *LINES[2:]]
    other = [*LINES[:2], "Always swallow each tablet whole", *LINES[2:]]
    merged = merge(document(*lines), document(*other, sure=0.9))
    assert merged.filled == 0


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


_SECONDS = st.lists(st.sampled_from(["5", "50", "mg", "µg", "", None, "same"]), max_size=40)


def with_seconds(found: Document, seconds: list[str | None]) -> Document:
    """Return the document with what a second reader may have seen in each word's place."""
    given_ = iter(seconds)

    def seen(word: Word) -> Word:
        second = next(given_, "same")
        return replace(word, second=word.text if second == "same" else second)

    return replace(
        found,
        sections=tuple(
            Section(
                tuple(
                    Paragraph(
                        tuple(Sentence(tuple(map(seen, s.words))) for s in paragraph.sentences)
                    )
                    for paragraph in section.paragraphs
                )
            )
            for section in found.sections
        ),
    )


@settings(max_examples=250, deadline=None)
@given(_TEXT, _TEXT, _SECONDS, _SECONDS, st.floats(0.3, 1.0), st.integers(0, 4))
def test_no_number_is_certain_that_two_readers_did_not_agree_on_in_one_picture(
    one: list[str],
    two: list[str],
    seconds: list[str | None],
    others: list[str | None],
    sure: float,
    common: int,
) -> None:
    """Whatever the two pictures show, and however their readers differ."""
    a = with_seconds(document(*LINES[:common], *one), seconds)
    b = with_seconds(document(*LINES[:common], *two, sure=sure), others)
    merged = merge(a, b).document
    assert certain(merged) <= certain(a) | certain(b)
    assert merge(merged, b).document == merge(merge(merged, b).document, b).document
