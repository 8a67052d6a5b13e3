"""What is told of a box before its text."""

from __future__ import annotations

import datetime

import pytest

from voxedge.document.label_marks import Day
from voxedge.document.model import Box, Code, Document, Page, Paragraph, Section, Sentence, Word
from voxedge.errors import OcrFailed
from voxedge.reader.aloud import label_sentences
from voxedge.reader.conversation.labels import label_told, spoken_day
from voxedge.reader.pages import PageFailed, SectionsRead

TODAY = datetime.date(2026, 11, 23)
CODE = Code("Data Matrix", "0109501101530003172707311010B4172K", Box(0, 0, 9, 9), is_gs1=True)


def sections_of(*lines, second=None):
    paragraphs = []
    for number, line in enumerate(lines):
        words = tuple(
            Word(
                text,
                Box(100 * place, 130 * number, 100 * place + 90, 130 * number + 60),
                0.95,
                second=(second or {}).get(text, text),
            )
            for place, text in enumerate(line.split())
        )
        paragraphs.append(Paragraph((Sentence(words),)))
    return (Section(tuple(paragraphs)),)


def told(*lines, second=None, codes=(), in_parts=False):
    page = Page(1000, 1500, 0, tuple(codes), in_parts)
    document = Document(sections_of(*lines, second=second), (page,), "en")
    return [(say.key, dict(say.slots)) for say in label_told(document, TODAY)]


def test_a_box_is_told_in_order() -> None:
    assert told("Norvaxil 10 mg", "tablets", "LOT B4172K", "EXP 07/2027") == [
        ("label_name", {"value": "Norvaxil"}),
        ("label_strength", {"value": "10 mg"}),
        ("label_form", {"value": "tablets"}),
        ("label_lot", {"value": "B4172K"}),
        ("label_expiry", {"value": "July 2027"}),
    ]


def test_doubts_are_told_as_doubts() -> None:
    said = dict(told("Norvaxil 10 mg", "tablets", "EXP 07/2027", second={"10": "40"}))
    assert said["label_unsure_strength"] == {"readings": "10 mg or 40 mg"}
    assert "label_strength" not in said


def test_a_code_against_the_print() -> None:
    said = dict(told("Norvaxil 10 mg", "tablets", "EXP 07/2021", codes=[CODE]))
    assert said["label_conflict_expiry"] == {"code": "31 July 2027", "value": "July 2021"}
    assert said["label_code_lot"] == {"value": "10B4172K"}


def test_a_leaflet_is_told_as_it_is() -> None:
    assert told(*["word " * 20] * 9, "LOT B4172K") == []


def test_the_title_of_a_leaflet_is_no_box() -> None:
    lines = ("Paracetamol 500 mg tablets", "for pain and fever")
    assert told(*lines), "alone on its picture it would be one"
    assert told(*lines, in_parts=True) == [], "but the rest of the page is still to come"
    assert told(*lines, in_parts=True, codes=[CODE]), "a medicine's code says that it is one"


def test_the_command_line_says_the_same() -> None:
    page = Page(1000, 1500)
    part = SectionsRead(0, sections_of("Norvaxil 10 mg", "tablets", "EXP 07/2027"), page)
    assert label_sentences(part, "en")[-1] == "Expiry: July 2027."
    assert label_sentences(SectionsRead(0, part.sections), "en") == ()
    assert label_sentences(PageFailed(0, OcrFailed(reason="x")), "en") == ()


@pytest.mark.parametrize(
    ("day", "text"),
    [(Day(2027, 7), "July 2027"), (Day(2027, 7, 31), "31 July 2027"), (None, "")],
)
def test_days_are_said_in_words(day: Day | None, text: str) -> None:
    assert spoken_day(day) == text
