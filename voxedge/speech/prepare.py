"""Speak phrases into a cache before anybody waits for them."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from voxedge.errors import DiskFull, VoxedgeError

if TYPE_CHECKING:
    from voxedge.engines.protocols import Synthesizer
    from voxedge.flow import PcmChunk, Utterance
    from voxedge.speech.phrase_cache import PhraseCache

_LOG = logging.getLogger(__name__)


async def prepare_phrases(
    voice: Synthesizer,
    cache: PhraseCache,
    utterances: Iterable[Utterance],
    on_done: Callable[[], None] | None = None,
) -> int:
    """Synthesize what the cache lacks; return how many utterances failed.

    Broken off, it goes on where it was when called again. A phrase that fails is left out: the
    voice will be asked for it when it is needed.

    Args:
        voice: the natural voice itself, without a fallback: no other voice's sound may be kept
            under its name.
        cache: gets each utterance whole.
        utterances: what to say.
        on_done: told after each.

    Raises:
        DiskFull: the cache takes nothing more.
    """
    failed = 0
    for utterance in utterances:
        if utterance not in cache:
            try:
                chunks = await _whole(voice, utterance)
            except VoxedgeError as error:
                _LOG.warning("a phrase of the device was not spoken: %s", error)
                failed += 1
            else:
                if not cache.put(utterance, chunks):
                    raise DiskFull(path=cache.folder)
        if on_done is not None:
            on_done()
    return failed


async def phrase_sound(
    voice: Synthesizer, utterance: Utterance, cache: PhraseCache | None
) -> tuple[PcmChunk, ...]:
    """The sound of one of the device's own phrases: as it was kept, or spoken now and kept.

    Args:
        voice: the natural voice itself.
        utterance: what to say; never text of a page, for it may end on a disk.
        cache: None for nothing kept.

    Raises:
        VoxedgeError: the voice failed.
    """
    chunks = cache.get(utterance) if cache is not None else None
    if chunks is None:
        chunks = await _whole(voice, utterance)
        if cache is not None:
            cache.put(utterance, chunks)
    return chunks


async def _whole(voice: Synthesizer, utterance: Utterance) -> tuple[PcmChunk, ...]:
    # The protocol promises an async iterator that can be closed: an async generator.
    source = cast("AsyncGenerator[PcmChunk, None]", voice.stream(utterance))
    async with aclosing(source) as stream:
        return tuple([chunk async for chunk in stream])
