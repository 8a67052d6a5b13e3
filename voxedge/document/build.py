"""From printed lines in reading order to sections, as they come."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from voxedge.document.hyphens import IsWord, join_hyphenated
from voxedge.document.lines import PrintedLine
from voxedge.document.model import Paragraph, Role, Section, Sentence
from voxedge.text.segment import sentence_breaks

_HEADING_MAX_CHARS = 90
_HEADING_MAX_LINES = 3
_BIG = 1.4
"""Letter height of a headline, in body letter heights. Lines of figures or capitals reach 1.3."""
_RATHER_BIG = 1.15
_RATHER_BOLD = 1.15
"""Both together make a headline too."""
_BOLD = 1.22
"""Stroke of bold print, in strokes of the body print: 1.4 to 1.6 in most families, less what
blur takes."""
_BODY_QUANTILE = 0.35
"""The first region may be half headings; a whole page is a fifth."""
_MAX_GAP = 0.9
"""White between two lines of a paragraph, in letter heights, beyond the usual white."""
_BRACKET_HEADING = re.compile(r"【[^】]{1,16}】")


@dataclass(frozen=True, slots=True)
class _Block:
    lines: tuple[PrintedLine, ...]
    role: Role

    @property
    def goes_on(self) -> bool:
        """Whether the next region may hold the rest."""
        return self.role is not Role.HEADING and not self.lines[-1].is_finished


class SectionBuilder:
    """Turns the lines of one region after the other into sections. Used by one thread.

    A paragraph left open at the end of a region (no full stop, a broken word) waits for the next
    one: columns and captures end in the middle of sentences.
    """

    def __init__(self, language: str, joiner: str = " ", is_word: IsWord = lambda _: False) -> None:
        """Begin a document in ``language`` (BCP 47); ``joiner`` stands between words."""
        self._language = language
        self._joiner = joiner
        self._is_word = is_word
        self._looks: list[PrintedLine] = []
        self._waiting: list[_Block] = []

    def add(self, lines: Sequence[PrintedLine]) -> tuple[Section, ...]:
        """Take the lines of the next region; return the sections that are final by now."""
        if not lines:
            return ()
        self._looks += [line for line in lines if line.stroke > 0]
        blocks = self._blocks(lines)
        if self._waiting and self._continues(self._waiting[-1], blocks[0]):
            last = self._waiting.pop()
            blocks[0] = _Block(last.lines + blocks[0].lines, last.role)
        blocks = self._waiting + blocks
        keep = len(blocks)
        if blocks[-1].goes_on:
            keep -= 1
        # A heading waits for its text.
        while keep and blocks[keep - 1].role is Role.HEADING:
            keep -= 1
        self._waiting = blocks[keep:]
        return self._sections(blocks[:keep])

    def finish(self) -> tuple[Section, ...]:
        """Return what still waits. The builder is empty afterwards."""
        blocks, self._waiting = self._waiting, []
        return self._sections(blocks)

    def _continues(self, open_block: _Block, block: _Block) -> bool:
        if not open_block.goes_on or block.role is not Role.BODY:
            return False
        return open_block.lines[-1].is_hyphenated or (
            # The end of the longest line and a small letter: running text.
            block.lines[0].starts_lower or self._joiner == "" or len(open_block.lines) > 1
        )

    def _blocks(self, lines: Sequence[PrintedLine]) -> list[_Block]:
        body = self._body()
        right = _upper_quantile([line.right for line in lines])
        left = min(line.left for line in lines)
        usual = _usual_gap(lines)
        blocks: list[_Block] = []
        current: list[PrintedLine] = []
        role = Role.BODY
        for line in self._split_bracket_headings(lines):
            looks = self._role(line, body)
            if current and not self._breaks(current, role, line, looks, (left, right), usual):
                current.append(line)
                continue
            if current:
                blocks.append(_Block(tuple(current), role))
            current, role = [line], looks
        blocks.append(_Block(tuple(current), role))
        return [_demoted(block) for block in blocks]

    def _role(self, line: PrintedLine, body: tuple[float, float]) -> Role:
        text = line.text
        body_size, body_stroke = body
        weight = line.stroke / body_stroke if body_stroke else 1.0
        size = line.size / body_size if body_size else 1.0
        stands_out = size > _BIG or weight > _BOLD or (size > _RATHER_BIG and weight > _RATHER_BOLD)
        letters = [character for character in text if character.isalpha()]
        capital_words = [word.text for word in line.words if word.text.isalpha()]
        caps = sum(map(len, capital_words)) >= 5 and all(map(str.isupper, letters))
        heading_like = (
            len(text) <= _HEADING_MAX_CHARS
            and len(letters) >= 3
            and text[-1] not in ".,;"
            and not line.has_bullet
        )
        bracketed = _BRACKET_HEADING.fullmatch(text.replace(" ", ""))
        if bracketed or (heading_like and (stands_out or caps)):
            return Role.HEADING
        if line.has_bullet or line.has_number_marker:
            return Role.LIST_ITEM
        return Role.BODY

    def _breaks(
        self,
        current: Sequence[PrintedLine],
        role: Role,
        line: PrintedLine,
        looks: Role,
        sides: tuple[float, float],
        usual_gap: float,
    ) -> bool:
        """Say whether ``line`` starts a new paragraph after ``current``."""
        last = current[-1]
        if last.is_hyphenated and line.starts_lower:
            return False
        if line.has_bullet or line.top - last.bottom > usual_gap + _MAX_GAP:
            return True
        if (looks is Role.HEADING) != (role is Role.HEADING):
            return True
        if line.has_number_marker:
            return True
        if role is Role.HEADING and abs(line.size - last.size) > 0.25 * last.size:
            return True
        first_word = len(line.words[0].text) * 1.15 + 1.5
        room = last.right + first_word * line.size < sides[1]
        if room and (last.is_finished or not line.starts_lower) and self._joiner:
            return True
        if not last.is_finished:
            return False
        indented = line.left > sides[0] + 1.5 and line.left > last.left + 1.0
        return (room and self._joiner == "") or (indented and role is Role.BODY)

    def _split_bracket_headings(self, lines: Sequence[PrintedLine]) -> list[PrintedLine]:
        """Part "【规格】0.25g" into its heading and its text."""
        parted: list[PrintedLine] = []
        for line in lines:
            ends = [i for i, word in enumerate(line.words) if "】" in word.text]
            if line.words[0].text.startswith("【") and ends and ends[0] + 1 < len(line.words):
                cut = ends[0] + 1
                middle = line.left + (line.right - line.left) * cut / len(line.words)
                head = PrintedLine(
                    line.words[:cut], line.left, middle, line.top, line.bottom, line.size
                )
                tail = PrintedLine(
                    line.words[cut:], middle, line.right, line.top, line.bottom, line.size
                )
                parted += [head, tail]
            else:
                parted.append(line)
        return parted

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
        words = join_hyphenated([line.words for line in block.lines], self._is_word)
        texts = [word.text for word in words]
        edges = [0, *sentence_breaks(texts, self._language), len(words)]
        sentences = tuple(
            Sentence(tuple(words[start:stop]), self._joiner)
            for start, stop in itertools.pairwise(edges)
        )
        return Paragraph(sentences, block.role, self._joiner)


def _demoted(block: _Block) -> _Block:
    """A bold passage of many lines is text, not a heading."""
    if block.role is Role.HEADING and len(block.lines) > _HEADING_MAX_LINES:
        return _Block(block.lines, Role.BODY)
    return block


def _quantile(weighted: Sequence[tuple[float, int]]) -> float:
    """Weighted lower quantile: body print is the smaller and the lighter one. 0 of nothing."""
    ordered = sorted(weighted)
    enough, seen = _BODY_QUANTILE * sum(weight for _, weight in ordered), 0
    for value, weight in ordered:
        seen += weight
        if seen >= enough:
            return value
    return 0.0


def _usual_gap(lines: Sequence[PrintedLine]) -> float:
    gaps = [below.top - above.bottom for above, below in itertools.pairwise(lines)]
    return statistics.median_low(gaps) if gaps else 0.0


def _upper_quantile(values: Sequence[float]) -> float:
    """The ninth decile: one line that sticks out must not make all others look short."""
    return sorted(values)[min(len(values) - 1, int(0.9 * len(values)))]
