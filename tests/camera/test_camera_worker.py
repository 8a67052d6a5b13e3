"""A camera in a worker process: views, pictures, faults, and a driver that hangs."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from voxedge.config import CameraSettings
from voxedge.engines.camera.hosted import HostedCamera, csi_camera, folder_camera, usb_camera
from voxedge.engines.framing import Message
from voxedge.errors import CameraFailed, CameraLost, CameraMissing
from voxedge.service.camera_parts import camera_spec
from voxedge.service.live_camera import WorkerLiveCamera, live_camera_spec
from voxedge.service.workers import Worker
from voxedge.testing.fake_camera import HANGS, Act, FakeSource


def with_camera(
    factory: str,
    arguments: dict[str, Any],
    use: Callable[[WorkerLiveCamera], Awaitable[None]],
    timeout_s: float = 8.0,
) -> None:
    module = "fake_engines" if factory == "bad_camera" else "fake_camera"
    spec = dataclasses.replace(
        live_camera_spec("folder", arguments, timeout_s),
        factory=f"voxedge.testing.{module}:{factory}",
    )

    async def main() -> None:
        async with Worker(spec) as worker:
            await worker.wait_ready(30)
            await use(WorkerLiveCamera(worker))

    asyncio.run(main())


def test_views_and_pictures_come_from_a_worker(tmp_path: Path) -> None:
    async def use(camera: WorkerLiveCamera) -> None:
        views = []
        async with aclosing(camera.live()) as live:
            async for view in live:
                views.append(view)
                if len(views) == 4:
                    break
        assert camera.name == "fake camera"
        assert all(view.trouble is None and view.full_long_px == 640 for view in views)
        assert views[0].grey is not None
        assert views[0].grey.shape == (640, 480)
        frame = await camera.shoot()
        assert frame.pixels.shape == (640, 480)

    with_camera("controlled_camera", controlled(tmp_path, "good"), use)


def controlled(folder: Path, mode: str) -> dict[str, Any]:
    path = folder / "mode"
    path.write_text(mode)
    return {"path": str(path)}


def test_a_plug_pulled_while_looking_is_a_view_and_then_it_sees_again(tmp_path: Path) -> None:
    async def use(camera: WorkerLiveCamera) -> None:
        told: list[str] = []
        async with aclosing(camera.live()) as live:
            async for view in live:
                told.append(type(view.trouble).__name__ if view.trouble is not None else "")
                if told == [""]:
                    controlled(tmp_path, "unplugged")
                elif told[-1] in ("CameraLost", "CameraMissing"):
                    controlled(tmp_path, "good")
                elif told[-1] == "" and any(told):
                    break

    with_camera("controlled_camera", controlled(tmp_path, "good"), use)


def test_a_driver_that_hangs_is_killed_told_and_well_again(tmp_path: Path) -> None:
    async def use(camera: WorkerLiveCamera) -> None:
        told: list[str] = []
        async with aclosing(camera.live()) as live:
            async for view in live:
                told.append(type(view.trouble).__name__ if view.trouble is not None else "")
                if told == [""]:
                    controlled(tmp_path, HANGS)
                elif told[-1] == "CameraLost":
                    controlled(tmp_path, "good")
                elif told[-1] == "" and any(told):
                    break

    with_camera("controlled_camera", controlled(tmp_path, "good"), use)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("hang", "no answer within 1 s"), ("garbage", "pixels"), ("nothing", "no answer came")],
)
def test_a_camera_that_goes_wrong_while_shooting_is_killed_and_told(mode: str, reason: str) -> None:
    async def use(camera: WorkerLiveCamera) -> None:
        with pytest.raises(CameraFailed, match=reason):
            await camera.shoot()

    with_camera("bad_camera", {"mode": mode}, use, timeout_s=1.0)


def test_a_camera_of_the_settings_is_asked_for_by_its_kind() -> None:
    usb = camera_spec(CameraSettings(device="/dev/video-of-nobody", quarter_turns=2))
    assert usb.factory == "voxedge.engines.camera.hosted:usb_camera"
    hosted = usb_camera(**usb.arguments)
    with pytest.raises(CameraMissing, match="video-of-nobody"):
        ask(hosted, "shoot", wait_s=3.0)
    csi = camera_spec(CameraSettings(kind="csi", device="1", lens_m=0.3))
    assert csi_camera(**csi.arguments).describe() == {"name": "ribbon camera 1"}
    folder = camera_spec(CameraSettings(kind="folder", device="/nowhere", timeout_s=7))
    assert folder.item_deadline_s == 7
    assert folder_camera(**folder.arguments).describe() == {"name": "/nowhere"}


def ask(camera: HostedCamera, method: str, **header: Any) -> list[Message]:
    async def main() -> list[Message]:
        try:
            return [item async for item in camera.call(method, Message(header))]
        finally:
            camera.close()

    return asyncio.run(main())


def test_a_shot_without_a_camera_says_what_is_wrong() -> None:
    with pytest.raises(CameraMissing):
        ask(HostedCamera(FakeSource([Act(0.0, "unplugged")])), "shoot", wait_s=3.0)
    with pytest.raises(CameraMissing):
        ask(folder_camera("/nowhere/at/all"), "shoot", wait_s=3.0)
    with pytest.raises((CameraFailed, CameraLost)):
        ask(HostedCamera(FakeSource([Act(0.0, "silent")])), "shoot", wait_s=1.0)


def test_a_camera_knows_four_words() -> None:
    source = FakeSource()
    assert ask(HostedCamera(source), "focus") == []
    with pytest.raises(ValueError, match="live, shoot, take and focus"):
        ask(HostedCamera(source), "dance")
