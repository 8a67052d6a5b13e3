"""USB cameras, through OpenCV's Video4Linux backend.

Motion JPEG is asked for: uncompressed pictures of 2 megapixels come at 5 a second over USB 2
(pibooth#91), and compressed ones need not be decoded to be looked at. The bytes are taken as they
are (``CAP_PROP_CONVERT_RGB`` off); a camera that has no Motion JPEG gives decoded pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from voxedge.engines.camera.picture import ArrayPicture, BadPicture, Picture, jpeg_picture
from voxedge.errors import CameraFailed, CameraLost, CameraMissing

WIDTH_PX, HEIGHT_PX = 4096, 3072
"""More than any of them has: the driver gives the nearest it can."""

_MJPG = 0x47504A4D
"""``VideoWriter_fourcc(*"MJPG")``."""
CONVERTERS = (
    "bcm2835-codec",
    "bcm2835-isp",
    "rpi-hevc",
    "rpivid",
    "rpi-ispbe",
    "pispbe",
    "vim2m",
)
"""Video devices of a Raspberry Pi that convert pictures but take none, by how their names begin."""
_RIBBON = ("unicam", "rp1-cfe")
"""Ribbon cameras as Video4Linux shows them: raw, for libcamera only."""

_OPEN_TIMEOUT_MS = 3000.0
_READ_TIMEOUT_MS = 1000.0
"""OpenCV waits 10 s by itself; the plug is out long before."""


class Capture(Protocol):
    """The part of ``cv2.VideoCapture`` that is used; a fake one drives the tests."""

    def isOpened(self) -> bool: ...  # noqa: N802, D102

    def set(self, property_id: int, value: float, /) -> bool: ...  # noqa: D102

    def read(self) -> tuple[bool, Any]: ...  # noqa: D102

    def release(self) -> None: ...  # noqa: D102


def first_device(folder: Path = Path("/dev"), facts: Path = Path("/sys/class/video4linux")) -> str:
    """Return the first video device that is a camera.

    A camera shows itself as several: the first of them gives pictures, the others facts. Unplugged,
    it leaves a Raspberry Pi's own devices behind, none of which sees anything.

    Args:
        folder: of devices.
        facts: what the kernel tells of them; a device without a name there may be a camera.

    Raises:
        CameraMissing: there is none.
    """
    numbers = sorted(
        int(path.name.removeprefix("video"))
        for path in folder.glob("video*")
        if path.name.removeprefix("video").isdigit()
    )
    for number in numbers:
        try:
            name = (facts / f"video{number}" / "name").read_text(encoding="utf-8")
        except OSError:
            name = ""
        if not name.startswith(CONVERTERS + _RIBBON):
            return str(folder / f"video{number}")
    raise CameraMissing(camera="no video device", reason="nothing is connected")


def _open_v4l2(device: str) -> Capture:
    import cv2

    timeouts = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        int(_OPEN_TIMEOUT_MS),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        int(_READ_TIMEOUT_MS),
    ]
    capture = cv2.VideoCapture(device, cv2.CAP_V4L2, timeouts)
    # Builds that do not know the time limits refuse to open at all.
    return capture if capture.isOpened() else cv2.VideoCapture(device, cv2.CAP_V4L2)


class UsbSource:
    """A ``Source`` on a video device.

    Args:
        device: "/dev/video0"; empty takes the first one, looked for at each opening: an unplugged
            camera may come back under another number.
        quarter_turns: clockwise.
        find: returns the first device.
        open_capture: opens a device.
    """

    def __init__(
        self,
        device: str = "",
        quarter_turns: int = 0,
        *,
        find: Callable[[], str] = first_device,
        open_capture: Callable[[str], Capture] = _open_v4l2,
    ) -> None:
        self._device = device
        self._turns = quarter_turns
        self._find = find
        self._open_capture = open_capture
        self._opened = ""
        self._capture: Capture | None = None

    @property
    def name(self) -> str:
        """The device."""
        return self._opened or self._device or "USB camera"

    def open(self) -> None:
        """See ``Source``."""
        import cv2

        self.close()
        device = self._device or self._find()
        if not Path(device).exists():
            raise CameraMissing(camera=device, reason="it is not connected")
        capture = self._open_capture(device)
        if not capture.isOpened():
            capture.release()
            raise CameraFailed(camera=device, reason="it does not open")
        # The format first: the sizes on offer depend on it. Raw bytes last: a change of format
        # switches conversion on again.
        capture.set(cv2.CAP_PROP_FOURCC, _MJPG)
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, WIDTH_PX)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, HEIGHT_PX)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 2)
        capture.set(cv2.CAP_PROP_AUTOFOCUS, 1)
        capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        self._capture, self._opened = capture, device

    def grab(self) -> Picture | None:
        """See ``Source``."""
        import cv2

        if self._capture is None:
            raise CameraLost(camera=self.name, reason="it is closed")
        try:
            good, data = self._capture.read()
        except cv2.error as error:
            raise CameraFailed(camera=self.name, reason="its driver failed") from error
        if not Path(self._opened).exists():
            # read() may go on to report success (opencv#10927, #14044).
            raise CameraLost(camera=self.name, reason="its device is gone")
        if not good or data is None or not data.size:
            return None
        try:
            return self._picture(np.asarray(data))
        except BadPicture:
            return None

    def _picture(self, data: np.ndarray[Any, Any]) -> Picture:
        import cv2

        if data.dtype != np.uint8:
            raise BadPicture("not of bytes")
        # Bytes come as one row or one column; a real picture of one column is useless anyway.
        if data.size in data.shape and data.size > 4:
            return jpeg_picture(data.tobytes(), self._turns)
        if data.ndim == 3 and data.shape[2] == 3:
            return ArrayPicture(np.ascontiguousarray(data[..., ::-1]), self._turns)
        if data.ndim == 3 and data.shape[2] == 2:
            rgb = cv2.cvtColor(data, cv2.COLOR_YUV2RGB_YUYV)
            return ArrayPicture(rgb.astype(np.uint8, copy=False), self._turns)
        return ArrayPicture(np.ascontiguousarray(data.reshape(data.shape[:2])), self._turns)

    def focus(self) -> None:
        """Start the lens anew: a camera that focuses by itself looks again when switched over."""
        import cv2

        if self._capture is not None:
            self._capture.set(cv2.CAP_PROP_AUTOFOCUS, 0)
            self._capture.set(cv2.CAP_PROP_AUTOFOCUS, 1)

    def close(self) -> None:
        """See ``Source``."""
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()
