from __future__ import annotations

import cv2
import numpy as np
import pytest

from voxedge.engines.ocr import dim
from voxedge.engines.ocr.dim import find_dim
from voxedge.engines.ocr.recogniser import Recogniser
from voxedge.engines.ocr.score import Judge
from voxedge.engines.ocr.tesseract import TsvWord

LINES = ("Do not take more tablets", "than your doctor told you", "Keep it dry and in the dark")
KNOWN = frozenset({"tablets", "after", "meals", "with", "water", "doctor"})
RECOGNISER = Recogniser("eng", Judge([KNOWN], unspaced=False), 1.0, False)


def page():
    picture = np.full((400, 900), 190, np.uint8)
    for number in range(6):
        at = (60, 60 + 50 * number)
        cv2.putText(
            picture, LINES[number % 3], at, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 50, 2, cv2.LINE_AA
        )
    return picture


def words(text):
    return tuple(
        TsvWord(word, 80 * n, 0, 80 * n + 60, 24, 0.95, (1, 1, 1))
        for n, word in enumerate(text.split())
    )


def reads(monkeypatch, *, upright, turned):
    """Let the network read this of the page as it lies, and that of the page turned over."""
    seen = []

    def read_poor(first, grey, recogniser, read_lines):
        assert first == ()
        seen.append(grey)
        return words(upright if len(seen) % 2 else turned)

    monkeypatch.setattr(dim, "read_poor", read_poor)
    return seen


GOOD = "tablets after meals with water doctor tablets"


@pytest.mark.parametrize(("upright", "turned", "rotation"), [(GOOD, "xx", 0), ("xx", GOOD, 180)])
def test_the_way_up_that_the_network_reads_is_taken(monkeypatch, upright, turned, rotation):
    reads(monkeypatch, upright=upright, turned=turned)
    found = find_dim(page(), RECOGNISER, lambda crops: [])
    assert found is not None
    view, score = found
    assert (view.rotation, score.share) == (rotation, 1.0)
    assert all(view.known[number].is_final for number in range(len(view.regions)))


def test_a_picture_that_the_network_cannot_read_either_is_none(monkeypatch):
    reads(monkeypatch, upright="xx qz", turned="vv")
    assert find_dim(page(), RECOGNISER, lambda crops: []) is None


def test_a_picture_without_lines_is_none():
    assert find_dim(np.full((300, 300), 120, np.uint8), RECOGNISER, lambda crops: []) is None
