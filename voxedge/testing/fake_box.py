"""A whole box without hardware, for ``voxedge selftest --simulate`` and its tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxedge.config import Settings
from voxedge.errors import VoxedgeError
from voxedge.inputs.bindings import MAPS, with_pins
from voxedge.inputs.encoder import PIN_A, PIN_B
from voxedge.reader.guided import View
from voxedge.service.health import Snapshot
from voxedge.system.selftest.ports import OnEdge, Parts

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxedge.system.selftest.ports import Speaker

HEALTHY = Snapshot(
    temperature_c=52.0,
    throttled=False,
    under_voltage=False,
    cpu_mhz=1500,
    disk_free_mb=20_000,
    memory_available_mb=2_800,
    loudspeakers=("Headphones",),
    cameras=("HD camera",),
)


@dataclass(slots=True)
class FakeSpeaker:
    """A ``Speaker`` that keeps what it was told; a microphone may hear it.

    Attributes:
        tell: prints what is said.
        on_say: called with each text before it ends: the finger that obeys.
    """

    voice: str = "en_US-joe-medium"
    loudspeaker: str = "simulated"
    trouble: str = ""
    underruns: int = 0
    tell: Callable[[str], None] = lambda _: None
    on_say: Callable[[str], None] = lambda _: None
    said: list[str] = field(default_factory=list)
    volumes: list[float | None] = field(default_factory=list)
    speaking: bool = False

    async def say(self, text: str, volume: float | None = None) -> None:
        """Keep it; a word takes two milliseconds."""
        self.tell(text)
        self.said.append(text)
        self.volumes.append(volume)
        self.speaking = True
        try:
            await asyncio.sleep(0.002 * len(text.split()))
        finally:
            self.speaking = False
        self.on_say(text)


class FakeContacts:
    """Pins that a test closes and opens; see ``system.selftest.ports.Contacts``."""

    def __init__(self, numbers: Sequence[int], on_edge: OnEdge, stuck: Sequence[int] = ()) -> None:
        self._closed = {number: number in stuck for number in numbers}
        self._on_edge = on_edge

    def closed_now(self) -> dict[int, bool]:
        """Return the levels."""
        return dict(self._closed)

    def close(self) -> None:
        """Nothing is held."""

    def edge(self, number: int, closed: bool) -> None:
        """Close or open a contact."""
        if number in self._closed:
            self._closed[number] = closed
            self._on_edge(number, closed, 0)

    def press(self, number: int, edges: int = 1) -> None:
        """Close and open a contact, so many times."""
        for _ in range(edges):
            self.edge(number, True)
            self.edge(number, False)

    def turn(self, first: int, second: int) -> None:
        """Turn a knob by a click; clockwise, contact B closes first."""
        for pin, closed in ((first, True), (second, True), (first, False), (second, False)):
            self.edge(pin, closed)


class HearingMicrophone:
    """A ``SoundSource`` in a quiet room that hears a ``FakeSpeaker``.

    Args:
        speaker: who is heard.
        silence: amplitude of the room.
        speech: amplitude of the voice in it.
    """

    def __init__(self, speaker: FakeSpeaker, silence: float = 20.0, speech: float = 2000.0) -> None:
        self._speaker = speaker
        self._silence = silence
        self._speech = speech

    async def pieces(self) -> AsyncIterator[npt.NDArray[np.int16]]:
        """Yield 100 ms at a time, a hundred times as fast as the world."""
        random = np.random.default_rng(11)
        while True:
            await asyncio.sleep(0.001)
            size = self._speech if self._speaker.speaking else self._silence
            noise = random.normal(0.0, size, 1600)
            yield np.clip(noise, -32768, 32767).astype(np.int16)


class FakeFinger:
    """Does what the self-test asks for: presses the button it names, turns the knob."""

    def __init__(self, settings: Settings) -> None:
        self.contacts: FakeContacts | None = None
        buttons = with_pins(MAPS.get(settings.buttons.map, ()), settings.buttons.pins)
        self.pins = {button.name: button.pin for button in buttons}

    def open(self, numbers: tuple[int, ...], on_edge: OnEdge) -> FakeContacts:
        """Open pins; see ``Parts.contacts``."""
        self.contacts = FakeContacts(numbers, on_edge)
        return self.contacts

    def obey(self, text: str) -> None:
        """Hear a sentence and act on it, a moment later."""
        asyncio.get_running_loop().call_later(0.005, self._act, text)

    def _act(self, text: str) -> None:
        if self.contacts is None:
            return
        if text.startswith("Press the button "):
            self.contacts.press(self.pins[text.removeprefix("Press the button ").rstrip(".")])
        elif text.startswith("Turn"):
            order = (PIN_B, PIN_A) if "right" in text else (PIN_A, PIN_B)
            for _ in range(2):
                self.contacts.turn(*order)


async def good_views() -> AsyncGenerator[View, None]:
    """Yield a page that lies well, as a camera of 1920 pixels sees it."""
    from voxedge.testing.scenes import noisy, view

    random = np.random.default_rng(3)
    page = view(0)
    while True:
        grey = noisy(page, random)
        step = max(1, max(grey.shape) // 640)
        yield View(np.ascontiguousarray(grey[::step, ::step]), full_long_px=1920)
        await asyncio.sleep(0.02)


@asynccontextmanager
async def fake_parts(
    settings: Settings, state: Path, tell: Callable[[str], None] = lambda _: None
) -> AsyncIterator[Parts]:
    """Yield a box in which everything is well."""
    finger = FakeFinger(settings)
    speaker = FakeSpeaker(voice=settings.voice.name, tell=tell, on_say=finger.obey)
    yield Parts(
        settings=settings,
        speaker=speaker,
        contacts=finger.open,
        views=good_views,
        microphone=HearingMicrophone(speaker),
        snapshot=lambda: HEALTHY,
        state=state,
        models=(("natural voice", lambda: "simulated"),),
        now_s=time.time,
        synchronised=lambda: True,
    )


def broken(error: VoxedgeError) -> Callable[[], str]:
    """Return a check that fails."""

    def check() -> str:
        raise error

    return check


if TYPE_CHECKING:

    def _is_a_speaker(speaker: FakeSpeaker) -> Speaker:
        return speaker
