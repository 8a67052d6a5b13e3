from __future__ import annotations

import threading

import numpy as np
import pytest

from voxedge.engines.ocr.line_reader import LineText
from voxedge.engines.ocr.number_check import NumberCheck
from voxedge.engines.ocr.spans import number_spans
from voxedge.engines.ocr.tesseract import TsvWord
from voxedge.errors import OcrFailed

PAPER = np.full((400, 900), 255, np.uint8)


def line(text, top=20, number=0):
    words, left = [], 10
    for word in text.split():
        right = left + 14 * len(word)
        words.append(TsvWord(word, left, top, right, top + 24, 0.9, (0, 0, number)))
        left = right + 12
    return words


class Reads:
    """A line reader that answers with these texts, one for each crop."""

    name = "fake"

    def __init__(self, *texts, certainty=1.0):
        self.crops = []
        self._texts = texts
        self._certainty = certainty

    def read(self, crops):
        self.crops += crops
        return [LineText(text, (self._certainty,) * len(text)) for text in self._texts]


def seconds(reader, words, **options):
    check = NumberCheck("fake", lambda: reader, **options)
    return [word.second for word in check.check(words, PAPER)]


def test_numbers_and_their_neighbours_are_read_a_second_time():
    words = line("take 5 mg every day")
    assert seconds(Reads("take 50 mg"), words) == ["take", "50", "mg", None, None]


def test_lines_without_numbers_cost_nothing():
    reader = Reads("the first")
    words = [*line("the first line is always looked at"), *line("nothing to count", 60, 1)]
    assert seconds(reader, words) == ["the", "first", *[None] * 8]
    assert len(reader.crops) == 1


def test_a_unit_without_its_number_and_letters_like_digits_are_looked_at():
    words = [*line("a line before"), *line("you take mg of one of these S tablets to it", 60, 1)]
    spans = number_spans(words, 900, 400)[1:]
    assert [[w.text for w in span.words] for span in spans] == [
        ["take", "mg", "of"],
        ["these", "S", "tablets"],
    ]


def test_a_unit_on_the_next_line_is_looked_at():
    words = [*line("of which the dose is 25"), *line("mg of it", top=60, number=1)]
    spans = number_spans(words, 900, 400)
    assert [[w.text for w in span.words] for span in spans[1:]] == [["is", "25"], ["mg", "of"]]


def test_big_print_beside_small_print_stays_out_of_the_crop():
    small = TsvWord("650", 200, 100, 240, 120, 0.9, (0, 0, 0))
    brand = TsvWord("Brand", 10, 60, 190, 160, 0.9, (0, 0, 0))
    (span,) = [s for s in number_spans([brand, small], 900, 400) if small in s.words]
    assert [word.text for word in span.words] == ["650"]
    assert span.bottom - span.top < 40


def test_the_crop_reaches_beyond_the_ends_of_a_line():
    (word,) = line("40")
    (span,) = number_spans([word], 900, 400)
    assert span.right >= word.right + 20
    assert span.left < word.left


def test_a_digit_the_second_reader_doubts_confirms_nothing():
    assert seconds(Reads("take 5 mg", certainty=0.3), line("take 5 mg"))[1] == "?"


class Crashes:
    name = "fake"

    def read(self, crops):
        raise ZeroDivisionError


class Fails:
    name = "fake"

    def read(self, crops):
        raise OcrFailed(reason="no network")


class Garbage:
    name = "fake"

    def __init__(self, answer):
        self._answer = answer

    def read(self, crops):
        return self._answer


@pytest.mark.parametrize(
    "reader",
    [
        Crashes(),
        Fails(),
        Garbage(None),
        Garbage([]),
        Garbage("5 mg"),
        Garbage([None]),
        Garbage([LineText("5 mg", ())]),
        Garbage([LineText("5", (1.0,))] * 7),
    ],
    ids=["crashes", "fails", "none", "empty", "text", "no line", "no certainty", "too many"],
)
def test_a_bad_second_reader_leaves_numbers_unchecked_and_reading_goes_on(reader):
    words = line("take 5 mg")
    assert seconds(reader, words) == [None, None, None]


def test_a_second_reader_that_cannot_be_opened_leaves_numbers_unchecked():
    def broken():
        raise OcrFailed(reason="damaged")

    check = NumberCheck("fake", broken)
    assert [word.second for word in check.check(line("take 5 mg"), PAPER)] == [None] * 3


def test_a_second_reader_that_hangs_is_given_up_and_not_waited_for_again():
    release = threading.Event()
    asked = []

    class Hangs:
        name = "fake"

        def read(self, crops):
            asked.append(len(crops))
            release.wait()
            return []

    try:
        check = NumberCheck("fake", Hangs, deadline_s=0.05)
        for _ in range(3):
            assert [w.second for w in check.check(line("take 5 mg"), PAPER)] == [None] * 3
        assert asked == [1]
    finally:
        release.set()


def test_the_process_ends_only_once_the_network_is_loaded():
    """Ended by the interpreter while it loads, its thread takes the process along (SIGABRT)."""
    loading, loaded = threading.Event(), threading.Event()

    def open_reader():
        loading.set()
        loaded.wait(10)
        return Reads(lambda crop: "")

    check = NumberCheck("slow", open_reader)
    assert loading.wait(10)
    leaving = threading.Thread(target=check._leave)
    leaving.start()
    leaving.join(0.2)
    assert leaving.is_alive()
    loaded.set()
    leaving.join(4)
    assert not leaving.is_alive()


def test_page_text_is_in_no_log(caplog):
    class Leaks:
        name = "fake"

        def read(self, crops):
            return [LineText("secret 5 mg", (1.0,))]

    assert seconds(Leaks(), line("take 5 mg")) == [None] * 3
    assert "secret" not in caplog.text


def test_many_lines_are_asked_for_in_batches_each_with_its_own_deadline():
    batches = []

    class Counts:
        name = "fake"

        def read(self, crops):
            batches.append(len(crops))
            return [
                LineText(str(crop.shape[1]), (1.0,) * len(str(crop.shape[1]))) for crop in crops
            ]

    crops = [PAPER[:24, : 10 + number] for number in range(30)]
    texts = NumberCheck("fake", Counts).read(crops)
    assert texts is not None
    assert [text.text for text in texts] == [str(10 + number) for number in range(30)]
    assert len(batches) > 1
    assert max(batches) <= 16
