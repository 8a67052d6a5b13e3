"""A second picture of the same page fills what the first one lost.

The words of both readings are aligned by the fewest edits (Levenshtein on whole words). Words that
only the second picture has are put in where the first has nothing in their place on the paper;
plain words that differ are taken from the surer reading. Numbers, and the words beside them, are
left alone here: what two pictures say of a number is for ``confirm`` to judge. In the end no number
is certain that was not certain, just so, in one of the two pictures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from voxedge.document.confirm import confirm
from voxedge.document.figures import canonical, holds_figure, starts_with_unit
from voxedge.document.model import Document, Paragraph, Section, Sentence, Word
from voxedge.document.numbers import numbers_in, numbers_of, words_of
from voxedge.document.overlay import Occupied, Overlay, overlay_of

_ALIKE = 60.0
"""Likeness from which two words are two readings of one."""
_SURER = 0.1
"""By so much surer must the other word be: confidences waver by as much from picture to picture."""
_FILL_CONFIDENCE = 0.6
"""A word that only one picture has; junk of shadows and edges stays below."""
_FILL_WORDS = 3
"""A single word more is as often junk as not, and a number without its neighbours is worse."""
_FILL_TAKEN = 0.3
"""Share of a run's words that may stand where the first picture has words of its own."""
_WORSE = 0.15
"""Difference of mean confidence from which the other picture is left alone."""
_BETTER = 1.05
"""The second picture gives the structure only where it has so many times as much sure text: who
listens to the first keeps the place."""
_MOVED = 85.0
"""A run of words that stands elsewhere in the first reading was moved, not lost."""
_SAME_PAGE = 0.3
"""Share of words in common below which these are two pages."""

Address = tuple[int, int, int, int]
"""Where a word stands: section, paragraph, sentence, word."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Two readings made one.

    Attributes:
        document: the outcome.
        same_page: false where the two have too little in common: the document is the first.
        took_second: the second picture gives structure, page and boxes.
        filled: words that only the other picture had.
        replaced: words that the other picture read surer.
        doubted: numbers that were certain in the first picture and are not any more.
        settled: numbers that were in doubt in the first picture and are certain.
    """

    document: Document
    same_page: bool = True
    took_second: bool = False
    filled: int = 0
    replaced: int = 0
    doubted: int = 0
    settled: int = 0


@dataclass(frozen=True, slots=True)
class _At:
    """A word and where it stands."""

    word: Word
    place: Address


_Pair = tuple[_At | None, _At | None]
"""A word of ours and the other picture's reading of it; None where one of them has none."""


def merge(first: Document, second: Document) -> Merged:
    """Merge two readings of one page.

    The first gives structure, page and boxes, unless the second has far more sure text; what is
    filled in is brought over to its pixels.

    Args:
        first: a document of one page.
        second: another reading of the same page.

    Returns:
        The merged document, and what was done. Pure.
    """
    if not is_same_page(first, second):
        return Merged(first, same_page=False)
    took_second = _weight(second) > _BETTER * _weight(first)
    base, other = (second, first) if took_second else (first, second)
    worded, filled, replaced = _worded(base, other)
    document = _guarded(confirm(worded, other), base, other)
    before, after = _certain(first), _certain(document)
    in_doubt = _doubtful(first)
    settled = sum(count for text, count in (after - before).items() if text in in_doubt)
    doubted = sum(count for text, count in (before - after).items() if text in _doubtful(document))
    return Merged(document, True, took_second, filled, replaced, doubted, settled)


def is_same_page(first: Document, second: Document) -> bool:
    """Say whether two readings are of one page, by the words they have in common."""
    one, two = ({_key(at.word) for at in _flat(document)} for document in (first, second))
    if not one or not two:
        return False
    return len(one & two) >= _SAME_PAGE * min(len(one), len(two))


def _worded(base: Document, other: Document) -> tuple[Document, int, int]:
    """Fill in what was lost and take what was read surer; no number is touched."""
    ours, theirs = _flat(base), _flat(other)
    if _mean_confidence(theirs) < _mean_confidence(ours) - _WORSE:
        # A picture so much worse has nothing but junk to add.
        return base, 0, 0
    known = Counter(_key(at.word) for at in (*ours, *theirs))
    fixed = _beside_numbers(base)
    kept: dict[Address, Word] = {}
    beside = _laid_beside(ours, theirs)
    for mine, their in beside:
        if mine is None or their is None or mine.place in fixed:
            continue
        if _key(mine.word) != _key(their.word) and _is_surer(mine, their, known):
            word, surer = mine.word, their.word
            kept[mine.place] = replace(word, text=surer.text, confidence=surer.confidence)
    pairs = [(m.word, t.word) for m, t in beside if m and t and _key(m.word) == _key(t.word)]
    over = overlay_of(pairs, ours[0].word.page)
    taken = Occupied([at.word for at in ours])
    text = " ".join(_key(at.word) for at in ours)
    filled = {
        behind: sure
        for behind, run in _gaps(beside)
        if (sure := _missing(run, text, known, over, taken))
    }
    document = replace(base, sections=_rebuilt(base, other, kept, filled, over))
    return document, sum(map(len, filled.values())), len(kept)


def _laid_beside(ours: Sequence[_At], theirs: Sequence[_At]) -> list[_Pair]:
    """Return every word of both readings, in order: beside its like, or alone."""
    keys, their_keys = [_key(at.word) for at in ours], [_key(at.word) for at in theirs]
    beside: list[_Pair] = []
    for step in Levenshtein.opcodes(keys, their_keys):
        run = ours[step.src_start : step.src_end]
        their_run = theirs[step.dest_start : step.dest_end]
        if step.tag == "equal":
            beside += zip(run, their_run, strict=True)
        else:
            # A run of replacements often holds one lost word and several alike ones.
            beside += _paired(run, their_run)
    return beside


def _gaps(beside: Sequence[_Pair]) -> Iterator[tuple[Address | None, list[_At]]]:
    """Yield runs that only the other picture has, and the word of ours that each stands behind.

    Only those between two words that both have, which in ours follow one another: of anything
    else nobody can say where it belongs, and a misplaced "twice a day" is worse than none.
    """
    start = 0
    for number in range(len(beside) + 1):
        if number < len(beside) and beside[number][0] is None:
            continue
        run = [their for _, their in beside[start:number] if their is not None]
        before = beside[start - 1] if start else None
        after = beside[number] if number < len(beside) else None
        if run and all(side is None or _is_one_word(*side) for side in (before, after)):
            yield (before[0].place if before is not None and before[0] is not None else None), run
        start = number + 1


def _is_one_word(mine: _At | None, theirs: _At | None) -> bool:
    if mine is None or theirs is None:
        return False
    return fuzz.ratio(_key(mine.word), _key(theirs.word)) >= _ALIKE


def _is_surer(mine: _At, theirs: _At, known: Counter[str]) -> bool:
    """Say whether the other picture's reading of a plain word is the better one."""
    word, other = mine.word, theirs.word
    if holds_figure(word.text) or holds_figure(other.text):
        return False
    as_known = known[_key(other)] >= known[_key(word)]
    sure = other.confidence >= _FILL_CONFIDENCE
    # In scripts without spaces a "word" that is shorter has lost a character.
    whole = other.text.isascii() or len(other.text) >= len(word.text)
    return as_known and sure and whole and other.confidence > word.confidence + _SURER


def _beside_numbers(document: Document) -> frozenset[Address]:
    """Return where numbers stand, and the words beside them: a unit may be one of these."""
    found: set[Address] = set()
    for s, section in enumerate(document.sections):
        for p, paragraph in enumerate(section.paragraphs):
            for n, sentence in enumerate(paragraph.sentences):
                for number in numbers_in(sentence):
                    words = words_of(sentence, number)
                    found |= {(s, p, n, w) for w in range(words.start - 1, words.stop + 1)}
    return frozenset(found)


# -- numbers ---------------------------------------------------------------------------------------


def _certain(document: Document) -> Counter[str]:
    return Counter(canonical(n.text) for _, n in numbers_of(document) if n.is_certain)


def _doubtful(document: Document) -> frozenset[str]:
    return frozenset(
        canonical(reading)
        for _, number in numbers_of(document)
        if not number.is_certain
        for reading in number.readings
    )


def _guarded(merged: Document, *pictures: Document) -> Document:
    """Put every number in doubt that is certain in none of the pictures.

    Nothing above should make one; this makes sure of it, whatever stands beside what now.
    """
    known = frozenset().union(*(_certain(picture) for picture in pictures))
    if _certain(merged).keys() <= known:
        return merged
    return replace(
        merged,
        sections=tuple(
            replace(
                section,
                paragraphs=tuple(
                    replace(
                        paragraph,
                        sentences=tuple(_doubted(s, known) for s in paragraph.sentences),
                    )
                    for paragraph in section.paragraphs
                ),
            )
            for section in merged.sections
        ),
    )


def _doubted(sentence: Sentence, known: frozenset[str]) -> Sentence:
    words = list(sentence.words)
    for number in numbers_in(sentence):
        if number.is_certain and canonical(number.text) not in known:
            for at in words_of(sentence, number):
                words[at] = replace(words[at], second=None)
    return replace(sentence, words=tuple(words))


# -- words -----------------------------------------------------------------------------------------


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


def _mean_confidence(words: Sequence[_At]) -> float:
    return sum(at.word.confidence for at in words) / max(1, len(words))


# -- alignment -------------------------------------------------------------------------------------


def _paired(ours: Sequence[_At], theirs: Sequence[_At]) -> list[_Pair]:
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
    pairs: list[_Pair] = []
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


def _missing(
    run: Sequence[_At], text: str, known: Counter[str], over: Overlay, taken: Occupied
) -> tuple[_At, ...]:
    """Return the sure words of a run that the first picture lost; none where it is junk."""
    sure = tuple(at for at in run if at.word.confidence >= _FILL_CONFIDENCE)
    if len(sure) < _FILL_WORDS or 2 * len(sure) < len(run):
        return ()
    # Specks read as letters, and ends of words that the other reading has whole.
    whole = [at for at in sure if known[_key(at.word)] > 1 or len(_key(at.word)) > 3]
    if 2 * len(whole) < len(sure):
        return ()
    if fuzz.partial_ratio(" ".join(_key(at.word) for at in sure), text) >= _MOVED:
        return ()
    # Where the first picture has words of its own, these are another reading of them.
    boxes = [over.box(at.word.box) for at in sure]
    return sure if over.is_known and taken.share(boxes) <= _FILL_TAKEN else ()


# -- the tree --------------------------------------------------------------------------------------


def _rebuilt(
    base: Document,
    other: Document,
    kept: dict[Address, Word],
    filled: dict[Address | None, tuple[_At, ...]],
    over: Overlay,
) -> tuple[Section, ...]:
    """Put the words back into the base's tree; whole paragraphs of the other keep their own."""
    sections: list[Section] = []
    head = filled.get(None, ())
    for s, section in enumerate(base.sections):
        paragraphs: list[Paragraph] = []
        for p, paragraph in enumerate(section.paragraphs):
            sentences: list[Sentence] = []
            behind: list[Paragraph] = []
            for n, sentence in enumerate(paragraph.sentences):
                words: list[Word] = []
                if head:
                    own, rest = _parted(other, head)
                    words += [over.word(at.word) for at in own]
                    paragraphs += [over.paragraph(found) for found in rest]
                    head = ()
                for w, word in enumerate(sentence.words):
                    place = (s, p, n, w)
                    words.append(kept.get(place, word))
                    own, rest = _parted(other, filled.get(place, ()))
                    words += [over.word(at.word) for at in own]
                    behind += [over.paragraph(found) for found in rest]
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
