"""Finding the part of a document that a person names: "dosage", "side effects", "expiry". Pure.

A topic (``voxedge.document.topics``) knows how headings name it and, for what has no heading of its
own (an expiry date), the words that stand beside it.

A wrong part is worse than none: "dose" never leads to what to do after an overdose or a missed
dose, which a naive fuzzy search prefers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from voxedge.document.cursor import Cursor, Outline, Unit
from voxedge.document.find import SIMILAR, fold, has_no_word_ends, similarity, tokens
from voxedge.document.headings import chinese_title
from voxedge.document.topics import TOPICS, Topic


class Via(Enum):
    """How a part was found: tells how surely it is the one that was meant."""

    HEADING = "heading"
    """A heading of the topic."""
    LINE = "line"
    """A line of its own that reads like such a heading, though it was not printed as one."""
    BODY = "body"
    """Words of the topic in running text; there was no such heading."""


@dataclass(frozen=True, slots=True)
class SectionMatch:
    """Where a named part begins.

    Attributes:
        cursor: the first word of the heading, or of the sentence that names it.
        title: the heading as printed, or the topic's name where the text has no heading.
        via: how it was found.
    """

    cursor: Cursor
    title: str
    via: Via


def find_section(
    outline: Outline, name: str, topics: tuple[Topic, ...] = TOPICS
) -> SectionMatch | None:
    """Return where the named part begins, None where nothing is surely it.

    A heading of the topic wins, then any heading with the very words asked for, then the topic's
    words in running text, told apart by ``via``.

    Args:
        outline: of the document.
        name: as a person says it: "the side effects", "dose", "how to store it".
        topics: what may be meant; they know the languages of the document and of the person.
    """
    wanted = _asked(name)
    if not wanted or not outline.words:
        return None
    topic = _topic(wanted, topics)
    if topic is None:
        return _best_heading(outline, (wanted,), frozenset())
    phrases = tuple(tokens_of(phrase) for phrase in topic.headings)
    return (
        _best_heading(outline, phrases, topic.never)
        or _heading_line(outline, phrases, topic.never)
        or _in_body(outline, topic)
    )


def list_headings(outline: Outline) -> tuple[tuple[Cursor, str], ...]:
    """Return every heading with its place, in reading order."""
    return tuple((cursor, title) for cursor, title, _ in _headings(outline))


def tokens_of(phrase: str) -> tuple[str, ...]:
    """Return the folded words of a topic's phrase, with ``*`` kept."""
    return tuple(t for part in phrase.split() for t in (("*",) if part == "*" else tokens(part)))


def _headings(outline: Outline) -> Iterator[tuple[Cursor, str, tuple[str, ...]]]:
    for title, start in zip(outline.headings, outline.starts[Unit.SECTION], strict=True):
        if title is not None:
            chinese = chinese_title("".join(title.split()))
            # A misread ideograph is a quarter of a title: the table of titles mends it.
            yield Cursor(start), title, (chinese[0],) if chinese else tokens(title)


def _best_heading(
    outline: Outline, phrases: tuple[tuple[str, ...], ...], never: frozenset[str]
) -> SectionMatch | None:
    """Return the first heading that holds a phrase and has text under it.

    A leaflet lists its headings at the top, and each line of that list may look like a heading:
    those have no text of their own and come before the real ones. Equal letters win over near
    ones: "active" is nearly "inactive".
    """
    headings = [h for h in _headings(outline) if not never & set(h[2])]
    for likeness in (1.0, SIMILAR):
        found = [
            SectionMatch(cursor, title, Via.HEADING)
            for cursor, title, words in headings
            if any(_holds(words, phrase, likeness) for phrase in phrases)
        ]
        if found:
            with_text = [match for match in found if _has_text(outline, match.cursor)]
            return with_text[0] if with_text else _unless_listed(outline, found[-1])
    return None


def _heading_line(
    outline: Outline, phrases: tuple[tuple[str, ...], ...], never: frozenset[str]
) -> SectionMatch | None:
    """Return the last short line that begins as a heading of the topic does, its number aside.

    Numbered headings may come from the page as items of a list. The last one: the list of
    contents comes first. One word alone ("use", "dose") begins too many sentences to be trusted.
    """
    for number in reversed(range(len(outline.sentences))):
        words = tokens(outline.sentences[number].text)
        if never & set(words) or len(words) > _HEADING_WORDS:
            continue
        bare = words[1:] if words and words[0].isdigit() else words
        if any(len(phrase) > 1 and _fits(bare, phrase, SIMILAR) for phrase in phrases):
            cursor = outline.sentence_cursor(number)
            if outline.start(cursor, Unit.PARAGRAPH) == cursor:
                match = SectionMatch(cursor, outline.sentences[number].text, Via.LINE)
                return _unless_listed(outline, match)
    return None


_HEADING_WORDS = 12


def _unless_listed(outline: Outline, match: SectionMatch) -> SectionMatch | None:
    """Return the match, None if the line after it counts on: it stands in a list of contents."""
    here = outline.number(match.cursor, Unit.SENTENCE)
    if here + 1 >= len(outline.sentences):
        return match
    first, after = (tokens(outline.sentences[n].text)[:1] for n in (here, here + 1))
    numbered = [int(t[0]) for t in (first, after) if t and t[0].isdecimal() and len(t[0]) < 4]
    return None if len(numbered) == 2 and numbered[1] == numbered[0] + 1 else match


def _has_text(outline: Outline, heading: Cursor) -> bool:
    return len(outline.span(heading, Unit.SECTION)) > len(outline.span(heading, Unit.PARAGRAPH))


def _in_body(outline: Outline, topic: Topic) -> SectionMatch | None:
    """Return the first sentence that holds one of the topic's phrases, better phrases first."""
    sentences = [(fold(s.text), tokens(s.text)) for s in outline.sentences]
    for phrase in topic.body:
        wanted = tokens_of(phrase)
        for number, (text, words) in enumerate(sentences):
            if has_no_word_ends(phrase):
                holds = fold(phrase) in text
            else:
                holds = any(words[i : i + len(wanted)] == wanted for i in range(len(words)))
            if holds and not topic.never & set(words):
                return SectionMatch(outline.sentence_cursor(number), topic.name, Via.BODY)
    return None


_FILLERS = frozenset(
    {"the", "a", "an", "of", "this", "it", "my", "section", "part", "about", "what", "is", "are"}
)


def _asked(name: str) -> tuple[str, ...]:
    """Return the words of a name without the small ones around it: "the dose of this"."""
    words = tokens(name)
    start, end = 0, len(words)
    while start < end and words[start] in _FILLERS:
        start += 1
    while end > start and words[end - 1] in _FILLERS:
        end -= 1
    return words[start:end] or words


def _topic(wanted: tuple[str, ...], topics: tuple[Topic, ...]) -> Topic | None:
    """Return the topic whose names are most like what was asked, None where none is like it."""
    best, best_score = None, SIMILAR
    asked = " ".join(wanted)
    for topic in topics:
        for name in (topic.name, *topic.asked):
            score = similarity(asked, " ".join(_asked(name)))
            if score > best_score or (best is None and score >= best_score):
                best, best_score = topic, score
    return best


def _holds(words: tuple[str, ...], phrase: tuple[str, ...], likeness: float) -> bool:
    """Tell whether a heading holds the phrase; ``*`` stands for one to three words."""
    return any(_fits(words[start:], phrase, likeness) for start in range(len(words)))


def _fits(words: tuple[str, ...], phrase: tuple[str, ...], likeness: float) -> bool:
    if not phrase:
        return True
    if phrase[0] == "*":
        rests = (words[taken:] for taken in (1, 2, 3) if taken <= len(words))
        return any(_fits(rest, phrase[1:], likeness) for rest in rests)
    if not words or similarity(words[0], phrase[0]) < likeness:
        return False
    return _fits(words[1:], phrase[1:], likeness)
