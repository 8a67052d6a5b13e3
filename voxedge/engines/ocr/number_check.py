"""Every number of a page is read a second time, by another reader, before anybody hears it.

A second reader that is absent, fails, hangs or answers garbage leaves the numbers unchecked, and
an unchecked number is a doubtful one (``voxedge.document.numbers``): reading goes on, certainty
does not.
"""

from __future__ import annotations

import atexit
import functools
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

import cv2
import numpy as np

from voxedge.document.agreement import lay_beside
from voxedge.document.figures import holds_figure
from voxedge.document.garbled_units import settled
from voxedge.document.numbers import UNSURE
from voxedge.engines.ocr.line_finder import LineFinder
from voxedge.engines.ocr.line_reader import Crop, LineReader, LineText
from voxedge.engines.ocr.spans import number_spans
from voxedge.engines.ocr.tesseract import TsvWord
from voxedge.errors import VoxedgeError
from voxedge.vision.illumination import Grey
from voxedge.vision.text_map import Map, lines_of_map
from voxedge.vision.textlines import TextLines

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")

_MIN_CERTAINTY = 0.5
"""A digit, a point or a sign of a unit that the second reader itself gives less is no
confirmation."""
_TELLING = frozenset(".,µμ°℃℉%")
_WIDTH = 0.7
"""Share of its width at which a number's crop is read. The network's work grows with the width, and
narrower letters are still letters to it: 0.46 of the rest of the reading instead of 0.64 on pages
where every line holds numbers, with as many wrong numbers certain (none) and one right one more in
a hundred withheld. Only for crops that tesseract could read: of lines that it could not, one number
of sixty came out wrong at 0.8."""
_BATCH = 12
"""Lines asked for at once: a deadline is for so many, however many a column holds."""
_DEADLINE_S = 20.0
"""For a batch: a number's crop takes 10 ms here, a whole line 40 ms, both about ten times that on a
Pi 4, and more where other work is being done."""
_LEAVE_S = 5.0
"""What runs when the process ends may take so long: the network loads in 0.3 s here."""
_FIND_DEADLINE_S = 90.0
"""For the lines of a picture: 1.7 s of a core here."""


class NumberCheck:
    """Lets a line reader confirm numbers, under a deadline. Any thread; one call at a time runs.

    Args:
        name: of the second reader.
        open_reader: opens it. Opened and used on a thread that this object owns, so that it loads
            while the first lines are being recognised, and that ends with the process: a reader
            that hangs must not keep the process from ending.
        deadline_s: for a batch of lines. A reader that misses it is not asked again.
        open_finder: opens what finds lines where tesseract cannot, each time it is needed. None
            where there is none, or where it returns None.
    """

    def __init__(
        self,
        name: str,
        open_reader: Callable[[], LineReader],
        deadline_s: float = _DEADLINE_S,
        open_finder: Callable[[], LineFinder | None] | None = None,
    ) -> None:
        self._name = name
        self._deadline_s = deadline_s
        self._open_finder = open_finder
        self._calls: queue.SimpleQueue[_Call[Any]] = queue.SimpleQueue()
        self._is_lost = threading.Event()
        self._check_cpu_s = 0.0
        self._is_idle = threading.Event()
        atexit.register(self._leave)
        threading.Thread(
            target=self._serve, args=(open_reader,), name="second-reader", daemon=True
        ).start()

    @property
    def name(self) -> str:
        """Name of the second reader."""
        return self._name

    @property
    def check_cpu_s(self) -> float:
        """Processor seconds that numbers have cost so far; lines found and read not counted."""
        return self._check_cpu_s

    def check(self, words: Sequence[TsvWord], picture: Grey) -> tuple[TsvWord, ...]:
        """Return the words; those that hold numbers, and their neighbours, with ``second`` set.

        A unit that the first reader is known to garble is written as the second one has it.

        Never raises: what cannot be checked stays unchecked.

        Args:
            words: as recognised in one level picture.
            picture: ``uint8`` ``[h, w]``, what they were recognised in.
        """
        height, width = picture.shape[:2]
        # What a second reader has looked at already stays as it is.
        spans = number_spans([word for word in words if word.second is None], width, height)
        if not spans:
            return tuple(words)
        crops = [_narrowed(picture[s.top : s.bottom, s.left : s.right]) for s in spans]
        texts = self._read(crops, is_check=True)
        if texts is None:
            return tuple(words)
        checked: dict[int, TsvWord] = {}
        for span, text in zip(spans, texts, strict=True):
            first = [word.text for word in span.words]
            second = lay_beside(first, without_doubts(text))
            for word, told, found in zip(span.words, settled(first, second), second, strict=True):
                checked[id(word)] = replace(word, text=told, second=found)
        return tuple(checked.get(id(word), word) for word in words)

    def read(self, crops: list[Crop]) -> list[LineText] | None:
        """Let the second reader read lines; None where it cannot. Never raises."""
        return self._read(crops, is_check=False)

    def _read(self, crops: list[Crop], *, is_check: bool) -> list[LineText] | None:
        texts: list[LineText] = []
        for start in range(0, len(crops), _BATCH):
            answer = self._ask(crops[start : start + _BATCH], is_check=is_check)
            if answer is None:
                return None
            texts += answer
        return texts

    def find_lines(self, grey: Grey, heights: float) -> TextLines | None:
        """Let the line finder look at a picture; None where there is none or it cannot.

        Never raises. See ``text_map.lines_of_map`` for what comes and for ``heights``.
        """
        if self._open_finder is None:
            return None
        probability = self._call(lambda _: self._find(grey), _FIND_DEADLINE_S)
        if not isinstance(probability, np.ndarray) or probability.ndim != 2:
            return None
        shape = (grey.shape[0], grey.shape[1])
        found = lines_of_map(probability, shape, heights)
        return found if found.lines else None

    def _find(self, grey: Grey) -> Map | None:
        # Opened anew each time and let go: it is seldom needed, and takes 370 MB while it looks.
        finder = self._open_finder() if self._open_finder is not None else None
        return None if finder is None else finder.find(grey)

    def _ask(self, crops: list[Crop], *, is_check: bool) -> list[LineText] | None:
        answer = self._call(lambda reader: reader.read(crops), self._deadline_s, is_check=is_check)
        if answer is None:
            return None
        if not _is_sane(answer, len(crops)):
            _log.error("%s gave no answer about numbers", self.name)
            return None
        return answer

    def _call(
        self, work: Callable[[LineReader], _Result], deadline_s: float, *, is_check: bool = False
    ) -> _Result | None:
        """Have work done on the reader's thread; None where it fails or takes too long."""
        if self._is_lost.is_set():
            return None
        call = _Call(work, is_check=is_check)
        self._calls.put(call)
        if not call.done.wait(deadline_s):
            self._is_lost.set()
            _log.error("%s did not answer within %g s", self.name, deadline_s)
            return None
        return call.answer

    def _leave(self) -> None:
        """At the end of the process: let what runs come back first.

        The interpreter ends a thread that comes back to it later, by unwinding the native frames it
        is in, and a network being loaded does not survive that: the process aborts.
        """
        if not self._is_lost.is_set():
            self._is_idle.wait(_LEAVE_S)

    def _serve(self, open_reader: Callable[[], LineReader]) -> None:
        reader = self._guarded(open_reader)
        while True:
            self._is_idle.set()
            call = self._calls.get()
            self._is_idle.clear()
            started_s = time.thread_time()
            if reader is not None:
                call.answer = self._guarded(functools.partial(call.work, reader))
            if call.is_check:
                self._check_cpu_s += time.thread_time() - started_s
            call.done.set()

    def _guarded(self, work: Callable[[], _Result]) -> _Result | None:
        try:
            return work()
        except VoxedgeError as failure:
            _log.error("%s", failure)
        except Exception:  # noqa: BLE001 - the next line says why
            # Whatever a foreign network does, the person at the device goes on hearing.
            _log.exception("%s crashed", self.name)
        return None


class _Call(Generic[_Result]):
    def __init__(self, work: Callable[[LineReader], _Result], *, is_check: bool) -> None:
        self.work = work
        self.is_check = is_check
        self.answer: _Result | None = None
        self.done = threading.Event()


def _narrowed(crop: Crop) -> Crop:
    height, width = crop.shape[:2]
    if not height or not width:
        return crop
    size = (max(1, round(width * _WIDTH)), height)
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _is_sane(answer: object, crops: int) -> bool:
    return (
        isinstance(answer, list)
        and len(answer) == crops
        and all(isinstance(t, LineText) and len(t.text) == len(t.certainty) for t in answer)
    )


def without_doubts(line: LineText) -> str:
    """Return the text with ``UNSURE`` for digits and signs that the reader is not sure of."""
    return "".join(
        UNSURE if sure < _MIN_CERTAINTY and (holds_figure(mark) or mark in _TELLING) else mark
        for mark, sure in zip(line.text, line.certainty, strict=True)
    )
