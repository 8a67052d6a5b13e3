"""A second pair of eyes: the recognition network of PP-OCR on single lines.

Only the recogniser of PP-OCR (Li et al., PP-OCRv3, arXiv:2206.03001, and its successors): a
convolutional network over a line of print, read out by connectionist temporal classification
(CTC, Graves et al. 2006). Its makers share neither code nor training data with tesseract, which
is the point: two readers that err alike would agree on a wrong dose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from voxedge.engines.networks import session_options
from voxedge.errors import OcrFailed

if TYPE_CHECKING:
    import onnxruntime as ort

Crop = npt.NDArray[np.uint8]
"""One line of print: ``uint8`` ``[h, w]`` grey or ``[h, w, 3]`` RGB, dark on light or not."""

_HEIGHT_PX = 48
"""The height the network was trained on."""
_WIDTH_STEP_PX = 8
"""Pixels to one step of the network's output; widths are rounded up to it."""
_MAX_WIDTH_PX = 3200
_MIN_SIDE_PX = 3


@dataclass(frozen=True, slots=True)
class LineText:
    """What a line reader read.

    Attributes:
        text: printed text; spaces may be missing.
        certainty: of each character, 0 to 1, as the network gives it.
        places: where each character stands, as a share of the line's width; empty where the
            reader cannot tell.
    """

    text: str
    certainty: tuple[float, ...]
    places: tuple[float, ...] = ()


class LineReader(Protocol):
    """Reads single lines. Blocking; used from one thread at a time."""

    @property
    def name(self) -> str:
        """Stable name ("PP-OCRv4")."""
        ...

    def read(self, crops: Sequence[Crop]) -> list[LineText]:
        """Read each crop; an empty text where it sees nothing.

        Raises:
            OcrFailed: it cannot.
        """
        ...


class PaddleLineReader:
    """PP-OCR's recognition network on onnxruntime, one thread.

    Args:
        model: ONNX file with its alphabet in the metadata key ``character``.
        name: what to call it.

    Raises:
        OcrFailed: the file is no such network.
    """

    def __init__(self, model: Path, name: str) -> None:
        self._name = name
        self._session, self._alphabet = _load(model)
        self._input = self._session.get_inputs()[0].name

    @property
    def name(self) -> str:
        """Stable name."""
        return self._name

    def read(self, crops: Sequence[Crop]) -> list[LineText]:
        """Read each crop at its own width: padding a batch to the widest costs more than it saves.

        Raises:
            OcrFailed: the network fails or answers something that is no table of characters.
        """
        return [self._read_one(crop) for crop in crops]

    def _read_one(self, crop: Crop) -> LineText:
        if min(crop.shape[:2]) < _MIN_SIDE_PX:
            return LineText("", ())
        try:
            fed = network_input(crop)
            (steps,) = self._session.run(None, {self._input: fed})
        except Exception as problem:  # onnxruntime's errors share no base class
            raise OcrFailed(reason=f"{self._name} failed: {problem}") from problem
        if steps.ndim != 3 or steps.shape[2] != len(self._alphabet):
            raise OcrFailed(reason=f"{self._name} answered a table of {steps.shape}")
        line = decode(steps[0], self._alphabet)
        # The network saw the padding on the right as well.
        padded = fed.shape[3] / _network_width(crop)
        return replace(line, places=tuple(min(1.0, place * padded) for place in line.places))


def network_input(crop: Crop) -> npt.NDArray[np.float32]:
    """Return ``float32`` ``[1, 3, 48, w]`` from -1 to 1; the right edge is padded with paper."""
    wanted = _network_width(crop)
    shrinks = crop.shape[0] > _HEIGHT_PX
    sized = cv2.resize(
        crop, (wanted, _HEIGHT_PX), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    )
    if sized.ndim == 2:
        sized = cv2.cvtColor(sized, cv2.COLOR_GRAY2BGR)
    else:
        sized = cv2.cvtColor(sized, cv2.COLOR_RGB2BGR)
    padding = -wanted % _WIDTH_STEP_PX
    sized = cv2.copyMakeBorder(sized, 0, 0, 0, padding, cv2.BORDER_REPLICATE)
    # float64 here would double the cost of the smallest crops.
    scaled = sized.astype(np.float32).transpose(2, 0, 1) * np.float32(2 / 255) - np.float32(1)
    return np.ascontiguousarray(scaled[None])


def _network_width(crop: Crop) -> int:
    height, width = int(crop.shape[0]), int(crop.shape[1])
    return min(_MAX_WIDTH_PX, max(1, round(width * _HEIGHT_PX / height)))


def decode(steps: npt.NDArray[np.float32], alphabet: Sequence[str]) -> LineText:
    """Read out the best path: repeats of a step are one character, class 0 is none.

    Args:
        steps: ``float32`` ``[t, len(alphabet)]``, probabilities.
        alphabet: character of each class; the first is CTC's blank.
    """
    best = steps.argmax(axis=1)
    sure = steps[np.arange(len(best)), best]
    characters: list[str] = []
    certainty: list[float] = []
    places: list[float] = []
    last = 0
    for step, (label, probability) in enumerate(zip(best.tolist(), sure.tolist(), strict=True)):
        if label and label != last:
            characters.append(alphabet[label])
            certainty.append(probability)
            places.append((step + 0.5) / len(steps))
        elif label:
            certainty[-1] = max(certainty[-1], probability)
        last = label
    return LineText("".join(characters), tuple(certainty), tuple(places))


def _load(model: Path) -> tuple[ort.InferenceSession, tuple[str, ...]]:
    import onnxruntime as ort

    options = session_options(threads=1)
    try:
        session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        alphabet = session.get_modelmeta().custom_metadata_map["character"].split("\n")
    except Exception as problem:  # onnxruntime's errors share no base class
        raise OcrFailed(reason=f"{model.name} cannot be loaded: {problem}") from problem
    # The blank comes before the alphabet; a space, which no list of characters holds, after it.
    return session, ("", *alphabet, " ")
