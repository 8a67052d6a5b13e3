"""What people say in one language: phrases, section names, numbers, decoys.

A language is one TOML file in ``languages/``. ``docs/developers/hearing.md`` tells a translator how
to write one; ``flaws_of`` tells what is still wrong with it.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from voxedge.actions import Action, Slot, SlotKind
from voxedge.errors import ConfigError, HearingLanguageMissing
from voxedge.phrases import PhraseBook, english, flaws, parse_phrases

_SPACELESS = frozenset({"zh", "ja", "ko", "th"})
"""Written without spaces, or with spaces that recognisers and writers set differently."""


@dataclass(frozen=True, slots=True)
class CommandLanguage:
    """One language in which commands are understood.

    Attributes:
        book: phrases and help sentences.
        sections: names of the parts of a leaflet, as a person says them.
        words: words worth finding where no document is open yet.
        numbers: the number words from 1 upwards, in order.
        decoys: everyday words that are no commands; a recogniser may hear these instead.
    """

    book: PhraseBook
    sections: tuple[str, ...]
    words: tuple[str, ...]
    numbers: tuple[str, ...]
    decoys: tuple[str, ...]

    @property
    def tag(self) -> str:
        """BCP 47 tag ("en")."""
        return self.book.language

    def fold(self, text: str) -> str:
        """Return the text as it is compared: no case, no punctuation, spaces as they matter."""
        folded = unicodedata.normalize("NFKC", text).casefold()
        words = re.findall(r"[^\W_]+(?:['’][^\W_]+)*", folded)
        return ("" if self.spaceless else " ").join(words)

    @property
    def spaceless(self) -> bool:
        """Whether spaces do not count when texts are compared."""
        return self.tag in _SPACELESS

    def number(self, text: str) -> int | None:
        """Return the number that is spoken or written in the text, None for anything else."""
        folded = self.fold(text)
        if folded.isascii() and folded.isdigit():
            return int(folded) if len(folded) <= 9 else None
        return _number_table(self.tag, self.numbers).get(folded)


@cache
def _number_table(tag: str, numbers: tuple[str, ...]) -> Mapping[str, int]:
    language = CommandLanguage(PhraseBook(tag, {}, {}), (), (), numbers, ())
    return {language.fold(word): value for value, word in enumerate(numbers, start=1)}


def available() -> tuple[str, ...]:
    """Return the tags of the languages that come with voxedge."""
    folder = resources.files(__package__) / "languages"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir()))


@cache
def load(tag: str) -> CommandLanguage:
    """Return a language that comes with voxedge.

    Args:
        tag: BCP 47; a region is ignored ("en-GB" is "en").

    Raises:
        HearingLanguageMissing: there is none.
    """
    short = tag.partition("-")[0].lower()
    if short == "cmn":
        short = "zh"
    if short not in available():
        raise HearingLanguageMissing(language=tag, known=", ".join(available()))
    file = resources.files(__package__) / "languages" / f"{short}.toml"
    return parse(file.read_text(encoding="utf-8"), f"{short}.toml")


def parse(text: str, path: str) -> CommandLanguage:
    """Read a language file.

    Raises:
        ConfigError: not TOML, or a table that is not what it should be; the message names it.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path=path, reason=f"not valid TOML: {error}") from error
    slots = tables.get("slots")
    if not isinstance(slots, dict):
        raise ConfigError(path=path, reason="the table [slots] is missing")
    unknown = sorted(slots.keys() - {"sections", "words", "numbers", "decoys"})
    if unknown:
        raise ConfigError(path=path, reason=f"[slots] {unknown[0]} is unknown")
    # The phrases stand before [slots]; English ones stand in the table of actions.
    if tables.get("language") == "en" and "phrases" not in tables:
        book = english()
    else:
        book = parse_phrases(text[: _start_of_slots(text)], path)
    lists = {
        name: _strings(slots, name, path) for name in ("sections", "words", "numbers", "decoys")
    }
    return CommandLanguage(book, **lists)


def _start_of_slots(text: str) -> int:
    found = re.search(r"^\[slots\]\s*$", text, re.MULTILINE)
    return found.start() if found else len(text)


def _strings(slots: Mapping[str, Any], name: str, path: str) -> tuple[str, ...]:
    value = slots.get(name)
    if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
        raise ConfigError(path=path, reason=f"[slots] {name} must be a list of words")
    return tuple(value)


def flaws_of(language: CommandLanguage) -> tuple[str, ...]:
    """Return what a translator still has to mend, one sentence each; empty when all is well.

    Besides what ``phrases.flaws`` finds: empty lists, numbers said twice, and decoys that are
    commands, which could then never be heard.
    """
    found = list(flaws(language.book))
    found += [
        f"[slots] {name} is empty."
        for name in ("sections", "numbers", "decoys")
        if not getattr(language, name)
    ]
    folded = [language.fold(word) for word in language.numbers]
    found += [f"The number '{w}' stands twice." for w in sorted(set(folded)) if folded.count(w) > 1]
    said = {
        language.fold(phrase): action
        for action, phrases in language.book.phrases.items()
        for phrase in phrases
        if "{" not in phrase
    }
    found += [
        f"The decoy '{decoy}' is the command {said[language.fold(decoy)].label}."
        for decoy in language.decoys
        if language.fold(decoy) in said
    ]
    return tuple(found)


def slot_of(action: Action, name: str) -> Slot:
    """Return an action's slot by name."""
    return next(slot for slot in action.row.slots if slot.name == name)


def kind_of(action: Action, name: str) -> SlotKind:
    """Return what may stand in an action's slot."""
    return slot_of(action, name).kind
