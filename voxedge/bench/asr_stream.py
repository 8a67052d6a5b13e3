"""Sound through endpointer and recogniser, as push-to-talk does it after a tap; in virtual time.

A piece of 32 ms arrives every 32 ms; what is done with it takes the CPU time that it takes. So the
wait from the end of speech to the action can be told on a machine that is busy with other work,
and an hour of sound takes as long as its work, not an hour. Between processes a message takes
some 0.3 ms more (``scripts/measure-workers``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxedge.actions import Intent
from voxedge.audio.endpoint import FRAME, Edge, Endpointer
from voxedge.commands.grammar import Grammar
from voxedge.commands.language import CommandLanguage
from voxedge.commands.parse import understand
from voxedge.engines.asr.protocol import RATE_HZ, Heard, Recogniser

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Int16Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was made of one utterance.

    Attributes:
        heard: of the recogniser.
        intent: what would be done.
        at_ms: when, from the beginning of the sound.
    """

    heard: Heard
    intent: Intent | None
    at_ms: float


class Listener:
    """An open microphone. Not thread-safe.

    Args:
        engine: with its grammar set.
        language: of the grammar.
        grammar: what may be said.
        endpointer: makes what finds the speech; one for each sound.
    """

    def __init__(
        self,
        engine: Recogniser,
        language: CommandLanguage,
        grammar: Grammar,
        endpointer: Callable[[], Endpointer],
    ) -> None:
        self._engine = engine
        self._language = language
        self._grammar = grammar
        self._endpointer = endpointer
        self.cpu_s = 0.0
        self.heard_s = 0.0
        self.utterances = 0

    def listen(self, sound: Int16Samples) -> Iterator[Outcome]:
        """Yield what is made of each utterance in ``int16`` ``[n]``."""
        busy_ms, open_ = 0.0, False
        endpointer = self._endpointer()
        self._engine.reset()
        for start in range(0, len(sound), FRAME):
            piece = sound[start : start + FRAME]
            busy_ms = max(busy_ms, 1000 * (start + len(piece)) / RATE_HZ)
            self.heard_s += len(piece) / RATE_HZ
            began_s = time.process_time()
            heard: Heard | None = None
            for edge, samples in endpointer.hear(piece):
                if edge is Edge.START:
                    open_ = True
                    self.utterances += 1
                if not open_:
                    continue  # settled: this is the silence after it
                heard = self._engine.feed(samples)
                if edge in (Edge.END, Edge.TOO_LONG) or (heard is not None and heard.settled):
                    heard = self._engine.finish()
                if heard is not None and heard.final:
                    open_ = False
            spent_s = time.process_time() - began_s
            self.cpu_s += spent_s
            busy_ms += 1000 * spent_s
            if heard is not None and heard.final:
                yield self._made(heard, busy_ms)
        if open_:
            yield self._made(self._engine.finish(), busy_ms)

    def _made(self, heard: Heard, at_ms: float) -> Outcome:
        made = understand(heard.text, heard.confidence, self._language, self._grammar)
        return Outcome(heard, made.intent, at_ms)
