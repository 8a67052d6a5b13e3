"""The reader's eye, from the settings: which camera, who leads the hand, who hosts it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voxedge.reader.camera import FolderCamera, NoCamera, is_live
from voxedge.reader.guided import GuidedCamera
from voxedge.service.live_camera import WorkerLiveCamera, live_camera_spec
from voxedge.service.restart import Trouble
from voxedge.service.workers import Worker, WorkerSpec

if TYPE_CHECKING:
    from voxedge.config import CameraSettings
    from voxedge.reader.guide import Move
    from voxedge.reader.ports import Camera

_FILM_LIES_S = 3600.0
"""What a simulated camera shows last lies there until the camera was put to rest."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What the camera needs of the reader around it; all called on the event loop.

    Attributes:
        on_move: says and sounds what the guide wants.
        is_heard: whether a hint would be heard now.
        on_trouble: told when the worker fails a second time in a row.
    """

    on_move: Callable[[Move], None]
    is_heard: Callable[[], bool]
    on_trouble: Callable[[Trouble], None]


async def open_camera(
    parts: AsyncExitStack,
    settings: CameraSettings,
    hands: Hands,
    *,
    pictures: Path | None = None,
    simulate: bool = False,
) -> Camera:
    """Return the camera; its worker ends with ``parts``.

    Args:
        parts: what must be closed in the end.
        settings: of the camera.
        hands: of the reader.
        pictures: in place of the camera: a folder of pictures is shot after shot, a film or a
            folder of films is looked at like a camera.
        simulate: no hardware is touched.
    """
    if pictures is not None and not is_live(pictures):
        from voxedge.engines.ocr.images import load_frame

        return FolderCamera(pictures, load_frame)
    if pictures is not None:
        arguments = {"path": str(pictures), "seconds_each": _FILM_LIES_S}
        spec = live_camera_spec("folder", arguments, settings.timeout_s)
    elif simulate:
        return NoCamera("a simulated reader takes its pictures from --camera")
    else:
        spec = camera_spec(settings)
    worker = Worker(spec, hands.on_trouble)
    await parts.enter_async_context(worker)
    return GuidedCamera(
        WorkerLiveCamera(worker, settings.device or settings.kind),
        hands.on_move,
        hands.is_heard,
        guided=settings.guided,
    )


def camera_spec(settings: CameraSettings) -> WorkerSpec:
    """Return how the camera of the settings is hosted."""
    arguments: dict[str, object] = {"quarter_turns": settings.quarter_turns}
    if settings.kind != "folder":
        arguments["torch_pin"] = settings.torch_pin
        arguments["torch_active_high"] = settings.torch_active_high
    match settings.kind:
        case "csi":
            arguments["number"] = int(settings.device) if settings.device.isdigit() else 0
            arguments["lens_m"] = settings.lens_m
        case "folder":
            arguments["path"] = str(Path(settings.device).expanduser())
        case _:
            arguments["device"] = settings.device
    return live_camera_spec(settings.kind, arguments, settings.timeout_s)
