"""The session's mouth: own sentences, the document aloud, earcons; and what was heard of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voxedge.audio.earcon_designs import DESIGNS, render
from voxedge.flow import Utterance, VoiceKind
from voxedge.reader.conversation.effects import Say, Spell
from voxedge.reader.conversation.happenings import Happening, ReadingEnded, SentenceBegan
from voxedge.speech.events import (
    Ended,
    Event,
    Interrupted,
    SinkBack,
    UtteranceSpoken,
    UtteranceStarted,
)
from voxedge.speech.lines import Line, Place, SpeechClass
from voxedge.speech.owner import VoiceOwner
from voxedge.speech.planner import Planner, Style, plan_text

if TYPE_CHECKING:
    from voxedge.audio.sink import AudioSink
    from voxedge.document.cursor import Cursor
    from voxedge.engines.protocols import Synthesizer
    from voxedge.flow import FloatSamples
    from voxedge.reader.conversation.model import Model
    from voxedge.reader.messages import Messages
    from voxedge.speech.cache import SpeechCache
    from voxedge.speech.speech import Speech

_LETTER_PAUSE_MS = 350


@dataclass(slots=True)
class _Reading:
    """The document being read aloud.

    Attributes:
        goes_on: to the end of the document, not one part only.
        rate: of the voice when it began.
        speech: at the owner of the voice; None until it took it.
        held_at: the cursor when it was held.
        place: of the line that sounds.
    """

    goes_on: bool
    rate: float
    speech: Speech | None = None
    held_at: Cursor | None = None
    place: Place | None = None


class Speaker:
    """Speaks for one session, on its event loop; nothing here awaits but ``said``.

    Args:
        voice: a ``FallbackVoice``.
        sink: the loudspeaker.
        messages: the reader's own sentences.
        style: how text of a language (BCP 47) is said, at rate 1; may be set anew.
        cache: of whole utterances.
        model: the conversation as it stands.
        happened: told of sentences that begin and readings that end.
        changed: told when something else can be seen to have changed.
    """

    def __init__(
        self,
        voice: Synthesizer,
        sink: AudioSink,
        messages: Messages,
        style: Callable[[str], Style],
        cache: SpeechCache | None,
        *,
        model: Callable[[], Model],
        happened: Callable[[Happening], None],
        changed: Callable[[], None],
    ) -> None:
        self.owner = VoiceOwner(voice, sink, on_event=self._listen, recover_sink=True, cache=cache)
        self.style = style
        self._sink = sink
        self._messages = messages
        self._model = model
        self._happened = happened
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._earcons: dict[str, FloatSamples] = {}
        self._earcon_rate_hz = 0
        self._reading: _Reading | None = None
        self._last_reply: Speech | None = None
        self._grown = asyncio.Event()
        self._heard_s = 0.0
        self.sounding = False
        """Whether an utterance leaves the loudspeaker; False in the pauses between them."""

    @property
    def speaking(self) -> bool:
        """Whether something is being said, and not held."""
        speech = self.owner.speaking
        return speech is not None and not speech.held

    @property
    def silent_s(self) -> float:
        """For how long no utterance has sounded."""
        return 0.0 if self.sounding else self._loop.time() - self._heard_s

    # -- own sentences ------------------------------------------------------------------

    def text(self, text: str, language: str | None = None) -> Iterator[Line]:
        """Return the lines of one of the reader's own sentences, or of one in another language."""
        return plan_text(text, self._style_of(language or self._messages.language))

    def lines(self, said: Say | Spell) -> Iterator[Line]:
        """Return what an effect says."""
        if isinstance(said, Say):
            yield from self.text(self._messages.say(said.key, dict(said.slots)))
            return
        for names in said.words:
            utterance = Utterance(
                ", ".join(names),
                kind=VoiceKind.FORMANT,
                rate=self._model().rate,
                pause_after_ms=_LETTER_PAUSE_MS,
            )
            yield Line(utterance)

    def say(self, said: Say) -> None:
        """Say a sentence that stands for itself."""
        self.owner.say(said.speech_class, list(self.lines(said)))

    def reply(self, lines: list[Line]) -> None:
        """Say what was gathered, as one answer, and empty the list."""
        if lines:
            self._last_reply = self.owner.say(SpeechClass.REPLY, list(lines))
            lines.clear()

    async def said(self, limit_s: float) -> None:
        """Wait until the last answer was heard, ``limit_s`` at most."""
        if self._last_reply is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit_s):
                    await self._last_reply.finished()

    def earcon(self, name: str) -> None:
        """Play a sound at once, over whatever plays."""
        if self._sink.rate_hz != self._earcon_rate_hz:
            # At the first sound, and when a loudspeaker came back as another one.
            rate_hz = self._earcon_rate_hz = self._sink.rate_hz
            self._earcons = {key: render(design, rate_hz) for key, design in DESIGNS.items()}
        self._sink.earcon(self._earcons[name])

    # -- the document -------------------------------------------------------------------

    def silence(self) -> None:
        """Be silent at once; everything that was to be said is forgotten."""
        self._reading = None
        self.owner.stop()

    def hold(self) -> None:
        """Be silent at once and hold the place."""
        opened = self._model().open
        if self._reading is not None and opened is not None:
            self._reading.held_at = opened.cursor
        self.owner.pause()

    def read(self, cursor: Cursor, end: Cursor | None, *, after_reply: bool) -> None:
        """Read from the start of the sentence at the cursor, up to ``end`` or on and on.

        Args:
            cursor: where.
            end: the place behind the last word; None for the end of the document.
            after_reply: an answer that was just given is heard first; an older one is cut short,
                because the person has moved on.
        """
        opened = self._model().open
        if opened is None:
            return
        speech = self.owner.speaking
        if not after_reply and speech is not None and speech.speech_class is SpeechClass.REPLY:
            self.owner.stop()
        # Set before the owner ends the reading before it: that end is not this one's.
        reading = self._reading = _Reading(goes_on=end is None, rate=self._model().rate)
        style = self._style_of(opened.book.document.language)
        reading.speech = self.owner.say(SpeechClass.READING, self._script(cursor, end, style))

    def go_on(self, cursor: Cursor, *, after_reply: bool) -> None:
        """Go on where ``hold`` stopped, in the middle of the sentence, if nothing has changed."""
        reading = self._reading
        if (
            reading is not None
            and reading.goes_on
            and reading.speech is not None
            and reading.speech.outcome is None
            and reading.held_at == cursor
            and reading.rate == self._model().rate
        ):
            self.owner.resume()
        else:
            self.read(cursor, None, after_reply=after_reply)

    def text_grew(self) -> None:
        """There is more to read, or there will be no more."""
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def _style_of(self, language: str) -> Style:
        return replace(self.style(language), rate=self._model().rate)

    async def _script(
        self, cursor: Cursor, end: Cursor | None, style: Style
    ) -> AsyncIterator[Line]:
        """Yield the lines from a sentence on; waits for text that is still being recognised."""
        planner = Planner(style)
        opened = self._model().open
        if opened is None or opened.book.empty:
            return
        start = opened.book.spot(cursor)
        while True:
            now = self._model()
            if now.open is None:
                return
            book = now.open.book
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
            now = self._model()
            if now.open is not None and now.open.book is not book:
                continue  # It has grown while this was being heard.
            if end is not None or now.work is None or not (now.work.append or now.work.texts):
                return
            await self._grown.wait()

    # -- what was heard -----------------------------------------------------------------

    def _listen(self, event: Event) -> None:
        """Hear from the owner of the voice."""
        reading = self._reading
        if reading is not None and reading.speech is not None:
            if getattr(event, "speech_id", None) != reading.speech.id:
                reading = None
        else:
            reading = None
        match event:
            case UtteranceStarted(line=line):
                self.sounding = True
                if reading is not None and line.place not in (None, reading.place):
                    reading.place = line.place
                    assert line.place is not None
                    self._happened(SentenceBegan(line.place))
            case UtteranceSpoken():
                self._quiet()
            case Interrupted():
                self._quiet()
                if reading is not None:
                    reading.place = None
            case Ended(outcome=outcome):
                self._quiet()
                if reading is not None:
                    self._reading = None
                    if reading.goes_on:
                        self._happened(ReadingEnded(outcome))
                self._changed()
            case SinkBack():
                self.earcon("ready")
            case _:
                self._quiet()
                self._changed()

    def _quiet(self) -> None:
        if self.sounding:
            self.sounding = False
            self._heard_s = self._loop.time()
