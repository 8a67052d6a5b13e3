"""THE owner of the voice: everything that is said goes through here, one thing at a time.

Five classes of speech (``SpeechClass``) wait in small bounded places, one task takes the most
urgent and plays it. Stop, pause and resume are commands, not items in a queue: they act on the
loudspeaker first, from any thread, and on what waits afterwards.

All decisions are taken on the event loop by functions that do not await, so no two of them
interleave. They never touch what plays except by cancelling it; the one task then sees to what
follows. (NVDA's speech manager works to the same rule: one owner, serialised.)
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from voxedge.errors import (
    DiskFull,
    NoSoundCard,
    OutputUnwritable,
    SoundCardLost,
    SoundCardUnknown,
    VoxedgeError,
)
from voxedge.speech.cache import SpeechCache
from voxedge.speech.events import (
    Ended,
    Interrupted,
    Outcome,
    Paused,
    Resumed,
    SinkBack,
    SinkLost,
    Stopped,
)
from voxedge.speech.lines import Line, SpeechClass
from voxedge.speech.playing import Played, Playing
from voxedge.speech.renderer import Deadlines, Renderer
from voxedge.speech.speech import Script, Speech

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxedge.audio.sink import AudioSink
    from voxedge.engines.protocols import Synthesizer
    from voxedge.speech.events import Event

_LOG = logging.getLogger(__name__)

ALERTS_WAITING = 4
"""Alerts are said one after the other; past these the oldest that waits is dropped."""

NOTICE_PATIENCE_S = 15.0
"""A notice waits for the end of a paragraph; after this long the end of a sentence will do."""

_BACK_OFF_S = (0.5, 1.0, 2.0, 5.0)
"""Between tries to open a lost loudspeaker; the last one for ever. A USB card takes 1-2 s."""

_FORGET_S = 1.0
"""The second half of a stop is queued at once; past this, somebody else stopped the sink."""


class VoiceOwner:
    """Speaks.

    ``say`` and ``finish`` belong to the event loop; ``stop``, ``pause`` and ``resume`` may be
    called from any thread. Nobody else may write to the sink or stop it.

    Args:
        synthesizer: makes the sound; a ``FallbackVoice``, so that it is never silent.
        sink: takes the sound; the caller closes it afterwards.
        on_event: called on the event loop for each event; must not block.
        recover_sink: on a lost loudspeaker try to open it again, for ever, and go on at the start
            of the sentence. Otherwise its loss ends ``run``.
        cache: of whole utterances; one of its own when None.
        deadlines: for the synthesizer.
    """

    def __init__(
        self,
        synthesizer: Synthesizer,
        sink: AudioSink,
        *,
        on_event: Callable[[Event], None] | None = None,
        recover_sink: bool = False,
        cache: SpeechCache | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        self._renderer = Renderer(synthesizer, cache or SpeechCache(), deadlines or Deadlines())
        self._sink = sink
        self._on_event = on_event
        self._recover_sink = recover_sink
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[SpeechClass, deque[Speech]] = {c: deque() for c in SpeechClass}
        self._active: tuple[Speech, asyncio.Task[Played | VoxedgeError]] | None = None
        self._changed = asyncio.Event()
        self._generation = sink.generation
        self._said = 0
        self._finishing = False

    # -- from any thread ----------------------------------------------------------------

    def stop(self) -> None:
        """Silence, at once; everything that was to be said is forgotten, of every class."""
        generation = self._sink.stop()
        self._loop.call_soon_threadsafe(self._forget, generation)

    def pause(self) -> None:
        """Silence, at once, holding the place. Newer speech is still heard."""
        self._sink.pause()
        self._loop.call_soon_threadsafe(self._hold)

    def resume(self) -> None:
        """Go on with what was paused."""
        self._loop.call_soon_threadsafe(self._release)

    # -- on the event loop --------------------------------------------------------------

    @property
    def speaking(self) -> Speech | None:
        """What plays now, or is paused in the middle; None in silence."""
        return self._active[0] if self._active else None

    @property
    def paused(self) -> bool:
        """Whether something is held by a pause."""
        return any(speech.held for speech in self._all())

    def say(self, speech_class: SpeechClass, script: Script) -> Speech:
        """Take something to be said, at the time that its class allows.

        Args:
            speech_class: decides what it interrupts and what it waits for.
            script: lines or utterances; an async iterator is read as it yields and closed at the
                end.

        Returns:
            Its ``finished`` tells how it ended.
        """
        self._said += 1
        speech = Speech(self._said, speech_class, script, self._sink.generation, self._loop.time())
        if speech_class is SpeechClass.HINT and any(self._all()):
            self._end(speech, Outcome.REPLACED)
            return speech
        waiting = self._waiting[speech_class]
        gives_way = self._gives_way(speech)
        room = ALERTS_WAITING if speech_class is SpeechClass.ALERT else 1
        while len(waiting) >= room:
            # An alert that is being said is finished first: then the one behind it goes.
            oldest = waiting[1] if waiting[0] is self.speaking and room > 1 else waiting[0]
            self._drop(oldest, Outcome.REPLACED)
        for hint in list(self._waiting[SpeechClass.HINT]):
            self._drop(hint, Outcome.REPLACED)
        waiting.append(speech)
        if gives_way:
            self._cut_short()
        self._changed.set()
        return speech

    def finish(self) -> None:
        """Let ``run`` return once everything has been said."""
        self._finishing = True
        self._changed.set()

    async def run(self) -> None:
        """Speak until ``finish`` or for ever. Cancelled, it ends with a fade.

        Raises:
            SoundCardLost: without ``recover_sink``.
            DiskFull, OutputUnwritable: the sink is a file that cannot take it.
        """
        failure: VoxedgeError | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                try:
                    failure = await self._run(tasks)
                finally:
                    # Before the tasks are cancelled: the fade is in the loudspeaker by then.
                    if self._active is not None:
                        self._sink.stop()
                    for speech in list(self._all()):
                        outcome = Outcome.FAILED if failure else Outcome.STOPPED
                        self._drop(speech, outcome, failure)
        finally:
            self._active = None
        if failure is not None:
            raise failure

    # -- the one task -------------------------------------------------------------------

    async def _run(self, tasks: asyncio.TaskGroup) -> VoxedgeError | None:
        """Take the most urgent speech again and again; the sink's failure, if one ends it."""
        while True:
            speech = self._choose()
            if speech is None:
                if self._finishing and not any(self._all()):
                    return None
                self._changed.clear()
                await self._changed.wait()
                continue
            speech.lines.start(tasks)
            task = tasks.create_task(self._play(speech), name=f"speech {speech.id}")
            self._active = speech, task
            await asyncio.wait((task,))
            self._active = None
            result = None if task.cancelled() else task.result()
            if isinstance(result, VoxedgeError) and _of_sink(result):
                if not (self._recover_sink and isinstance(result, SoundCardLost)):
                    return result
                speech.lines.rewind()
                await self._recover(result)
            elif speech.outcome is None:
                await self._settle(speech, result)

    async def _play(self, speech: Speech) -> Played | VoxedgeError:
        playing = Playing(
            speech,
            self._renderer,
            self._sink,
            self._generation,
            self._emit,
            lambda line: self._gap_wanted(speech, line),
        )
        try:
            return await playing.run()
        except VoxedgeError as error:
            return error
        except ExceptionGroup as group:
            failures, bugs = group.split(VoxedgeError)
            if bugs is not None or failures is None:
                raise
            return next(_leaves(failures))

    async def _settle(self, speech: Speech, result: Played | VoxedgeError | None) -> None:
        """See to a speech whose playing ended while it was still wanted."""
        if result is Played.TO_THE_END:
            self._drop(speech, Outcome.SPOKEN)
        elif isinstance(result, VoxedgeError):
            _LOG.error("speech failed: %s", result)
            self._drop(speech, Outcome.FAILED, result)
        else:
            speech.lines.rewind()
            if result is Played.TO_A_GAP:
                return
            await self._await_forget()
            if speech.outcome is None:
                self._emit(Interrupted(speech.id, speech.speech_class))

    async def _await_forget(self) -> None:
        """After a stop from another thread: wait until ``_forget`` has said what is to go."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FORGET_S):
                while self._generation != self._sink.generation:
                    self._changed.clear()
                    await self._changed.wait()
        self._generation = self._sink.generation

    async def _recover(self, loss: VoxedgeError) -> None:
        self._emit(SinkLost(loss))
        tries = 0
        while True:
            await asyncio.sleep(_BACK_OFF_S[min(tries, len(_BACK_OFF_S) - 1)])
            tries += 1
            try:
                await self._sink.reopen()
            except (NoSoundCard, SoundCardUnknown, SoundCardLost) as error:
                _LOG.warning("try %d to open the loudspeaker: %s", tries, error)
            else:
                break
        self._generation = self._sink.generation
        self._emit(SinkBack())

    # -- decisions: on the loop, never awaiting -----------------------------------------

    def _choose(self) -> Speech | None:
        """The most urgent speech that may be said now.

        A notice goes before reading that is not under way: whenever this is asked, reading is
        either new, or stands at a gap, or was interrupted, and each of these is a pause.
        """
        order = (
            SpeechClass.ALERT,
            SpeechClass.REPLY,
            SpeechClass.NOTICE,
            SpeechClass.READING,
            SpeechClass.HINT,
        )
        for speech_class in order:
            for speech in self._waiting[speech_class]:
                if not speech.held:
                    return speech
        return None

    def _gives_way(self, new: Speech) -> bool:
        """Whether what plays must be cut short for ``new``."""
        active = self.speaking
        if active is None:
            return False
        if active.held:
            return True
        if active.speech_class is new.speech_class:
            return new.speech_class is not SpeechClass.ALERT
        if new.speech_class is SpeechClass.NOTICE:
            return active.speech_class is SpeechClass.HINT
        if active.speech_class is SpeechClass.NOTICE:
            # A notice that has begun is finished before reading begins: it is short.
            return new.speech_class < SpeechClass.READING
        return new.speech_class < active.speech_class

    def _gap_wanted(self, speech: Speech, line: Line) -> bool:
        """Whether reading gives way to a notice behind this line."""
        notices = self._waiting[SpeechClass.NOTICE]
        if speech.speech_class is not SpeechClass.READING or not notices or notices[0].held:
            return False
        waited_s = self._loop.time() - notices[0].said_s
        return line.ends_paragraph or (line.ends_sentence and waited_s > NOTICE_PATIENCE_S)

    def _cut_short(self) -> None:
        """Silence what plays; the one task goes on with what is most urgent then."""
        if self._active is not None:
            self._generation = self._sink.stop()
            self._active[1].cancel()

    def _drop(self, speech: Speech, outcome: Outcome, error: VoxedgeError | None = None) -> None:
        """End a speech, wherever it stands."""
        self._waiting[speech.speech_class].remove(speech)
        self._end(speech, outcome, error)
        self._changed.set()

    def _end(self, speech: Speech, outcome: Outcome, error: VoxedgeError | None = None) -> None:
        speech.end(outcome, error)
        self._emit(Ended(speech.id, speech.speech_class, outcome))

    def _forget(self, generation: int) -> None:
        """The second half of ``stop``."""
        active = self._active
        for speech in [s for s in self._all() if s.born < generation]:
            self._drop(speech, Outcome.STOPPED)
        self._generation = max(self._generation, generation)
        self._changed.set()
        if active is not None and active[0].outcome is Outcome.STOPPED:
            self._cut_short()
        self._emit(Stopped(self._generation))

    def _hold(self) -> None:
        """The second half of ``pause``."""
        for speech in self._all():
            speech.held = True
        if self._active is not None:
            # Again: speech that began in between has lifted the pause of the sink.
            self._sink.pause()
        else:
            self._sink.resume()
        if self.paused:
            self._emit(Paused())

    def _release(self) -> None:
        """``resume``."""
        held = self.paused
        for speech in self._all():
            speech.held = False
        self._sink.resume()
        self._changed.set()
        if held:
            self._emit(Resumed())

    def _all(self) -> Iterator[Speech]:
        for waiting in self._waiting.values():
            yield from waiting

    def _emit(self, event: Event) -> None:
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception:  # noqa: BLE001 - a listener's mistake must not silence the voice
            _LOG.exception("a listener failed on %s", type(event).__name__)


def _of_sink(error: VoxedgeError) -> bool:
    return isinstance(error, SoundCardLost | DiskFull | OutputUnwritable)


def _leaves(group: BaseExceptionGroup[VoxedgeError]) -> Iterator[VoxedgeError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
