"""pocketsphinx with a second listener beside it: fakes for what may fail, the real one too."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from saying import speech_of, spoken

from voxedge.audio.sound_file import read_speech
from voxedge.bench.asr_noise import mixed, white
from voxedge.commands.grammar import BARGE_IN, Grammar, build
from voxedge.commands.language import load
from voxedge.commands.parse import understand
from voxedge.engines.asr import hosted
from voxedge.engines.asr.protocol import NOTHING
from voxedge.engines.asr.second import SecondListener, open_judge
from voxedge.engines.asr.whisper_listener import Opinion
from voxedge.errors import RecogniserCorrupt, RecogniserMissing, VoxedgeError

pytest.importorskip("pocketsphinx", reason="the extra 'hearing' is not installed")

from voxedge.engines.asr.sphinx_engine import SphinxRecogniser

SHARED = Path(__file__).parents[3] / "shared" / "audio"
ENGLISH = load("en")
EVERYTHING = build(ENGLISH)


class FakeJudge:
    """Finds what it is told to find."""

    def __init__(self, **likelihood: float) -> None:
        self.likelihood = {phrase.replace("_", " "): v for phrase, v in likelihood.items()}
        self.learnt: Sequence[str] = ()
        self.digits: Mapping[str, str] = {}
        self.heard: list[Any] = []

    def learn(self, phrases: Sequence[str], digits: Mapping[str, str]) -> None:
        self.learnt, self.digits = phrases, digits

    def hear(self, samples: Any) -> Opinion:
        self.heard.append(samples)
        return Opinion(self.likelihood, {p: 0.3 * v for p, v in self.likelihood.items()})


def both(judge: Any, grammar: Grammar = EVERYTHING) -> SphinxRecogniser:
    engine = SphinxRecogniser(SecondListener(lambda: judge))
    engine.set_grammar(grammar)
    assert engine.wait_for_second()
    return engine


def meant(engine: Any, samples: Any, grammar: Grammar = EVERYTHING) -> str | None:
    engine.feed(samples)
    heard = engine.finish()
    intent = understand(heard.text, heard.confidence, ENGLISH, grammar).intent
    return intent.action.label if intent else None


# -- one beside the other --------------------------------------------------------------------------


def test_it_learns_what_may_be_said_and_hears_the_speech_as_it_came() -> None:
    judge = FakeJudge(next_page=-1.0)
    engine = both(judge)
    assert "next page" in judge.learnt
    assert not {"no", "go on"} & set(judge.learnt), "what is declined is declined by both"
    assert judge.digits["twenty one"] == "21"
    sound = spoken("next page")
    assert meant(engine, sound) == "next-page"
    (heard,) = judge.heard
    # A part of the very samples, not of the cleaned ones.
    assert heard.tobytes() in sound.tobytes()
    assert 0.5 * 16_000 < len(heard) < len(sound)
    assert engine.name == "pocketsphinx and whisper"
    engine.close()


def test_the_second_one_can_choose_what_the_first_did_not() -> None:
    engine = both(FakeJudge(previous_bookmark=-0.5, next_page=-24.0))
    engine.feed(spoken("next page"))
    heard = engine.finish()
    assert heard.text == "previous bookmark"
    starts = [word.start_ms for word in heard.words]
    assert len(starts) == 2
    assert 0 <= starts[0] < starts[1] < heard.end_ms == heard.words[-1].end_ms
    engine.close()


def test_what_the_second_one_finds_impossible_is_not_done() -> None:
    engine = both(FakeJudge(next_page=-55.0))
    assert meant(engine, spoken("next page")) is None
    engine.close()


def test_the_same_sound_is_judged_once() -> None:
    judge = FakeJudge(next_paragraph=-200.0)
    engine = both(judge)
    sound = mixed(speech_of("next paragraph"), white, 30.0, 1, after_s=0.9)
    for at in range(0, len(sound), 512):
        engine.feed(sound[at : at + 512])
    engine.finish()
    # Unsure at the first pause: it is looked at again at the second and at the end, but the part
    # that is speech, with its edges, has not changed.
    assert len(judge.heard) == 1
    engine.close()


# -- what may fail ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (RecogniserMissing(language="en", reason="none"), logging.INFO),
        (RecogniserCorrupt(model="whisper-tiny-en", reason="changed"), logging.WARNING),
    ],
)
def test_without_it_the_first_one_goes_on_alone(
    error: VoxedgeError, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Any:
        raise error

    with caplog.at_level(logging.INFO):
        engine = SphinxRecogniser(SecondListener(fail))
        engine.set_grammar(EVERYTHING)
        assert not engine.wait_for_second()
        assert meant(engine, spoken("next paragraph")) == "next-paragraph"
    (record,) = [r for r in caplog.records if "second listener" in r.message]
    assert record.levelno == level
    assert engine.name == "pocketsphinx"
    engine.close()


def test_while_it_is_opened_the_first_one_hears_alone() -> None:
    opened = threading.Event()

    def slow() -> Any:
        assert opened.wait(60)
        return FakeJudge(previous_bookmark=-0.5)

    engine = SphinxRecogniser(SecondListener(slow))
    engine.set_grammar(EVERYTHING)
    assert engine.name == "pocketsphinx"
    assert meant(engine, spoken("next paragraph")) == "next-paragraph"
    opened.set()
    assert engine.wait_for_second()
    engine.feed(spoken("next paragraph"))
    assert engine.finish().text == "previous bookmark"
    engine.close()


def test_closing_does_not_wait_for_one_that_hangs() -> None:
    hang = threading.Event()

    def slow() -> Any:
        hang.wait(60)
        return FakeJudge()

    second = SecondListener(slow)
    second.learn(("stop",), {})
    second.close()
    assert not second.listening
    hang.set()


def test_the_worker_has_both(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fake(language: str) -> Any:
        asked.append(language)
        return FakeJudge()

    def no_vosk(language: str) -> Any:
        raise RecogniserMissing(language=language, reason="none")

    monkeypatch.setattr("voxedge.engines.asr.vosk_engine.open_vosk", no_vosk)
    monkeypatch.setattr("voxedge.engines.asr.second.open_judge", fake)
    engine: Any = hosted.open_recogniser("en-GB")
    engine.set_grammar(EVERYTHING)
    assert engine.wait_for_second()
    assert asked == ["en"]
    engine.close()


# -- the real ones ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two() -> Iterator[SphinxRecogniser]:
    second = SecondListener(lambda: open_judge("en"))
    engine = SphinxRecogniser(second)
    engine.set_grammar(EVERYTHING)
    if not engine.wait_for_second():
        pytest.skip("the second listener's model is not installed")
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("phrase", "label"),
    [
        ("next paragraph", "next-paragraph"),
        ("go to page twelve", "go-to-page"),
        ("louder", "louder"),
        ("where am i", "where-am-i"),
    ],
)
def test_commands_are_understood(two: SphinxRecogniser, phrase: str, label: str) -> None:
    two.set_grammar(EVERYTHING)
    assert meant(two, spoken(phrase)) == label


@pytest.mark.parametrize(
    "sentence",
    ["my sister told me about the garden chairs", "never mind", "thank you very much", "potato"],
)
@pytest.mark.parametrize("grammar", [EVERYTHING, build(ENGLISH, only=BARGE_IN)])
def test_talk_is_no_command(two: SphinxRecogniser, sentence: str, grammar: Grammar) -> None:
    two.set_grammar(grammar)
    assert meant(two, spoken(sentence), grammar) is None


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, dtype=np.int16),
        np.zeros(32_000, dtype=np.int16),
        np.full(32_000, 32767, dtype=np.int16),
        np.where(np.random.default_rng(1).random(32_000) > 0.5, 32767, -32768).astype(np.int16),
        np.random.default_rng(2).normal(0, 3000, 48_000).astype(np.int16),
    ],
    ids=["nothing", "zeros", "constant", "clipped", "noise"],
)
def test_no_sound_is_a_command_or_a_crash(two: SphinxRecogniser, samples: Any) -> None:
    two.set_grammar(EVERYTHING)
    assert meant(two, samples) is None
    assert two.finish() == NOTHING


@pytest.mark.shared
@pytest.mark.slow
def test_other_peoples_commands_and_digits_are_not_obeyed(two: SphinxRecogniser) -> None:
    clips = sorted((*SHARED.glob("en_commands/*.wav"), *SHARED.glob("digits/*.wav")))
    if not clips:
        pytest.skip("the recordings beside the project are not here")
    two.set_grammar(EVERYTHING)
    accepted = {clip.name: meant(two, read_speech(clip)) for clip in clips}
    assert len(clips) == 40
    assert {name: label for name, label in accepted.items() if label} == {}
