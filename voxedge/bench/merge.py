"""What a second picture of the same page brings, also where the pictures lost parts of it.

python -m voxedge.bench.merge [FOLDER]      # pictures X_....jpg of one page beside X's truth

Every picture is merged with every other of its page, as they are, and with parts cut away from the
one, the other, or both, as if the page had lain half out of view. Printed for each way: CER and
recall of words (medians), how often the merged text is worse than the first picture's, and what
became of the numbers. No number may be certain and wrong.
"""

from __future__ import annotations

import itertools
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from voxedge.bench.ocr import find_truth, guess_language, score
from voxedge.compose import open_reader
from voxedge.document.figures import canonical, figures_in
from voxedge.document.merge import merge
from voxedge.document.model import Box, Document, Word
from voxedge.document.numbers import numbers_of
from voxedge.engines.ocr.images import load_frame
from voxedge.engines.ocr.languages import is_unspaced
from voxedge.errors import VoxedgeError

CUTS = (
    ("", ""),
    ("bottom", ""),
    ("right", ""),
    ("bottom", "top"),
    ("right", "left"),
    ("", "left"),
)
"""What is cut away from the first picture and from the second."""

_CUT_SHARE = 0.35
_NOISE = 0.0005
"""Of the CER: a comma more or less."""


@dataclass(frozen=True, slots=True)
class _Read:
    page: str
    document: Document
    truth: str
    unspaced: bool


def cut(document: Document, side: str) -> Document:
    """Return the document without the words on one side of the print."""
    words = [w for p in document.paragraphs for s in p.sentences for w in s.words]
    around = words[0].box
    for word in words:
        around = around.union(word.box)
    wide, high = round(_CUT_SHARE * around.width_px), round(_CUT_SHARE * around.height_px)
    keeps: dict[str, Callable[[Box], bool]] = {
        "left": lambda box: box.left > around.left + wide,
        "right": lambda box: box.right < around.right - wide,
        "top": lambda box: box.top > around.top + high,
        "bottom": lambda box: box.bottom < around.bottom - high,
    }
    return _only(document, lambda word: keeps[side](word.box)) if side else document


def _only(document: Document, keep: Callable[[Word], bool]) -> Document:
    sections = []
    for section in document.sections:
        paragraphs = []
        for paragraph in section.paragraphs:
            sentences = [
                replace(sentence, words=tuple(filter(keep, sentence.words)))
                for sentence in paragraph.sentences
            ]
            left = tuple(sentence for sentence in sentences if sentence.words)
            if left:
                paragraphs.append(replace(paragraph, sentences=left))
        if paragraphs:
            sections.append(replace(section, paragraphs=tuple(paragraphs)))
    return replace(document, sections=tuple(sections))


def _read_all(folder: Path) -> Iterator[_Read]:
    reader = open_reader()
    for path in sorted(folder.glob("*.jpg")):
        truth_file = find_truth(path)
        if truth_file is None:
            continue
        truth = truth_file.read_text(encoding="utf-8")
        language = guess_language(path, truth)
        try:
            document = reader.read(load_frame(path), language)
        except VoxedgeError as error:
            print(f"{path.name}: {type(error).__name__}", file=sys.stderr)
            continue
        print(f"read {path.name}", file=sys.stderr, flush=True)
        yield _Read(path.stem.split("_")[0], document, truth, is_unspaced(language))


def _numbers(document: Document, truth: str) -> Counter[str]:
    printed = {canonical(truth[f.start : f.end].strip()) for f in figures_in(truth)}
    printed |= {canonical(f.value) for f in figures_in(truth)}
    found: Counter[str] = Counter()
    for _, number in numbers_of(document):
        if not number.is_certain:
            found["doubtful"] += 1
        else:
            found["right" if canonical(number.text) in printed else "wrong"] += 1
    return found


def _print_way(way: tuple[str, str], reads: list[_Read]) -> None:
    cers: list[list[float]] = [[], [], []]
    recalls: list[list[float]] = [[], [], []]
    numbers: list[Counter[str]] = [Counter(), Counter(), Counter()]
    worse = pairs = filled = replaced = settled = doubted = 0
    for one, two in itertools.permutations(reads, 2):
        if one.page != two.page:
            continue
        first, second = cut(one.document, way[0]), cut(two.document, way[1])
        merged = merge(first, second)
        for at, document in enumerate((first, second, merged.document)):
            cer, _, recall, _ = score(document.text, one.truth, unspaced=one.unspaced)
            cers[at].append(cer)
            recalls[at].append(recall)
            numbers[at].update(_numbers(document, one.truth))
        worse += cers[2][-1] > cers[0][-1] + _NOISE
        pairs += 1
        filled, replaced = filled + merged.filled, replaced + merged.replaced
        settled, doubted = settled + merged.settled, doubted + merged.doubted
    if not pairs:
        return
    name = " / ".join(side or "whole" for side in way)
    medians = [
        " ".join(f"{statistics.median(column):.4f}" for column in figures)
        for figures in (cers, recalls)
    ]
    told = " ".join(f"{c['right']}+{c['doubtful']}?" for c in numbers)
    wrong = " ".join(str(c["wrong"]) for c in numbers)
    print(
        f"{name:<16} {medians[0]}   {medians[1]}   {worse:3d} of {pairs:<4d} "
        f"{filled:6d} {replaced:8d} {settled:7d} {doubted:7d}   {told}   {wrong}"
    )


def main() -> int:
    """Print the table."""
    shared = Path(__file__).resolve().parents[2].parent / "shared" / "leaflets"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else shared
    reads = list(_read_all(folder))
    print(
        "lost by 1st/2nd  CER 1st, 2nd, merged    recall 1st, 2nd, merged  worse        filled "
        "replaced settled doubted   certain+doubtful of 1st, 2nd, merged   certain and wrong"
    )
    for way in CUTS:
        _print_way(way, reads)
    return 0


if __name__ == "__main__":
    sys.exit(main())
