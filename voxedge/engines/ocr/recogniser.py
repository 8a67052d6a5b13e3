"""Recognise one level picture, trying harder only when the first try is poor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2

from voxedge.engines.ocr.score import Judge, Score
from voxedge.engines.ocr.tesseract import PSM_COLUMN, TsvWord, recognise
from voxedge.vision.illumination import Grey, flatten

_LETTER_PX = 24.0
"""Letter height that tesseract reads best on the leaflets measured (20 to 28 differ little)."""
_LETTER_UNSPACED_PX = 24.0
_GOOD_SHARE = 0.6
_GOOD_COVER = 0.45
"""Letters read to components found: less means that lines were lost."""
_GOOD_COVER_UNSPACED = 0.2
"""An ideograph is two or three components."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one attempt read."""

    words: tuple[TsvWord, ...]
    score: Score


@dataclass(frozen=True, slots=True)
class Recogniser:
    """Tesseract set to a language.

    Attributes:
        language: Tesseract code.
        judge: believes words or not.
        timeout_s: for each call.
        unspaced: script without spaces.
    """

    language: str
    judge: Judge
    timeout_s: float
    unspaced: bool

    @property
    def letter_px(self) -> float:
        """Letter height wanted in a strip."""
        return _LETTER_UNSPACED_PX if self.unspaced else _LETTER_PX

    def is_good(self, score: Score, expected_letters: int) -> bool:
        """Say whether a region needs no second try."""
        cover = _GOOD_COVER_UNSPACED if self.unspaced else _GOOD_COVER
        return score.share >= _GOOD_SHARE and score.total >= cover * expected_letters

    def once(self, grey: Grey, *, psm: int = PSM_COLUMN, sauvola: bool = False) -> Reading:
        """Recognise as it is. Errors as ``tesseract.recognise``."""
        words = recognise(grey, self.language, psm=psm, sauvola=sauvola, timeout_s=self.timeout_s)
        return Reading(tuple(words), self.judge.score(words))

    def read_strip(self, grey: Grey, expected_letters: int, tries: int = 4) -> Reading:
        """Recognise a level strip: even light and a local threshold, then other ways.

        The first try suffices on most pages; every other one is taken only if it raises the
        score. Where two tries see nothing at all, there is nothing.

        Args:
            grey: ``uint8`` ``[h, w]``, lines level, letters ``letter_px`` high.
            expected_letters: components that geometry found.
            tries: most ways tried, 1 to 4.
        """
        flat = flatten(grey, self.letter_px)
        attempts: tuple[Callable[[], Reading], ...] = (
            lambda: self.once(flat, sauvola=True),
            lambda: self.once(grey),
            lambda: self.once(_smooth(flat), sauvola=True),
            lambda: self.once(flat),
        )
        best = attempts[0]()
        for number, attempt in enumerate(attempts[1:tries], start=1):
            if self.is_good(best.score, expected_letters) or (number >= 2 and best.score.good == 0):
                break
            reading = attempt()
            if reading.score.value > best.score.value:
                best = reading
        return best


def _smooth(grey: Grey) -> Grey:
    """Take away sensor noise that a local threshold would turn into specks."""
    return cv2.GaussianBlur(cv2.medianBlur(grey, 3), (0, 0), 0.8).astype("uint8")
