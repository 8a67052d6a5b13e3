"""The file in which ``voxedge tune-voice`` keeps what it found out about a voice: thresholds only.

It lies beside the reader's other state and is replaced whole; a damaged one is as good as none.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from voxedge.actions import action_named
from voxedge.errors import ActionUnknown, OutputUnwritable

_log = logging.getLogger(__name__)

FILE = "hearing.json"

LOWEST, HIGHEST = 0.25, 0.95
"""Of a threshold: below, any noise is a command; above, nothing is."""


def load_thresholds(folder: Path, language: str) -> dict[str, float]:
    """Return action label to least confidence, as tuned for a language; empty where nothing was.

    Args:
        folder: the reader's state folder.
        language: BCP 47 tag of the commands.
    """
    path = folder / FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        found = {str(label): float(value) for label, value in data[language].items()}
        for label, value in found.items():
            action_named(label)
            if not LOWEST <= value <= HIGHEST:
                raise ValueError(f"{label} is out of range")  # noqa: TRY301 - one place tells
        return found
    except FileNotFoundError:
        return {}
    except KeyError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError, ActionUnknown) as error:
        _log.warning("%s cannot be used: %s", path, type(error).__name__)
        return {}


def save_thresholds(folder: Path, language: str, thresholds: Mapping[str, float]) -> Path:
    """Keep the thresholds of a language beside those of others. Blocking.

    Raises:
        OutputUnwritable: the folder cannot be written.
    """
    path = folder / FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        data = {}
    if not isinstance(data, dict):
        data = {}
    data[language] = dict(thresholds)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=folder, prefix=FILE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise OutputUnwritable(path=path, reason=error.strerror or str(error)) from error
    return path
