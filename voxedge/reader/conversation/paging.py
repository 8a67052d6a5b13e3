"""Reading a page in, and listening to it: read, append, stop, pause, and what comes of them."""

from __future__ import annotations

from dataclasses import replace

from voxedge.actions import Intent, State
from voxedge.document.cursor import Cursor
from voxedge.document.model import Document
from voxedge.errors import NothingToRead, VoxedgeError
from voxedge.reader.book import book_of
from voxedge.reader.conversation import again
from voxedge.reader.conversation.effects import (
    DropPage,
    Effect,
    Hold,
    KeepBook,
    PressShutter,
    PutCursor,
    ReadOn,
    Silence,
    Sound,
    TakePage,
    say,
)
from voxedge.reader.conversation.happenings import (
    PageBegan,
    PageEnded,
    PictureTaken,
    ReadingEnded,
    SentenceBegan,
    TextCame,
    TimedOut,
)
from voxedge.reader.conversation.labels import label_told
from voxedge.reader.conversation.model import Model, Open, Step, Work, World
from voxedge.speech.events import Outcome
from voxedge.speech.lines import SpeechClass

WORKING = frozenset({State.FRAMING, State.RECOGNISING})


def read(model: Model, intent: Intent, world: World) -> Step:
    """Take a picture and read it as a new document.

    While the hand is being led: take the picture as it is; asked once more, give up. A camera
    that does not answer to the first press would not answer to the second.
    """
    work = model.work
    if model.state is State.FRAMING and work is not None:
        return stop(model, intent, world) if work.pressed else _press(model, work)
    return _take(model, append=False)


def append_page(model: Model, intent: Intent, world: World) -> Step:
    """Take a picture and read it into the open document; what is being heard goes on."""
    if model.state is State.FRAMING:
        return read(model, intent, world)
    if model.open is None:
        return _take(model, append=False)
    work = model.work
    if work is not None and work.append and not (work.taken or work.pressed):
        return _press(model, work)
    if model.work is not None:
        return Step(model, (Sound("error"), say("still_reading_page")))
    return _take(model, append=True)


def _press(model: Model, work: Work) -> Step:
    return Step(
        replace(model, work=replace(work, pressed=True)), (PressShutter(), Sound("working"))
    )


def _take(model: Model, *, append: bool) -> Step:
    number = len(model.open.book.document.pages) if append and model.open is not None else 0
    effects: list[Effect] = [DropPage()] if model.work is not None else []
    listening = append and model.state is State.READING
    if listening:
        effects += [Sound("working")]
    else:
        effects += [Silence(), Sound("working")]
    model = replace(
        model,
        state=model.state if listening else State.FRAMING,
        work=Work(append, number, seen=None if append else again.seen_of(model)),
        reply=(),
    )
    return Step(model, (*effects, TakePage(number)))


def stop(model: Model, _intent: Intent, _world: World) -> Step:
    """Be silent; give up the page only while nothing of it could be heard yet."""
    if model.state in WORKING:
        if model.work is not None:
            model, _ = again.finish(model, model.work)
        given_up = replace(model, state=State.IDLE, work=None, reply=())
        return Step(given_up, (Silence(), DropPage(), say("stopped_work")))
    return Step(replace(model, state=State.IDLE, reply=()), (Silence(), Sound("key_press")))


def hush(model: Model, _intent: Intent, _world: World) -> Step:
    """Be silent until what follows the touch is known."""
    quiet: Effect = Hold() if model.state is State.READING else Silence()
    return Step(model, (quiet, Sound("key_press")))


def pause(model: Model, _intent: Intent, _world: World) -> Step:
    """Hold the reading."""
    return Step(replace(model, state=State.PAUSED), (Hold(), Sound("key_press")))


# -- what happens ------------------------------------------------------------------------------


def picture_taken(model: Model, _event: PictureTaken, _world: World) -> Step:
    """The page may be moved now."""
    if model.work is None:
        return Step(model)
    model = replace(model, work=replace(model.work, taken=True))
    return Step(_working(model, State.RECOGNISING), (Sound("shutter"),))


def page_began(model: Model, event: PageBegan, _world: World) -> Step:
    """The recogniser has begun."""
    if model.work is None:
        return Step(model)
    return Step(replace(model, work=replace(model.work, begun=event)))


def text_came(model: Model, event: TextCame, world: World) -> Step:
    """Text is there: read it from the first of it on."""
    work = model.work
    if work is None or work.begun is None:
        return Step(model)
    page = () if work.texts else (work.begun.page,)
    more = model.open if work.append or work.texts else None
    so_far = Document((), page, work.begun.language, work.begun.engine)
    if more is not None and not work.append:
        so_far = replace(so_far, sections=more.book.document.sections)
    work, first = again.look(work, so_far, event.sections)
    if more is not None:
        before = len(more.book.outline.words)
        document = replace(more, book=more.book.grown(first.sections, page))
    else:
        before = 0
        document = Open(book_of(first))
    model = replace(model, open=document, work=replace(work, texts=True), new=False)
    if len(document.book.outline.words) == before:
        return Step(model)
    start = Cursor(before)
    if model.state in WORKING and not work.append:
        return _begun(model, document, work, _label(document, world))
    if model.state in WORKING:
        model = replace(model, state=State.READING, open=document.at(start), reply=())
        return Step(model, (*_label(Open(book_of(first)), world), ReadOn(start)))
    if model.menu is not None and model.menu.back in WORKING:
        model = replace(model, open=document.at(start))
        return Step(_working(model, State.READING))
    return Step(model)


def _label(document: Open, world: World) -> tuple[Effect, ...]:
    today = world.wall.date() if world.wall is not None else None
    return label_told(document.book.document, today)


def _begun(model: Model, document: Open, work: Work, label: tuple[Effect, ...]) -> Step:
    """Begin to read, unless more of the page must come first."""
    told = again.begin(work, document.book)
    if told is None:
        return Step(model)
    said, start = told
    model = replace(model, state=State.READING, open=document.at(start), reply=())
    return Step(model, (*said, *label, ReadOn(start)))


def page_ended(model: Model, event: PageEnded, _world: World) -> Step:
    """The page is read to its end, or could not be."""
    work = model.work
    if work is None:
        return Step(model)
    model, together = again.finish(replace(model, work=None), work)
    error = event.error
    waits = model.state in WORKING and work.texts
    if waits and model.open is not None and not model.open.book.empty:
        # The sentence that was in doubt did not come: all of the page is read instead.
        seen = replace(work, seen=None)
        step = _begun(model, model.open, seen, together)
        return step.after(KeepBook()) if error is None else _failed(step, error)
    # A page that gave text without a word is as blank as one that gave none.
    waiting = model.state in WORKING or (model.menu is not None and model.menu.back in WORKING)
    if error is None and waiting:
        error = NothingToRead(path="the camera's picture")
    effects: list[Effect] = [*together, KeepBook()] if work.texts else []
    if error is not None:
        model = _working(model, State.IDLE)
        return Step(model, (*effects, Sound("error"), _told(error, some=work.texts)))
    if work.append and model.state is not State.READING:
        effects.append(say("page_added", SpeechClass.NOTICE, page=work.number + 1))
    return Step(model, tuple(effects))


def _failed(step: Step, error: VoxedgeError) -> Step:
    return step.after(KeepBook(), Sound("error"), _told(error, some=True))


def _told(error: VoxedgeError, *, some: bool) -> Effect:
    return say("rest_failed" if some else "error", text=error.speech)


def _working(model: Model, state: State) -> Model:
    """Return the model with the work in another state, also behind an open menu."""
    if model.state in WORKING:
        return replace(model, state=state)
    if model.menu is not None and model.menu.back in WORKING:
        return replace(model, menu=replace(model.menu, back=state))
    return model


def sentence_began(model: Model, event: SentenceBegan, world: World) -> Step:
    """The cursor follows what the loudspeaker plays."""
    document = model.open
    cursor = document.book.cursor(event.place) if document is not None else None
    if document is None or cursor is None:
        return Step(model)
    if document.book.spot(document.cursor) == event.place:
        cursor = document.cursor  # A word within it may have been found.
    moved = replace(document, cursor=cursor, began_s=world.now_s, finished=False)
    kept = (PutCursor(document.number, cursor),) if document.number is not None else ()
    return Step(replace(model, open=moved, reply=()), kept)


def reading_ended(model: Model, event: ReadingEnded, _world: World) -> Step:
    """The document was heard to its end."""
    if model.state is not State.READING or model.open is None:
        return Step(model)
    if event.outcome is not Outcome.SPOKEN:
        resting = replace(model, state=State.PAUSED)
        if event.outcome is not Outcome.FAILED:
            return Step(resting)  # Something else is being read in its place.
        return Step(resting, (Sound("error"), say("reading_broke_off")))
    model = replace(model, state=State.IDLE, open=replace(model.open, finished=True))
    pages = len(model.open.book.document.pages) if model.open is not None else 0
    end = say("end_of_document" if pages > 1 else "end_of_page")
    return Step(model, (end, say("hint_after_end", SpeechClass.HINT)))


def timed_out(model: Model, event: TimedOut, _world: World) -> Step:
    """Nothing happened for too long."""
    if event.state is not model.state:
        return Step(model)
    match model.state:
        case State.FRAMING | State.RECOGNISING:
            key = "no_picture_in_time" if model.state is State.FRAMING else "no_text_in_time"
            given_up = replace(model, state=State.IDLE, work=None)
            return Step(given_up, (DropPage(), Sound("error"), say(key)))
        case State.PAUSED:
            # Silently: nobody waits for anything, and the place is kept.
            return Step(replace(model, state=State.IDLE))
        case State.READING:
            broken = replace(model, state=State.PAUSED)
            return Step(broken, (Silence(), Sound("error"), say("reading_broke_off")))
        case _:
            return Step(model)
