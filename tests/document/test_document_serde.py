import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.document.model import Box, Document, Page, Paragraph, Role, Section, Sentence, Word
from voxedge.document.serde import from_json, to_json

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "read.schema.json").read_text(encoding="utf-8"))
CHECKER = jsonschema.Draft202012Validator(SCHEMA)

side = st.integers(0, 9000)
boxes = st.builds(
    lambda left, top, width, height: Box(left, top, left + width, top + height),
    side,
    side,
    side,
    side,
)
words = st.builds(
    Word,
    text=st.text(min_size=1, max_size=12),
    box=boxes,
    confidence=st.integers(0, 1000).map(lambda n: n / 1000),
    page=st.integers(0, 3),
)
joiners = st.sampled_from(["", " "])
sentences = st.builds(
    Sentence, words=st.lists(words, min_size=1, max_size=4).map(tuple), joiner=joiners
)
paragraphs = st.builds(
    Paragraph,
    sentences=st.lists(sentences, min_size=1, max_size=3).map(tuple),
    role=st.sampled_from(Role),
    joiner=joiners,
)
sections = st.builds(Section, paragraphs=st.lists(paragraphs, min_size=1, max_size=3).map(tuple))
pages = st.builds(
    Page,
    width=st.integers(1, 9000),
    height=st.integers(1, 9000),
    rotation=st.sampled_from([0, 90, 180, 270]),
)
documents = st.builds(
    Document,
    sections=st.lists(sections, max_size=3).map(tuple),
    pages=st.lists(pages, max_size=3).map(tuple),
    language=st.sampled_from(["en", "zh-Hans"]),
    engine=st.just("tesseract 5.3.0"),
)


@settings(max_examples=60, deadline=None)
@given(documents)
def test_there_and_back_again(document: Document) -> None:
    text = json.dumps(to_json(document))
    assert from_json(json.loads(text)) == document


@settings(max_examples=60, deadline=None)
@given(documents)
def test_the_schema_holds(document: Document) -> None:
    data = to_json(document, {"load": 12.345})
    CHECKER.validate(data)
    assert data["text"] == document.text
    assert data["timings_ms"] == {"load": 12.3}


def test_what_is_printed_for_one_word() -> None:
    word = Word("mg", Box(10, 20, 40, 50), 0.98765, page=1)
    document = Document(
        (Section((Paragraph((Sentence((word,)),)),)),), (Page(100, 200, 90),), "en", "e"
    )
    data = to_json(document)
    assert data["pages"] == [{"width": 100, "height": 200, "rotation": 90, "codes": []}]
    (printed,) = data["sections"][0]["paragraphs"][0]["sentences"][0]["words"]
    assert printed == {"text": "mg", "page": 1, "box": [10, 20, 30, 30], "confidence": 0.988}


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.pop("sections"),
        lambda d: d.update(sections=[{"paragraphs": 3}]),
        lambda d: d.update(pages=[{"width": "wide"}]),
        lambda d: d.update(sections=[{"paragraphs": [{"role": "poem", "sentences": []}]}]),
        lambda d: d.update(pages=None),
    ],
)
def test_other_json_is_refused(damage) -> None:
    data = to_json(Document((), (Page(1, 1),), "en"))
    damage(data)
    with pytest.raises(ValueError):
        from_json(data)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
