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
from typing import TYPE_CHECKING, Any, Protocol

from voxedge.errors import (
    CameraBlack,
    CameraChanged,
    CameraFailed,
    CameraFrozen,
    CameraLost,
    CameraMissing,
    CameraTiny,
    NoPageShown,
    VoxedgeError,
)
from voxedge.flow import Frame
from voxedge.reader.guide import BLURRED, Guide, Move, fail, see, shoot
from voxedge.vision.framing import Scene, judge

if TYPE_CHECKING:
    from voxedge.flow import Pixels

TRIES = 3
"""Of a picture that came to nothing while the live view is well: then it is the camera's end."""

_COMES_BACK = (
    CameraBlack,
    CameraChanged,
    CameraFailed,
    CameraFrozen,
    CameraLost,
    CameraMissing,
    CameraTiny,
)
"""What a camera may fail of while it shoots, and be well again when the plug is back."""


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

    async def focus(self) -> None:
        """Let the lens look again; nothing where it cannot. Never raises."""
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
        is_heard: says whether a hint would be heard now, and not talk into another sentence.
        guided: false takes the picture at once; a camera that fails is waited for all the same.
        clock: monotonic, in seconds.
        off_loop: runs what takes 20 ms of a processor; tests under a virtual clock run it at once.
    """

    def __init__(
        self,
        camera: LiveCamera,
        on_move: Callable[[Move], None],
        is_heard: Callable[[], bool] = lambda: True,
        *,
        guided: bool = True,
        clock: Callable[[], float] = time.monotonic,
        off_loop: Callable[..., Awaitable[Any]] = asyncio.to_thread,
    ) -> None:
        self._camera = camera
        self._on_move = on_move
        self._is_heard = is_heard
        self._guided = guided
        self._clock = clock
        self._off_loop = off_loop
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

        A camera that fails is told of and waited for, also where it fails in the middle of the
        picture. Cancelling it stops the guidance.

        Raises:
            NoPageShown: there was nothing under the camera for two minutes.
            VoxedgeError: the camera stays away, or gives no picture though it sees.
        """
        self._pressed.clear()
        if not self._guided:
            self._pressed.set()
        guide = Guide(self._clock())
        for left in range(TRIES - 1, -1, -1):
            if guide.trouble or not self._pressed.is_set():
                guide = await self._framed(guide)
            try:
                return await self._camera.shoot()
            except _COMES_BACK as error:
                if not left:
                    raise
                guide = self._failed(guide, error)
        raise AssertionError("every try ended")

    async def _framed(self, guide: Guide) -> Guide:
        """Return when the picture is to be taken."""
        scene = Scene()
        async with aclosing(self._camera.live()) as views:
            while True:
                # While the camera is away a press cannot be answered; it is kept until it is back.
                view = await self._next(views, heed_press=not guide.trouble)
                if view is None:
                    guide, move = shoot(guide)
                elif view.trouble is not None or view.grey is None:
                    trouble = view.trouble or CameraFailed(camera=self.name, reason="no picture")
                    scene = Scene()
                    guide = self._failed(guide, trouble)
                    continue
                else:
                    judgement, scene = await self._off_loop(
                        judge, view.grey, view.full_long_px, scene
                    )
                    heard = self._is_heard()
                    guide, move = see(guide, judgement.verdict, self._clock(), is_heard=heard)
                self._carry_out(move)
                if move.hint is not None and move.hint.key == BLURRED:
                    # Lenses that focus by themselves settle on the table now and then.
                    await self._camera.focus()
                if move.shoot:
                    return guide
                if move.give_up:
                    raise NoPageShown(camera=self.name)

    def _failed(self, guide: Guide, error: VoxedgeError) -> Guide:
        """Tell of a camera that does not see.

        Raises:
            VoxedgeError: the error itself, where it has lasted too long.
        """
        guide, move = fail(guide, type(error).__name__, error.speech, self._clock())
        if move.give_up:
            raise error
        self._carry_out(move)
        return guide

    def _carry_out(self, move: Move) -> None:
        if move.hint is not None or move.tone is not None:
            self._on_move(move)

    async def _next(self, views: AsyncGenerator[View, None], *, heed_press: bool) -> View | None:
        """Return the next view, None as soon as the person presses."""
        if not heed_press:
            return await anext(views)
        view = asyncio.ensure_future(anext(views))
        press = asyncio.ensure_future(self._pressed.wait())
        try:
            await asyncio.wait((view, press), return_when=asyncio.FIRST_COMPLETED)
            return None if self._pressed.is_set() else view.result()
        finally:
            for task in (view, press):
                task.cancel()
            await asyncio.wait((view, press))
