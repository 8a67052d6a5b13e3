"""What the teacher is asked to say: our own templates, and any text you like."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

_SLOT = re.compile(r"\{([A-Za-z]+)\}")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_PLAIN = re.compile(r"[A-Za-z0-9 ,.;:'\"!?()%-]+")
_SHORTEST, _LONGEST = 18, 170
OWN_TEXT_SHARE = 0.5
"""Share of sentences that come from the given text, where there is one."""


def sentences(seed: int, texts: Sequence[Path] = ()) -> Iterator[str]:
    """Sentences without end, the same for the same seed and texts.

    Args:
        seed: what to draw.
        texts: files of running English; half of the sentences come from them.

    Raises:
        OSError: a text cannot be read.
    """
    rng = np.random.default_rng([seed, 7])
    grammar = _grammar()
    kinds, shares = zip(*grammar["shares"].items(), strict=True)
    pool = [sentence for path in texts for sentence in _split(path)]
    while True:
        if pool and rng.random() < OWN_TEXT_SHARE:
            yield pool[rng.integers(len(pool))]
            continue
        kind = kinds[rng.choice(len(kinds), p=np.array(shares) / sum(shares))]
        templates = grammar[kind]["templates"]
        yield _filled(templates[rng.integers(len(templates))], grammar["slots"], rng)


def _grammar() -> Mapping[str, Any]:
    text = resources.files(__package__).joinpath("corpus.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _filled(template: str, slots: Mapping[str, list[str]], rng: np.random.Generator) -> str:
    """A template with its slots filled; ``{Slot}`` with a capital begins with one."""

    def choose(match: re.Match[str]) -> str:
        name = match.group(1)
        words = slots[name.lower()]
        word = words[rng.integers(len(words))]
        return word[:1].upper() + word[1:] if name[0].isupper() else word

    text = _SLOT.sub(choose, template)
    return text[:1].upper() + text[1:]


def _split(path: Path) -> list[str]:
    """Sentences of a file that are plain English of a sensible length."""
    # Collections of sayings part them by a line with a percent sign.
    paragraphs = path.read_text(encoding="utf-8", errors="ignore").split("\n%\n")
    found = (
        sentence
        for paragraph in paragraphs
        for sentence in _SENTENCE.split(" ".join(paragraph.split()))
    )
    return [s for s in found if _SHORTEST < len(s) < _LONGEST and _PLAIN.fullmatch(s)]
