"""Lines that nobody can believe, looked at again one by one.

A fold or the edge of a shadow makes tesseract's page layout cut a short line in half, and what is
left of it is read as another word ("for" as "swe"). Alone, with nothing above or below it, the
same line is read well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from voxedge.engines.ocr.assemble import visual_lines
from voxedge.engines.ocr.recogniser import Recogniser
from voxedge.engines.ocr.tesseract import PSM_LINE, TsvWord
from voxedge.vision.illumination import Grey

_BELIEVED = 0.7
"""Share of a line's letters in believable words from which it is left alone."""
_MOST_LINES = 4
"""Looked at in one region; each costs a start of tesseract, 0.1 s. A region with more such lines
is badly lit, which other ways of reading the whole of it must cure."""
_MARGIN_PX = 10


def second_look(
    words: Sequence[TsvWord], grey: Grey, recogniser: Recogniser
) -> tuple[TsvWord, ...]:
    """Read doubtful lines again, alone; take what is more believable.

    Args:
        words: of one level picture of one column.
        grey: ``uint8`` ``[h, w]``, that picture.
        recogniser: what read it.

    Returns:
        The words, line by line; those of lines in no doubt are unchanged. Errors as
        ``tesseract.recognise``.
    """
    rows = visual_lines(words)
    doubtful = [n for n, row in enumerate(rows) if _is_doubtful(row, recogniser)]
    if not 0 < len(doubtful) <= _MOST_LINES:
        return tuple(words)
    for number in doubtful:
        top = max((w.bottom for w in rows[number - 1]), default=0) if number else 0
        below = rows[number + 1] if number + 1 < len(rows) else []
        bottom = min((w.top for w in below), default=grey.shape[0])
        again = _read_alone(grey, top, bottom, rows[number][0].line, recogniser)
        judge = recogniser.judge
        if judge.score(again).value > judge.score(rows[number]).value:
            rows[number] = again
    return tuple(word for row in rows for word in row)


def _is_doubtful(row: Sequence[TsvWord], recogniser: Recogniser) -> bool:
    score = recogniser.judge.score(row)
    return score.total >= 2 and score.share < _BELIEVED


def _read_alone(
    grey: Grey, top: int, bottom: int, line: tuple[int, int, int], recogniser: Recogniser
) -> list[TsvWord]:
    """Read what stands between two neighbours, with paper around it."""
    if not recogniser.letter_px / 2 <= bottom - top <= 4 * recogniser.letter_px:
        return []
    band = grey[top:bottom]
    paper = int(np.percentile(band, 90))
    framed = np.pad(band, _MARGIN_PX, constant_values=paper)
    return [
        replace(
            word,
            left=max(0, word.left - _MARGIN_PX),
            right=word.right - _MARGIN_PX,
            top=max(0, word.top - _MARGIN_PX) + top,
            bottom=word.bottom - _MARGIN_PX + top,
            line=line,
        )
        for word in recogniser.once(framed, psm=PSM_LINE).words
    ]
