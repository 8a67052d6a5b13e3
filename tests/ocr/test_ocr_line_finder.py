"""The network that finds lines, and what becomes of it when it fails."""

from __future__ import annotations

import numpy as np
import pytest

from voxedge.engines.ocr.line_finder import PaddleLineFinder, bands, finder_input
from voxedge.engines.ocr.line_reader import LineText
from voxedge.engines.ocr.number_check import NumberCheck
from voxedge.errors import OcrFailed
from voxedge.models.readers import find_finder
from voxedge.testing.typeset import PageStyle, render

PAPER = np.full((400, 600), 230, np.uint8)


class Reads:
    name = "fake"

    def read(self, crops):
        return [LineText("", ()) for _ in crops]


class Finds:
    def __init__(self, answer):
        self._answer = answer

    def find(self, grey):
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def check(answer):
    return NumberCheck("fake", Reads, open_finder=lambda: answer and Finds(answer[0]))


def lines():
    probability = np.zeros((400, 600), np.float32)
    for number in range(6):
        probability[60 + 40 * number : 69 + 40 * number, 80:520] = 0.9
    return probability


@pytest.mark.parametrize("shape", [(3000, 1000), (1, 1), (400, 600), (33, 5000)])
def test_the_network_is_fed_sides_that_it_can_halve(shape):
    fed = finder_input(np.zeros(shape, np.uint8))
    assert fed.shape[:2] == (1, 3)
    assert all(side % 32 == 0 and 32 <= side <= 1600 for side in fed.shape[2:])
    assert fed.dtype == np.float32


@pytest.mark.parametrize("shape", [(1600, 1184), (1600, 32), (320, 1600), (1600, 1600), (96, 64)])
def test_bands_cover_every_row_once_and_overlap(shape):
    height, width = shape
    parts = bands(height, width)
    assert [row for _, taken in parts for row in range(*taken)] == list(range(height))
    for (top, bottom), (first, last) in parts:
        assert (bottom - top) % 32 == 0
        assert (bottom - top) * width <= max(2_000_000, 384 * width)
        # Nothing is taken from where a band ends but the picture does not.
        assert first - top >= (80 if top else 0)
        assert bottom - last >= (80 if bottom < height else 0)


def test_lines_come_in_pixels_of_the_picture():
    found = check((lines(),)).find_lines(PAPER, 1.5)
    assert found is not None
    assert len(found.lines) == 6
    assert 70 < found.lines[0].left < 80


@pytest.mark.parametrize(
    "answer",
    [(OcrFailed(reason="no"),), (ValueError("no"),), (np.zeros(3),), (np.zeros((9, 9)),), None],
)
def test_a_finder_that_fails_or_finds_nothing_is_no_finder(answer):
    numbers = check(answer)
    assert numbers.find_lines(PAPER, 1.5) is None
    # The reader of numbers goes on.
    assert numbers.read([PAPER]) == [LineText("", ())]


def test_without_a_finder_nobody_looks():
    assert NumberCheck("fake", Reads).find_lines(PAPER, 1.5) is None


def test_a_file_that_is_no_network_is_told(tmp_path):
    (tmp_path / "no.onnx").write_bytes(b"no network")
    with pytest.raises(OcrFailed, match="cannot be loaded"):
        PaddleLineFinder(tmp_path / "no.onnx")


def test_the_real_network_finds_the_lines_of_a_page():
    model = find_finder()
    if model is None:
        pytest.skip("the line finder is not installed: voxedge models fetch")
    page = render("Take one tablet.\nKeep it dry.\nAsk a doctor.\n", PageStyle(size_px=40))
    numbers = NumberCheck("real", Reads, open_finder=lambda: PaddleLineFinder(model))
    found = numbers.find_lines(page, 1.3)
    assert found is not None
    assert len(found.lines) == 3
    assert abs(found.angle_deg) < 1.0
