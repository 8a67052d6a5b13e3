"""What is said of single words and headings, without a doubtful number passing for a certain one.

Sentences that are read go through ``voxedge.speech.planner``; whatever else speaks words of the
page goes through here. Pure.
"""

from __future__ import annotations

from voxedge.document.cursor import Cursor, Unit
from voxedge.document.model import Paragraph
from voxedge.document.numbers import NumberReading, words_of
from voxedge.reader.book import Book
from voxedge.reader.conversation.effects import Say, say
from voxedge.speech.doubt_words import doubt_words, speaks
from voxedge.speech.doubts import certain_text, doubt_at, doubtful_numbers, may_be, with_doubts
from voxedge.text import spell


def told_word(book: Book, cursor: Cursor) -> Say:
    """Return what is said of the word at the cursor when it is asked for alone."""
    word = book.outline.words[book.outline.clamp(cursor).word].text
    number = doubt_under(book, cursor)
    if number is None:
        return say("word", word=word)
    if not number.is_checked:
        return say("unchecked_word", word=word)
    return say("doubtful_word", readings=may_be(number, doubt_words(book.document.language)))


def doubt_under(book: Book, cursor: Cursor) -> NumberReading | None:
    """Return the doubtful number that the word at the cursor belongs to, None where it is sure."""
    sentence = book.outline.sentence_at(cursor)
    if sentence is None:
        return None
    first = book.outline.start(cursor, Unit.SENTENCE).word
    at = book.outline.clamp(cursor).word - first
    return doubt_at(sentence, at, starts_paragraph=_starts_paragraph(book, cursor))


def told_run(book: Book, first: Cursor, last: Cursor) -> str:
    """Return a run of words as it is said amid a message: doubtful numbers are named as such."""
    language = book.document.language
    sentence = book.outline.sentence_at(first)
    pieces: list[str] = []
    for number in range(first.word, last.word + 1):
        doubted = doubt_under(book, Cursor(number)) is not None
        piece = doubt_words(language).unsure if doubted else book.outline.words[number].text
        # A number and its unit are two words and one doubt.
        if not (doubted and pieces and pieces[-1] == piece):
            pieces.append(piece)
    return (sentence.joiner if sentence is not None else " ").join(pieces)


def told_heading(book: Book, cursor: Cursor) -> str | None:
    """Return the heading of the cursor's section as it is said; None where it has none."""
    if book.empty:
        return None
    section = book.document.sections[book.spot(cursor).section]
    if section.heading is None:
        return None
    return _told_paragraph(section.paragraphs[0], book.document.language)


def spelled_sentence(book: Book, cursor: Cursor) -> tuple[tuple[str, ...], ...]:
    """Return the names of the letters of each word; a doubtful number is named as one instead."""
    sentence = book.outline.sentence_at(cursor)
    if sentence is None:
        return ()
    language = book.document.language
    starts = _starts_paragraph(book, cursor)
    doubts = doubtful_numbers(sentence, starts_paragraph=starts)
    hidden = {at: number for number in doubts for at in words_of(sentence, number)}
    names: list[tuple[str, ...]] = []
    told: list[NumberReading] = []
    for at, word in enumerate(sentence.words):
        number = hidden.get(at)
        if number is None:
            names.append(tuple(spell(word.text, language)))
        elif number not in told:
            told.append(number)
            names.append((doubt_words(language).unsure,))
    return tuple(names)


def _told_paragraph(paragraph: Paragraph, language: str) -> str:
    return paragraph.joiner.join(
        # Without words for doubts the sentence would have the unchecked number as it stands.
        with_doubts(sentence, language, starts_paragraph=number == 0).printed
        if speaks(language)
        else certain_text(sentence, starts_paragraph=number == 0)
        for number, sentence in enumerate(paragraph.sentences)
    )


def _starts_paragraph(book: Book, cursor: Cursor) -> bool:
    outline = book.outline
    return outline.start(cursor, Unit.SENTENCE) == outline.start(cursor, Unit.PARAGRAPH)
