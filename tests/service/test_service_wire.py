"""The frames between daemon and workers, and the shared types inside them."""

import asyncio
import socket
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.document.model import (
    Box,
    Document,
    Page,
    Paragraph,
    Role,
    Section,
    Sentence,
    Word,
)
from voxedge.engines import codec
from voxedge.engines.codec import CorruptAnswer
from voxedge.engines.framing import (
    HEADER_LIMIT_BYTES,
    MAGIC,
    PAYLOAD_LIMIT_BYTES,
    Channel,
    FramingError,
    Message,
    encode_prefix_and_header,
)
from voxedge.flow import Frame, PcmChunk, Utterance, VoiceKind

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
HEADERS = st.dictionaries(st.text(max_size=6), JSON, max_size=4)


async def through(sent: bytes | list[Message], close: bool = True) -> list[Message]:
    """Return what comes out at the other end of a channel."""
    ours, theirs = socket.socketpair()
    sender, receiver = Channel(ours), Channel(theirs)
    received: list[Message] = []

    async def receive() -> None:
        while (message := await receiver.receive()) is not None:
            received.append(message)

    task = asyncio.create_task(receive())
    try:
        if isinstance(sent, bytes):
            await asyncio.get_running_loop().sock_sendall(ours, sent)
        else:
            for message in sent:
                await sender.send(message)
        await sender.close()
        await task
    finally:
        await receiver.close()
    return received


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(HEADERS, st.binary(max_size=300)), max_size=5))
def test_frames_survive_the_wire(frames: list[tuple[dict[str, Any], bytes]]) -> None:
    received = asyncio.run(through([Message(header, payload) for header, payload in frames]))
    assert [(dict(m.header), bytes(m.payload)) for m in received] == frames


def test_a_large_payload_survives_the_wire() -> None:
    payload = np.random.default_rng(2).bytes(20_000_000)
    (received,) = asyncio.run(through([Message({"n": 1}, payload)]))
    assert received.payload == payload


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=1, max_size=200))
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(FramingError):
        asyncio.run(through(garbage))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.binary(max_size=20))
def test_a_stream_that_ends_inside_a_frame_is_refused(cut: int, payload: bytes) -> None:
    message = Message({"op": "item"}, payload)
    whole = encode_prefix_and_header(message) + payload
    if cut < len(whole):
        with pytest.raises(FramingError):
            asyncio.run(through(whole[:-cut]))


@pytest.mark.parametrize(
    "prefix",
    [
        MAGIC + (HEADER_LIMIT_BYTES + 1).to_bytes(4) + bytes(4),
        MAGIC + bytes(4) + (PAYLOAD_LIMIT_BYTES + 1).to_bytes(4),
        MAGIC + (2).to_bytes(4) + bytes(4) + b"[]",
        MAGIC + (4).to_bytes(4) + bytes(4) + b"\xff\xfe{}",
    ],
)
def test_lengths_and_headers_are_checked(prefix: bytes) -> None:
    with pytest.raises(FramingError):
        asyncio.run(through(prefix))


@pytest.mark.parametrize(
    "message",
    [
        Message({"x": object()}),
        Message({"x": float("nan")}),
        Message({"x": "a" * HEADER_LIMIT_BYTES}),
    ],
)
def test_what_cannot_be_a_frame_is_not_sent(message: Message) -> None:
    with pytest.raises(FramingError):
        encode_prefix_and_header(message)


def test_a_cancelled_send_leaves_no_half_frame() -> None:
    async def check() -> None:
        ours, theirs = socket.socketpair()
        sender, receiver = Channel(ours), Channel(theirs)
        first = asyncio.create_task(sender.send(Message({"n": 1}, bytes(5_000_000))))
        await asyncio.sleep(0.01)
        first.cancel()
        second = asyncio.create_task(sender.send(Message({"n": 2})))
        numbers = [(await receiver.receive()).header["n"] for _ in range(2)]  # type: ignore[union-attr]
        await asyncio.wait((first, second))
        assert numbers == [1, 2]
        assert first.cancelled()
        await sender.close()
        assert await receiver.receive() is None
        await receiver.close()

    asyncio.run(check())


def test_closing_frees_a_send_that_nobody_reads() -> None:
    async def check() -> None:
        ours, theirs = socket.socketpair()
        sender = Channel(ours)
        stuck = asyncio.create_task(sender.send(Message({}, bytes(5_000_000))))
        await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            await sender.close()
            with pytest.raises(OSError):
                await stuck
        theirs.close()

    asyncio.run(check())


# -- the shared types --------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.integers(0, 5000)
WORDS = st.builds(
    Word,
    TEXTS,
    st.builds(Box, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    st.floats(0, 1),
    st.integers(0, 9),
)
SECTIONS = st.lists(
    st.builds(
        Section,
        st.lists(
            st.builds(
                Paragraph,
                st.lists(
                    st.builds(Sentence, st.lists(WORDS, max_size=3).map(tuple), TEXTS), max_size=2
                ).map(tuple),
                st.sampled_from(Role),
                TEXTS,
            ),
            max_size=2,
        ).map(tuple),
    ),
    max_size=2,
).map(tuple)


@settings(max_examples=60, deadline=None)
@given(SECTIONS, st.lists(st.builds(Page, NUMBERS, NUMBERS, NUMBERS), max_size=2), TEXTS, TEXTS)
def test_documents_survive(
    sections: tuple[Section, ...], pages: list[Page], language: str, engine: str
) -> None:
    assert codec.sections_from_bytes(codec.sections_to_bytes(sections)) == sections
    document = Document(sections, tuple(pages), language, engine)
    assert codec.document_from_bytes(codec.document_to_bytes(document)) == document


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40) | JSON.map(codec._dump))
def test_nonsense_is_no_page(data: bytes) -> None:
    for decode in (codec.sections_from_bytes, codec.document_from_bytes):
        try:
            answer = decode(data)
        except CorruptAnswer:
            continue
        assert isinstance(answer, tuple), "only an empty list is a page by chance"


@given(
    st.builds(
        Utterance,
        text=TEXTS,
        language=TEXTS,
        kind=st.sampled_from(VoiceKind),
        rate=st.floats(0.5, 3.0),
        pause_after_ms=NUMBERS,
        seed=NUMBERS,
    )
)
@settings(max_examples=40, deadline=None)
def test_utterances_survive(utterance: Utterance) -> None:
    header = codec.utterance_to_header(utterance)
    assert codec.utterance_from_header(header) == utterance


@pytest.mark.parametrize("change", [{"kind": "loud"}, {"rate": "fast"}, {"text": 3}])
def test_nonsense_is_no_utterance(change: dict[str, Any]) -> None:
    with pytest.raises(CorruptAnswer):
        codec.utterance_from_header(codec.utterance_to_header(Utterance("a")) | change)
    with pytest.raises(CorruptAnswer):
        codec.utterance_from_header({})


@pytest.mark.parametrize("count", [0, 1, 4410])
def test_samples_survive(count: int) -> None:
    samples = np.linspace(-1, 1, count, dtype=np.float32)
    chunk = PcmChunk(samples, 22_050, last=True)
    again = codec.chunk_from_message(codec.chunk_to_message(chunk), 22_050)
    np.testing.assert_array_equal(again.samples, samples)
    assert again.last


@pytest.mark.parametrize(
    ("samples", "change", "why"),
    [
        (np.zeros(4), {}, "type"),
        (np.zeros((2, 2), np.float32), {}, "shape"),
        (np.zeros(4, np.float32), {"shape": [5]}, "shape"),
        (np.zeros(4, np.float32), {"rate_hz": 8000}, "rate"),
        (np.array([0, np.nan], np.float32), {}, "range"),
        (np.array([0, -np.inf], np.float32), {}, "range"),
        (np.array([0, 9.0], np.float32), {}, "range"),
    ],
)
def test_nonsense_is_no_sound(samples: Any, change: dict[str, Any], why: str) -> None:
    message = codec.chunk_to_message(PcmChunk(samples, 22_050))
    message = Message({**message.header, **change}, message.payload)
    with pytest.raises(CorruptAnswer, match=why):
        codec.chunk_from_message(message, 22_050)


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 3)])
def test_pictures_survive(shape: tuple[int, ...]) -> None:
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)[:, ::-1]
    frame = Frame(pixels, "camera 0")
    message = Message(codec.frame_to_header(frame), codec.frame_payload(frame))
    again = codec.frame_from_message(message)
    np.testing.assert_array_equal(again.pixels, pixels)
    assert again.source == "camera 0"


@pytest.mark.parametrize(
    "shape", [None, [], [4], [0, 6], [4, 6, 4], [4, 6, 3, 1], [-4, -6], ["4", "6"], [4, 7]]
)
def test_nonsense_is_no_picture(shape: Any) -> None:
    with pytest.raises(CorruptAnswer):
        codec.frame_from_message(Message({"shape": shape}, bytes(24)))
