"""A camera as a worker process serves it: a live view, and pictures on request.

==========  ==============================================  =====================================
method      request header                                  items
==========  ==============================================  =====================================
``live``    ``every_ms`` (125)                              small grey frames (``number``,
                                                            ``at_ms``, ``full``), or ``trouble``;
                                                            an error where only the end of this
                                                            process helps
``shoot``   ``burst`` (4), ``wait_s`` (6)                   one whole frame, the sharpest
``take``    the same                                        the same
``focus``   none                                            none
==========  ==============================================  =====================================

The camera runs (and its torch is lit) from the first call until ``IDLE_S`` after the last: a
camera that runs all day warms the box and shows a light to people who cannot see it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from voxedge.engines import codec
from voxedge.engines.camera.csi import CsiSource
from voxedge.engines.camera.drain import Drain, Pump, Seen
from voxedge.engines.camera.folder import FolderSource
from voxedge.engines.camera.picture import BadPicture
from voxedge.engines.camera.source import Source
from voxedge.engines.camera.torch import NoTorch, Torch, open_torch
from voxedge.engines.camera.usb import UsbSource
from voxedge.engines.framing import Message
from voxedge.errors import CameraFailed, CameraLost, VoxedgeError
from voxedge.flow import Frame
from voxedge.vision.quality import fine_sharpness

IDLE_S = 15.0
HEARTBEAT_S = 0.4
"""The live view says at least this often how things stand."""

MOST_BURST = 8
_FINE_PX = 1600
"""Long side at which pictures of a burst are compared: motion of a few pixels shows there."""


class HostedCamera:
    """``Hosted``: one camera. Used from the worker's event loop.

    Args:
        source: the driver.
        torch: lit while the camera runs.
        clock: monotonic, in seconds.
    """

    def __init__(
        self,
        source: Source,
        torch: Torch | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._torch = torch or NoTorch()
        self._clock = clock
        self._drain: Drain | None = None
        self._users = 0
        self._idle: asyncio.TimerHandle | None = None

    def describe(self) -> dict[str, Any]:
        """The camera's name."""
        return {"name": self._source.name}

    async def call(self, method: str, request: Message) -> AsyncIterator[Message]:
        """Answer; see the module."""
        header = request.header
        match method:
            case "live":
                every_s = max(0.05, int(header.get("every_ms", 125)) / 1000)
                async with self._running() as drain:
                    async for item in self._live(drain, every_s):
                        yield item
            case "shoot" | "take":
                burst = min(MOST_BURST, max(1, int(header.get("burst", 4))))
                async with self._running() as drain:
                    yield await self._shoot(drain, burst, float(header.get("wait_s", 6.0)))
            case "focus":
                async with self._running() as drain:
                    drain.pump.focus()
            case _:
                raise ValueError("a camera can only live, shoot, take and focus")

    def close(self) -> None:
        """Stop the camera and put the torch out."""
        self._rest()
        self._torch.close()

    # -- running ------------------------------------------------------------------------------

    @asynccontextmanager
    async def _running(self) -> AsyncGenerator[Drain, None]:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._drain is None:
            self._torch.on()
            self._drain = Drain(Pump(self._source, self._clock))
        self._users += 1
        try:
            yield self._drain
        finally:
            self._users -= 1
            if not self._users:
                self._idle = asyncio.get_running_loop().call_later(IDLE_S, self._rest)

    def _rest(self) -> None:
        self._idle = None
        drain, self._drain = self._drain, None
        if drain is not None:
            drain.close()
            self._torch.off()

    # -- answers ------------------------------------------------------------------------------

    async def _live(self, drain: Drain, every_s: float) -> AsyncGenerator[Message, None]:
        seen: Seen | None = None
        while True:
            began_s = time.monotonic()
            after = seen.number if seen is not None else 0
            newer = await asyncio.to_thread(drain.wait_newer, after, HEARTBEAT_S)
            if drain.is_stuck:
                raise CameraLost(camera=self._source.name, reason="its driver hangs")
            trouble = drain.pump.trouble()
            if trouble is not None:
                yield _told(trouble)
            elif newer is not None:
                seen = newer
                yield _small(newer, self._source.name)
            await asyncio.sleep(max(0.0, every_s - (time.monotonic() - began_s)))

    async def _shoot(self, drain: Drain, burst: int, wait_s: float) -> Message:
        until_s = time.monotonic() + wait_s
        number = drain.pump.seen.number if drain.pump.seen is not None else 0
        best: tuple[float, Seen] | None = None
        taken = 0
        while taken < burst:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                break
            newer = await asyncio.to_thread(drain.wait_newer, number, min(left_s, HEARTBEAT_S))
            trouble = drain.pump.trouble()
            if trouble is not None:
                raise trouble
            if newer is None:
                continue
            number = newer.number
            if not (drain.pump.settled and newer.usable):
                continue
            taken += 1
            sharpness = await asyncio.to_thread(_fine, newer) if burst > 1 else 0.0
            if best is None or sharpness > best[0]:
                best = (sharpness, newer)
        if best is None:
            reason = "it gave no picture in time"
            raise drain.pump.trouble() or CameraFailed(camera=self._source.name, reason=reason)
        return await asyncio.to_thread(self._whole, best[1])

    def _whole(self, seen: Seen) -> Message:
        try:
            frame = Frame(seen.picture.full(), self._source.name)
        except BadPicture as error:
            reason = "its picture does not decode"
            raise CameraFailed(camera=self._source.name, reason=reason) from error
        return Message(codec.frame_to_header(frame), codec.frame_payload(frame))


def _fine(seen: Seen) -> float:
    try:
        return fine_sharpness(seen.picture.small(_FINE_PX))
    except BadPicture:
        return 0.0


def _small(seen: Seen, source: str) -> Message:
    frame = Frame(seen.grey, source)
    header = codec.frame_to_header(frame) | {
        "number": seen.number,
        "at_ms": round(seen.at_s * 1000),
        "full": list(seen.picture.size_px),
    }
    return Message(header, codec.frame_payload(frame))


def _told(trouble: VoxedgeError) -> Message:
    details = {key: str(value) for key, value in trouble.details.items()}
    return Message({"trouble": type(trouble).__name__, "details": details})


def usb_camera(
    device: str = "", quarter_turns: int = 0, torch_pin: int = 0, torch_active_high: bool = True
) -> HostedCamera:
    """Return a USB camera; nothing is opened yet. See ``UsbSource``."""
    torch = open_torch(torch_pin, active_high=torch_active_high)
    return HostedCamera(UsbSource(device, quarter_turns), torch)


def csi_camera(
    number: int = 0,
    quarter_turns: int = 0,
    lens_m: float = 0.0,
    torch_pin: int = 0,
    torch_active_high: bool = True,
) -> HostedCamera:
    """Return a ribbon camera; nothing is opened yet. See ``CsiSource``."""
    torch = open_torch(torch_pin, active_high=torch_active_high)
    return HostedCamera(CsiSource(number, quarter_turns, lens_m), torch)


def folder_camera(path: str, seconds_each: float = 5.0, quarter_turns: int = 0) -> HostedCamera:
    """Return pictures or a film in place of a camera. See ``FolderSource``."""
    return HostedCamera(FolderSource(path, seconds_each, quarter_turns))
