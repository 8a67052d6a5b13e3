"""A whole reading session over fakes, under the virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from voxedge.actions import Action, State, intent
from voxedge.flow import Frame
from voxedge.reader.conversation.model import Model
from voxedge.reader.messages import load_messages
from voxedge.reader.session import Parts, Session
from voxedge.speech.planner import Style
from voxedge.testing.fake_audio import FakeSink, run_virtual
from voxedge.testing.fake_reader import FakeCamera, FakePages, FakeShelf
from voxedge.testing.fake_voice import FakeVoice

LEAFLET = """
# Dosage
Take one tablet in the morning. Swallow it whole. Do not chew it.
Drink a glass of water. Take it after breakfast.
# Side effects
Headache is common. Tell your doctor about it.
# Storage
Keep it dry. Keep it out of the reach of children.
"""

SECOND = """
# Manufacturer
Made in Delft. Printed on paper.
"""

MESSAGES = load_messages()


@dataclass
class Rig:
    """A session and everything around it."""

    session: Session
    voice: FakeVoice
    sink: FakeSink
    camera: FakeCamera
    pages: FakePages
    shelf: FakeShelf
    earcons: list[str] = field(default_factory=list)
    powered_off: list[bool] = field(default_factory=list)
    changes: int = 0

    @property
    def model(self) -> Model:
        return self.session.model

    @property
    def state(self) -> State:
        return self.session.model.state

    @property
    def said(self) -> list[str]:
        """The texts whose synthesis began since the last ``hear``."""
        return self.voice.asked

    async def do(self, action: Action, **arguments: Any) -> list[str]:
        """Ask, let things settle for a moment, and return what began to be said."""
        self.voice.asked.clear()
        self.earcons.clear()
        await self.session.do(intent(action, arguments))
        await asyncio.sleep(0.5)
        return list(self.voice.asked)

    async def until(self, condition: Callable[[], bool], limit_s: float = 120.0) -> None:
        async with asyncio.timeout(limit_s):
            while not condition():  # noqa: ASYNC110 - virtual time
                await asyncio.sleep(0.05)

    async def read(self) -> None:
        """Read a page, up to the first word."""
        await self.session.do(intent(Action.READ))
        await self.until(lambda: self.state is State.READING and self.session.speaker.sounding)

    @property
    def sentence(self) -> str:
        """The printed sentence at the cursor."""
        opened = self.model.open
        assert opened is not None
        found = opened.book.outline.sentence_at(opened.cursor)
        assert found is not None
        return found.text


def rig(
    work: Callable[[Rig], Coroutine[Any, Any, None]],
    *texts: str,
    model: Model | None = None,
    keep_recent: bool = False,
    encode_picture: Callable[[Frame], bytes] | None = None,
    section_s: float = 0.05,
    ms_per_char: float = 40.0,
) -> None:
    """Run ``work`` with a session that lives as long as it."""

    async def main() -> None:
        voice, sink = FakeVoice(ms_per_char=ms_per_char), FakeSink(keep=False)
        camera, pages = FakeCamera(), FakePages(*(texts or (LEAFLET,)), section_s=section_s)
        shelf = FakeShelf(keep_recent=keep_recent)
        made: list[Rig] = []

        async def power_off() -> bool:
            made[0].powered_off.append(True)
            return len(made[0].powered_off) > 1

        session = Session(
            Parts(
                voice=voice,
                sink=sink,
                camera=camera,
                pages=pages,
                shelf=shelf,
                messages=MESSAGES,
                style=lambda language: Style(language=language),
                encode_picture=encode_picture,
            ),
            model,
            on_change=lambda: _count(made),
            power_off=power_off,
        )
        made.append(Rig(session, voice, sink, camera, pages, shelf))
        play = session.speaker.earcon

        def earcon(name: str) -> None:
            made[0].earcons.append(name)
            play(name)

        session.speaker.earcon = earcon  # type: ignore[method-assign]
        life = asyncio.create_task(session.run())
        try:
            await asyncio.sleep(0.1)
            await work(made[0])
            assert not life.done(), life.exception()
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)
            await sink.close()

    run_virtual(main())


def _count(made: list[Rig]) -> None:
    if made:
        made[0].changes += 1
