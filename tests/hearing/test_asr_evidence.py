"""What tells a command from noise and talk, piece by piece: pauses, endings, evidence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.commands.endings import Ending, Endings
from voxedge.commands.grammar import Grammar, Vocabulary, build
from voxedge.commands.language import load
from voxedge.engines.asr.denoise import NoiseSuppressor
from voxedge.engines.asr.evidence import Evidence, Segment, evidence_of
from voxedge.engines.asr.pause import FRAME, Pause

RANDOM = np.random.default_rng(4)


def noise(seconds: float, level: float) -> np.ndarray:
    return RANDOM.normal(0, level, round(16_000 * seconds)).astype(np.int16)


# -- pauses ----------------------------------------------------------------------------------------


def test_a_pause_is_as_long_as_the_silence_after_the_speech() -> None:
    pause = Pause()
    told = [pause.hear(noise(0.1, 20)) for _ in range(4)]
    told += [pause.hear(noise(0.1, 4000)) for _ in range(6)]
    assert max(told) <= 30, "speech is no pause"
    told = [pause.hear(noise(0.1, 20)) for _ in range(4)]
    assert told == pytest.approx([100, 200, 300, 400], abs=30)
    first, end = pause.speech() or (0, 0)
    assert (first, end) == (pytest.approx(40, abs=2), pytest.approx(100, abs=2))


def test_where_speech_does_not_stand_out_nothing_is_told() -> None:
    pause = Pause()
    assert [pause.hear(noise(0.2, 800)) for _ in range(5)] == [0] * 5
    assert pause.speech() is None
    pause.reset()
    assert pause.loud(0, 10) == []


@given(st.lists(st.integers(0, 700), max_size=8))
def test_how_the_sound_is_cut_changes_nothing(sizes: list[int]) -> None:
    whole = np.concatenate([noise(0.2, 20), noise(0.3, 3000), noise(0.2, 20)])
    at_once, piece_by_piece = Pause(), Pause()
    told = at_once.hear(whole)
    start = 0
    for size in sizes:
        piece_by_piece.hear(whole[start : start + size])
        start += size
    assert piece_by_piece.hear(whole[start:]) == told
    assert piece_by_piece.speech() == at_once.speech()


# -- endings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "text", "ending"),
    [
        ("en", "next", Ending.MAYBE),
        ("en", "Next Paragraph", Ending.WHOLE),
        ("en", "go to page", Ending.OPEN),
        ("en", "page twenty", Ending.MAYBE),
        ("en", "page twenty one", Ending.WHOLE),
        ("en", "", Ending.OPEN),
        ("ko", "다음", Ending.MAYBE),
        ("ko", "다음문장", Ending.WHOLE),
        ("zh", "停", Ending.MAYBE),
        ("zh", "第三页", Ending.WHOLE),
    ],
)
def test_what_may_still_follow(tag: str, text: str, ending: Ending) -> None:
    assert Endings(build(load(tag), vocabulary=Vocabulary(pages=40))).of(text) is ending


@pytest.mark.parametrize("tag", ["en", "ko", "zh"])
def test_a_listener_waits_before_every_longer_command(tag: str) -> None:
    language = load(tag)
    grammar = build(language)
    endings = Endings(grammar)
    whole = {language.fold(phrase) for phrase in grammar.phrases()}
    begun = [
        short
        for short in whole
        if any(
            longer != short and longer.startswith(short + ("" if language.spaceless else " "))
            for longer in whole
        )
    ]
    assert begun
    assert {endings.of(text) for text in begun} == {Ending.MAYBE}
    assert {endings.of(text) for text in whole - set(begun)} == {Ending.WHOLE}
    assert Endings(Grammar(tag, ())).of("stop") is Ending.OPEN


# -- evidence --------------------------------------------------------------------------------------


def decoded(score: float) -> list[Segment]:
    return [
        Segment("<sil>", 0, 9, -0.001),
        Segment("next", 10, 29, score),
        Segment("page", 30, 59, score),
        Segment("<sil>", 60, 69, -0.001),
    ]


NEXT_PAGE = ["N", "EH", "K", "S", "T", "P", "EY", "JH"]
LOUD = [False] * 10 + [True] * 50 + [False] * 10


def test_what_fits_better_than_other_words_is_surer() -> None:
    rivals = [Segment("coffee", 0, 69, -0.3)]
    good = evidence_of(decoded(-0.05), rivals, NEXT_PAGE, LOUD)
    poor = evidence_of(decoded(-0.25), rivals, NEXT_PAGE, LOUD)
    assert good.word_ratio > poor.word_ratio
    assert good.whole_ratio > poor.whole_ratio
    assert 0.0 <= poor.confidence < good.confidence <= 1.0
    assert good.coverage == pytest.approx(1.0)
    assert good.obstruents == 5
    hum = evidence_of(decoded(-0.05), rivals, ["W", "EH", "R", "AE", "M", "AY"], LOUD)
    assert hum.confidence < good.confidence


def test_what_leaves_loud_sound_unexplained_is_less_sure() -> None:
    rivals = [Segment("coffee", 0, 69, -0.3)]
    alone = evidence_of(decoded(-0.1), rivals, NEXT_PAGE, LOUD)
    among = evidence_of(decoded(-0.1), rivals, NEXT_PAGE, [True] * 70)
    assert among.coverage == pytest.approx(50 / 70)
    assert among.confidence < alone.confidence


@given(
    st.builds(
        Evidence,
        st.floats(-1, 1),
        st.floats(-1, 1),
        st.floats(-1, 1),
        st.floats(0, 1),
        st.integers(0, 60),
    )
)
def test_a_confidence_is_a_share(evidence: Evidence) -> None:
    assert 0.0 <= evidence.confidence <= 1.0


def test_without_rivals_nothing_breaks() -> None:
    assert 0.0 <= evidence_of(decoded(-0.1), [], NEXT_PAGE, []).confidence <= 1.0


# -- noise -----------------------------------------------------------------------------------------


def test_suppressed_noise_is_quieter_and_no_sample_is_lost_but_the_last_few() -> None:
    pytest.importorskip("webrtc_noise_gain", reason="the extra 'hearing' is not installed")
    clean = NoiseSuppressor().clean
    sound = noise(3.0, 1000)
    cleaned = np.concatenate([clean(sound[at : at + 511]) for at in range(0, len(sound), 511)])
    assert 0 <= len(sound) - len(cleaned) < FRAME
    assert np.std(cleaned[16_000:]) < 0.7 * np.std(sound[16_000:])
