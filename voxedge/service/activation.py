"""Sockets that systemd opened for us: the sd_listen_fds(3) protocol."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

log = logging.getLogger(__name__)

FIRST_FD = 3
"""SD_LISTEN_FDS_START: passed descriptors start after the three standard ones."""

_FD_LIMIT = 64


@dataclass(frozen=True, slots=True)
class ListeningSocket:
    """A socket that systemd bound and listens on; ``name`` is its FileDescriptorName=."""

    name: str
    socket: socket.socket


def listening_sockets(
    environ: Mapping[str, str] | None = None, first_fd: int = FIRST_FD
) -> tuple[ListeningSocket, ...]:
    """Return the sockets meant for this process; empty when started by hand.

    Each is non-blocking and closed on exec, so that no worker process keeps the control socket
    alive. Descriptors that are no sockets are left alone and logged. Call it once: each call wraps
    the same descriptors again.

    Args:
        environ: ``os.environ`` unless a test says otherwise.
        first_fd: 3 unless a test says otherwise.
    """
    environ = os.environ if environ is None else environ
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return ()
    try:
        count = int(environ.get("LISTEN_FDS", "0"))
    except ValueError:
        count = -1
    if not 0 <= count <= _FD_LIMIT:
        log.warning("LISTEN_FDS is not a number of sockets; none are taken over")
        return ()
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    found = []
    for index in range(count):
        name = names[index] if index < len(names) and names[index] else "unknown"
        try:
            os.set_inheritable(first_fd + index, False)
            listener = socket.socket(fileno=first_fd + index)
        except OSError as error:
            log.warning("passed descriptor '%s' is not a usable socket: %s", name, error.strerror)
            continue
        listener.setblocking(False)
        found.append(ListeningSocket(name, listener))
    return tuple(found)
