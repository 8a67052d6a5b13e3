"""Push to talk: from the TALK button to an action.

Press: speech stops, the microphone opens, an earcon tells that it is open. A held button ends the
utterance when it is released; a tapped one lets the end of speech do it. Every wait has a limit,
and every outcome is told, so that nobody talks to a device that is not listening. The microphone is
open only meanwhile. The recogniser learns what may be said while the person begins to speak.

What listens is given as small protocols; this room knows no engine and no sound card.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from voxedge.actions import Action, Intent
from voxedge.commands.grammar import Grammar
from voxedge.commands.language import CommandLanguage
from voxedge.commands.parse import Understood, understand
from voxedge.errors import RecogniserFailed, VoxedgeError
from voxedge.inputs.events import Asked, Deliver, Trouble

_log = logging.getLogger(__name__)

SOURCE = "voice"
RATE_HZ = 16_000


class Result(Protocol):
    """What a recogniser answers."""

    @property
    def text(self) -> str:
        """The words."""
        ...

    @property
    def confidence(self) -> float:
        """0 to 1."""
        ...

    @property
    def final(self) -> bool:
        """No more will come of this utterance."""
        ...

    @property
    def settled(self) -> bool:
        """The words so far are a whole command, and enough silence was heard behind them."""
        ...


class Ear(Protocol):
    """A recogniser, used from the event loop (``service.hearing.WorkerRecogniser``)."""

    async def set_grammar(self, grammar: Grammar) -> int:
        """Say what may be heard."""
        ...

    async def feed(self, samples: Any) -> Result | None:
        """Take a piece of sound."""
        ...

    async def finish(self) -> Result:
        """Return the final result."""
        ...

    async def reset(self) -> None:
        """Forget the utterance."""
        ...


class Source(Protocol):
    """A microphone (``audio.capture.SoundSource``)."""

    def pieces(self) -> AsyncIterator[Any]:
        """Yield ``int16`` samples at 16 kHz until closed."""
        ...


class Cutter(Protocol):
    """Finds where speech begins and ends (``audio.endpoint.Endpointer``)."""

    def hear(self, samples: Any) -> list[tuple[Any, Any]]:
        """Return (edge or None, samples) of what belongs to an utterance."""
        ...

    @property
    def clipped(self) -> float:
        """Share of the utterance's samples at full scale, 0 to 1."""
        ...


class Told(Enum):
    """What the person should hear of it; the owner makes earcons and sentences of these."""

    LISTENING = "listening"
    """The microphone is open: earcon."""
    ENDED = "ended"
    """It is closed again: earcon."""
    SILENCE = "silence"
    """Nothing was said in time."""
    NOT_UNDERSTOOD = "not understood"
    """Something was said, but no command."""
    UNSURE = "unsure"
    """It may have been a command; ask to say it again."""
    TOO_LOUD = "too loud"
    """Nothing was understood, and the microphone is driven into clipping."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What may be said now.

    Attributes:
        language: of the person.
        grammar: what fits.
    """

    language: CommandLanguage
    grammar: Grammar


@dataclass(frozen=True, slots=True)
class ListeningSettings:
    """How long is long.

    Attributes:
        tap_s: a press shorter than this is a tap.
        silence_s: patience for the first word after a tap.
        longest_s: of one session.
        tail_s: of sound still taken after a held button is released; fingers are early.
        deaf_s: of sound dropped at the beginning: the reader's own earcon.
        clipped: share of samples at full scale from which on it is the microphone's fault.
        thresholds: action label to least confidence, from the settings or ``tune-voice``.
    """

    tap_s: float = 0.4
    silence_s: float = 6.0
    longest_s: float = 12.0
    tail_s: float = 0.15
    deaf_s: float = 0.0
    clipped: float = 0.02
    thresholds: Mapping[str, float] = field(default_factory=dict)


class PushToTalk:
    """Listens when asked to; lives on the event loop.

    Args:
        ear: the recogniser.
        microphone: makes a source; opened for each session.
        cutter: makes an endpointer for each session.
        moment: what may be said now; asked at each press.
        deliver: gets the intents, and trouble with ears or microphone.
        tell: gets what the person should hear of it; must not block.
        settings: how long is long.
        heard: told of everything made of an utterance (``voxedge listen``, ``tune-voice``).
        free: returns once nobody else uses ear and microphone.
        changed: called when ``listening`` has changed.
    """

    def __init__(
        self,
        ear: Ear,
        microphone: Callable[[], Source],
        cutter: Callable[[], Cutter],
        moment: Callable[[], Moment],
        deliver: Deliver,
        tell: Callable[[Told], None],
        settings: ListeningSettings | None = None,
        heard: Callable[[Understood], None] = lambda understood: None,
        free: Callable[[], Awaitable[None]] | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._ear = ear
        self._microphone = microphone
        self._cutter = cutter
        self._moment = moment
        self._deliver = deliver
        self._tell = tell
        self._settings = settings or ListeningSettings()
        self._heard = heard
        self._free = free
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self._pressed_s = self._opened_s = 0.0
        self._released = asyncio.Event()
        self._held = False
        self._in_trouble = False

    @property
    def listening(self) -> bool:
        """Whether a session is under way."""
        return self._task is not None and not self._task.done()

    def press(self) -> None:
        """TALK went down: be silent and listen. A press while listening starts anew."""
        self._deliver(Asked(Intent(Action.HUSH), SOURCE))
        before, self._task = self._task, None
        if before is not None:
            before.cancel()
        loop = asyncio.get_running_loop()
        self._pressed_s = loop.time()
        self._released, self._held = asyncio.Event(), False
        self._task = loop.create_task(self._session(before), name="push-to-talk")
        self._task.add_done_callback(self._over)
        self._changed()

    def _over(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (mistake := task.exception()) is not None:
            # A mistake of ours; whoever has just spoken must not wait for ever.
            _log.error("listening failed", exc_info=mistake)
            self._deliver(Trouble(SOURCE, RecogniserFailed(reason=type(mistake).__name__)))
        self._changed()

    def release(self) -> None:
        """TALK came up: a held button ends the utterance, a tapped one leaves it to silence."""
        now_s = asyncio.get_running_loop().time()
        self._held = now_s - self._pressed_s >= self._settings.tap_s
        self._released.set()

    def cancel(self) -> None:
        """Stop listening: the person has pressed something else."""
        if self._task is not None and self.listening:
            self._task.cancel()

    async def close(self) -> None:
        """Stop listening; nothing is delivered afterwards."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    # -- one session --------------------------------------------------------------------------

    async def _session(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait((before,))
        if self._free is not None:
            await self._free()
        moment, cutter = self._moment(), self._cutter()
        learning = asyncio.create_task(self._ear.set_grammar(moment.grammar), name="grammar")
        try:
            said = await self._said(learning, cutter)
        except VoxedgeError as error:
            self._in_trouble = True
            self._deliver(Trouble(SOURCE, error))
            return
        finally:
            learning.cancel()
            await asyncio.gather(learning, return_exceptions=True)
        if self._in_trouble:
            self._in_trouble = False
            self._deliver(Trouble(SOURCE, None))
        self._conclude(said, moment, cutter)

    def _conclude(self, said: Result | None, moment: Moment, cutter: Cutter) -> None:
        if said is None:
            self._tell(Told.SILENCE)
            return
        understood = understand(
            said.text,
            said.confidence,
            moment.language,
            moment.grammar,
            dict(self._settings.thresholds),
        )
        self._heard(understood)
        if understood.intent is not None:
            self._deliver(Asked(understood.intent, SOURCE))
        elif understood.unsure:
            self._tell(Told.UNSURE)
        else:
            loud = cutter.clipped > self._settings.clipped
            self._tell(Told.TOO_LOUD if loud else Told.NOT_UNDERSTOOD)

    async def _said(self, learning: asyncio.Task[int], cutter: Cutter) -> Result | None:
        """Return what was said, None where nobody spoke."""
        speech = _Speech(self._ear, learning, lambda: self._holding)
        opened = False
        stop = asyncio.create_task(self._until_done(), name="push-to-talk-limit")
        try:
            source = self._microphone().pieces()
            async with aclosing(source):  # type: ignore[type-var]
                taken = 0
                while (piece := await _next_before(source, stop)) is not None:
                    if not opened:
                        opened, self._opened_s = True, asyncio.get_running_loop().time()
                        self._tell(Told.LISTENING)
                    # Counted too, not only timed: a source may give faster than time passes.
                    taken += len(piece)
                    if taken > self._settings.longest_s * RATE_HZ:
                        break
                    if taken > self._settings.deaf_s * RATE_HZ and await self._heard_all(
                        piece, cutter, speech
                    ):
                        break
        finally:
            stop.cancel()
            await asyncio.wait((stop,))
            if opened:
                self._tell(Told.ENDED)
        return await speech.end()

    async def _heard_all(self, piece: Any, cutter: Cutter, speech: _Speech) -> bool:
        """Take a piece of sound; return whether the utterance, or the patience, is over."""
        for edge, samples in cutter.hear(piece):
            if await speech.add(samples):
                return True
            # Any edge but the first is the end of the utterance.
            if edge is not None and edge.value != "start" and not self._holding:
                return True
        waited_s = asyncio.get_running_loop().time() - self._opened_s
        return not (speech.begun or self._holding) and waited_s > self._settings.silence_s

    @property
    def _holding(self) -> bool:
        return not self._released.is_set() or self._held

    async def _until_done(self) -> None:
        """End with a held button's release, or with the longest session."""
        try:
            async with asyncio.timeout(self._settings.longest_s):
                await self._released.wait()
                if not self._held:
                    await asyncio.Event().wait()
                await asyncio.sleep(self._settings.tail_s)
        except TimeoutError:
            return


class _Speech:
    """One utterance on its way to the ear, which may still be learning what can be said.

    Args:
        ear: the recogniser.
        learning: sets its grammar; nothing is fed before.
        holding: whether the speaker, not silence, ends the utterance.
    """

    def __init__(self, ear: Ear, learning: asyncio.Task[int], holding: Callable[[], bool]) -> None:
        self._ear = ear
        self._learning = learning
        self._holding = holding
        self._settled = False
        self._waiting: list[Any] = []
        self._final: Result | None = None
        self.begun = False

    async def add(self, samples: Any) -> bool:
        """Take sound; return whether the ear found the end of the utterance by itself.

        After a whole command it takes 190 ms of silence; the endpointer would wait for 480.
        """
        self.begun = True
        self._waiting.append(samples)
        return self._learning.done() and await self._feed()

    async def end(self) -> Result | None:
        """Return what was said, None where nothing was."""
        await self._learning
        if not self.begun:
            return None
        await self._feed()
        return self._final or await self._ear.finish()

    async def _feed(self) -> bool:
        await self._learning
        while self._waiting and self._final is None and not self._settled:
            early = await self._ear.feed(self._waiting.pop(0))
            if early is not None and early.final:
                self._final = early
            elif early is not None and early.settled:
                self._settled = not self._holding()
        return self._settled or self._final is not None


async def _next_before(source: AsyncIterator[Any], stop: asyncio.Task[None]) -> Any:
    """Return the next piece, None at the end of the source or once ``stop`` is done."""
    if stop.done():
        return None
    step = asyncio.ensure_future(anext(source, None))
    try:
        await asyncio.wait((step, stop), return_when=asyncio.FIRST_COMPLETED)
        return step.result() if step.done() else None
    finally:
        if not step.done():
            step.cancel()
            await asyncio.wait((step,))
