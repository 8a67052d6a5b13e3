"""A daemon of a few hundred lines less than the real one, for the tests of the service room.

It is built of the same parts (notify, activation, watchdog, supervisor, worker, journal) and
answers one JSON line per request on the control socket: ``{"do": "status"}`` and the ways to hurt
it: ``kill_worker``, ``wedge`` (block the event loop), ``stall`` (a vital part stops beating),
``crash``, ``fail`` (a vital part raises). The voice in its worker is a tone.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from voxedge.flow import Utterance
from voxedge.service import journal
from voxedge.service.activation import listening_sockets
from voxedge.service.notify import Notifier, watchdog_timeout_s
from voxedge.service.proxies import WorkerSynthesizer
from voxedge.service.restart import Trouble
from voxedge.service.supervisor import Part, Supervisor
from voxedge.service.watchdog import Progress, Pulse, keep_watchdog
from voxedge.service.workers import Worker, WorkerSpec
from voxedge.testing.bad_engines import RATE_HZ

log = logging.getLogger(__name__)

VOICE = WorkerSpec("voice", "voxedge.testing.bad_engines:voice", "synthesizer")


class StandIn:
    """The parts and what they share."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._progress = Progress()
        self._stop = asyncio.Event()
        self._stalled = asyncio.Event()
        self._failed = asyncio.Event()
        self._worker = Worker(VOICE, _speak_trouble)
        self._activated = 0

    async def run(self) -> None:
        """Serve until SIGTERM."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        supervisor = Supervisor(_speak_trouble)
        supervisor.add(Part("heart", self._beat, vital=True))
        supervisor.add(Part("control", self._serve_control, vital=True))
        if (timeout_s := watchdog_timeout_s()) is not None:
            keep = keep_watchdog
            supervisor.add(
                Part("watchdog", lambda: keep(self._progress, self._notifier, timeout_s), True)
            )
        async with self._worker:
            await self._worker.wait_ready(30.0)
            parts = asyncio.create_task(supervisor.run(), name="supervisor")
            stop = asyncio.create_task(self._stop.wait(), name="stop")
            try:
                await asyncio.wait((parts, stop), return_when=asyncio.FIRST_COMPLETED)
                if parts.done():
                    parts.result()
                self._notifier.stopping("Stopping")
            finally:
                stop.cancel()
                parts.cancel()
                await asyncio.gather(parts, stop, return_exceptions=True)

    async def _beat(self) -> None:
        pulse = Pulse(self._progress, "heart", limit_s=1.0)
        while not self._failed.is_set():
            if not self._stalled.is_set():
                pulse.beat()
            await asyncio.sleep(0.2)
        raise RuntimeError("told to fail")

    async def _serve_control(self) -> None:
        sockets = listening_sockets()
        self._activated = len(sockets)
        if sockets:
            # Not start_unix_server: from Python 3.13 on it deletes the socket's path at the end,
            # which is systemd's.
            server = await asyncio.start_server(self._answer, sock=sockets[0].socket)
        else:
            path = Path(os.environ.get("RUNTIME_DIRECTORY", ".")) / "control.sock"
            server = await asyncio.start_unix_server(self._answer, path=path)
        async with server:
            self._notifier.ready("Ready")
            log.info("ready")
            await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = json.loads(await reader.readline())
        match request["do"]:
            case "kill_worker":
                os.kill(self._worker.pid or 0, signal.SIGKILL)
            case "crash":
                os.abort()
            case "stall":
                self._stalled.set()
            case "fail":
                self._failed.set()
        answer = await self._status() if request["do"] == "status" else {"done": request["do"]}
        writer.write(json.dumps(answer).encode() + b"\n")
        await writer.drain()
        writer.close()
        if request["do"] == "wedge":
            time.sleep(3600)  # noqa: ASYNC251 - to wedge the loop is the point

    async def _status(self) -> dict[str, Any]:
        voice = WorkerSynthesizer(self._worker, "tone", RATE_HZ, patience_s=20.0)
        chunks = [chunk async for chunk in voice.stream(Utterance("hello"))]
        return {
            "pid": os.getpid(),
            "uid": os.getuid(),
            "groups": os.getgroups(),
            "worker_pid": self._worker.pid,
            "chunks": len(chunks),
            "activated": self._activated,
            "cwd": str(Path.cwd()),
            "state_directory": os.environ.get("STATE_DIRECTORY"),
            "sandbox": _sandbox(),
        }

    def _reload(self) -> None:
        self._notifier.reloading("Reading settings")
        self._notifier.ready("Ready again")


def _sandbox() -> dict[str, Any]:
    """Return what the service can see and do: what the unit promises."""
    status = dict(
        line.split(":\t", 1)
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        if ":\t" in line
    )
    return {
        "seccomp": status.get("Seccomp"),
        "no_new_privs": status.get("NoNewPrivs"),
        "capabilities": status.get("CapBnd"),
        "core_limit": _first_word(Path("/proc/self/limits"), "Max core file size"),
        "writable": [
            place
            for place in ("/usr", "/etc", "/opt/voxedge", "/var/lib/voxedge", "/run/voxedge")
            if os.access(place, os.W_OK)
        ],
        "sees_home": os.access("/root", os.R_OK) or os.access("/home", os.R_OK),
        "sees_meminfo": Path("/proc/meminfo").exists(),
    }


def _first_word(path: Path, start: str) -> str:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(start):
            return line.removeprefix(start).split()[0]
    return ""


def _speak_trouble(trouble: Trouble) -> None:
    log.error("would say: %s", trouble.spoken)


def main() -> int:
    """Run; the exit code is what systemd sees."""
    faulthandler.enable()
    journal.install()
    with Notifier.from_environment() as notifier:
        asyncio.run(StandIn(notifier).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
