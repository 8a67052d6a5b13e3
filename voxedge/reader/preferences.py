"""What the reader remembers of its person: speed, loudness, quiet mode, that they know each other.

One small file, replaced whole, so that a power cut leaves the old or the new one.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person has set by hand.

    Attributes:
        rate: speed of the voice, None where nobody changed it.
        volume: loudness, None where nobody changed it.
        quiet: notices and hints are off.
        new: nobody has read a page with this reader yet.
        wake_word: whether it is listened for, where one is set up.
    """

    rate: float | None = None
    volume: float | None = None
    quiet: bool = False
    new: bool = True
    wake_word: bool = True


def load_preferences(path: Path) -> Preferences:
    """Return what was remembered; the defaults where the file is missing or damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        rate, volume = data["rate"], data["volume"]
        return Preferences(
            rate=None if rate is None else min(max(float(rate), 0.5), 3.0),
            volume=None if volume is None else min(max(float(volume), 0.1), 2.0),
            quiet=bool(data["quiet"]),
            new=bool(data["new"]),
            wake_word=bool(data.get("wake_word", True)),
        )
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("%s cannot be used: %s", path, type(error).__name__)
        return Preferences(new=False)


def save_preferences(path: Path, preferences: Preferences) -> None:
    """Put them on the card. Blocking; a card that cannot be written is logged, not raised."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(asdict(preferences), file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        _log.warning("%s cannot be written: %s", path, error.strerror)
