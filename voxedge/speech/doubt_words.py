"""The words for doubts about numbers: one table for each language, in ``doubted/``."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files

FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class DoubtWords:
    """What is said of doubtful numbers in one language; the keys are told in ``en.toml``.

    Attributes:
        language: BCP 47 tag.
    """

    language: str
    unsure: str
    unchecked: str
    one: str
    many: str
    each: tuple[str, ...]
    or_: str
    another_picture: str
    not_checked: str
    not_checked_here: str


@functools.cache
def doubt_words(language: str) -> DoubtWords:
    """Return the words of a language (BCP 47 tag), English where it has none.

    Reads a file of the package at the first call; any thread.
    """
    tag = language.replace("_", "-").partition("-")[0].lower()
    table = files("voxedge.speech").joinpath("doubted", f"{tag}.toml")
    if not tag.isalpha() or not table.is_file():
        return doubt_words(FALLBACK)
    data = tomllib.loads(table.read_text(encoding="utf-8"))
    said = data["doubted"]
    words = {f.name: said[f.name.rstrip("_")] for f in fields(DoubtWords) if f.name != "language"}
    return DoubtWords(**{**words, "language": data["language"], "each": tuple(words["each"])})


def speaks(language: str) -> bool:
    """Say whether doubts can be told in a language; else they are told in English."""
    tag = language.replace("_", "-").partition("-")[0].lower()
    return doubt_words(language).language == tag
