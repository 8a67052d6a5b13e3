"""Which camera a running reader gets: from its settings, from files, or none."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from voxedge.config import CameraSettings
from voxedge.errors import CameraMissing
from voxedge.reader.camera import FolderCamera
from voxedge.reader.guide import Move
from voxedge.reader.guided import GuidedCamera
from voxedge.reader.ports import Camera
from voxedge.service.camera_parts import Hands, open_camera
from voxedge.testing.scenes import noisy, view


def with_camera(
    use: Callable[[Camera, list[Move]], Awaitable[None]], settings: CameraSettings, **options: Any
) -> None:
    async def main() -> None:
        moves: list[Move] = []
        hands = Hands(moves.append, lambda: True, lambda trouble: None)
        async with AsyncExitStack() as parts:
            await use(await open_camera(parts, settings, hands, **options), moves)

    asyncio.run(main())


def film(folder: Path) -> None:
    """Half a page, then the whole of it, once."""
    (folder / "film").mkdir()
    rng = np.random.default_rng(0)
    for number in range(24):
        page = view(0, shift=(-0.45, 0.0)) if number < 16 else view(0)
        large = cv2.resize(noisy(page, rng), None, fx=2.0, fy=2.0)
        cv2.imwrite(str(folder / "film" / f"{number:03}.png"), large)


def test_a_film_leads_the_hand_and_is_taken_where_it_lies_right(tmp_path: Path) -> None:
    film(tmp_path)

    async def use(camera: Camera, moves: list[Move]) -> None:
        assert isinstance(camera, GuidedCamera)
        frame = await camera.take()
        assert frame.pixels.shape[:2] == (1280, 960)
        assert camera.name == str(tmp_path)
        said = [move.hint.key for move in moves if move.hint is not None]
        assert said == ["guide_cut_left"]
        assert any(move.tone is not None for move in moves)

    with_camera(use, CameraSettings(), pictures=tmp_path, simulate=True)


def test_pictures_in_a_folder_are_shots_without_a_worker(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), view(0))

    async def use(camera: Camera, moves: list[Move]) -> None:
        assert isinstance(camera, FolderCamera)
        assert (await camera.take()).pixels.shape[:2] == (640, 480)
        assert moves == []

    with_camera(use, CameraSettings(), pictures=tmp_path, simulate=True)


def test_a_simulated_reader_without_pictures_has_no_camera() -> None:
    async def use(camera: Camera, _moves: list[Move]) -> None:
        with pytest.raises(CameraMissing, match="--camera"):
            await camera.take()

    with_camera(use, CameraSettings(), simulate=True)


def test_a_folder_in_the_settings_is_a_live_camera_that_may_be_unguided(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "cut.png"), view(0, shift=(-0.45, 0.0)))
    settings = CameraSettings(kind="folder", device=str(tmp_path), guided=False, quarter_turns=1)

    async def use(camera: Camera, moves: list[Move]) -> None:
        frame = await camera.take()
        assert frame.pixels.shape[:2] == (480, 640), "turned"
        assert moves == [], "taken at the press, however it lies"

    with_camera(use, settings)
