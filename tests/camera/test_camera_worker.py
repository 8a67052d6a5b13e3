"""A camera in a worker process: views, pictures, faults, and a driver that hangs."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest

from voxedge.engines.camera.hosted import HostedCamera, folder_camera
from voxedge.engines.framing import Message
from voxedge.errors import CameraFailed, CameraLost, CameraMissing, VoxedgeError
from voxedge.service.live_camera import WorkerLiveCamera, live_camera_spec
from voxedge.service.workers import Worker
from voxedge.testing.fake_camera import Act, FakeSource


def with_camera(
    factory: str, arguments: dict[str, Any], use: Callable[[WorkerLiveCamera], Awaitable[None]]
) -> None:
    spec = dataclasses.replace(
        live_camera_spec("folder", arguments, timeout_s=8.0),
        factory=f"voxedge.testing.fake_camera:{factory}",
    )

    async def main() -> None:
        async with Worker(spec) as worker:
            await worker.wait_ready(30)
            await use(WorkerLiveCamera(worker))

    asyncio.run(main())


def test_views_and_pictures_come_from_a_worker() -> None:
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

    with_camera("fake_camera", {}, use)


def test_a_plug_pulled_while_looking_is_a_view_and_then_it_sees_again() -> None:
    async def use(camera: WorkerLiveCamera) -> None:
        troubles: list[VoxedgeError | None] = []
        async with aclosing(camera.live()) as live:
            async for view in live:
                troubles.append(view.trouble)
                if any(troubles) and view.trouble is None:
                    break
        assert any(isinstance(t, CameraLost | CameraMissing) for t in troubles)

    with_camera("fake_camera", {"script": [[0, "good"], [1, "unplugged"], [3, "good"]]}, use)


def test_a_driver_that_hangs_is_killed_and_told() -> None:
    async def use(camera: WorkerLiveCamera) -> None:
        async with aclosing(camera.live()) as live:
            seen = False
            async for view in live:
                seen = seen or view.grey is not None
                if view.trouble is not None:
                    assert isinstance(view.trouble, CameraLost)
                    break
            assert seen

    with_camera("hanging_camera", {}, use)


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
    assert source.focused == 1
    with pytest.raises(ValueError, match="live, shoot, take and focus"):
        ask(HostedCamera(source), "dance")
