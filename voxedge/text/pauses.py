"""How long the voice rests after a piece of text: one table, in milliseconds at rate 1.0."""

from __future__ import annotations

PAUSES_MS = {
    ",": 150,
    ";": 250,
    ":": 300,
    "-": 200,
    "–": 200,
    "—": 200,
    ")": 150,
    ".": 400,
    "!": 450,
    "?": 450,
    "…": 500,
    "，": 150,
    "、": 120,
    "；": 250,
    "：": 300,
    "。": 400,
    "！": 450,
    "？": 450,
}
NO_SIGN_MS = 100
"""After a clause that was cut where no sign stands."""
PARAGRAPH_END_MS = 700
HEADING_MS = 800
"""A heading is heard as one by the silence after it."""
SHORTEST_MS = 40
"""Pauses shrink with the rate but stay audible."""

_CLOSERS = "\"'”’»」』"


def pause_after_ms(text: str, *, is_paragraph_end: bool, is_heading: bool, rate: float) -> int:
    """Return the silence after ``text`` in milliseconds; listeners at a high rate get less.

    Args:
        text: printed or speakable text of a clause or sentence.
        is_paragraph_end: nothing follows in its paragraph.
        is_heading: it is a heading.
        rate: speaking rate, 1.0 is normal; must be positive.
    """
    stripped = text.rstrip().rstrip(_CLOSERS)
    pause_ms = PAUSES_MS.get(stripped[-1:], NO_SIGN_MS)
    if is_paragraph_end:
        pause_ms = max(pause_ms, PARAGRAPH_END_MS)
    if is_heading:
        pause_ms = max(pause_ms, HEADING_MS)
    return max(SHORTEST_MS, round(pause_ms / rate))
