"""Boxes and blisters: what they say first, only what is printed, and never surer than the print."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import jsonschema
import pytest
from documents import documents
from hypothesis import given
from hypothesis import strategies as st

from voxedge.document.label import Source, label_of, label_to_json
from voxedge.document.label_marks import Day, Mark, marked_values, parse_day
from voxedge.document.model import Box, Code, Document, Page, Paragraph, Section, Sentence, Word

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "read.schema.json").read_text(encoding="utf-8"))
TODAY = datetime.date(2026, 11, 23)
GS1 = "01095011015300031727073110B4172K\x1d2112345"


def label_page(*lines, second=None, codes=(), size=60, height=1500):
    """Lines of a label; "*" in front makes one large. ``second`` replaces words for the checker."""
    second = second or {}
    paragraphs = []
    for number, line in enumerate(lines):
        tall = 2 * size if line.startswith("*") else size
        words = tuple(
            Word(
                text,
                Box(100 * place, 130 * number, 100 * place + 90, 130 * number + tall),
                0.95,
                0,
                second.get(text, text),
            )
            for place, text in enumerate(line.removeprefix("*").split())
        )
        paragraphs.append(Paragraph((Sentence(words),)))
    page = Page(1000, height, 0, tuple(codes))
    return Document((Section(tuple(paragraphs)),), (page,), "en")


BOX = ("*Norvaxil", "10 mg film-coated tablets", "LOT B4172K", "EXP 07/2027")


def told(document):
    label = label_of(document, TODAY)
    assert label is not None
    return {field.name: field for field in label.fields}


def test_a_box_says_name_strength_form_lot_and_expiry_in_this_order():
    label = label_of(label_page(*BOX), TODAY)
    assert label is not None
    assert [(f.name, f.text, f.is_certain) for f in label.fields] == [
        ("name", "Norvaxil", True),
        ("strength", "10 mg", True),
        ("form", "film-coated tablets", True),
        ("lot", "B4172K", True),
        ("expiry", "07/2027", True),
    ]
    expiry = label.field("expiry")
    assert expiry is not None
    assert expiry.day == Day(2027, 7)
    assert label.field("serial") is None


@pytest.mark.parametrize(
    ("text", "lot", "expiry"),
    [
        ("LOT / EXP B4172K 07/2027", "B4172K", "2027-07"),
        ("Ch.-B.: 1234567 Verw. bis: 05.2027", "1234567", "2027-05"),
        ("Lote: 221A Cad.: 31 DIC 2026", "221A", "2026-12-31"),
        ("PER 02 2028 LOT Y0123", "Y0123", "2028-02"),
        ("SKT: 03.2028 Parti No: 23A511", "23A511", "2028-03"),
        ("B.No. AB-123 EXP. DATE: 08/27", "AB-123", "2027-08"),
        ("产品批号:20250312 有效期至:2027.02", "20250312", "2027-02"),
        ("제조번호 A1234 사용기한 2027.08.31", "A1234", "2027-08-31"),
        ("Batch no A77 use by JUL 2027", "A77", "2027-07"),
    ],
)
def test_marks_of_many_countries(text, lot, expiry):
    found = {value.mark: value for value in marked_values(text)}
    assert found[Mark.LOT].text == lot
    assert found[Mark.EXPIRY].day is not None
    assert found[Mark.EXPIRY].day.iso == expiry


@pytest.mark.parametrize(
    "text", ["05/06", "13/2027", "07/08/2027", "31.02.2027", "", "500", "07/1999", "12345"]
)
def test_a_date_that_may_be_two_or_none_is_none(text):
    assert parse_day(text) is None


def test_a_month_agrees_with_a_day_in_it():
    assert Day(2027, 7).agrees(Day(2027, 7, 31))
    assert Day(2027, 7, 31).agrees(Day(2027, 7, 31))
    assert not Day(2027, 7, 30).agrees(Day(2027, 7, 31))
    assert not Day(2021, 7).agrees(Day(2027, 7, 31))


def test_a_number_in_doubt_stays_in_doubt():
    fields = told(label_page(*BOX, second={"10": "40", "B4172K": "84172K", "07/2027": "07/2021"}))
    assert not fields["strength"].is_certain
    assert fields["strength"].readings[0] == "10 mg"
    assert (fields["lot"].is_certain, fields["lot"].readings) == (False, ("B4172K", "84172K"))
    assert fields["expiry"].readings == ("07/2027", "07/2021")
    assert fields["name"].is_certain


def test_a_number_in_a_name_is_a_number() -> None:
    lines = ("*EVINAL-400", "soft gelatin capsules 400 mg", "EXP 07/2027")
    assert told(label_page(*lines))["name"].is_certain
    doubted = told(label_page(*lines, second={"EVINAL-400": "EVINAL-100"}))["name"]
    assert (doubted.text, doubted.is_certain) == ("EVINAL-400", False)


def test_without_a_second_reader_no_number_is_certain():
    document = label_page(*BOX)
    unchecked = [
        Paragraph((Sentence(tuple(Word(w.text, w.box, 0.99) for w in p.sentences[0].words)),))
        for p in document.paragraphs
    ]
    fields = told(Document((Section(tuple(unchecked)),), document.pages, "en"))
    assert not any(fields[name].is_certain for name in ("strength", "lot", "expiry"))


def test_a_code_that_says_the_same_makes_it_certain():
    code = Code("Data Matrix", GS1, Box(0, 0, 1, 1), is_gs1=True)
    fields = told(label_page(*BOX, codes=[code], second={"B4172K": "84172K"}))
    assert (fields["lot"].source, fields["lot"].is_certain) == (Source.BOTH, True)
    assert (fields["expiry"].source, fields["expiry"].is_certain) == (Source.BOTH, True)
    assert fields["product"].text == "09501101530003"


def test_a_code_that_says_something_else_is_a_doubt():
    code = Code("Data Matrix", GS1, Box(0, 0, 1, 1), is_gs1=True)
    fields = told(label_page("*Norvaxil", "10 mg tablets", "EXP 07/2021", codes=[code]))
    expiry = fields["expiry"]
    assert expiry.conflicts
    assert not expiry.is_certain
    assert (expiry.text, expiry.code) == ("07/2021", "2027-07-31")
    assert expiry.code_day == Day(2027, 7, 31)
    assert (fields["lot"].source, fields["lot"].is_certain) == (Source.CODE, True)


def test_two_prints_that_differ_are_a_doubt():
    fields = told(label_page(*BOX, "EXP 07/2021"))
    assert not fields["expiry"].is_certain
    assert fields["expiry"].readings == ("07/2027", "07/2021")


@pytest.mark.parametrize("text", ["Do not use after EXP", "EXP: see carton", "Lot"])
def test_a_mark_without_its_value_says_nothing(text):
    assert list(marked_values(text)) == []


def test_the_first_lines_of_a_leaflet_are_no_label():
    lines = ("Norvaxil 10 mg tablets", "Read all of this leaflet carefully")
    assert label_of(label_page(*lines, size=20, height=2000), TODAY) is None
    assert label_of(label_page(*lines), TODAY) is not None
    many = label_page(*["word " * 14] * 10, "LOT B4172K")
    assert label_of(many, TODAY) is None
    assert label_of(label_page("Dear Ann,", "see you at 5."), TODAY) is None


def test_a_damaged_code_says_nothing():
    code = Code("Data Matrix", "0112345678901234", Box(0, 0, 1, 1), is_gs1=True)
    web = Code("QR Code", "https://example.org", Box(0, 0, 1, 1))
    assert "product" not in told(label_page(*BOX, codes=[code, web]))
    ean = Code("EAN-13", "9501101530003", Box(0, 0, 1, 1))
    assert told(label_page(*BOX, codes=[ean]))["product"].text == "9501101530003"


@given(documents)
def test_any_document_has_a_label_of_its_own_words_or_none(document):
    label = label_of(document, TODAY)
    for field in label.fields if label is not None else ():
        for word in field.text.split() if field.source is Source.PRINT else ():
            assert word in document.text


@given(st.text(max_size=60))
def test_any_text_has_its_values_in_place(text):
    for value in marked_values(text):
        assert text[value.start : value.end] == value.text


def test_json_holds_the_schema():
    code = Code("Data Matrix", GS1, Box(0, 0, 1, 1), is_gs1=True)
    label = label_of(label_page("*Norvaxil", "10 mg tablets", "EXP 07/2021", codes=[code]), TODAY)
    data = label_to_json(label)
    jsonschema.validate(data, SCHEMA["properties"]["label"])
    assert label_to_json(None) is None
    assert data is not None
    assert {"name": "expiry", "code": "2027-07-31", "date": "2021-07"}.items() <= data["fields"][
        4
    ].items()
