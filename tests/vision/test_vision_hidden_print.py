"""Whites beside a word: clean paper, a shine, faint print, a rule."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from voxedge.vision.hidden_print import (
    Light,
    Patch,
    is_burnt,
    light_on,
    may_hide_print,
    outlasts,
    usual_light,
)

LETTER_PX = 24.0
WORD = Patch(300, 40, 420, 76)
WHITE = Patch(120, 40, 290, 76)


def line(paper=200, ink=60, text="2029"):
    grey = np.full((120, 500), paper, np.uint8)
    cv2.putText(grey, text, (300, 72), cv2.FONT_HERSHEY_SIMPLEX, 1.2, ink, 4, cv2.LINE_AA)
    noise = np.random.default_rng(1).normal(0, 6, grey.shape)
    return np.clip(grey + noise, 0, 255).astype(np.uint8)


def test_clean_paper_hides_nothing():
    grey = line()
    usual = usual_light(grey, [WORD])
    assert usual is not None
    assert not may_hide_print(grey, WHITE, WORD, usual, LETTER_PX)
    assert not is_burnt(grey, WHITE, usual)


@pytest.mark.parametrize("text", ["04/", "12 May", "6"])
def test_print_too_faint_to_be_read_is_seen(text):
    grey = line()
    faint = np.full_like(grey, 255)
    cv2.putText(faint, text, (130, 72), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 215, 4, cv2.LINE_AA)
    grey = np.minimum(grey, np.where(faint < 250, grey.astype(int) - 70, 255)).astype(np.uint8)
    usual = usual_light(line(), [WORD])
    assert usual is not None
    assert may_hide_print(grey, WHITE, WORD, usual, LETTER_PX)


def test_a_rule_of_a_table_is_no_print():
    grey = line()
    grey[:, 200:203] = 70
    usual = usual_light(grey, [WORD])
    assert usual is not None
    assert not may_hide_print(grey, WHITE, WORD, usual, LETTER_PX)


def test_paper_burnt_out_where_the_rest_is_not():
    grey = line()
    usual = usual_light(grey, [WORD])
    assert usual is not None
    grey[:, 100:295] = 255
    assert is_burnt(grey, WHITE, usual)
    # A page that is white all over has no shine.
    assert not is_burnt(grey, WHITE, Light(255.0, 60.0))


def test_a_word_that_has_lost_its_darkness_tells_of_a_veil():
    usual = usual_light(line(), [WORD])
    veiled = line(paper=230, ink=165)
    assert usual is not None
    assert may_hide_print(veiled, WHITE, WORD, usual, LETTER_PX)
    # Half of the light on everything is shade, and takes nothing away.
    assert not may_hide_print(line(paper=100, ink=30), WHITE, WORD, usual, LETTER_PX)


def test_dark_print_on_burnt_paper_shows_that_ink_outlasts_the_shine():
    usual = Light(200.0, 60.0)
    assert outlasts(line(paper=255, ink=80), WORD, usual)
    assert not outlasts(line(paper=255, ink=190), WORD, usual)
    assert not outlasts(line(), WORD, usual)


def test_nothing_is_said_of_patches_without_pixels():
    grey = line()
    empty = Patch(490, 40, 490, 76)
    assert light_on(grey, empty) is None
    assert usual_light(grey, [empty]) is None
    assert not is_burnt(grey, empty, Light(200.0, 60.0))
    assert not may_hide_print(grey, empty, WORD, Light(200.0, 60.0), LETTER_PX)
