"""Logging into systemd's journal, with structured fields and without page text (``voxedge.logs``).

Native protocol: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ (one datagram per record).
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from voxedge.logs import SafeFormatter, fields_of

JOURNAL_SOCKET = Path("/run/systemd/journal/socket")
IDENTIFIER = "voxedge"

_MESSAGE_LIMIT_BYTES = 16_384
"""A datagram's default limit is 208 KiB; nobody reads a message that long."""


class JournalHandler(logging.Handler):
    """Sends records to journald by its native protocol. Any thread.

    Raises:
        OSError: at construction, when journald is not there.
    """

    def __init__(self, path: Path = JOURNAL_SOCKET) -> None:
        super().__init__()
        self.setFormatter(SafeFormatter("%(message)s"))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; what cannot be sent is told by ``logging.raiseExceptions`` rules."""
        try:
            self._socket.send(encode_entry(entry_of(record, self.format(record))))
        except Exception:  # noqa: BLE001 - a handler must never raise into the code that logs
            self.handleError(record)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        super().close()


class PrefixHandler(logging.StreamHandler[TextIO]):
    """Writes ``<N>message`` lines, which journald reads from a unit's stderr (sd-daemon(3))."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(sys.stderr if stream is None else stream)
        self.setFormatter(SafeFormatter("%(name)s: %(message)s"))

    def format(self, record: logging.LogRecord) -> str:
        """Prefix every line: each becomes an entry of its own."""
        text = super().format(record)
        extra = "".join(f" {k}={v}" for k, v in fields_of(record).items())
        first, *rest = text.splitlines() or [""]
        prefix = f"<{priority(record.levelno)}>"
        return "\n".join(prefix + line for line in (first + extra, *rest))


def priority(level: int) -> int:
    """Return the syslog priority of a logging level."""
    if level >= logging.CRITICAL:
        return 2
    if level >= logging.ERROR:
        return 3
    if level >= logging.WARNING:
        return 4
    return 6 if level >= logging.INFO else 7


def entry_of(record: logging.LogRecord, message: str) -> dict[str, str]:
    """Return the journal fields of a record."""
    entry = {
        "MESSAGE": message,
        "PRIORITY": str(priority(record.levelno)),
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        "LOGGER": record.name,
        "CODE_FILE": record.pathname,
        "CODE_LINE": str(record.lineno),
        "CODE_FUNC": record.funcName or "",
    }
    extra = fields_of(record).items()
    return entry | {f"VOXEDGE_{name.upper()}": value for name, value in extra}


def encode_entry(entry: Mapping[str, str]) -> bytes:
    """Serialise by the native protocol: ``NAME=value``, or length-prefixed with line breaks."""
    out = bytearray()
    for name, value in entry.items():
        data = value.encode("utf-8", "surrogateescape")[:_MESSAGE_LIMIT_BYTES]
        if b"\n" in data:
            out += name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n"
        else:
            out += name.encode() + b"=" + data + b"\n"
    return bytes(out)


def journal_reads_stderr(environ: Mapping[str, str] | None = None) -> bool:
    """Whether stderr is a stream of journald's (``$JOURNAL_STREAM``, systemd.exec(5))."""
    stream = (os.environ if environ is None else environ).get("JOURNAL_STREAM", "")
    try:
        device, inode = (int(part) for part in stream.split(":"))
        here = os.fstat(2)
    except (ValueError, OSError):
        return False
    return (device, inode) == (here.st_dev, here.st_ino)


def install(level: int = logging.INFO) -> logging.Handler:
    """Give the root logger the handler that fits where this process runs; return it.

    Under systemd: journald's native socket, or prefixed lines where that is out of reach.
    Elsewhere: plain lines on stderr.
    """
    handler = _fitting_handler()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    return handler


def _fitting_handler() -> logging.Handler:
    if not journal_reads_stderr():
        handler = logging.StreamHandler()
        handler.setFormatter(SafeFormatter("%(levelname)s %(name)s: %(message)s"))
        return handler
    try:
        return JournalHandler()
    except OSError:
        return PrefixHandler()
