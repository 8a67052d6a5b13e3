"""Rows of a table stay together; columns of running text do not."""

from __future__ import annotations

import numpy as np
import pytest

from voxedge.vision.layout import columns
from voxedge.vision.table_bands import split_at_tables
from voxedge.vision.textlines import TextLine

LETTER, PITCH = 20.0, 44.0
ADVANCE = 12.0


def text(left: float, row: float, letters: int, *, tilt: float = 0.0) -> TextLine:
    """Letters of one line, 12 px apart; every seventh is a space."""
    boxes = []
    for number in range(letters):
        if number % 7 == 6:
            continue
        x = left + number * ADVANCE
        y = row * PITCH + tilt * x
        boxes.append((x, y, x + 10, y + LETTER))
    return TextLine(np.array(boxes, np.float64))


def table(rows: range, *, tilt: float = 0.0) -> list[TextLine]:
    return [
        text(left, row, letters, tilt=tilt)
        for row in rows
        for left, letters in ((0, 9 + row % 4), (280, 5 + row % 3), (480, 12))
    ]


def two_columns(rows: range) -> list[TextLine]:
    return [text(left, row, 30 - row % 3) for row in rows for left in (0, 400)]


@pytest.mark.parametrize("tilt", [0.0, 0.02, -0.02])
def test_a_table_between_paragraphs_is_a_band(tilt: float) -> None:
    lines = [text(0, row, 60, tilt=tilt) for row in (0, 1, 2)]
    lines += table(range(3, 9), tilt=tilt)
    lines += [text(0, row, 60, tilt=tilt) for row in (9, 10)]
    bands = split_at_tables(lines)
    assert [(is_table, len(band)) for is_table, band in bands] == [
        (False, 3),
        (True, 18),
        (False, 2),
    ]


def test_a_page_that_is_a_table_is_not_cut_into_columns() -> None:
    assert len(columns(table(range(8)))) == 1


def test_a_table_below_two_columns() -> None:
    lines = two_columns(range(12)) + table(range(13, 20))
    parts = columns(lines)
    assert [len(part) for part in parts] == [12, 12, 21]
    assert all(line.left < 300 for line in parts[0])


def test_columns_of_running_text_are_no_table() -> None:
    assert [is_table for is_table, _ in split_at_tables(two_columns(range(20)))] == [False]
    assert len(columns(two_columns(range(20)))) == 2


def test_two_lists_side_by_side_that_are_not_level_are_no_table() -> None:
    lines = [text(0, row, 14) for row in range(10)]
    lines += [text(400, row * 1.07 + 0.45, 14) for row in range(10)]
    assert [is_table for is_table, _ in split_at_tables(lines)] == [False]


def test_few_lines_are_no_table() -> None:
    lines = table(range(1))
    assert split_at_tables(lines) == [(False, lines)]
    assert split_at_tables([]) == [(False, [])]
