"""The voices an owner speaks with: which one says what, and what happens when it fails.

Engines hang, crash in the middle and answer garbage. Every chunk has a deadline and is looked at
before it may go on; a voice that fails once gives the line to the other voice, so that the device
is never silent. Runs on the event loop; the engines' heavy work does not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from voxedge.errors import VoiceFailed, VoxedgeError
from voxedge.flow import PcmChunk, VoiceKind
from voxedge.speech.cache import SpeechCache

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxedge.engines.protocols import Synthesizer
    from voxedge.flow import Utterance

_LOG = logging.getLogger(__name__)

LONGEST_UTTERANCE_S = 180.0
"""An engine that talks longer in one breath is caught in a loop; a sentence of 500 words at half
speed takes 170 s."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long an engine may take before it counts as hung.

    Attributes:
        first_chunk_s: a long sentence on a busy Raspberry Pi 4B takes 3 s to its first chunk.
        next_chunk_s: between chunks.
        close_s: to end a stream that is no longer wanted.
    """

    first_chunk_s: float = 12.0
    next_chunk_s: float = 6.0
    close_s: float = 2.0


@dataclass(frozen=True, slots=True)
class FellBack:
    """In a stream of chunks: forget this line's chunks so far, another voice starts it anew."""

    error: VoxedgeError


class Voices:
    """One or two voices behind one stream.

    Args:
        natural: says everything of ``VoiceKind.NATURAL``.
        formant: says ``VoiceKind.FORMANT`` and every line the other fails on. None: the natural
            voice says all, and its failure is the line's.
        cache: whole utterances, shared by both.
        deadlines: for every call.
    """

    def __init__(
        self,
        natural: Synthesizer,
        formant: Synthesizer | None = None,
        *,
        cache: SpeechCache | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        self._natural = natural
        self._formant = formant
        self._cache = SpeechCache() if cache is None else cache
        self._deadlines = deadlines or Deadlines()

    async def stream(self, utterance: Utterance) -> AsyncIterator[PcmChunk | FellBack]:
        """Yield the chunks of an utterance, checked; the last one has ``last`` set.

        Raises:
            VoxedgeError: no voice could say it.
        """
        order = self._order(utterance)
        for number, voice in enumerate(order):
            try:
                async with aclosing(self._stream_one(voice, utterance)) as chunks:
                    async for chunk in chunks:
                        yield chunk
            except VoxedgeError as error:
                if number + 1 == len(order):
                    raise
                _LOG.warning("voice %s failed, trying %s: %s", voice.name, order[1].name, error)
                yield FellBack(error)
            else:
                return

    def _order(self, utterance: Utterance) -> list[Synthesizer]:
        if self._formant is None:
            return [self._natural]
        if utterance.kind is VoiceKind.FORMANT:
            return [self._formant, self._natural]
        return [self._natural, self._formant]

    async def _stream_one(
        self, voice: Synthesizer, utterance: Utterance
    ) -> AsyncGenerator[PcmChunk, None]:
        held = self._cache.get(voice.name, utterance)
        if held is not None:
            for chunk in held:
                yield chunk
            return
        whole: list[PcmChunk] = []
        spoken_s = 0.0
        # The protocol promises an async iterator that can be closed: an async generator.
        source = cast("AsyncGenerator[PcmChunk, None]", voice.stream(utterance))
        try:
            while not (whole and whole[-1].last):
                chunk = await self._next(voice, source, first=not whole)
                _check(chunk, voice.name)
                if whole and chunk.rate_hz != whole[0].rate_hz:
                    raise VoiceFailed(voice=voice.name, reason="its sample rate changed")
                spoken_s += chunk.duration_ms / 1000.0
                if spoken_s > LONGEST_UTTERANCE_S:
                    raise VoiceFailed(voice=voice.name, reason="it did not come to an end")
                whole.append(chunk)
                if chunk.last and spoken_s == 0.0 and utterance.text.strip():
                    raise VoiceFailed(voice=voice.name, reason="it made no sound")
                yield chunk
        finally:
            await self._close(voice, source)
        self._cache.put(voice.name, utterance, tuple(whole))

    async def _next(
        self, voice: Synthesizer, source: AsyncGenerator[PcmChunk, None], *, first: bool
    ) -> PcmChunk:
        limit_s = self._deadlines.first_chunk_s if first else self._deadlines.next_chunk_s
        try:
            async with asyncio.timeout(limit_s):
                return await anext(source)
        except TimeoutError as error:
            raise VoiceFailed(voice=voice.name, reason=f"no sound for {limit_s:g} s") from error
        except StopAsyncIteration as error:
            raise VoiceFailed(voice=voice.name, reason="it broke off") from error
        except VoxedgeError:
            raise
        except Exception as error:
            raise VoiceFailed(voice=voice.name, reason=type(error).__name__) from error

    async def _close(self, voice: Synthesizer, source: AsyncGenerator[PcmChunk, None]) -> None:
        try:
            async with asyncio.timeout(self._deadlines.close_s):
                await source.aclose()
        except TimeoutError:
            _LOG.warning("voice %s did not let go within a deadline", voice.name)
        except Exception as error:  # noqa: BLE001 - the line is over; its end must not fail it
            _LOG.warning("voice %s failed while closing: %s", voice.name, type(error).__name__)


def _check(chunk: PcmChunk, voice: str) -> None:
    """Refuse what is no sound.

    Raises:
        VoiceFailed: with what is wrong.
    """
    samples = chunk.samples
    if not isinstance(samples, np.ndarray) or samples.ndim != 1 or samples.dtype != np.float32:
        raise VoiceFailed(voice=voice, reason="its samples are not a row of float32")
    if not 4_000 <= chunk.rate_hz <= 192_000:
        raise VoiceFailed(voice=voice, reason=f"a sample rate of {chunk.rate_hz} Hz")
    if not np.isfinite(samples).all():
        raise VoiceFailed(voice=voice, reason="its samples are not finite")
