"""What the second reader gets to see of a number: no wider than it needs.

Its network's time is the width of what it reads, and letters set for the height of its strip are
wider than it needs: see ``docs/developers/reading.md``, "Numbers", for what was measured.
"""

from __future__ import annotations

from voxedge.engines.ocr.line_reader import NETWORK_HEIGHT_PX, Crop, of_network_height
from voxedge.engines.ocr.spans import Span
from voxedge.vision.illumination import Grey

PITCH_PX = 12.0
"""Width of a character that is kept. At 10 doubled figures begin to fall into one ("1,00" for
"1,800"); then the readers differ, and a right number is withheld."""
NARROWEST = 0.5
"""Of the width that it has: an outline of a letter has to stay one."""
_ENDS = 2
"""Characters' worth of paper at the ends."""
_IDEOGRAPHS = 0x2E80
"""From here on scripts fill their squares: ideographs, kana and hangul need their width."""


def number_crop(picture: Grey, span: Span) -> Crop:
    """Cut a span out for the second reader.

    Args:
        picture: ``uint8`` ``[h, w]``, what the words were recognised in.
        span: words and what is cut out with them.

    Returns:
        ``uint8`` ``[h, w]``; narrowed, and then of the network's own height, where all words are
        of a narrow script.
    """
    crop = picture[span.top : span.bottom, span.left : span.right]
    text = " ".join(word.text for word in span.words)
    if crop.size == 0 or any(ord(mark) >= _IDEOGRAPHS for mark in text):
        return crop
    full = crop.shape[1] * NETWORK_HEIGHT_PX / crop.shape[0]
    wanted = min(full, max(NARROWEST * full, PITCH_PX * (len(text) + _ENDS)))
    return of_network_height(crop, max(1, round(wanted)))
