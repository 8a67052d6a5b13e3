from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from voxedge.document.model import Box, Sentence, Word
from voxedge.document.numbers import numbers_in
from voxedge.engines.ocr import poor_print
from voxedge.engines.ocr.line_reader import LineText
from voxedge.engines.ocr.poor_print import read_poor
from voxedge.engines.ocr.recogniser import Reading, Recogniser
from voxedge.engines.ocr.score import Judge
from voxedge.engines.ocr.tesseract import TsvWord
from voxedge.vision.rows import Row

GREY = np.full((200, 600), 200, np.uint8)
KNOWN = frozenset({"take", "tablets", "after", "meals", "doctor", "with", "water"})


@pytest.fixture(autouse=True)
def two_rows(monkeypatch):
    rows = [Row(0, 0, 600, 40), Row(0, 40, 600, 80)]
    monkeypatch.setattr(poor_print, "find_rows", lambda grey, letter_px: rows)


@pytest.fixture(autouse=True)
def second_try(monkeypatch):
    """What tesseract answers when it looks again, and the pictures it was given."""

    class SecondTry:
        words = ()
        pictures: ClassVar[list] = []

    def once(self, grey, *, psm, sauvola=False):
        SecondTry.pictures.append(grey)
        return Reading(tuple(SecondTry.words), self.judge.score(SecondTry.words))

    SecondTry.pictures = []
    monkeypatch.setattr(Recogniser, "once", once)
    return SecondTry


def recogniser(*, unspaced=False):
    return Recogniser("eng", Judge([KNOWN], unspaced=unspaced), 1.0, unspaced)


def line(text, sure=0.95, gaps=()):
    """A line whose characters stand evenly, with wide whites before those at ``gaps``."""
    at, places = 0.0, []
    for number in range(len(text)):
        at += 6.0 if number in gaps else 1.0
        places.append(at)
    return LineText(text, (sure,) * len(text), tuple(place / (at + 1) for place in places))


def tesseract(text, top, confidence=0.2):
    """Words 60 pixels wide in a row, from left to right."""
    return [
        TsvWord(word, 80 * n, top, 80 * n + 60, top + 24, confidence, (1, 1, top))
        for n, word in enumerate(text.split())
    ]


def read(words, *texts, unspaced=False):
    asked = []

    def read_lines(crops):
        asked.extend(crops)
        return list(texts)

    found = read_poor(words, GREY, recogniser(unspaced=unspaced), read_lines)
    assert [crop.shape for crop in asked] == [(40, 600), (40, 600)]
    return found


def numbers(words):
    box = Box(0, 0, 1, 1)
    return numbers_in(Sentence(tuple(Word(w.text, box, w.confidence, 0, w.second) for w in words)))


NOTHING = line("")


def test_the_line_that_is_read_better_is_taken():
    words = [*tesseract("tabe 2 tadlcts", 8), *tesseract("after meals", 48, 0.95)]
    found = read(words, line("take 2 tablets"), line("atter mcals", sure=0.7))
    assert [word.text for word in found] == ["after", "meals", "take", "2", "tablets"]
    assert {word.line for word in found[2:]} == {found[2].line}
    assert [word.second for word in found] == [None, None, "tabe", "2", "tadlcts"]


def test_words_stand_where_their_letters_do():
    found = read(tesseract("tabe tadlcts", 8), line("take tablets"), NOTHING)
    assert found[0].left < 60 < found[0].right < found[1].left < found[1].right <= 600
    assert 0 <= found[0].top < 20 < found[0].bottom <= 40


def test_tesseract_is_the_second_reader_of_a_line_that_the_network_read():
    agreed = read(tesseract("tabe 25 mg wilb", 8), line("take 25 mg with"), NOTHING)
    assert [n.is_certain for n in numbers(agreed)] == [True]
    differ = read(tesseract("tabe 26 mg wilb", 8), line("take 25 mg with"), NOTHING)
    assert [(n.is_certain, n.readings) for n in numbers(differ)] == [(False, ("25 mg", "26 mg"))]
    unseen = read(tesseract("tabe", 8), line("take 25 mg with"), NOTHING)
    assert [n.is_certain for n in numbers(unseen)] == [False]


@pytest.mark.parametrize(
    ("first", "again", "is_certain", "readings"),
    [
        ("tabe", "take 25 mg with", True, ("25 mg",)),
        ("tabe", "take 26 mg with", False, ("25 mg", "26 mg")),
        ("tabe", "take 25 ml with", False, ("25 mg", "25 ml")),
        ("tabe", "", False, ("25 mg",)),
        # A dispute is not settled by asking until the answer pleases.
        ("tabe 26 mg with", "take 25 mg with", False, ("25 mg", "26 mg")),
    ],
)
def test_tesseract_looks_again_where_it_saw_no_number(
    second_try, first, again, is_certain, readings
):
    second_try.words = tesseract(again, 20)
    (number,) = numbers(read(tesseract(first, 8), line("take 25 mg with"), NOTHING))
    assert (number.is_certain, number.readings) == (is_certain, readings)


def test_it_looks_again_once_and_only_at_lines_with_numbers_that_it_did_not_see(second_try):
    read(tesseract("tabe", 8), line("take 25 mg with"), line("after 3 meals"))
    assert len(second_try.pictures) == 1
    second_try.pictures.clear()
    read(tesseract("tabe 25 mg wilb", 8), line("take 25 mg with"), line("after meals with"))
    assert second_try.pictures == []


def test_a_unit_that_tesseract_garbles_is_the_one_that_the_network_reads():
    (number,) = numbers(read(tesseract("tabe 5 jig wilb", 8), line("take 5 µg with"), NOTHING))
    assert number.is_certain
    assert number.text == "5 µg"


def test_a_digit_that_the_network_doubts_is_confirmed_by_nobody():
    doubted = line("take 25 mg with")
    sure = [0.95] * len(doubted.text)
    sure[6] = 0.4
    text = LineText(doubted.text, tuple(sure), doubted.places)
    (number,) = numbers(read(tesseract("tabe 25 mg wilb", 8), text, NOTHING))
    assert not number.is_certain
    assert number.readings == ("25 mg",)


def test_a_wide_white_parts_words_where_the_network_wrote_no_space():
    found = read(tesseract("xx", 8), line("tabletswithwater", gaps=(7, 11)), NOTHING)
    assert [word.text for word in found] == ["tablets", "with", "water"]


def test_shades_at_the_ends_of_a_line_are_dropped():
    text = "3x take tablets 7"
    sure = [0.3, 0.3, *[0.95] * (len(text) - 3), 0.2]
    found = read([], LineText(text, tuple(sure), line(text).places), NOTHING)
    assert [word.text for word in found] == ["take", "tablets"]


def test_scripts_without_spaces_come_ideograph_by_ideograph():
    found = read([], line("每日2.5mg，饭后"), NOTHING, unspaced=True)
    assert [word.text for word in found] == ["每", "日", "2.5mg", "，", "饭", "后"]


@pytest.mark.parametrize(
    "text",
    [LineText("take tablets", (0.9,) * 12), LineText("", ()), line("take tablets", sure=0.1)],
)
def test_a_line_without_places_or_certainty_leaves_tesseract_its_words(text):
    words = tesseract("tabe tadlcts", 8)
    assert read(words, text, NOTHING) == tuple(words)


def test_a_second_reader_that_does_not_answer_leaves_all_as_it_is():
    words = tesseract("tabe 2 tadlcts", 8)
    assert read_poor(words, GREY, recogniser(), lambda crops: None) == tuple(words)
