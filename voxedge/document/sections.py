"""Finding the part of a document that a person names: "dosage", "side effects", "expiry". Pure.

A topic knows how headings name it and, for what has no heading of its own (an expiry date), the
words that stand beside it. The English headings are those of the European leaflet template (QRD,
sections 1 to 6) and of the American Drug Facts label (21 CFR 201.66), and common variants.

A wrong part is worse than none: "dose" never leads to what to do after an overdose or a missed
dose, which a naive fuzzy search prefers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from voxedge.document.cursor import Cursor, Outline, Unit
from voxedge.document.find import SIMILAR, similarity, tokens


class Via(Enum):
    """How a part was found: tells how surely it is the one that was meant."""

    HEADING = "heading"
    """A heading of the topic."""
    LINE = "line"
    """A line of its own that reads like such a heading, though it was not printed as one."""
    BODY = "body"
    """Words of the topic in running text; there was no such heading."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that people ask of a leaflet.

    Attributes:
        name: canonical name, spoken.
        asked: other names people say for it.
        headings: phrases in headings; ``*`` stands for one to three words (a medicine's name).
        body: phrases in running text, tried where no heading is found.
        never: words in a heading that rule the topic out.
    """

    name: str
    asked: tuple[str, ...]
    headings: tuple[str, ...]
    body: tuple[str, ...] = ()
    never: frozenset[str] = frozenset()


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


_NOT_THE_DOSE = frozenset(
    {"overdose", "overdosage", "forget", "forgot", "forgotten", "missed", "miss", "more", "too"}
    | {"stop", "stopping"}
)

ENGLISH: tuple[Topic, ...] = (
    Topic(
        "dosage",
        ("dose", "doses", "how much", "how to take", "how to use", "directions", "posology"),
        (
            "dosage",
            "dose",
            "recommended dose",
            "how to take",
            "how to use",
            "how to give",
            "how is * given",
            "how * is given",
            "how should i take",
            "directions",
            "directions for use",
            "dosage and administration",
            "posology",
        ),
        ("recommended dose", "starting dose", "usual dose", "the dose is"),
        _NOT_THE_DOSE,
    ),
    Topic(
        "missed dose",
        ("forgotten dose", "i forgot", "if i forget", "forgot to take"),
        ("if you forget to take", "if you forget to use", "if you miss a dose", "missed dose"),
        ("forget to take", "miss a dose", "forgotten dose"),
    ),
    Topic(
        "overdose",
        ("too much", "overdosage", "if i take too much", "took too much"),
        (
            "overdose",
            "overdosage",
            "if you take more",
            "if you use more",
            "if you have taken too much",
        ),
        ("if you take more", "if you use more", "overdose", "taken too much"),
    ),
    Topic(
        "side effects",
        ("side effect", "adverse reactions", "undesirable effects", "adverse effects"),
        (
            "side effects",
            "possible side effects",
            "undesirable effects",
            "adverse reactions",
            "adverse effects",
        ),
        ("side effects", "stop use and ask a doctor"),
        frozenset({"reporting"}),
    ),
    Topic(
        "storage",
        ("how to store", "store", "keeping it", "how to keep"),
        ("storage", "how to store", "storing", "storage conditions", "how should i store"),
        ("do not store above", "store below", "store between", "store at", "store in"),
    ),
    Topic(
        "expiry",
        ("expiry date", "expiration", "expiration date", "use by", "best before", "exp"),
        ("expiry date", "expiry", "expiration date", "use by", "best before"),
        ("exp", "expiry date", "expiration date", "use before", "use by", "best before"),
    ),
    Topic(
        "warnings",
        ("warning", "precautions", "cautions", "what should i know before"),
        (
            "warnings",
            "warning",
            "warnings and precautions",
            "precautions",
            "what you need to know before",
            "before you take",
            "before you use",
        ),
        ("take special care", "talk to your doctor", "warning"),
    ),
    Topic(
        "who must not take it",
        ("contraindications", "do not take", "do not use", "who should not take it"),
        ("do not take", "do not use", "contraindications", "who should not"),
        ("do not take", "do not use"),
    ),
    Topic(
        "ingredients",
        ("contents", "active ingredient", "what is in it", "composition", "what it contains"),
        (
            "ingredients",
            "active ingredient",
            "active ingredients",
            "what * contains",
            "composition",
            "contents of the pack",
        ),
        ("active substance", "active ingredient", "contains"),
        frozenset({"inactive"}),
    ),
    Topic(
        "inactive ingredients",
        ("other ingredients", "excipients", "allergens"),
        ("inactive ingredients", "other ingredients", "excipients"),
        ("other ingredients", "excipients"),
        frozenset({"active"}),
    ),
    Topic(
        "interactions",
        ("interaction", "other medicines", "alcohol", "food and drink"),
        (
            "interactions",
            "other medicines and",
            "taking other medicines",
            "drug interactions",
            "with food and drink",
        ),
        ("other medicines",),
    ),
    Topic(
        "pregnancy",
        ("pregnant", "breast feeding", "breastfeeding"),
        ("pregnancy", "pregnancy and breast feeding", "if pregnant or breast feeding"),
        ("pregnant", "breast feeding"),
    ),
    Topic(
        "driving",
        ("driving and using machines", "can i drive", "machines"),
        ("driving", "driving and using machines"),
        ("drive", "driving"),
    ),
    Topic(
        "children",
        ("child", "use in children", "adolescents"),
        ("children", "children and adolescents", "use in children"),
        ("children",),
    ),
    Topic(
        "purpose",
        ("use", "uses", "what it is for", "what is it for", "indications", "what is it"),
        ("what * is and what it is used for", "purpose", "uses", "use", "indications"),
        ("is used to", "is used for"),
    ),
    Topic(
        "manufacturer",
        ("maker", "who makes it", "company", "marketing authorisation holder"),
        ("manufacturer", "marketing authorisation holder", "distributed by"),
        ("manufacturer", "manufactured by", "marketing authorisation holder", "distributed by"),
    ),
)
"""What people ask of leaflets and labels, in English."""


def find_section(
    outline: Outline, name: str, topics: tuple[Topic, ...] = ENGLISH
) -> SectionMatch | None:
    """Return where the named part begins, None where nothing is surely it.

    A heading of the topic wins, then any heading with the very words asked for, then the topic's
    words in running text, told apart by ``via``.

    Args:
        outline: of the document.
        name: as a person says it: "the side effects", "dose", "how to store it".
        topics: of the document's language.
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
            yield Cursor(start), title, tokens(title)


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
    sentences = [tokens(sentence.text) for sentence in outline.sentences]
    for phrase in (tokens_of(phrase) for phrase in topic.body):
        for number, words in enumerate(sentences):
            holds = any(words[i : i + len(phrase)] == phrase for i in range(len(words)))
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
