from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from voxedge.vision.rows import find_rows

LETTER_PX = 24.0


def strip(lines, pitch=40, blur=0.0, noise=0.0, width=700):
    """A level strip; ``lines`` of text, their middles ``pitch`` apart."""
    picture = np.full((pitch * (len(lines) + 1), width), 170, np.uint8)
    for number, text in enumerate(lines):
        at = (60, pitch * (number + 1) + 8)
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.8, 60, 2, cv2.LINE_AA)
    if blur:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    if noise:
        grain = np.random.default_rng(1).normal(0, noise, picture.shape)
        picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
    return picture


LINES = ("Do not take more than 8", "tablets in 24 hours.", "Ask a doctor.")


@pytest.mark.parametrize(("blur", "noise"), [(0, 0), (3, 6), (4, 12)])
def test_every_line_is_a_row_however_blurred(blur, noise):
    rows = find_rows(strip(LINES, blur=blur, noise=noise), LETTER_PX)
    middles = [(row.top + row.bottom) / 2 for row in rows]
    assert middles == pytest.approx([40, 80, 120], abs=6)


def test_rows_do_not_overlap_and_hold_their_letters():
    rows = find_rows(strip(LINES, pitch=36), LETTER_PX)
    assert all(above.bottom <= below.top + 1 for above, below in itertools.pairwise(rows))
    assert all(row.bottom - row.top >= 30 for row in rows)
    assert all(row.left <= 60 for row in rows)
    # A line ends where its print ends, not where the column does.
    assert rows[2].right < rows[0].right


def test_wide_lines_get_room_for_letters_higher_than_was_thought():
    near, far = (find_rows(strip(LINES, pitch=pitch), LETTER_PX) for pitch in (40, 64))
    assert far[1].bottom - far[1].top > near[1].bottom - near[1].top


def test_paper_without_print_has_no_rows():
    assert find_rows(np.full((200, 400), 180, np.uint8), LETTER_PX) == []
    assert find_rows(np.full((2, 2), 180, np.uint8), LETTER_PX) == []
