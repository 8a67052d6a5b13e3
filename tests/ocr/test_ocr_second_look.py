"""Doubtful lines are read again alone, and only a more believable answer is taken."""

from dataclasses import dataclass, field

import numpy as np

from voxedge.engines.ocr.recogniser import Reading
from voxedge.engines.ocr.score import Judge, Score
from voxedge.engines.ocr.second_look import second_look
from voxedge.engines.ocr.tesseract import PSM_LINE, TsvWord

KNOWN = {"paracetamol", "used", "for", "pain", "tablets"}


class Words:
    def __contains__(self, word: object) -> bool:
        return str(word).lower() in KNOWN


@dataclass
class OneLine:
    """Stands for a recogniser: answers every line alone with the same word."""

    answer: str
    confidence: float = 0.95
    letter_px: float = 24.0
    judge: Judge = field(default_factory=lambda: Judge([Words()], unspaced=False))  # type: ignore[list-item]
    asked: list[int] = field(default_factory=list)

    def once(self, grey: np.ndarray, *, psm: int) -> Reading:
        assert psm == PSM_LINE
        self.asked.append(grey.shape[0])
        word = TsvWord(self.answer, 20, 14, 70, 44, self.confidence, (1, 1, 1))
        return Reading((word,), Score(0, 0))


def word(text: str, line: int, confidence: float = 0.95) -> TsvWord:
    top = 50 * line
    return TsvWord(text, 40, top + 10, 200, top + 40, confidence, (1, 1, line))


PAGE = np.full((300, 400), 230, dtype=np.uint8)


def look(words: list[TsvWord], recogniser: OneLine) -> list[str]:
    return [w.text for w in second_look(words, PAGE, recogniser)]  # type: ignore[arg-type]


def test_a_mangled_line_is_mended_in_its_place() -> None:
    recogniser = OneLine("for")
    words = [word("used", 0), word("swe", 1, 0.6), word("pain", 2)]
    assert look(words, recogniser) == ["used", "for", "pain"]
    # From the bottom of the line above to the top of the line below, and a margin each side.
    assert recogniser.asked == [110 - 40 + 20]


def test_a_mended_word_lies_where_the_line_lies() -> None:
    words = [word("used", 0), word("swe", 1, 0.6), word("pain", 2)]
    mended = second_look(words, PAGE, OneLine("for"))[1]  # type: ignore[arg-type]
    assert (mended.left, mended.top) == (10, 44)
    assert mended.line == (1, 1, 1)


def test_nothing_worse_is_taken() -> None:
    words = [word("used", 0), word("swe", 1, 0.6), word("pain", 2)]
    assert look(words, OneLine("xqzzkw", 0.3)) == ["used", "swe", "pain"]


def test_a_good_page_costs_nothing() -> None:
    recogniser = OneLine("for")
    words = [word("used", 0), word("for", 1), word("pain", 2)]
    assert look(words, recogniser) == ["used", "for", "pain"]
    assert recogniser.asked == []


def test_a_bad_region_is_not_read_line_by_line() -> None:
    recogniser = OneLine("for")
    words = [word("zzq", n, 0.4) for n in range(5)]
    assert look(words, recogniser) == ["zzq"] * 5
    assert recogniser.asked == []
