"""A blocking iterator, such as ``PageReader.read_progressively``, for the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

T = TypeVar("T")


class _End:
    pass


async def iterate_in_thread(begin: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
    """Yield what a blocking iterator yields; each step runs on a worker thread.

    Args:
        begin: makes the iterator; called on the worker thread too, because a function that is no
            generator does its work there.

    A step that has begun cannot be cancelled: after a cancellation its result is dropped when it
    comes, and the iterator is not asked again.
    """
    end = _End()
    iterator = await asyncio.to_thread(begin)
    while True:
        item = await asyncio.to_thread(next, iterator, end)
        if isinstance(item, _End):
            return
        yield item
