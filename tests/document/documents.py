"""Documents for the tests of this room: written out as text, or drawn by hypothesis."""

import re

from hypothesis import strategies as st

from voxedge.document.model import (
    Box,
    Code,
    Document,
    Page,
    Paragraph,
    Role,
    Section,
    Sentence,
    Word,
)

_BOX = Box(0, 0, 10, 10)


def sentence(text: str, page: int = 0, joiner: str = " ") -> Sentence:
    """Return a sentence of the words of a text (of its letters where they are not parted)."""
    parts = text.split() if joiner else list(text)
    return Sentence(tuple(Word(part, _BOX, 0.9, page) for part in parts), joiner)


def document(text: str, joiner: str = " ") -> Document:
    """Return a document: "# Heading" opens a section, "---" a page, each line is a paragraph.

    Sentences end with a full stop that stands not after a number.
    """
    sections: list[Section] = []
    paragraphs: list[Paragraph] = []
    page = 0
    for line in filter(None, map(str.strip, text.splitlines())):
        if line == "---":
            page += 1
            continue
        if line.startswith("#"):
            if paragraphs:
                sections.append(Section(tuple(paragraphs)))
            heading = sentence(line.lstrip("# "), page, joiner)
            paragraphs = [Paragraph((heading,), Role.HEADING)]
            continue
        parts = [part.strip() + "." for part in re.split(r"(?<!\d)\. ", line.rstrip("."))]
        paragraphs.append(Paragraph(tuple(sentence(part, page, joiner) for part in parts)))
    sections.append(Section(tuple(paragraphs)))
    return Document(tuple(sections), tuple(Page(10, 10) for _ in range(page + 1)), "en")


_PAGES = (
    Page(10, 10),
    Page(20, 10, 90, (Code("Data Matrix", "0112345678901231\x1d21é", Box(1, 2, 3, 4), True),)),
)
_words = st.builds(
    Word,
    text=st.text(alphabet="abcé 5.ß語が", min_size=0, max_size=4),
    box=st.just(_BOX),
    confidence=st.floats(0, 1),
    page=st.integers(0, 3),
)
_sentences = st.builds(Sentence, st.lists(_words, max_size=4).map(tuple))
_paragraphs = st.builds(
    Paragraph, st.lists(_sentences, max_size=3).map(tuple), st.sampled_from(Role)
)
_sections = st.builds(Section, st.lists(_paragraphs, max_size=3).map(tuple))
documents = st.builds(
    Document,
    sections=st.lists(_sections, max_size=3).map(tuple),
    pages=st.lists(st.sampled_from(_PAGES), max_size=4).map(tuple),
    language=st.just("en"),
)
"""Any document, with empty parts and pages in any order, as a recogniser may leave it."""
