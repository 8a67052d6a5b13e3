"""Letters, digits and signs by name: "spell that"."""

from __future__ import annotations

import unicodedata

from voxedge.text.language import SpellTable
from voxedge.text.languages import language_for


def spell(
    text: str, language: str, phonetic: bool = False, *, with_case: bool = False
) -> list[str]:
    """Return one speakable name for each printed character; control characters have none.

    Args:
        text: what was printed.
        language: BCP 47 tag; a language without names gives the characters themselves.
        phonetic: telephone alphabet ("alfa", "bravo") in place of letters.
        with_case: say "capital" before capital letters.
    """
    table = language_for(language).spelling
    names: list[str] = []
    for char in unicodedata.normalize("NFC", text):
        category = unicodedata.category(char)
        if category[0] == "C" and char not in table.signs:
            continue
        name = _name(char, table, phonetic)
        capital = with_case and category == "Lu" and table.capital
        names.append(f"{table.capital} {name}" if capital else name)
    return names


def _name(char: str, table: SpellTable, phonetic: bool) -> str:
    lower = char.lower()
    if phonetic and lower in table.phonetic:
        return table.phonetic[lower]
    if lower in table.letters:
        return table.letters[lower]
    if char in table.signs:
        return table.signs[char]
    if not table.unknown:
        return char
    if char.isspace():
        return table.signs.get(" ", char)
    if char.isdecimal():
        return table.signs[str(unicodedata.decimal(char))]
    if char.isalpha() and (char.isascii() or not char.isnumeric()):
        return char.upper() if char.isascii() else char
    name = unicodedata.name(char, "").lower()
    return name if name.replace(" ", "").replace("-", "").isalpha() else table.unknown
