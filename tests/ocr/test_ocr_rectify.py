"""Perspective and curl are taken away only where the page reads better for it."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voxedge.engines.ocr.images import load_frame
from voxedge.engines.ocr.reader import TesseractReader
from voxedge.engines.ocr.recogniser import Reading, Recogniser
from voxedge.engines.ocr.score import Score
from voxedge.engines.ocr.upright import View, find_upright, reads_better
from voxedge.vision.illumination import to_grey
from voxedge.vision.rectify import Region, bend_letters, fit_bend, straightened
from voxedge.vision.textlines import TextLine

LEAFLET = Path(__file__).resolve().parents[2] / "voxedge" / "testing" / "data" / "leaflet.jpg"


def region(rise_px: float) -> Region:
    """Ten lines of print that rise towards the right in a curve."""
    lines = []
    for row in range(10):
        x = np.arange(0, 600, 15.0)
        y = 40.0 * row + rise_px * (x / 600) ** 2
        lines.append(TextLine(np.stack([x, y, x + 10, y + 12], axis=1)))
    bend = fit_bend(lines)
    return Region(tuple(lines), 0, bend, 0.0, 0.0, 610.0, 420.0, 12.0)


def test_a_bend_is_measured_in_letters_and_can_be_left_out() -> None:
    assert bend_letters(region(0.0)) < 0.05
    assert bend_letters(region(24.0)) == pytest.approx(2.0, abs=0.5)
    assert bend_letters(straightened(region(24.0))) == 0.0


@dataclass
class FakeRecogniser:
    """Reads strip after strip as it is told."""

    scores: list[Score]
    letter_px: float = 24.0
    read: list[Any] = field(default_factory=list)

    def is_good(self, score: Score, expected_letters: int) -> bool:
        return score.share >= 0.6 and score.total >= 0.45 * expected_letters

    def read_strip(self, grey: Any, expected_letters: int) -> Reading:
        self.read.append(grey)
        return Reading((), self.scores[len(self.read) - 1])


POOR, BETTER, GOOD, HARDLY = Score(100, 300), Score(170, 300), Score(300, 330), Score(40, 50)


@pytest.mark.parametrize(
    ("rise_px", "scores", "expected"),
    [
        (24.0, [GOOD], GOOD),
        (24.0, [POOR, BETTER], BETTER),
        (24.0, [BETTER, POOR], BETTER),
        (24.0, [POOR, HARDLY], POOR),
        (1.0, [POOR], POOR),
    ],
)
def test_a_region_that_reads_badly_is_read_as_it_lies_too(
    rise_px: float, scores: list[Score], expected: Score
) -> None:
    recogniser: Any = FakeRecogniser(scores)
    view = View(np.full((440, 640), 200, np.uint8), 0, 1.0, 0.0, (region(rise_px),))
    assert view.read_region(0, recogniser).score == expected
    assert len(recogniser.read) == len(scores), "nothing is read twice without need"


def test_little_junk_is_no_merit_where_little_is_read() -> None:
    assert not reads_better(Score(47, 154), Score(265, 908))
    assert reads_better(Score(265, 300), Score(265, 908))


def test_a_bend_that_was_misjudged_costs_no_text() -> None:
    reader = TesseractReader()
    recogniser = Recogniser("eng", reader.judge("eng"), 60.0, unspaced=False)
    found = find_upright(to_grey(load_frame(LEAFLET).pixels), recogniser)
    assert found is not None
    view, _ = found
    right = view.regions[0]
    wrong = replace(right.bend, coefficients=np.array([150.0, 0.0, 90.0, 0.0, 0.0, 0.0]))
    view = replace(view, regions=(replace(right, bend=wrong),), known={})
    text = " ".join(word.text for word in view.read_region(0, recogniser).words)
    assert "Paracetamol" in text
