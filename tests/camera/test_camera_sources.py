"""Drivers: USB, ribbon cable, folders and films."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from voxedge.engines.camera.csi import CsiSource
from voxedge.engines.camera.folder import FolderSource
from voxedge.engines.camera.picture import ArrayPicture, BadPicture, JpegPicture, jpeg_picture
from voxedge.engines.camera.torch import GpioTorch, NoTorch, open_torch
from voxedge.engines.camera.usb import UsbSource, first_device
from voxedge.errors import CameraFailed, CameraLost, CameraMissing
from voxedge.reader.camera import is_live
from voxedge.testing.fake_camera import FakeCapture, VirtualClock


@pytest.fixture
def device(tmp_path: Path) -> Path:
    path = tmp_path / "video2"
    path.touch()
    return path


def usb(device: Path, **kinds: Any) -> tuple[UsbSource, list[FakeCapture]]:
    made: list[FakeCapture] = []

    def open_capture(name: str) -> FakeCapture:
        made.append(FakeCapture(name, **kinds))
        return made[-1]

    return UsbSource(str(device), open_capture=open_capture), made


def test_motion_jpeg_is_asked_for_first_and_left_undecoded(device: Path) -> None:
    source, made = usb(device)
    source.open()
    asked = [name for name, _ in made[0].settings]
    assert asked[0] == cv2.CAP_PROP_FOURCC
    assert asked[-1] == cv2.CAP_PROP_CONVERT_RGB
    picture = source.grab()
    assert isinstance(picture, JpegPicture)
    assert picture.size_px == (1280, 960)
    assert picture.small(640).shape == (640, 480)
    assert picture.full().shape == (1280, 960, 3)


def test_a_camera_without_motion_jpeg_gives_pictures(device: Path) -> None:
    source, made = usb(device, jpeg=False)
    source.open()
    picture = source.grab()
    assert isinstance(picture, ArrayPicture)
    assert picture.full().shape == (1280, 960, 3)
    made[0].next = np.full((48, 64, 2), 128, np.uint8)
    yuyv = source.grab()
    assert yuyv is not None
    assert yuyv.full().shape == (48, 64, 3)


def test_an_unplugged_camera_is_lost_though_it_reports_success(device: Path) -> None:
    source, made = usb(device)
    source.open()
    device.unlink()
    with pytest.raises(CameraLost):
        source.grab()
    with pytest.raises(CameraMissing):
        source.open()
    device.touch()
    source.open()
    assert source.grab() is not None
    assert [capture.released for capture in made] == [True, False]


@pytest.mark.parametrize(
    "junk",
    [np.zeros((1, 900), np.uint8), np.zeros((0,), np.uint8), np.zeros((4, 4), np.uint16)],
    ids=["no jpeg", "empty", "wide"],
)
def test_what_does_not_decode_is_no_picture(device: Path, junk: np.ndarray) -> None:
    source, made = usb(device)
    source.open()
    made[0].next = junk
    assert source.grab() is None
    assert source.grab() is not None


def test_half_a_jpeg_is_no_picture() -> None:
    data = cv2.imencode(".jpg", np.zeros((64, 64), np.uint8))[1].tobytes()
    assert jpeg_picture(data + b"\0\0").size_px == (64, 64)
    with pytest.raises(BadPicture):
        jpeg_picture(data[: len(data) // 2])
    with pytest.raises(BadPicture):
        JpegPicture(b"\xff\xd8\xff\xd9", (64, 64)).full()


def test_a_camera_that_does_not_open_says_so(device: Path) -> None:
    source, made = usb(device, opens=False)
    with pytest.raises(CameraFailed):
        source.open()
    assert made[0].released


def test_the_first_device_is_the_lowest_that_is_a_camera(tmp_path: Path) -> None:
    facts = tmp_path / "facts"
    with pytest.raises(CameraMissing):
        first_device(tmp_path, facts)
    names = {"video2": "HD USB Camera", "video10": "bcm2835-codec-decode", "video0": "unicam-image"}
    for device, name in names.items():
        (tmp_path / device).touch()
        (facts / device).mkdir(parents=True)
        (facts / device / "name").write_text(f"{name}\n")
    (tmp_path / "video-dec").touch()
    assert first_device(tmp_path, facts) == str(tmp_path / "video2")
    (tmp_path / "video2").unlink()
    with pytest.raises(CameraMissing):
        first_device(tmp_path, facts)
    (tmp_path / "video7").touch()
    assert first_device(tmp_path, facts) == str(tmp_path / "video7"), "nobody told what it is"


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_pictures_are_turned_upright(turns: int) -> None:
    pixels = np.zeros((40, 80), np.uint8)
    pixels[:10, :20] = 255
    upright = np.rot90(pixels, -turns)
    data = cv2.imencode(".jpg", pixels)[1].tobytes()
    for picture in (ArrayPicture(pixels, turns), jpeg_picture(data, turns)):
        assert picture.size_px == upright.shape
        assert picture.full().shape[:2] == upright.shape
        small = picture.small(40)
        assert max(small.shape) == 40
        assert np.abs(small.astype(int) - cv2.resize(upright, small.shape[::-1])).mean() < 12


class FakePicamera:
    """The part of ``Picamera2`` that is used."""

    sensor_resolution = (4608, 2592)

    def __init__(self, *, focuses: bool = True) -> None:
        self.camera_controls = {"AfMode": (0, 2, 0)} if focuses else {}
        self.controls: list[dict[str, float]] = []
        self.started = self.closed = False
        self.fails = False

    def create_video_configuration(self, **parts: Any) -> dict[str, Any]:
        return parts

    def configure(self, config: dict[str, Any]) -> None:
        self.config = config

    def set_controls(self, controls: dict[str, float]) -> None:
        self.controls.append(controls)

    def start(self) -> None:
        self.started = True

    def capture_request(self) -> Any:
        if self.fails:
            raise RuntimeError("dequeue timeout")
        width, height = self.config["main"]["size"]
        small_w, small_h = self.config["lores"]["size"]
        arrays = {
            "main": np.zeros((height, width, 3), np.uint8),
            "lores": np.full((small_h * 3 // 2, small_w + 64), 7, np.uint8),
        }
        return SimpleNamespace(make_array=arrays.__getitem__, release=lambda: None)

    def stop(self) -> None:
        self.started = False

    def close(self) -> None:
        self.closed = True


def test_a_ribbon_camera_gives_whole_and_small_pictures() -> None:
    camera = FakePicamera()
    source = CsiSource(quarter_turns=1, open_camera=lambda number: camera)
    source.open()
    assert camera.config["main"] == {"size": (4096, 2304), "format": "BGR888"}
    assert camera.controls == [{"AfMode": 2}]
    picture = source.grab()
    assert picture is not None
    assert picture.size_px == (4096, 2304)
    assert picture.small(640).shape == (640, 360)
    source.focus()
    assert camera.controls[-1] == {"AfMode": 1, "AfTrigger": 0}
    camera.fails = True
    with pytest.raises(CameraLost):
        source.grab()
    source.close()
    assert camera.closed


def test_a_fixed_lens_stands_still() -> None:
    camera = FakePicamera()
    source = CsiSource(lens_m=0.4, open_camera=lambda number: camera)
    source.open()
    source.focus()
    assert camera.controls == [{"AfMode": 0, "LensPosition": 2.5}]
    bare = FakePicamera(focuses=False)
    CsiSource(open_camera=lambda number: bare).open()
    assert bare.controls == []


@pytest.mark.parametrize(
    ("problem", "error"),
    [
        (ImportError(), CameraMissing),
        (IndexError(), CameraMissing),
        (RuntimeError(), CameraFailed),
    ],
)
def test_a_ribbon_camera_that_is_not_there(problem: Exception, error: type[Exception]) -> None:
    def open_camera(number: int) -> Any:
        raise problem

    with pytest.raises(error):
        CsiSource(open_camera=open_camera).open()


def test_picamera2_is_not_imported_before_it_is_asked_for() -> None:
    assert "picamera2" not in sys.modules


def folder(path: Path, clock: VirtualClock) -> FolderSource:
    return FolderSource(str(path), 1.0, clock=clock, sleep=clock.sleep)


def test_pictures_of_a_folder_lie_there_in_turn(tmp_path: Path) -> None:
    for name, level in (("a.png", 60), ("b.png", 120)):
        cv2.imwrite(str(tmp_path / name), np.full((64, 64), level, np.uint8))
    clock = VirtualClock()
    source = folder(tmp_path, clock)
    source.open()
    levels, prints = [], []
    for _ in range(30):
        picture = source.grab()
        assert picture is not None
        levels.append(round(float(picture.full().mean()), -1))
        prints.append(picture.fingerprint)
    assert levels[0] == 60
    assert set(levels) == {60, 120}
    assert levels[-1] == 60
    assert len(set(prints)) == len(prints), "no two frames are equal: it would look stuck"


def test_a_film_is_a_camera(tmp_path: Path) -> None:
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (64, 48))
    for level in range(0, 100, 20):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    source = folder(path, VirtualClock())
    source.open()
    levels = []
    for _ in range(8):
        picture = source.grab()
        if picture is not None:
            levels.append(float(picture.full().mean()))
    assert levels[:5] == sorted(levels[:5])
    assert levels[4] > 70
    assert levels[5:] == pytest.approx([levels[4]] * len(levels[5:]), abs=1), "the last one stays"


def test_a_folder_of_pictures_in_the_folder_is_a_film_and_the_next_one_comes_after_a_rest(
    tmp_path: Path,
) -> None:
    for film, levels in (("one", (20, 60, 100)), ("two", (200,))):
        (tmp_path / film).mkdir()
        for number, level in enumerate(levels):
            page = np.full((64, 64), level, np.uint8)
            cv2.imwrite(str(tmp_path / film / f"{number}.png"), page)
    source = FolderSource(str(tmp_path), 60.0, sleep=lambda _: None)
    assert is_live(tmp_path)
    assert is_live(tmp_path / "one") is False, "pictures that lie in the folder are shots"
    seen = []
    for _ in range(2):
        source.open()
        pictures = [source.grab() for _ in range(6)]
        seen.append([round(float(p.full().mean()), -1) for p in pictures if p is not None])
        source.close()
    assert seen[0] == [20, 60, 100, 100, 100, 100]
    assert set(seen[1]) == {200}


def test_a_folder_without_pictures_says_so(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(CameraMissing):
            folder(path, VirtualClock()).open()
    (tmp_path / "broken.png").write_bytes(b"no picture")
    source = folder(tmp_path, VirtualClock())
    source.open()
    with pytest.raises(CameraFailed):
        source.grab()


def test_the_torch_lights_its_pin_and_none_is_no_error() -> None:
    Device.pin_factory = MockFactory()
    try:
        pin = Device.pin_factory.pin(24)
        torch = open_torch(24)
        assert isinstance(torch, GpioTorch)
        assert not pin.state
        torch.on()
        assert pin.state
        assert isinstance(open_torch(24), NoTorch), "a pin in use: read without the torch"
        torch.off()
        assert not pin.state
        torch.close()
        assert isinstance(open_torch(0), NoTorch)
    finally:
        Device.pin_factory = None
