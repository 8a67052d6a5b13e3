"""The students that came with this voxedge: where they lie, and whether they are newer.

Nothing heavy is imported: the daemon asks at each start.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

DERIVATION = "student-3"
"""Part of the key of installed students: raise it when what is made from a student changes. Then
networks in use are stale, as they are when a newer student comes."""

LIGHTER_SUFFIX = ".lighter"
"""``VOICE.lighter`` is the student of a voice for a device that cannot afford ``VOICE``."""


def students_folder() -> Path:
    """Where they lie: beside this package in an installed one, in ``models/`` of a source tree."""
    installed = Path(__file__).parents[1] / "students"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "models" / "students"


def shipped_digest(voice: str) -> str:
    """Digest of the students of a voice that came with this voxedge; empty for none.

    Of their descriptions, a few kilobytes: each holds the digest of its weights.
    """
    digest = hashlib.sha256(DERIVATION.encode())
    found = False
    for name in (voice, voice + LIGHTER_SUFFIX):
        try:
            content = (students_folder() / f"{name}.json").read_bytes()
        except OSError:
            continue
        found = True
        digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest() if found else ""
