"""Two voices behind one door, so that the device is never silent.

What a listener needs when a voice dies in the middle of a sentence is the whole sentence: half a
dose is worse than none. So the other voice says the utterance again from its start, after a short
silence that makes the new start audible as one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np

from voxedge.engines.protocols import Synthesizer
from voxedge.engines.tts.failure_tone import failure_tone
from voxedge.errors import EmptyText, TextTooLong, VoiceCorrupt, VoiceFailed, VoxedgeError
from voxedge.flow import PcmChunk, Utterance, VoiceKind

logger = logging.getLogger(__name__)

NATURAL_RATE_MAX = 2.0
"""Fastest rate at which the neural voice is used; ``docs/voices.md`` has the measurement."""

LOUDEST = 1.5
"""A sample beyond this is no overshoot of a filter but a defect, and a blow to the ear."""

LONGEST_S = 180.0
"""A voice that talks longer in one breath is caught in a loop: 500 words at half speed."""

RESTART_GAP_MS = 300
_REST_BASE_S, _REST_MAX_S = 5.0, 300.0


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a voice may take before it counts as hung.

    Attributes:
        first_chunk_s: until the first sound; loading the networks falls in here.
        next_chunk_s: between two chunks.
        close_s: to let go of an utterance.
    """

    first_chunk_s: float = 12.0
    next_chunk_s: float = 6.0
    close_s: float = 2.0


@dataclass(frozen=True, slots=True)
class VoiceSwitch:
    """A change of voice that nobody asked for, or the return from one.

    Attributes:
        spoken_by: name of the voice that speaks from now on.
        error: what the natural voice failed with; None when it is back.
    """

    spoken_by: str
    error: VoxedgeError | None


@runtime_checkable
class _Loads(Protocol):
    """A voice that can load before it is asked to speak."""

    async def warm_up(self) -> None: ...


class FallbackVoice:
    """The natural voice, and the formant voice wherever that fails (``Synthesizer``).

    After a failure the formant voice keeps the floor for a while (5 s, doubling up to 5 minutes),
    so that a broken natural voice does not cost every sentence its deadline.

    Args:
        natural: the neural voice, or the error that kept it from opening.
        formant: the formant voice.
        languages: BCP 47 tags that the natural voice speaks; a region is ignored.
        on_switch: told once of each change of voice.
        natural_rate_max: rates above this go to the formant voice.
        deadlines: for every call of a voice.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        natural: Synthesizer | VoxedgeError,
        formant: Synthesizer,
        *,
        languages: tuple[str, ...] = ("en",),
        on_switch: Callable[[VoiceSwitch], None] | None = None,
        natural_rate_max: float = NATURAL_RATE_MAX,
        deadlines: Deadlines | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._natural = natural if not isinstance(natural, VoxedgeError) else None
        self._unopened = natural if isinstance(natural, VoxedgeError) else None
        self._formant = formant
        self._languages = frozenset(_primary(tag) for tag in languages)
        self._on_switch = on_switch or (lambda _: None)
        self._rate_max = natural_rate_max
        self._deadlines = deadlines or Deadlines()
        self._clock = clock
        self._failures = 0
        self._rests_until = 0.0
        self._away = False

    @property
    def name(self) -> str:
        """Name of the natural voice; of the formant voice if there is no natural one."""
        return (self._natural or self._formant).name

    @property
    def rate_hz(self) -> int:
        """Samples a second of every chunk; the other voice is resampled to it."""
        return (self._natural or self._formant).rate_hz

    async def warm_up(self) -> None:
        """Load the natural voice now, while something else is waited for.

        A failure is not raised here: it shows, and is answered, at the first utterance.
        """
        if isinstance(self._natural, _Loads):
            with contextlib.suppress(VoxedgeError):
                await self._natural.warm_up()

    async def stream(self, utterance: Utterance) -> AsyncIterator[PcmChunk]:
        """Synthesize with the voice that suits, else with the other; see ``Synthesizer.stream``.

        When both fail a failure tone comes out (not marked ``last``) before the error.

        Raises:
            EmptyText: there is nothing to say; no voice could help.
            TextTooLong: more than a voice takes.
            VoxedgeError: both voices failed; the last failure.
        """
        failure: VoxedgeError | None = None
        order = self._order(utterance)
        for voice in order:
            spoken = False
            stands_in = voice is not order[0] or self._rests(utterance)
            try:
                async with aclosing(self._checked(voice, utterance)) as chunks:
                    async for chunk in chunks:
                        spoken = True
                        yield replace(chunk, stand_in=True) if stands_in else chunk
            except (EmptyText, TextTooLong):
                raise
            except VoxedgeError as error:
                failure = error
                self._failed(voice, error)
                if spoken:
                    yield self._gap()
            else:
                self._succeeded(voice)
                return
        yield failure_tone(self.rate_hz)
        raise failure or VoiceFailed(voice=self.name, reason="there is no voice")

    def close(self) -> None:
        """Close both voices. Idempotent."""
        if self._natural is not None:
            self._natural.close()
        self._formant.close()

    def _order(self, utterance: Utterance) -> tuple[Synthesizer, ...]:
        if self._natural is None:
            if self._unopened is not None:
                self._report(VoiceSwitch(self._formant.name, self._unopened))
            return (self._formant,)
        prefers_formant = self._suits_formant(utterance) or self._rests(utterance)
        both = (self._natural, self._formant)
        return both[::-1] if prefers_formant else both

    def _suits_formant(self, utterance: Utterance) -> bool:
        """Whether the formant voice is the right one, and no stand-in."""
        return (
            utterance.kind is VoiceKind.FORMANT
            or utterance.rate > self._rate_max
            or _primary(utterance.language) not in self._languages
        )

    def _rests(self, utterance: Utterance) -> bool:
        """Whether the natural voice would say this, were it not for its last failure."""
        return not self._suits_formant(utterance) and self._clock() < self._rests_until

    def _failed(self, voice: Synthesizer, error: VoxedgeError) -> None:
        logger.warning("voice %s failed: %s", voice.name, error)
        if voice is not self._natural:
            return
        self._failures += 1
        # A damaged file does not heal by itself; a crash may.
        doublings = 20 if isinstance(error, VoiceCorrupt) else self._failures - 1
        rest_s = min(_REST_MAX_S, _REST_BASE_S * 2.0**doublings)
        self._rests_until = self._clock() + rest_s
        self._report(VoiceSwitch(self._formant.name, error))

    def _succeeded(self, voice: Synthesizer) -> None:
        if voice is self._natural:
            self._failures = 0
            if self._away:
                self._away = False
                self._on_switch(VoiceSwitch(voice.name, None))

    def _report(self, switch: VoiceSwitch) -> None:
        if not self._away:
            self._away = True
            self._on_switch(switch)

    def _gap(self) -> PcmChunk:
        silence = np.zeros(self.rate_hz * RESTART_GAP_MS // 1000, dtype=np.float32)
        return PcmChunk(silence, self.rate_hz)

    async def _checked(
        self, voice: Synthesizer, utterance: Utterance
    ) -> AsyncGenerator[PcmChunk, None]:
        """One voice's chunks at our rate, in time and sound; every failure a ``VoxedgeError``."""
        # The protocol promises an async iterator that can be closed: an async generator.
        source = cast("AsyncGenerator[PcmChunk, None]", voice.stream(utterance))
        resampler = _resampler(voice.rate_hz, self.rate_hz)
        limit_s, heard = self._deadlines.first_chunk_s, 0
        try:
            while True:
                chunk = await _next(voice, source, limit_s)
                check_chunk(chunk, voice)
                heard += len(chunk.samples)
                if chunk.last and not heard:
                    raise VoiceFailed(voice=voice.name, reason="it made no sound")
                if heard > LONGEST_S * voice.rate_hz:
                    raise VoiceFailed(voice=voice.name, reason="it does not come to an end")
                if resampler is not None:
                    samples = resampler.resample_chunk(chunk.samples, last=chunk.last)
                    chunk = PcmChunk(samples, self.rate_hz, chunk.last, chunk.stand_in)
                yield chunk
                if chunk.last:
                    return
                limit_s = self._deadlines.next_chunk_s
        finally:
            await _let_go(voice, source, self._deadlines.close_s)


def check_chunk(chunk: PcmChunk, voice: Synthesizer) -> None:
    """Refuse what is no sound of this voice.

    Raises:
        VoiceFailed: not a row of finite ``float32`` at the rate the voice promised.
    """
    samples = chunk.samples
    if not isinstance(samples, np.ndarray) or samples.ndim != 1 or samples.dtype != np.float32:
        raise VoiceFailed(voice=voice.name, reason="its samples are not a row of float32")
    if chunk.rate_hz != voice.rate_hz:
        reason = f"{chunk.rate_hz} Hz where it promised {voice.rate_hz}"
        raise VoiceFailed(voice=voice.name, reason=reason)
    if not np.isfinite(samples).all():
        raise VoiceFailed(voice=voice.name, reason="its samples are not finite")
    if np.max(np.abs(samples), initial=0.0) > LOUDEST:
        raise VoiceFailed(voice=voice.name, reason="its samples are beyond full scale")


async def _next(
    voice: Synthesizer, source: AsyncGenerator[PcmChunk, None], limit_s: float
) -> PcmChunk:
    try:
        async with asyncio.timeout(limit_s):
            return await anext(source)
    except TimeoutError as error:
        raise VoiceFailed(voice=voice.name, reason=f"no sound for {limit_s:g} s") from error
    except StopAsyncIteration as error:
        raise VoiceFailed(voice=voice.name, reason="it broke off") from error
    except VoxedgeError:
        raise
    except MemoryError as error:
        raise VoiceFailed(voice=voice.name, reason="out of memory") from error
    except Exception as error:  # an engine may die of anything; the device must still speak
        raise VoiceFailed(voice=voice.name, reason=type(error).__name__) from error


async def _let_go(
    voice: Synthesizer, source: AsyncGenerator[PcmChunk, None], limit_s: float
) -> None:
    try:
        async with asyncio.timeout(limit_s):
            await source.aclose()
    except TimeoutError:
        logger.warning("voice %s did not let go within %g s", voice.name, limit_s)
    except Exception as error:  # noqa: BLE001 - the utterance is over; its end must not fail it
        logger.warning("voice %s failed while closing: %s", voice.name, type(error).__name__)


def _resampler(from_hz: int, to_hz: int) -> Any:
    if from_hz == to_hz:
        return None
    import soxr

    return soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32")


def _primary(tag: str) -> str:
    return tag.lower().replace("_", "-").split("-")[0]
