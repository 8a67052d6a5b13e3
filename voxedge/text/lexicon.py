"""The user's own pronunciations, written in TOML.

language = "en"                    # optional; the lexicon serves every language without it

[words]                            # case does not matter
ibuprofen = "eye byoo pro fen"
"St John's wort" = "saint johns wort"
Siobhan = "[[ʃəˈvɔːn]]"            # phonemes, as piper takes them

[exact]                            # case matters
NSAID = "en sed"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field

from voxedge.errors import ConfigError
from voxedge.text.language import Kind, Reading, Scan

_MAX_WORDS = 6
_MAX_CHARS = 200
_KEY = re.compile(r"[^\W_]+(?:[ .'’/-]+[^\W_]+)*\.?")
_PHONEMES = re.compile(r"\[\[[^\[\]]+\]\]")
_SAYABLE = re.compile(r"[^\d\x00-\x1f\[\]]+")
_SECTIONS = ("words", "exact")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words and what to say for them.

    Attributes:
        words: respelling by lower-case word or phrase; any case matches.
        exact: respelling by word exactly as printed; asked first.
        language: primary tag it is meant for, empty for all.
        firsts: lengths of the keys by their first word, longest first (for look-up).
    """

    words: Mapping[str, str] = field(default_factory=dict)
    exact: Mapping[str, str] = field(default_factory=dict)
    language: str = ""
    firsts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def read(self, scan: Scan) -> Reading | None:
        """Return the reading of the longest entry printed at ``scan.pos``, None without one."""
        match = _FIRST.match(scan.text, scan.pos)
        if match is None:
            return None
        for length in self.firsts.get(match.group().lower(), ()):
            end = scan.pos + length
            printed = scan.text[scan.pos : end]
            said = self.exact.get(printed) or self.words.get(printed.lower())
            if said is not None and not scan.text[end : end + 1].isalnum():
                return Reading(end, said, Kind.WORD)
        return None


_FIRST = re.compile(r"[^\W_]+")


def parse_lexicon(toml_text: str, name: str) -> Lexicon:
    """Parse a lexicon.

    Args:
        toml_text: the whole file; the caller reads it.
        name: its name, for messages.

    Raises:
        ConfigError: not TOML, an unknown table, a key or a value that cannot be said. The message
            names the line.
    """
    try:
        tables = tomllib.loads(toml_text)
    except tomllib.TOMLDecodeError as error:
        told = str(error)
        if "line" not in told:  # tomllib says "(at end of document)"
            told += f", line {len(toml_text.splitlines())}"
        raise ConfigError(path=name, reason=f"this is not valid TOML: {told}") from error
    language = tables.pop("language", "")
    if not isinstance(language, str):
        raise _mistake(toml_text, name, "language", 'language must be text, for example "en"')
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for section, entries in tables.items():
        if section not in _SECTIONS or not isinstance(entries, dict):
            known = " and ".join(f"[{s}]" for s in _SECTIONS)
            raise _mistake(toml_text, name, section, f"'{section}' is unknown; tables are {known}")
        for word, said in entries.items():
            reason = _fault(word, said)
            if reason:
                raise _mistake(toml_text, name, word, f"'{word}' {reason}")
            key = " ".join(word.replace("’", "'").split())
            found[section][key.lower() if section == "words" else key] = str(said).strip()
    lengths: dict[str, set[int]] = {}
    for key in (*found["words"], *found["exact"]):
        first = _FIRST.match(key)
        if first is not None:
            lengths.setdefault(first.group().lower(), set()).add(len(key))
    firsts = {first: tuple(sorted(sizes, reverse=True)) for first, sizes in lengths.items()}
    return Lexicon(found["words"], found["exact"], language.partition("-")[0].lower(), firsts)


def _fault(word: str, said: object) -> str:
    if not isinstance(said, str):
        return "must be given a text in quotes"
    if not _KEY.fullmatch(word) or len(word) > _MAX_CHARS or len(word.split()) > _MAX_WORDS:
        return f"is no word or phrase of up to {_MAX_WORDS} words"
    if not any(c.isalpha() for c in word) or not word[0].isalpha():
        return "must start with a letter: numbers cannot be respelled"
    bare = _PHONEMES.sub("", said)
    if not said.strip() or len(said) > _MAX_CHARS:
        return f"needs 1 to {_MAX_CHARS} characters to say"
    if bare and not _SAYABLE.fullmatch(bare):
        return "may be said with letters and with phonemes in [[ ]] only, not with digits"
    return ""


def _mistake(toml_text: str, name: str, key: str, reason: str) -> ConfigError:
    for number, line in enumerate(toml_text.splitlines(), start=1):
        if key in line:
            return ConfigError(path=name, reason=f"line {number}: {reason}", line=number)
    return ConfigError(path=name, reason=reason)
