"""From printed lines in reading order to sections, as they come."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from voxedge.document.build_marks import (
    Mark,
    footnotes_from,
    marks,
    split_titles,
    usual_gap,
    without_margin_specks,
    without_running_lines,
)
from voxedge.document.hyphens import IsWord, join_hyphenated
from voxedge.document.lines import PrintedLine
from voxedge.document.model import Paragraph, Role, Section, Sentence, Word
from voxedge.document.tables import Cell, Table, find_tables
from voxedge.text.segment import sentence_breaks

_HEADING_MAX_LINES = 3
_BODY_QUANTILE = 0.35
"""The first region may be half headings; a whole page is a fifth."""
_MAX_GAP = 0.9
"""White between two lines of a paragraph, in letter heights, beyond the usual white."""
_SPACE = 1.1
"""A space of 0.5 letter heights, and what ragged lines leave."""
_OTHER_SIZE = 0.25
"""Print that differs by so much in size belongs to something else."""
_OUTDENT = 0.4
"""A line that begins so much further left than the bullet above it is no part of that item."""


@dataclass(frozen=True, slots=True)
class _Block:
    lines: tuple[PrintedLine, ...]
    role: Role
    cells: tuple[Cell, ...] = ()
    """Of a row of a table; it has no lines then."""

    @property
    def goes_on(self) -> bool:
        """Whether the next region may hold the rest."""
        is_text = self.role in (Role.BODY, Role.LIST_ITEM) and bool(self.lines)
        return is_text and not self.lines[-1].is_finished


class SectionBuilder:
    """Turns the lines of one region after the other into sections. Used by one thread.

    A paragraph left open at the end of a region (no full stop, a broken word) waits for the next
    one: columns and captures end in the middle of sentences. Footnotes wait for the end of the
    page.
    """

    def __init__(self, language: str, joiner: str = " ", is_word: IsWord = lambda _: False) -> None:
        """Begin a document in ``language`` (BCP 47); ``joiner`` stands between words."""
        self._language = language
        self._joiner = joiner
        self._is_word = is_word
        self._looks: list[PrintedLine] = []
        self._seen: list[PrintedLine] = []
        self._waiting: list[_Block] = []
        self._notes: list[_Block] = []
        self._listed: int | None = None
        self._begun = False

    def add(
        self, lines: Sequence[PrintedLine], *, is_scattered: bool = False
    ) -> tuple[Section, ...]:
        """Take the lines of the next region; return the sections that are final by now.

        Args:
            lines: from top to bottom.
            is_scattered: print of a box or a poster, which stands in rows by chance.
        """
        lines = without_margin_specks(lines)
        lines = without_running_lines(lines, self._body()[0], is_first=not self._seen)
        if not lines:
            return ()
        self._looks += [line for line in lines if line.stroke > 0]
        self._seen += lines
        notes = footnotes_from(lines, self._seen, self._body()[0])
        self._notes += self._note_blocks(lines[notes:])
        if notes == 0:
            return ()
        blocks = self._blocks(lines[:notes], is_scattered=is_scattered)
        if self._waiting and self._continues(self._waiting[-1], blocks[0]):
            last = self._waiting.pop()
            blocks[0] = _Block(last.lines + blocks[0].lines, last.role)
        blocks = self._waiting + blocks
        keep = len(blocks)
        if blocks[-1].goes_on:
            keep -= 1
        # A heading waits for its text, but for the title: somebody waits for the first word.
        while keep and blocks[keep - 1].role is Role.HEADING:
            keep -= 1
        if keep == 0 and not self._begun:
            # Regions are cut at white: one line of no other kind above it all is a title.
            is_title = len(lines) == 1 and blocks[0].role is Role.BODY
            keep = len(blocks) - (0 if is_title else 1)
        self._begun = self._begun or keep > 0
        self._waiting = blocks[keep:]
        return self._sections(blocks[:keep])

    def finish(self) -> tuple[Section, ...]:
        """Return what still waits, footnotes last. The builder is empty afterwards."""
        blocks, self._waiting = self._waiting, []
        notes, self._notes = self._notes, []
        return self._sections(blocks + notes)

    def _continues(self, open_block: _Block, block: _Block) -> bool:
        if not open_block.goes_on or block.role is not Role.BODY:
            return False
        last, first = open_block.lines[-1], block.lines[0]
        if abs(first.size - last.size) > _OTHER_SIZE * last.size:
            return False
        return last.is_hyphenated or (
            # The end of the longest line and a small letter: running text.
            first.starts_lower or self._joiner == "" or len(open_block.lines) > 1
        )

    def _blocks(self, lines: Sequence[PrintedLine], *, is_scattered: bool) -> list[_Block]:
        blocks: list[_Block] = []
        at = 0
        tables = find_tables(lines, are_rows_sure=not is_scattered)
        for table in (*tables, Table((), len(lines), len(lines))):
            if at < table.first:
                blocks += self._text_blocks(lines[at : table.first])
            blocks += [_Block((), Role.TABLE_ROW, row) for row in table.rows]
            at = table.last
        return blocks

    def _text_blocks(self, lines: Sequence[PrintedLine]) -> list[_Block]:
        right = _upper_quantile([line.right for line in lines])
        left = min(line.left for line in lines)
        usual = usual_gap(lines)
        lines = split_titles(lines) if self._joiner == "" else lines
        marked, self._listed = marks(lines, self._body(), self._language, self._listed)
        blocks: list[_Block] = []
        current: list[PrintedLine] = []
        above = Mark(Role.BODY)
        for line, mark in zip(lines, marked, strict=True):
            if current and not self._breaks(current, above, line, mark, (left, right), usual):
                current.append(line)
                # A paragraph is what its first line is.
                above = replace(above, group=mark.group)
                continue
            if current:
                blocks.append(_block(current, above))
            current, above = [line], mark
        blocks.append(_block(current, above))
        return blocks

    def _note_blocks(self, lines: Sequence[PrintedLine]) -> list[_Block]:
        blocks: list[list[PrintedLine]] = []
        for line in lines:
            if not blocks or line.note_mark or line.has_bullet:
                blocks.append([])
            blocks[-1].append(line)
        return [_Block(tuple(block), Role.FOOTNOTE) for block in blocks]

    def _breaks(
        self,
        current: Sequence[PrintedLine],
        above: Mark,
        line: PrintedLine,
        mark: Mark,
        sides: tuple[float, float],
        usual_gap: float,
    ) -> bool:
        """Say whether ``line`` starts a new paragraph after ``current``."""
        last = current[-1]
        if mark.group is not None or above.group is not None:
            return mark.group != above.group
        if last.is_hyphenated and line.starts_lower:
            return False
        if line.has_bullet or line.top - last.bottom > usual_gap + _MAX_GAP:
            return True
        is_heading = above.role is Role.HEADING
        if (mark.role is Role.HEADING) != is_heading:
            return True
        if line.has_number_marker:
            return True
        if is_heading and abs(line.size - last.size) > _OTHER_SIZE * last.size:
            return True
        if current[0].has_bullet and line.left < current[0].left - _OUTDENT:
            return True
        room = last.right + _room_needed(line) < sides[1]
        if room and (last.is_finished or not line.starts_lower) and self._joiner:
            return True
        if not last.is_finished:
            return False
        indented = line.left > sides[0] + 1.5 and line.left > last.left + 1.0
        return (room and self._joiner == "") or (indented and above.role is Role.BODY)

    def _body(self) -> tuple[float, float]:
        """Return letter height and stroke of the body print, as seen so far."""
        weighted = [(line, len(line.text)) for line in self._looks]
        return (
            _quantile([(line.size, weight) for line, weight in weighted]),
            _quantile([(line.stroke, weight) for line, weight in weighted]),
        )

    def _sections(self, blocks: Sequence[_Block]) -> tuple[Section, ...]:
        sections: list[list[Paragraph]] = []
        for block in blocks:
            paragraph = self._paragraph(block)
            if block.role is Role.HEADING or not sections:
                sections.append([])
            sections[-1].append(paragraph)
        return tuple(Section(tuple(paragraphs)) for paragraphs in sections)

    def _paragraph(self, block: _Block) -> Paragraph:
        if block.cells:
            row = Sentence(_row_words(block.cells), self._joiner)
            return Paragraph((row,), block.role, self._joiner)
        words = join_hyphenated([line.words for line in block.lines], self._is_word)
        texts = [word.text for word in words]
        edges = [0, *sentence_breaks(texts, self._language), len(words)]
        sentences = tuple(
            Sentence(tuple(words[start:stop]), self._joiner)
            for start, stop in itertools.pairwise(edges)
        )
        return Paragraph(sentences, block.role, self._joiner)


def _block(lines: Sequence[PrintedLine], mark: Mark) -> _Block:
    """A bold passage of many lines is text, not a heading."""
    is_text = mark.role is Role.HEADING and len(lines) > _HEADING_MAX_LINES
    return _Block(tuple(lines), Role.BODY if is_text else mark.role)


def _room_needed(line: PrintedLine) -> float:
    """Return what the line's first word would take behind another, a space and a margin included.

    A word that would have fitted stands on a new line because a paragraph begins.
    """
    if line.spans:
        return line.spans[0][1] - line.spans[0][0] + _SPACE
    return (len(line.words[0].text) * 1.15 + 1.5) * line.size


def _row_words(cells: Sequence[Cell]) -> tuple[Word, ...]:
    """Return the words of a row, a colon behind each cell but the last: "Adults: 1 tablet"."""
    filled = [cell for cell in cells if cell]
    words: list[Word] = []
    for number, cell in enumerate(filled):
        words += cell
        if number + 1 < len(filled) and cell[-1].text[-1:] not in ":：":
            words[-1] = replace(cell[-1], text=cell[-1].text.rstrip(".,;") + ":")
    return tuple(words)


def _quantile(weighted: Sequence[tuple[float, int]]) -> float:
    """Weighted lower quantile: body print is the smaller and the lighter one. 0 of nothing."""
    ordered = sorted(weighted)
    enough, seen = _BODY_QUANTILE * sum(weight for _, weight in ordered), 0
    for value, weight in ordered:
        seen += weight
        if seen >= enough:
            return value
    return 0.0


def _upper_quantile(values: Sequence[float]) -> float:
    """The ninth decile: one line that sticks out must not make all others look short."""
    return sorted(values)[min(len(values) - 1, int(0.9 * len(values)))]
