"""Is a wrong number ever spoken as certain? Counted over pages with truth.

Every number of the reading text (value, decimal mark and unit, as ``voxedge.document.figures``
finds them) is laid beside the truth: its sentence is aligned with the page's true text by fewest
edits, and the number is right where the truth has the same number in the same place. A number
whose place the truth does not have (junk, a garbled sentence) counts as wrong. "Withheld" is a
number the reader calls doubtful. Numbers that begin a paragraph and count its parts ("3.") are
left out, as in speech.

Pictures come from folders of photographs with truth, and from pages full of numbers set and
photographed here from a seed, under cameras bad enough that wrong numbers really happen. Those
called "aside" have other texts and other cameras: no rule was made by looking at them.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import resource
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from voxedge.bench.ocr import default_paths, find_truth, guess_language, pictures_in
from voxedge.document.figures import Figure, NumberKind, canonical, figures_in, folded
from voxedge.document.numbers import NumberReading, numbers_in
from voxedge.engines.ocr.images import load_frame
from voxedge.engines.ocr.reader import TesseractReader
from voxedge.errors import ReaderMissing, UsageError, VoxedgeError
from voxedge.flow import Frame

if TYPE_CHECKING:
    from voxedge.document.model import Document, Sentence
    from voxedge.engines.ocr.number_check import NumberCheck

_MIN_ALIKE = 55.0
"""Likeness in percent below which a sentence is not on the page."""
_MARGIN_CHARS = 14
_MIN_CONTEXT_CHARS = 8
_MARKER = re.compile(r"\(?\d{1,2}(?:\.\d{1,2})*[.)]?\s")

CAMERAS: dict[str, dict[str, float | int]] = {
    "soft": {"blur_px": 1.6, "noise": 6.0, "width_px": 1400, "height_px": 1900},
    "small": {"blur_px": 0.8, "noise": 5.0, "width_px": 1000, "height_px": 1380},
    "tiny": {"blur_px": 0.6, "noise": 4.0, "width_px": 820, "height_px": 1130},
    "shake": {"blur_px": 0.9, "noise": 7.0, "motion_px": 6, "exposure": 0.7},
    "dark": {"blur_px": 1.0, "noise": 14.0, "exposure": 0.45, "shadow": 0.5},
}
"""Cameras of the pages made here; A4 pages of 34 lines fill the picture."""
CARE_CAMERAS: dict[str, dict[str, float | int | str]] = {
    "glare": {"blur_px": 1.1, "noise": 7.0, "glare": 0.5, "tilt_deg": -4.0, "table": "cloth"},
    "dusk": {"blur_px": 1.2, "noise": 10.0, "exposure": 0.55, "lamp": 0.55, "curl": 0.012},
    "far": {"blur_px": 0.7, "noise": 6.0, "width_px": 900, "height_px": 1240, "perspective": 0.04},
    "jolt": {"blur_px": 0.7, "noise": 5.0, "motion_px": 7, "tilt_deg": 3.0, "table": "dark"},
    "mist": {"blur_px": 1.8, "noise": 5.0, "width_px": 1500, "height_px": 2000, "shadow": 0.35},
}
"""Cameras of the pages kept aside: rules and thresholds were never chosen on them."""
LETTER_CAMERAS: dict[str, dict[str, float | int | str]] = {
    "shine": {"blur_px": 0.9, "noise": 6.0, "glare": 0.75, "exposure": 0.85, "tilt_deg": 2.0},
    "window": {"blur_px": 1.0, "noise": 8.0, "glare": 0.45, "shadow": 0.4, "curl": 0.01},
    "evening": {"blur_px": 1.1, "noise": 11.0, "exposure": 0.5, "lamp": 0.4, "table": "cloth"},
    "gloss": {"blur_px": 1.4, "noise": 4.0, "glare": 1.0, "width_px": 1500, "height_px": 2050},
    "swing": {"blur_px": 0.6, "noise": 5.0, "motion_px": 6, "exposure": 0.8, "tilt_deg": -5.0},
}
"""Cameras of the second set kept aside; three of five have a shine."""


@dataclass(frozen=True, slots=True)
class Case:
    """A number that was judged wrongly: for people who want to know why."""

    picture: str
    read: str
    truth: str
    readings: tuple[str, ...]


@dataclass(slots=True)
class Count:
    """Numbers of a group of pictures.

    Attributes:
        numbers: read in all.
        wrong: not what is printed.
        wrong_certain: of those, called certain: must be none.
        right_withheld: what is printed, and called doubtful all the same.
        doses: dose phrases in the truth.
        doses_read: of those, exactly in the reading text.
        cpu_s: processor time of the whole reading, without the check.
        check_cpu_s: processor time of the check.
    """

    numbers: int = 0
    wrong: int = 0
    wrong_certain: int = 0
    right_withheld: int = 0
    doses: int = 0
    doses_read: int = 0
    cpu_s: float = 0.0
    check_cpu_s: float = 0.0
    cases: list[Case] = field(default_factory=list)

    def add(self, other: Count) -> None:
        """Add another count to this one."""
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))

    @property
    def certain(self) -> int:
        """Numbers called certain."""
        return self.numbers - self.wrong - self.right_withheld + self.wrong_certain

    @property
    def wrong_share_at_most(self) -> float:
        """Upper end of the one-sided 95 % interval of the wrong share of certain numbers.

        By Poisson's law; with none wrong it is the rule of three, 3 / ``certain``.
        """
        return _poisson_upper(self.wrong_certain) / self.certain if self.certain else 1.0

    @property
    def caught(self) -> float:
        """Share of the wrong numbers that were withheld."""
        return 1.0 - self.wrong_certain / self.wrong if self.wrong else 1.0

    @property
    def false_alarms(self) -> float:
        """Share of the right numbers that were withheld."""
        right = self.numbers - self.wrong
        return self.right_withheld / right if right else 0.0

    @property
    def cost(self) -> float:
        """Time of the check over the time of the rest."""
        return self.check_cpu_s / self.cpu_s if self.cpu_s else 0.0


def judge(document: Document, truth: str, picture: str = "") -> Count:
    """Count the numbers of one page against its true text."""
    printed = " ".join(truth.split())
    count = Count()
    for paragraph in document.paragraphs:
        for place, sentence in enumerate(paragraph.sentences):
            for number in numbers_in(sentence):
                if place == 0 and _is_marker(sentence.text, number):
                    continue
                true = _true_number(sentence, number, printed)
                is_right = true is not None and canonical(true) == canonical(number.text)
                count.numbers += 1
                count.wrong += not is_right
                count.wrong_certain += number.is_certain and not is_right
                count.right_withheld += is_right and not number.is_certain
                if is_right != number.is_certain:
                    case = Case(picture, number.text, true or "", number.readings)
                    count.cases.append(case)
    wanted = [f for f in figures_in(printed) if f.kind is NumberKind.DOSE]
    read = [canonical(document.text[f.start : f.end]) for f in figures_in(document.text)]
    for figure in wanted:
        phrase = canonical(printed[figure.start : figure.end])
        count.doses += 1
        if phrase in read:
            read.remove(phrase)
            count.doses_read += 1
    return count


def _is_marker(text: str, number: NumberReading) -> bool:
    return number.start <= 1 and not number.unit and _MARKER.match(text) is not None


def _true_number(sentence: Sentence, number: NumberReading, printed: str) -> str | None:
    """Return the number that the truth has in this place, "" for none; None where no place is."""
    from rapidfuzz import fuzz
    from rapidfuzz.distance import Levenshtein

    text = sentence.text
    found = fuzz.partial_ratio_alignment(_levelled(text), _levelled(printed))
    if len(text) > len(printed) or found is None or found.score < _MIN_ALIKE:
        return number.text if _stands_verbatim(text, number, printed) else None
    start, stop = max(0, found.dest_start - _MARGIN_CHARS), found.dest_end + _MARGIN_CHARS
    # A window that ends inside a word would make "9 hours" of the truth "9 hour".
    while stop < len(printed) and not printed[stop].isspace():
        stop += 1
    window = printed[start:stop]
    places: dict[int, int] = {}
    for edit in Levenshtein.opcodes(_levelled(text), _levelled(window)):
        if edit.tag in ("equal", "replace"):
            places.update(
                zip(
                    range(edit.src_start, edit.src_end),
                    range(edit.dest_start, edit.dest_end),
                    strict=True,
                )
            )
    here = [
        places[at]
        for at in range(number.start, number.end)
        if at in places and not text[at].isspace()
    ]

    def common(figure: Figure) -> int:
        return sum(figure.start <= at < figure.end for at in here)

    best = max(figures_in(window), key=common, default=None)
    true = window[best.start : best.end] if best is not None and common(best) else ""
    if canonical(true) == canonical(number.text) or not _stands_verbatim(text, number, printed):
        return true
    return number.text


def _stands_verbatim(text: str, number: NumberReading, printed: str) -> bool:
    """Say whether the truth has the number between the same two words on both sides.

    Columns read in the wrong order tear sentences apart; their numbers are right all the same.
    """
    before = re.search(r"(?:\S+\s+){0,2}\S*$", text[: number.start])
    after = re.match(r"\S*(?:\s+\S+){0,2}", text[number.end :])
    start = before.start() if before else number.start
    stop = number.end + (after.end() if after else 0)
    context = text[start:stop].strip()
    if len(context) - (number.end - number.start) >= _MIN_CONTEXT_CHARS and _levelled(
        context
    ) in _levelled(printed):
        return True
    return _always_follows(text[start : number.start], number.text, printed)


def _always_follows(before: str, number: str, printed: str) -> bool:
    """Say whether the truth has what stands before the number only before this very number."""
    letters = _levelled("".join(before.split()))
    if len(letters) < _MIN_CONTEXT_CHARS:
        return False
    ends = [
        at.end()
        for at in re.finditer(r"\s*".join(map(re.escape, letters)) + r"\s*", _levelled(printed))
    ]
    behind = {f.start: canonical(printed[f.start : f.end]) for f in figures_in(printed)}
    return bool(ends) and all(behind.get(end) == canonical(number) for end in ends)


def _levelled(text: str) -> str:
    small = (mark.lower() for mark in folded(text))
    return "".join(mark if len(mark) == 1 else "?" for mark in small)


def dose_pages(seeds: Sequence[int]) -> Iterator[tuple[str, str, Frame]]:
    """Yield group, truth and photograph of leaflets full of numbers, each under two cameras."""
    from voxedge.testing.dose_pages import dose_page

    for seed in seeds:
        yield from _made("made", dose_page(seed), CAMERAS, seed)


def care_pages(seeds: Sequence[int]) -> Iterator[tuple[str, str, Frame]]:
    """Yield what ``dose_pages`` does, of other texts and other cameras: the set kept aside."""
    from voxedge.testing.dose_pages import care_page

    for seed in seeds:
        yield from _made("aside", care_page(seed), CARE_CAMERAS, seed)


def letter_pages(seeds: Sequence[int]) -> Iterator[tuple[str, str, Frame]]:
    """Yield the second set kept aside: again other texts and other cameras."""
    from voxedge.testing.dose_pages import letter_page

    for seed in seeds:
        yield from _made("letter", letter_page(seed), LETTER_CAMERAS, seed)


def _made(
    group: str, markup: str, cameras: Mapping[str, Mapping[str, object]], seed: int
) -> Iterator[tuple[str, str, Frame]]:
    from voxedge.testing.photo import CameraModel, photograph
    from voxedge.testing.typeset import FAMILIES, PageStyle, TextDoesNotFitError, plain_text, render

    names = list(cameras)
    for turn in range(2):
        name = names[(seed + 2 * turn) % len(names)]
        for size_px in range(36, 20, -1):
            family = FAMILIES[(seed + turn) % len(FAMILIES)]
            style = PageStyle(family=family, size_px=size_px, width_px=1500, height_px=2050)
            try:
                page = render(markup, style)
            except TextDoesNotFitError:
                continue
            camera = CameraModel(**cameras[name])  # type: ignore[arg-type]
            pixels = photograph(page, camera, 10 * seed + turn)
            yield f"{group} {name}", plain_text(markup), Frame(pixels, source=f"seed {seed}")
            break


def photographs(paths: Sequence[Path]) -> Iterator[tuple[str, str, Frame]]:
    """Yield group, truth and picture of every photograph that has a truth file."""
    for picture in pictures_in(paths):
        truth = find_truth(picture)
        if truth is not None:
            level = re.search(r"_(L\d)(?:_|$)", picture.stem)
            group = f"{picture.parent.name} {level[1]}" if level else picture.parent.name
            yield group, truth.read_text(encoding="utf-8"), load_frame(picture)


def run(
    sources: Iterable[Iterable[tuple[str, str, Frame]]], check: NumberCheck
) -> tuple[dict[str, Count], int]:
    """Read and judge everything; return the counts by group, and how many pictures gave nothing.

    Args:
        sources: of group, truth and picture.
        check: asks the second reader.

    Raises:
        UsageError: there is nothing to read.
    """
    reader = TesseractReader(numbers=check)
    groups: dict[str, Count] = {}
    unread = 0
    for source in sources:
        for group, truth, frame in source:
            cpu_s, check_s = _cpu_s(), check.check_cpu_s
            language = guess_language(Path(frame.source), truth)
            try:
                document = reader.read(frame, language)
            except VoxedgeError:
                unread += 1
                continue
            count = judge(document, truth, Path(frame.source).name)
            count.check_cpu_s = check.check_cpu_s - check_s
            count.cpu_s = _cpu_s() - cpu_s - count.check_cpu_s
            groups.setdefault(group, Count()).add(count)
    if not groups:
        raise UsageError(reason="No pictures with a truth file (X.gt.txt or X.txt) were found.")
    return groups, unread


def report(groups: dict[str, Count], unread: int, *, cases: bool = False) -> str:
    """Return the table for people."""
    total = Count()
    for count in groups.values():
        total.add(count)
    head = (
        f"{'pictures':<16} {'numbers':>7} {'wrong':>6} {'certain':>8} {'wrong certain':>13} "
        f"{'caught':>7} {'right withheld':>14} {'share':>6} {'doses read':>12} {'check/rest':>10}"
    )
    lines = [head]
    for name, count in [*sorted(groups.items()), ("all", total)]:
        lines.append(
            f"{name:<16} {count.numbers:7} {count.wrong:6} {count.certain:8} "
            f"{count.wrong_certain:13} {count.caught:7.3f} {count.right_withheld:14} "
            f"{count.false_alarms:6.3f} "
            f"{f'{count.doses_read}/{count.doses}':>12} {count.cost:10.2f}"
        )
    lines += [
        f"Of {total.certain} numbers called certain {total.wrong_certain} are wrong: "
        f"at most {total.wrong_share_at_most:.2%} (one-sided 95 % interval).",
        f"{unread} pictures gave no text.",
    ]
    if cases:
        lines += [
            f"{c.picture}: read {c.read!r}, printed {c.truth!r}, readings {list(c.readings)}"
            for c in total.cases
        ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench-ocr numbers", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, metavar="DIR|IMAGE")
    parser.add_argument("--pages", type=int, default=10, help="leaflets full of numbers made here")
    parser.add_argument("--aside", type=int, default=10, help="care plans of the set kept aside")
    parser.add_argument("--letters", type=int, default=0, help="letters of the second such set")
    parser.add_argument("--seed", type=int, default=500, help="of the first page of each")
    parser.add_argument("--made-only", action="store_true", help="no photographs")
    parser.add_argument("--cases", action="store_true", help="list what was judged wrongly")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    from voxedge.compose import open_number_check

    try:
        check = open_number_check()
        if check is None:
            raise ReaderMissing(reader="second reader")
        first = options.seed
        sources = [
            dose_pages(range(first, first + options.pages)),
            care_pages(range(first, first + options.aside)),
            letter_pages(range(first, first + options.letters)),
        ]
        if not options.made_only:
            sources.insert(0, photographs(options.paths or default_paths()))
        groups, unread = run(sources, check)
    except VoxedgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if options.json:
        data = {name: asdict(count) for name, count in groups.items()}
        print(json.dumps({"groups": data, "unread": unread}, ensure_ascii=False, indent=2))
    else:
        print(report(groups, unread, cases=options.cases))
    return 0


def _poisson_upper(count: int, doubt: float = 0.05) -> float:
    """Return the mean of Poisson's law from which so few come with a chance of ``doubt`` only."""
    low, high = 0.0, 10.0 + 3.0 * count
    for _ in range(60):
        mean = (low + high) / 2
        chance = sum(
            math.exp(-mean + n * math.log(mean) - math.lgamma(n + 1)) for n in range(count + 1)
        )
        low, high = (mean, high) if chance > doubt else (low, mean)
    return high


def _cpu_s() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    raise SystemExit(main())
