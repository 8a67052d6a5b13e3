"""Lines out of a map of where print is, as a detection network makes it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from voxedge.vision.regions import plan
from voxedge.vision.text_map import lines_of_map

SIDE = 640


def empty():
    return np.zeros((SIDE, SIDE), np.float32)


def ribbon(probability, start, stop, thickness=9, value=0.95):
    cv2.line(probability, start, stop, value, thickness)


def page(angle_deg=0.0, columns=((60, 280), (340, 580)), rows=8):
    probability = empty()
    for left, right in columns:
        for number in range(rows):
            ribbon(probability, (left, 120 + 40 * number), (right, 120 + 40 * number))
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), -angle_deg, 1.0)
    return cv2.warpAffine(probability, turn, (SIDE, SIDE))


@pytest.mark.parametrize("angle_deg", [-20.0, -4.0, 0.0, 9.0, 30.0])
def test_lines_are_found_at_any_angle(angle_deg):
    found = lines_of_map(page(angle_deg), (SIDE, SIDE), 1.5)
    assert len(found.lines) == 16
    assert found.angle_deg == pytest.approx(angle_deg, abs=0.7)
    assert found.letter_px == pytest.approx(1.5 * 11, rel=0.15)  # 9 and the rims


def test_pixels_are_those_of_the_picture_not_of_the_map():
    small = lines_of_map(page(), (SIDE, SIDE), 1.5)
    large = lines_of_map(page(), (2 * SIDE, 2 * SIDE), 1.5)
    assert large.letter_px == pytest.approx(2 * small.letter_px, rel=0.02)
    assert large.lines[0].left == pytest.approx(2 * small.lines[0].left, rel=0.02)


def test_print_is_wider_than_its_ribbon_by_the_same_margin_all_round():
    (line,) = lines_of_map(page(columns=((100, 500),), rows=1), (SIDE, SIDE), 1.5).lines
    assert line.left == pytest.approx(100 - 4 - 0.8 * 9, abs=3)
    assert line.right == pytest.approx(500 + 4 + 0.8 * 9, abs=3)


def test_columns_and_their_order_come_from_the_lines():
    regions = plan(lines_of_map(page(3.0), (SIDE, SIDE), 1.3))
    assert [region.column for region in regions] == [0, 1]
    assert regions[0].right < regions[1].left + 30


def test_curled_lines_bend_their_region():
    probability = empty()
    x = np.arange(60, 580)
    for number in range(10):
        y = 100 + 40 * number + 14 * np.sin(x / 580 * np.pi)
        points = np.stack([x, y], axis=1).round().astype(np.int32)
        cv2.polylines(probability, [points], False, 0.9, 9)
    found = lines_of_map(probability, (SIDE, SIDE), 1.5)
    assert len(found.lines) == 10
    (region, *_) = plan(found)
    sag = region.bend.offset(np.array([320.0]), np.array([300.0]))
    ends = region.bend.offset(np.array([70.0]), np.array([300.0]))
    assert float(sag[0] - ends[0]) == pytest.approx(13, abs=4)


def test_two_lines_that_touch_are_parted():
    probability = page(columns=((60, 580),))
    # Between the second line and the third the map is half sure for a third of the width.
    probability[160:200, 100:280] = np.maximum(probability[160:200, 100:280], 0.45)
    assert len(lines_of_map(probability, (SIDE, SIDE), 1.5).lines) == 8


def test_large_print_that_would_fall_apart_stays_whole():
    probability = page(columns=((60, 580),), rows=5)
    ribbon(probability, (60, 420), (580, 420), thickness=30)
    probability[400:440, 250:280] = np.minimum(probability[400:440, 250:280], 0.5)
    found = lines_of_map(probability, (SIDE, SIDE), 1.5)
    assert len(found.lines) == 6
    assert max(line.letter_px for line in found.lines) == pytest.approx(45, rel=0.2)


def test_faint_texture_and_single_marks_are_no_lines():
    probability = page(columns=((60, 580),), rows=4)
    probability[400:420, 60:580] = 0.4
    ribbon(probability, (300, 490), (300, 500))
    assert len(lines_of_map(probability, (SIDE, SIDE), 1.5).lines) == 4


def test_a_map_without_print_has_no_lines():
    found = lines_of_map(empty(), (SIDE, SIDE), 1.5)
    assert (found.lines, found.letter_px) == ((), 0.0)
