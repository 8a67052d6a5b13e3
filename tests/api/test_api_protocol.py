"""The messages: each comes back as it went, and no bytes do worse than a clear refusal."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge import errors
from voxedge.actions import TEXT_LIMIT, Action, Intent, Slot, SlotKind, State
from voxedge.api.protocol import (
    LINE_BYTES,
    SAY_CHARACTERS,
    BadRequest,
    Do,
    Done,
    Failed,
    Follow,
    GetStatus,
    Health,
    OpenDocument,
    Position,
    Reply,
    Request,
    Say,
    Status,
    StatusIs,
    Voice,
    decode_reply,
    decode_request,
    encode,
    status_from_json,
    status_to_json,
)
from voxedge.api.server import Limits
from voxedge.errors import ControlRefused
from voxedge.speech.lines import SpeechClass

ids = st.integers(0, 2**53 - 1)
phrases = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).map(
    lambda text: " ".join(text.split())
)
plain = phrases.filter(lambda text: bool(text) and text.isprintable())


def _values(slot: Slot) -> st.SearchStrategy[int | str]:
    if slot.kind is SlotKind.NUMBER:
        return st.integers(slot.low, slot.high)
    return plain


@st.composite
def intents(draw: st.DrawFn) -> Intent:
    action = draw(st.sampled_from(list(Action)))
    filled = [
        (slot.name, draw(_values(slot)))
        for slot in action.row.slots
        if slot.required or draw(st.booleans())
    ]
    return Intent(action, tuple(filled))


numbers = st.integers(0, 10_000)
speeds = st.floats(0, 4, allow_nan=False)
statuses = st.builds(
    Status,
    state=st.sampled_from(State),
    document=st.none() | st.builds(OpenDocument, st.text(), numbers, numbers, st.booleans()),
    cursor=st.none() | st.builds(Position, numbers, numbers, numbers, numbers, numbers),
    speaking=st.booleans(),
    voice=st.builds(Voice, st.text(), speeds, speeds),
    health=st.dictionaries(st.text(), st.builds(Health, st.booleans(), st.text()), max_size=4),
    version=st.text(),
)
requests = st.one_of(
    st.builds(Do, ids, intents()),
    st.builds(GetStatus, ids),
    st.builds(Follow, ids),
    st.builds(Say, ids, st.sampled_from(SpeechClass), plain),
)
replies = st.one_of(
    st.builds(Done, ids),
    st.builds(StatusIs, ids, statuses),
    st.builds(
        Failed,
        st.none() | ids,
        st.text(),
        st.text(),
        st.dictionaries(st.text(), st.text(), max_size=3).map(lambda d: tuple(d.items())),
    ),
)


@given(requests)
def test_every_request_comes_back(request_: Request) -> None:
    line = encode(request_)
    assert decode_request(line) == request_
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert len(line) < LINE_BYTES


@given(replies)
def test_every_reply_comes_back(reply: Reply) -> None:
    line = encode(reply)
    assert decode_reply(line) == reply
    assert line.count(b"\n") == 1


@given(statuses)
def test_a_status_comes_back_and_has_the_promised_keys(status: Status) -> None:
    data = json.loads(json.dumps(status_to_json(status)))
    assert set(data) == {
        "state",
        "document",
        "cursor",
        "speaking",
        "voice",
        "health",
        "version",
    }
    assert status_from_json(data) == status


GOLDEN: list[tuple[Request | Reply, str]] = [
    (
        Do(7, Intent(Action.FIND, (("word", "side effects"),))),
        '{"v":1,"id":7,"type":"do","action":"find","arguments":{"word":"side effects"}}',
    ),
    (Do(8, Intent(Action.STOP)), '{"v":1,"id":8,"type":"do","action":"stop","arguments":{}}'),
    (GetStatus(1), '{"v":1,"id":1,"type":"status"}'),
    (Follow(2), '{"v":1,"id":2,"type":"follow"}'),
    (
        Say(3, SpeechClass.ALERT, "Fire."),
        '{"v":1,"id":3,"type":"say","class":"alert","text":"Fire."}',
    ),
    (Done(7), '{"v":1,"id":7,"type":"done"}'),
    (
        Failed(7, "ActionUnknown", "There is no action 'x'.", (("action", "x"),)),
        '{"v":1,"id":7,"type":"failed","code":"ActionUnknown",'
        '"message":"There is no action \'x\'.","details":{"action":"x"}}',
    ),
]


@pytest.mark.parametrize(("message", "line"), GOLDEN)
def test_the_wire_never_changes(message: Request | Reply, line: str) -> None:
    assert encode(message) == line.encode() + b"\n"


def request(**body: object) -> bytes:
    return json.dumps({"v": 1, "id": 5, **body}).encode() + b"\n"


@pytest.mark.parametrize(
    ("line", "code", "part"),
    [
        (b"\n", "ControlRefused", "one line of JSON"),
        (b"stop\n", "ControlRefused", "one line of JSON"),
        (b"\x00\xff\xfe\x80\n", "ControlRefused", "one line of JSON"),
        (b"[" * 10_000 + b"\n", "ControlRefused", "one line of JSON"),
        (b'{"v":1,"id":' + b"9" * 9000 + b"}\n", "ControlRefused", "one line of JSON"),
        (b'{"v":1,"id":NaN}\n', "ControlRefused", "one line of JSON"),
        (b"[1,2]\n", "ControlRefused", "a JSON object"),
        (b'{"v":1}\n', "ControlRefused", "id must be"),
        (b'{"v":1,"id":true}\n', "ControlRefused", "id must be"),
        (b'{"v":1,"id":-1}\n', "ControlRefused", "id must be"),
        (request(v=2, type="status"), "ControlRefused", "speaks version 1"),
        (request(), "ControlRefused", "type must be one of"),
        (request(type=["do"]), "ControlRefused", "type must be one of"),
        (request(type="do"), "ControlRefused", "action must be"),
        (request(type="do", action="fly"), "ActionUnknown", "no action 'fly'"),
        (request(type="do", action="stop", arguments=[1]), "ControlRefused", "must be an object"),
        (request(type="do", action="stop", arguments={"x": 1}), "ActionMisused", "no arguments"),
        (
            request(type="do", action="find", arguments={"word": {"a": 1}}),
            "ControlRefused",
            "word must be a whole number or text",
        ),
        (request(type="do", action="find", arguments={}), "ActionMisused", "word is missing"),
        (
            request(type="do", action="find", arguments={"word": "x" * (TEXT_LIMIT + 1)}),
            "ActionMisused",
            "at most 200",
        ),
        (
            request(type="do", action="go-to-page", arguments={"page": 1.5}),
            "ControlRefused",
            "whole number",
        ),
        (request(type="say", text="x", **{"class": "shout"}), "ControlRefused", "class must be"),
        (request(type="say", text="x", **{"class": 1}), "ControlRefused", "class must be"),
        (request(type="say"), "ControlRefused", "text must be text"),
        (request(type="say", text="  "), "ControlRefused", "text must be words"),
        (request(type="say", text="a\x00"), "ControlRefused", "control characters"),
        (request(type="say", text="\ud800"), "ControlRefused", "control characters"),
        (request(type="say", text="x" * (SAY_CHARACTERS + 1)), "ControlRefused", "at most 2000"),
    ],
)
def test_what_is_wrong_is_told(line: bytes, code: str, part: str) -> None:
    with pytest.raises(BadRequest) as caught:
        decode_request(line)
    failed = caught.value.failed
    assert failed.code == code
    assert part in failed.message
    assert type(failed.error()).__name__ == code
    assert str(failed.error()) == failed.message
    assert decode_reply(encode(failed)) == failed


@given(st.binary(max_size=300))
def test_no_bytes_do_worse_than_a_bad_request(line: bytes) -> None:
    try:
        decode_request(line)
    except BadRequest as error:
        assert error.failed.message
    try:
        decode_reply(line)
    except ControlRefused as refused:
        assert str(refused)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(
    ["v", "id", "type", "action", "arguments", "text", "class", "status", "code"]
)
types = st.sampled_from(["do", "say", "status", "follow", "done", "failed", "status-is"])


@given(st.dictionaries(keys, json_values), types)
def test_no_object_does_worse_than_a_bad_request(body: dict[str, object], kind: str) -> None:
    line = json.dumps({"v": 1, "id": 1, **body, "type": kind}).encode()
    try:
        decode_request(line)
    except BadRequest as error:
        assert encode(error.failed)
    try:
        decode_reply(line)
    except ControlRefused as refused:
        assert str(refused)


def test_unknown_keys_are_passed_over() -> None:
    assert decode_request(request(type="status", colour="red")) == GetStatus(5)


def test_a_failure_keeps_its_exit_code() -> None:
    error = errors.ActionUnfit(action="pause", state="idle")
    again = Failed.of(error, 3).error()
    assert (type(again), again.exit_code, str(again)) == (
        errors.ActionUnfit,
        14,
        str(error),
    )
    strange = Failed(1, "NoSuchError", "Hello.").error()
    assert isinstance(strange, ControlRefused)
    assert "Hello." in str(strange)
    assert isinstance(Failed(1, "EXIT_INTERRUPTED", "x").error(), ControlRefused)


def test_the_integrators_page_says_what_is_true() -> None:
    page = (Path(__file__).parents[2] / "docs" / "integrators" / "control-socket.md").read_text()
    examples = re.findall(r'^\| `(\{"v":1.*?\})` \|', page, flags=re.MULTILINE)
    kinds = {type(decode_request(example.encode())) for example in examples}
    assert kinds == {Do, Say, GetStatus, Follow}
    (example,) = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    assert status_to_json(status_from_json(json.loads(example))) == json.loads(example)
    assert f"{SAY_CHARACTERS:,} characters" in page
    assert f"{LINE_BYTES // 1024} KiB" in page
    for state in State:
        assert f"`{state.value}`" in page
    limits = Limits()
    for told in (
        f"{limits.burst} at once, {limits.rate_hz:g} a second",
        f"| connections | {limits.connections} |",
        f"| followers | {limits.followers} |",
        f"| {limits.idle_s:g} s |",
        f"| {limits.send_s:g} s |",
        f"| {limits.do_s:g} s |",
    ):
        assert told in page, told
