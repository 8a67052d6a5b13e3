"""From an utterance to its samples: the cache, and a guard around the voice.

Which voice speaks, and what happens when one fails, is the synthesizer's own affair
(``engines.tts.fallback``). The guard here is the owner's: it must never wait for ever, and no
chunk reaches a loudspeaker unseen. Runs on the event loop; the heavy work does not.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from voxedge.errors import VoiceFailed, VoxedgeError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxedge.engines.protocols import Synthesizer
    from voxedge.flow import PcmChunk, Utterance
    from voxedge.speech.cache import SpeechCache

_LOG = logging.getLogger(__name__)

LONGEST_UTTERANCE_S = 420.0
"""An engine that talks longer in one breath is caught in a loop. A ``FallbackVoice`` ends each of
its voices long before; this is for the two together, and bounds the memory: 37 MB."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a synthesizer may take before it counts as hung.

    Longer than the sum of the deadlines of both voices behind a ``FallbackVoice`` (12 s to the
    first chunk of each): whoever can still help must be given the time to.

    Attributes:
        first_chunk_s: to the first chunk of an utterance.
        next_chunk_s: between chunks; a voice that fails midway begins anew with another.
        close_s: to end a stream that is no longer wanted.
    """

    first_chunk_s: float = 30.0
    next_chunk_s: float = 30.0
    close_s: float = 5.0


class Renderer:
    """One synthesizer, guarded and cached.

    Args:
        synthesizer: makes the sound.
        cache: whole utterances.
        deadlines: for every call.
    """

    def __init__(self, synthesizer: Synthesizer, cache: SpeechCache, deadlines: Deadlines) -> None:
        self._voice = synthesizer
        self._cache = cache
        self._deadlines = deadlines

    async def stream(self, utterance: Utterance) -> AsyncGenerator[PcmChunk, None]:
        """Yield the chunks of an utterance, checked; the last one has ``last`` set.

        Close it (``aclosing``): that ends the synthesis.

        Raises:
            VoxedgeError: the voice failed.
        """
        name = self._voice.name
        held = self._cache.get(name, utterance)
        if held is not None:
            for chunk in held:
                yield chunk
            return
        whole: list[PcmChunk] = []
        spoken_s = 0.0
        # The protocol promises an async iterator that can be closed: an async generator.
        source = cast("AsyncGenerator[PcmChunk, None]", self._voice.stream(utterance))
        try:
            while not (whole and whole[-1].last):
                chunk = await self._next(source, first=not whole)
                _check(chunk, name)
                if whole and chunk.rate_hz != whole[0].rate_hz:
                    raise VoiceFailed(voice=name, reason="its sample rate changed")
                spoken_s += chunk.duration_ms / 1000.0
                if spoken_s > LONGEST_UTTERANCE_S:
                    raise VoiceFailed(voice=name, reason="it did not come to an end")
                if chunk.last and spoken_s == 0.0 and utterance.text.strip():
                    raise VoiceFailed(voice=name, reason="it made no sound")
                whole.append(chunk)
                yield chunk
        finally:
            await self._close(source)
        if not any(chunk.stand_in for chunk in whole):
            self._cache.put(name, utterance, tuple(whole))

    async def _next(self, source: AsyncGenerator[PcmChunk, None], *, first: bool) -> PcmChunk:
        name = self._voice.name
        limit_s = self._deadlines.first_chunk_s if first else self._deadlines.next_chunk_s
        try:
            async with asyncio.timeout(limit_s):
                return await anext(source)
        except TimeoutError as error:
            raise VoiceFailed(voice=name, reason=f"no sound for {limit_s:g} s") from error
        except StopAsyncIteration as error:
            raise VoiceFailed(voice=name, reason="it broke off") from error
        except VoxedgeError:
            raise
        except Exception as error:  # Whatever an engine raises is its failure, not ours.
            raise VoiceFailed(voice=name, reason=type(error).__name__) from error

    async def _close(self, source: AsyncGenerator[PcmChunk, None]) -> None:
        name = self._voice.name
        try:
            async with asyncio.timeout(self._deadlines.close_s):
                await source.aclose()
        except TimeoutError:
            _LOG.warning("voice %s did not let go within a deadline", name)
        except Exception as error:  # noqa: BLE001 - the line is over; its end must not fail it
            _LOG.warning("voice %s failed while closing: %s", name, type(error).__name__)


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
