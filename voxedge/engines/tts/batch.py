"""Many utterances in a row: the next one is made while this one is being used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from typing import cast

from voxedge.engines.protocols import Synthesizer
from voxedge.errors import VoxedgeError
from voxedge.flow import PcmChunk, Utterance

_Item = tuple[int, PcmChunk | Exception] | None

PREFETCH_CHUNKS = 16
"""Chunks made ahead: about 15 s of speech and 1.3 MB."""


async def synthesize_many(
    voice: Synthesizer,
    utterances: Iterable[Utterance],
    *,
    prefetch_chunks: int = PREFETCH_CHUNKS,
    on_error: Callable[[int, VoxedgeError], None] | None = None,
) -> AsyncIterator[tuple[int, PcmChunk]]:
    """Synthesize utterances in order, working ahead by a bounded amount.

    Closing the iterator or cancelling the task stops the work.

    Args:
        voice: who speaks.
        utterances: what to say; taken one by one as they are needed.
        prefetch_chunks: chunks that may wait to be used.
        on_error: told of an utterance that failed, which is then left out (chunks of it may
            have come); None to raise instead.

    Yields:
        The utterance's number from 0 and its next chunk.

    Raises:
        VoxedgeError: an utterance failed and ``on_error`` is None.
    """
    ready: asyncio.Queue[_Item] = asyncio.Queue(max(1, prefetch_chunks))
    worker = asyncio.create_task(_work(voice, utterances, ready), name="synthesize_many")
    try:
        while (item := await ready.get()) is not None:
            number, result = item
            if isinstance(result, PcmChunk):
                yield number, result
            elif isinstance(result, VoxedgeError) and on_error is not None:
                on_error(number, result)
            else:
                raise result
    finally:
        worker.cancel()
        await asyncio.wait({worker})


async def _work(
    voice: Synthesizer, utterances: Iterable[Utterance], ready: asyncio.Queue[_Item]
) -> None:
    number = 0
    try:
        for number, utterance in enumerate(utterances):
            source = cast("AsyncGenerator[PcmChunk, None]", voice.stream(utterance))
            try:
                async with aclosing(source) as chunks:
                    async for chunk in chunks:
                        await ready.put((number, chunk))
            except VoxedgeError as error:
                await ready.put((number, error))
    except Exception as error:  # noqa: BLE001 - raised where the chunks are taken
        await ready.put((number, error))
    else:
        await ready.put(None)
