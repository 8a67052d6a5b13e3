"""What a conversation may have done. Frozen values; ``voxedge.reader.session`` carries them out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from voxedge.document.cursor import Cursor
from voxedge.speech.lines import SpeechClass


@dataclass(frozen=True, slots=True)
class Say:
    """Say one of the reader's own sentences.

    Attributes:
        key: of the sentence in the table of messages.
        slots: what fills it.
        speech_class: how urgent it is.
    """

    key: str
    slots: tuple[tuple[str, str | int], ...] = ()
    speech_class: SpeechClass = SpeechClass.REPLY


def say(key: str, speech_class: SpeechClass = SpeechClass.REPLY, **slots: str | int) -> Say:
    """Return the effect of saying a sentence."""
    return Say(key, tuple(slots.items()), speech_class)


@dataclass(frozen=True, slots=True)
class Spell:
    """Say names of letters, one by one, in the formant voice.

    Attributes:
        words: the names of the letters of each word.
    """

    words: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Sound:
    """Play an earcon.

    Attributes:
        name: in ``voxedge.audio.earcon_designs``.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Be silent at once and forget what was to be said."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Be silent at once and hold the place."""


@dataclass(frozen=True, slots=True)
class ReadOn:
    """Read the document from the start of the sentence at the cursor."""

    cursor: Cursor


@dataclass(frozen=True, slots=True)
class ReadPart:
    """Read the words up to ``end`` and no further; from the sentence at the cursor."""

    cursor: Cursor
    end: Cursor


@dataclass(frozen=True, slots=True)
class GoOn:
    """Go on where ``Hold`` stopped; as ``ReadOn`` where that is no longer possible."""

    cursor: Cursor


@dataclass(frozen=True, slots=True)
class TakePage:
    """Take a picture and read it; the page gets this number."""

    number: int


@dataclass(frozen=True, slots=True)
class PressShutter:
    """Take the picture as it is, without waiting for the page to lie better."""


@dataclass(frozen=True, slots=True)
class DropPage:
    """Give up the page that is being read in."""


@dataclass(frozen=True, slots=True)
class SetVolume:
    """Set the loudness."""

    volume: float


class VoiceWish(Enum):
    """Which voice somebody wants, at the best; heat and load may still ask for a cheaper one."""

    NATURAL = "natural"
    LIGHT = "light"
    SIMPLE = "simple"


@dataclass(frozen=True, slots=True)
class UseVoice:
    """Speak with no better voice than this from the next sentence on."""

    wish: VoiceWish


@dataclass(frozen=True, slots=True)
class SaveBook:
    """Put the open document on the shelf for good; ``Saved`` answers."""

    title: str


@dataclass(frozen=True, slots=True)
class KeepBook:
    """A page was read in: update the shelf, where the document is on it or recent ones are kept."""


@dataclass(frozen=True, slots=True)
class PictureIsOf:
    """The picture that was taken last is of this page of the open document, from 0."""

    page: int


@dataclass(frozen=True, slots=True)
class PutCursor:
    """Remember the place of a document on the shelf."""

    number: int
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class PutMark:
    """Remember a mark in a document on the shelf."""

    number: int
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class DeleteBook:
    """Take a document off the shelf; ``Deleted`` answers."""

    number: int


@dataclass(frozen=True, slots=True)
class OpenBook:
    """Open a document: by number, by title, or the last one; ``Opened`` answers."""

    number: int | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class ListBooks:
    """Look what is saved; ``Listed`` answers."""


@dataclass(frozen=True, slots=True)
class PowerOff:
    """Turn the box off once the last word was heard."""


Effect = (
    Say
    | Spell
    | Sound
    | Silence
    | Hold
    | ReadOn
    | ReadPart
    | GoOn
    | TakePage
    | PressShutter
    | DropPage
    | SetVolume
    | UseVoice
    | SaveBook
    | KeepBook
    | PictureIsOf
    | PutCursor
    | PutMark
    | DeleteBook
    | OpenBook
    | ListBooks
    | PowerOff
)
