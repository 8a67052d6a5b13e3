"""A camera that fails under a whole session: told, waited for, and nothing that was read is lost.

Session, guide and pump run by the virtual clock; the driver follows a script. That real workers
keep the same times is measured by ``voxedge bench camera``.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from voxedge.actions import Action, State, intent
from voxedge.engines.camera.drain import Pump
from voxedge.errors import CameraFailed
from voxedge.flow import Frame
from voxedge.reader.guided import GuidedCamera, View
from voxedge.reader.messages import load_messages
from voxedge.reader.session import Parts, Session
from voxedge.speech.planner import Style
from voxedge.testing.fake_audio import FakeSink, run_virtual
from voxedge.testing.fake_camera import FakeSource
from voxedge.testing.fake_reader import FakePages, FakeShelf
from voxedge.testing.fake_voice import FakeVoice

PAGE = "# Dosage\nTake one tablet in the morning. Swallow it whole."
OTHER = "# Letter\nYour appointment is on Monday. Please bring your card."
AWAY_S = 4.0
TOLD = {
    "unplugged": "disconnected",
    "silent": "disconnected",
    "black": "only black",
    "frozen": "stuck",
    "tiny": "too small",
    "changed": "has changed",
}


class SwitchedSource(FakeSource):
    now = "cut"

    @property
    def mode(self) -> str:
        return self.now


class PumpedCamera:
    """A ``LiveCamera`` as ``HostedCamera`` is one, turned by the virtual clock."""

    name = "fake"

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.source = SwitchedSource(clock=loop.time, sleep=lambda _: None)
        self.pump = Pump(self.source, loop.time)
        self.on_shoot: Callable[[], None] = lambda: None

    async def turn(self) -> None:
        await asyncio.sleep(max(0.1, self.pump.turn()))

    async def live(self) -> AsyncGenerator[View, None]:
        number = 0
        while True:
            await self.turn()
            trouble, seen = self.pump.trouble(), self.pump.seen
            if trouble is not None:
                yield View(None, trouble=trouble)
            elif seen is not None and seen.number > number:
                number = seen.number
                yield View(seen.grey, max(seen.picture.size_px))

    async def focus(self) -> None:
        self.pump.focus()

    async def shoot(self) -> Frame:
        self.on_shoot()
        number = self.pump.seen.number if self.pump.seen is not None else 0
        for _ in range(60):
            await self.turn()
            trouble, seen = self.pump.trouble(), self.pump.seen
            if trouble is not None:
                raise trouble
            if seen is not None and seen.number > number and seen.usable and self.pump.settled:
                return Frame(seen.picture.full(), self.name)
        raise CameraFailed(camera=self.name, reason="it gave no picture in time")


class Rig:
    def __init__(self, session: Session, voice: FakeVoice, camera: PumpedCamera) -> None:
        self.session = session
        self.voice = voice
        self.camera = camera

    @property
    def said(self) -> str:
        return " ".join(self.voice.asked)

    async def until(self, condition: Callable[[], bool], limit_s: float) -> float:
        """Wait and return for how long."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        async with asyncio.timeout(limit_s):
            while not condition():  # noqa: ASYNC110 - virtual time
                await asyncio.sleep(0.05)
        return loop.time() - began_s


async def at_once(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)


def with_session(work: Callable[[Rig], Any]) -> None:
    """Run ``work`` with a page open that was read before, and the next one being looked for."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        voice, sink, camera = FakeVoice(ms_per_char=30.0), FakeSink(keep=False), PumpedCamera()
        session: Session
        guided = GuidedCamera(
            camera,
            lambda move: session.guide(move),
            lambda: session.is_hint_heard,
            clock=loop.time,
            off_loop=at_once,
        )
        session = Session(
            Parts(
                voice=voice,
                sink=sink,
                camera=guided,
                pages=FakePages(PAGE, OTHER, section_s=0.05),
                shelf=FakeShelf(),
                messages=load_messages(),
                style=lambda language: Style(language=language),
            )
        )
        life = asyncio.create_task(session.run())
        rig = Rig(session, voice, camera)
        try:
            await session.started.wait()
            camera.source.now = "good"
            await session.do(intent(Action.READ))
            await rig.until(lambda: session.model.state is State.READING, 20.0)
            await rig.until(lambda: session.model.state is State.IDLE, 60.0)
            await work(rig)
            assert not life.done()
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)
            await sink.close()

    run_virtual(main())


@pytest.mark.parametrize("phase", ["framing", "shooting"])
@pytest.mark.parametrize("fault", TOLD)
def test_a_fault_is_told_within_two_seconds_and_the_picture_comes_after_all(
    fault: str, phase: str
) -> None:
    async def work(rig: Rig) -> None:
        session, source = rig.session, rig.camera.source
        before = session.model.open
        assert before is not None
        began = asyncio.Event()
        source.now = "cut"

        def fail() -> None:
            if not began.is_set():
                source.now = fault
                began.set()

        await session.do(intent(Action.READ))
        await rig.until(lambda: rig.camera.pump.seen is not None, 5.0)
        await asyncio.sleep(1.0)
        rig.voice.asked.clear()
        if phase == "shooting":
            rig.camera.on_shoot = fail
            source.now = "good"
            await began.wait()
        else:
            fail()
        noticed_s = await rig.until(lambda: TOLD[fault] in rig.said, 5.0)
        assert noticed_s <= 2.0
        await asyncio.sleep(0.0 if fault == "changed" else AWAY_S)
        assert session.model.open == before, "nothing that was read is lost"
        if fault != "changed":
            source.now = "good"
        back_s = await rig.until(lambda: "My camera works again." in rig.said, 5.0)
        # A camera that changed is started again at once: its return waits for the fault to be told.
        assert back_s <= (4.0 if fault == "changed" else 2.0)
        assert rig.said.count(TOLD[fault]) == 1
        # The changed pictures are too small to be called good: they are taken as they are.
        await rig.until(lambda: "Your appointment is on Monday." in rig.said, 40.0)
        assert "I cannot find" not in rig.said, "one pulled plug is told once"

    with_session(work)


def test_a_camera_that_stays_away_ends_the_wait_and_keeps_what_was_read() -> None:
    async def work(rig: Rig) -> None:
        session = rig.session
        before = session.model.open
        rig.camera.source.now = "unplugged"
        await session.do(intent(Action.READ))
        ended_s = await rig.until(lambda: session.model.state is State.IDLE, 60.0)
        assert 29.0 < ended_s < 40.0
        assert session.model.open == before
        assert session.model.work is None
        rig.camera.source.now = "good"
        rig.voice.asked.clear()
        await session.do(intent(Action.READ))
        await rig.until(lambda: session.model.state is State.READING, 10.0)

    with_session(work)


def test_a_stop_ends_the_guidance_at_once() -> None:
    async def work(rig: Rig) -> None:
        session = rig.session
        rig.camera.source.now = "cut"
        await session.do(intent(Action.READ))
        await rig.until(lambda: "cut off on the left" in rig.said, 10.0)
        await session.do(intent(Action.STOP))
        assert session.model.state is State.IDLE
        rig.voice.asked.clear()
        await asyncio.sleep(30.0)
        assert "cut off" not in rig.said
        assert session.model.work is None

    with_session(work)
