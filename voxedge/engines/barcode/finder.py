"""Finds the codes of a picture while its text is being read.

zxing-cpp (Apache-2.0, wheels for aarch64) decodes on a thread of its own, outside Python's lock, so
that it costs the person no time where a core is free. A decoder that crashes, hangs or is not
installed leaves a page without codes: reading goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from voxedge.document.model import Box, Code
from voxedge.vision.illumination import Grey

_log = logging.getLogger(__name__)

_MOST_PIXELS = 8_000_000
"""Larger pictures are shrunk: the cells of a box's DataMatrix are still 4 pixels wide there."""
_DEADLINE_S = 4.0
"""From the moment the text is known to be upright; decoding takes 0.1 s here, 1 s on a Pi 4."""
_MOST_CODES = 8
_FORMATS = (
    "DataMatrix", "QRCode", "EAN13", "EAN8", "UPCA", "UPCE", "Code128", "DataBar", "DataBarExp",
    "DataBarLtd", "ITF14", "Code39", "Code32", "PZN",
)  # fmt: skip
"""What medicine boxes carry; each further format costs time and brings false finds."""

Decoder = Callable[[Grey], Sequence[Code]]


@dataclass(slots=True)
class Finding:
    """One picture being searched; made by ``CodeFinder.begin``, written to by its thread alone."""

    grey: Grey
    done: threading.Event = field(default_factory=threading.Event)
    codes: tuple[Code, ...] = ()
    cpu_s: float = 0.0


class CodeFinder:
    """Searches pictures for codes. Any thread.

    Args:
        open_decoder: opens the decoder, on the thread that uses it; cheap after the first time.
        deadline_s: after which a page goes without codes; a decoder that misses it is not asked
            again.
    """

    def __init__(
        self, open_decoder: Callable[[], Decoder], deadline_s: float = _DEADLINE_S
    ) -> None:
        self._open_decoder = open_decoder
        self._deadline_s = deadline_s
        self._is_lost = threading.Event()

    def begin(self, grey: Grey) -> Finding:
        """Begin to search a picture. Returns at once.

        Args:
            grey: ``uint8`` ``[h, w]``; must not be written to meanwhile.
        """
        finding = Finding(grey)
        if self._is_lost.is_set():
            finding.done.set()
        else:
            # A thread of its own, that a hanging decoder keeps for ever and the process does not
            # wait for; one that waits for work would hold the library's objects past its end.
            threading.Thread(
                target=self._search, args=(finding,), name="code-finder", daemon=True
            ).start()
        return finding

    def end(self, finding: Finding) -> tuple[Code, ...]:
        """Return what was found, boxes in pixels of the picture; waits no longer than allowed."""
        if not finding.done.wait(self._deadline_s):
            self._is_lost.set()
            _log.error("the code reader did not answer within %g s", self._deadline_s)
            return ()
        return finding.codes

    def _search(self, finding: Finding) -> None:
        started_s = time.thread_time()
        try:
            finding.codes = tuple(self._open_decoder()(finding.grey))[:_MOST_CODES]
        except ImportError:
            self._is_lost.set()
            _log.warning("codes are not read: zxing-cpp is not installed")
        except Exception:  # noqa: BLE001 - the next line says why
            # A foreign decoder may fail of anything; the page is read without codes.
            _log.exception("the code reader failed")
        finding.cpu_s = time.thread_time() - started_s
        finding.done.set()


def zxing_decoder() -> Decoder:
    """Return zxing-cpp as a decoder.

    Raises:
        ImportError: it is not installed.
    """
    import zxingcpp

    def decode(grey: Grey) -> tuple[Code, ...]:
        scale = min(1.0, (_MOST_PIXELS / grey.size) ** 0.5)
        if scale < 1.0:
            grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(
                np.uint8
            )
        found = zxingcpp.read_barcodes(
            np.ascontiguousarray(grey),
            formats=zxingcpp.BarcodeFormats(
                [getattr(zxingcpp.BarcodeFormat, name) for name in _FORMATS]
            ),
            text_mode=zxingcpp.TextMode.Plain,
        )
        codes = []
        for barcode in found:
            corners = barcode.position
            points = (
                corners.top_left, corners.top_right, corners.bottom_right, corners.bottom_left,
            )  # fmt: skip
            xs, ys = [p.x / scale for p in points], [p.y / scale for p in points]
            box = Box(round(min(xs)), round(min(ys)), round(max(xs)) + 1, round(max(ys)) + 1)
            name = str(barcode.format).rpartition(".")[2]
            is_gs1 = barcode.content_type == zxingcpp.ContentType.GS1
            codes.append(Code(name, barcode.text, box, is_gs1=is_gs1))
        return tuple(codes)

    return decode


def open_code_finder() -> CodeFinder:
    """Return a finder on zxing-cpp; where that is not installed it finds nothing."""
    return CodeFinder(zxing_decoder)
