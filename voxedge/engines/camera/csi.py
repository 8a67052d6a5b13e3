"""Raspberry Pi cameras on the ribbon cable, through picamera2 (Debian's python3-picamera2).

OpenCV cannot read them (opencv#21653, #22820). picamera2 is imported where it is there, and only
when such a camera is asked for. Its small second stream costs no processor time: the camera's own
image processor makes it.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from voxedge.engines.camera.picture import ArrayPicture, Picture
from voxedge.errors import CameraFailed, CameraLost, CameraMissing

if TYPE_CHECKING:
    from voxedge.flow import Pixels

_log = logging.getLogger(__name__)

LARGEST_PX = 4096
"""Long side of the pictures; a sensor of 64 megapixels is read out binned."""
_SMALL_PX = 640
_AF_MANUAL, _AF_AUTO, _AF_CONTINUOUS = 0, 1, 2
"""libcamera's ``AfModeEnum``."""
_AF_START = 0
"""libcamera's ``AfTriggerEnum.Start``."""


def _open_picamera(number: int) -> Any:
    return importlib.import_module("picamera2").Picamera2(number)


class CsiSource:
    """A ``Source`` on a ribbon camera.

    Args:
        number: of the camera; 0 is the first.
        quarter_turns: clockwise.
        lens_m: distance to the table where the lens is to stand still (a stand); 0 lets it focus by
            itself, which may hunt for seconds on a moving hand (picamera2#884).
        open_camera: makes the ``Picamera2``.
    """

    def __init__(
        self,
        number: int = 0,
        quarter_turns: int = 0,
        lens_m: float = 0.0,
        *,
        open_camera: Callable[[int], Any] = _open_picamera,
    ) -> None:
        self._number = number
        self._turns = quarter_turns
        self._lens_m = lens_m
        self._open_camera = open_camera
        self._camera: Any = None
        self._can_focus = False

    @property
    def name(self) -> str:
        """Its number."""
        return f"ribbon camera {self._number}"

    def open(self) -> None:
        """See ``Source``."""
        self.close()
        try:
            camera = self._open_camera(self._number)
        except ImportError as error:
            reason = "python3-picamera2 is not installed"
            raise CameraMissing(camera=self.name, reason=reason) from error
        except IndexError as error:
            raise CameraMissing(camera=self.name, reason="it is not connected") from error
        except RuntimeError as error:
            raise CameraFailed(camera=self.name, reason="it is in use, or broken") from error
        self._camera = camera
        try:
            self._start(camera)
        except (RuntimeError, ValueError, KeyError) as error:
            self.close()
            raise CameraFailed(camera=self.name, reason="it does not start") from error

    def _start(self, camera: Any) -> None:
        width, height = camera.sensor_resolution
        share = min(1.0, LARGEST_PX / max(width, height))
        # Even sides: the small stream has half as many colours as pixels. libcamera calls RGB in
        # memory order BGR888.
        size = (int(width * share) // 2 * 2, int(height * share) // 2 * 2)
        small = (_SMALL_PX, round(_SMALL_PX * height / width / 2) * 2)
        config = camera.create_video_configuration(
            main={"size": size, "format": "BGR888"},
            lores={"size": small, "format": "YUV420"},
            buffer_count=3,
        )
        camera.configure(config)
        self._can_focus = "AfMode" in camera.camera_controls
        if self._can_focus:
            if self._lens_m > 0:
                # In dioptres.
                camera.set_controls({"AfMode": _AF_MANUAL, "LensPosition": 1.0 / self._lens_m})
            else:
                camera.set_controls({"AfMode": _AF_CONTINUOUS})
        camera.start()

    def grab(self) -> Picture | None:
        """See ``Source``."""
        if self._camera is None:
            raise CameraLost(camera=self.name, reason="it is closed")
        try:
            request = self._camera.capture_request()
        except (RuntimeError, TimeoutError) as error:
            raise CameraLost(camera=self.name, reason="its driver stopped") from error
        try:
            full: Pixels = request.make_array("main")
            planes: Pixels = request.make_array("lores")
        finally:
            request.release()
        # The brightness plane comes first; rows are padded to a multiple of 32 or 64.
        rows = planes.shape[0] * 2 // 3
        return ArrayPicture(full, self._turns, planes[:rows, :_SMALL_PX])

    def focus(self) -> None:
        """See ``Source``."""
        if self._camera is not None and self._can_focus and self._lens_m <= 0:
            self._camera.set_controls({"AfMode": _AF_AUTO, "AfTrigger": _AF_START})

    def close(self) -> None:
        """See ``Source``."""
        camera, self._camera = self._camera, None
        if camera is not None:
            try:
                camera.stop()
                camera.close()
            except RuntimeError as error:
                _log.info("%s did not close: %s", self.name, type(error).__name__)


def is_installed() -> bool:
    """Return whether picamera2 can be imported; it is not imported."""
    return importlib.util.find_spec("picamera2") is not None
