"""What normalising hands out: speakable text, and the places a listener must not trust blindly."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Doubt(Enum):
    """Why a stretch of print needs a human look; the value is a phrase fit for printing."""

    UNPARSED = "could not be read as a number or a word"
    LOOKALIKE = "letters that look like digits stand in a number"
    AMBIGUOUS_DATE = "day and month cannot be told apart"
    AMBIGUOUS_NUMBER = "could be read as more than one number"
    DECIMAL_COMMA = "a comma was read as the decimal point"
    TRAILING_ZERO = "a zero after the decimal point is easily read as ten times the dose"
    NAKED_DECIMAL = "no digit stands before the decimal point"
    ERROR_PRONE = "an abbreviation known to be misread"
    DESCENDING = "two numbers run downwards: no range, or a misread one"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch ``printed[start:end]`` of the text handed to ``normalise``, and why it is told."""

    start: int
    end: int
    doubt: Doubt


@dataclass(frozen=True, slots=True)
class Normalised:
    """Speakable text.

    Attributes:
        text: no digit, control character or sign whose reading an engine would have to guess.
        spelled: stretches of the printed text that could not be parsed and are therefore spelled
            out character by character, never guessed. Printed order, not overlapping.
        doubtful: stretches that were read, but whose notation is ambiguous or known to be
            misread (ISMP list of error-prone abbreviations). Printed order, not overlapping.
    """

    text: str
    spelled: tuple[Span, ...] = ()
    doubtful: tuple[Span, ...] = ()

    @property
    def certain(self) -> bool:
        """True where nothing was spelled out and nothing is in doubt."""
        return not self.spelled and not self.doubtful
