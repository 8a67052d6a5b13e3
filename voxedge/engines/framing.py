"""How the daemon and a worker process talk: framed messages over a Unix stream socket.

One frame is a 12-byte prefix, a JSON object and raw bytes::

    magic "VXW1" | header length, u32 | payload length, u32 | header (UTF-8 JSON) | payload

Network byte order. JSON and raw bytes instead of pickle: a worker that has lost its mind can send
nonsense, but nothing that runs in the daemon. Lengths are checked before memory is taken.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

MAGIC = b"VXW1"
HEADER_LIMIT_BYTES = 64 * 1024
PAYLOAD_LIMIT_BYTES = 64 * 1024 * 1024
"""A 12-megapixel colour photograph is 36 MB."""

_PREFIX = struct.Struct("!4sII")
PREFIX_BYTES = _PREFIX.size

_BUFFER_BYTES = 1 << 20
"""Asked of the kernel for each direction (it grants net.core.wmem_max): fewer wake-ups a frame."""


class FramingError(Exception):
    """The bytes are no frame of ours; the stream cannot be trusted any further."""


@dataclass(frozen=True, slots=True)
class Message:
    """One frame.

    Attributes:
        header: JSON-safe values.
        payload: raw bytes; samples, pixels or a longer JSON text.
    """

    header: Mapping[str, Any]
    payload: bytes | bytearray | memoryview = field(default=b"", repr=False)


def encode_prefix_and_header(message: Message) -> bytes:
    """Return everything of the frame but its payload.

    Raises:
        FramingError: header or payload over the limit, or a header that is not JSON-safe.
    """
    try:
        header = json.dumps(message.header, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise FramingError("the header is not JSON-safe") from error
    size = memoryview(message.payload).nbytes
    if len(header) > HEADER_LIMIT_BYTES or size > PAYLOAD_LIMIT_BYTES:
        raise FramingError(f"frame too large: header {len(header)}, payload {size} bytes")
    return _PREFIX.pack(MAGIC, len(header), size) + header


def decode_prefix(prefix: bytes) -> tuple[int, int]:
    """Return the lengths of header and payload in bytes.

    Raises:
        FramingError: wrong magic or a length over the limit.
    """
    magic, header_size, payload_size = _PREFIX.unpack(prefix)
    if magic != MAGIC:
        raise FramingError("wrong magic")
    if header_size > HEADER_LIMIT_BYTES or payload_size > PAYLOAD_LIMIT_BYTES:
        raise FramingError(f"frame too large: header {header_size}, payload {payload_size} bytes")
    return header_size, payload_size


def decode_header(data: bytes | bytearray) -> dict[str, Any]:
    """Return the header.

    Raises:
        FramingError: not a JSON object in UTF-8.
    """
    try:
        header = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FramingError("the header is not JSON") from error
    if not isinstance(header, dict):
        raise FramingError("the header is not a JSON object")
    return header


class Channel:
    """Sends and receives frames on one socket, from one event loop.

    ``send`` may be called by several tasks; ``receive`` by one.
    """

    def __init__(self, sock: socket.socket) -> None:
        """Take over a connected stream socket; ``close`` closes it."""
        sock.setblocking(False)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
        self._socket = sock
        self._sending = asyncio.Lock()

    async def send(self, message: Message) -> None:
        """Send one frame whole.

        A cancelled ``send`` would leave half a frame in the stream, so the rest is sent all the
        same before the cancellation is let through.

        Raises:
            FramingError: the message is no legal frame; nothing was sent.
            OSError: the other side is gone.
        """
        head = encode_prefix_and_header(message)
        await uncancelled(self._send(head, message.payload))

    async def _send(self, head: bytes, payload: bytes | bytearray | memoryview) -> None:
        loop = asyncio.get_running_loop()
        async with self._sending:
            await loop.sock_sendall(self._socket, head)
            if len(payload):
                await loop.sock_sendall(self._socket, memoryview(payload).cast("B"))

    async def receive(self) -> Message | None:
        """Return the next frame; None at the end of the stream.

        Raises:
            FramingError: garbage, or the stream ends inside a frame.
            OSError: the socket failed.
        """
        prefix = await self._read(PREFIX_BYTES, at_boundary=True)
        if not prefix:
            return None
        header_size, payload_size = decode_prefix(bytes(prefix))
        header = decode_header(await self._read(header_size))
        return Message(header, await self._read(payload_size))

    async def _read(self, size: int, at_boundary: bool = False) -> bytearray:
        loop = asyncio.get_running_loop()
        buffer = bytearray(size)
        view = memoryview(buffer)
        filled = 0
        while filled < size:
            count = await loop.sock_recv_into(self._socket, view[filled:])
            if count == 0:
                if at_boundary and filled == 0:
                    return bytearray()
                raise FramingError("the stream ends inside a frame")
            filled += count
        return buffer

    async def close(self) -> None:
        """Close the socket; a send that is stuck fails first. Idempotent."""
        # close() alone would take the descriptor from under a waiting send, which then waits on.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        async with self._sending:
            self._socket.close()


async def uncancelled(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end even when cancelled meanwhile; then let the cancellation through."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait((task,))
        if not task.cancelled():
            task.exception()
        raise
