"""What people say for each action, per language: English from the table, others from TOML.

A translator's file holds one table ``[phrases]`` with a list for each action, and one table
``[help]`` with a sentence for each::

    language = "de"
    [phrases]
    next-sentence = ["nächster satz", "weiter"]
    find = ["finde {word}", "suche {word}"]
    [help]
    next-sentence = "Zum nächsten Satz."

``flaws`` says what a file still lacks and what collides.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from voxedge.actions import Action, action_named
from voxedge.errors import ActionUnknown, ConfigError


@dataclass(frozen=True, slots=True)
class PhraseBook:
    """The phrases and help sentences of one language.

    Attributes:
        language: BCP 47 tag.
        phrases: every action that can be said, with its ways to say it.
        help: what each action does, to be spoken.
    """

    language: str
    phrases: Mapping[Action, tuple[str, ...]]
    help: Mapping[Action, str]


def english() -> PhraseBook:
    """Return the phrases that stand in the table of actions."""
    return PhraseBook(
        "en",
        {action: action.row.phrases for action in Action if action.row.phrases},
        {action: action.row.help for action in Action},
    )


def parse_phrases(text: str, path: str) -> PhraseBook:
    """Read a translator's TOML file.

    Raises:
        ConfigError: not TOML, an unknown action, a wrong type, or a slot that its action lacks.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path=path, reason=f"not valid TOML: {error}") from error
    language = tables.pop("language", None)
    if not isinstance(language, str) or not language:
        raise ConfigError(path=path, reason='it needs a line like: language = "de"')
    unknown = sorted(tables.keys() - {"phrases", "help"})
    if unknown:
        raise ConfigError(path=path, reason=f"unknown table [{unknown[0]}]; known: phrases, help")
    phrases: dict[Action, tuple[str, ...]] = {}
    for label, value in _table(tables, "phrases", path).items():
        action = _action(label, path)
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise ConfigError(path=path, reason=f"[phrases] {label} must be a list of phrases")
        for phrase in value:
            _check_slots(action, phrase, path)
        phrases[action] = tuple(value)
    help_texts: dict[Action, str] = {}
    for label, value in _table(tables, "help", path).items():
        if not isinstance(value, str) or not value:
            raise ConfigError(path=path, reason=f"[help] {label} must be a sentence")
        help_texts[_action(label, path)] = value
    return PhraseBook(language, phrases, help_texts)


def flaws(book: PhraseBook) -> tuple[str, ...]:
    """Return what a translator still has to mend, one sentence each; empty when all is well."""
    found: list[str] = []
    wanted = english()
    for action in wanted.phrases:
        if not book.phrases.get(action):
            found.append(f"{action.label} has no phrase.")
        elif _needs_slot(action) and not any("{" in p for p in book.phrases[action]):
            found.append(f"{action.label} has no phrase with its slot.")
    found.extend(f"{a.label} has no help text." for a in wanted.help if not book.help.get(a))
    owners: dict[str, list[str]] = defaultdict(list)
    for action, phrases in book.phrases.items():
        for phrase in phrases:
            owners[shape(phrase)].append(action.label)
    found.extend(
        f"'{phrase}' stands for {' and for '.join(labels)}."
        for phrase, labels in owners.items()
        if len(labels) > 1
    )
    return tuple(found)


def shape(phrase: str) -> str:
    """Return the phrase as a recogniser hears it: folded, every slot alike.

    Two phrases of one shape cannot be told apart. A phrase without slots may still be an
    instance of one with a slot ("go to the end", "go to {name}"): the literal one wins.
    """
    folded = unicodedata.normalize("NFKC", re.sub(r"\{\w+\}", "*", phrase)).casefold()
    return " ".join(re.findall(r"[\w*]+", folded))


def _needs_slot(action: Action) -> bool:
    return any(slot.required for slot in action.row.slots)


def _table(tables: Mapping[str, object], name: str, path: str) -> Mapping[str, object]:
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(path=path, reason=f"[{name}] must be a table")
    return table


def _action(label: str, path: str) -> Action:
    try:
        return action_named(label)
    except ActionUnknown as error:
        raise ConfigError(path=path, reason=str(error)) from error


def _check_slots(action: Action, phrase: str, path: str) -> None:
    known = {slot.name for slot in action.row.slots}
    for name in re.findall(r"\{(\w*)\}", phrase):
        if name not in known:
            raise ConfigError(
                path=path, reason=f"'{phrase}': {action.label} has no slot {{{name}}}"
            )
    if "{" in re.sub(r"\{\w+\}", "", phrase) or "}" in re.sub(r"\{\w+\}", "", phrase):
        raise ConfigError(path=path, reason=f"'{phrase}': a slot is written {{name}}")
