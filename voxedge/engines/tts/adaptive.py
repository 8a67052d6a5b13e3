"""A ladder of voices: the best one the device can afford speaks, never two in one sentence."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from statistics import median
from typing import Any, cast

from voxedge.engines.protocols import Synthesizer
from voxedge.engines.tts.quality import QualityRules, QualityState, Readings, next_quality
from voxedge.errors import VoxedgeError
from voxedge.flow import PcmChunk, Utterance

_LOG = logging.getLogger(__name__)

_SENTENCE_ENDS = ".!?…。！？"
_CLOSERS = "\"'”’»)]"
_LONG_PAUSE_MS = 600
"""At rate 1.0; a silence like this follows a heading or paragraph, with or without a full stop."""

HELD_MAX_S = 20.0
"""A text without any full stop (a list, a table) is taken for one sentence no longer than this."""

_RTF_UTTERANCES = 3
"""The pace is the middle one of so many utterances: one that waited for a voice being loaded says
nothing."""

_RTF_SHORTEST_S = 0.5
"""An utterance with less sound than this ("Ready.") tells nothing of the pace."""


class AdaptiveVoice:
    """Several voices as one (``Synthesizer``). For one event loop.

    Put it behind a ``FallbackVoice`` as its natural voice: what fails here is raised.

    Args:
        ladder: voices from the best to the cheapest, the formant voice last; closed with this.
        sense: looks at the box; its ``real_time_factor`` is replaced by what is measured here.
        rules: when to change.
        clock: seconds that only grow.
        on_change: told of the voice that speaks from now on.
    """

    def __init__(
        self,
        ladder: Sequence[Synthesizer],
        sense: Callable[[], Readings],
        *,
        rules: QualityRules | None = None,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[str], None] | None = None,
    ) -> None:
        if not ladder:
            raise ValueError("a ladder without a voice")
        self._ladder = tuple(ladder)
        self._sense = sense
        self._rules = rules or QualityRules()
        self._clock = clock
        self._on_change = on_change
        self._state = QualityState()
        self._at_least = 0
        self._released = False
        self._paces: deque[float] = deque(maxlen=_RTF_UTTERANCES)
        self._sentence_since_s: float | None = None

    @property
    def name(self) -> str:
        """Name of the best voice, whichever speaks: the key of what is remembered of it."""
        return self._ladder[0].name

    @property
    def rate_hz(self) -> int:
        """Samples a second of every chunk; cheaper voices are resampled to the best one's."""
        return self._ladder[0].rate_hz

    @property
    def rung(self) -> int:
        """Where on the ladder; 0 is the best voice."""
        return self._state.rung

    @property
    def spoken_by(self) -> str:
        """Name of the voice that speaks."""
        return self._ladder[self._state.rung].name

    def ask_for(self, rung: int) -> None:
        """Use no better voice than this from the next sentence on; 0 to use the best again."""
        self._released = rung < self._at_least and self._at_least == self._state.rung
        self._at_least = rung

    async def stream(self, utterance: Utterance) -> AsyncIterator[PcmChunk]:
        """Synthesize with the present voice; see ``Synthesizer.stream``.

        A cheaper voice that fails before its first sound (espeak-ng is not installed) leaves the
        utterance to the better ones.
        """
        if self._between_sentences():
            self._decide()
        self._note_sentence(utterance)
        for rung in range(self._state.rung, -1, -1):
            spoken = False
            try:
                async with aclosing(self._speak(self._ladder[rung], utterance)) as chunks:
                    async for chunk in chunks:
                        spoken = True
                        yield replace(chunk, stand_in=True) if rung else chunk
            except VoxedgeError as error:
                if spoken or rung == 0:
                    raise
                _LOG.warning("voice %s failed: %s", self._ladder[rung].name, error)
            else:
                return

    async def _speak(
        self, voice: Synthesizer, utterance: Utterance
    ) -> AsyncGenerator[PcmChunk, None]:
        """One voice's chunks at our rate; its pace is noted."""
        resampler = _resampler(voice.rate_hz, self.rate_hz)
        # The protocol promises an async iterator that can be closed: an async generator.
        source = cast("AsyncGenerator[PcmChunk, None]", voice.stream(utterance))
        spent_s = sound_s = 0.0
        async with aclosing(source) as chunks:
            while True:
                asked_s = self._clock()
                chunk = await anext(chunks, None)
                spent_s += self._clock() - asked_s
                if chunk is None:
                    return
                sound_s += chunk.duration_ms / 1000.0
                if chunk.last:
                    self._note_pace(spent_s, sound_s)
                if resampler is not None:
                    samples = resampler.resample_chunk(chunk.samples, last=chunk.last)
                    chunk = PcmChunk(samples, self.rate_hz, chunk.last)
                yield chunk
                if chunk.last:
                    return

    def close(self) -> None:
        """Close every voice. Idempotent."""
        for voice in self._ladder:
            voice.close()

    def _between_sentences(self) -> bool:
        since_s = self._sentence_since_s
        return since_s is None or self._clock() - since_s >= HELD_MAX_S

    def _note_sentence(self, utterance: Utterance) -> None:
        """Remember whether what is said now leaves a sentence open."""
        end = utterance.text.rstrip().rstrip(_CLOSERS)[-1:]
        if end in _SENTENCE_ENDS or utterance.pause_after_ms * utterance.rate >= _LONG_PAUSE_MS:
            self._sentence_since_s = None
        elif self._sentence_since_s is None or self._between_sentences():
            self._sentence_since_s = self._clock()

    def _decide(self) -> None:
        seen = self._sense()
        pace = median(self._paces) if len(self._paces) == _RTF_UTTERANCES else None
        readings = replace(seen, real_time_factor=pace)
        before = self._state.rung
        self._state = next_quality(
            self._state,
            readings,
            self._clock(),
            len(self._ladder),
            self._rules,
            self._at_least,
            released=self._released,
        )
        self._released = False
        if self._state.rung != before:
            self._paces.clear()  # of the other voice
            _LOG.info("the voice changes from %s to %s", self._ladder[before].name, self.spoken_by)
            if self._on_change is not None:
                self._on_change(self.spoken_by)

    def _note_pace(self, spent_s: float, sound_s: float) -> None:
        if sound_s >= _RTF_SHORTEST_S:
            self._paces.append(spent_s / sound_s)


def _resampler(from_hz: int, to_hz: int) -> Any:
    if from_hz == to_hz:
        return None
    import soxr

    return soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32")
