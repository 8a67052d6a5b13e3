"""Spoken commands for the running reader: the talk button, the wake word, and what is told of them.

The recogniser's worker is started once there is something to listen with; until then, and where no
recogniser is installed, the talk button says why. Microphone and recogniser are used by one of two
at a time: push-to-talk, which has the right of way, and the standby.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voxedge.actions import Action, Intent, State
from voxedge.audio.cleaner import cleaned
from voxedge.audio.earcon_designs import DESIGNS
from voxedge.audio.endpoint import Endpointer, EndpointSettings, endpointer
from voxedge.audio.microphone_level import CLIPPED_SHARE
from voxedge.commands.grammar import Vocabulary, build
from voxedge.commands.language import load
from voxedge.commands.parse import Understood
from voxedge.document.sections import list_headings
from voxedge.errors import (
    MicrophoneClipped,
    RecogniserCorrupt,
    RecogniserMissing,
    VoxedgeError,
)
from voxedge.inputs.events import Asked, Trouble
from voxedge.inputs.sayable import Advice, what_fits, words_worth_finding
from voxedge.inputs.standby import Mode, Standby, StandbySettings
from voxedge.inputs.voice import ListeningSettings, Moment, PushToTalk, Told
from voxedge.logs import fields
from voxedge.service.hearing import WorkerRecogniser, check_recogniser, recogniser_worker
from voxedge.service.restart import Trouble as PartTrouble
from voxedge.speech.lines import SpeechClass

if TYPE_CHECKING:
    from voxedge.audio.capture import SoundSource
    from voxedge.config import HearingSettings
    from voxedge.reader.conversation.model import Model
    from voxedge.reader.session import Session

log = logging.getLogger(__name__)

OWN_LANGUAGE = "en"
"""Of the reader's own sentences."""

FIRST_PATIENCE_S = 20.0
"""For the recogniser that is loaded for the first time, with somebody waiting: several seconds on a
Pi 4. What is said meanwhile is kept."""

_HUSH_MARGIN_S = 5.0
"""Speech that the talk button held goes on by itself this long after the longest session."""


@dataclass(frozen=True, slots=True)
class Ears:
    """What is listened with.

    Attributes:
        microphone: the sound.
        check: raises where there is no microphone; blocking.
        thresholds: action label to least confidence, from ``tune-voice``.
        latency_ms: of the loudspeaker: the earcon is in the room for so much longer.
    """

    microphone: SoundSource
    check: Callable[[], None] = lambda: None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    latency_ms: float = 0.0


class Hearing:
    """Belongs to the event loop of its session.

    Args:
        settings: how to listen.
        session: the reader.
        ears: what is listened with.
        titles: of the saved documents.
        on_trouble: told when the recogniser keeps failing.
    """

    def __init__(
        self,
        settings: HearingSettings,
        session: Session,
        ears: Ears,
        titles: Callable[[], Awaitable[tuple[str, ...]]],
        on_trouble: Callable[[PartTrouble], None],
    ) -> None:
        self._settings = settings
        self._session = session
        self._ears = ears
        self._titles_of = titles
        self._on_trouble = on_trouble
        self._titles: tuple[str, ...] = ()
        self._talk: PushToTalk | None = None
        self._standby: Standby | None = None
        self._wanted = asyncio.Event()
        """Somebody has pressed the button while there was no microphone."""
        self._pressed = asyncio.Event()
        self._why: VoxedgeError | None = None
        """Why nobody is listened to."""
        self._advice = Advice()
        self._understood = Understood("", 0.0, None)
        self._words: tuple[object, tuple[str, ...]] = (None, ())

    # -- what the daemon calls ------------------------------------------------------------

    def takes(self, intent: Intent) -> bool:
        """Take what is for the ears; anything else ends the listening and is left to others."""
        if intent.action is Action.TALK and self._settings.commands:
            self._press()
            return True
        if intent.action is Action.TALK_END and self._settings.commands:
            if self._talk is not None:
                self._talk.release()
            return True
        if self._talk is not None:
            self._talk.cancel()
        return False

    def tap(self, intent: Intent) -> bool:
        """As ``takes``, for a program, which cannot hold a button."""
        taken = self.takes(intent)
        if taken and intent.action is Action.TALK and self._talk is not None:
            self._talk.release()
        return taken

    def changed(self) -> None:
        """The session has changed: perhaps it speaks now, or no longer."""
        if self._standby is not None:
            self._standby.changed()

    async def run(self) -> None:
        """Listen when asked to, until cancelled; returns where commands are not wanted.

        Raises:
            VoxedgeError: never for what is missing or damaged: that is told at the button.
        """
        if not self._settings.commands:
            return
        if not await self._able():
            return
        while not await self._has_microphone():
            self._wanted.clear()
            await self._wanted.wait()
        language = load(self._settings.language)
        async with recogniser_worker(language.tag, self._on_trouble) as worker:
            ear = WorkerRecogniser(worker, FIRST_PATIENCE_S)
            microphone = cleaned(self._ears.microphone, self._settings.cleaner)
            self._standby = Standby(
                ear,
                lambda: microphone,
                lambda: endpointer(gated=True),
                self._mode,
                language,
                self._woken,
                self._from_voice,
                StandbySettings(self._settings.wake_word, thresholds=self._ears.thresholds),
            )
            self._talk = PushToTalk(
                ear,
                lambda: microphone,
                self._endpointer,
                self._moment,
                self._from_voice,
                self._tell,
                self._listening_settings(),
                self._remember,
                self._free,
                self.changed,
            )
            log.info("listening", extra=fields(event="hearing", language=language.tag))
            try:
                if self._wanted.is_set():
                    self._press_and_let_go()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._standby.run(), name="standby")
                    tasks.create_task(self._keep_titles(), name="titles")
                    tasks.create_task(self._prepare(ear), name="first grammar")
            finally:
                talk, self._talk, self._standby = self._talk, None, None
                await talk.close()

    async def _prepare(self, ear: WorkerRecogniser) -> None:
        """Have the recogniser learn what can be said before the first press."""
        try:
            await ear.set_grammar(self._moment().grammar)
        except VoxedgeError as error:
            # Told when somebody wants to speak.
            log.warning("%s", error)

    async def _keep_titles(self) -> None:
        """Know the titles of the saved documents as they were at the last press."""
        while True:
            try:
                self._titles = await self._titles_of()
            except VoxedgeError as error:
                log.info("no titles: %s", error)
            self._pressed.clear()
            await self._pressed.wait()

    # -- whether anything can be heard ----------------------------------------------------

    async def _able(self) -> bool:
        """Find out whether there is a recogniser, and words of that language."""
        try:
            language = load(self._settings.language)
            await asyncio.to_thread(check_recogniser, language.tag)
            cleaned(self._ears.microphone, self._settings.cleaner)
        except RecogniserMissing as error:
            log.info("%s", error)
            self._why = error
        except VoxedgeError as error:
            log.warning("%s", error)
            self._why = error
            if isinstance(error, RecogniserCorrupt):
                self._session.announce(SpeechClass.NOTICE, error.speech)
        return self._why is None

    async def _has_microphone(self) -> bool:
        try:
            await asyncio.to_thread(self._ears.check)
        except VoxedgeError as error:
            if self._wanted.is_set():
                self._refuse(error)
            else:
                log.info("%s", error)
            return False
        return True

    def _refuse(self, error: VoxedgeError) -> None:
        self._session.earcon("error")
        self._session.announce(SpeechClass.REPLY, error.speech)
        self._session.go_on()

    # -- the button -----------------------------------------------------------------------

    def _press(self) -> None:
        if self._talk is not None:
            self._talk.press()
            self._pressed.set()
            return
        self._hush()
        if self._why is not None:
            self._refuse(self._why)
        else:
            # No microphone when it was looked for last, or everything is still starting.
            self._wanted.set()

    def _press_and_let_go(self) -> None:
        self._press()
        if self._talk is not None:
            self._talk.release()

    def _hush(self) -> None:
        longest_s = self._listening_settings().longest_s
        self._session.press(Intent(Action.HUSH), hush_s=longest_s + _HUSH_MARGIN_S)

    def _woken(self) -> None:
        log.info("woken", extra=fields(event="wake_word"))
        self._press_and_let_go()

    async def _free(self) -> None:
        """Wait until the standby has let go of microphone and recogniser."""
        if self._standby is not None:
            await self._standby.idle.wait()

    def _mode(self) -> Mode:
        wake = bool(self._session.model.wake_word)
        if self._talk is not None and self._talk.listening:
            return Mode.MUTED if wake else Mode.OFF
        if self._session.speaking:
            if self._settings.barge_in:
                return Mode.STOP_WORDS
            return Mode.MUTED if wake else Mode.OFF
        return Mode.WAKE if wake else Mode.OFF

    # -- what was heard -------------------------------------------------------------------

    def _from_voice(self, event: Asked | Trouble) -> None:
        if isinstance(event, Trouble):
            if event.error is not None:
                log.warning("%s: %s", event.source, event.error)
                self._refuse(event.error)
            return
        action = event.intent.action
        if action is Action.HUSH:
            self._hush()
            return
        log.info(
            "understood %s", action.label, extra=fields(event="understood", condition=action.label)
        )
        if action is Action.HELP:
            self._advise()
        else:
            self._session.press(event.intent)

    def _advise(self) -> None:
        model = self._session.model
        phrases = what_fits(
            self._moment().grammar,
            model.state,
            opened=model.open is not None,
            question=model.menu is not None and model.menu.question,
        )
        part, more = self._advice.next(phrases)
        said = "; ".join(part)
        if self._is_own_language:
            key = "can_say_and_more" if more else "can_say"
            self._session.tell(key, SpeechClass.REPLY, phrases=said)
        else:
            # An English voice cannot say them, nor another voice the English around them.
            self._session.announce(SpeechClass.REPLY, said, load(self._settings.language).tag)
        self._session.go_on()

    @property
    def _is_own_language(self) -> bool:
        """Whether commands are in the language of the reader's own sentences."""
        return load(self._settings.language).tag == OWN_LANGUAGE

    def _remember(self, understood: Understood) -> None:
        self._understood = understood

    def _tell(self, told: Told) -> None:
        session = self._session
        log.info(
            "talk: %s", told.value, extra=fields(event="listening", condition=told.name.lower())
        )
        match told:
            case Told.LISTENING:
                session.earcon("listen")
                return
            case Told.ENDED:
                session.earcon("listened")
                return
            case Told.SILENCE:
                session.tell("heard_nothing", SpeechClass.REPLY)
            case Told.NOT_UNDERSTOOD:
                session.tell("not_understood", SpeechClass.REPLY)
            case Told.UNSURE:
                if self._is_own_language:
                    session.tell("not_sure", SpeechClass.REPLY, said=self._understood.text)
                else:
                    session.tell("not_quite", SpeechClass.REPLY)
            case Told.TOO_LOUD:
                error = MicrophoneClipped(percent=100)
                session.announce(SpeechClass.REPLY, error.speech)
        session.go_on()

    # -- what may be heard ----------------------------------------------------------------

    def _moment(self) -> Moment:
        """Return what can be said: everything, but in a menu only what fits it.

        Elsewhere what does not fit is heard too, and refused in words that tell why; and the
        recogniser need not learn another grammar whenever the reader begins or stops to read.
        """
        model = self._session.model
        language = load(self._settings.language)
        state = State.MENU if model.state is State.MENU else None
        return Moment(language, build(language, state, self._vocabulary(model)))

    def _vocabulary(self, model: Model) -> Vocabulary:
        if model.open is None:
            return Vocabulary(titles=self._titles)
        book = model.open.book
        if self._words[0] is not book:
            self._words = (book, words_worth_finding(w.text for w in book.outline.words))
        return Vocabulary(
            sections=tuple(title for _, title in list_headings(book.outline)),
            words=self._words[1],
            titles=self._titles,
            pages=max(book.outline.pages, 1),
        )

    def _endpointer(self) -> Endpointer:
        settings = EndpointSettings(end_ms=float(self._settings.pause_ms))
        return endpointer(settings)

    def _listening_settings(self) -> ListeningSettings:
        earcon_ms = DESIGNS["listen"].length_ms + self._ears.latency_ms
        return ListeningSettings(
            silence_s=self._settings.silence_s,
            deaf_s=earcon_ms / 1000.0,
            clipped=CLIPPED_SHARE,
            thresholds=self._ears.thresholds,
        )
