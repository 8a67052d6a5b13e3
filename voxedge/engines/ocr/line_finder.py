"""Where is print? The detection network of PP-OCR, for pictures whose ink does not tell.

Asked only where tesseract could not read a page at all: blur and foil join or break up letters,
so that no components chain into lines, while the network was trained on such photographs.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from voxedge.engines.networks import session_options
from voxedge.errors import OcrFailed
from voxedge.vision.illumination import Grey
from voxedge.vision.text_map import Map

if TYPE_CHECKING:
    import onnxruntime as ort

_LONG_SIDE_PX = 1600
"""Larger pictures are shrunk to it: 1.7 s of a core here, and small print is still found."""
_BAND_PX = 2_000_000
_OVERLAP_PX = 192
"""A picture is looked at in bands of so many pixels, which overlap: the network takes 330 MB for
these, and a Pi has a voice to keep in memory too."""
_STEP_PX = 32
"""Sides are multiples of it: the network halves them five times."""
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the pictures it was trained on, channel by channel (ImageNet)."""


class LineFinder(Protocol):
    """Marks print in a picture. Blocking; used from one thread at a time."""

    def find(self, grey: Grey) -> Map:
        """Return where print is, ``float32`` ``[h', w']`` from 0 to 1, maybe of another size.

        Raises:
            OcrFailed: it cannot.
        """
        ...


class PaddleLineFinder:
    """PP-OCR's detection network on onnxruntime, one thread.

    Args:
        model: ONNX file.

    Raises:
        OcrFailed: the file is no such network.
    """

    def __init__(self, model: Path) -> None:
        self._session = _load(model)
        self._input = self._session.get_inputs()[0].name

    def find(self, grey: Grey) -> Map:
        """Return where print is; see ``LineFinder``."""
        fed = finder_input(grey)
        found = np.empty(fed.shape[2:], np.float32)
        for (top, bottom), (first, last) in bands(*fed.shape[2:]):
            band = self._run(np.ascontiguousarray(fed[:, :, top:bottom]))
            found[first:last] = band[first - top : last - top]
        return found

    def _run(self, fed: npt.NDArray[np.float32]) -> Map:
        try:
            (answer,) = self._session.run(None, {self._input: fed})
        except Exception as problem:  # onnxruntime's errors share no base class
            raise OcrFailed(reason=f"the line finder failed: {problem}") from problem
        if answer.shape != (1, 1, *fed.shape[2:]):
            raise OcrFailed(reason=f"the line finder answered a map of {answer.shape}")
        return np.asarray(answer[0, 0], np.float32)


def bands(height: int, width: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the rows of each band that the network looks at, and those that are taken from it.

    Both sides are multiples of 32.
    """
    rows = max(_OVERLAP_PX * 2, _BAND_PX // width // _STEP_PX * _STEP_PX)
    if height <= rows:
        return [((0, height), (0, height))]
    step = rows - _OVERLAP_PX
    tops = [*range(0, height - rows, step), height - rows]
    edges = [0, *((lower + upper + rows) // 2 for upper, lower in pairwise(tops)), height]
    return [((top, top + rows), taken) for top, taken in zip(tops, pairwise(edges), strict=True)]


def finder_input(grey: Grey) -> npt.NDArray[np.float32]:
    """Return ``float32`` ``[1, 3, h, w]``, the sides multiples of 32."""
    zoom = min(1.0, _LONG_SIDE_PX / max(grey.shape))
    height, width = (max(_STEP_PX, round(s * zoom / _STEP_PX) * _STEP_PX) for s in grey.shape)
    sized = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    share = sized.astype(np.float32)[None] / np.float32(255)
    mean, deviation = (np.array(v, np.float32)[:, None, None] for v in (_MEAN, _DEVIATION))
    return np.ascontiguousarray(((share - mean) / deviation)[None])


def _load(model: Path) -> ort.InferenceSession:
    import onnxruntime as ort

    options = session_options(threads=1)
    try:
        return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as problem:  # onnxruntime's errors share no base class
        raise OcrFailed(reason=f"{model.name} cannot be loaded: {problem}") from problem
