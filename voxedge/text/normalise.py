"""Printed text to speakable text."""

from __future__ import annotations

from voxedge.text.model import Normalised


def normalise(text: str, *, language: str = "en") -> Normalised:
    """Return speakable text (being built: passes text through)."""
    return Normalised(" ".join(text.split()))
