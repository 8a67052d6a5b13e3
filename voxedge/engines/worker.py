"""The child side of a worker process: hosts one engine and answers calls over a socket.

Started by ``voxedge.service.workers`` as ``python -m voxedge.engines.worker FD PARENT_PID``; never
by hand. Messages from the daemon: ``start``, then any number of ``call``, ``credit``, ``cancel``.
Messages to the daemon: ``ready`` or ``failed``, then ``item``, ``end``, ``error`` by call id, and
``log``. ``docs/developers/workers.md`` lists their fields.

Python's own SIGINT handling is off (Ctrl-C is the daemon's to answer), and the kernel kills this
process when its parent dies, however it dies.
"""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from voxedge.engines import hosting
from voxedge.engines.framing import Channel, FramingError, Message
from voxedge.errors import VoxedgeError
from voxedge.logs import SafeFormatter, describe_exception, fields_of

log = logging.getLogger(__name__)

EXIT_OUT_OF_MEMORY = 71
EXIT_CANNOT_START = 72

WINDOW = 8
"""Items in flight per call: keeps the pipe full and bounds what a stop wastes."""

_PR_SET_PDEATHSIG = 1
_LOGS_WAITING = 256
_OOM_SCORE = 500
"""The kernel takes a worker, which comes back, before it takes the daemon."""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Serve until the daemon closes the socket or dies."""
    fd, parent_pid = (int(value) for value in (sys.argv[1:] if argv is None else argv))
    _tie_to_parent(parent_pid)
    sock = socket.socket(fileno=fd)
    os.set_inheritable(fd, False)
    # Libraries that print would print to a terminal of nobody; stderr is the journal.
    os.dup2(2, 1)
    code = asyncio.run(_serve(Channel(sock)), debug=False)
    # Not sys.exit: threads of an engine that hangs would be waited for.
    os._exit(code)


def _tie_to_parent(parent_pid: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    sys.excepthook = lambda kind, error, trace: print(describe_exception(error), file=sys.stderr)
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    # The parent may have died before prctl took effect; then the signal will never come.
    if os.getppid() != parent_pid:
        os._exit(0)


def apply_limits(limits: Mapping[str, Any]) -> None:
    """Limit this process.

    Args:
        limits: ``memory_mb`` (0: none), ``memory_kind`` ("data": private writable memory, what an
            engine really takes; "address_space": everything mapped), ``nice``.
    """
    memory_mb = int(limits.get("memory_mb", 0))
    if memory_mb > 0:
        kinds = {"data": resource.RLIMIT_DATA, "address_space": resource.RLIMIT_AS}
        size = memory_mb * 1024 * 1024
        resource.setrlimit(kinds[limits.get("memory_kind", "data")], (size, size))
    if nice := int(limits.get("nice", 0)):
        os.nice(nice)
    try:
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE), encoding="ascii")
    except OSError as error:
        log.info("oom_score_adj stays: %s", error.strerror)


async def _serve(channel: Channel) -> int:
    start = await channel.receive()
    if start is None:
        return 0
    forward = _LogForwarder(asyncio.get_running_loop())
    root = logging.getLogger()
    root.handlers[:] = [forward]
    root.setLevel(int(start.header.get("log_level", logging.INFO)))
    pump = asyncio.create_task(forward.pump(channel), name="logs")
    try:
        return await _serve_engine(channel, start)
    except (FramingError, OSError):
        return 0  # The daemon is gone or talks nonsense: nobody is left to serve.
    finally:
        pump.cancel()
        await asyncio.wait((pump,))


async def _serve_engine(channel: Channel, start: Message) -> int:
    header = start.header
    try:
        apply_limits(header["limits"])
        # On a thread, so that log lines of a slow start get out.
        engine = await asyncio.to_thread(
            hosting.build, header["factory"], header["kind"], header["arguments"]
        )
        description = engine.describe()
    except Exception as error:  # noqa: BLE001 - whatever keeps the engine from starting is reported
        await channel.send(Message({"op": "failed", **_report(error)}))
        return EXIT_CANNOT_START
    await channel.send(Message({"op": "ready", "description": description}))
    host = _Host(channel, engine)
    try:
        return await host.run()
    finally:
        engine.close()


class _Host:
    """Calls in flight."""

    def __init__(self, channel: Channel, engine: hosting.Hosted) -> None:
        self._channel = channel
        self._engine = engine
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._credits: dict[int, asyncio.Semaphore] = {}
        self._exit_code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self) -> int:
        listener = asyncio.create_task(self._listen(), name="listener")
        try:
            await asyncio.wait((listener, self._exit_code), return_when=asyncio.FIRST_COMPLETED)
            if self._exit_code.done():
                return self._exit_code.result()
            listener.result()
            return 0
        finally:
            listener.cancel()
            for task in self._calls.values():
                task.cancel()

    async def _listen(self) -> None:
        while (message := await self._channel.receive()) is not None:
            op, call_id = message.header.get("op"), message.header.get("id", -1)
            if op == "call":
                self._credits[call_id] = asyncio.Semaphore(WINDOW)
                self._calls[call_id] = asyncio.create_task(self._answer(call_id, message))
                # Let it start: a task that is cancelled before that never runs its own ending.
                await asyncio.sleep(0)
            elif op == "credit" and call_id in self._credits:
                self._credits[call_id].release()
            elif op == "cancel" and call_id in self._calls:
                self._calls[call_id].cancel()

    async def _answer(self, call_id: int, request: Message) -> None:
        outcome: dict[str, Any] = {"op": "end"}
        try:
            await self._stream(call_id, request)
        except asyncio.CancelledError:
            outcome = {"op": "end", "cancelled": True}
        except MemoryError:
            # What else failed to allocate, and where, cannot be known: better a fresh process.
            outcome = {"op": "error", "out_of_memory": True}
        except Exception as error:
            # An engine may raise anything; the caller is told, and this process lives.
            outcome = {"op": "error", **_report(error)}
            if not isinstance(error, VoxedgeError):
                log.exception("call failed")
        self._calls.pop(call_id, None)
        self._credits.pop(call_id, None)
        await self._channel.send(Message({**outcome, "id": call_id}))
        if "out_of_memory" in outcome and not self._exit_code.done():
            self._exit_code.set_result(EXIT_OUT_OF_MEMORY)

    async def _stream(self, call_id: int, request: Message) -> None:
        items = self._engine.call(request.header["method"], request)
        window = self._credits[call_id]
        try:
            async for item in items:
                await window.acquire()
                header = {"op": "item", "id": call_id, "item": dict(item.header)}
                await self._channel.send(Message(header, item.payload))
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                await close()


def _report(error: BaseException) -> dict[str, Any]:
    """Tell a failure by class and details; foreign messages may quote the page and stay here."""
    if isinstance(error, VoxedgeError):
        details = {
            key: value if isinstance(value, str | int | float | bool | None) else str(value)
            for key, value in error.details.items()
        }
        return {"error": type(error).__name__, "details": details}
    return {"error": None, "reason": type(error).__name__}


class _LogForwarder(logging.Handler):
    """Puts records on their way to the daemon's log; drops the oldest when nobody fetches them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.setFormatter(SafeFormatter("%(message)s"))
        self._loop = loop
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_LOGS_WAITING)

    def emit(self, record: logging.LogRecord) -> None:
        entry = {
            "op": "log",
            "level": record.levelno,
            "name": record.name,
            "message": self.format(record)[:4096],
            "fields": dict(fields_of(record)),
        }
        try:
            self._loop.call_soon_threadsafe(self._put, entry)
        except RuntimeError:
            return  # The loop has ended; so has the daemon's interest.

    def _put(self, entry: dict[str, Any]) -> None:
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(entry)

    async def pump(self, channel: Channel) -> None:
        while True:
            await channel.send(Message(await self._waiting.get()))


if __name__ == "__main__":
    main()
