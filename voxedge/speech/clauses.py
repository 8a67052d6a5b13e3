"""Where a sentence may be cut before it is synthesized.

Speakable text only: its numbers are words by now, so no cut can part the digits of a dose.
"""

from __future__ import annotations

import re

SHORTEST_CHARS = 12
"""Below this a clause on its own sounds like a stammer, and gains nothing."""

FIRST_CUT_CHARS = 90
"""The very first clause should be no longer: about 6 s of speech, whose synthesis is what a
person waits for. A sentence of up to this length is cut only if it can be cut well."""

LONGEST_CHARS = 300
"""About 20 s. A "sentence" of a page without full stops must not be one utterance: it would be
neither soon heard nor bounded in memory."""

LONGEST_PRINTED_CHARS = 2_000
"""Text work is done on no more at once: what is printed without any stop must not hold the loop."""

_WORD_GAP = re.compile(r"(?<=[^\W\d_])[,;:]?\s+(?=[^\W\d_])")
"""White space between two words, none of which is a number: a dose is not parted from its unit."""

_CLAUSE_END = re.compile(r"[,;:)–—](?=\s)\s*|[，；：、]")
_SPACE = re.compile(r"\s+")


def cut_first_clause(text: str) -> tuple[str, str]:
    """Part the first clause from the rest, so that the first sound comes soon.

    Returns:
        The clause and the rest; the whole and "" where there is no good place. The two joined
        are the text, white space at the cut aside.
    """
    for match in _CLAUSE_END.finditer(text):
        cut = match.end()
        if cut > FIRST_CUT_CHARS:
            break
        if match.start() >= SHORTEST_CHARS and len(text) - cut >= SHORTEST_CHARS:
            return text[:cut].rstrip(), text[cut:]
    return text, ""


def cut_printed(text: str) -> list[str]:
    """Cut a "sentence" of print longer than ``LONGEST_PRINTED_CHARS``; shorter ones stay whole."""
    pieces = []
    while len(text) > LONGEST_PRINTED_CHARS:
        window = text[:LONGEST_PRINTED_CHARS]
        cut = _last_end(_WORD_GAP, window) or _last_end(_SPACE, window) or LONGEST_PRINTED_CHARS
        pieces.append(text[:cut])
        text = text[cut:]
    pieces.append(text)
    return pieces


def cut_long(text: str) -> list[str]:
    """Cut what is longer than ``LONGEST_CHARS``: at a clause, else at a space, else anywhere."""
    pieces = []
    while len(text) > LONGEST_CHARS:
        window = text[:LONGEST_CHARS]
        cut = max(_last_end(_CLAUSE_END, window), 0)
        if cut < LONGEST_CHARS // 3:
            cut = max(cut, _last_end(_SPACE, window))
        if cut < SHORTEST_CHARS:
            cut = LONGEST_CHARS
        pieces.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    if text:
        pieces.append(text)
    return pieces


def _last_end(pattern: re.Pattern[str], text: str) -> int:
    end = 0
    for match in pattern.finditer(text):
        end = match.end()
    return end
