"""The shared types as messages between the daemon and a worker process, and back.

Everything that comes out of a worker is checked here before the house uses it: shape, type, range.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

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
from voxedge.engines.framing import Message
from voxedge.flow import Frame, PcmChunk, Utterance, VoiceKind

T = TypeVar("T")

SAMPLES_TYPE = "<f4"
LOUDEST = 8.0
"""Engines overshoot 1.0 a little and the limiter catches it; beyond this it is no speech."""


class CorruptAnswer(Exception):
    """A well-formed frame with nonsense in it. The message holds no page text."""


def utterance_to_header(utterance: Utterance) -> dict[str, Any]:
    """Return JSON-safe fields."""
    return {
        "text": utterance.text,
        "language": utterance.language,
        "kind": utterance.kind.value,
        "rate": utterance.rate,
        "pause_after_ms": utterance.pause_after_ms,
        "seed": utterance.seed,
    }


def utterance_from_header(header: Mapping[str, Any]) -> Utterance:
    """Return the utterance; the inverse of ``utterance_to_header``."""
    try:
        return Utterance(
            text=_typed(header["text"], str),
            language=_typed(header["language"], str),
            kind=VoiceKind(header["kind"]),
            rate=float(header["rate"]),
            pause_after_ms=int(header["pause_after_ms"]),
            seed=int(header["seed"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptAnswer("not an utterance") from error


def chunk_to_message(chunk: PcmChunk) -> Message:
    """Return the chunk as a message whose payload is its samples."""
    samples = np.ascontiguousarray(chunk.samples)
    header = {
        "rate_hz": int(chunk.rate_hz),
        "last": bool(chunk.last),
        "type": samples.dtype.str,
        "shape": list(samples.shape),
    }
    return Message(header, samples.tobytes())


def chunk_from_message(message: Message, rate_hz: int) -> PcmChunk:
    """Return the chunk.

    Args:
        message: from a worker.
        rate_hz: what the voice promised.

    Raises:
        CorruptAnswer: other than mono ``float32`` samples, at another rate, not finite, or far
            louder than full scale.
    """
    header = message.header
    if header.get("type") != SAMPLES_TYPE:
        raise CorruptAnswer("samples of the wrong type")
    if header.get("rate_hz") != rate_hz:
        raise CorruptAnswer("samples at the wrong rate")
    size = memoryview(message.payload).nbytes
    if header.get("shape") != [size // 4] or size % 4:
        raise CorruptAnswer("samples of the wrong shape")
    samples = np.frombuffer(message.payload, dtype=np.float32)
    # One comparison catches NaN, infinity and noise: a NaN makes the maximum NaN.
    if len(samples) and not float(np.max(np.abs(samples))) <= LOUDEST:
        raise CorruptAnswer("samples out of range")
    return PcmChunk(samples, rate_hz, last=header.get("last") is True)


def frame_to_header(frame: Frame) -> dict[str, Any]:
    """Return the shape; the payload is ``frame_payload``."""
    return {"shape": list(frame.pixels.shape), "source": frame.source}


def frame_payload(frame: Frame) -> memoryview:
    """Return the pixels, without a copy where they are contiguous."""
    return np.ascontiguousarray(frame.pixels).data.cast("B")


def frame_from_message(message: Message) -> Frame:
    """Return the frame; its pixels share the payload's memory.

    Raises:
        CorruptAnswer: no grey or RGB picture.
    """
    shape = message.header.get("shape")
    if (
        not isinstance(shape, list)
        or not all(type(side) is int and side > 0 for side in shape)
        or len(shape) not in (2, 3)
        or shape[2:] not in ([], [3])
    ):
        raise CorruptAnswer("not the shape of a picture")
    pixels = np.frombuffer(message.payload, dtype=np.uint8)
    if pixels.size != int(np.prod(shape)):
        raise CorruptAnswer("not as many pixels as promised")
    return Frame(pixels.reshape(shape), str(message.header.get("source", "")))


def sections_to_bytes(sections: Sequence[Section]) -> bytes:
    """Return JSON text. Lists by position, not by name: a page has a thousand words."""
    return _dump([_section(section) for section in sections])


def sections_from_bytes(data: bytes | bytearray | memoryview) -> tuple[Section, ...]:
    """Return the sections; the inverse of ``sections_to_bytes``.

    Raises:
        CorruptAnswer: anything else.
    """

    def build(raw: Any) -> tuple[Section, ...]:
        return tuple(_to_section(section) for section in raw)

    return _load(data, build)


def page_to_list(page: Page) -> list[Any]:
    """Return width, height, rotation, whether it comes in parts, and codes."""
    codes = [
        [c.symbology, c.text, c.box.left, c.box.top, c.box.right, c.box.bottom, c.is_gs1]
        for c in page.codes
    ]
    return [page.width, page.height, page.rotation, page.in_parts, codes]


def page_from_list(raw: Any) -> Page:
    """Return the page; the inverse of ``page_to_list``.

    Raises:
        CorruptAnswer: anything else.
    """
    try:
        *numbers, in_parts, codes = raw
        width, height, rotation = (_typed(value, int) for value in numbers)
        found = tuple(_to_code(*code) for code in codes)
        return Page(width, height, rotation, found, _typed(in_parts, bool))
    except (TypeError, ValueError) as error:
        raise CorruptAnswer("not a page") from error


def _to_code(
    symbology: Any, text: Any, left: Any, top: Any, right: Any, bottom: Any, is_gs1: Any
) -> Code:
    box = Box(_typed(left, int), _typed(top, int), _typed(right, int), _typed(bottom, int))
    return Code(_typed(symbology, str), _typed(text, str), box, _typed(is_gs1, bool))


def document_to_bytes(document: Document) -> bytes:
    """Return JSON text."""
    pages = [page_to_list(page) for page in document.pages]
    sections = [_section(section) for section in document.sections]
    return _dump([sections, pages, document.language, document.engine])


def document_from_bytes(data: bytes | bytearray | memoryview) -> Document:
    """Return the document; the inverse of ``document_to_bytes``.

    Raises:
        CorruptAnswer: anything else.
    """

    def build(raw: Any) -> Document:
        sections, pages, language, engine = raw
        return Document(
            sections=tuple(_to_section(section) for section in sections),
            pages=tuple(page_from_list(page) for page in pages),
            language=_typed(language, str),
            engine=_typed(engine, str),
        )

    return _load(data, build)


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def _load(data: bytes | bytearray | memoryview, build: Callable[[Any], T]) -> T:
    try:
        return build(json.loads(bytes(data).decode("utf-8", "surrogatepass")))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CorruptAnswer("not the text of a page") from error


def _section(section: Section) -> list[Any]:
    return [
        [
            paragraph.role.value,
            paragraph.joiner,
            [
                [sentence.joiner, [_word(word) for word in sentence.words]]
                for sentence in paragraph.sentences
            ],
        ]
        for paragraph in section.paragraphs
    ]


def _word(word: Word) -> list[Any]:
    box = word.box
    edges = [box.left, box.top, box.right, box.bottom]
    return [word.text, *edges, word.confidence, word.page, word.second]


def _to_section(raw: Any) -> Section:
    return Section(tuple(_to_paragraph(*paragraph) for paragraph in raw))


def _to_paragraph(role: Any, joiner: Any, sentences: Any) -> Paragraph:
    return Paragraph(
        sentences=tuple(
            Sentence(tuple(_to_word(*word) for word in words), _typed(sentence_joiner, str))
            for sentence_joiner, words in sentences
        ),
        role=Role(role),
        joiner=_typed(joiner, str),
    )


def _to_word(
    text: Any, left: Any, top: Any, right: Any, bottom: Any, sure: Any, page: Any, second: Any
) -> Word:
    box = Box(_typed(left, int), _typed(top, int), _typed(right, int), _typed(bottom, int))
    # Without what the second reader saw, every number of the page would count as unchecked.
    seen = None if second is None else _typed(second, str)
    return Word(_typed(text, str), box, float(sure), _typed(page, int), seen)


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"not of type {kind.__name__}")
    return value
