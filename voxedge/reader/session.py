"""The reading session: carries out what the conversation decides.

``conversation`` is pure; here its effects become speech, sound, pictures and files, and what comes
of them goes back as happenings. Everything runs on one event loop, and nothing between a press and
its earcon awaits.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voxedge.actions import Action, Intent, State, resolve
from voxedge.audio.earcon_designs import DESIGNS, render
from voxedge.errors import VoxedgeError
from voxedge.flow import Utterance, VoiceKind
from voxedge.logs import fields
from voxedge.reader.book import book_of
from voxedge.reader.conversation import effects as fx
from voxedge.reader.conversation import happenings as hp
from voxedge.reader.conversation.model import Model, Step, World
from voxedge.reader.conversation.paging import WORKING
from voxedge.reader.conversation.steps import ask, hear
from voxedge.speech.events import Ended, Event, Interrupted, SinkBack, UtteranceStarted
from voxedge.speech.events import UtteranceSpoken as Spoken
from voxedge.speech.lines import Line, Place, SpeechClass
from voxedge.speech.owner import VoiceOwner
from voxedge.speech.planner import Planner, Style, plan_text

if TYPE_CHECKING:
    from voxedge.audio.sink import AudioSink
    from voxedge.document.cursor import Cursor
    from voxedge.engines.protocols import Synthesizer
    from voxedge.flow import FloatSamples
    from voxedge.reader.messages import Messages
    from voxedge.reader.ports import Camera, PageStream, Shelf
    from voxedge.speech.cache import SpeechCache
    from voxedge.speech.speech import Speech

_log = logging.getLogger(__name__)

LIMITS_S = {
    State.FRAMING: 30.0,
    State.RECOGNISING: 120.0,
    State.READING: 180.0,
    State.PAUSED: 1800.0,
    State.MENU: 30.0,
}
"""How long a state may last without anything happening in it; idle may last for ever."""

HUSH_S = 3.0
"""A touch that becomes no gesture: speech goes on. The longest gesture (hold) takes 0.7 s."""

HINT_AFTER_S = 4.0
"""Whoever knows what to do next has done it by then."""

WORKING_EVERY_S = 2.0
"""While a page is being read in and nothing else is heard."""

_SHELF_JOBS = 64
_LETTER_PAUSE_MS = 350
_WALL_CLOCK_SET = datetime.datetime(2026, 1, 1).astimezone()
"""A Pi without a network begins in the past: such a clock is not told to anybody."""

_SOUND_THEMSELVES = frozenset({Action.LOUDER, Action.SOFTER, Action.HUSH})


@dataclass(frozen=True, slots=True)
class Parts:
    """What the session works with; whoever made them closes them.

    Attributes:
        voice: a ``FallbackVoice``.
        sink: the loudspeaker.
        camera: the eye.
        pages: the recogniser.
        shelf: the library.
        messages: the reader's own sentences.
        style: how text of a language (BCP 47) is said, at rate 1.
        cache: of whole utterances.
    """

    voice: Synthesizer
    sink: AudioSink
    camera: Camera
    pages: PageStream
    shelf: Shelf
    messages: Messages
    style: Callable[[str], Style]
    cache: SpeechCache | None = None


@dataclass(slots=True)
class _Reading:
    """The document being read aloud.

    Attributes:
        speech: at the owner of the voice; None until it took it.
        goes_on: to the end of the document, not one part only.
        rate: of the voice when it began.
        held_at: the cursor when it was held.
        place: of the line that sounds.
    """

    goes_on: bool
    rate: float
    speech: Speech | None = None
    held_at: Cursor | None = None
    place: Place | None = None


class Session:
    """One person, one reader. Belongs to the event loop that ``run`` runs in.

    Args:
        parts: what it works with.
        model: what it begins with (speed, loudness, whether it is new).
        on_change: told after anything a follower of the status could see has changed.
        power_off: called once the goodbye was heard; False where that failed.
        troubles: sentences about what is wrong with the box.
    """

    def __init__(
        self,
        parts: Parts,
        model: Model | None = None,
        *,
        on_change: Callable[[], None] = lambda: None,
        power_off: Callable[[], Awaitable[bool]] | None = None,
        troubles: Callable[[], tuple[str, ...]] = lambda: (),
    ) -> None:
        self._parts = parts
        self._model = model or Model()
        self._on_change = on_change
        self._power_off = power_off
        self._troubles = troubles
        self._loop = asyncio.get_running_loop()
        self._owner = VoiceOwner(
            parts.voice, parts.sink, on_event=self._listen, recover_sink=True, cache=parts.cache
        )
        parts.sink.volume = self._model.volume
        self._earcons: dict[str, FloatSamples] = {}
        self._earcon_rate_hz = 0
        self._reading: _Reading | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self.started = asyncio.Event()
        """Set once ``run`` has begun; nothing may be asked for before."""
        self._page: asyncio.Task[None] | None = None
        self._grown = asyncio.Event()
        self._shelf_jobs: asyncio.Queue[fx.Effect] = asyncio.Queue(_SHELF_JOBS)
        self._cursor_due: fx.PutCursor | None = None
        self._last_reply: Speech | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._hush_timer: asyncio.TimerHandle | None = None
        self._work_timer: asyncio.TimerHandle | None = None
        self._hint: asyncio.TimerHandle | None = None
        self._spoke = False
        self._playing = False
        self._sounded_s = 0.0

    # -- what is known ------------------------------------------------------------------

    @property
    def model(self) -> Model:
        """The conversation as it stands."""
        return self._model

    @property
    def owner(self) -> VoiceOwner:
        """The owner of the voice."""
        return self._owner

    @property
    def speaking(self) -> bool:
        """Whether something is being said, and not held."""
        speech = self._owner.speaking
        return speech is not None and not speech.held

    # -- what is wanted -----------------------------------------------------------------

    def press(self, intent: Intent) -> None:
        """Take what a finger asks for: first the earcon, then the rest. Never raises, never waits.

        ``Action.HUSH`` is the touch; the gesture that it becomes follows.
        """
        touched = self._hush_timer is not None
        spoke = self._spoke or self.speaking
        if intent.action is Action.HUSH:
            self._spoke = spoke
        else:
            self._spoke = False
        plain = resolve(intent.action, self._model.state, speaking=spoke)
        pressed = not touched and plain not in _SOUND_THEMSELVES
        if pressed:
            self._earcon("key_press")
        self._carry_out(Intent(plain, intent.arguments), pressed=pressed)

    async def do(self, intent: Intent) -> None:
        """Take up an action that came by another way than a finger.

        Raises:
            ActionUnfit: it makes no sense at this moment; the person has heard so.
        """
        plain = resolve(intent.action, self._model.state, speaking=self.speaking)
        step = self._carry_out(Intent(plain, intent.arguments))
        if step.refused is not None:
            raise step.refused

    def announce(self, speech_class: SpeechClass, text: str) -> None:
        """Have a sentence said that no action asked for; quiet mode may swallow it."""
        if not (self._model.quiet and speech_class in (SpeechClass.NOTICE, SpeechClass.HINT)):
            self._owner.say(speech_class, list(self._text(text)))

    def tell(self, key: str, speech_class: SpeechClass, **slots: str | int) -> None:
        """Have one of the reader's own sentences said."""
        self.announce(speech_class, self._parts.messages.say(key, slots))

    def earcon(self, name: str) -> None:
        """Play a sound at once, over whatever plays."""
        self._earcon(name)

    def use(self, *, rate: float | None = None, volume: float | None = None) -> None:
        """Take a speed or a loudness from changed settings."""
        model = self._model
        if volume is not None and volume != model.volume:
            self._parts.sink.volume = volume
            model = replace(model, volume=volume)
        if rate is not None:
            model = replace(model, rate=rate)
        self._perform(Step(model))

    def use_style(self, style: Callable[[str], Style]) -> None:
        """Take another way of saying text (a changed lexicon); heard from the next sentence on."""
        self._parts = replace(self._parts, style=style)

    # -- life ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Speak and keep until cancelled; ends with a fade.

        Raises:
            ExceptionGroup: a mistake of ours, or a loudspeaker file that cannot be written.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self.started.set()
                tasks.create_task(self._owner.run(), name="voice")
                tasks.create_task(self._keep_shelf(), name="shelf")
        finally:
            self._tasks = None
            for timer in (self._timer, self._hush_timer, self._work_timer, self._hint):
                if timer is not None:
                    timer.cancel()

    async def said(self, limit_s: float) -> None:
        """Wait until the last reply was heard, ``limit_s`` at most."""
        if self._last_reply is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit_s):
                    await self._last_reply.finished()

    def fixed_utterances(self) -> Iterator[Utterance]:
        """Yield what the reader's own fixed sentences are made of, to be kept as sound."""
        for text in self._parts.messages.fixed:
            for line in self._text(text):
                yield line.utterance

    # -- steps --------------------------------------------------------------------------

    def _carry_out(self, intent: Intent, *, pressed: bool = False) -> Step:
        if self._hint is not None:
            self._hint.cancel()
        step = ask(self._model, intent, self._world())
        held = self._end_hush()
        self._perform(step, pressed=pressed)
        if intent.action is Action.HUSH:
            self._hush_timer = self._loop.call_later(HUSH_S, self._hush_is_over)
        elif held and self._model.state is State.READING:
            # What was touched did not end the speech that the touch held.
            self._owner.resume()
        _log.debug(
            "%s", intent.action.label, extra=fields(event="action", condition=intent.action.label)
        )
        return step

    def _happened(self, event: hp.Happening) -> None:
        self._perform(hear(self._model, event, self._world()))

    def _world(self) -> World:
        now = datetime.datetime.now().astimezone()
        return World(
            now_s=self._loop.time(),
            wall=now if now > _WALL_CLOCK_SET else None,
            troubles=self._troubles(),
        )

    def _perform(self, step: Step, *, pressed: bool = False) -> None:
        before, self._model = self._model, step.model
        lines: list[Line] = []
        told = False
        for effect in step.effects:
            match effect:
                case fx.Say(speech_class=SpeechClass.REPLY) | fx.Spell():
                    lines += self._lines(effect)
                    told = True
                    continue
                case fx.Say(speech_class=SpeechClass.HINT):
                    self._hint = self._loop.call_later(HINT_AFTER_S, self._say_hint, effect)
                case fx.Say(speech_class=speech_class):
                    self._owner.say(speech_class, list(self._lines(effect)))
                case fx.Sound(name=name):
                    if not (pressed and name == "key_press"):
                        self._earcon(name)
                case fx.Silence():
                    self._silence(pressed=pressed)
                case fx.Hold():
                    self._hold()
                case fx.ReadOn(cursor=cursor):
                    self._reply(lines)
                    self._read(cursor, None, after_reply=told)
                case fx.ReadPart(cursor=cursor, end=end):
                    self._reply(lines)
                    self._read(cursor, end, after_reply=told)
                case fx.GoOn(cursor=cursor):
                    self._reply(lines)
                    self._go_on(cursor, after_reply=told)
                case fx.TakePage(number=number):
                    self._take_page(number)
                case fx.DropPage():
                    self._drop_page()
                case fx.SetVolume(volume=volume):
                    self._parts.sink.volume = volume
                case fx.PowerOff():
                    self._reply(lines)
                    self._start(self._end_after_goodbye(), "goodbye")
                case fx.PutCursor():
                    self._put_cursor(effect)
                case _:
                    self._enqueue(effect)
        self._reply(lines)
        self._changed(before)

    def _changed(self, before: Model) -> None:
        model = self._model
        if model.state is not before.state or model.state is State.MENU:
            self._arm()
        if (model.work is None) != (before.work is None):
            self._keep_working_sound()
        if model.work is not before.work or model.open is not before.open:
            grown, self._grown = self._grown, asyncio.Event()
            grown.set()
        if model is not before:
            self._on_change()

    # -- voice --------------------------------------------------------------------------

    def _lines(self, said: fx.Say | fx.Spell) -> Iterator[Line]:
        if isinstance(said, fx.Say):
            yield from self._text(self._parts.messages.say(said.key, dict(said.slots)))
            return
        for names in said.words:
            utterance = Utterance(
                ", ".join(names),
                kind=VoiceKind.FORMANT,
                rate=self._model.rate,
                pause_after_ms=_LETTER_PAUSE_MS,
            )
            yield Line(utterance)

    def _text(self, text: str) -> Iterator[Line]:
        return plan_text(text, self._style(self._parts.messages.language))

    def _style(self, language: str) -> Style:
        return replace(self._parts.style(language), rate=self._model.rate)

    def _say_hint(self, hint: fx.Say) -> None:
        self._owner.say(SpeechClass.HINT, list(self._lines(hint)))

    def _reply(self, lines: list[Line]) -> None:
        """Say what was gathered, as one reply."""
        if lines:
            self._last_reply = self._owner.say(SpeechClass.REPLY, list(lines))
            lines.clear()

    def _silence(self, *, pressed: bool = False) -> None:
        self._reading = None
        self._owner.stop()
        if pressed:
            # The stop took the sound of the press with it.
            self._earcon("key_press")

    def _hold(self) -> None:
        if self._reading is not None and self._model.open is not None:
            self._reading.held_at = self._model.open.cursor
        self._owner.pause()

    def _read(self, cursor: Cursor, end: Cursor | None, *, after_reply: bool) -> None:
        document = self._model.open
        if document is None:
            return
        self._make_way(after_reply=after_reply)
        reading = _Reading(goes_on=end is None, rate=self._model.rate)
        # Set before the owner ends the reading before it: that end is not this one's.
        self._reading = reading
        style = self._style(document.book.document.language)
        reading.speech = self._owner.say(SpeechClass.READING, self._script(cursor, end, style))

    def _go_on(self, cursor: Cursor, *, after_reply: bool) -> None:
        reading = self._reading
        same = (
            reading is not None
            and reading.goes_on
            and reading.speech is not None
            and reading.speech.outcome is None
            and reading.held_at == cursor
            and reading.rate == self._model.rate
        )
        if not same:
            self._read(cursor, None, after_reply=after_reply)
            return
        self._make_way(after_reply=after_reply, keep_reading=True)
        self._owner.resume()

    def _make_way(self, *, after_reply: bool, keep_reading: bool = False) -> None:
        """Cut an older answer short: the person has moved on."""
        speech = self._owner.speaking
        late = speech is not None and speech.speech_class is SpeechClass.REPLY
        if late and not after_reply and not keep_reading:
            self._owner.stop()

    async def _script(
        self, cursor: Cursor, end: Cursor | None, style: Style
    ) -> AsyncIterator[Line]:
        """Yield the lines from a sentence on; waits for text that is still being recognised."""
        planner = Planner(style)
        document = self._model.open
        if document is None or document.book.empty:
            return
        start = document.book.spot(cursor)
        while True:
            book = self._model.open.book if self._model.open is not None else document.book
            for number in range(start.section, len(book.document.sections)):
                for line in planner.section(book.document.sections[number], start):
                    if end is not None and line.place is not None:
                        at = book.cursor(line.place)
                        if at is None or at >= end:
                            return
                    yield line
                    # Planning is text work: let the first line be heard before the next is done.
                    await asyncio.sleep(0)
                start = Place(number + 1, 0, 0)
            now = self._model
            if now.open is not None and now.open.book is not book:
                continue  # It has grown while this was being heard.
            if end is not None or now.work is None or not (now.work.append or now.work.texts):
                return
            await self._grown.wait()

    def _listen(self, event: Event) -> None:
        """Hear from the owner of the voice."""
        reading = self._reading
        mine = (
            reading is not None
            and reading.speech is not None
            and getattr(event, "speech_id", None) == reading.speech.id
        )
        match event:
            case UtteranceStarted(line=line):
                self._playing = True
                if mine and reading is not None:
                    self._arm()
                    if line.place is not None and line.place != reading.place:
                        reading.place = line.place
                        self._happened(hp.SentenceBegan(line.place))
            case Spoken():
                self._playing = False
                self._sounded_s = self._loop.time()
            case Interrupted():
                self._playing = False
                if mine and reading is not None:
                    reading.place = None
            case Ended(outcome=outcome):
                self._playing = False
                self._sounded_s = self._loop.time()
                if mine and reading is not None:
                    self._reading = None
                    if reading.goes_on:
                        self._happened(hp.ReadingEnded(outcome))
                self._on_change()
            case SinkBack():
                self._earcon("ready")
            case _:
                self._playing = False
                self._on_change()

    def _earcon(self, name: str) -> None:
        sink = self._parts.sink
        if sink.rate_hz != self._earcon_rate_hz:
            # At the first sound, and when a loudspeaker came back as another one.
            self._earcon_rate_hz = sink.rate_hz
            self._earcons = {n: render(design, sink.rate_hz) for n, design in DESIGNS.items()}
        sink.earcon(self._earcons[name])

    # -- time ---------------------------------------------------------------------------

    def _arm(self) -> None:
        """Begin to count the time of the present state anew."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        limit_s = LIMITS_S.get(self._model.state)
        if limit_s is not None:
            self._timer = self._loop.call_later(limit_s, self._expired, self._model.state)

    def _expired(self, state: State) -> None:
        self._timer = None
        if self.speaking and self._playing:
            self._arm()
        else:
            self._happened(hp.TimedOut(state))

    def _end_hush(self) -> bool:
        """Return whether a touch held the speech until now."""
        if self._hush_timer is None:
            return False
        self._hush_timer.cancel()
        self._hush_timer = None
        return True

    def _hush_is_over(self) -> None:
        self._hush_timer = None
        self._spoke = False
        if self._model.state is State.READING:
            self._owner.resume()

    def _keep_working_sound(self) -> None:
        if self._work_timer is not None:
            self._work_timer.cancel()
            self._work_timer = None
        if self._model.work is not None:
            self._work_timer = self._loop.call_later(WORKING_EVERY_S, self._working_sound)

    def _working_sound(self) -> None:
        waiting = self._model.state in WORKING or self._model.state is State.READING
        silent_s = self._loop.time() - self._sounded_s
        if waiting and not self._playing and silent_s >= WORKING_EVERY_S - 0.1:
            self._earcon("working")
        self._keep_working_sound()

    # -- pages --------------------------------------------------------------------------

    def _take_page(self, number: int) -> None:
        self._drop_page()
        self._page = self._start(self._read_page(number), "page")

    def _drop_page(self) -> None:
        if self._page is not None:
            self._page.cancel()
            self._page = None

    def _start(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        if self._tasks is None:
            work.close()
            raise AssertionError("the session does not run")
        return self._tasks.create_task(work, name=name)

    async def _read_page(self, number: int) -> None:
        """Camera to text; what comes of it goes to the conversation while this task is wanted."""
        error: VoxedgeError | None = None
        try:
            frame = await self._parts.camera.take()
            self._happened(hp.PictureTaken())
            async with aclosing(self._parts.pages.read(frame, number)) as items:
                async for item in items:
                    if isinstance(item, hp.PageBegan):
                        self._happened(item)
                    else:
                        self._happened(hp.TextCame(item))
                        self._arm()
        except VoxedgeError as failure:
            error = failure
        except Exception as failure:  # noqa: BLE001 - a page may fail of anything; we say so
            _log.error("reading a page failed: %s", type(failure).__name__)
            error = VoxedgeError(reason=type(failure).__name__)
        self._page = None
        if error is not None:
            _log.warning("page %d: %s", number, error)
        self._happened(hp.PageEnded(error))

    # -- shelf --------------------------------------------------------------------------

    def _enqueue(self, effect: fx.Effect) -> None:
        try:
            self._shelf_jobs.put_nowait(effect)
        except asyncio.QueueFull:
            _log.error("the library is stuck; a request was dropped")
            self._happened(hp.ShelfFailed(VoxedgeError(reason="the library is stuck")))

    def _put_cursor(self, effect: fx.PutCursor) -> None:
        """Only the newest place matters: a slow card must not fill the queue."""
        waiting, self._cursor_due = self._cursor_due, effect
        if waiting is None:
            self._enqueue(effect)

    async def _keep_shelf(self) -> None:
        while True:
            effect = await self._shelf_jobs.get()
            if isinstance(effect, fx.PutCursor):
                effect, self._cursor_due = self._cursor_due or effect, None
            try:
                answer = await self._shelved(effect)
            except VoxedgeError as error:
                _log.warning("library: %s", error)
                answer = hp.ShelfFailed(error)
                if isinstance(effect, fx.PutCursor):
                    # Told once by the action that asked; not with every sentence.
                    answer = None
            if answer is not None:
                self._happened(answer)

    async def _shelved(self, effect: fx.Effect) -> hp.Happening | None:
        shelf, document = self._parts.shelf, self._model.open
        match effect:
            case fx.PutCursor(number=number, cursor=cursor):
                await shelf.put_cursor(number, cursor)
            case fx.PutMark(number=number, cursor=cursor):
                await shelf.mark(number, cursor)
            case fx.DeleteBook(number=number):
                await shelf.delete(number)
                return hp.Deleted(number)
            case fx.ListBooks():
                return hp.Listed(await shelf.entries())
            case fx.OpenBook(number=number, title=title):
                found = await shelf.open(number, title)
                if found is None:
                    return hp.Opened(None)
                entry, text, marks = found
                return hp.Opened(entry, book_of(text), marks)
            case fx.SaveBook(title=title) if document is not None:
                number, kept = await shelf.save(
                    document.book.document, title, document.cursor, document.marks, document.number
                )
                return hp.Saved(document.book.document, number, kept, saved=True, asked=True)
            case fx.KeepBook() if document is not None:
                if document.number is not None:
                    await shelf.replace(document.number, document.book.document)
                    return None
                recent = await shelf.keep(document.book.document, document.cursor)
                if recent is not None:
                    return hp.Saved(document.book.document, *recent, saved=False, asked=False)
            case _:
                raise AssertionError(f"nobody carries out {type(effect).__name__}")
        return None

    async def _end_after_goodbye(self) -> None:
        await self.said(10.0)
        if self._power_off is None or not await self._power_off():
            self._earcon("error")
            self.tell("cannot_shut_down", SpeechClass.REPLY)
