"""What the owner of the voice tells of: small, frozen, without page text in their ``repr``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from voxedge.errors import VoxedgeError
from voxedge.speech.lines import Line, SpeechClass


class Outcome(Enum):
    """How a piece of speech ended."""

    SPOKEN = "spoken"
    """To its end, heard by the device."""
    STOPPED = "stopped"
    """By ``stop``, or because the owner of the voice closed."""
    REPLACED = "replaced"
    """By newer speech of its class, or there was no silence for a hint."""
    FAILED = "failed"
    """By an error, which its ``Speech`` carries."""


@dataclass(frozen=True, slots=True)
class SpeechEvent:
    """The root.

    Attributes:
        speech_id: number of the piece of speech, from 1.
        speech_class: its class.
    """

    speech_id: int
    speech_class: SpeechClass


@dataclass(frozen=True, slots=True)
class UtteranceStarted(SpeechEvent):
    """The first sample of a line has left the device."""

    line: Line = field(repr=False)


@dataclass(frozen=True, slots=True)
class UtteranceSpoken(SpeechEvent):
    """The last sample of a line has left the device."""

    line: Line = field(repr=False)


@dataclass(frozen=True, slots=True)
class Interrupted(SpeechEvent):
    """Something more urgent came; this speech will go on later, at the start of its sentence."""


@dataclass(frozen=True, slots=True)
class Ended(SpeechEvent):
    """A piece of speech is over."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class SinkLost:
    """The loudspeaker is gone; the owner tries to open it again."""

    error: VoxedgeError


@dataclass(frozen=True, slots=True)
class SinkBack:
    """The loudspeaker is back; speech that was cut off goes on at the start of its sentence."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """A stop was carried out.

    Attributes:
        generation: audio of an earlier one is dropped wherever it comes from.
    """

    generation: int


@dataclass(frozen=True, slots=True)
class Paused:
    """The voice holds still."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The voice goes on."""


Event = SpeechEvent | SinkLost | SinkBack | Stopped | Paused | Resumed
