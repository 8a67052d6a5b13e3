"""The camera for the daemon: a worker process for each picture, killed where it hangs."""

from __future__ import annotations

from contextlib import aclosing

from voxedge.engines import codec
from voxedge.engines.codec import CorruptAnswer
from voxedge.errors import CameraFailed
from voxedge.flow import Frame
from voxedge.service.workers import Worker, WorkerFailure, WorkerSpec


def camera_spec(device: str, timeout_s: float) -> WorkerSpec:
    """Return how the camera is hosted."""
    return WorkerSpec(
        name="camera",
        factory="voxedge.engines.camera:V4l2Camera",
        kind="raw",
        arguments={"device": device},
        item_deadline_s=timeout_s,
        calls_at_once=1,
        memory_mb=1024,
        spoken="My camera keeps failing. I keep trying.",
    )


class WorkerCamera:
    """A ``Camera`` whose driver lives in a worker process.

    The process lives for one picture: OpenCV holds 60 MB, and most of the day nobody reads.

    Args:
        spec: see ``camera_spec``.
    """

    def __init__(self, spec: WorkerSpec) -> None:
        self._spec = spec

    @property
    def name(self) -> str:
        """The device."""
        return str(self._spec.arguments.get("device") or "camera")

    def press(self) -> None:
        """Nothing is waited for."""

    async def take(self) -> Frame:
        """Take one picture; see ``Camera.take``."""
        try:
            async with Worker(self._spec) as worker:
                items = worker.call("take", {}, patience_s=self._spec.item_deadline_s)
                async with aclosing(items):
                    async for item in items:
                        return codec.frame_from_message(item)
        except WorkerFailure as failure:
            raise CameraFailed(camera=self.name, reason=failure.reason) from failure
        except CorruptAnswer as corrupt:
            raise CameraFailed(camera=self.name, reason=str(corrupt)) from corrupt
        raise CameraFailed(camera=self.name, reason="no answer came")
