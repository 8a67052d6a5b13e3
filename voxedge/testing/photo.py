"""A simulated camera: a set page becomes a photograph of paper lying on a table.

The order is the light's own: paper fibre and folds, curl and perspective, the table and the
shadow under the sheet, the lamp, a cast shadow, glare, lens blur, sensor noise, white balance.
Deterministic for a seed. Its knobs are set apart from the ones that made the leaflets beside
the project, so that it may serve as a held-out set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Grey = npt.NDArray[np.uint8]
    Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CameraModel:
    """What the photograph suffers.

    Attributes:
        width_px: photograph width.
        height_px: photograph height.
        fill: share of the photograph's height or width that the sheet takes.
        tilt_deg: rotation of the sheet on the table.
        perspective: corner displacement as a share of the sheet's size.
        curl: height of the bend as a share of the sheet's height.
        lamp: fall-off of the light over the picture, 0 none, 1 to black.
        shadow: depth of a shadow cast over part of the sheet, 0 to 1.
        glare: strength of a specular spot, 0 to 1.
        blur_px: standard deviation of the lens blur.
        motion_px: length of the motion blur.
        noise: standard deviation of the sensor noise in grey levels.
        exposure: brightness factor.
        table: "wood", "cloth" or "dark".
        folds: creases across the sheet.
        quarter_turns: the whole photograph turned clockwise by this many right angles.
    """

    width_px: int = 1600
    height_px: int = 2200
    fill: float = 0.92
    tilt_deg: float = 1.5
    perspective: float = 0.02
    curl: float = 0.006
    lamp: float = 0.25
    shadow: float = 0.0
    glare: float = 0.0
    blur_px: float = 0.7
    motion_px: int = 0
    noise: float = 3.0
    exposure: float = 0.95
    table: str = "wood"
    folds: int = 2
    quarter_turns: int = 0


def _floats(values: object) -> Floats:
    return np.asarray(values, dtype=np.float32)


_TABLES = {"wood": (96, 124, 158), "cloth": (150, 138, 120), "dark": (52, 50, 54)}
"""Mean colour of each table, BGR."""
_PAPER = (236, 242, 244)
"""Colour of the unprinted sheet under white light, BGR."""


def photograph(page: Grey, camera: CameraModel, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Take a photograph of ``page``.

    Args:
        page: ``uint8`` ``[h, w]`` grey, as ``typeset.render`` makes it.
        camera: what to do to it.
        seed: of every random draw.

    Returns:
        ``uint8`` ``[height, width, 3]`` RGB.
    """
    rng = np.random.default_rng(seed)
    height, width = camera.height_px, camera.width_px
    sheet = _paper(page, camera, rng)
    map_x, map_y = _sheet_coordinates(page.shape[:2], camera, rng)
    picture: Floats = _table(camera, rng)

    inside = np.zeros(page.shape[:2], np.float32)
    inside[:] = 1.0
    cover = cv2.remap(inside, map_x, map_y, cv2.INTER_LINEAR, borderValue=0.0)
    contact = cv2.GaussianBlur(cover, (0, 0), height * 0.008)
    contact = np.roll(contact, (round(height * 0.006), round(width * 0.005)), axis=(0, 1))
    picture *= (1.0 - 0.55 * contact * (1.0 - cover))[..., None]
    seen = cv2.remap(sheet, map_x, map_y, cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    picture = picture * (1.0 - cover[..., None]) + seen * cover[..., None]

    picture *= _light(camera, rng)[..., None]
    if camera.glare:
        picture += 255.0 * camera.glare * _spot(camera, rng, 0.05)[..., None]
    if camera.motion_px > 1:
        kernel: Floats = np.zeros((camera.motion_px, camera.motion_px), np.float32)
        kernel[camera.motion_px // 2] = 1.0 / camera.motion_px
        picture = _floats(cv2.filter2D(picture, -1, kernel))
    if camera.blur_px:
        picture = _floats(cv2.GaussianBlur(picture, (0, 0), camera.blur_px))
    # Shot noise grows with the square root of the light; colour noise is coarser than grain.
    grain = rng.normal(0.0, 1.0, (height, width, 1)).astype(np.float32)
    chroma = cv2.resize(
        rng.normal(0.0, 0.6, (height // 2, width // 2, 3)).astype(np.float32), (width, height)
    )
    level = np.sqrt(np.clip(picture, 8.0, 255.0) / 128.0)
    picture += camera.noise * level * (grain + chroma)
    # A warm lamp through an imperfect white balance.
    picture *= _floats([0.94, 1.0, 1.03])
    out = np.clip(picture, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.rot90(out, -camera.quarter_turns)[..., ::-1])


def _smooth_noise(
    shape: tuple[int, int], cell_px: tuple[float, float], rng: np.random.Generator
) -> Floats:
    """Noise of unit deviation whose features are about ``cell_px`` (y, x) large."""
    small = (max(2, round(shape[0] / cell_px[0])), max(2, round(shape[1] / cell_px[1])))
    noise = rng.normal(0.0, 1.0, small).astype(np.float32)
    return _floats(cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC))


def _paper(page: Grey, camera: CameraModel, rng: np.random.Generator) -> Floats:
    """Return the sheet in colour with fibre and folds, ``float32`` BGR."""
    ink = page.astype(np.float32)[..., None] / 255.0
    sheet = ink * _floats(_PAPER) + (1.0 - ink) * _floats([30, 28, 28])
    fibre = 1.2 * _smooth_noise(page.shape, (3, 3), rng) + 1.5 * _smooth_noise(
        page.shape, (40, 40), rng
    )
    sheet += fibre[..., None]
    rows = np.arange(page.shape[0], dtype=np.float32)
    for number in range(camera.folds):
        at = page.shape[0] * (number + 1) / (camera.folds + 1) + rng.uniform(-20, 20)
        ridge = np.exp(-(((rows - at) / 2.0) ** 2)) * -14.0
        # One side of a crease leans to the lamp, the other away from it.
        lean = np.tanh((rows - at) / 6.0) * np.exp(-np.abs(rows - at) / 90.0) * 7.0
        sheet += (ridge + lean * (1 if number % 2 else -1))[:, None, None]
    return sheet.astype(np.float32)


def _sheet_coordinates(
    page_shape: tuple[int, int], camera: CameraModel, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return for every photograph pixel where on the sheet it looks (x, y), ``float32``."""
    page_h, page_w = page_shape
    height, width = camera.height_px, camera.width_px
    scale = min(camera.fill * width / page_w, camera.fill * height / page_h)
    half_w, half_h = page_w * scale / 2, page_h * scale / 2
    corners = _floats([[-half_w, -half_h], [half_w, -half_h], [half_w, half_h], [-half_w, half_h]])
    wander = rng.uniform(-1, 1, (4, 2)).astype(np.float32)
    corners += wander * camera.perspective * _floats([2 * half_w, 2 * half_h])
    angle = np.deg2rad(camera.tilt_deg)
    turn = _floats([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = _floats([width / 2, height / 2]) + rng.uniform(-8, 8, 2).astype(np.float32)
    corners = _floats(corners @ turn.T + centre)
    sheet_corners = _floats([[0, 0], [page_w, 0], [page_w, page_h], [0, page_h]])
    homography = cv2.getPerspectiveTransform(corners, sheet_corners)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    w = homography[2, 0] * x + homography[2, 1] * y + homography[2, 2]
    sheet_x = (homography[0, 0] * x + homography[0, 1] * y + homography[0, 2]) / w
    sheet_y = (homography[1, 0] * x + homography[1, 1] * y + homography[1, 2]) / w
    phase = rng.uniform(0, np.pi)
    bend = np.sin(np.clip(sheet_x / page_w, -0.2, 1.2) * np.pi * 1.3 + phase)
    sheet_y = sheet_y + camera.curl * page_h * bend
    return sheet_x.astype(np.float32), sheet_y.astype(np.float32)


def _table(camera: CameraModel, rng: np.random.Generator) -> Floats:
    shape = (camera.height_px, camera.width_px)
    colour = _floats(_TABLES[camera.table])
    if camera.table == "wood":
        grain = 9.0 * _smooth_noise(shape, (320, 5), rng) + 5.0 * _smooth_noise(shape, (60, 2), rng)
        board = (np.arange(shape[1]) // (shape[1] // 3)).astype(int)
        grain += rng.normal(0.0, 7.0, board.max() + 1).astype(np.float32)[board][None, :]
    elif camera.table == "cloth":
        rows, columns = np.indices(shape)
        grain = 8.0 * (((rows // 4) + (columns // 4)) % 2) + 5.0 * _smooth_noise(shape, (3, 3), rng)
    else:
        grain = 6.0 * _smooth_noise(shape, (3, 3), rng)
    return (colour + grain[..., None].astype(np.float32) * _floats([0.8, 0.95, 1.0])).astype(
        np.float32
    )


def _spot(camera: CameraModel, rng: np.random.Generator, size: float) -> Floats:
    y, x = np.indices((camera.height_px, camera.width_px), dtype=np.float32)
    at_y = rng.uniform(0.2, 0.8) * camera.height_px
    at_x = rng.uniform(0.2, 0.8) * camera.width_px
    radius = size * (camera.height_px + camera.width_px)
    return np.exp(-(((y - at_y) ** 2 + (x - at_x) ** 2) / (2 * radius**2))).astype(np.float32)


def _light(camera: CameraModel, rng: np.random.Generator) -> Floats:
    height, width = camera.height_px, camera.width_px
    y, x = np.indices((height, width), dtype=np.float32)
    lamp_x, lamp_y = rng.uniform(0, width), rng.uniform(-0.1, 0.3) * height
    distance = np.hypot(x - lamp_x, y - lamp_y) / np.hypot(width, height)
    light = camera.exposure * (1.0 - camera.lamp * np.clip(distance, 0, 1) ** 1.2)
    if camera.shadow:
        angle = rng.uniform(-0.6, 0.6)
        edge = (x - width * rng.uniform(0.35, 0.65)) * np.cos(angle) + (y - height / 2) * np.sin(
            angle
        )
        light *= 1.0 - camera.shadow / (1.0 + np.exp(-edge / (width * 0.02)))
    return _floats(light)
