"""The main job: pictures in, natural speech out, the first word before the last is recognised."""

from __future__ import annotations

import datetime
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace

from voxedge.audio.sink import AudioSink
from voxedge.document.model import Document
from voxedge.engines.protocols import Synthesizer
from voxedge.flow import Utterance
from voxedge.reader.conversation.labels import label_told
from voxedge.reader.messages import load_messages
from voxedge.reader.pages import PageFailed, PageFeed, PagesRead, Part
from voxedge.speech.events import Event, UtteranceStarted
from voxedge.speech.lines import Line
from voxedge.speech.planner import Planner, Style, plan_text
from voxedge.speech.speak import SpeechReport, speak_stream

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReadAloud:
    """What became of it.

    Attributes:
        pages: what was read.
        speech: what was spoken.
    """

    pages: PagesRead
    speech: SpeechReport


async def read_aloud(
    feed: PageFeed,
    voice: Synthesizer,
    sink: AudioSink,
    style: Style,
    *,
    on_part: Callable[[Part], None] | None = None,
    speak_failures: bool = False,
) -> ReadAloud:
    """Read pages and speak them while they are being read.

    Cancel it (Ctrl-C) to end with a fade; the caller closes sink and voice.

    Args:
        feed: the pages.
        voice: speaks.
        sink: loudspeaker or file.
        style: how it is said.
        on_part: told of each part as it is read, before it is spoken.
        speak_failures: say aloud which page failed and why (a loudspeaker wants it, a file not).

    Raises:
        VoxedgeError: the voices or the sink failed. Pages that fail are in the outcome.
    """

    async def script() -> AsyncIterator[Line | Utterance]:
        planner = Planner(style)
        async with aclosing(feed.parts()) as parts:
            async for part in parts:
                if on_part is not None:
                    on_part(part)
                if isinstance(part, PageFailed):
                    if speak_failures:
                        yield Utterance(part.error.speech, rate=style.rate, pause_after_ms=400)
                    continue
                for line in _label_lines(part, style):
                    yield line
                for section in part.sections:
                    for line in planner.section(section):
                        yield line

    speech = await speak_stream(script(), voice, sink, on_event=log_first_audio())
    return ReadAloud(feed.outcome(), speech)


def label_sentences(part: Part, language: str) -> tuple[str, ...]:
    """Return what is told of a box or a blister before its text; nothing of other parts."""
    if isinstance(part, PageFailed) or part.page is None:
        return ()
    messages = load_messages()
    first = Document(part.sections, (part.page,), language)
    today = datetime.datetime.now().astimezone().date()
    return tuple(messages.say(told.key, dict(told.slots)) for told in label_told(first, today))


def _label_lines(part: Part, style: Style) -> Iterator[Line]:
    own = replace(style, language=load_messages().language, lexicon=None)
    for sentence in label_sentences(part, style.language):
        yield from plan_text(sentence, own)


async def read_silently(
    feed: PageFeed, *, on_part: Callable[[Part], None] | None = None
) -> PagesRead:
    """Read pages without speaking."""
    async with aclosing(feed.parts()) as parts:
        async for part in parts:
            if on_part is not None:
                on_part(part)
    return feed.outcome()


def log_first_audio() -> Callable[[Event], None]:
    """Return a listener that logs, once, that the first sound left the device."""
    heard = False

    def listen(event: Event) -> None:
        nonlocal heard
        if not heard and isinstance(event, UtteranceStarted):
            heard = True
            logger.debug("first audio")

    return listen
