"""A memory card whose power fails at a chosen step, and a reader that says what it is told.

The card keeps what was synced apart from what was not. After a cut, each unsynced step may or may
not have reached the card, in any combination; a file whose content was never synced may be empty or
half there. One sector is written whole or not at all.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from voxedge.actions import State
from voxedge.api.protocol import Health, Status, Voice
from voxedge.errors import ReaderNotRunning
from voxedge.speech.lines import SpeechClass

Files = dict[Path, bytes]


class PowerCut(Exception):
    """The power went."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """A step that is not on the card yet: where, and what it may have done to the files."""

    path: Path
    outcomes: tuple[Callable[[Files], None], ...]


class FakeCard:
    """A ``system.storage.Storage``; see the module.

    Args:
        files: what is on the card.
        steps: how many writing steps are carried out before the power goes; None: all.
    """

    def __init__(self, files: Files | None = None, steps: int | None = None) -> None:
        self._card: Files = dict(files or {})
        self._seen: Files = dict(self._card)
        self._pending: list[_Pending] = []
        self._left = steps
        self.steps_done = 0

    def read(self, path: Path) -> bytes:
        """Return what a program sees."""
        if path not in self._seen:
            raise FileNotFoundError(2, "No such file", str(path))
        return self._seen[path]

    def create(self, path: Path, data: bytes, mode: int) -> None:
        """See ``Storage``."""
        self._step(
            path,
            lambda files: files.__setitem__(path, data),
            lambda files: files.__setitem__(path, b""),
            lambda files: files.__setitem__(path, data[: len(data) // 2]),
        )

    def overwrite(self, path: Path, data: bytes) -> None:
        """See ``Storage``; one sector."""
        if len(data) > 512 or len(data) != len(self._seen[path]):
            raise AssertionError("only whole files of one sector are written over")
        self._step(path, lambda files: files.__setitem__(path, data))

    def rename(self, old: Path, new: Path) -> None:
        """See ``Storage``."""

        def move(files: Files) -> None:
            if old in files:
                files[new] = files.pop(old)

        # The folder is what a sync must name.
        self._step(new.parent, move)

    def sync(self, path: Path) -> None:
        """See ``Storage``."""
        self._count()
        kept = []
        for pending in self._pending:
            if pending.path == path:
                pending.outcomes[0](self._card)
            else:
                kept.append(pending)
        self._pending = kept

    def after_cut(self) -> Iterator[Files]:
        """Yield everything that may be on the card when the power comes back."""
        choices = [(None, *pending.outcomes) for pending in self._pending]
        for combination in itertools.product(*choices):
            files = dict(self._card)
            for outcome in combination:
                if outcome is not None:
                    outcome(files)
            yield files

    def _step(self, path: Path, *outcomes: Callable[[Files], None]) -> None:
        self._count()
        outcomes[0](self._seen)
        self._pending.append(_Pending(path, outcomes))

    def _count(self) -> None:
        if self._left is not None:
            if self._left == 0:
                raise PowerCut
            self._left -= 1
        self.steps_done += 1


class FakeReader:
    """A ``system.reader_line.Reader`` that keeps what it was told to say.

    Attributes:
        said: class and text of everything.
        health: by name; what ``status`` tells.
        speaking: what ``status`` tells.
        state: what ``status`` tells.
        up: whether it answers; may be changed while a test runs.
    """

    def __init__(self, **health: bool) -> None:
        self.said: list[tuple[SpeechClass, str]] = []
        self.health = health
        self.speaking = False
        self.state = State.IDLE
        self.up = True

    @property
    def texts(self) -> list[str]:
        """What was said, without its classes."""
        return [text for _, text in self.said]

    def status(self) -> Status:
        """See ``Reader``."""
        self._answer()
        health = {name: Health(ok, "fake") for name, ok in self.health.items()}
        return Status(
            self.state, None, None, self.speaking, Voice("fake", 1.0, 1.0), health, "0.0.0"
        )

    def say(self, speech_class: SpeechClass, text: str) -> None:
        """See ``Reader``."""
        self._answer()
        self.said.append((speech_class, text))

    def _answer(self) -> None:
        if not self.up:
            raise ReaderNotRunning(path="fake", reason="not up")


class FakeTime:
    """A clock that moves only when somebody sleeps.

    Args:
        on_sleep: called after each sleep with the time; a test lets things happen there.
    """

    def __init__(self, on_sleep: Callable[[float], None] = lambda _: None) -> None:
        self.now_s = 0.0
        self.on_sleep = on_sleep

    def clock(self) -> float:
        """Return seconds."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds
        self.on_sleep(self.now_s)
