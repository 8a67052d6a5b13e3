"""The keys of a terminal, for ``--simulate`` and for a person at a desk.

The terminal is put into a mode that gives each key at once and is always put back: on close, on
an error, at exit, and around a stop with Ctrl-Z. Ctrl-C still interrupts.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import signal
import termios
import tty
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from voxedge.actions import Action, Intent
from voxedge.inputs.events import Asked, Deliver
from voxedge.inputs.keys import KEYS

_SEQUENCES: Mapping[bytes, str] = {
    b"[A": "up",
    b"[B": "down",
    b"[C": "right",
    b"[D": "left",
    b"OA": "up",
    b"OB": "down",
    b"OC": "right",
    b"OD": "left",
    b"[H": "home",
    b"[F": "end",
    b"OH": "home",
    b"OF": "end",
    b"[1~": "home",
    b"[4~": "end",
    b"[5~": "page-up",
    b"[6~": "page-down",
    b"[Z": "backspace",  # Shift-Tab: the section before
}
"""What follows ESC, in the terminals in use (xterm, the Linux console, screen)."""

_BYTES: Mapping[int, str] = {
    0x20: "space",
    0x0D: "enter",
    0x0A: "enter",
    0x09: "tab",
    0x08: "backspace",
    0x7F: "backspace",
    ord(","): "comma",
    ord("."): "dot",
    ord("-"): "minus",
    ord("_"): "minus",
    ord("+"): "plus",
    ord("="): "plus",
}

ESCAPE_S = 0.05
"""An ESC that nothing follows for so long is the key itself, not the start of a sequence."""

_LONGEST = 8
"""Bytes of the longest sequence waited for; a longer one is of no key known here."""


class KeyParser:
    """Bytes of a terminal to names of keys. Pure; keeps an unfinished sequence between calls."""

    def __init__(self) -> None:
        self._pending = b""

    @property
    def unfinished(self) -> bool:
        """Whether an ESC waits for what follows."""
        return bool(self._pending)

    def feed(self, data: bytes) -> list[str]:
        """Return the keys that are complete now; bytes of no known key are dropped."""
        rest = self._pending + data
        self._pending = b""
        keys: list[str] = []
        while rest:
            if rest[0] != 0x1B:
                keys.extend(_plain(rest[0]))
                rest = rest[1:]
                continue
            end = _sequence_end(rest)
            if end is None:
                self._pending = rest
                return keys
            name = "escape" if end == 1 else _SEQUENCES.get(rest[1:end])
            keys.extend([name] if name else [])
            rest = rest[end:]
        return keys

    def flush(self) -> list[str]:
        """Return what the unfinished bytes are when nothing follows them."""
        pending, self._pending = self._pending, b""
        return ["escape"] if pending == b"\x1b" else []


def _plain(byte: int) -> list[str]:
    name = _BYTES.get(byte)
    if name is None and 0x21 <= byte < 0x7F:
        name = chr(byte).lower()
    return [name] if name else []


def _sequence_end(data: bytes) -> int | None:
    """Return how many bytes the sequence at the start takes, None if it is not complete yet."""
    if len(data) == 1:
        return None
    if data[1] not in b"[O":
        return 1  # ESC, then another key
    for index in range(2, min(len(data), _LONGEST)):
        if 0x40 <= data[index] <= 0x7E:  # final byte of a sequence (ECMA-48, 5.4)
            return index + 1
        if not 0x20 <= data[index] <= 0x3F:
            return index  # no sequence after all: what stands here is a key of its own
    return len(data) if len(data) >= _LONGEST else None


class TerminalKeys:
    """The keys of a terminal as intents; a context manager on the event loop.

    Args:
        deliver: gets an intent for each key that means something.
        fd: the terminal; standard input as a rule.
        keys: key name and action.
    """

    def __init__(self, deliver: Deliver, fd: int = 0, keys: Mapping[str, Action] = KEYS) -> None:
        self._deliver = deliver
        self._fd = fd
        self._keys = keys
        self._parser = KeyParser()
        self._loop = asyncio.get_running_loop()
        self._saved: list[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> TerminalKeys:
        """Take the terminal; a pipe in its place is read as if it were typed.

        Where standard input is neither (``/dev/null`` under systemd) there are no keys.
        """
        if os.isatty(self._fd):
            self._saved = termios.tcgetattr(self._fd)
            atexit.register(self._restore)
            # After Ctrl-Z and "fg" the shell has put its own mode back.
            self._loop.add_signal_handler(signal.SIGCONT, self._single_keys)
            self._single_keys()
        with contextlib.suppress(PermissionError):  # epoll takes no regular file, no /dev/null
            self._loop.add_reader(self._fd, self._read)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.remove_reader(self._fd)
        if self._timer is not None:
            self._timer.cancel()
        if self._saved is not None:
            self._loop.remove_signal_handler(signal.SIGCONT)
            self._restore()
            atexit.unregister(self._restore)

    def _single_keys(self) -> None:
        # TCSANOW, not the default: waiting for output to drain blocks where nobody reads it.
        tty.setcbreak(self._fd, termios.TCSANOW)

    def _restore(self) -> None:
        if self._saved is not None:
            termios.tcsetattr(self._fd, termios.TCSANOW, self._saved)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, 1024)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            # The terminal is gone, or the pipe has ended: the reader goes on without it.
            self._loop.remove_reader(self._fd)
            return
        self._tell(self._parser.feed(data))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._parser.unfinished:
            self._timer = self._loop.call_later(ESCAPE_S, self._flush)

    def _flush(self) -> None:
        self._timer = None
        self._tell(self._parser.flush())

    def _tell(self, names: list[str]) -> None:
        for name in names:
            action = self._keys.get(name)
            if action is not None:
                self._deliver(Asked(Intent(action), "terminal"))
            if action is Action.TALK:
                # A terminal does not tell when a key comes up: it can only be tapped.
                self._deliver(Asked(Intent(Action.TALK_END), "terminal"))
