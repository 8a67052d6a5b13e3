"""What each printed line is: heading, list item, footnote, running text, or nothing to read."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from voxedge.document.headings import (
    Known,
    chinese_title,
    known_heading,
    printed_number,
    title_edges,
)
from voxedge.document.lines import BULLET, PrintedLine
from voxedge.document.model import Box, Role, Word

_HEADING_MAX_CHARS = 90
_BIG = 1.4
"""Letter height of a headline, in body letter heights. Lines of figures or capitals reach 1.3."""
_RATHER_BIG = 1.15
_RATHER_BOLD = 1.15
"""Both together make a headline too."""
_BOLD = 1.22
"""Stroke of bold print, in strokes of the body print: 1.4 to 1.6 in most families, less what
blur takes."""
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")
_OTHER_SIZE = 0.25
_FULL = 3.0
"""A line that ends so near to the column's side is a full one, in letter heights."""
_UNFINISHED = ".,;。，、；"
_APART = 0.35
"""White above a heading beyond the usual one, in letter heights."""
_NOTE_APART = 0.4
_NOTE_SIZE = 0.88
"""Letter height of footnotes, in body letter heights, at most."""
_NOTE_LINES = 12
_PAGE_OF = re.compile(
    r"(?:^|\s)(?:page|seite|p\.|pag\.|página|pagina|sayfa)\s*\d{1,3}"
    r"(?:\s*(?:of|/|von|de|sur|di)\s*\d{1,3})?$"
    r"|^(?:page|seite|página|pagina|sayfa)\s*\d{1,3}\s*(?:of|/|von|de|sur|di)\s*\d{1,3}(?:\s|$)",
    re.IGNORECASE,
)
_PAGE_NUMBER = re.compile(r"[-–—|·]?\s?\d{1,3}\s?[-–—|·]?|\d{1,3}\s?/\s?\d{1,3}|第\d{1,3}[页頁]")
_RUNNING_MAX_CHARS = 80
_SPECK_GAP = 2.5
"""White between a speck in the margin and the text, in letter heights."""
_ALIGNED = 0.8
_FEWEST_LINES = 6
_MUCH_APART = 1.0
_RUNNING_GAP = 3.0
"""White between a running head and the page number beside it, in letter heights."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a line is.

    Attributes:
        role: of the paragraph it belongs to.
        group: the number of its first line, where it is part of a heading known by its wording or
            of an entry of a list of contents; None for all others.
    """

    role: Role
    group: int | None = None


def marks(
    lines: Sequence[PrintedLine], body: tuple[float, float], language: str, before: int | None
) -> tuple[list[Mark], int | None]:
    """Mark the lines of one region.

    Args:
        lines: from top to bottom, at least one.
        body: letter height and stroke of the page's body print.
        language: BCP 47 tag.
        before: number of the last entry of a list of contents where the region before ended in
            one, else None.

    Returns:
        One mark a line, and ``before`` for the next region.
    """
    gap = usual_gap(lines)
    found = [Mark(role) for role in _looks(lines, body, gap)]
    at = 0
    listed = before
    while at < len(lines):
        if is_chinese_title(lines[at]):
            found[at] = Mark(Role.HEADING, at)
            at += 1
            continue
        known = known_heading(
            [line.text for line in lines[at : at + 3]],
            language,
            apart=_stands_apart(lines, at, gap),
        )
        if known is None:
            number = printed_number(lines[at].text)
            listed = number if listed is not None and number == listed + 1 else None
            at += 1
            continue
        stop = at + known.lines
        if _is_listed(known, lines, stop, listed):
            role, listed = Role.LIST_ITEM, known.number
        else:
            role, listed = Role.HEADING, None
        found[at:stop] = [Mark(role, at)] * known.lines
        at = stop
    return found, listed


def _is_listed(known: Known, lines: Sequence[PrintedLine], stop: int, listed: int | None) -> bool:
    """Say whether a known heading stands in a list of contents: the next one follows at once."""
    if known.number is None:
        return False
    if listed is not None and known.number == listed + 1:
        return True
    following = printed_number(lines[stop].text) if stop < len(lines) else None
    return following == known.number + 1


def _stands_apart(lines: Sequence[PrintedLine], at: int, gap: float) -> bool:
    if at == 0:
        return True
    above = lines[at - 1]
    return above.is_finished or lines[at].top - above.bottom > gap + _APART


def _looks(lines: Sequence[PrintedLine], body: tuple[float, float], gap: float) -> list[Role]:
    """Return what each line is by its looks; one that runs on from text, or into it, is text."""
    roles = [_by_looks(line, body) for line in lines]
    right = max(line.right for line in lines)
    # From below: of a bold passage every line runs into the next one.
    for at in range(len(lines) - 1, -1, -1):
        line = lines[at]
        if roles[at] is not Role.HEADING:
            continue
        if at + 1 < len(lines) and roles[at + 1] is not Role.HEADING:
            below = lines[at + 1]
            near = below.top - line.bottom <= gap + _APART
            alike = abs(below.size - line.size) <= _OTHER_SIZE * line.size
            full = line.right > right - _FULL
            if near and alike and full and below.starts_lower:
                roles[at] = Role.BODY
        if at and roles[at - 1] is not Role.HEADING:
            above = lines[at - 1]
            near = line.top - above.bottom <= gap + _APART
            if near and line.starts_lower and not above.is_finished:
                roles[at] = Role.BODY
    return roles


def _by_looks(line: PrintedLine, body: tuple[float, float]) -> Role:
    text = line.text
    body_size, body_stroke = body
    weight = line.stroke / body_stroke if body_stroke else 1.0
    size = line.size / body_size if body_size else 1.0
    stands_out = size > _BIG or weight > _BOLD or (size > _RATHER_BIG and weight > _RATHER_BOLD)
    if _IDEOGRAPH.search(text):
        # The stroke of ideographs varies with how many they have, more than with bold print.
        stands_out = size > _RATHER_BIG and weight > _RATHER_BOLD
    letters = [character for character in text if character.isalpha()]
    capital_words = [word.text for word in line.words if word.text.isalpha()]
    caps = sum(map(len, capital_words)) >= 5 and all(map(str.isupper, letters))
    heading_like = (
        len(text) <= _HEADING_MAX_CHARS
        and len(letters) >= 3
        and text[-1] not in _UNFINISHED
        and not line.has_bullet
    )
    if is_chinese_title(line) or (heading_like and (stands_out or caps)):
        return Role.HEADING
    if line.has_bullet or line.has_number_marker:
        return Role.LIST_ITEM
    return Role.BODY


def is_chinese_title(line: PrintedLine) -> bool:
    """Say whether a line is a title in brackets and nothing else."""
    joined = line.text.replace(" ", "")
    title = chinese_title(joined)
    return title is not None and title[1] == len(joined)


def footnotes_from(
    lines: Sequence[PrintedLine], seen: Sequence[PrintedLine], body_size: float
) -> int:
    """Return where the footnotes at the end of a region begin; the number of lines for none.

    A footnote begins with a mark that the text refers to ("500 mg*"), in smaller type or below a
    wider white.

    Args:
        lines: of the region.
        seen: of the page so far, these included.
        body_size: letter height of the body print.
    """
    referred = {mark for line in seen for word in line.words for mark in _references(word.text)}
    gap = usual_gap(lines)
    first = len(lines)
    for at in range(len(lines) - 1, max(-1, len(lines) - 1 - _NOTE_LINES), -1):
        line = lines[at]
        mark = line.note_mark or ("*" if line.words[0].text == BULLET else "")
        if not mark:
            continue
        small = line.size < _NOTE_SIZE * body_size
        apart = at == 0 or line.top - lines[at - 1].bottom > gap + _NOTE_APART
        if (mark in referred or (small and mark[-1] == ")")) and (small or apart):
            # Those above it may be notes too, close together: what is above all of them decides.
            first = at
    return first


def _references(word: str) -> list[str]:
    core = word.rstrip(".,;:)")
    if len(core) > 1 and core[-1] in "*†‡§¹²³⁴⁵⁶⁷⁸⁹" and core[0] not in "*†‡§":
        return [core[-1], core[len(core.rstrip("*†‡§")) :]]
    return []


def without_margin_specks(lines: Sequence[PrintedLine]) -> tuple[PrintedLine, ...]:
    """Return the lines without marks that stand far out in the left margin.

    The edge of a sheet is read as "4" or "|" before line after line. Numerals and bullets of a
    list stand nearer to its text, and their lines do not begin where all others do.
    """
    lefts = [line.left for line in lines if line.spans]
    lefts += [line.spans[1][0] for line in lines if _has_speck(line)]
    side = statistics.median(lefts) if lefts else 0.0
    aligned = sum(abs(left - side) < _ALIGNED for left in lefts)
    if aligned < _FEWEST_LINES:
        return tuple(lines)
    return tuple(
        replace(line, words=line.words[1:], spans=line.spans[1:], left=line.spans[1][0])
        if _has_speck(line) and abs(line.spans[1][0] - side) < _ALIGNED
        else line
        for line in lines
    )


def _has_speck(line: PrintedLine) -> bool:
    if len(line.spans) < 2 or len(line.words[0].text) > 2:
        return False
    return line.spans[1][0] - line.spans[0][1] > _SPECK_GAP and not line.has_number_marker


def without_running_lines(
    lines: Sequence[PrintedLine], body_size: float, *, is_first: bool
) -> tuple[PrintedLine, ...]:
    """Return the lines without page numbers and running heads at the region's ends.

    Args:
        lines: of one region, from top to bottom.
        body_size: letter height of the body print; 0 where it is not known yet.
        is_first: it is the first region of the page: only there a head stands above.
    """
    kept = list(lines)
    usual = usual_gap(lines)
    # A page of few lines is a label, where a lone number may be the strength.
    if is_first and len(kept) >= _FEWEST_LINES:
        gap = kept[1].top - kept[0].bottom
        if _is_running(kept[0], gap - usual, body_size):
            kept.pop(0)
    if len(kept) >= _FEWEST_LINES:
        gap = kept[-1].top - kept[-2].bottom
        if _is_running(kept[-1], gap - usual, body_size):
            kept.pop()
    return tuple(kept)


def _is_running(line: PrintedLine, gap: float, body_size: float) -> bool:
    text = line.text.strip()
    large = body_size > 0 and line.size > _RATHER_BIG * body_size
    if len(text) > _RUNNING_MAX_CHARS or gap < _APART or large:
        return False
    if _PAGE_OF.search(text) or (_PAGE_NUMBER.fullmatch(text) and gap > _MUCH_APART):
        return True
    if len(line.spans) < 2:
        return False
    outer = (
        (line.words[0].text, line.spans[1][0] - line.spans[0][1]),
        (line.words[-1].text, line.spans[-1][0] - line.spans[-2][1]),
    )
    return any(_PAGE_NUMBER.fullmatch(word) and white > _RUNNING_GAP for word, white in outer)


def usual_gap(lines: Sequence[PrintedLine]) -> float:
    """Return the white between two lines of running text, in letter heights."""
    gaps = [below.top - above.bottom for above, below in itertools.pairwise(lines)]
    return statistics.median_low(gaps) if gaps else 0.0


def split_titles(lines: Sequence[PrintedLine]) -> list[PrintedLine]:
    """Part "【规格】0.25g" into its heading and its text; recognisers glue lines together."""
    parted: list[PrintedLine] = []
    for line in lines:
        pieces: list[PrintedLine] = []
        rest = line
        for edge in reversed(title_edges("".join(word.text for word in line.words))):
            rest, tail = _cut(rest, edge)
            pieces.insert(0, tail)
        parted += [rest, *pieces]
    return parted


def _cut(line: PrintedLine, edge: int) -> tuple[PrintedLine, PrintedLine]:
    total = sum(len(word.text) for word in line.words)
    head, tail = _cut_words(line.words, edge)
    middle = line.left + (line.right - line.left) * edge / total
    return (
        PrintedLine(head, line.left, middle, line.top, line.bottom, line.size),
        PrintedLine(tail, middle, line.right, line.top, line.bottom, line.size),
    )


def _cut_words(words: Sequence[Word], characters: int) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """Cut words behind so many characters, through a word where need be."""
    head: list[Word] = []
    for number, word in enumerate(words):
        if characters >= len(word.text):
            head.append(word)
            characters -= len(word.text)
            continue
        if characters == 0:
            return tuple(head), tuple(words[number:])
        first, rest = word.text[:characters], word.text[characters:]
        box = word.box
        edge = box.left + round(box.width_px * characters / len(word.text))
        second = word.second
        # What the second reader has belongs to what follows the bracket: numbers do.
        if second is not None:
            second = re.split(r"[】\]］」』〕〗)）]", second, maxsplit=1)[-1]
        left = Word(first, Box(box.left, box.top, edge, box.bottom), word.confidence, word.page)
        right = Word(
            rest, Box(edge, box.top, box.right, box.bottom), word.confidence, word.page, second
        )
        return (*head, left), (right, *words[number + 1 :])
    return tuple(head), ()
