"""Numbers in lines of which a part may be hidden, as in "04/2029" under a shine."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from voxedge.document.model import Box, Sentence, Word
from voxedge.document.numbers import numbers_in
from voxedge.engines.ocr.tesseract import TsvWord
from voxedge.engines.ocr.wholeness import doubt_hidden

LETTER_PX = 24.0
LINES = (
    "Store Selvadine below 25 C in",
    "its box and use it before the",
    "day of 04/2029 that stands on",
    "the pack. Take 12 tablets now",
    "and call your doctor at night",
)
PITCH = 60


def page(hidden=(), *, shine=None, lines=LINES):
    """Return words and picture; ``hidden`` words are neither printed nor read."""
    grey = np.full((PITCH * len(lines) + 40, 900), 200, np.uint8)
    words = []
    for number, line in enumerate(lines):
        left, base = 60, 50 + PITCH * number
        for text in line.split():
            (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 3)
            shown = text
            for piece in hidden:
                shown = shown.replace(piece, "")
            start = left + width
            if shown:
                (width_shown, _), _ = cv2.getTextSize(shown, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 3)
                start = left + width - width_shown
                cv2.putText(
                    grey, shown, (start, base), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 50, 3, cv2.LINE_AA
                )
                words.append(
                    TsvWord(
                        shown, start, base - 24, left + width, base + 6, 0.95, (1, 1, number), shown
                    )
                )
            left += width + 16
    if shine is not None:
        x0, y0, x1, y1 = shine
        grey[y0:y1, x0:x1] = 255
    return words, grey


def doubted(words, grey):
    return {w.text for w in doubt_hidden(words, grey, LETTER_PX) if "?" in (w.second or "")}


def test_a_whole_page_has_no_doubts():
    assert doubted(*page()) == set()


def test_a_date_whose_month_a_shine_has_swallowed_is_in_doubt():
    words, grey = page(hidden=("04/",))
    date = next(word for word in words if word.text == "2029")
    before = max(w.right for w in words if w.line == date.line and w.right < date.left)
    assert doubted(words, grey) == set()  # a white of clean paper
    grey[date.top - 4 : date.bottom + 4, before + 2 : date.left - 2] = 255
    assert doubted(words, grey) == {"2029"}


def test_print_that_nobody_read_beside_a_number_puts_it_in_doubt():
    words, grey = page()
    assert doubted([w for w in words if w.text != "tablets"], grey) == {"12"}


def test_a_hole_elsewhere_in_the_line_does_so_too():
    words, grey = page()
    assert doubted([w for w in words if w.text not in ("that", "stands")], grey) == {"04/2029"}


@pytest.mark.parametrize("swallowed", ["in", "C in"])
def test_the_end_of_a_line_in_a_shine(swallowed):
    words, grey = page()
    first = [w for w in words if w.line[2] == 0]
    kept = [w for w in words if w.line[2] or w.text not in swallowed.split()]
    edge = max(w.right for w in first if w in kept)
    grey[first[0].top - 4 : first[0].bottom + 4, edge + 2 : 780] = 255
    assert doubted(kept, grey) == {"25"}


def test_a_sentence_that_ended_lacks_nothing():
    words, grey = page()
    last = [w for w in words if w.line[2] == 3 and w.text in ("the", "pack.")]
    kept = [w for w in words if w.line[2] != 3] + last
    grey[last[0].top - 4 : last[0].bottom + 4, last[1].right + 2 : 780] = 255
    assert doubted(kept, grey) == set()


def test_words_without_numbers_and_pages_without_words_stay():
    words, grey = page()
    plain = [w for w in words if w.line[2] == 4]
    assert doubt_hidden(plain, grey, LETTER_PX) == tuple(plain)
    assert doubt_hidden([], grey, LETTER_PX) == ()


def test_a_hole_in_the_same_sentence_one_line_above_or_below():
    words, grey = page()
    # "before the / day of 04/2029 that stands on / the pack." is one sentence of three lines.
    assert doubted([w for w in words if w.text != "pack."], grey) >= {"04/2029"}
    assert doubted([w for w in words if w.text != "use"], grey) == {"25", "04/2029"}


def test_a_hole_in_another_sentence_of_the_line_is_no_matter():
    words, grey = page()
    # In "the pack. Take 12 tablets now" the hole is behind the stop.
    assert "04/2029" not in doubted([w for w in words if w.text != "tablets"], grey)


@pytest.mark.parametrize(
    ("line", "in_doubt"),
    [
        # What a shine leaves of a letter is no exclamation mark.
        ("Since noon w! GONE split into 7 doses", {"7"}),
        ("Since noon the ke! GONE split into 7 doses", {"7"}),
        ("Her visit GONE on noon; then every 5 days", {"5"}),
        ("Her visit GONE was late. Then every 5 days", set()),
        ("Her visit GONE was late! Every 5 days", set()),
    ],
)
def test_a_sentence_ends_at_a_full_stop_only(line, in_doubt):
    words, grey = page(
        lines=("Take this with a glass of milk", line, "and with nothing else at all")
    )
    gone = next(word for word in words if word.text == "GONE")
    grey[gone.top - 4 : gone.bottom + 4, gone.left - 2 : gone.right + 2] = 255
    assert doubted([word for word in words if word is not gone], grey) == in_doubt


def test_what_nobody_checked_stays_unchecked():
    words, grey = page()
    unchecked = [replace(w, second=None) for w in words if w.text != "tablets"]
    assert all(w.second is None for w in doubt_hidden(unchecked, grey, LETTER_PX))


def test_a_doubt_offers_no_other_reading():
    words, grey = page()
    (twelve,) = [
        w
        for w in doubt_hidden([w for w in words if w.text != "tablets"], grey, LETTER_PX)
        if w.text == "12"
    ]
    box = Box(0, 0, 10, 10)
    (number,) = numbers_in(
        Sentence((Word("12", box, 0.95, 0, twelve.second), Word("now", box, 0.95, 0, "now")))
    )
    assert not number.is_certain
    assert number.readings == ("12",)
