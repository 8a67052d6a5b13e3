"""The page of a report: HTML that stands alone, without scripts and without addresses."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from voxedge.document.model import Document, Paragraph, Role, Sentence
from voxedge.document.numbers import NumberReading, numbers_of
from voxedge.report.draw import (
    CERTAIN,
    DOUBTFUL,
    POOR,
    SURE,
    SURE_FROM,
    UNSURE,
    UNSURE_FROM,
    Colour,
    number_colours,
)

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { border: 1px solid #8888; padding: .3rem .6rem; text-align: left; vertical-align: top; }
figure { margin: 1.5rem 0; }
figure img { max-width: 100%; max-height: 90vh; border: 1px solid #8888; background: #fff; }
figcaption { font-weight: 600; }
.warning { border: 2px solid #d55e00; padding: .5rem 1rem; }
.strips { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; }
.strips figure { margin: 0; }
.text { font: 18px/1.7 Georgia, serif; }
.text .w { border-bottom: .2em solid; }
.key span { display: inline-block; width: 1.2em; height: 1.2em; vertical-align: -0.25em; }
.key li { list-style: none; margin: .2rem 0; }
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One picture: its name among the files, its caption, its bytes."""

    name: str
    caption: str
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class PagePart:
    """What the report has of one page.

    Attributes:
        number: from 0.
        source: the picture's file.
        angle_deg: skew that was taken away.
        scores: for each region, letters in believable words, and letters in all.
        figures: pictures of the steps.
    """

    number: int
    source: str
    angle_deg: float
    scores: tuple[tuple[int, int], ...]
    figures: tuple[Figure, ...]


def report_html(
    document: Document | None,
    parts: tuple[PagePart, ...],
    failures: tuple[str, ...],
    timings_ms: Mapping[str, float],
    version: str,
) -> str:
    """Return the page."""
    language = document.language if document is not None else "en"
    body = "\n".join(
        [
            "<h1>How the page was read</h1>",
            '<p class="warning">This file holds the text and the pictures of what was read. Show '
            "it only to people whom you would show the paper.</p>",
            *_summary(document, failures, timings_ms, version),
            _key(),
            *(_numbers(document) if document is not None else ()),
            *(line for part in parts for line in _page(part, document)),
            *(_text(document) if document is not None else ()),
        ]
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>How the page was read</title>\n<style>{_STYLE}</style>\n</head>\n"
        f'<body data-language="{escape(language)}">\n{body}\n</body>\n</html>\n'
    )


def _summary(
    document: Document | None,
    failures: tuple[str, ...],
    timings_ms: Mapping[str, float],
    version: str,
) -> Iterator[str]:
    rows = [("voxedge", version)]
    if document is not None:
        numbers = [number for _, number in numbers_of(document)]
        doubtful = sum(not number.is_certain for number in numbers)
        rows += [
            ("Reader", document.engine),
            ("Language", document.language),
            ("Pages", str(len(document.pages))),
            ("Words", str(sum(1 for _ in _words(document)))),
            ("Numbers", f"{len(numbers)}, {doubtful} of them in doubt"),
        ]
    rows += [(name.replace("_", " "), f"{value:.0f} ms") for name, value in timings_ms.items()]
    rows += [("Failed", sentence) for sentence in failures]
    yield "<table>"
    yield from (f"<tr><th>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in rows)
    yield "</table>"


def _words(document: Document) -> Iterator[str]:
    for paragraph in document.paragraphs:
        for sentence in paragraph.sentences:
            yield from (word.text for word in sentence.words)


def _key() -> str:
    meanings = (
        (SURE, f"word, confidence {SURE_FROM:.1f} and more"),
        (UNSURE, f"word, {UNSURE_FROM:.1f} to {SURE_FROM:.1f}"),
        (POOR, f"word, below {UNSURE_FROM:.1f}"),
        (CERTAIN, "number on which two readers agree"),
        (DOUBTFUL, "number in doubt, never spoken as certain; a heading, where blocks are shown"),
    )
    items = "".join(
        f'<li><span style="background:{_css(colour)}"></span> {escape(meaning)}</li>'
        for colour, meaning in meanings
    )
    return f'<h2>Colours</h2>\n<ul class="key">{items}</ul>'


def _numbers(document: Document) -> Iterator[str]:
    found = list(numbers_of(document))
    if not found:
        return
    yield "<h2>Numbers</h2>\n<table>"
    yield "<tr><th>number</th><th>certainty</th><th>readings</th><th>sentence</th></tr>"
    for sentence, number in found:
        yield f"<tr>{_number_cells(sentence, number)}</tr>"
    yield "</table>"


def _number_cells(sentence: Sentence, number: NumberReading) -> str:
    colour = CERTAIN if number.is_certain else DOUBTFUL
    readings = ", ".join(number.readings)
    checked = "" if number.is_checked else " (nobody checked it)"
    return (
        f'<td>{escape(number.text)}</td><td style="border-left:.5rem solid {_css(colour)}">'
        f"{number.certainty.value}{checked}</td><td>{escape(readings)}</td>"
        f"<td>{escape(sentence.text)}</td>"
    )


def _page(part: PagePart, document: Document | None) -> Iterator[str]:
    yield f"<h2>Page {part.number + 1}</h2>"
    turned = document.pages[part.number].rotation if document is not None else 0
    facts = [
        f"{escape(part.source)}: turned by {turned} degrees, skew {part.angle_deg:.1f} degrees"
    ]
    facts += [
        f"region {at}: {good} of {total} letters in believable words"
        for at, (good, total) in enumerate(part.scores, start=1)
    ]
    yield "<ul>" + "".join(f"<li>{fact}</li>" for fact in facts) + "</ul>"
    strips = [figure for figure in part.figures if figure.name.startswith("region-")]
    whole = [figure for figure in part.figures if figure not in strips]
    for figure in whole[:2]:
        yield _figure(figure)
    if strips:
        yield '<div class="strips">' + "".join(map(_figure, strips)) + "</div>"
    for figure in whole[2:]:
        yield _figure(figure)


def _figure(figure: Figure) -> str:
    address = f"data:image/jpeg;base64,{base64.b64encode(figure.jpeg).decode('ascii')}"
    caption = escape(figure.caption)
    return (
        f'<figure><figcaption>{caption}</figcaption><img src="{address}" alt="{caption}"></figure>'
    )


def _text(document: Document) -> Iterator[str]:
    yield f'<h2>Text, in reading order</h2>\n<div class="text" lang="{escape(document.language)}">'
    for number, paragraph in enumerate(document.paragraphs, start=1):
        tag = "h3" if paragraph.role is Role.HEADING else "p"
        yield f"<{tag}><small>{number}</small> {_coloured(paragraph)}</{tag}>"
    yield "</div>"


def _coloured(paragraph: Paragraph) -> str:
    sentences = []
    for sentence in paragraph.sentences:
        numbers = number_colours(sentence)
        words = []
        for at, word in enumerate(sentence.words):
            text = escape(word.text)
            colour = numbers.get(at) or _mark(word.confidence)
            title = f"confidence {word.confidence:.2f}"
            if word.second is not None:
                title += f", second reader: {word.second or 'nothing'}"
            if colour is None:
                words.append(f'<span title="{escape(title)}">{text}</span>')
            else:
                words.append(
                    f'<span class="w" style="border-color:{_css(colour)}" '
                    f'title="{escape(title)}">{text}</span>'
                )
        sentences.append(sentence.joiner.join(words))
    return paragraph.joiner.join(sentences)


def _mark(confidence: float) -> Colour | None:
    if confidence >= SURE_FROM:
        return None
    return UNSURE if confidence >= UNSURE_FROM else POOR


def _css(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
