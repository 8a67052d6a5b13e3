"""Printed lines: what a recogniser gives, what paragraphs are made of."""

from __future__ import annotations

import re
from dataclasses import dataclass

from voxedge.document.model import Word

BULLET = "-"
"""What every bullet glyph becomes: recognisers misread them as letters."""
_NUMBER_MARKER = re.compile(r"\(?(?:\d{1,2}(?:\.\d{1,2})*|[a-hA-H])[.)]|\d{1,2}(?:\.\d{1,2})+")
_DECIMAL = re.compile(r"\d{1,2}\.\d{1,2}")
_ROMAN_MARKER = re.compile(r"(?:X{0,2}(?:IX|IV|V?I{1,3}|V|X))\.")
_NOTE_MARK = re.compile(r"\*{1,3}|[†‡§¶]{1,2}|[¹²³⁴⁵⁶⁷⁸⁹]|\d\)|[a-f]\)")
_TERMINAL = re.compile(r"[.!?…。！？:：][\"'”’»)\]）]*$")
_HYPHENS = "-‐\u00ad¬"


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """One line of one column, level.

    Lengths are in letter heights of the page's body text, so that thresholds hold at any
    resolution.

    Attributes:
        words: at least one.
        left: start.
        right: end.
        top: upper edge.
        bottom: lower edge.
        size: letter height, 1.0 for body text.
        stroke: stem width; about 0.25 regular, 0.33 bold, 0 where unknown.
        spans: start and end of each word; empty where unknown.
    """

    words: tuple[Word, ...]
    left: float
    right: float
    top: float
    bottom: float
    size: float = 1.0
    stroke: float = 0.0
    spans: tuple[tuple[float, float], ...] = ()

    @property
    def text(self) -> str:
        """The words with spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def has_bullet(self) -> bool:
        """Whether it starts with a bullet."""
        return self.words[0].text == BULLET and len(self.words) > 1

    @property
    def has_number_marker(self) -> bool:
        """Whether it starts with "1.", "2.1", "a)" or "IV."."""
        first = self.words[0].text
        if len(self.words) < 2:
            return False
        if _DECIMAL.fullmatch(first) and self.words[1].text[:1].islower():
            return False  # "12.5 micrograms of it": a dose that begins a line, and no part 12.5.
        return bool(_NUMBER_MARKER.fullmatch(first) or _ROMAN_MARKER.fullmatch(first))

    @property
    def note_mark(self) -> str:
        """The mark a footnote begins with ("*", "†", "1)"), "" where none stands there."""
        match = _NOTE_MARK.match(self.words[0].text)
        return match[0] if match else ""

    @property
    def is_finished(self) -> bool:
        """Whether it ends like a sentence."""
        return bool(_TERMINAL.search(self.words[-1].text))

    @property
    def is_hyphenated(self) -> bool:
        """Whether its last word is broken over the line end."""
        last = self.words[-1].text
        return len(last) > 1 and last[-1] in _HYPHENS and last[-2].isalnum()

    @property
    def starts_lower(self) -> bool:
        """Whether its first letter is a small one: the line before goes on."""
        return self.words[0].text[:1].islower()
