"""One child process with a framed channel to it: spawn, kill with all its descendants, reap."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import voxedge
from voxedge.engines.framing import Channel
from voxedge.engines.worker import EXIT_OUT_OF_MEMORY

_LAST_WORDS_S = 0.5
"""From the end of the stream to the exit code of a process that ends by itself (a core is not
dumped: LimitCORE=0)."""

_REAP_S = 5.0
"""A killed process that is not gone by then waits in the kernel for a device."""

_PACKAGE_ROOT = str(Path(voxedge.__file__).parents[1])

_NOT_FOR_CHILDREN = frozenset(
    {
        "NOTIFY_SOCKET",
        "WATCHDOG_PID",
        "WATCHDOG_USEC",
        "LISTEN_PID",
        "LISTEN_FDS",
        "LISTEN_FDNAMES",
    }
)


class Child:
    """A process in a session of its own, spawned (never forked: gpiozero#1131, CUDA, locks)."""

    def __init__(self, module: str) -> None:
        """Start ``python -m module FD PARENT_PID``.

        Raises:
            OSError: no memory, no more processes.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with theirs:
                fd = theirs.fileno()
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", module, str(fd), str(os.getpid())],
                    stdin=subprocess.DEVNULL,
                    pass_fds=(fd,),
                    start_new_session=True,
                    env=_environment(),
                )
        except OSError:
            ours.close()
            raise
        self.channel = Channel(ours)

    @property
    def pid(self) -> int:
        """Its process and group id."""
        return self._process.pid

    def kill(self) -> None:
        """Kill it and everything it started: the child leads its own group."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def bury(self, at_once: bool) -> str:
        """Make sure that it is gone, free everything, and return what it died of.

        Args:
            at_once: do not wait for it to end by itself.
        """
        code = await self._reap(0.0 if at_once else _LAST_WORDS_S)
        self.kill()
        await self.channel.close()
        if code is None:
            await self._reap(_REAP_S)
        return _cause(code)

    async def _reap(self, timeout_s: float) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            return await asyncio.to_thread(self._process.wait, timeout_s)
        return None


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_CHILDREN}
    # The same voxedge as here, also where it runs from a checkout.
    places = (_PACKAGE_ROOT, kept.get("PYTHONPATH", ""))
    # Matrix products of NumPy on one thread: its threads wait for each other by turning, and a
    # product of a few milliseconds takes many times that while something else runs.
    kept.setdefault("OPENBLAS_NUM_THREADS", "1")
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, places))}


def _cause(code: int | None) -> str:
    if code is None:
        return "closed its connection"
    if code == EXIT_OUT_OF_MEMORY:
        return "out of memory"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"ended with code {code}"
