"""One picture from a video device, through OpenCV; hosted in a worker process of its own.

A camera that hangs in its driver cannot be helped but by killing who waits for it: that is what
the worker is for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np

from voxedge.engines import codec
from voxedge.engines.framing import Message
from voxedge.errors import CameraFailed, CameraMissing
from voxedge.flow import Frame

WARM_UP_FRAMES = 8
"""The first ones are dark or green: exposure and white balance settle over a few."""

WIDTH_PX, HEIGHT_PX = 4096, 3072
"""More than any of them has: the driver gives the nearest it can."""


def first_device(folder: Path = Path("/dev")) -> str:
    """Return the first video device.

    Raises:
        CameraMissing: there is none.
    """
    numbers = sorted(
        int(path.name.removeprefix("video"))
        for path in folder.glob("video*")
        if path.name.removeprefix("video").isdigit()
    )
    if not numbers:
        raise CameraMissing(camera="no video device", reason="nothing is connected")
    return str(folder / f"video{numbers[0]}")


class V4l2Camera:
    """``Hosted``: "take" gives one frame.

    Args:
        device: a video device; empty takes the first one.
    """

    def __init__(self, device: str = "") -> None:
        self._device = device

    def describe(self) -> dict[str, Any]:
        """The device."""
        return {"name": self._device}

    async def call(self, method: str, request: Message) -> AsyncIterator[Message]:
        """Take a picture."""
        if method != "take":
            raise ValueError("a camera can only take")
        frame = await asyncio.to_thread(self._take)
        yield Message(codec.frame_to_header(frame), codec.frame_payload(frame))

    def close(self) -> None:
        """Nothing is held between pictures."""

    def _take(self) -> Frame:
        import cv2

        device = self._device or first_device()
        if not Path(device).exists():
            raise CameraMissing(camera=device, reason="it is not connected")
        capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
        try:
            if not capture.isOpened():
                raise CameraFailed(camera=device, reason="it does not open")
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, WIDTH_PX)
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, HEIGHT_PX)
            for _ in range(WARM_UP_FRAMES):
                # An unplugged camera may still report success: the frame itself is what counts.
                good, picture = capture.read()
            if not good or picture is None or not picture.size:
                raise CameraFailed(camera=device, reason="it gave no frame")
        finally:
            capture.release()
        return Frame(np.ascontiguousarray(picture[..., ::-1], dtype=np.uint8), "camera")
