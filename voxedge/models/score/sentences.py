"""The sentences on which voices are judged."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence to speak.

    Attributes:
        kind: "dose", "leaflet", "device", "letter" or "prose".
        text: what to say; numbers are words.
    """

    kind: str
    text: str


class SentencesUnusable(Exception):
    """A file of sentences that is not one; the message names the line."""


def load_sentences(path: Path | None = None) -> tuple[Sentence, ...]:
    """Read a file of ``kind<tab>text`` lines; lines with ``#`` are remarks.

    Args:
        path: the file; None for the project's own hundred.

    Raises:
        SentencesUnusable: a line is neither, or there is none.
        OSError: the file cannot be read.
    """
    if path is None:
        text = resources.files(__package__).joinpath("sentences.txt").read_text(encoding="utf-8")
    else:
        text = path.read_text(encoding="utf-8")
    sentences = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        kind, tab, words = line.partition("\t")
        if not tab or not words.strip():
            raise SentencesUnusable(f"line {number} is not 'kind<tab>text'")
        sentences.append(Sentence(kind.strip(), words.strip()))
    if not sentences:
        raise SentencesUnusable("there is no sentence in it")
    return tuple(sentences)


def evenly(sentences: tuple[Sentence, ...], count: int) -> tuple[Sentence, ...]:
    """``count`` of the sentences, spread evenly over the list, so that every kind is among them."""
    count = max(1, min(count, len(sentences)))
    return tuple(sentences[index * len(sentences) // count] for index in range(count))
