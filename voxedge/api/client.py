"""The control socket from the other side, for the command line and for scripts. Blocking."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from voxedge.actions import Intent
from voxedge.api.protocol import (
    LINE_BYTES,
    REPLY_BYTES,
    Do,
    Done,
    Failed,
    Follow,
    GetStatus,
    Reply,
    Request,
    Say,
    Status,
    StatusIs,
    decode_reply,
    encode,
)
from voxedge.errors import ControlRefused, ReaderNotRunning
from voxedge.speech.lines import SpeechClass


class ControlClient:
    """One connection to the running reader; a context manager.

    Every method raises the failure that the reader told, as if it had happened here.

    Args:
        path: the control socket.
        timeout_s: longest wait for an answer; following waits for ever.

    Raises:
        ReaderNotRunning: nobody listens there, or it may not be opened.
    """

    def __init__(self, path: Path, timeout_s: float = 15.0) -> None:
        self._path = path
        self._ids = itertools.count(1)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        self._timeout_s = timeout_s
        try:
            self._socket.connect(os.fspath(path))
        except OSError as error:
            self._socket.close()
            reason = error.strerror or str(error)
            if isinstance(error, PermissionError):
                reason += "; the user must be in the group voxedge"
            raise ReaderNotRunning(path=path, reason=reason) from error
        self._replies = self._socket.makefile("rb")

    def __enter__(self) -> ControlClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._replies.close()
        self._socket.close()

    def do(self, intent: Intent) -> None:
        """Ask for an action; returns when the reader has taken it up."""
        self._done(Do(next(self._ids), intent))

    def say(self, speech_class: SpeechClass, text: str) -> None:
        """Have a text spoken; returns when it is in the queue."""
        self._done(Say(next(self._ids), speech_class, text))

    def status(self) -> Status:
        """Return how the reader is."""
        return self._status(self._ask(GetStatus(next(self._ids))))

    def follow(self) -> Iterator[Status]:
        """Yield how the reader is, now and whenever it changes, until the reader ends."""
        yield self._status(self._ask(Follow(next(self._ids))))
        self._socket.settimeout(None)
        while (line := self._line()) is not None:
            yield self._status(_checked(line))

    def _done(self, request: Request) -> None:
        if not isinstance(self._ask(request), Done):
            raise ControlRefused(reason="the reader's answer is of no fitting type")

    def _status(self, reply: Reply) -> Status:
        if not isinstance(reply, StatusIs):
            raise ControlRefused(reason="the reader's answer is of no fitting type")
        return reply.status

    def _ask(self, request: Request) -> Reply:
        data = encode(request)
        if len(data) > LINE_BYTES:
            raise ControlRefused(reason=f"a message has at most {LINE_BYTES} bytes")
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise ReaderNotRunning(path=self._path, reason="it takes no messages") from error
        except OSError:
            # It closed the connection; why is in what it said last.
            pass
        line = self._line()
        if line is None:
            raise ReaderNotRunning(path=self._path, reason="it closed the connection")
        return _checked(line)

    def _line(self) -> bytes | None:
        try:
            line = self._replies.readline(REPLY_BYTES)
        except TimeoutError as error:
            reason = f"no answer in {self._timeout_s:g} seconds"
            raise ReaderNotRunning(path=self._path, reason=reason) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise ReaderNotRunning(path=self._path, reason=reason) from error
        return line or None


def _checked(line: bytes) -> Reply:
    reply = decode_reply(line)
    if isinstance(reply, Failed):
        raise reply.error()
    return reply
