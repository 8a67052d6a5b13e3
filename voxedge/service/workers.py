"""Hosts an engine in a process that may be killed, and brings it back.

``Worker`` owns one child (``voxedge.engines.worker``): spawned, never forked, tied to this process
by the kernel, restarted with back-off. Every call has a deadline for every item; a worker that
misses it, answers garbage or does not stop when told to is killed with everything it started.
``voxedge.service.proxies`` puts the engine protocols on top.

All of it runs in one event loop, on the main thread: the kernel's parent-death signal follows the
*thread* that spawned the child.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from voxedge import errors
from voxedge.engines.framing import Channel, FramingError, Message, uncancelled
from voxedge.logs import fields
from voxedge.service.child import Child
from voxedge.service.restart import RestartPolicy, Trouble

log = logging.getLogger(__name__)


class WorkerFailure(Exception):
    """The call was not answered: the worker is down, was killed, or reports a foreign exception.

    ``reason`` is fit for a log and for an error's details; it holds no page text.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class State(Enum):
    """What a worker is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    """Failed; waiting for its back-off to pass."""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What to host and how long to wait for it.

    Attributes:
        name: for the log.
        factory: "package.module:callable" that builds the engine in the child.
        kind: "synthesizer", "page_reader", or "raw" for an engine that is ``Hosted`` itself.
        arguments: JSON-safe keyword arguments of the factory.
        start_deadline_s: from spawn to ready; models are loaded meanwhile.
        item_deadline_s: from the request, or from the consumer's asking, to the next item.
        cancel_grace_s: from "cancel" to the end of the call.
        calls_at_once: further calls wait; a page reader takes one.
        memory_mb: limit of the child; 0 for none.
        memory_kind: "data" (private writable memory) or "address_space".
        nice: added to the child's niceness.
        spoken: what a person hears on the second failure in a row.
    """

    name: str
    factory: str
    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    start_deadline_s: float = 30.0
    item_deadline_s: float = 10.0
    cancel_grace_s: float = 2.0
    calls_at_once: int = 4
    memory_mb: int = 0
    memory_kind: str = "data"
    nice: int = 0
    spoken: str = "A part of the reader keeps failing. I keep trying."


class _Call:
    """One request on its way: what arrived and was not consumed yet."""

    def __init__(self) -> None:
        # Bounded by the worker's window of unacknowledged items, plus the outcome.
        self.arrived: asyncio.Queue[Message | BaseException | None] = asyncio.Queue()
        self.open = True
        self.grace: asyncio.TimerHandle | None = None

    def finish(self, outcome: BaseException | None) -> None:
        """No more items: None for a clean end."""
        self.open = False
        if self.grace is not None:
            self.grace.cancel()
        self.arrived.put_nowait(outcome)


class Worker:
    """One engine in one process, for as long as the ``async with`` block runs."""

    def __init__(
        self,
        spec: WorkerSpec,
        on_trouble: Callable[[Trouble], None] = lambda trouble: None,
        policy: RestartPolicy | None = None,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            spec: what to host.
            on_trouble: called in the loop on the second failure in a row; must not block.
            policy: back-off; 0.5 to 30 s by default.
        """
        self._spec = spec
        self._on_trouble = on_trouble
        self._policy = policy or RestartPolicy()
        self._state = State.STOPPED
        self._ready = asyncio.Event()
        self._description: Mapping[str, Any] = {}
        self._child: Child | None = None
        self._calls: dict[int, _Call] = {}
        self._next_id = 1
        self._slots = asyncio.Semaphore(spec.calls_at_once)
        self._reason = ""
        self._owner: asyncio.Task[None] | None = None
        self._errands: set[asyncio.Task[None]] = set()

    @property
    def spec(self) -> WorkerSpec:
        """What it was made from."""
        return self._spec

    @property
    def state(self) -> State:
        """What it is doing now."""
        return self._state

    @property
    def pid(self) -> int | None:
        """The child, while there is one."""
        return self._child.pid if self._child is not None else None

    @property
    def failures(self) -> int:
        """Failures in the present outage."""
        return self._policy.failures

    @property
    def description(self) -> Mapping[str, Any]:
        """What the engine told about itself when it last became ready; empty before."""
        return self._description

    async def __aenter__(self) -> Worker:
        self._owner = asyncio.create_task(self._live(), name=f"worker:{self._spec.name}")
        return self

    async def __aexit__(self, *exception: object) -> None:
        owner, self._owner = self._owner, None
        if owner is None:
            return
        self._reason = "stopped"
        owner.cancel()
        await asyncio.wait((owner, *self._errands))
        if not owner.cancelled():
            owner.result()

    async def wait_ready(self, timeout_s: float) -> None:
        """Wait until it can take calls.

        Raises:
            WorkerFailure: not within ``timeout_s``.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        except TimeoutError:
            raise WorkerFailure(self._reason or f"{self._state.value}") from None

    def kill(self, reason: str) -> None:
        """Kill the child and everything it started; it comes back after its back-off."""
        if self._child is not None:
            self._reason = self._reason or reason
            # No new call may go to it while its death is still on its way here.
            self._ready.clear()
            self._state = State.RESTARTING
            self._child.kill()

    async def call(
        self,
        method: str,
        header: Mapping[str, Any],
        payload: bytes | memoryview = b"",
        *,
        patience_s: float = 0.0,
        deadline_s: float | None = None,
    ) -> AsyncGenerator[Message, None]:
        """Ask the engine and yield its items; their headers are the engine's own.

        Closing the generator cancels the call; it costs no waiting.

        Args:
            method: of the hosted engine.
            header: JSON-safe arguments.
            payload: raw bytes; not copied.
            patience_s: how long to wait for a worker that is starting. 0 fails at once, so that
                another engine can take over.
            deadline_s: for each item; the spec's by default.

        Raises:
            WorkerFailure: down, killed, over the deadline, or a foreign exception.
            VoxedgeError: what the engine itself raised.
        """
        if not self._ready.is_set():
            if patience_s <= 0:
                raise WorkerFailure(self._reason or f"{self._state.value}")
            await self.wait_ready(patience_s)
        await self._slots.acquire()
        if self._child is None or not self._ready.is_set():
            self._slots.release()
            raise WorkerFailure(self._reason or f"{self._state.value}")
        call_id, call = self._next_id, _Call()
        self._next_id += 1
        self._calls[call_id] = call
        channel = self._child.channel
        limit_s = self._spec.item_deadline_s if deadline_s is None else deadline_s
        try:
            await self._request(
                channel,
                call,
                Message({**header, "op": "call", "id": call_id, "method": method}, payload),
                limit_s,
            )
            while (item := await self._next_item(call, limit_s)) is not None:
                self._send_soon(channel, Message({"op": "credit", "id": call_id}))
                yield item
        finally:
            if call.open:
                self._cancel(channel, call_id, call)

    async def _request(
        self, channel: Channel, call: _Call, request: Message, limit_s: float
    ) -> None:
        # A worker that does not read its socket blocks the send; only its death frees it.
        with self._deadline(call, limit_s):
            try:
                await channel.send(request)
            except FramingError as error:
                # Nothing was sent, so there is nothing to cancel.
                del self._calls[request.header["id"]]
                self._finish_call(call, None)
                raise WorkerFailure(str(error)) from error
            except OSError:
                return  # Its death is on its way to the queue of the call, with the reason.

    async def _next_item(self, call: _Call, limit_s: float) -> Message | None:
        if call.arrived.empty():
            with self._deadline(call, limit_s):
                outcome = await call.arrived.get()
        else:
            outcome = call.arrived.get_nowait()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def _deadline(self, call: _Call, limit_s: float) -> _Timer:
        def expire() -> None:
            reason = f"no answer within {limit_s:g} s"
            self._finish_call(call, WorkerFailure(reason))
            self.kill(reason)

        return _Timer(limit_s, expire)

    def _cancel(self, channel: Channel, call_id: int, call: _Call) -> None:
        """Tell the worker to stop; kill it where it has not within the grace period."""
        grace_s = self._spec.cancel_grace_s
        loop = asyncio.get_running_loop()
        call.grace = loop.call_later(
            grace_s, self.kill, f"did not stop within {grace_s:g} s of being told to"
        )
        self._send_soon(channel, Message({"op": "cancel", "id": call_id}))

    def _send_soon(self, channel: Channel, message: Message) -> None:
        """Send without keeping the consumer waiting."""
        errand = asyncio.get_running_loop().create_task(_send_if_alive(channel, message))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    def _finish_call(self, call: _Call, outcome: BaseException | None) -> None:
        if call.open:
            call.finish(outcome)
            self._slots.release()

    # -- the life of the child ------------------------------------------------------------------

    async def _live(self) -> None:
        clock = time.monotonic
        try:
            while True:
                self._state, self._reason = State.STARTING, ""
                ran = await self._live_once()
                self._state = State.RESTARTING
                restart = self._policy.failed(clock(), ran)
                log.warning(
                    "worker %s failed (%s), again in %.1f s",
                    self._spec.name,
                    self._reason,
                    restart.delay_s,
                    extra=fields(event="worker_failed", part=self._spec.name, count=restart.count),
                )
                if restart.speak:
                    self._on_trouble(Trouble(self._spec.name, restart.count, self._spec.spoken))
                await asyncio.sleep(restart.delay_s)
        except Exception:
            # Whatever it was goes on up; from there nobody could tell whose it was.
            log.exception("worker %s: its owner failed", self._spec.name)
            raise
        finally:
            self._state = State.STOPPED

    async def _live_once(self) -> bool:
        """Run one child from spawn to death; return whether it became ready."""
        try:
            child = Child("voxedge.engines.worker")
        except OSError as error:
            self._reason = f"cannot be started: {error.strerror}"
            return False
        self._child = child
        try:
            return await self._serve(child)
        finally:
            self._ready.clear()
            cause = "stopped"
            try:
                cause = await uncancelled(child.bury(at_once=bool(self._reason)))
            finally:
                self._child = None
                self._reason = self._reason or cause
                for call in self._calls.values():
                    self._finish_call(call, WorkerFailure(self._reason))
                self._calls.clear()

    async def _serve(self, child: Child) -> bool:
        limit_s, started_s = self._spec.start_deadline_s, time.monotonic()
        ran = False
        try:
            with _Timer(limit_s, lambda: self.kill(f"not ready within {limit_s:g} s")):
                if not await self._start(child.channel):
                    return False
            ran = True
            self._policy.started(time.monotonic())
            self._state = State.READY
            self._ready.set()
            took_ms = round(1000 * (time.monotonic() - started_s))
            log.info(
                "worker %s ready",
                self._spec.name,
                extra=fields(
                    event="worker_ready",
                    part=self._spec.name,
                    worker_pid=child.pid,
                    duration_ms=took_ms,
                ),
            )
            await self._dispatch(child.channel)
        except FramingError as error:
            self._reason = self._reason or f"answered garbage: {error}"
        except OSError:
            log.debug("worker %s: the connection broke", self._spec.name)
        return ran

    async def _start(self, channel: Channel) -> bool:
        spec = self._spec
        await channel.send(
            Message(
                {
                    "op": "start",
                    "factory": spec.factory,
                    "kind": spec.kind,
                    "arguments": dict(spec.arguments),
                    "limits": {
                        "memory_mb": spec.memory_mb,
                        "memory_kind": spec.memory_kind,
                        "nice": spec.nice,
                    },
                    "log_level": logging.getLogger().getEffectiveLevel(),
                }
            )
        )
        while (message := await channel.receive()) is not None:
            match message.header.get("op"):
                case "ready":
                    description = message.header.get("description")
                    self._description = description if isinstance(description, dict) else {}
                    return True
                case "failed":
                    self._reason = str(_failure(message.header))
                    return False
                case "log":
                    self._relay(message.header)
        return False

    async def _dispatch(self, channel: Channel) -> None:
        """Hand what arrives to the calls it belongs to, until the child closes the socket."""
        while (message := await channel.receive()) is not None:
            header = message.header
            op, call_id = header.get("op"), header.get("id")
            if op == "log":
                self._relay(header)
                continue
            if type(call_id) is not int:
                raise FramingError("an answer to nothing")
            call = self._calls.get(call_id)
            if call is None:
                continue  # A late word on a call that is over.
            if op == "item" and isinstance(header.get("item"), dict):
                if call.open and call.grace is None:
                    call.arrived.put_nowait(Message(header["item"], message.payload))
            elif op in ("end", "error"):
                if header.get("out_of_memory"):
                    self.kill("out of memory")
                del self._calls[call_id]
                self._finish_call(call, None if op == "end" else _failure(header))
            else:
                raise FramingError("an answer that fits no question")

    def _relay(self, header: Mapping[str, Any]) -> None:
        level = header.get("level")
        if type(level) is not int or not logging.getLogger().isEnabledFor(level):
            return
        logger = logging.getLogger(f"worker.{self._spec.name}")
        try:
            extra = fields(**header.get("fields", {}))
        except (TypeError, ValueError):
            extra = {}
        logger.log(level, "%s: %s", header.get("name"), header.get("message"), extra=extra)


class _Timer:
    """Calls ``expire`` unless the ``with`` block ends within ``limit_s``.

    Not ``asyncio.timeout``: what is waited for may only end by what ``expire`` does.
    """

    def __init__(self, limit_s: float, expire: Callable[[], None]) -> None:
        self._limit_s = limit_s
        self._expire = expire
        self._handle: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        self._handle = asyncio.get_running_loop().call_later(self._limit_s, self._expire)

    def __exit__(self, *exception: object) -> None:
        if self._handle is not None:
            self._handle.cancel()


def _failure(header: Mapping[str, Any]) -> Exception:
    """Return the exception that an ``error`` or ``failed`` message tells of."""
    if header.get("out_of_memory"):
        return WorkerFailure("out of memory")
    kind = getattr(errors, str(header.get("error")), None)
    details = header.get("details")
    if isinstance(kind, type) and issubclass(kind, errors.VoxedgeError):
        with suppress(TypeError):
            return kind(**details) if isinstance(details, dict) else kind()
    return WorkerFailure(str(header.get("reason") or "unknown")[:64])


async def _send_if_alive(channel: Channel, message: Message) -> None:
    with suppress(OSError):
        await channel.send(message)
