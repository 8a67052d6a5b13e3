"""The user's own pronunciations."""

from __future__ import annotations

import pytest

from voxedge.errors import ConfigError
from voxedge.text import normalise, parse_lexicon

LEXICON = """
language = "en"

[words]
ibuprofen = "eye byoo pro fen"
"St John's wort" = "saint johns wort"
Siobhan = "[[ʃəˈvɔːn]]"

[exact]
NSAID = "en sed"
"""


def test_words_match_in_any_case_and_exact_only_as_printed() -> None:
    lexicon = parse_lexicon(LEXICON, "lexicon.toml")
    said = normalise("IBUPROFEN 5 mg, Ibuprofen, NSAID, nsaid", lexicon=lexicon).text
    assert said == "eye byoo pro fen five milligrams, eye byoo pro fen, en sed, nsaid"


def test_phrases_and_phonemes() -> None:
    lexicon = parse_lexicon(LEXICON, "lexicon.toml")
    said = normalise("Siobhan takes St John’s wort.", lexicon=lexicon).text
    assert said == "[[ʃəˈvɔːn]] takes saint johns wort."


def test_a_word_inside_another_stays() -> None:
    lexicon = parse_lexicon('[words]\nzinc = "zink"', "l")
    assert normalise("zincum and zinc", lexicon=lexicon).text == "zincum and zink"


def test_a_dose_is_never_touched() -> None:
    lexicon = parse_lexicon('[words]\nmg = "mega"', "l")
    assert normalise("5 mg", lexicon=lexicon).text == "five milligrams"


def test_a_lexicon_of_another_language_is_silent() -> None:
    lexicon = parse_lexicon('language = "de"\n[words]\nzinc = "tsink"', "l")
    assert normalise("zinc", lexicon=lexicon).text == "zinc"


def test_an_empty_lexicon_is_fine() -> None:
    assert normalise("zinc", lexicon=parse_lexicon("", "l")).text == "zinc"


@pytest.mark.parametrize(
    ("toml_text", "line", "told"),
    [
        ("[words]\na = ", "line 2", "not valid TOML"),
        ("\n\n[wrods]\na = 'b'", "line 3", "unknown"),
        ("[words]\nzinc = 5", "line 2", "text in quotes"),
        ("[words]\nzinc = 'z1nk'", "line 2", "not with digits"),
        ("[words]\nzinc = ''", "line 2", "1 to 200"),
        ("[words]\n\n'5mg' = 'five'", "line 3", "start with a letter"),
        ("[words]\n'a+b' = 'c'", "line 2", "no word or phrase"),
        ("language = 5", "line 1", "language must be text"),
        ("words = 5", "line 1", "unknown"),
        ("[words]\nzinc = '[[unclosed'", "line 2", "phonemes"),
    ],
)
def test_mistakes_name_their_line(toml_text: str, line: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_lexicon(toml_text, "my.toml")
    assert str(caught.value).startswith("my.toml: ")
    assert line in str(caught.value)
    assert told in str(caught.value)
