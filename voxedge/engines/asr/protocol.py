"""What the house asks of a recogniser of speech."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from voxedge.commands.grammar import Grammar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Int16Samples = npt.NDArray[np.int16]

RATE_HZ = 16_000
"""Of every sample that a recogniser is fed."""

LONGEST_S = 12.0
"""Of one utterance. No command takes longer; a recogniser drops what goes on beyond it."""


@dataclass(frozen=True, slots=True)
class HeardWord:
    """One recognised word.

    Attributes:
        text: as the engine spells it.
        start_ms: from the start of the utterance.
        end_ms: likewise.
        confidence: 0 to 1.
    """

    text: str
    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What was recognised so far.

    Attributes:
        text: the words; "" for nothing, or nothing that the grammar holds.
        words: one by one; empty for a partial result.
        confidence: 0 to 1, calibrated so that 0.5 parses "more likely right than not".
        final: no more will come of this utterance.
        end_ms: where its last word ends.
        settled: with a partial result: the words are a whole command, and the silence after them is
            longer than any pause before more words that the grammar knows. A listener that no
            finger holds open calls ``finish`` now, instead of waiting for the endpointer.
    """

    text: str
    words: tuple[HeardWord, ...] = ()
    confidence: float = 0.0
    final: bool = True
    end_ms: int = 0
    settled: bool = False


NOTHING = Heard("")


class Recogniser(Protocol):
    """An engine that hears one utterance after another.

    Blocking, and not thread-safe: used from one thread of a worker process.
    """

    @property
    def name(self) -> str:
        """Stable name for messages and JSON ("vosk", "pocketsphinx")."""
        ...

    @property
    def language(self) -> str:
        """BCP 47 tag."""
        ...

    def set_grammar(self, grammar: Grammar) -> int:
        """Say what may be heard from the next utterance on.

        Returns:
            How many of the grammar's phrases the engine cannot hear, for want of a word.

        Raises:
            RecogniserFailed: nothing of it can be heard, or there is nothing in it.
        """
        ...

    def feed(self, samples: Int16Samples) -> Heard | None:
        """Take a piece of sound, best 30 to 100 ms.

        Args:
            samples: ``int16`` ``[n]``, mono, at ``RATE_HZ``.

        Returns:
            A partial result that differs from the last one (see ``Heard.settled``), the final one
            where the engine ended the utterance by itself, or None.
        """
        ...

    def unheard(self, grammar: Grammar) -> tuple[str, ...]:
        """Return the phrases of a grammar that the engine cannot hear, for want of a word."""
        ...

    def declined(self, grammar: Grammar) -> tuple[str, ...]:
        """Return the phrases that it could hear, but takes other sounds for; it does not listen."""
        ...

    def finish(self) -> Heard:
        """Return the final result and be ready for the next utterance."""
        ...

    def reset(self) -> None:
        """Forget the utterance."""
        ...

    def close(self) -> None:
        """Free the model. Idempotent."""
        ...
