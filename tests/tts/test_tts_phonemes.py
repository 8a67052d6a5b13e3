"""Text to ids with the real embedded espeak-ng."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from piper.phoneme_ids import phonemes_to_ids
from piper.phonemize_espeak import EspeakPhonemizer

from voxedge.engines.tts.phonemes import (
    PIECE_CHARACTERS,
    SENTENCE_PHONEMES,
    Phonemizer,
    PhonemizerFailed,
    clean,
    pieces,
)
from voxedge.engines.tts.voice_config import parse_voice_config
from voxedge.testing.tiny_voice import PHONEMES, tiny_config

CONFIG = parse_voice_config(json.dumps(tiny_config()))
TABLE = {phoneme: list(ids) for phoneme, ids in CONFIG.phoneme_ids.items()}


def spelled(ids: tuple[int, ...]) -> str:
    return "".join(PHONEMES[index] for index in ids).replace("_", "")


def test_ids_are_pipers() -> None:
    text = "Take one tablet twice a day, with food."
    (sentence,) = Phonemizer(CONFIG).sentences(text)
    (phonemes,) = EspeakPhonemizer().phonemize("en-us", text)
    assert list(sentence.ids) == phonemes_to_ids(phonemes, TABLE)
    assert sentence.sounds
    assert sentence.lead == 2
    # The full stop, its pad and the end mark.
    assert sentence.tail == 3


def test_each_sentence_is_one() -> None:
    sentences = list(Phonemizer(CONFIG).sentences("Stop. Is it safe? Yes!"))
    assert [spelled(item.ids)[-2] for item in sentences] == [".", "?", "!"]


def test_a_block_is_taken_as_phonemes() -> None:
    (sentence,) = Phonemizer(CONFIG).sentences("Take [[tˈɛst]] now.")
    said = spelled(sentence.ids)
    assert " tˈɛst " in said
    assert said.index("tˈɛst") < said.index("nˈaʊ")


@pytest.mark.parametrize(
    "text", ["[[ˈa]]", "[[ˈa]] b", "a [[ˈa]]", "[[ˈa]] [[ˈb]]", "[[]]a", "[[ a"]
)
def test_blocks_at_every_place(text: str) -> None:
    sentences = list(Phonemizer(CONFIG).sentences(text))
    assert any(item.sounds for item in sentences)
    assert "[" not in "".join(spelled(item.ids) for item in sentences)


def test_unknown_phonemes_are_left_out_and_counted() -> None:
    sentence = Phonemizer(CONFIG).to_ids(["h", "☃", "a", "ʘ"])
    assert spelled(sentence.ids) == "^ha$"
    assert sentence.missing == 2


@pytest.mark.parametrize("text", ["", " ", "...", "\x00\x01", "-", "\n\n", "🙂"[:0]])
def test_nothing_to_hear(text: str) -> None:
    assert not any(item.sounds for item in Phonemizer(CONFIG).sentences(text))


def test_control_characters_and_broken_code_points_do_not_hurt() -> None:
    (sentence,) = Phonemizer(CONFIG).sentences("one\x00two\x1b \ud800 three")
    said = spelled(sentence.ids)
    assert said.index("wˈʌn") < said.index("tˈu") < said.index("θɹˈi")
    assert "\x00" not in clean("a\x00b")


def test_text_for_a_voice_of_letters() -> None:
    letters = parse_voice_config(json.dumps({**tiny_config(), "phoneme_type": "text"}))
    (sentence,) = Phonemizer(letters).sentences("café")
    assert spelled(sentence.ids) == "^cafe$"
    assert sentence.missing == len(unicodedata.normalize("NFD", "é")) - 1


def test_an_unknown_espeak_voice_is_told() -> None:
    wrong = parse_voice_config(json.dumps({**tiny_config(), "espeak": {"voice": "klingon9"}}))
    with pytest.raises(PhonemizerFailed):
        list(Phonemizer(wrong).sentences("hello"))


def test_a_long_text_comes_piece_by_piece() -> None:
    sentences = Phonemizer(CONFIG).sentences("This is a sentence. " * 50_000)
    assert next(sentences).sounds
    assert next(sentences).sounds


def test_a_text_without_end_is_cut_between_words() -> None:
    runs = list(Phonemizer(CONFIG).sentences("word " * 2000))
    assert len(runs) > 10
    assert max(len(run.ids) for run in runs) <= 2 * SENTENCE_PHONEMES + 3
    assert sum(spelled(run.ids).count("wˈɜːd") for run in runs) == 2000


@given(st.text(st.sampled_from("ab .!?,[]\n"), max_size=1500), st.integers(10, 80))
@settings(max_examples=100)
def test_pieces_lose_nothing(text: str, limit: int) -> None:
    parts = list(pieces(text, limit))
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(part.strip() for part in parts)
    for part in parts:
        # Longer only to keep a block whole.
        assert len(part) <= limit or len(part) <= PIECE_CHARACTERS + limit


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_becomes_ids_or_nothing(text: str) -> None:
    for sentence in Phonemizer(CONFIG).sentences(text):
        assert set(sentence.ids) <= set(range(len(PHONEMES)))
        assert sentence.lead + sentence.tail <= len(sentence.ids)
