"""Would the boot test notice that the guest said something else? With a real voice."""

import subprocess

import numpy as np
import pytest
from imagebuild.process import find_tool
from imagebuild.soundmatch import RATE_HZ, Floats, compare, find, log_mel, samples

from voxedge.audio.earcon_designs import DESIGNS, render

pytestmark = pytest.mark.skipif(find_tool("espeak-ng") is None, reason="espeak-ng is not installed")

PAGE = "Take one tablet in the morning. Keep it in a dry place."


def spoken(text: str, rate: int = 175) -> Floats:
    done = subprocess.run(
        ["espeak-ng", "-v", "en", "-s", str(rate), "--stdout", text],
        check=True,
        capture_output=True,
    )
    return samples(done.stdout[44:])


def test_the_same_speech_in_pieces_is_the_same() -> None:
    whole = spoken(PAGE)
    pieces = [np.concatenate([piece, np.zeros(30_000)]) for piece in np.array_split(whole, 3)]
    match = compare(whole, np.concatenate(pieces))
    assert match.same, match


def test_a_little_noise_and_another_loudness_are_the_same() -> None:
    whole = spoken(PAGE)
    noise = np.random.default_rng(0).normal(0, 1e-3, len(whole))
    match = compare(whole, 0.8 * whole + noise)
    assert match.same, match


def test_the_taps_of_a_page_that_takes_long_are_no_speech() -> None:
    whole = spoken(PAGE)
    taps = np.concatenate([render(DESIGNS["working"], RATE_HZ).astype(float), np.zeros(40_000)])
    match = compare(whole, np.concatenate([*[taps] * 20, whole]))
    assert match.same, match


@pytest.mark.parametrize(
    "text",
    [
        "Your appointment is on Monday. Bring all your papers.",
        "Take two tablets in the evening. Keep it in a cold place.",
        "I cannot find my camera. Please check its cable.",
    ],
)
def test_another_sentence_is_noticed(text: str) -> None:
    match = compare(spoken(PAGE), spoken(text))
    assert not match.same, match


def test_half_of_it_is_noticed() -> None:
    whole = spoken(PAGE)
    match = compare(whole, whole[: len(whole) // 2])
    assert not match.same
    assert match.length_ratio < 0.7


def test_silence_is_no_speech() -> None:
    assert len(log_mel(np.zeros(50_000))) == 0
    assert not compare(spoken(PAGE), np.zeros(50_000)).same
    assert not compare(spoken(PAGE), np.zeros(10)).same


TAPE = "Hello. This is your reader. I find no camera."


def test_a_sentence_is_found_in_a_longer_recording() -> None:
    said = "I have been updated."
    tape = np.concatenate([spoken(TAPE), np.zeros(30_000), spoken(said), np.zeros(9_000)])
    assert find(spoken(said), tape).same
    assert find(spoken(said), np.concatenate([tape, spoken(TAPE)])).same


@pytest.mark.parametrize(
    "other",
    ["The update did not work. I am the reader of before.", "I have no camera.", "I am ready now."],
)
def test_a_sentence_that_was_not_said_is_not_found(other: str) -> None:
    tape = np.concatenate([spoken(TAPE), np.zeros(30_000), spoken(other)])
    match = find(spoken("I have been updated."), tape)
    assert not match.same, match


def test_nothing_is_found_in_silence() -> None:
    assert not find(spoken(PAGE), np.zeros(500_000)).same


def test_a_second_of_speech_is_found_beside_something_far_louder() -> None:
    """What the loudest frame of a whole tape hides must not be missing from the sentence."""
    sentence = spoken("I have been updated.")
    noise = np.random.default_rng(0).normal(0, 1e-3, len(sentence))
    loud = 8 * np.concatenate([spoken(PAGE), spoken("The update did not work. I am the reader.")])
    pause = np.zeros(20_000)
    tape = np.concatenate([loud, pause, 0.9 * spoken("I have been updated.", 170), pause, loud])
    assert find(sentence + noise, tape).same
    assert not find(sentence, np.concatenate([loud, pause, loud])).same
