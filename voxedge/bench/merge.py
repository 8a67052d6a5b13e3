"""What a second picture of the same page brings: CER of each picture alone, and merged.

python -m voxedge.bench.merge [FOLDER]      # pairs X_A.jpg and X_B.jpg beside X's truth
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from voxedge.bench.ocr import find_truth, guess_language, score
from voxedge.compose import open_reader
from voxedge.document.merge import merge
from voxedge.document.numbers import numbers_of
from voxedge.engines.ocr.images import load_frame
from voxedge.engines.ocr.languages import is_unspaced


def main() -> int:
    """Print the table."""
    shared = Path(__file__).resolve().parents[2].parent / "shared" / "leaflets"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else shared
    reader = open_reader()
    print(
        f"{'page':<12} {'CER A':>7} {'CER B':>7} {'merged':>7} {'filled':>6} {'replaced':>8} "
        f"{'doubted':>7} {'settled':>7} {'doubtful A/B/merged':>20}"
    )
    columns: list[tuple[float, float, float]] = []
    for one in sorted(folder.glob("*_A.jpg")):
        two = one.with_name(one.name.replace("_A.jpg", "_B.jpg"))
        truth_file = find_truth(one)
        if not two.exists() or truth_file is None:
            continue
        truth = truth_file.read_text(encoding="utf-8")
        language = guess_language(one, truth)
        first, second = (reader.read(load_frame(path), language) for path in (one, two))
        merged = merge(first, second)
        documents = (first, second, merged.document)
        a, b, both = (score(d.text, truth, unspaced=is_unspaced(language))[0] for d in documents)
        columns.append((a, b, both))
        doubtful = "/".join(
            str(sum(not number.is_certain for _, number in numbers_of(d))) for d in documents
        )
        print(
            f"{one.stem[:-2]:<12} {a:7.4f} {b:7.4f} {both:7.4f} {merged.filled:6d} "
            f"{merged.replaced:8d} {merged.doubted:7d} {merged.settled:7d} {doubtful:>20}"
        )
    if columns:
        a, b, both = (statistics.median(column) for column in zip(*columns, strict=True))
        print(f"{'median':<12} {a:7.4f} {b:7.4f} {both:7.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
