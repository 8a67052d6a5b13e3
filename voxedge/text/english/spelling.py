"""How English names single characters."""

from __future__ import annotations

from voxedge.text.english.characters import GREEK, SIGN_NAMES
from voxedge.text.english.numerals import ONES
from voxedge.text.language import SpellTable

_NATO = [
    "alfa",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
    "juliett",
    "kilo",
    "lima",
    "mike",
    "november",
    "oscar",
    "papa",
    "quebec",
    "romeo",
    "sierra",
    "tango",
    "uniform",
    "victor",
    "whiskey",
    "x-ray",
    "yankee",
    "zulu",
]

SPELLING = SpellTable(
    letters={**GREEK, "µ": "mu", "a": "eigh"},
    phonetic={name[0]: name for name in _NATO},
    signs={**{str(digit): ONES[digit] for digit in range(10)}, **SIGN_NAMES, "\n": "new line"},
    capital="capital",
    unknown="unknown sign",
)
