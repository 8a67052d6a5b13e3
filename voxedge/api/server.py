"""The control socket's server, on the daemon's event loop.

Whoever may open the socket may operate the reader, but not break it: every connection is bounded
in size, rate, time and number, and a slow or silent one costs only itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from voxedge.actions import Intent
from voxedge.api.protocol import (
    LINE_BYTES,
    BadRequest,
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
    decode_request,
    encode,
)
from voxedge.errors import ControlRefused, VoxedgeError
from voxedge.speech.lines import SpeechClass

_log = logging.getLogger(__name__)

SOCKET_MODE = 0o660
SOCKET_GROUP = "voxedge"
_FIRST_ACTIVATED_FD = 3
"""Where systemd passes sockets (sd_listen_fds(3))."""


class Reader(Protocol):
    """What the server needs of the daemon; called on the event loop."""

    async def do(self, intent: Intent) -> None:
        """Take up an action.

        Raises:
            VoxedgeError: it cannot be done; ``ActionUnfit`` where the moment is wrong.
        """

    async def say(self, speech_class: SpeechClass, text: str) -> None:
        """Put a text into the owner of the voice.

        Raises:
            VoxedgeError: it cannot be spoken.
        """

    def status(self) -> Status:
        """Return how the reader is; must not block."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one client, and all together, may ask for.

    Attributes:
        connections: open at once. One more, and the one that was silent longest is closed: a
            program that leaks connections must not lock out the person's own.
        followers: of these, how many may follow; they are never closed to make room.
        burst: messages at once.
        rate_hz: messages a second in the long run; beyond it the client is told and waits.
        idle_s: a connection that sends no whole message for so long is closed.
        send_s: a client that does not take its replies for so long is closed.
        do_s: deadline of one request.
    """

    connections: int = 64
    followers: int = 16
    burst: int = 50
    rate_hz: float = 20.0
    idle_s: float = 30.0
    send_s: float = 5.0
    do_s: float = 10.0


class ControlServer:
    """Serves until ``close``; one event loop.

    Args:
        reader: the daemon.
        limits: how much clients may ask for.
    """

    def __init__(self, reader: Reader, limits: Limits | None = None) -> None:
        self._reader = reader
        self._limits = limits or Limits()
        self._connections: dict[_Connection, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None
        self._own_path: Path | None = None

    async def start(self, path: Path | None = None, listening: socket.socket | None = None) -> None:
        """Listen on a path of our own, or on a socket that systemd opened.

        Raises:
            ControlRefused: another reader listens there already.
            OSError: the socket cannot be made.
        """
        if listening is None:
            if path is None:
                raise ValueError("a path or a socket is needed")
            listening = bind(path)
            self._own_path = path
        # Python 3.13 removes a socket's file when the server closes, systemd's included.
        keep: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
        self._server = await asyncio.start_unix_server(
            self._accept, sock=listening, limit=LINE_BYTES, backlog=128, **keep
        )

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        tasks = tuple(self._connections.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._own_path is not None:
            self._own_path.unlink(missing_ok=True)
            self._own_path = None

    def publish(self, status: Status) -> None:
        """Give every follower the newest status; one that is slow skips those between."""
        for connection in self._connections:
            connection.put(status)

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; asyncio runs this in a task of its own for each."""
        if self._server is None:  # it came while we were closing
            writer.close()
            return
        connection = _Connection(self._reader, self._limits, reader, writer, self._may_follow)
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= self._limits.connections:
            self._make_room()
        self._connections[connection] = task
        try:
            await connection.serve()
        except asyncio.CancelledError:
            # Closed from our side: the end of the daemon, or to make room. It ends here: asyncio
            # would report a cancelled handler as a failure.
            connection.refuse("the connection was closed: the reader ends, or too many are open")
        finally:
            del self._connections[connection]
            await connection.end()

    def _make_room(self) -> None:
        idle = [c for c in self._connections if not c.following and not c.ending]
        if idle:
            silent = min(idle, key=lambda connection: connection.heard_s)
            silent.ending = True
            self._connections[silent].cancel()

    def _may_follow(self) -> bool:
        return sum(c.following for c in self._connections) < self._limits.followers


class _Connection:
    """One client: its requests in order, and its stream of statuses."""

    def __init__(
        self,
        daemon: Reader,
        limits: Limits,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        may_follow: Callable[[], bool],
    ) -> None:
        self._daemon = daemon
        self._limits = limits
        self._reader = reader
        self._writer = writer
        self._may_follow = may_follow
        self._loop = asyncio.get_running_loop()
        self._tokens = float(limits.burst)
        self._newest: Status | None = None
        self._news = asyncio.Event()
        self._stream: asyncio.Task[None] | None = None
        self.heard_s = self._loop.time()
        self.ending = False

    @property
    def following(self) -> bool:
        """Whether it asked for the stream."""
        return self._stream is not None

    def put(self, status: Status) -> None:
        """Keep a status for the stream; the newest one only."""
        if self.following:
            self._newest = status
            self._news.set()

    def refuse(self, reason: str) -> None:
        """Say a last word, if the client will take it at once."""
        if not self._writer.is_closing():
            self._writer.write(encode(Failed.of(ControlRefused(reason=reason), None)))

    async def end(self) -> None:
        """Close; what the client does not take at once is dropped."""
        if self._stream is not None:
            self._stream.cancel()
            await asyncio.gather(self._stream, return_exceptions=True)
        transport = self._writer.transport
        if transport.get_write_buffer_size():
            transport.abort()
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def serve(self) -> None:
        """Answer until the client goes, or breaks a rule that ends the connection."""
        while True:
            try:
                line = await self._line()
            except asyncio.LimitOverrunError:
                self.refuse(f"a message has at most {LINE_BYTES} bytes")
                return
            except TimeoutError:
                self.refuse("nothing came for too long")
                return
            except (asyncio.IncompleteReadError, OSError):
                return  # the client has gone; half a line is no message
            if not await self._send(await self._answer(line)):
                return

    async def _line(self) -> bytes:
        patience_s = None if self.following else self._limits.idle_s
        async with asyncio.timeout(patience_s):
            return await self._reader.readuntil(b"\n")

    async def _answer(self, line: bytes) -> Reply | None:
        now_s = self._loop.time()
        refill = (now_s - self.heard_s) * self._limits.rate_hz
        self._tokens = min(float(self._limits.burst), self._tokens + refill)
        self.heard_s = now_s
        if self._tokens < 1.0:
            # Reading stops meanwhile, so that the sender's own buffer fills, not ours.
            await asyncio.sleep(1.0 / self._limits.rate_hz)
            reason = f"too many messages: at most {self._limits.rate_hz:g} a second"
            return Failed.of(ControlRefused(reason=reason), None)
        self._tokens -= 1.0
        try:
            request = decode_request(line)
        except BadRequest as error:
            return error.failed
        try:
            async with asyncio.timeout(self._limits.do_s):
                return await self._carry_out(request)
        except VoxedgeError as error:
            return Failed.of(error, request.id)
        except TimeoutError:
            late = ControlRefused(reason="the reader did not answer in time")
            return Failed.of(late, request.id)
        except Exception:  # noqa: BLE001 - the last net between a client and the daemon
            _log.exception("a control message failed")
            unforeseen = VoxedgeError(reason="a control message failed; see the journal")
            return Failed.of(unforeseen, request.id)

    async def _carry_out(self, request: Request) -> Reply | None:
        match request:
            case Do(intent=intent):
                await self._daemon.do(intent)
                return Done(request.id)
            case Say(speech_class=speech_class, text=text):
                await self._daemon.say(speech_class, text)
                return Done(request.id)
            case GetStatus():
                return StatusIs(request.id, self._daemon.status())
            case Follow():
                return self._follow(request.id)

    def _follow(self, request_id: int) -> Reply | None:
        if self.following:
            return Failed.of(ControlRefused(reason="this connection follows already"), request_id)
        if not self._may_follow():
            return Failed.of(ControlRefused(reason="too many programs follow"), request_id)
        self._newest = self._daemon.status()
        self._news.set()
        self._stream = self._loop.create_task(self._statuses(request_id))
        return None

    async def _statuses(self, request_id: int) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            newest, self._newest = self._newest, None
            if newest is not None and not await self._send(StatusIs(request_id, newest)):
                return

    async def _send(self, reply: Reply | None) -> bool:
        """Send a reply and wait until the client takes it; False once it is gone or too slow."""
        if reply is None:
            return True
        try:
            self._writer.write(encode(reply))
            async with asyncio.timeout(self._limits.send_s):
                await self._writer.drain()
        except TimeoutError:
            self._writer.transport.abort()
            return False
        except OSError:
            return False
        return True


def bind(path: Path) -> socket.socket:
    """Return a listening socket at the path, mode 0660, of the group voxedge where there is one.

    A socket file that a dead reader left is replaced.

    Raises:
        ControlRefused: a living reader listens there.
        OSError: it cannot be made.
    """
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.stat().st_mode):
            if _answers(path):
                raise ControlRefused(reason=f"another reader listens on {path}")
            path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777 & ~SOCKET_MODE)  # never open to others, not for a moment
    try:
        listening.bind(os.fspath(path))
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    _give_to_group(path)
    listening.listen(128)
    return listening


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True  # busy, or not ours to open: somebody is there
        return True


def _give_to_group(path: Path) -> None:
    import grp

    try:
        os.chown(path, -1, grp.getgrnam(SOCKET_GROUP).gr_gid)
    except (KeyError, PermissionError):
        # A developer's machine: the socket is the developer's own.
        _log.debug("%s keeps its group", path)


def activated_socket() -> socket.socket | None:
    """Return the listening socket that systemd passed to this process, None where there is none.

    The variables are taken away, so that no child mistakes the socket for its own.
    """
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdigit() or int(count) < 1:
        return None
    os.set_inheritable(_FIRST_ACTIVATED_FD, False)
    return socket.socket(fileno=_FIRST_ACTIVATED_FD)
