"""The live camera for the daemon: a worker process, asked for views and pictures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from voxedge import errors
from voxedge.engines import codec
from voxedge.engines.codec import CorruptAnswer
from voxedge.engines.framing import Message
from voxedge.errors import CameraFailed, CameraLost, VoxedgeError
from voxedge.flow import Frame
from voxedge.reader.guided import View
from voxedge.service.workers import Worker, WorkerFailure, WorkerSpec

_log = logging.getLogger(__name__)

VIEW_DEADLINE_S = 1.9
"""A camera whose worker keeps still for so long hangs in its driver: it is killed, and told within
two seconds."""

_START_PATIENCE_S = 6.0
_AFTER_FAILURE_S = 0.5


def live_camera_spec(
    kind: str, arguments: Mapping[str, Any] | None = None, timeout_s: float = 15.0
) -> WorkerSpec:
    """Return how a camera is hosted.

    Args:
        kind: "usb", "csi" or "folder": a factory of ``voxedge.engines.camera``.
        arguments: of that factory.
        timeout_s: until a picture must be there.
    """
    return WorkerSpec(
        name="camera",
        factory=f"voxedge.engines.camera.hosted:{kind}_camera",
        kind="raw",
        arguments=arguments or {},
        item_deadline_s=timeout_s,
        calls_at_once=2,
        memory_mb=1024,
        spoken="My camera keeps failing. I keep trying.",
    )


class WorkerLiveCamera:
    """A ``LiveCamera`` whose driver lives in a worker process.

    Args:
        worker: of kind "raw", entered by the caller; its camera stops by itself when unused.
        name: for messages, until the worker has told it.
    """

    def __init__(self, worker: Worker, name: str = "camera") -> None:
        self._worker = worker
        self._name = name

    @property
    def name(self) -> str:
        """The camera's."""
        return str(self._worker.description.get("name") or self._name)

    async def live(self) -> AsyncGenerator[View, None]:
        """Yield views without end; see ``LiveCamera``. A worker that died is waited for."""
        while True:
            trouble: VoxedgeError
            try:
                items = self._worker.call(
                    "live", {}, patience_s=_START_PATIENCE_S, deadline_s=VIEW_DEADLINE_S
                )
                async with aclosing(items):
                    async for item in items:
                        yield self._view(item)
                trouble = CameraLost(camera=self.name, reason="its view ended")
            except WorkerFailure as failure:
                trouble = CameraLost(camera=self.name, reason=failure.reason)
            except CorruptAnswer as corrupt:
                self._worker.kill(f"answered garbage: {corrupt}")
                trouble = CameraFailed(camera=self.name, reason=str(corrupt))
            except VoxedgeError as error:
                # Troubles come as views: an error says that the driver hangs.
                self._worker.kill(str(error))
                trouble = error
            yield View(None, trouble=trouble)
            await asyncio.sleep(_AFTER_FAILURE_S)

    async def focus(self) -> None:
        """Let the lens look again; see ``LiveCamera``."""
        try:
            async with aclosing(self._worker.call("focus", {})) as items:
                async for _ in items:
                    break
        except (WorkerFailure, VoxedgeError) as failure:
            # The live view tells of a camera that fails.
            _log.info("%s: no new focus: %s", self.name, failure)

    async def shoot(self) -> Frame:
        """Take a burst and return its best; see ``LiveCamera``."""
        try:
            items = self._worker.call("shoot", {}, patience_s=_START_PATIENCE_S)
            async with aclosing(items):
                async for item in items:
                    return codec.frame_from_message(item)
        except WorkerFailure as failure:
            raise CameraFailed(camera=self.name, reason=failure.reason) from failure
        except CorruptAnswer as corrupt:
            self._worker.kill(f"answered garbage: {corrupt}")
            raise CameraFailed(camera=self.name, reason=str(corrupt)) from corrupt
        raise CameraFailed(camera=self.name, reason="no answer came")

    def _view(self, item: Message) -> View:
        trouble = item.header.get("trouble")
        if isinstance(trouble, str):
            kind = getattr(errors, trouble, None)
            details = item.header.get("details")
            if not (isinstance(kind, type) and issubclass(kind, VoxedgeError)):
                raise CorruptAnswer("an unknown trouble")
            return View(None, trouble=kind(**(details if isinstance(details, dict) else {})))
        full = item.header.get("full")
        if not (isinstance(full, list) and full and all(type(side) is int for side in full)):
            raise CorruptAnswer("a view without a size")
        grey = codec.frame_from_message(item).pixels
        if grey.ndim != 2:
            raise CorruptAnswer("a view in colour")
        return View(grey, max(full))
