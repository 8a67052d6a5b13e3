"""Printed lines in, sections out; lengths are in letter heights."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.document.build import SectionBuilder
from voxedge.document.lines import PrintedLine
from voxedge.document.model import Box, Role, Section, Word

PITCH = 2.2
COLUMN = 40.0


def line(
    text: str, row: float, *, size: float = 1.0, bold: bool = False, left: float = 0.0
) -> PrintedLine:
    words = tuple(Word(part, Box(0, 0, 5, 5), 0.95) for part in text.split())
    top = row * PITCH
    right = left + len(text) * 1.0 * size
    return PrintedLine(words, left, right, top, top + 1.4, size, size * (0.36 if bold else 0.25))


def column(*rows: str) -> list[PrintedLine]:
    """Rows of running text; "**" in front makes a row bold, "" leaves a row white."""
    return [
        line(text.removeprefix("**"), number, bold=text.startswith("**"))
        for number, text in enumerate(rows)
        if text
    ]


def build(*regions: list[PrintedLine], language: str = "en") -> list[Section]:
    builder = SectionBuilder(language)
    sections = [section for region in regions for section in builder.add(region)]
    return sections + list(builder.finish())


def shape(sections: list[Section]) -> list[tuple[str, str]]:
    return [(p.role.value, p.text) for section in sections for p in section.paragraphs]


FULL = "a line of running text as wide as column"


def test_lines_of_running_text_are_one_paragraph() -> None:
    sections = build(column(FULL, FULL, "and its end."))
    assert shape(sections) == [("body", f"{FULL} {FULL} and its end.")]


def test_sentences_are_cut() -> None:
    (section,) = build(column("Take one tablet. Drink a glass of water.", "Rest."))
    assert [s.text for s in section.paragraphs[0].sentences][:2] == [
        "Take one tablet.",
        "Drink a glass of water.",
    ]


def test_a_bold_short_line_is_a_heading_and_starts_a_section() -> None:
    sections = build(
        column("**1. What it is", FULL, "its end.", "**2. How to take it", FULL, "its end.")
    )
    assert [section.heading for section in sections] == ["1. What it is", "2. How to take it"]
    assert all(len(section.paragraphs) == 2 for section in sections)


def test_large_and_capital_lines_are_headings() -> None:
    lines = [
        line("Paracetamol", 0, size=1.5),
        line(FULL, 1),
        line("its end.", 2),
        line("WARNINGS", 3),
        line(FULL, 4),
        line("its end.", 5),
    ]
    assert [section.heading for section in build(lines)] == ["Paracetamol", "WARNINGS"]


def test_a_heading_over_two_lines_is_one() -> None:
    lines = [
        line("Package leaflet: information for", 0, size=1.2, bold=True),
        line("the user", 1, size=1.2, bold=True),
        line(FULL, 2),
        line(FULL, 3),
        line("its end.", 4),
    ]
    assert build(lines)[0].heading == "Package leaflet: information for the user"


def test_a_bold_passage_is_no_heading() -> None:
    bold = [f"**{FULL}"] * 4 + ["**its end."]
    sections = build(column(*bold, *[FULL] * 8, "the end."))
    assert sections[0].heading is None


def test_list_items() -> None:
    sections = build(column("Do not take it", "- if you are allergic,", "- if you are ill."))
    assert shape(sections)[1:] == [
        ("list_item", "- if you are allergic,"),
        ("list_item", "- if you are ill."),
    ]


def test_numbered_lines_of_a_contents_list_stay_apart() -> None:
    sections = build(column("1. What it is", "2. How to take it", "3. How to store it"))
    assert [role for role, _ in shape(sections)] == ["list_item"] * 3


def test_a_white_row_parts_paragraphs() -> None:
    sections = build(column(FULL, FULL, "", FULL, FULL))
    assert len(shape(sections)) == 2


def test_short_lines_that_begin_with_capitals_stay_apart() -> None:
    sections = build(column(FULL, "the end of it.", "EXP 08/2028", "LOT B4172K"))
    assert [text for _, text in shape(sections)][1:] == ["EXP 08/2028", "LOT B4172K"]


def test_a_sentence_goes_on_in_the_next_column() -> None:
    sections = build(
        column(FULL, FULL, "the tablet should be swal-"),
        column("lowed with water. And more of it here", "to the end."),
    )
    ((_, text),) = shape(sections)
    assert "swallowed with water." in text


def test_a_list_item_goes_on_in_the_next_column() -> None:
    sections = build(
        column(FULL, "its end.", "- every 6 to 8"), column("hours with food.", "- at night.")
    )
    assert shape(sections)[1:] == [
        ("list_item", "- every 6 to 8 hours with food."),
        ("list_item", "- at night."),
    ]


def test_a_heading_waits_for_its_text() -> None:
    builder = SectionBuilder("en")
    assert builder.add(column("**1. What it is")) == ()
    first = builder.add(column(FULL, FULL, "the end.", "**2. More"))
    assert [section.heading for section in first] in (["1. What it is"], [None])
    assert builder.finish()[0].paragraphs[-1].text == "2. More"
    assert builder.finish() == ()


def test_chinese_brackets_are_headings_and_words_stand_without_spaces() -> None:
    builder = SectionBuilder("zh-Hans", "")
    sections = list(builder.add(column("【 规格 】 每 片 0.25g", "【 贮藏 】 遮光 ， 密封 。")))
    sections += builder.finish()
    assert [section.heading for section in sections] == ["【规格】", "【贮藏】"]
    assert sections[0].paragraphs[1].text == "每片0.25g"


def test_nothing() -> None:
    builder = SectionBuilder("en")
    assert builder.add([]) == ()
    assert builder.finish() == ()


WORD = st.sampled_from(
    ["5-", "10", "mg", "Take", "it.", "-", "1.", "para-", "cetamol", "【规格】", "A"]
)
ROWS = st.lists(st.lists(WORD, min_size=1, max_size=6), min_size=1, max_size=8)


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_every_letter_and_digit_comes_out_in_order(regions: list[list[list[str]]]) -> None:
    sections = build(*[column(*[" ".join(row) for row in rows]) for rows in regions])
    words = [
        word.text
        for section in sections
        for p in section.paragraphs
        for s in p.sentences
        for word in s.words
    ]
    before = [c for rows in regions for row in rows for word in row for c in word if c.isalnum()]
    assert [c for word in words for c in word if c.isalnum()] == before


@given(st.lists(ROWS, min_size=1, max_size=3))
def test_only_the_first_paragraph_of_a_section_is_a_heading(regions: list[list[list[str]]]) -> None:
    for section in build(*[column(*[" ".join(row) for row in rows]) for rows in regions]):
        assert section.paragraphs
        assert all(p.role is not Role.HEADING for p in section.paragraphs[1:])


@pytest.mark.parametrize("text", ["Take 5-10 mL every 6 to 8 hours.", "Dr. Benning takes 2.5 mg."])
def test_doses_and_abbreviations_are_not_cut(text: str) -> None:
    ((paragraph,),) = [section.paragraphs for section in build(column(text))]
    assert [sentence.text for sentence in paragraph.sentences] == [text]


def cells(*columns: tuple[str, float], row: float, size: float = 1.0) -> PrintedLine:
    """A line of cells: text and where each begins; letters are 0.55 wide."""
    words: list[Word] = []
    spans: list[tuple[float, float]] = []
    for text, start in columns:
        at = start
        for part in text.split():
            words.append(Word(part, Box(0, 0, 5, 5), 0.95))
            spans.append((at, at + 0.55 * len(part)))
            at = spans[-1][1] + 0.5
    top = row * PITCH
    return PrintedLine(
        tuple(words), spans[0][0], spans[-1][1], top, top + 1.4, size, 0.25, tuple(spans)
    )


def spaced(text: str, row: float, left: float = 0.0, size: float = 1.0) -> PrintedLine:
    return cells((text, left), row=row, size=size)


def test_a_table_is_read_row_by_row() -> None:
    lines = [
        spaced("How many capsules depends on the age of the one who takes them.", 0),
        cells(("Age", 0), ("Dose", 16), ("How often", 26), row=1),
        cells(("Adults", 0), ("2 capsules", 16), ("every 8 hours", 26), row=2),
        cells(("Over 75 years", 0), ("1 capsule", 16), ("every 12 hours", 26), row=3),
        spaced("Do not take more than six of them in any twenty-four hours at all.", 4),
    ]
    assert shape(build(lines))[1:4] == [
        ("table_row", "Age: Dose: How often"),
        ("table_row", "Adults: 2 capsules: every 8 hours"),
        ("table_row", "Over 75 years: 1 capsule: every 12 hours"),
    ]


def test_cells_of_several_lines_stay_together() -> None:
    lines = [
        cells(("Adults", 0), ("2", 16), ("every 8", 26), row=0),
        cells(("capsules", 16), ("hours", 26), row=0.8),
        cells(("Over 75", 0), ("1", 16), ("every 12", 26), row=2),
        cells(("years", 0), ("capsule", 16), ("hours", 26), row=2.8),
        cells(("Children", 0), ("none", 16), ("never", 26), row=4),
    ]
    assert shape(build(lines)) == [
        ("table_row", "Adults: 2 capsules: every 8 hours"),
        ("table_row", "Over 75 years: 1 capsule: every 12 hours"),
        ("table_row", "Children: none: never"),
    ]


def test_a_list_with_its_numerals_far_out_is_no_table() -> None:
    lines = [cells((f"{n}.", 0), (f"What it says under {n}", 4), row=n) for n in range(1, 6)]
    assert {role for role, _ in shape(build(lines))} == {"list_item"}


def test_two_rows_are_a_table_in_a_leaflet_and_not_on_a_box() -> None:
    lines = [
        cells(("Active ingredient", 0), ("Purpose", 26), row=0),
        cells(("Ibuprofen 200 mg", 0), ("Pain reliever", 26), row=1),
    ]
    assert shape(build(lines))[0] == ("table_row", "Active ingredient: Purpose")
    builder = SectionBuilder("en")
    sections = [*builder.add(lines, is_scattered=True), *builder.finish()]
    assert all(role != "table_row" for role, _ in shape(sections))


def test_footnotes_are_read_last() -> None:
    first = [
        spaced("Do not take it if you are allergic to corvanate* or to nuts† as well.", 0),
        spaced("The first doses may make you dizzy, so do not drive on these days, but", 1),
        spaced("* See section 6 for the others.", 3, size=0.75),
        spaced("† Hazelnuts too.", 4, size=0.75),
    ]
    second = [spaced("wait until it is over.", 0), spaced("Then drive with care on dry roads.", 1)]
    told = shape(build(first, second))
    assert [role for role, _ in told][-2:] == ["footnote", "footnote"]
    assert told[-1][1] == "† Hazelnuts too."
    assert "days, but wait until it is over." in told[0][1]


def test_page_numbers_and_running_heads_are_dropped() -> None:
    body = [spaced(f"Line {'abcdefgh'[n]} of a text that goes on and on.", n + 2) for n in range(8)]
    head = cells(("Package leaflet", 0), ("2", 40), row=0)
    foot = spaced("Page 2 of 4", 12, left=18)
    assert "leaflet" not in " ".join(text for _, text in shape(build([head, *body, foot])))
    assert "Page" not in " ".join(text for _, text in shape(build([head, *body, foot])))
    label = [spaced("Norvaxil", 0), spaced("500", 3), spaced("mg", 4)]
    assert "500" in " ".join(text for _, text in shape(build(label)))


def test_specks_of_the_margin_are_dropped_and_numerals_stay() -> None:
    lines = [spaced(f"A line of text number {'abcdefgh'[n]}.", n, left=6) for n in range(7)]
    lines.append(cells(("4", 1), ("humidity and heat are bad.", 6), row=7))
    assert not any(text.startswith("4") for _, text in shape(build(lines)))
    lines[-1] = cells(("4.", 1), ("Humidity and heat are bad.", 6), row=7)
    assert shape(build(lines))[-1] == ("list_item", "4. Humidity and heat are bad.")


def test_a_known_heading_needs_no_bold_print() -> None:
    sections = build(
        column(
            "1. What Corvanil is and what it is used for",
            "2. What you need to know before you take Corvanil",
            "3. How to take Corvanil",
            "",
            "1. What Corvanil is and what it is used for",
            f"{FULL}.",
            "2. What you need to know before you take",
            "Corvanil",
            f"{FULL}.",
        )
    )
    assert [s.heading for s in sections if s.heading] == [
        "1. What Corvanil is and what it is used for",
        "2. What you need to know before you take Corvanil",
    ]
    assert [role for role, _ in shape(sections)][:3] == ["list_item"] * 3


def test_chinese_titles_are_parted_from_their_text() -> None:
    words = tuple(Word(t, Box(0, 0, 40, 9), 0.9) for t in ("[规格", "】0.25g"))
    line_ = PrintedLine(words, 0, 10, 0, 1.4)
    builder = SectionBuilder("zh-Hans", "")
    sections = [*builder.add([line_]), *builder.finish()]
    assert shape(sections) == [("heading", "[规格】"), ("body", "0.25g")]


def test_a_title_is_handed_on_at_once() -> None:
    builder = SectionBuilder("en")
    title = [line("NORVAXIL TABLETS", 0, size=1.5), line("WARNINGS", 1)]
    assert [s.heading for s in builder.add(title)] == ["NORVAXIL TABLETS"]
    assert len(SectionBuilder("zh-Hans", "").add([line("阿莫西林胶囊说明书", 0)])) == 1
    assert builder.add([line("STORAGE", 0)]) == ()
