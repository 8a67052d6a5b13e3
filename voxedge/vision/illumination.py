"""Grey pictures and even light."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]

_BACKGROUND_LONG_SIDE_PX = 600
"""The background is smooth, so it is estimated on a small copy: 30x less work on 12 MP."""


def to_grey(pixels: npt.NDArray[np.uint8]) -> Grey:
    """Return ``[h, w]`` luma (ITU-R BT.601) of an RGB picture; grey ones pass through."""
    if pixels.ndim == 2:
        return pixels
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)


def flatten(grey: Grey, text_px: float | None = None) -> Grey:
    """Divide by the background so that paper is white under any lamp.

    The background is a grey closing (which swallows strokes darker than paper and thinner than
    its window) followed by a median, as in background normalisation of leptonica's
    ``pixBackgroundNorm``.

    Args:
        grey: ``uint8`` ``[h, w]``, dark print on light paper.
        text_px: x-height in pixels when known; the window must be wider than a bold stroke.
            Without it the window is 1/40 of the long side, a headline's stroke.

    Returns:
        ``uint8`` ``[h, w]``, paper near 250.
    """
    height, width = grey.shape
    shrink = max(1.0, max(height, width) / _BACKGROUND_LONG_SIDE_PX)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    window = max(size) / 40 if text_px is None else 2.5 * text_px / shrink
    window_px = 2 * round(np.clip(window, 3, 60) / 2) + 1
    background = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((window_px,) * 2, np.uint8))
    background = cv2.medianBlur(background, min(31, 2 * (window_px // 2) + 5))
    background = cv2.resize(background, (width, height), interpolation=cv2.INTER_LINEAR)
    gain = 250.0 / np.maximum(background.astype(np.float32), 1.0)
    return np.clip(grey * gain, 0.0, 255.0).astype(np.uint8)


def ink_mask(grey: Grey, window_px: int, depth: float = 0.12) -> npt.NDArray[np.bool_]:
    """Mark pixels darker than their surroundings: print, under any light.

    Args:
        grey: ``uint8`` ``[h, w]``.
        window_px: side of the neighbourhood, a few x-heights.
        depth: share by which ink must be darker than the local mean. Paper's own shade and
            sensor noise stay under 0.1 on every photograph looked at.

    Returns:
        ``bool`` ``[h, w]``.
    """
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8)
    mean = cv2.boxFilter(smooth, cv2.CV_32F, (window_px, window_px), borderType=cv2.BORDER_REFLECT)
    # Below 10 grey levels of difference there is only noise, however dark the scene.
    mask: npt.NDArray[np.bool_] = smooth < np.minimum(mean * (1.0 - depth), mean - 6.0)
    return mask
