"""What the steps of the self-test try; ``parts`` makes them, tests fake them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from voxedge.config import Settings
from voxedge.service.health import Snapshot

if TYPE_CHECKING:
    from voxedge.audio.capture import SoundSource
    from voxedge.reader.guided import View


class Speaker(Protocol):
    """Says sentences to their end, whatever is broken."""

    @property
    def voice(self) -> str:
        """Which voice spoke last; "" before."""
        ...

    @property
    def loudspeaker(self) -> str:
        """The sound card's name; "" where there is none."""
        ...

    @property
    def trouble(self) -> str:
        """Why there is no sound, or not the natural voice; "" where all is well."""
        ...

    @property
    def underruns(self) -> int:
        """Times the sound broke off."""
        ...

    async def say(self, text: str, volume: float | None = None) -> None:
        """Say a text and wait until it was heard; never raises for sound."""
        ...


class Contacts(Protocol):
    """The pins at work."""

    def closed_now(self) -> dict[int, bool]:
        """Return whether each contact is closed."""
        ...

    def close(self) -> None:
        """Give the pins back."""
        ...


OnEdge = Callable[[int, bool, int], None]
"""GPIO number, whether the contact is closed, microseconds; on the event loop."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that is tried.

    Attributes:
        settings: which buttons, which camera.
        speaker: the voice.
        contacts: opens pins; raises InputDeviceMissing.
        views: the live camera; yields troubles too.
        microphone: the ear.
        snapshot: reads the sensors; blocking.
        state: folder of saved documents.
        models: name and check of each model file; a check returns what it found or raises
            VoxedgeError; blocking.
        now_s: seconds since 1970.
        synchronised: whether the clock was set by the network.
    """

    settings: Settings
    speaker: Speaker
    contacts: Callable[[tuple[int, ...], OnEdge], Contacts]
    views: Callable[[], AsyncGenerator[View, None]]
    microphone: SoundSource
    snapshot: Callable[[], Snapshot]
    state: Path
    models: tuple[tuple[str, Callable[[], str]], ...]
    now_s: Callable[[], float]
    synchronised: Callable[[], bool]
