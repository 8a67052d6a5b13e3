"""From what was read to what is said: document to lines, in reading order.

Works a section at a time, because recognition goes on while the first section is being spoken.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voxedge.document.model import Role
from voxedge.flow import Utterance, VoiceKind
from voxedge.speech.clauses import cut_first_clause, cut_long, cut_printed
from voxedge.speech.doubt_words import speaks
from voxedge.speech.doubts import Doubted, with_doubts, without_doubts
from voxedge.speech.lines import Line, Place
from voxedge.text import normalise, pause_after_ms, split_sentences

if TYPE_CHECKING:
    from voxedge.document.model import Document, Paragraph, Section
    from voxedge.text import Lexicon


@dataclass(frozen=True, slots=True)
class Style:
    """How it is said.

    Attributes:
        language: BCP 47 tag.
        rate: 0.5 to 3.0; pauses shrink with it.
        kind: which voice.
        lexicon: the user's respellings.
        seed: of the voice's noise.
    """

    language: str = "en"
    rate: float = 1.0
    kind: VoiceKind = VoiceKind.NATURAL
    lexicon: Lexicon | None = None
    seed: int = 0


class Planner:
    """Plans one reading; the first utterance of all is cut at a clause. Pure but for its count.

    Args:
        style: how it is said.
    """

    def __init__(self, style: Style | None = None) -> None:
        self._style = style or Style()
        self._sections = 0
        self._begun = False
        self._told_unchecked = False

    def section(self, section: Section, start: Place | None = None) -> Iterator[Line]:
        """Plan the next section, sentence by sentence: the text work of one at a time.

        Args:
            section: its text.
            start: where to begin; the places that follow count from its section on.
        """
        start = start or Place(self._sections, 0, 0)
        self._sections = start.section + 1
        for index, paragraph in enumerate(section.paragraphs):
            if index < start.paragraph:
                continue
            first = start.sentence if index == start.paragraph else 0
            yield from self._paragraph(
                self._doubted(paragraph, first),
                Place(start.section, index, first),
                is_heading=_is_heading(paragraph),
            )

    def text(self, text: str) -> Iterator[Line]:
        """Plan plain text; a blank line ends a paragraph."""
        number = self._sections
        self._sections += 1
        for index, paragraph in enumerate(_paragraphs(text)):
            sentences = split_sentences(paragraph, self._style.language)
            certain = (without_doubts(sentence, self._style.language) for sentence in sentences)
            yield from self._paragraph(certain, Place(number, index, 0), is_heading=False)

    def _doubted(self, paragraph: Paragraph, first: int) -> Iterator[Doubted]:
        for number, sentence in enumerate(paragraph.sentences[first:], start=first):
            yield with_doubts(sentence, self._style.language, starts_paragraph=number == 0)

    def _paragraph(
        self, sentences: Iterable[Doubted], place: Place, *, is_heading: bool
    ) -> Iterator[Line]:
        held: Line | None = None
        asks = True
        for index, sentence in enumerate(sentences, start=place.sentence):
            here = replace(place, sentence=index)
            said = itertools.chain.from_iterable(
                self._sentence(piece, here, is_heading=is_heading)
                for piece in cut_printed(sentence.printed)
            )
            for line in _with_remarks(said, self._remarks(sentence, here, asks=asks)):
                if held is not None:
                    yield held
                held = line if sentence.is_certain else replace(line, certain=False)
            asks = asks and not sentence.explained
        if held is not None:
            yield self._as_last(held, is_heading=is_heading)

    def _sentence(self, printed: str, place: Place, *, is_heading: bool) -> Iterator[Line]:
        style = self._style
        said = normalise(printed, language=style.language, lexicon=style.lexicon)
        pieces = cut_long(said.text)
        if pieces and not self._begun:
            self._begun = True
            first, rest = cut_first_clause(pieces[0])
            pieces = [first, rest, *pieces[1:]] if rest else pieces
        for index, piece in enumerate(pieces):
            pause_ms = pause_after_ms(
                piece, is_paragraph_end=False, is_heading=is_heading, rate=style.rate
            )
            yield Line(
                Utterance(
                    text=piece,
                    language=style.language,
                    kind=style.kind,
                    rate=style.rate,
                    pause_after_ms=pause_ms,
                    seed=style.seed,
                ),
                ends_sentence=index + 1 == len(pieces),
                place=place,
                certain=said.certain,
            )

    def _remarks(self, sentence: Doubted, place: Place, *, asks: bool) -> list[Line]:
        """Return what is said of a sentence's numbers; once a paragraph with what helps."""
        words = sentence.words
        texts = []
        if sentence.explained:
            helps = f" {words.another_picture}" if asks else ""
            texts.append(f"{sentence.explained}{helps}")
        if not sentence.is_checked and not speaks(self._style.language):
            # Nothing in the sentence itself says so.
            texts.append(words.not_checked_here)
        elif not sentence.is_checked and not self._told_unchecked:
            self._told_unchecked = True
            texts.append(words.not_checked)
        style = replace(self._style, language=words.language, lexicon=None)
        return [
            line
            for text in texts
            for line in Planner(style)._sentence(text, place, is_heading=False)
        ]

    def _as_last(self, line: Line, *, is_heading: bool) -> Line:
        pause_ms = pause_after_ms(
            line.utterance.text,
            is_paragraph_end=True,
            is_heading=is_heading,
            rate=self._style.rate,
        )
        # A notice put in between a heading and its text would tear them apart.
        return replace(
            line,
            utterance=replace(line.utterance, pause_after_ms=pause_ms),
            ends_paragraph=not is_heading,
        )


def _with_remarks(said: Iterable[Line], remarks: list[Line]) -> Iterator[Line]:
    """Put remarks behind a sentence, as its end: who repeats the sentence hears them again."""
    if not remarks:
        yield from said
        return
    for line in (*said, *remarks):
        is_last = line is remarks[-1]
        yield replace(line, ends_sentence=is_last)


def plan_document(document: Document, style: Style | None = None) -> Iterator[Line]:
    """Plan everything that was read."""
    planner = Planner(style)
    for section in document.sections:
        yield from planner.section(section)


async def plan_sections(
    sections: AsyncIterable[Iterable[Section]], style: Style | None = None
) -> AsyncIterator[Line]:
    """Plan sections as they are recognised (``PageReader.read_progressively``)."""
    planner = Planner(style)
    async for batch in sections:
        for section in batch:
            for line in planner.section(section):
                yield line


def plan_text(text: str, style: Style | None = None) -> Iterator[Line]:
    """Plan plain text (``voxedge say``)."""
    return Planner(style).text(text)


def _is_heading(paragraph: Paragraph) -> bool:
    return paragraph.role is Role.HEADING


def _paragraphs(text: str) -> Iterator[str]:
    held: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.strip():
            held.append(line)
        elif held:
            yield "".join(held)
            held = []
    if held:
        yield "".join(held)
