"""The peers that reading is measured beside: plain tesseract, and RapidOCR alone."""

from __future__ import annotations

import importlib.util
import logging
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voxedge.flow import Frame

_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class PeerText:
    """What a peer read.

    Attributes:
        text: in its own order, one line a line.
        error: "" or what went wrong.
    """

    text: str
    error: str = ""


def plain_tesseract(frame: Frame, language: str) -> PeerText:
    """Read a picture as it is with tesseract's own page layout (``--psm 3``)."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.png"
        Image.fromarray(frame.pixels).save(path, compress_level=1)
        try:
            done = subprocess.run(
                ["tesseract", str(path), "-", "-l", language, "--psm", "3"],
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return PeerText("", "timeout")
    return PeerText(done.stdout.decode("utf-8", "replace"))


def rapidocr() -> Callable[[Frame, str], PeerText] | None:
    """Return RapidOCR as its package ships it, one thread; None where it is not installed.

    Its bench extra: ``pip install 'voxedge[peers]'``. Lines come top to bottom, as it sorts them.
    """
    if importlib.util.find_spec("rapidocr_onnxruntime") is None:
        return None
    from rapidocr_onnxruntime import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    engine: Any = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)

    def read(frame: Frame, _language: str) -> PeerText:
        pixels = frame.pixels
        bgr = np.ascontiguousarray(pixels[..., ::-1]) if pixels.ndim == 3 else pixels
        lines, _ = engine(bgr)
        return PeerText("\n".join(line[1] for line in lines or []))

    return read


def clocked(
    read: Callable[[], PeerText], cpu_s: Callable[[], float]
) -> tuple[PeerText, float, float]:
    """Return what was read, and wall and processor seconds."""
    wall, cpu = time.monotonic(), cpu_s()
    result = read()
    return result, time.monotonic() - wall, cpu_s() - cpu
