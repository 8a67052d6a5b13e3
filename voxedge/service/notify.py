"""Tell systemd how the daemon does: the sd_notify(3) protocol over one datagram socket.

Without ``$NOTIFY_SOCKET`` (a terminal, a test) every call does nothing. A message that cannot be
sent is logged, never raised: the daemon's duty is to read aloud, not to report.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from types import TracebackType

log = logging.getLogger(__name__)

STATUS_LIMIT = 256
"""Characters of a STATUS= line; systemd cuts far later, a person reads far less."""

_SEND_TIMEOUT_S = 1.0
"""READY=1 and STOPPING=1 are told once and worth a wait; pid 1 reads its socket at once or is
wedged itself. A ping or a status line that finds the socket full is dropped: the next follows, and
a press must not wait for it."""


class Notifier:
    """Sends notifications from any thread; one datagram each."""

    def __init__(
        self, address: str | None, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """Open the sockets.

        Args:
            address: the value of ``$NOTIFY_SOCKET``: a path, or ``@name`` in the abstract
                namespace. None or empty turns every call into nothing.
            monotonic_ns: CLOCK_MONOTONIC, which RELOADING= must be stamped with.
        """
        self._address = _kernel_address(address)
        self._monotonic_ns = monotonic_ns
        self._socket: socket.socket | None = None
        self._hasty: socket.socket | None = None
        if self._address is not None:
            # Two, because the time-out belongs to the socket and any thread may send.
            self._socket = _datagrams(_SEND_TIMEOUT_S)
            self._hasty = _datagrams(0.0)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Notifier:
        """Return the notifier that ``$NOTIFY_SOCKET`` asks for."""
        return cls((os.environ if environ is None else environ).get("NOTIFY_SOCKET"))

    @property
    def active(self) -> bool:
        """Whether anybody listens."""
        return self._socket is not None

    def ready(self, status: str = "") -> None:
        """READY=1: started, or done reloading."""
        self._send("READY=1", status)

    def reloading(self, status: str = "") -> None:
        """RELOADING=1: settings are being read again; ``ready`` follows."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={self._monotonic_ns() // 1000}", status)

    def stopping(self, status: str = "") -> None:
        """STOPPING=1: the end has begun."""
        self._send("STOPPING=1", status)

    def status(self, status: str) -> None:
        """STATUS=: one line of plain words for ``systemctl status``. Never page text."""
        self._send("", status, patient=False)

    def watchdog(self) -> None:
        """WATCHDOG=1: every vital part made progress."""
        self._send("WATCHDOG=1", "", patient=False)

    def extend_timeout(self, seconds: float) -> None:
        """EXTEND_TIMEOUT_USEC=: this start or stop takes ``seconds`` more from now."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}", "")

    def close(self) -> None:
        """Close the sockets. Idempotent."""
        for each in (self._socket, self._hasty):
            if each is not None:
                each.close()
        self._socket = self._hasty = None

    def __enter__(self) -> Notifier:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _send(self, assignments: str, status: str, *, patient: bool = True) -> None:
        sender = self._socket if patient else self._hasty
        if sender is None or self._address is None:
            return
        lines = [assignments] if assignments else []
        if status:
            lines.append(f"STATUS={_one_line(status)}")
        try:
            sender.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            log.warning("systemd could not be notified: %s", error.strerror or type(error).__name__)


def watchdog_timeout_s(environ: Mapping[str, str] | None = None) -> float | None:
    """Return the WatchdogSec= that systemd holds this process to; None without a watchdog."""
    environ = os.environ if environ is None else environ
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        timeout_s = int(environ.get("WATCHDOG_USEC", "0")) / 1_000_000
    except ValueError:
        return None
    return timeout_s if timeout_s > 0 else None


def _datagrams(timeout_s: float) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    made.settimeout(timeout_s)
    return made


def _kernel_address(address: str | None) -> str | None:
    if not address:
        return None
    if address.startswith("@"):
        return "\0" + address[1:]
    if address.startswith("/"):
        return address
    log.warning("NOTIFY_SOCKET is neither a path nor an abstract name; systemd will not be told")
    return None


def _one_line(text: str) -> str:
    """Flatten a status: a line break would let it smuggle in another assignment."""
    flat = " ".join(text.split())
    return flat if len(flat) <= STATUS_LIMIT else flat[: STATUS_LIMIT - 1] + "…"
