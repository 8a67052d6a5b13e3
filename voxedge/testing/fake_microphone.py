"""Microphones that misbehave, and ears that always hear the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from voxedge.audio.capture import RATE_HZ
from voxedge.audio.microphone_level import MicrophoneHealth
from voxedge.commands.grammar import Grammar
from voxedge.engines.asr.protocol import Heard
from voxedge.errors import MicrophoneDead, MicrophoneLost, MicrophoneMissing, RecogniserFailed

if TYPE_CHECKING:
    import numpy.typing as npt

    Int16Samples = npt.NDArray[np.int16]

PIECE = RATE_HZ // 10


class Flaw(Enum):
    """What is wrong with a microphone."""

    NONE = "none"
    MISSING = "missing"
    DEAD = "dead"
    CLIPPED = "clipped"
    VANISHING = "vanishing"
    """It is pulled out after a second."""
    FLOOD = "flood"
    """It delivers without a pause, as fast as it is asked."""


class FakeMicrophone:
    """A ``SoundSource`` that plays a recording in (virtual) real time, then quiet noise for ever.

    Args:
        samples: ``int16`` ``[n]`` at 16 kHz.
        flaw: what is wrong with it.
    """

    def __init__(self, samples: Int16Samples, flaw: Flaw = Flaw.NONE) -> None:
        self._samples = samples
        self._flaw = flaw
        self.opened = 0
        self.closed = 0

    async def pieces(self) -> AsyncIterator[Int16Samples]:
        """Yield pieces of 100 ms."""
        if self._flaw is Flaw.MISSING:
            raise MicrophoneMissing(reason="none is connected")
        self.opened += 1
        random, health = np.random.default_rng(7), MicrophoneHealth(RATE_HZ)
        start = 0
        try:
            while True:
                # Flooding or not, other tasks get their turn.
                await asyncio.sleep(0 if self._flaw is Flaw.FLOOD else 0.1)
                piece = self._samples[start : start + PIECE]
                if len(piece) < PIECE:
                    noise = random.normal(0.0, 3.0, PIECE - len(piece)).astype(np.int16)
                    piece = np.concatenate([piece, noise])
                if self._flaw is Flaw.DEAD:
                    piece = np.zeros(PIECE, dtype=np.int16)
                elif self._flaw is Flaw.CLIPPED:
                    piece = np.where(piece >= 0, 32767, -32768).astype(np.int16)
                start += PIECE
                health.hear(piece)
                if health.dead:
                    raise MicrophoneDead(reason="the fake gives silence only")
                if self._flaw is Flaw.VANISHING and start > RATE_HZ:
                    raise MicrophoneLost(device="the fake")
                yield piece
        finally:
            self.closed += 1


class FakeEar:
    """An ear that answers from a list, one answer an utterance; "!" is a failure.

    Args:
        answers: text and confidence of each utterance.
        settles_at: samples after which it takes the utterance for a whole command; 0 never.
    """

    def __init__(self, answers: Sequence[tuple[str, float]], settles_at: int = 0) -> None:
        self._answers = list(answers)
        self._settles_at = settles_at
        self.grammars: list[Grammar] = []
        self.fed = 0

    async def set_grammar(self, grammar: Grammar) -> int:
        """Remember it."""
        self.grammars.append(grammar)
        return 0

    async def feed(self, samples: Int16Samples) -> Heard | None:
        """Count the samples."""
        self.fed += len(samples)
        if 0 < self._settles_at <= self.fed:
            return Heard(self._answers[0][0], (), 0.0, final=False, settled=True)
        return None

    async def finish(self) -> Heard:
        """Return the next answer.

        Raises:
            RecogniserFailed: the answer is "!".
        """
        text, confidence = self._answers.pop(0)
        if text == "!":
            raise RecogniserFailed(reason="killed by SIGSEGV")
        return Heard(text, (), confidence)

    async def reset(self) -> None:
        """Forget nothing."""
