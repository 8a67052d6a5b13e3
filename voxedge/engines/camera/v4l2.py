"""What a video device of Linux says it can do (Video4Linux, ``VIDIOC_QUERYCAP``)."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from voxedge.engines.camera.usb import CONVERTERS

_QUERYCAP = 0x80685600
"""``_IOR('V', 0, struct v4l2_capability)``, which is 104 bytes."""
_CAPABILITY = struct.Struct("<16s32s32sIII12x")
_CAPTURE = 0x0000_0001 | 0x0000_1000
"""VIDEO_CAPTURE, of one plane or several."""
_MEM_TO_MEM = 0x0000_4000 | 0x0000_8000
"""VIDEO_M2M: it converts pictures that a program gives it."""
_HAS_DEVICE_CAPS = 0x8000_0000


@dataclass(frozen=True, slots=True)
class Capability:
    """A device's answer.

    Attributes:
        driver: "uvcvideo".
        card: what it is called.
        flags: of this device file, not of all of the driver's.
    """

    driver: str
    card: str
    flags: int

    @property
    def is_camera(self) -> bool:
        """Whether it takes pictures, and does not merely convert them.

        A Pi's image processor gives pictures on device files of their own, so names count too.
        """
        takes = bool(self.flags & _CAPTURE) and not self.flags & _MEM_TO_MEM
        return takes and not self.driver.replace("_", "-").startswith(CONVERTERS)


def parse_capability(answer: bytes) -> Capability:
    """Read a ``struct v4l2_capability``, which is little-endian on all our machines."""
    driver, card, _, _, all_flags, own_flags = _CAPABILITY.unpack(answer)
    flags = own_flags if all_flags & _HAS_DEVICE_CAPS else all_flags
    return Capability(_text(driver), _text(card), flags)


def query(device: Path) -> Capability | None:
    """Ask a device; None where it cannot be opened or is no video device."""
    try:
        handle = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return parse_capability(fcntl.ioctl(handle, _QUERYCAP, bytes(_CAPABILITY.size)))
    except OSError:
        return None
    finally:
        os.close(handle)


def cameras(
    folder: Path = Path("/dev"), ask: Callable[[Path], Capability | None] = query
) -> list[Path]:
    """Return the devices that are cameras, and those that do not answer: they may be."""
    devices = sorted(
        (path for path in folder.glob("video*") if path.name.removeprefix("video").isdigit()),
        key=lambda path: int(path.name.removeprefix("video")),
    )
    answers = ((path, ask(path)) for path in devices)
    return [path for path, answer in answers if answer is None or answer.is_camera]


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "replace")
