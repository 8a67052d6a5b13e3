"""Does levelling the lines of a page make it read better? Each region levelled, and only turned.

python -m voxedge.bench.rectify [FOLDER]      # pictures beside their truth

Printed for each picture: how far its lines bend (in letter heights), the recogniser's score both
ways, the CER both ways, and of the way that the score chooses. The recogniser's score knows no
truth: that it chooses well is what is measured.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import replace
from pathlib import Path

from voxedge.bench.ocr import find_truth, guess_language, score
from voxedge.engines.ocr.images import load_frame
from voxedge.engines.ocr.languages import is_unspaced
from voxedge.engines.ocr.reader import TesseractReader
from voxedge.engines.ocr.recogniser import Reading, Recogniser
from voxedge.engines.ocr.upright import View, find_upright, reads_better
from voxedge.vision.illumination import to_grey
from voxedge.vision.rectify import bend_letters, straightened


def _read(view: View, recogniser: Recogniser) -> list[Reading]:
    return [
        recogniser.read_strip(view.strip(number, recogniser.letter_px).grey, region.letters)
        for number, region in enumerate(view.regions)
    ]


def _cer(readings: list[Reading], truth: str, *, unspaced: bool) -> float:
    text = " ".join(word.text for reading in readings for word in reading.words)
    return score(text, truth, unspaced=unspaced)[0]


def main() -> int:
    """Print the table."""
    shared = Path(__file__).resolve().parents[2].parent / "shared" / "leaflets"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else shared
    reader = TesseractReader()
    print(
        f"{'picture':<24} {'bend':>5} {'score bent':>10} {'turned':>7} "
        f"{'CER bent':>8} {'turned':>7} {'chosen':>7}"
    )
    columns: list[tuple[float, float, float]] = []
    for path in sorted(folder.glob("*.jpg")):
        truth_file = find_truth(path)
        if truth_file is None:
            continue
        truth = truth_file.read_text(encoding="utf-8")
        language = guess_language(path, truth)
        unspaced = is_unspaced(language)
        recogniser = Recogniser(language, reader.judge(language), 120.0, unspaced)
        upright = find_upright(to_grey(load_frame(path).pixels), recogniser)
        if upright is None:
            print(f"{path.name[:24]:<24} no text that is sure enough")
            continue
        view, _ = upright
        bent = _read(view, recogniser)
        turned = _read(replace(view, regions=tuple(map(straightened, view.regions))), recogniser)
        chosen = [
            two if reads_better(two.score, one.score) else one
            for one, two in zip(bent, turned, strict=True)
        ]
        values = [sum(r.score.value for r in readings) for readings in (bent, turned)]
        cers = [_cer(readings, truth, unspaced=unspaced) for readings in (bent, turned, chosen)]
        columns.append((cers[0], cers[1], cers[2]))
        widest = max(map(bend_letters, view.regions))
        print(
            f"{path.name[:24]:<24} {widest:5.2f} {values[0]:10.0f} {values[1]:7.0f} "
            f"{cers[0]:8.4f} {cers[1]:7.4f} {cers[2]:7.4f}",
            flush=True,
        )
    if columns:
        medians = [statistics.median(column) for column in zip(*columns, strict=True)]
        print(f"{'median':<24} {'':>24} {medians[0]:8.4f} {medians[1]:7.4f} {medians[2]:7.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
