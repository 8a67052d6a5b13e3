"""The line to the running reader: what the system has to say is said by the one voice.

A reader that does not answer is waited for or done without; nothing here fails because of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from voxedge.actions import State
from voxedge.api.client import ControlClient
from voxedge.api.protocol import Status, socket_path
from voxedge.errors import ControlRefused, ReaderNotRunning
from voxedge.speech.lines import SpeechClass

LOOK_S = 0.5
AT_REST = (State.IDLE, State.PAUSED)
"""Nobody is being read to, and nothing is being recognised."""

T = TypeVar("T")


class Reader(Protocol):
    """What the system asks of the reader."""

    def status(self) -> Status:
        """Return how it is; ReaderNotRunning if it does not answer or was started anew."""
        ...

    def say(self, speech_class: SpeechClass, text: str) -> None:
        """Have a text spoken; ReaderNotRunning, ControlRefused."""
        ...


class SocketReader:
    """The reader behind its control socket; one connection is one life of the reader."""

    def __init__(self, path: Path | None = None, timeout_s: float = 15.0) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._client: ControlClient | None = None

    def status(self) -> Status:
        """Return how it is."""
        return self._call(lambda client: client.status())

    def say(self, speech_class: SpeechClass, text: str) -> None:
        """Have a text spoken."""
        self._call(lambda client: client.say(speech_class, text))

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _call(self, ask: Callable[[ControlClient], T]) -> T:
        if self._client is None:
            self._client = ControlClient(self._path or socket_path(), self._timeout_s)
        try:
            return ask(self._client)
        except ReaderNotRunning:
            self.close()
            raise


class Line:
    """Speaking and waiting, with what goes wrong left out.

    Args:
        reader: who speaks.
        clock: seconds, monotonic.
        sleep: replaced in tests.
    """

    def __init__(
        self,
        reader: Reader,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.reader = reader
        self.clock = clock
        self.sleep = sleep

    def status(self) -> Status | None:
        """Return how the reader is; None if it does not answer."""
        try:
            return self.reader.status()
        except (ReaderNotRunning, ControlRefused):
            return None

    def say(
        self, text: str, speech_class: SpeechClass = SpeechClass.NOTICE, wait_s: float = 0.0
    ) -> bool:
        """Have a text spoken; wait so long for a reader to come up. False: nobody spoke it."""
        until_s = self.clock() + wait_s
        while True:
            try:
                self.reader.say(speech_class, text)
                return True
            except ControlRefused:
                return False
            except ReaderNotRunning:
                if self.clock() >= until_s:
                    return False
            self.sleep(LOOK_S)

    def let_come(self, limit_s: float) -> None:
        """Wait until the reader answers."""
        until_s = self.clock() + limit_s
        while self.status() is None and self.clock() < until_s:
            self.sleep(LOOK_S)

    def let_finish(self, limit_s: float = 30.0) -> None:
        """Wait until what was said is heard: silence at two looks in a row."""
        self._wait(limit_s, lambda status: not status.speaking)

    def let_read(self, limit_s: float) -> None:
        """Wait until nobody is being read to."""
        self._wait(limit_s, lambda status: status.state in AT_REST and not status.speaking)

    def _wait(self, limit_s: float, holds: Callable[[Status], bool]) -> None:
        until_s = self.clock() + limit_s
        seen = 0
        while seen < 2 and self.clock() < until_s:
            self.sleep(LOOK_S)
            status = self.status()
            if status is None:
                return
            seen = seen + 1 if holds(status) else 0
