"""The document as JSON: what ``voxedge read --json`` prints. Stable; see docs/read-json.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from voxedge.document.model import (
    Box,
    Code,
    Document,
    Page,
    Paragraph,
    Role,
    Section,
    Sentence,
    Word,
)
from voxedge.document.numbers import numbers_of

_CONFIDENCE_DIGITS = 3


def to_json(document: Document, timings_ms: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Return the object that ``docs/read.schema.json`` describes.

    Args:
        document: what was read.
        timings_ms: milliseconds by step name, filled in by the caller.
    """
    return {
        "text": document.text,
        "language": document.language,
        "engine": document.engine,
        "pages": [
            {
                "width": page.width,
                "height": page.height,
                "rotation": page.rotation,
                "codes": [_code_to_json(code) for code in page.codes],
            }
            for page in document.pages
        ],
        "sections": [section_to_json(section) for section in document.sections],
        "numbers": [
            {
                "text": number.text,
                "unit": number.unit,
                "certainty": number.certainty.value,
                "readings": list(number.readings),
                "sentence": sentence.text,
            }
            for sentence, number in numbers_of(document)
        ],
        "timings_ms": {name: round(value, 1) for name, value in (timings_ms or {}).items()},
    }


def _code_to_json(code: Code) -> dict[str, Any]:
    box = code.box
    return {
        "symbology": code.symbology,
        "text": code.text,
        "gs1": code.is_gs1,
        "box": [box.left, box.top, box.width_px, box.height_px],
    }


def _code_from_json(data: Mapping[str, Any]) -> Code:
    left, top, width, height = (int(value) for value in data["box"])
    box = Box(left, top, left + width, top + height)
    return Code(str(data["symbology"]), str(data["text"]), box, bool(data["gs1"]))


def section_to_json(section: Section) -> dict[str, Any]:
    """Return one section; also what a stream of sections is made of."""
    return {
        "heading": section.heading,
        "paragraphs": [_paragraph_to_json(paragraph) for paragraph in section.paragraphs],
    }


def _paragraph_to_json(paragraph: Paragraph) -> dict[str, Any]:
    return {
        "role": paragraph.role.value,
        "text": paragraph.text,
        "joiner": paragraph.joiner,
        "sentences": [
            {
                "text": sentence.text,
                "joiner": sentence.joiner,
                "words": [_word_to_json(word) for word in sentence.words],
            }
            for sentence in paragraph.sentences
        ],
    }


def _word_to_json(word: Word) -> dict[str, Any]:
    box = word.box
    data = {
        "text": word.text,
        "page": word.page,
        "box": [box.left, box.top, box.width_px, box.height_px],
        "confidence": round(word.confidence, _CONFIDENCE_DIGITS),
    }
    return data if word.second is None else {**data, "second": word.second}


def from_json(data: Mapping[str, Any]) -> Document:
    """Read what ``to_json`` wrote; confidences come back rounded to three digits.

    Texts above the words and ``numbers`` are derived and not read; ``timings_ms`` is dropped.

    Raises:
        ValueError: a key is missing or holds the wrong kind of value.
    """
    try:
        return Document(
            sections=tuple(section_from_json(section) for section in data["sections"]),
            pages=tuple(
                Page(
                    int(page["width"]),
                    int(page["height"]),
                    int(page["rotation"]),
                    # Documents kept by earlier versions have none.
                    tuple(_code_from_json(code) for code in page.get("codes", ())),
                )
                for page in data["pages"]
            ),
            language=str(data["language"]),
            engine=str(data["engine"]),
        )
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"not a document: {problem!r}") from problem


def section_from_json(data: Mapping[str, Any]) -> Section:
    """Read one section; errors as ``from_json``, except that a missing key is a KeyError."""
    return Section(tuple(_paragraph_from_json(item) for item in data["paragraphs"]))


def _paragraph_from_json(data: Mapping[str, Any]) -> Paragraph:
    sentences = tuple(
        Sentence(_words_from_json(item["words"]), str(item["joiner"])) for item in data["sentences"]
    )
    return Paragraph(sentences, Role(data["role"]), str(data["joiner"]))


def _words_from_json(items: Sequence[Mapping[str, Any]]) -> tuple[Word, ...]:
    words = []
    for item in items:
        left, top, width, height = (int(value) for value in item["box"])
        box = Box(left, top, left + width, top + height)
        second = item.get("second")
        words.append(
            Word(
                str(item["text"]),
                box,
                float(item["confidence"]),
                int(item["page"]),
                None if second is None else str(second),
            )
        )
    return tuple(words)
