"""What the owner of the voice reads from: utterances that know where they stand in the text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from voxedge.flow import Utterance


class SpeechClass(IntEnum):
    """How urgent speech is; the smaller number goes first."""

    ALERT = 0
    """Interrupts everything; waits only for other alerts. "Power is failing."."""
    REPLY = 1
    """The answer to what the user just did. Interrupts reading; the newest wins."""
    READING = 2
    """The document. Interrupted, it goes on at the start of its sentence; the newest wins."""
    NOTICE = 3
    """Waits for a pause in the reading; the newest wins. "The battery is low."."""
    HINT = 4
    """Only in silence; dropped by anything else. "Press the button to hear more."."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands in the document; each number counts from 0 within the one before.

    Attributes:
        section: in the document, in reading order.
        paragraph: in the section.
        sentence: in the paragraph.
    """

    section: int
    paragraph: int
    sentence: int


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance and its place in the text.

    A sentence may be cut into several lines (the first is cut at a clause, so that sound comes
    soon); reading that was interrupted starts again at the first line of the sentence.

    Attributes:
        utterance: what is said.
        ends_sentence: the next line begins a new sentence.
        ends_paragraph: a pause where a notice may be put in.
        place: None for speech that comes from no document.
        certain: false where the text room spelled something out or doubts its notation.
    """

    utterance: Utterance
    ends_sentence: bool = True
    ends_paragraph: bool = False
    place: Place | None = None
    certain: bool = True
