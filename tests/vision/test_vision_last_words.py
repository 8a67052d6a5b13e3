"""A paragraph's last word, alone on its line, is print and no white space."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from voxedge.vision.regions import plan
from voxedge.vision.textlines import find_lines

LINE_PX = 44


def page(lines: list[str]) -> np.ndarray:
    picture = Image.new("L", (900, 60 + LINE_PX * len(lines)), 240)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=28)
    for number, line in enumerate(lines):
        draw.text((40, 30 + LINE_PX * number), line, fill=20, font=font)
    return np.asarray(picture)


LONG = "Swallow the tablet with a glass of cold water"


@pytest.mark.parametrize("word", ["for", "mg.", "8", "day"])
def test_a_last_word_is_a_line(word: str) -> None:
    rows = [LONG] * 6 + [word] + [LONG] * 6
    found = find_lines(page(rows))
    assert len(found.lines) == 13


def test_dust_below_a_line_is_none() -> None:
    picture = page([LONG, "", LONG]).copy()
    picture[30 + LINE_PX + 8 : 30 + LINE_PX + 14, 44:50] = 20
    assert len(find_lines(picture).lines) == 2


@pytest.mark.parametrize("at", range(5, 13))
def test_no_page_is_cut_through_a_last_word(at: int) -> None:
    rows = [LONG] * at + ["for"] + [LONG] * (20 - at)
    regions = plan(find_lines(page(rows)))
    edges = [region.bottom for region in regions[:-1]]
    top = 30 + LINE_PX * at
    assert edges, "the page is long enough to be cut"
    assert not any(top + 4 < edge < top + 34 for edge in edges)
