"""Every sentence that the reader says of itself: one table for each language, in ``spoken/``.

The code names sentences by their keys, so that it speaks no language itself; a translator changes
one TOML file.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from importlib.resources import files

from voxedge.errors import ConfigError

Slots = Mapping[str, str | int]


class Messages:
    """The sentences of one language.

    Args:
        language: BCP 47 tag.
        table: key to sentence, with ``{names}`` to be filled.
    """

    def __init__(self, language: str, table: Mapping[str, str]) -> None:
        self.language = language
        self._table = dict(table)

    def say(self, key: str, slots: Slots | None = None) -> str:
        """Return the sentence.

        Raises:
            KeyError: no such sentence, or a name in it that is not filled (a mistake of the code).
        """
        return self._table[key].format_map(slots or {})

    @property
    def fixed(self) -> tuple[str, ...]:
        """Every sentence without a slot: worth keeping as sound."""
        return tuple(text for text in self._table.values() if "{" not in text)

    def slots(self) -> dict[str, frozenset[str]]:
        """Return the names that each sentence wants filled."""
        return {
            key: frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)
            for key, text in self._table.items()
        }


def parse_messages(text: str, path: str) -> Messages:
    """Read a table of sentences.

    Raises:
        ConfigError: not TOML, or not such a table.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path=path, reason=f"not valid TOML: {error}") from error
    language, table = data.get("language"), data.get("spoken")
    if not isinstance(language, str) or not isinstance(table, dict):
        raise ConfigError(path=path, reason="it needs language = '...' and a table [spoken]")
    for key, sentence in table.items():
        if not isinstance(sentence, str) or not sentence:
            raise ConfigError(path=path, reason=f"'{key}' must be a sentence in quotes")
    return Messages(language, table)


def load_messages(language: str = "en") -> Messages:
    """Return the sentences that ship with the reader."""
    name = f"{language}.toml"
    text = files("voxedge.reader").joinpath("spoken", name).read_text(encoding="utf-8")
    return parse_messages(text, name)
