"""Which video devices are cameras: a Raspberry Pi has a dozen that are not."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from voxedge.engines.camera.v4l2 import Capability, cameras, parse_capability, query

STREAMING, DEVICE_CAPS = 0x04000000, 0x80000000
CAPTURE, CAPTURE_MPLANE, OUTPUT_MPLANE = 0x1, 0x1000, 0x2000
M2M, M2M_MPLANE, META = 0x8000, 0x4000, 0x00800000


def answer(driver, card, own, all_flags=None):
    everything = (own if all_flags is None else all_flags) | DEVICE_CAPS
    return struct.pack("<16s32s32sIII12x", driver, card, b"bus", 0x60100, everything, own)


@pytest.mark.parametrize(
    ("driver", "flags", "is_camera"),
    [
        (b"uvcvideo", CAPTURE | STREAMING, True),
        (b"uvcvideo", META | STREAMING, False),  # the second device of every USB camera
        (b"unicam", CAPTURE | STREAMING, True),
        (b"bcm2835-codec", M2M_MPLANE | STREAMING, False),
        (b"bcm2835-codec", M2M | CAPTURE | STREAMING, False),
        (b"bcm2835-isp", CAPTURE | STREAMING, False),
        (b"bcm2835-isp", OUTPUT_MPLANE | STREAMING, False),
        (b"rpi-hevc-dec", M2M_MPLANE | STREAMING, False),
        (b"pispbe", CAPTURE_MPLANE | STREAMING, False),
        (b"vicodec", CAPTURE_MPLANE | STREAMING, True),
    ],
)
def test_what_a_device_can_do_tells_whether_it_is_a_camera(driver, flags, is_camera):
    # The driver as a whole can capture: what counts is this device file.
    told = parse_capability(answer(driver, b"a name", flags, flags | CAPTURE | META))
    assert told == Capability(driver.decode(), "a name", flags)
    assert told.is_camera is is_camera


def test_drivers_of_old_tell_of_the_whole_only():
    old = struct.pack("<16s32s32sIII12x", b"old", b"card", b"bus", 0, CAPTURE | STREAMING, 0)
    assert parse_capability(old).is_camera


def test_the_pis_own_devices_are_no_cameras(tmp_path):
    for name in ("video0", "video1", "video10", "video11", "video19", "videotape", "media0"):
        (tmp_path / name).touch()
    told = {
        "video0": Capability("uvcvideo", "USB camera", CAPTURE),
        "video1": Capability("uvcvideo", "USB camera", META),
        "video10": Capability("bcm2835-codec", "bcm2835-codec-decode", M2M_MPLANE),
        "video11": None,
        "video19": Capability("rpi-hevc-dec", "rpi-hevc-dec", M2M_MPLANE),
    }
    found = cameras(tmp_path, lambda path: told[path.name])
    assert [path.name for path in found] == ["video0", "video11"]


@pytest.mark.parametrize("path", ["/dev/null", "/dev/video-that-is-not-there"])
def test_what_is_no_video_device_gives_no_answer(path):
    assert query(Path(path)) is None
