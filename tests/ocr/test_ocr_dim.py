from __future__ import annotations

import cv2
import numpy as np
import pytest

from voxedge.engines.ocr import dim, upright
from voxedge.engines.ocr.dim import find_dim
from voxedge.engines.ocr.line_reader import LineText
from voxedge.engines.ocr.recogniser import Recogniser
from voxedge.engines.ocr.score import Judge
from voxedge.engines.ocr.tesseract import TsvWord
from voxedge.engines.ocr.upright import view_of
from voxedge.vision.text_map import lines_of_map
from voxedge.vision.textlines import TextLines, find_lines

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

    def read_poor(first, grey, recogniser, read_lines, rows=None):
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


def found_by_a_network(grey, heights):
    """Return the lines of ``page`` as a line finder would."""
    probability = np.zeros(grey.shape, np.float32)
    for number in range(6):
        cv2.line(probability, (70, 50 + 50 * number), (480, 50 + 50 * number), 0.9, 9)
    return lines_of_map(probability, grey.shape, heights)


def test_lines_that_a_network_found_are_read_where_they_stand(monkeypatch):
    rows_seen = []

    def read_poor(first, grey, recogniser, read_lines, rows=None):
        rows_seen.append(rows)
        return words(GOOD)

    monkeypatch.setattr(dim, "read_poor", read_poor)
    found = find_dim(page(), RECOGNISER, lambda crops: [], found_by_a_network)
    assert found is not None
    assert found[0].rotation == 0
    assert sum(map(len, rows_seen)) == 6
    strip = found[0].known[0].strip
    assert all(0.8 < (r.bottom - r.top) / (2.46 * strip.letter_px) < 1.2 for r in rows_seen[0])


def test_where_the_network_finds_nothing_the_ink_is_asked(monkeypatch):
    rows_seen = []

    def read_poor(first, grey, recogniser, read_lines, rows=None):
        rows_seen.append(rows)
        return words(GOOD)

    monkeypatch.setattr(dim, "read_poor", read_poor)
    assert find_dim(page(), RECOGNISER, lambda crops: [], lambda grey, heights: None) is not None
    assert set(rows_seen) == {None}


def test_patience_ends():
    """What looks like print and is none has no end."""
    asked = []

    def read_lines(crops):
        asked.append(len(crops))
        return [LineText("", ()) for _ in crops]

    assert find_dim(page(), RECOGNISER, read_lines) is None
    assert asked
    asked.clear()
    assert find_dim(page(), RECOGNISER, read_lines, patience_s=0.0) is None
    assert asked == []


def test_lines_are_read_a_few_at_a_time(monkeypatch):
    clock_s = iter(range(100))
    monkeypatch.setattr(dim.time, "monotonic", lambda: next(clock_s))
    asked = []

    def read_lines(crops):
        asked.append(len(crops))
        return [LineText(str(number), ()) for number, _ in enumerate(crops)]

    crops = [np.zeros((8, 8), np.uint8)] * 40
    texts = dim._until(1000.0, read_lines)(crops)
    assert texts is not None
    assert (len(texts), asked) == (40, [16, 16, 8])
    asked.clear()
    assert dim._until(5.0, read_lines)(crops) is None
    assert len(asked) < 3
    assert dim._until(1000.0, lambda crops: None)(crops) is None


@pytest.mark.parametrize(("count", "is_print"), [(800, True), (801, False)])
def test_so_many_lines_are_grain(monkeypatch, count, is_print):
    line = find_lines(page()).lines[0]
    monkeypatch.setattr(upright, "plan", lambda found: [])
    found = TextLines((line,) * count, 0.0, 12.0)
    assert (view_of(page(), lambda grey: (found, 1.0)) is not None) is is_print
