"""The guest, as the host sees it: run this there, tell me what it said."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from imagebuild.errors import BootTestFailed
from imagebuild.machine import Machine

_LOOK_S = 1.0
_LONGEST_LOOK_S = 20.0
_REST = 9.0
"""How many times as long as an answer took the guest is left alone."""


class Guest:
    """A connection to the agent of a running machine (``guest_agent.py``)."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._connection = machine.connect(timeout_s=30)
        self._waiting = b""
        self._number = 0

    def wait_hello(self, timeout_s: float) -> None:
        """Wait until the agent runs.

        Raises:
            BootTestFailed: it does not come, or the emulator ended.
        """
        deadline_s = time.monotonic() + timeout_s
        while "hello" not in self._next(deadline_s):
            pass

    def run(self, command: str, timeout_s: float = 300, *, check: bool = True) -> str:
        """Run shell text in the guest and return what it printed.

        Raises:
            BootTestFailed: it failed and ``check`` is true, or no answer came.
        """
        code, out = self._request({"run": command}, timeout_s)
        if check and code != 0:
            raise BootTestFailed(f"In the guest: {command}\nexit code {code}\n{out}")
        return out.strip()

    def ask(self, message: dict[str, Any], timeout_s: float = 300) -> Any:
        """Send a message to the reader's control socket and return its reply.

        Raises:
            BootTestFailed: no reply, or one of failure.
        """
        code, out = self._request({"ask": message}, timeout_s)
        reply = json.loads(out) if code == 0 else {"type": "failed", "message": out}
        if reply["type"] == "failed":
            raise BootTestFailed(f"The reader, asked {message}: {reply['message']}")
        return reply

    def fetch(self, path: str, start: int = 0) -> bytes:
        """Return a file of the guest, from a byte on."""
        return base64.b64decode(
            self.run(f"tail -c +{start + 1} {path} | base64 -w0", timeout_s=600)
        )

    def wait_for(self, command: str, wanted: str, timeout_s: float) -> float:
        """Run a command each second until it prints ``wanted``; return the seconds it took.

        Raises:
            BootTestFailed: it never does.
        """
        begun_s = asked_s = time.monotonic()
        while (said := self.run(command, check=False)) != wanted:
            now_s = time.monotonic()
            if now_s - begun_s > timeout_s:
                raise BootTestFailed(f"In the guest: {command} says {said!r}, not {wanted!r}.")
            # On a busy machine the questions would otherwise be most of what the guest does.
            time.sleep(min(_LONGEST_LOOK_S, max(_LOOK_S, _REST * (now_s - asked_s))))
            asked_s = time.monotonic()
        return time.monotonic() - begun_s

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _request(self, what: dict[str, Any], timeout_s: float) -> tuple[int, str]:
        self._number += 1
        request = {"id": self._number, "timeout_s": timeout_s, **what}
        try:
            self._connection.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise BootTestFailed(f"The channel closed.\n{self._machine.last_lines()}") from error
        # The agent's own limit is told to it in guest time, which may pass more slowly.
        deadline_s = time.monotonic() + timeout_s + 120
        while (message := self._next(deadline_s)).get("id") != self._number:
            pass
        return message["code"], base64.b64decode(message["out"]).decode("utf-8", "replace")

    def _next(self, deadline_s: float) -> dict[str, Any]:
        while b"\n" not in self._waiting:
            self._machine.need_running()
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise BootTestFailed(f"The guest does not answer.\n{self._machine.last_lines()}")
            self._connection.settimeout(min(left_s, 2.0))
            try:
                piece = self._connection.recv(1 << 20)
            except TimeoutError:
                continue
            except OSError:  # the emulator ended with something unread
                piece = b""
            if not piece:
                raise BootTestFailed(f"The channel closed.\n{self._machine.last_lines()}")
            self._waiting += piece
        line, _, self._waiting = self._waiting.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message
