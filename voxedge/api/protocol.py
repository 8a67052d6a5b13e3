"""The messages of the control socket: one JSON object a line, version 1.

``docs/integrators/control-socket.md`` describes it for people who write clients. Keys that are
not known are passed over, so that later versions may add some.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxedge import errors
from voxedge.actions import Intent, State, Value, action_named, intent
from voxedge.errors import ControlRefused, VoxedgeError
from voxedge.speech.lines import SpeechClass

VERSION = 1

LINE_BYTES = 16 * 1024
"""Longest request, newline included. Text to speak and titles fit many times over."""

REPLY_BYTES = 64 * 1024
"""Longest reply that a client need take."""

SAY_CHARACTERS = 2000
"""Two minutes of speech; more is a document, not a message."""


@dataclass(frozen=True, slots=True)
class Do:
    """Ask for an action."""

    id: int
    intent: Intent


@dataclass(frozen=True, slots=True)
class GetStatus:
    """Ask how the reader is, once."""

    id: int


@dataclass(frozen=True, slots=True)
class Follow:
    """Ask how the reader is, now and whenever it changes."""

    id: int


@dataclass(frozen=True, slots=True)
class Say:
    """Ask for a text to be spoken."""

    id: int
    speech_class: SpeechClass
    text: str


Request = Do | GetStatus | Follow | Say


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """The open document, without any of its text.

    Attributes:
        title: as spoken; of a saved document only, since other titles are words of the page.
        pages: how many.
        sentences: how many.
        saved: whether it is kept.
    """

    title: str
    pages: int
    sentences: int
    saved: bool


@dataclass(frozen=True, slots=True)
class Position:
    """Where reading stands; everything counts from 1."""

    page: int
    section: int
    paragraph: int
    sentence: int
    percent: int


@dataclass(frozen=True, slots=True)
class Voice:
    """How it speaks.

    Attributes:
        name: of the natural voice, or "espeak-ng" where that one has failed.
        rate: 1.0 is the voice's own speed.
        volume: 1.0 is as configured.
    """

    name: str
    rate: float
    volume: float


@dataclass(frozen=True, slots=True)
class Health:
    """One thing that is watched: "temperature", "disk", "camera".

    Attributes:
        ok: nothing to do about it.
        detail: a phrase for people: "61 degrees".
    """

    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Status:
    """How the reader is: what ``voxedge status --json`` prints. Never any page text.

    Attributes:
        state: what the session is doing.
        document: None while nothing is open.
        cursor: None while nothing is open.
        speaking: whether sound is coming out.
        voice: how it speaks.
        health: by name of what is watched.
        version: of voxedge.
    """

    state: State
    document: OpenDocument | None
    cursor: Position | None
    speaking: bool
    voice: Voice
    health: Mapping[str, Health]
    version: str


@dataclass(frozen=True, slots=True)
class Done:
    """The request was carried out (an action: taken up)."""

    id: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The request was not carried out.

    Attributes:
        id: of the request; None where the line was too broken to tell.
        code: name of the failure, as in ``docs/errors.md``: "ActionUnknown".
        message: what to print.
        details: what fills the failure's sentences, as text.
    """

    id: int | None
    code: str
    message: str
    details: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, error: VoxedgeError, request_id: int | None) -> Failed:
        """Return the message for a failure."""
        details = tuple((name, str(value)) for name, value in error.details.items())
        return cls(request_id, type(error).__name__, str(error), details)

    def error(self) -> VoxedgeError:
        """Return the failure again, with its sentences and exit code."""
        kind = getattr(errors, self.code, None)
        if isinstance(kind, type) and issubclass(kind, VoxedgeError):
            return kind(**dict(self.details))
        return ControlRefused(reason=self.message)


@dataclass(frozen=True, slots=True)
class StatusIs:
    """How the reader is, for the request with this id."""

    id: int
    status: Status


Reply = Done | Failed | StatusIs


class BadRequest(Exception):
    """A line that is no request; ``failed`` is the reply to it."""

    def __init__(self, error: VoxedgeError, request_id: int | None) -> None:
        super().__init__(str(error))
        self.failed = Failed.of(error, request_id)


def socket_path() -> Path:
    """Where clients look: ``$VOXEDGE_SOCKET``, the service's socket, or the user's own."""
    named = os.environ.get("VOXEDGE_SOCKET")
    if named:
        return Path(named)
    service = Path("/run/voxedge/control.sock")
    return service if service.exists() else user_socket_path()


def user_socket_path() -> Path:
    """Where a reader listens that no service started, and that was told nothing else.

    Below ``$XDG_RUNTIME_DIR``, or below ``$XDG_STATE_HOME`` where nobody has logged in.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        return Path(runtime) / "voxedge" / "control.sock"
    state = os.environ.get("XDG_STATE_HOME")
    base = Path(state) if state else Path.home() / ".local" / "state"
    return base / "voxedge" / "control.sock"


def encode(message: Request | Reply) -> bytes:
    """Return the line of a message, newline included."""
    body: dict[str, Any] = {"v": VERSION, "id": message.id}
    match message:
        case Do(intent=asked):
            body |= {"type": "do", "action": asked.action.label}
            body["arguments"] = dict(asked.arguments)
        case GetStatus():
            body["type"] = "status"
        case Follow():
            body["type"] = "follow"
        case Say(speech_class=speech_class, text=text):
            body |= {"type": "say", "class": speech_class.name.lower(), "text": text}
        case Done():
            body["type"] = "done"
        case Failed(code=code, message=told, details=details):
            body |= {"type": "failed", "code": code, "message": told, "details": dict(details)}
        case StatusIs(status=status):
            body |= {"type": "status-is", "status": status_to_json(status)}
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decode_request(line: bytes) -> Request:
    """Read one line from a client.

    Raises:
        BadRequest: it is no request of this version; holds the reply.
    """
    request_id: int | None = None
    try:
        body = _object(line)
        request_id = _id(body)
        if body.get("v") != VERSION:
            raise ControlRefused(
                reason=f'this reader speaks version {VERSION}: write "v":{VERSION}'
            )
        return _request(body, request_id)
    except VoxedgeError as error:
        raise BadRequest(error, request_id) from error


def _request(body: Mapping[str, Any], request_id: int) -> Request:
    match body.get("type"):
        case "do":
            return Do(request_id, _intent(body))
        case "status":
            return GetStatus(request_id)
        case "follow":
            return Follow(request_id)
        case "say":
            return Say(request_id, _speech_class(body), _text(body))
        case _:
            raise ControlRefused(reason="type must be one of: do, status, follow, say")


def decode_reply(line: bytes) -> Reply:
    """Read one line from the server.

    Raises:
        ControlRefused: it is no reply of this version.
    """
    body = _object(line)
    try:
        match body["type"]:
            case "done":
                return Done(int(body["id"]))
            case "status-is":
                return StatusIs(int(body["id"]), status_from_json(body["status"]))
            case "failed":
                request_id = None if body["id"] is None else int(body["id"])
                details = tuple((str(k), str(v)) for k, v in body["details"].items())
                return Failed(request_id, str(body["code"]), str(body["message"]), details)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ControlRefused(reason=f"the reader's answer is garbled: {error!r}") from error
    raise ControlRefused(reason="the reader's answer is of no known type")


def status_to_json(status: Status) -> dict[str, Any]:
    """Return the object that ``voxedge status --json`` prints."""
    return {
        "state": status.state.value,
        "document": None if status.document is None else dataclasses.asdict(status.document),
        "cursor": None if status.cursor is None else dataclasses.asdict(status.cursor),
        "speaking": status.speaking,
        "voice": dataclasses.asdict(status.voice),
        "health": {name: dataclasses.asdict(item) for name, item in status.health.items()},
        "version": status.version,
    }


def status_from_json(data: Mapping[str, Any]) -> Status:
    """Read what ``status_to_json`` wrote.

    Raises:
        KeyError, TypeError, ValueError: it is no status.
    """
    document, cursor = data["document"], data["cursor"]
    return Status(
        state=State(data["state"]),
        document=None if document is None else OpenDocument(**_known(OpenDocument, document)),
        cursor=None if cursor is None else Position(**_known(Position, cursor)),
        speaking=bool(data["speaking"]),
        voice=Voice(**_known(Voice, data["voice"])),
        health={str(k): Health(**_known(Health, v)) for k, v in data["health"].items()},
        version=str(data["version"]),
    )


def _known(kind: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: data[field.name] for field in dataclasses.fields(kind)}


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(line.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ControlRefused(reason="a message is one line of JSON in UTF-8") from error
    if not isinstance(body, dict):
        raise ControlRefused(reason="a message is a JSON object")
    return body


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _id(body: Mapping[str, Any]) -> int:
    value = body.get("id")
    if type(value) is not int or not 0 <= value < 2**53:
        raise ControlRefused(reason="id must be a whole number from 0")
    return value


def _intent(body: Mapping[str, Any]) -> Intent:
    label, arguments = body.get("action"), body.get("arguments", {})
    if not isinstance(label, str):
        raise ControlRefused(reason="action must be the name of an action")
    if not isinstance(arguments, dict):
        raise ControlRefused(reason="arguments must be an object")
    values: dict[str, Value] = {}
    for name, value in arguments.items():
        if not isinstance(value, int | str):
            shown = name[:40] if name.isprintable() else "an argument"
            raise ControlRefused(reason=f"{shown} must be a whole number or text")
        values[name] = value
    return intent(action_named(label), values)


def _speech_class(body: Mapping[str, Any]) -> SpeechClass:
    names = {speech_class.name.lower(): speech_class for speech_class in SpeechClass}
    name = body.get("class", "notice")
    if not isinstance(name, str) or name not in names:
        raise ControlRefused(reason=f"class must be one of: {', '.join(names)}")
    return names[name]


def _text(body: Mapping[str, Any]) -> str:
    text = body.get("text")
    if not isinstance(text, str):
        raise ControlRefused(reason="text must be text")
    spoken = " ".join(text.split())
    if not spoken or not spoken.isprintable():
        raise ControlRefused(reason="text must be words, without control characters")
    if len(spoken) > SAY_CHARACTERS:
        raise ControlRefused(reason=f"text must have at most {SAY_CHARACTERS} characters")
    return spoken
