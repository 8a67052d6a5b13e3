"""What a person has set by hand, from one start to the next."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from voxedge.config import Settings
from voxedge.reader.conversation.model import Model
from voxedge.reader.preferences import load_preferences, save_preferences

DELAY_S = 2.0
"""A knob that is turned makes ten changes: one write."""


class Remembering:
    """The file of preferences: read at the start, written a moment after a change.

    Belongs to the event loop; a write blocks it for the milliseconds of an ``fsync``.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._preferences = load_preferences(path)
        self._saving: asyncio.TimerHandle | None = None

    def first_model(self, settings: Settings) -> Model:
        """Return what the conversation begins with: what was set by hand wins over settings."""
        kept = self._preferences
        return Model(
            rate=settings.voice.rate if kept.rate is None else kept.rate,
            volume=settings.voice.volume if kept.volume is None else kept.volume,
            quiet=kept.quiet,
            new=kept.new,
            wake_word=kept.wake_word if settings.hearing.wake_word else None,
        )

    def note(self, model: Model, settings: Settings) -> None:
        """Take over what the conversation has come to; it is written soon."""
        kept = self._preferences
        now = replace(
            kept,
            rate=_set_by_hand(model.rate, settings.voice.rate),
            volume=_set_by_hand(model.volume, settings.voice.volume),
            quiet=model.quiet,
            new=model.new,
            wake_word=kept.wake_word if model.wake_word is None else model.wake_word,
        )
        if now != self._preferences:
            self._preferences = now
            if self._saving is None:
                self._saving = asyncio.get_running_loop().call_later(DELAY_S, self.save)

    def save(self) -> None:
        """Write what waits to be written, if anything does."""
        if self._saving is not None:
            self._saving.cancel()
            self._saving = None
            save_preferences(self._path, self._preferences)


def _set_by_hand(value: float, configured: float) -> float | None:
    return None if value == configured else value
