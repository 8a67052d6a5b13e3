"""A camera that leads the hand: the live view is judged, hints are given, the picture is taken.

``GuidedCamera`` is a ``Camera``: ``take`` returns the picture when the page lies right, or when
the person presses (``press``), or when help did not help.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from voxedge.errors import CameraChanged, CameraFailed, CameraLost, VoxedgeError
from voxedge.flow import Frame
from voxedge.reader.guide import Guide, Move, fail, see, shoot
from voxedge.vision.framing import Scene, judge

if TYPE_CHECKING:
    from voxedge.flow import Pixels

TRIES = 3
"""Of a picture that failed: the camera came loose while shooting, or is being started again."""

TRY_AGAIN_S = 1.5


@dataclass(frozen=True, slots=True)
class View:
    """One live picture, or what is wrong with the camera.

    Attributes:
        grey: small, ``uint8`` ``[h, w]``; None where there is trouble.
        full_long_px: long side of the whole picture.
        trouble: None where the camera sees.
    """

    grey: Pixels | None
    full_long_px: int = 0
    trouble: VoxedgeError | None = None


class LiveCamera(Protocol):
    """What ``GuidedCamera`` looks through. On the event loop; never blocks it."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    def live(self) -> AsyncGenerator[View, None]:
        """Yield views without end, several a second; troubles too, so that it never raises."""
        ...

    async def shoot(self) -> Frame:
        """Take a burst and return its best picture, whole.

        Raises:
            CameraMissing, CameraLost, CameraFailed and their like: no picture.
        """
        ...


class GuidedCamera:
    """A ``Camera``. Belongs to one event loop.

    Args:
        camera: what it looks through.
        on_move: carries out hints and tones; called in the loop, must not block.
        clock: monotonic, in seconds.
        sleep: waits.
    """

    def __init__(
        self,
        camera: LiveCamera,
        on_move: Callable[[Move], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._camera = camera
        self._on_move = on_move
        self._clock = clock
        self._sleep = sleep
        self._pressed = asyncio.Event()

    @property
    def name(self) -> str:
        """The camera's."""
        return self._camera.name

    def press(self) -> None:
        """Take the picture now, as it is."""
        self._pressed.set()

    async def take(self) -> Frame:
        """Lead the hand, then take the picture; see ``Camera.take``.

        Cancelling it stops the guidance.

        Raises:
            VoxedgeError: the camera gave no picture.
        """
        self._pressed.clear()
        await self._framed()
        return await self._shot()

    async def _framed(self) -> None:
        """Return when the picture is to be taken."""
        guide, scene = Guide(self._clock()), Scene()
        async with aclosing(self._camera.live()) as views:
            while True:
                view = await self._next(views)
                now_s = self._clock()
                if view is None:
                    guide, move = shoot(guide)
                elif view.trouble is not None or view.grey is None:
                    trouble = view.trouble or CameraFailed(camera=self.name, reason="no picture")
                    scene = Scene()
                    guide, move = fail(guide, type(trouble).__name__, trouble.speech, now_s)
                else:
                    judgement, scene = await asyncio.to_thread(
                        judge, view.grey, view.full_long_px, scene
                    )
                    guide, move = see(guide, judgement.verdict, now_s)
                if self._pressed.is_set() and not move.shoot:
                    guide, move = shoot(guide)
                if move.hint is not None or move.tone is not None:
                    self._on_move(move)
                if move.shoot:
                    return

    async def _next(self, views: AsyncGenerator[View, None]) -> View | None:
        """Return the next view, None as soon as the person presses."""
        view = asyncio.ensure_future(anext(views))
        press = asyncio.ensure_future(self._pressed.wait())
        try:
            await asyncio.wait((view, press), return_when=asyncio.FIRST_COMPLETED)
            return None if self._pressed.is_set() else view.result()
        finally:
            for task in (view, press):
                task.cancel()
            await asyncio.wait((view, press))

    async def _shot(self) -> Frame:
        for left in range(TRIES - 1, -1, -1):
            try:
                return await self._camera.shoot()
            except (CameraChanged, CameraLost) as error:
                if not left:
                    raise
                _, move = fail(Guide(0.0), type(error).__name__, error.speech, 0.0)
                if left == TRIES - 1:
                    self._on_move(move)
                await self._sleep(TRY_AGAIN_S)
        raise AssertionError("every try ended")
