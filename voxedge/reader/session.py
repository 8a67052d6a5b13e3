"""The reading session: carries out what the conversation decides.

``conversation`` is pure; here its effects become speech, sound, pictures and files, and what comes
of them goes back as happenings. Everything runs on one event loop, and nothing between a press and
its earcon awaits.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voxedge.actions import Action, Intent, State, resolve
from voxedge.errors import VoxedgeError
from voxedge.logs import fields
from voxedge.reader.conversation import effects as fx
from voxedge.reader.conversation import happenings as hp
from voxedge.reader.conversation.model import Model, Step, World
from voxedge.reader.conversation.paging import WORKING
from voxedge.reader.conversation.steps import ask, hear
from voxedge.reader.guide import AS_IT_IS, Move
from voxedge.reader.shelving import Shelving
from voxedge.reader.speaker import Speaker
from voxedge.speech.lines import Line, SpeechClass

if TYPE_CHECKING:
    from voxedge.audio.sink import AudioSink
    from voxedge.engines.protocols import Synthesizer
    from voxedge.flow import Frame, Utterance
    from voxedge.reader.messages import Messages
    from voxedge.reader.ports import Camera, PageStream, Shelf
    from voxedge.speech.cache import SpeechCache
    from voxedge.speech.planner import Style

_log = logging.getLogger(__name__)

LIMITS_S = {
    State.FRAMING: 45.0,
    State.RECOGNISING: 120.0,
    State.READING: 180.0,
    State.PAUSED: 1800.0,
    State.MENU: 30.0,
}
"""How long a state may last without anything happening in it; idle may last for ever. A camera has
30 s to come back by itself; every hint and tone of its guide begins the time anew."""

HUSH_S = 3.0
"""A touch that becomes no gesture: speech goes on. The longest gesture (hold) takes 0.7 s."""

HINT_AFTER_S = 4.0
"""Whoever knows what to do next has done it by then."""

WORKING_EVERY_S = 2.0
"""While a page is being read in and nothing else is heard."""

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
        encode_picture: makes a JPEG of a page for the library; None keeps no pictures.
        use_voice: takes up a wish for a voice.
    """

    voice: Synthesizer
    sink: AudioSink
    camera: Camera
    pages: PageStream
    shelf: Shelf
    messages: Messages
    style: Callable[[str], Style]
    cache: SpeechCache | None = None
    encode_picture: Callable[[Frame], bytes] | None = None
    use_voice: Callable[[fx.VoiceWish], None] = lambda _: None


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
        self._speaker = Speaker(
            parts.voice,
            parts.sink,
            parts.messages,
            parts.style,
            parts.cache,
            model=lambda: self._model,
            happened=self._happened,
            changed=on_change,
        )
        self._shelving = Shelving(
            parts.shelf, lambda: self._model, self._happened, parts.encode_picture
        )
        parts.sink.volume = self._model.volume
        self._tasks: asyncio.TaskGroup | None = None
        self.started = asyncio.Event()
        """Set once ``run`` has begun; nothing may be asked for before."""
        self._page: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._hush_timer: asyncio.TimerHandle | None = None
        self._work_timer: asyncio.TimerHandle | None = None
        self._hint: asyncio.TimerHandle | None = None
        self._spoke = False

    # -- what is known ------------------------------------------------------------------

    @property
    def model(self) -> Model:
        """The conversation as it stands."""
        return self._model

    @property
    def speaker(self) -> Speaker:
        """What speaks for it."""
        return self._speaker

    @property
    def speaking(self) -> bool:
        """Whether something is being said, and not held."""
        return self._speaker.speaking

    # -- what is wanted -----------------------------------------------------------------

    def press(self, intent: Intent, *, hush_s: float = HUSH_S) -> None:
        """Take what a finger asks for: first the earcon, then the rest. Never raises, never waits.

        ``Action.HUSH`` is the touch; the gesture that it becomes, or what is said meanwhile,
        follows within ``hush_s``; else speech goes on.
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
            self._speaker.earcon("key_press")
        self._carry_out(Intent(plain, intent.arguments), pressed=pressed, hush_s=hush_s)

    def go_on(self) -> None:
        """Nothing came of a touch: let the speech that it held go on at once."""
        if self._end_hush():
            self._hush_is_over()

    async def do(self, intent: Intent) -> None:
        """Take up an action that came by another way than a finger.

        Raises:
            ActionUnfit: it makes no sense at this moment; the person has heard so.
        """
        plain = resolve(intent.action, self._model.state, speaking=self.speaking)
        step = self._carry_out(Intent(plain, intent.arguments))
        if step.refused is not None:
            raise step.refused

    def announce(self, speech_class: SpeechClass, text: str, language: str | None = None) -> None:
        """Have a sentence said that no action asked for; quiet mode may swallow it.

        Args:
            speech_class: how urgent it is.
            text: the sentence.
            language: BCP 47 tag; None for that of the reader's own sentences.
        """
        if not (self._model.quiet and speech_class in (SpeechClass.NOTICE, SpeechClass.HINT)):
            self._speaker.owner.say(speech_class, list(self._speaker.text(text, language)))

    def tell(self, key: str, speech_class: SpeechClass, **slots: str | int) -> None:
        """Have one of the reader's own sentences said."""
        self.announce(speech_class, self._parts.messages.say(key, slots))

    def earcon(self, name: str) -> None:
        """Play a sound at once, over whatever plays."""
        self._speaker.earcon(name)

    def guide(self, move: Move) -> None:
        """Say and sound what the guide of the camera wants.

        Also in quiet mode: a hint is the answer to the press that asked for a picture.
        """
        if self._model.state is State.FRAMING:
            self._arm()
        if move.tone is not None:
            self.earcon(move.tone.value)
        hint = move.hint
        if hint is None:
            return
        if hint.urgent:
            speech_class = SpeechClass.ALERT
        elif self._model.state is State.FRAMING and hint.key != AS_IT_IS:
            speech_class = SpeechClass.HINT
        else:
            # While a document is being heard a hint would never find silence.
            speech_class = SpeechClass.REPLY
        text = hint.text or self._parts.messages.say(hint.key)
        self._speaker.owner.say(speech_class, list(self._speaker.text(text)))

    @property
    def is_hint_heard(self) -> bool:
        """Whether a hint would be heard now: nothing but the document is being said."""
        speech = self._speaker.owner.speaking
        return speech is None or speech.held or speech.speech_class is SpeechClass.READING

    def use(self, *, rate: float | None = None, volume: float | None = None) -> None:
        """Take a speed or a loudness from changed settings."""
        model = self._model
        if volume is not None and volume != model.volume:
            self._parts.sink.volume = volume
            model = replace(model, volume=volume)
        if rate is not None:
            model = replace(model, rate=rate)
        self._perform(Step(model))

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
                tasks.create_task(self._speaker.owner.run(), name="voice")
                tasks.create_task(self._shelving.run(), name="shelf")
        finally:
            self._tasks = None
            for timer in (self._timer, self._hush_timer, self._work_timer, self._hint):
                if timer is not None:
                    timer.cancel()

    def fixed_utterances(self) -> Iterator[Utterance]:
        """Yield what the reader's own fixed sentences are made of, to be kept as sound."""
        for text in self._parts.messages.fixed:
            for line in self._speaker.text(text):
                yield line.utterance

    # -- steps --------------------------------------------------------------------------

    def _carry_out(self, intent: Intent, *, pressed: bool = False, hush_s: float = HUSH_S) -> Step:
        if self._hint is not None:
            self._hint.cancel()
        step = ask(self._model, intent, self._world())
        held = self._end_hush()
        self._perform(step, pressed=pressed)
        if intent.action is Action.HUSH:
            self._hush_timer = self._loop.call_later(hush_s, self._hush_is_over)
        elif held and self._model.state is State.READING:
            # What was touched did not end the speech that the touch held.
            self._speaker.owner.resume()
        _log.debug(
            "%s", intent.action.label, extra=fields(event="action", condition=intent.action.label)
        )
        return step

    def _happened(self, event: hp.Happening) -> None:
        if isinstance(event, hp.SentenceBegan | hp.TextCame):
            self._arm()
        if isinstance(event, hp.Deleted) and self._parts.cache is not None:
            self._parts.cache.clear()
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
        speaker = self._speaker
        lines: list[Line] = []
        told = False
        for effect in step.effects:
            match effect:
                case fx.Say(speech_class=SpeechClass.REPLY) | fx.Spell():
                    # All that one step answers is one answer: a second would replace the first.
                    lines += speaker.lines(effect)
                    told = True
                case fx.Say(speech_class=SpeechClass.HINT):
                    self._hint = self._loop.call_later(HINT_AFTER_S, speaker.say, effect)
                case fx.Say():
                    speaker.say(effect)
                case fx.Sound(name=name):
                    if not (pressed and name == "key_press"):
                        speaker.earcon(name)
                case fx.Silence():
                    speaker.silence()
                    if pressed:
                        # The stop took the sound of the press with it.
                        speaker.earcon("key_press")
                case fx.Hold():
                    speaker.hold()
                case fx.ReadOn(cursor=cursor):
                    speaker.reply(lines)
                    speaker.read(cursor, None, after_reply=told)
                case fx.ReadPart(cursor=cursor, end=end):
                    speaker.reply(lines)
                    speaker.read(cursor, end, after_reply=told)
                case fx.GoOn(cursor=cursor):
                    speaker.reply(lines)
                    speaker.go_on(cursor, after_reply=told)
                case fx.TakePage(number=number):
                    self._take_page(number)
                case fx.PressShutter():
                    self._parts.camera.press()
                case fx.DropPage():
                    self._drop_page()
                case fx.SetVolume(volume=volume):
                    self._parts.sink.volume = volume
                case fx.UseVoice(wish=wish):
                    self._parts.use_voice(wish)
                case fx.PowerOff():
                    speaker.reply(lines)
                    self._start(self._end_after_goodbye(), "goodbye")
                case _:
                    self._shelving.ask(effect)
        speaker.reply(lines)
        self._changed(before)

    def _changed(self, before: Model) -> None:
        model = self._model
        if model.state is not before.state or model.state is State.MENU:
            self._arm()
        if (model.work is None) != (before.work is None):
            self._keep_working_sound()
        if model.work is not before.work or model.open is not before.open:
            self._speaker.text_grew()
        if model is not before:
            self._on_change()

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
        if self.speaking and self._speaker.sounding:
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
            self._speaker.owner.resume()

    def _keep_working_sound(self) -> None:
        if self._work_timer is not None:
            self._work_timer.cancel()
            self._work_timer = None
        if self._model.work is not None:
            self._work_timer = self._loop.call_later(WORKING_EVERY_S, self._working_sound)

    def _working_sound(self) -> None:
        # While the hand is led, the guide's own tones tell how it stands.
        framing = self._model.work is not None and not self._model.work.taken
        waiting = self._model.state in WORKING or self._model.state is State.READING
        if waiting and not framing and self._speaker.silent_s >= WORKING_EVERY_S - 0.1:
            self._speaker.earcon("working")
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
            self._shelving.took(number, frame)
            self._happened(hp.PictureTaken())
            async with aclosing(self._parts.pages.read(frame, number)) as items:
                async for item in items:
                    if isinstance(item, hp.PageBegan):
                        self._happened(item)
                    else:
                        self._happened(hp.TextCame(item))
        except VoxedgeError as failure:
            error = failure
        except Exception as failure:  # noqa: BLE001 - a page may fail of anything; we say so
            _log.error("reading a page failed: %s", type(failure).__name__)
            error = VoxedgeError(reason=type(failure).__name__)
        self._page = None
        if error is not None:
            _log.warning("page %d: %s", number, error)
        self._happened(hp.PageEnded(error))

    # -- the end -----------------------------------------------------------------------

    async def _end_after_goodbye(self) -> None:
        await self._speaker.said(10.0)
        if self._power_off is None or not await self._power_off():
            self._speaker.earcon("error")
            self.tell("cannot_shut_down", SpeechClass.REPLY)
