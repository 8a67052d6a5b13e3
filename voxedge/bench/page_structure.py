"""Was the page read in the right order, and were its headings found? Against the true text.

**Reading order.** Every paragraph of the truth (a line of its file) is looked for in what was read,
by fewest edits; those found have a place there. Kendall's tau over all pairs of places is 1 where
the order is the printed one, 0 at random, -1 backwards (Kendall, A new measure of rank correlation,
Biometrika 30, 1938). Paragraphs that stand twice on the page (a heading and its line in the list of
contents), or hold fewer than 12 letters (4 ideographs), have no one place and are left out; the
share of the others that was found stands beside tau.

**Headings.** True headings are the lines of ``X.headings.txt`` beside the truth where there is one,
else the lines of the truth that leaflets have by law: numbered ones of the European template
outside the list of contents, titles of Drug Facts, Chinese titles in brackets. One is found where
the document has a heading so worded (at most one letter in four wrong, or a Chinese title known for
what it is though one ideograph was misread) and what follows it follows it in the truth. A heading
of the document that is like no line of the truth is a false one.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxedge.document.headings import chinese_title

if TYPE_CHECKING:
    from voxedge.document.model import Document

_MIN_FOUND = 70.0
_TWICE = 85.0
_HEADING = 75.0
_FOLLOWS = 50.0
_FOLLOWING_CHARS = 24
_DRUG_FACTS = {
    "drug facts", "active ingredient", "active ingredients", "purpose", "uses", "warnings",
    "directions", "other information", "inactive ingredients", "questions or comments?",
    "questions?",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """How the order was kept.

    Attributes:
        tau: Kendall's; None where fewer than three paragraphs were found.
        found: paragraphs found, and how many there are to find.
    """

    tau: float | None
    found: int
    total: int


@dataclass(frozen=True, slots=True)
class Headings:
    """How many headings were found, of how many, and how many were none."""

    found: int
    total: int
    false: int
    missed: tuple[str, ...] = ()


def order_of(read: str, truth: str, *, unspaced: bool) -> Order:
    """Compare the order of the truth's paragraphs with that in the text read."""
    from rapidfuzz import fuzz

    text = _levelled(read)
    least = 4 if unspaced else 12
    paragraphs = [_levelled(line) for line in truth.splitlines()]
    paragraphs = [p for p in paragraphs if len(p) >= least]
    once = [
        p
        for number, p in enumerate(paragraphs)
        if not any(
            fuzz.partial_ratio(p, other) >= _TWICE
            for place, other in enumerate(paragraphs)
            if place != number and len(other) >= len(p)
        )
    ]
    places = []
    for paragraph in once:
        found = fuzz.partial_ratio_alignment(paragraph, text) if text else None
        if found is not None and found.score >= _MIN_FOUND and len(paragraph) <= len(text):
            places.append(found.dest_start)
    pairs = list(itertools.combinations(places, 2))
    tau = None
    if len(places) >= 3:
        tau = sum((a < b) - (a > b) for a, b in pairs) / len(pairs)
    return Order(tau, len(places), len(once))


def true_headings(truth: str, listed: str | None = None) -> list[tuple[str, str]]:
    """Return each true heading with what follows it.

    Args:
        truth: the page's text, one line a paragraph.
        listed: the headings, one a line, where they are written down.
    """
    lines = [line.strip() for line in truth.splitlines() if line.strip()]
    wanted = None if listed is None else {line.strip() for line in listed.splitlines()}
    headings = []
    for at, line in enumerate(lines):
        following = lines[at + 1] if at + 1 < len(lines) else ""
        title = re.match(r"【[^】]+】", line)
        if title:
            headings.append((title[0], line[title.end() :] or following))
        elif (line in wanted if wanted is not None else _is_lawful(line)) and (
            # The line of the list of contents comes first; the heading is the last one.
            line not in lines[at + 1 :]
        ):
            headings.append((line, following))
    return headings


def _is_lawful(line: str) -> bool:
    numbered = re.match(r"[1-6]\.\s\w", line) is not None
    return numbered or re.sub(r"\s*\(.*\)$", "", line).lower() in _DRUG_FACTS


def headings_of(document: Document, truth: str, listed: str | None = None) -> Headings:
    """Compare the document's headings with the true ones."""
    from rapidfuzz import fuzz

    wanted = true_headings(truth, listed)
    lines = [_levelled(line) for line in truth.splitlines()]
    lines += [_levelled(title) for title, _ in wanted]
    read: list[tuple[str, str, str]] = []
    texts = [
        (
            section.heading,
            " ".join(p.text for p in section.paragraphs[section.heading is not None :]),
        )
        for section in document.sections
    ]
    for number, (heading, text) in enumerate(texts):
        if heading is not None:
            rest = " ".join(f"{h or ''} {t}" for h, t in texts[number + 1 : number + 4])
            follows = _levelled(f"{text} {rest}")[: 3 * _FOLLOWING_CHARS]
            read.append((heading, _levelled(heading), follows))
    missed = []
    for title, following in wanted:
        start = _levelled(following)[:_FOLLOWING_CHARS]
        if not any(
            _is_same(title, printed, heading)
            and (not start or fuzz.partial_ratio(start, text) >= _FOLLOWS)
            for printed, heading, text in read
        ):
            missed.append(title)
    false = sum(
        not any(
            fuzz.ratio(heading, line) >= _HEADING
            # A title of several lines may come as several headings.
            or (
                len(heading) <= len(line) <= 6 * _FOLLOWING_CHARS
                and fuzz.partial_ratio(heading, line) >= _HEADING
            )
            for line in lines
            if line
        )
        for _, heading, _ in read
        if heading
    )
    return Headings(len(wanted) - len(missed), len(wanted), false, tuple(missed))


def _is_same(title: str, printed: str, heading: str) -> bool:
    """Say whether a heading is the true one, or a Chinese title that was known for it."""
    from rapidfuzz import fuzz

    known = chinese_title("".join(printed.split()))
    return (known is not None and f"【{known[0]}】" == title) or (
        fuzz.ratio(_levelled(title), heading) >= _HEADING
    )


def _levelled(text: str) -> str:
    """Return letters, figures and single spaces, small; ideographs without spaces."""
    folded = unicodedata.normalize("NFKC", text).lower()
    words: Sequence[str] = re.findall(r"[^\W_]+", folded)
    joined = " ".join(words)
    return re.sub(r"(?<=[\u3400-\u9fff]) | (?=[\u3400-\u9fff])", "", joined)
