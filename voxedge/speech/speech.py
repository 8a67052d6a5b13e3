"""A piece of speech on its way through the owner of the voice."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING

from voxedge.errors import VoxedgeError
from voxedge.flow import Utterance
from voxedge.speech.events import Outcome
from voxedge.speech.lines import Line

if TYPE_CHECKING:
    from voxedge.speech.lines import Place, SpeechClass

Script = AsyncIterator[Line | Utterance] | Iterable[Line | Utterance]
"""What is to be said, all at once or as it becomes known."""

_QUEUED_LINES = 4
"""Lines taken from a script before they are rendered: enough that OCR is never held up by one
sentence, few enough that a whole book is not read ahead."""


class LineSource:
    """A script that can be taken line by line and rewound to the start of the sentence.

    A script that produces lines as it goes (OCR of the next block) is pumped by a task of its
    own, which lives as long as the speech: what cancels a rendering must not break the script.
    """

    def __init__(self, script: Script) -> None:
        self._replay: deque[Line] = deque()
        # Lines taken and not yet part of a finished sentence, the first ``_heard`` of them heard.
        self._trail: deque[Line] = deque()
        self._heard = 0
        self._script: AsyncIterator[Line | Utterance] | None = None
        self._items: Iterator[Line | Utterance] | None = None
        self._queue: asyncio.Queue[Line | VoxedgeError | None] = asyncio.Queue(_QUEUED_LINES)
        self._pump: asyncio.Task[None] | None = None
        self._ending: VoxedgeError | None = None
        self._ended = False
        if isinstance(script, AsyncIterator):
            self._script = script
        else:
            # Taken one by one too: planning a long text whole would delay its first sound.
            self._items = iter(script)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to pump, once; ``tasks`` owns the pump."""
        if self._script is not None and self._pump is None:
            self._pump = tasks.create_task(self._run(self._script), name="speech script")

    async def next(self) -> Line | None:
        """Return the next line, None behind the last.

        Raises:
            VoxedgeError: the script failed; what it gave before has been returned.
        """
        item = self._replay.popleft() if self._replay else await self._take()
        if isinstance(item, Line):
            self._trail.append(item)
            return item
        self._ended = True
        self._ending = item
        if item is not None:
            raise type(item)(**item.details) from item
        return None

    async def _take(self) -> Line | VoxedgeError | None:
        if self._ended:
            return self._ending
        if self._items is None:
            return await self._queue.get()
        try:
            item = next(self._items, None)
        except VoxedgeError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a broken script is its speech's failure only
            return _broken_off(error)
        return None if item is None else _as_line(item)

    def heard(self, line: Line) -> None:
        """Note that the oldest line not yet heard was heard to its end."""
        self._heard += 1
        if line.ends_sentence:
            for _ in range(self._heard):
                self._trail.popleft()
            self._heard = 0

    def rewind(self) -> None:
        """Go back to the start of the sentence that was not heard to its end."""
        self._replay.extendleft(reversed(self._trail))
        self._trail.clear()
        self._heard = 0

    def close(self) -> None:
        """End the pump."""
        if self._pump is not None:
            self._pump.cancel()

    async def _run(self, script: AsyncIterator[Line | Utterance]) -> None:
        ending: VoxedgeError | None = None
        try:
            async for item in script:
                await self._queue.put(_as_line(item))
        except VoxedgeError as error:
            ending = error
        except Exception as error:  # noqa: BLE001 - a broken script is its speech's failure only
            ending = _broken_off(error)
        finally:
            if hasattr(script, "aclose"):
                await script.aclose()
        await self._queue.put(ending)


class Speech:
    """Something that was handed to the owner of the voice; wait for its end.

    Attributes:
        id: counts from 1.
        speech_class: its class.
        lines_spoken: lines heard to their end, repeats after an interruption included.
        place: of the last line that was heard to its end, None before the first.
        error: what failed, when the outcome is ``FAILED``.
    """

    def __init__(
        self, number: int, speech_class: SpeechClass, script: Script, born: int, said_s: float
    ) -> None:
        self.id = number
        self.speech_class = speech_class
        self.lines_spoken = 0
        self.place: Place | None = None
        self.error: VoxedgeError | None = None
        # For the owner only.
        self.born = born
        self.said_s = said_s
        self.held = False
        self.lines = LineSource(script)
        self._outcome: Outcome | None = None
        self._over = asyncio.Event()

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, None while it has not."""
        return self._outcome

    async def finished(self) -> Outcome:
        """Wait for the end."""
        await self._over.wait()
        if self._outcome is None:
            raise AssertionError("over without an outcome")
        return self._outcome

    def end(self, outcome: Outcome, error: VoxedgeError | None = None) -> None:
        """For the owner only: it is over."""
        self._outcome = outcome
        self.error = error
        self.lines.close()
        self._over.set()


def _broken_off(error: Exception) -> VoxedgeError:
    """Tell of a mistake in a script by its kind only: its message may hold page text."""
    failure = VoxedgeError(reason=f"the text broke off: {type(error).__name__}")
    failure.__cause__ = error
    return failure


def _as_line(item: Line | Utterance) -> Line:
    return Line(item) if isinstance(item, Utterance) else item
