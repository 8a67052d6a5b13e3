"""Distances, judges and figures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.models.score.metrics import (
    Dnsmos,
    JudgeMissing,
    bootstrap,
    bootstrap_ratio,
    log_mel_distance,
    pitch_difference,
    word_errors,
)
from voxedge.models.score.recogniser import comparable_words
from voxedge.models.score.sentences import (
    Sentence,
    SentencesUnusable,
    evenly,
    load_sentences,
)

RATE = 22050
WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=7)


def speech(seconds: float = 1.0, hz: float = 110.0, seed: int = 0) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 12))
    noise = np.random.default_rng(seed).normal(size=len(t))
    return (0.1 * voice + 1e-3 * noise).astype(np.float32)


def test_the_projects_own_hundred_with_forty_doses():
    sentences = load_sentences()
    assert len(sentences) == 100
    assert sum(sentence.kind == "dose" for sentence in sentences) == 40
    assert len({sentence.text for sentence in sentences}) == 100
    assert not [s for s in sentences if any(char.isdigit() for char in s.text)]


def test_a_part_of_them_has_every_kind():
    assert {s.kind for s in evenly(load_sentences(), 20)} == {
        "dose",
        "leaflet",
        "device",
        "letter",
        "prose",
    }
    assert len(evenly(load_sentences(), 500)) == 100


@pytest.mark.parametrize(
    ("text", "message"), [("dose no tab", "line 1"), ("# nothing\n", "no sentence")]
)
def test_a_file_that_is_none_is_told(tmp_path, text, message):
    path = tmp_path / "sentences.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SentencesUnusable, match=message):
        load_sentences(path)


def test_own_sentences_are_read(tmp_path):
    path = tmp_path / "sentences.txt"
    path.write_text("# mine\ndose\tTake two.\n", encoding="utf-8")
    assert load_sentences(path) == (Sentence("dose", "Take two."),)


@given(WORDS, WORDS, WORDS)
def test_word_errors_are_a_distance(a, b, c):
    assert word_errors(a, a) == 0
    assert word_errors(a, b) == word_errors(b, a)
    assert word_errors(a, c) <= word_errors(a, b) + word_errors(b, c)
    assert abs(len(a) - len(b)) <= word_errors(a, b) <= max(len(a), len(b))


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("Take two five hundred milligram tablets.", "take 2 500 mg tablets"),
        ("Two point five millilitres twice a day.", "2.5 mL twice a day"),
        ("Dear Mister Thompson", "Dear Mr. Thompson,"),
        ("twenty-five degrees", "25 degrees"),
    ],
)
def test_what_sounds_the_same_counts_the_same(said, heard):
    assert word_errors(comparable_words(said), comparable_words(heard)) == 0


def test_a_wrong_number_counts():
    said, heard = comparable_words("fifteen units"), comparable_words("50 units")
    assert word_errors(said, heard) == 1


def test_log_mel_distance_grows_with_the_difference():
    clean = speech()
    noisy = clean + 0.01 * np.random.default_rng(1).normal(size=len(clean)).astype(np.float32)
    assert log_mel_distance(clean, clean, RATE) == 0
    assert log_mel_distance(clean, noisy, RATE) > 0
    assert log_mel_distance(clean, noisy, RATE) < log_mel_distance(clean, 30 * noisy, RATE)
    assert log_mel_distance(clean[:100], noisy[:100], RATE) == 0


def test_pitch_difference_is_in_cents():
    found = pitch_difference(speech(hz=110), speech(hz=110 * 2 ** (1 / 12)), RATE, 256)
    assert found.cents == pytest.approx(100, abs=26)
    assert found.voicing < 0.1
    silent = np.zeros(RATE, dtype=np.float32)
    assert pitch_difference(speech(), silent, RATE, 256).voicing > 0.8


def test_intervals_hold_the_figure_and_narrow_with_more():
    rng = np.random.default_rng(0)
    few, many = rng.normal(3, 1, 20), rng.normal(3, 1, 2000)
    wide, narrow = bootstrap(few), bootstrap(many)
    assert wide.low < wide.value < wide.high
    assert narrow.high - narrow.low < 0.3 * (wide.high - wide.low)
    assert bootstrap([1, 0, 2], [10, 10, 10]).value == pytest.approx(0.1)
    assert bootstrap([[2, 1], [1, 1]], [5, 5]).value == pytest.approx(0.1)
    ratio = bootstrap_ratio(many * 0.9, many)
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((0.9, 0.9, 0.9))


def test_the_judge_hears_noise():
    try:
        judge = Dnsmos()
    except JudgeMissing as missing:
        pytest.skip(str(missing))
    clean = speech(2.0)
    noisy = clean + 0.1 * np.random.default_rng(1).normal(size=len(clean)).astype(np.float32)
    one, other = judge(clean, RATE), judge(noisy, RATE)
    assert 1 <= other.background < one.background <= 5
    assert judge(speech(12.0), RATE).overall > 1


def test_a_missing_judge_is_told(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(JudgeMissing, match="speechmos"):
        Dnsmos()
