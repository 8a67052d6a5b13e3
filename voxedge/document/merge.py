"""A second picture of the same page fills what the first one lost.

The words of both readings are aligned by the fewest edits (Levenshtein on whole words); where they
differ, the surer word stands. Words that only one picture has are put in where they belong, unless
they are junk. Numbers obey a law of their own: nothing here ever changes one. Two pictures that
differ in a number, or in the unit behind it, leave it doubtful (``Word.second``); a picture in
which two readers agreed may settle one that was in doubt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from voxedge.document.figures import canonical, holds_figure, starts_with_unit
from voxedge.document.model import Box, Document, Paragraph, Section, Sentence, Word

_ALIKE = 60.0
"""Likeness from which two words are two readings of one."""
_SURER = 0.1
"""By so much surer must the other word be: confidences waver by as much from picture to picture."""
_FILL_CONFIDENCE = 0.6
"""A word that only one picture has; junk of shadows and edges stays below."""
_FILL_WORDS = 3
"""A single word more is as often junk as not, and a number without its neighbours is worse."""
_WORSE = 0.15
"""Difference of mean confidence from which the other picture is left alone."""
_MOVED = 85.0
"""A run of words that stands elsewhere in the first reading was moved, not lost."""
_SAME_PAGE = 0.3
"""Share of words in common below which these are two pages."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Two readings made one.

    Attributes:
        document: the outcome.
        same_page: false where the two have too little in common: the document is the better one.
        filled: words that only the other picture had.
        replaced: words that the other picture read surer.
        doubted: numbers that the two pictures read differently.
        settled: numbers in doubt that the other picture made certain.
    """

    document: Document
    same_page: bool = True
    filled: int = 0
    replaced: int = 0
    doubted: int = 0
    settled: int = 0


@dataclass(slots=True)
class _Counts:
    known: Counter[str]
    """How often each word stands in the two readings: the page is its own dictionary."""
    filled: int = 0
    replaced: int = 0
    doubted: int = 0
    settled: int = 0


@dataclass(frozen=True, slots=True)
class _At:
    """A word and where it stands: section, paragraph, sentence, word."""

    word: Word
    place: tuple[int, int, int, int]


def merge(first: Document, second: Document) -> Merged:
    """Merge two readings of one page.

    The one with more sure words gives structure, page and boxes; the boxes of what is filled in are
    brought over to its picture.

    Args:
        first: a document of one page.
        second: another reading of the same page.

    Returns:
        The merged document, and what was done. Pure; either order gives the same text but for ties.
    """
    base, other = (first, second) if _weight(first) >= _weight(second) else (second, first)
    ours, theirs = _flat(base), _flat(other)
    keys, their_keys = [_key(at.word) for at in ours], [_key(at.word) for at in theirs]
    if not _is_same_page(keys, their_keys):
        return Merged(base, same_page=False)
    if _mean_confidence(theirs) < _mean_confidence(ours) - _WORSE:
        # A picture so much worse has nothing but junk to add.
        return Merged(base)
    counts = _Counts(Counter(keys) + Counter(their_keys))
    kept: dict[tuple[int, int, int, int], Word] = {}
    inserted: dict[tuple[int, int, int, int] | None, list[_At]] = {}
    pairs: list[tuple[Word, Word]] = []
    text = " ".join(keys)
    for step in Levenshtein.opcodes(keys, their_keys):
        start = step.src_start
        run = ours[start : step.src_end]
        their_run = theirs[step.dest_start : step.dest_end]
        if step.tag == "equal":
            for at, same in zip(run, their_run, strict=True):
                pairs.append((at.word, same.word))
                kept[at.place] = _same(at.word, same.word, counts)
            continue
        # A run of replacements often holds one lost word and several alike ones.
        last = ours[start - 1].place if start else None
        lost: list[_At] = []
        for mine, theirs_at in _paired(run, their_run):
            if mine is not None and theirs_at is not None:
                before = _before(ours, mine)
                kept[mine.place] = _differing(mine.word, theirs_at.word, before, counts)
            if mine is not None:
                _put(inserted, last, lost, text, counts)
                lost, last = [], mine.place
            elif theirs_at is not None:
                lost.append(theirs_at)
        _put(inserted, last, lost, text, counts)
    place_over = _transform(pairs)
    sections = _rebuilt(base, other, kept, inserted, place_over)
    document = replace(base, sections=sections)
    return Merged(document, True, counts.filled, counts.replaced, counts.doubted, counts.settled)


# -- words -----------------------------------------------------------------------------------------


def _same(mine: Word, theirs: Word, counts: _Counts) -> Word:
    """Return a word that both pictures have, but for case and marks around it."""
    if not _is_critical(mine.text, theirs.text):
        # A unit is part of its number: a check that only the other picture had counts for both.
        second = theirs.second if mine.second is None and _agrees(theirs) else mine.second
        return replace(mine, confidence=max(mine.confidence, theirs.confidence), second=second)
    if canonical(mine.text) != canonical(theirs.text):
        return _doubted(mine, theirs, counts)
    ours_agree, theirs_agree = _agrees(mine), _agrees(theirs)
    if theirs_agree and mine.second is None:
        counts.settled += 1
        return replace(mine, second=theirs.second)
    if theirs_agree and not ours_agree and not holds_figure(mine.second or ""):
        # Our second reader saw nothing there; theirs saw this number, and so did both first ones.
        counts.settled += 1
        return replace(mine, second=theirs.second)
    if (
        ours_agree
        and theirs.second is not None
        and not theirs_agree
        and holds_figure(theirs.second)
    ):
        # A reader that saw another number in another picture is a witness, too.
        counts.doubted += 1
        return replace(mine, second=theirs.second)
    return mine


def _differing(mine: Word, theirs: Word, before: Word | None, counts: _Counts) -> Word:
    """Return one of two readings of a word."""
    behind_figure = before is not None and holds_figure(before.text)
    is_unit = behind_figure and (starts_with_unit(mine.text) or starts_with_unit(theirs.text))
    if is_unit or _is_critical(mine.text, theirs.text):
        return _doubted(mine, theirs, counts)
    known = counts.known[_key(theirs)] >= counts.known[_key(mine)]
    sure = theirs.confidence >= _FILL_CONFIDENCE
    if known and sure and theirs.confidence > mine.confidence + _SURER:
        counts.replaced += 1
        return replace(mine, text=theirs.text, confidence=theirs.confidence, second=theirs.second)
    return mine


def _doubted(mine: Word, theirs: Word, counts: _Counts) -> Word:
    """Keep ours and say that it is in doubt, by what the other picture has in its place."""
    counts.doubted += 1
    return replace(mine, second=theirs.text)


def _is_critical(one: str, two: str) -> bool:
    return holds_figure(one) or holds_figure(two)


def _agrees(word: Word) -> bool:
    return word.second is not None and canonical(word.second) == canonical(word.text)


def _key(word: Word) -> str:
    """Return what is compared: without case and the marks around it, but every figure as it is."""
    core = word.text.strip(".,;:!?()[]{}\"'“”‘’«»•*-")
    return core.casefold() or word.text


def _weight(document: Document) -> float:
    return sum(
        max(0.0, word.confidence - 0.4) * len(word.text)
        for paragraph in document.paragraphs
        for sentence in paragraph.sentences
        for word in sentence.words
    )


def _flat(document: Document) -> list[_At]:
    return [
        _At(word, (s, p, n, w))
        for s, section in enumerate(document.sections)
        for p, paragraph in enumerate(section.paragraphs)
        for n, sentence in enumerate(paragraph.sentences)
        for w, word in enumerate(sentence.words)
    ]


def _before(ours: Sequence[_At], mine: _At) -> Word | None:
    section, paragraph, sentence, word = mine.place
    wanted = (section, paragraph, sentence, word - 1)
    return next((at.word for at in ours if at.place == wanted), None) if word else None


def _mean_confidence(words: Sequence[_At]) -> float:
    return sum(at.word.confidence for at in words) / max(1, len(words))


def _is_same_page(one: Sequence[str], two: Sequence[str]) -> bool:
    if not one or not two:
        return False
    common = len(set(one) & set(two))
    return common >= _SAME_PAGE * min(len(set(one)), len(set(two)))


# -- alignment -------------------------------------------------------------------------------------


def _paired(ours: Sequence[_At], theirs: Sequence[_At]) -> list[tuple[_At | None, _At | None]]:
    """Pair the words of two runs by likeness, in order, by the best sum (Needleman and Wunsch)."""
    rows, columns = len(ours), len(theirs)
    if not rows or not columns or rows * columns > 4000:
        # A run of thousands against thousands is another text: nothing in it pairs.
        return [(at, None) for at in ours] + [(None, at) for at in theirs]
    likeness = [[_likeness(mine.word, their.word) for their in theirs] for mine in ours]
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            together = likeness[i][j] + best[i + 1][j + 1] if likeness[i][j] > 0 else -1.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], together)
    pairs: list[tuple[_At | None, _At | None]] = []
    i = j = 0
    while i < rows or j < columns:
        if (
            i < rows
            and j < columns
            and likeness[i][j] > 0
            and best[i][j] == likeness[i][j] + best[i + 1][j + 1]
        ):
            pairs.append((ours[i], theirs[j]))
            i, j = i + 1, j + 1
        elif i < rows and (j == columns or best[i + 1][j] >= best[i][j + 1]):
            pairs.append((ours[i], None))
            i += 1
        else:
            pairs.append((None, theirs[j]))
            j += 1
    return pairs


def _likeness(mine: Word, theirs: Word) -> float:
    """Return how much two words look like one, 0 where they do not."""
    one, two = _key(mine), _key(theirs)
    if holds_figure(one) and holds_figure(two):
        # "5" and "50" have little in common but their place: two figures in one place are one.
        return max(_ALIKE, fuzz.ratio(one, two)) / 100
    ratio = fuzz.ratio(one, two)
    if (starts_with_unit(one) or starts_with_unit(two)) and abs(len(one) - len(two)) <= 2:
        # "mg" and "µg" are two readings of one unit, however little they have in common.
        return max(_ALIKE, ratio) / 100
    return ratio / 100 if ratio >= _ALIKE else 0.0


def _put(
    inserted: dict[tuple[int, int, int, int] | None, list[_At]],
    after: tuple[int, int, int, int] | None,
    lost: list[_At],
    text: str,
    counts: _Counts,
) -> None:
    """Put a run of words that only the other picture has behind one of ours, if it is no junk."""
    sure = [at for at in lost if at.word.confidence >= _FILL_CONFIDENCE]
    if not sure or 2 * len(sure) < len(lost):
        return
    # Specks read as letters, and ends of words that the other reading has whole.
    whole = [at for at in sure if counts.known[_key(at.word)] > 1 or len(_key(at.word)) > 3]
    if len(sure) < _FILL_WORDS or 2 * len(whole) < len(sure):
        return
    run = " ".join(_key(at.word) for at in sure)
    if fuzz.partial_ratio(run, text) >= _MOVED:
        return
    counts.filled += len(sure)
    inserted.setdefault(after, []).extend(sure)


# -- the tree --------------------------------------------------------------------------------------


def _rebuilt(
    base: Document,
    other: Document,
    kept: dict[tuple[int, int, int, int], Word],
    inserted: dict[tuple[int, int, int, int] | None, list[_At]],
    place_over: _Over,
) -> tuple[Section, ...]:
    """Put the words back into the base's tree; whole paragraphs of the other keep their own."""
    sections: list[Section] = []
    head = inserted.get(None, [])
    for s, section in enumerate(base.sections):
        paragraphs: list[Paragraph] = []
        for p, paragraph in enumerate(section.paragraphs):
            sentences: list[Sentence] = []
            behind: list[Paragraph] = []
            for n, sentence in enumerate(paragraph.sentences):
                words: list[Word] = []
                if head:
                    own, rest = _parted(other, head)
                    words += [place_over.word(at.word) for at in own]
                    paragraphs += [place_over.paragraph(found) for found in rest]
                    head = []
                for w, word in enumerate(sentence.words):
                    place = (s, p, n, w)
                    words.append(kept.get(place, word))
                    own, rest = _parted(other, inserted.get(place, []))
                    words += [place_over.word(at.word) for at in own]
                    behind += [place_over.paragraph(found) for found in rest]
                sentences.append(replace(sentence, words=tuple(words)))
            paragraphs.append(replace(paragraph, sentences=tuple(sentences)))
            paragraphs += behind
        sections.append(Section(tuple(paragraphs)))
    return tuple(sections)


def _parted(other: Document, run: Sequence[_At]) -> tuple[list[_At], list[Paragraph]]:
    """Part inserted words into those that join our sentence, and whole paragraphs of the other."""
    own: list[_At] = []
    whole: list[Paragraph] = []
    groups: dict[tuple[int, int], list[_At]] = {}
    for at in run:
        groups.setdefault(at.place[:2], []).append(at)
    for (s, p), members in groups.items():
        paragraph = other.sections[s].paragraphs[p]
        size = sum(len(sentence.words) for sentence in paragraph.sentences)
        if len(members) >= 0.8 * size and size >= 3:
            whole.append(paragraph)
        elif whole:
            # Behind a whole paragraph they can no longer join our sentence.
            words = tuple(at.word for at in members)
            whole.append(Paragraph((Sentence(words, paragraph.sentences[0].joiner),)))
        else:
            own += members
    return own, whole


@dataclass(frozen=True, slots=True)
class _Over:
    """From the other picture's pixels to ours: x' = scale_x x + shift_x, and y alike."""

    scale_x: float
    shift_x: float
    scale_y: float
    shift_y: float

    def word(self, word: Word) -> Word:
        box = word.box
        return replace(
            word,
            box=Box(
                max(0, round(self.scale_x * box.left + self.shift_x)),
                max(0, round(self.scale_y * box.top + self.shift_y)),
                max(0, round(self.scale_x * box.right + self.shift_x)),
                max(0, round(self.scale_y * box.bottom + self.shift_y)),
            ),
        )

    def paragraph(self, paragraph: Paragraph) -> Paragraph:
        return replace(
            paragraph,
            sentences=tuple(
                replace(sentence, words=tuple(self.word(word) for word in sentence.words))
                for sentence in paragraph.sentences
            ),
        )


def _transform(pairs: Sequence[tuple[Word, Word]]) -> _Over:
    """Fit scale and shift to the places of words that both have, by medians (Theil and Sen)."""
    scale_x, shift_x = _axis([(t.box.left, m.box.left) for m, t in pairs])
    scale_y, shift_y = _axis([(t.box.top, m.box.top) for m, t in pairs])
    return _Over(scale_x, shift_x, scale_y, shift_y)


def _axis(points: Sequence[tuple[int, int]]) -> tuple[float, float]:
    if not points:
        return 1.0, 0.0
    ordered = sorted(points)
    half = len(ordered) // 2
    slopes = [
        (y2 - y1) / (x2 - x1)
        for (x1, y1), (x2, y2) in zip(ordered[:half], ordered[half:], strict=False)
        if x2 > x1
    ]
    slope = _median(slopes) if slopes else 1.0
    if not 0.2 <= slope <= 5.0:
        slope = 1.0
    return slope, _median([y - slope * x for x, y in points])


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
