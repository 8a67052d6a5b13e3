"""The second listener, piece by piece: weights, sound, tokens, tree, network, judgement."""

from __future__ import annotations

import os
import shutil
import struct
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from saying import speech_of, spoken
from whisper_reference import states

from voxedge.cli.main import main
from voxedge.commands.grammar import build
from voxedge.commands.language import load
from voxedge.engines.asr import whisper_graphs
from voxedge.engines.asr.judgement import First, Weighed, weigh
from voxedge.engines.asr.phrase_tree import Node, spellings, tree_of
from voxedge.engines.asr.second import open_judge, prepare_judge
from voxedge.engines.asr.spelling import Spelling, read_spelling
from voxedge.engines.asr.whisper_file import WeightsDamaged, read_weights
from voxedge.engines.asr.whisper_graphs import (
    DECODER,
    ENCODER,
    RIVALS,
    GraphsNotMade,
    graphs_of,
    kept_place,
    make_graphs,
)
from voxedge.engines.asr.whisper_listener import WhisperListener, open_whisper
from voxedge.engines.asr.whisper_mel import BANDS, filters, log_mel
from voxedge.engines.asr.whisper_net import WhisperNet
from voxedge.errors import RecogniserCorrupt, RecogniserMissing
from voxedge.models.recognisers import (
    WHISPER,
    fetch_model,
    find_model,
    load_recognisers,
    tree_digest,
)

ENGLISH = load("en")
DIGITS = {said: str(number) for number, said in enumerate(ENGLISH.numbers, start=1)}


@pytest.fixture(scope="module")
def folder() -> Path:
    """The real model."""
    try:
        return find_model("en", verify=False, engine=WHISPER)[1]
    except RecogniserMissing:
        pytest.skip("the second listener's model is not installed")


@pytest.fixture(scope="module")
def whisper(folder: Path) -> WhisperListener:
    return open_whisper(folder)


# -- weights ---------------------------------------------------------------------------------------


def made(version: int = 6, kind: bytes = b"WhisperSpec\0", cut: int = 0) -> bytes:
    """A file with one variable, ``a/b``: 2 by 3 halves."""
    head = struct.pack("<IH", version, len(kind)) + kind + struct.pack("<II", 3, 1)
    name = b"a/b\0"
    sizes = struct.pack("<H", len(name)) + name + struct.pack("<BIIBI", 2, 2, 3, 4, 12)
    whole = head + sizes + np.arange(6, dtype="<f2").tobytes()
    return whole[: len(whole) - cut]


def test_variables_are_mapped_as_they_are_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(made())
    (found,) = read_weights(path).arrays.items()
    assert found[0] == "a/b"
    assert found[1].dtype == np.float16
    assert found[1].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", made(cut=1), made(cut=30), made(version=5), made(kind=b"BertSpec\0")],
    ids=["empty", "a byte", "cut in the data", "cut in the head", "version", "kind"],
)
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(WeightsDamaged):
        read_weights(path)


@given(st.binary(max_size=200))
def test_any_bytes_are_weights_or_damage(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.mktemp("weights") / "model.bin"
    path.write_bytes(made()[:14] + content)
    try:
        read_weights(path)
    except WeightsDamaged:
        return


# -- sound -----------------------------------------------------------------------------------------


def test_the_spectrogram_is_the_one_the_network_learnt() -> None:
    reference = pytest.importorskip("faster_whisper.feature_extractor")
    sound = np.random.default_rng(1).normal(0, 0.1, 32_000).astype(np.float32)
    wanted = reference.FeatureExtractor()(sound)[:, :200].T
    # The reference pads with silence, so that its last frame sees some.
    np.testing.assert_allclose(log_mel(sound)[:198], wanted[:198], atol=1e-5)


def test_a_tone_is_in_its_band() -> None:
    time_s = np.arange(16_000) / 16_000
    levels = log_mel(np.sin(2 * np.pi * 1000 * time_s).astype(np.float32))
    assert levels.shape == (100, BANDS)
    hz = np.arange(201) * 40.0
    middle_hz = float(hz @ filters()[:, int(levels[50].argmax())] / filters()[:, 25].sum())
    assert middle_hz == pytest.approx(1000, abs=60)


# -- tokens ----------------------------------------------------------------------------------------


def test_pairs_are_joined_by_rank() -> None:
    vocabulary = {"a": 0, "b": 1, "c": 2, "ab": 3, "bc": 4, "\u0120": 5, "\u0120ab": 6}
    spelling = Spelling(vocabulary, ["b c", "a b", "\u0120 ab"])
    assert spelling.tokens("abc") == (0, 4)
    assert spelling.tokens(" ab") == (6,)
    assert spelling.tokens("") == ()
    with pytest.raises(KeyError):
        spelling.tokens("x")


def test_every_command_is_cut_as_the_reference_cuts_it(folder: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    reference = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    spelling = read_spelling(folder / "tokenizer.json")
    for phrase in build(ENGLISH).phrases():
        for text in spellings(phrase, DIGITS):
            wanted = reference.encode(f" {text}", add_special_tokens=False).ids
            assert list(spelling.tokens(f" {text}")) == wanted


@pytest.mark.parametrize("text", ["{}", "[]", '{"model": {"vocab": 3}}', "nothing"])
def test_a_strange_table_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(text)
    with pytest.raises(ValueError):
        read_spelling(path)


# -- tree ------------------------------------------------------------------------------------------


def test_a_phrase_is_written_in_all_ways() -> None:
    assert spellings("page twenty one", DIGITS) == (
        "page twenty one",
        "page 21",
        "Page twenty one",
        "Page 21",
    )
    assert spellings("where am i", DIGITS) == ("where am I", "Where am I")
    assert spellings("one", DIGITS) == ("one", "One")


def letters(text: str) -> tuple[int, ...]:
    return tuple(map(ord, text))


def found_in(tree: Node, text: str) -> str:
    node = tree
    for token in letters(f" {text}"):
        if token not in node.following:
            return ""
        node = node.following[token]
    return node.phrase


def test_what_begins_alike_is_one_branch() -> None:
    tree = tree_of(["next", "next page", "page three"], letters, DIGITS)
    assert list(tree.following) == [ord(" ")]
    assert found_in(tree, "next") == "next"
    assert found_in(tree, "Next page") == "next page"
    assert found_in(tree, "Page 3") == "page three"
    assert found_in(tree, "nex") == ""
    assert ord("3") in tree.tokens()


# -- the network -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weights(folder: Path) -> Mapping[str, Any]:
    return read_weights(folder / "model.bin").arrays


@pytest.fixture(scope="module")
def sound(folder: Path) -> Any:
    """What a command looks like to the network, ``[frames, 80]``; an odd number of frames."""
    return log_mel(speech_of("what sections are there"))[:133]


START = (50257, 50362)


def test_it_writes_what_another_engine_writes(whisper: WhisperListener, folder: Path) -> None:
    ctranslate2 = pytest.importorskip("ctranslate2")
    speech = np.pad(speech_of("what sections are there"), (4800, 0))
    mel = log_mel(np.pad(speech, (0, 480_000 - len(speech))))
    reference = ctranslate2.models.Whisper(str(folder), compute_type="float32", intra_threads=1)
    (wanted,) = reference.generate(
        ctranslate2.StorageView.from_array(np.ascontiguousarray(mel.T[None])),
        [list(START)],
        beam_size=1,
    )
    net = whisper._net
    heard = net.hear(mel)
    everything = net.embeddings(np.arange(net.vocabulary)).T
    outlook, known = net.begin(heard, np.array(START))
    written: list[int] = []
    while len(written) < len(wanted.sequences_ids[0]):
        written.append(int((outlook.state @ everything)[0].argmax()))
        outlook, known = net.step(heard, known, np.array([written[-1]]))
    assert written == wanted.sequences_ids[0]


def test_in_full_precision_the_graphs_are_the_network(
    weights: Mapping[str, Any], sound: Any, tmp_path: Path
) -> None:
    make_graphs(weights, tmp_path, int8=False)
    net = WhisperNet(tmp_path, weights)
    heard = net.hear(sound)
    outlook, known = net.begin(heard, np.array(START))
    tokens = [*START, 644, 9004, 389]
    wanted = states(weights, sound, tokens)
    for place in range(len(START), len(tokens)):
        np.testing.assert_allclose(outlook.state[0], wanted[place - 1], atol=1e-3, rtol=1e-3)
        outlook, known = net.step(heard, known, np.array([tokens[place]]))
    np.testing.assert_allclose(outlook.state[0], wanted[-1], atol=1e-3, rtol=1e-3)
    kept = net.embeddings(np.arange(RIVALS))
    np.testing.assert_allclose(outlook.odds[0], kept @ outlook.state[0], atol=1e-3)
    assert known.length == len(tokens)


def test_in_int8_it_writes_the_same(
    whisper: WhisperListener, weights: Mapping[str, Any], sound: Any
) -> None:
    net = whisper._net
    heard = net.hear(sound)
    outlook, known = net.begin(heard, np.array(START))
    tokens = [*START]
    everything = net.embeddings(np.arange(net.vocabulary)).T
    for _ in range(4):
        tokens.append(int((outlook.state @ everything)[0].argmax()))
        outlook, known = net.step(heard, known, np.array([tokens[-1]]))
    exact = states(weights, sound, tokens) @ everything
    assert exact.argmax(axis=1)[len(START) - 1 : -1].tolist() == tokens[len(START) :]
    likely = np.exp(exact[-1] - np.logaddexp.reduce(exact[-1]))
    found = (outlook.state @ everything)[0]
    both = np.exp(found - np.logaddexp.reduce(found))
    assert np.abs(both - likely).max() < 0.05


def test_several_beginnings_are_judged_as_one_by_one(whisper: WhisperListener) -> None:
    net = whisper._net
    heard = net.hear(np.random.default_rng(3).normal(0, 0.3, (60, BANDS)).astype(np.float32))
    _, known = net.begin(heard, np.array([50257]))
    two, both = net.step(heard, known.take(np.array([0, 0])), np.array([400, 1200]))
    for row, token in enumerate((400, 1200)):
        one, alone = net.step(heard, known, np.array([token]))
        np.testing.assert_allclose(two.state[row], one.state[0], atol=1e-4)
        np.testing.assert_allclose(two.odds[row], one.odds[0], atol=1e-3)
        picked = both.take(np.array([row]))
        for name, held in alone.past.items():
            np.testing.assert_allclose(picked.past[name], held, atol=1e-5)
    at_once, _ = net.begin(heard, np.array([50257, 1200]))
    np.testing.assert_allclose(at_once.state[0], two.state[1], atol=1e-4)


# -- its graphs ------------------------------------------------------------------------------------


def test_graphs_are_made_once_and_kept(folder: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    old = models / "name.graphs-0123456789ab"
    old.mkdir(parents=True)
    place = kept_place(models, "name", "digest")
    with graphs_of(folder / "model.bin", place) as made:
        assert made == place
    first = (place / ENCODER).stat()
    with graphs_of(folder / "model.bin", place) as made:
        assert made == place
    assert (place / ENCODER).stat().st_mtime_ns == first.st_mtime_ns
    assert [item.name for item in models.iterdir()] == [place.name]
    with (place / DECODER).open("r+b") as stream:
        stream.seek(1_000_000)
        stream.write(b"\0rot\0")
    with graphs_of(folder / "model.bin", place) as made:
        assert made == place
    assert b"\0rot\0" not in (place / DECODER).read_bytes()
    assert kept_place(models, "name", "another") != place


def test_two_processes_that_make_them_at_once_do_not_disturb_each_other(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = kept_place(tmp_path, "name", "digest")
    make_apart = whisper_graphs._make_apart
    killed, busy = tmp_path / ".making-graphs-killed", tmp_path / ".making-graphs-busy"
    for left in (killed, busy):
        left.mkdir()
    os.utime(killed, (0, 0))

    def while_another_finishes(weights: Path, target: Path) -> None:
        make_apart(weights, target)
        monkeypatch.setattr(whisper_graphs, "_make_apart", make_apart)
        with graphs_of(weights, place):
            pass
        inodes.append((place / ENCODER).stat().st_ino)

    inodes: list[int] = []
    monkeypatch.setattr(whisper_graphs, "_make_apart", while_another_finishes)
    with graphs_of(folder / "model.bin", place) as made:
        assert made == place
        assert [(place / ENCODER).stat().st_ino] == inodes, "the other one's, untouched"
    assert {item.name for item in tmp_path.iterdir()} == {place.name, busy.name}


def test_what_was_prepared_is_opened_without_a_process(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXEDGE_MODELS", str(tmp_path))
    assert main(["models", "fetch", "whisper-tiny-en"]) == 0
    (made,) = tmp_path.iterdir()
    assert made.name.startswith("whisper-tiny-en.graphs-")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert prepare_judge("en")
    open_judge("en").learn(("next",), {})
    shutil.rmtree(made)
    with pytest.raises(RecogniserCorrupt):
        open_judge("en")


def test_a_read_only_folder_is_no_failure(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").write_text("no folder")
    monkeypatch.setattr("voxedge.models.paths.models_folder", lambda: tmp_path / "models")
    assert not prepare_judge("en")
    open_judge("en").learn(("next",), {})


def test_where_they_cannot_be_kept_they_are_made_for_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    with graphs_of(folder / "model.bin", tmp_path / "file" / "place") as made:
        assert {item.name for item in made.iterdir()} == {ENCODER, DECODER}
    assert not made.exists()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_weights_of_something_else_are_told(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(made())
    with (
        pytest.raises(WeightsDamaged, match="not Whisper"),
        graphs_of(tmp_path / "model.bin", tmp_path / "place"),
    ):
        pass
    assert [item.name for item in tmp_path.iterdir()] == ["model.bin"]


def test_a_maker_that_dies_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(GraphsNotMade, match="code 1"), graphs_of(folder / "model.bin", tmp_path):
        pass
    with pytest.raises(OSError, match="code 1"):
        open_whisper(folder)


def test_a_graph_that_is_none_is_told(tmp_path: Path, weights: Mapping[str, Any]) -> None:
    (tmp_path / ENCODER).write_bytes(b"no graph")
    with pytest.raises(WeightsDamaged, match=ENCODER):
        WhisperNet(tmp_path, weights)


# -- phrases ---------------------------------------------------------------------------------------


def test_what_is_said_is_the_likeliest(whisper: WhisperListener) -> None:
    meaning = dict(build(ENGLISH).meanings())
    whisper.learn(tuple(meaning), DIGITS)
    for phrase in ("go to page twelve", "louder"):
        opinion = whisper.hear(spoken(phrase))
        weighed = weigh(First(""), opinion.likelihood, opinion.lost, meaning, len, 90)
        assert weighed is not None
        assert weighed.phrase == phrase
        assert weighed.lost > -6.0
    talk = whisper.hear(spoken("my sister told me about the garden chairs"))
    assert max(talk.lost.values()) < -6.0


def test_a_likelihood_does_not_depend_on_the_rest_of_the_grammar(whisper: WhisperListener) -> None:
    sound = spoken("next page")
    whisper.learn(("next page",), {})
    alone = whisper.hear(sound)
    whisper.learn(("next page", "next", "previous page", "zebra crossing"), {})
    among = whisper.hear(sound)
    assert among.likelihood["next page"] == pytest.approx(alone.likelihood["next page"], abs=1e-3)


# -- opening ---------------------------------------------------------------------------------------


def test_the_manifest_knows_it() -> None:
    (entry,) = (e for e in load_recognisers() if e.engine == WHISPER)
    assert (entry.language, entry.licence, len(entry.tree_sha256)) == ("en", "MIT", 64)
    with pytest.raises(RecogniserMissing, match=f"models fetch {entry.name}"):
        find_model("en", Path("/nowhere"), (_elsewhere(entry),), engine=WHISPER)


def _elsewhere(entry: Any) -> Any:
    return replace(entry, member="no_such_package_here/model")


@pytest.mark.parametrize("damage", ["bit", "cut", "no tokens"])
def test_a_damaged_model_is_found_before_it_is_opened(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    (entry,) = (e for e in load_recognisers() if e.engine == WHISPER)
    copy = tmp_path / entry.name
    shutil.copytree(folder, copy)
    if damage == "bit":
        with (copy / "model.bin").open("r+b") as stream:
            stream.seek(40_000_000)
            stream.write(bytes([stream.read(1)[0] ^ 1]))
    elif damage == "cut":
        with (copy / "model.bin").open("r+b") as stream:
            stream.truncate(1_000_000)
    else:
        (copy / "tokenizer.json").unlink()
    monkeypatch.setattr("voxedge.models.recognisers.models_folder", lambda: tmp_path)
    with pytest.raises(RecogniserCorrupt):
        open_judge("en")
    # And where its digest is not looked at, it is no crash either.
    if damage != "bit":
        with pytest.raises((WeightsDamaged, OSError)):
            open_whisper(copy)


def test_a_folder_for_another_machine_gets_a_model_of_its_own(folder: Path, tmp_path: Path) -> None:
    (entry,) = (e for e in load_recognisers() if e.engine == WHISPER)
    place = fetch_model(entry.name, tmp_path, own=True)
    assert place == tmp_path / entry.name
    assert tree_digest(place) == entry.tree_sha256
    assert fetch_model(entry.name, tmp_path, own=True) == place
    assert [item.name for item in tmp_path.iterdir()] == [entry.name]


# -- judgement -------------------------------------------------------------------------------------

MEANING = {"next": 1, "skip": 1, "back": 2, "page three": 3}


def test_both_listeners_together_choose() -> None:
    likelihood = {"next": -3.0, "back": -2.0}
    lost = {"next": -1.0, "back": -0.5}
    alone = weigh(First(""), likelihood, lost, MEANING, len, 50)
    assert alone is not None
    assert (alone.phrase, alone.agreed) == ("back", False)
    assert alone.margin == pytest.approx(1.0)
    both = weigh(First("next", -0.002, 0.9), likelihood, lost, MEANING, len, 50)
    assert both is not None
    assert (both.phrase, both.agreed, both.coverage) == ("next", True, 0.9)
    assert both.confidence > replace(both, agreed=False).confidence


def test_two_ways_to_say_the_same_do_not_compete() -> None:
    same = weigh(First("skip"), {"next": -1.0, "skip": -9.0}, {"next": 0.0}, MEANING, len, 50)
    assert same is not None
    assert same.agreed


def test_what_means_nothing_is_no_command() -> None:
    assert weigh(First("go on"), {"no": -0.1}, {}, MEANING, len, 50) is None
    assert weigh(First(""), {}, {}, MEANING, len, 50) is None


@given(
    st.dictionaries(st.sampled_from(sorted(MEANING)), st.floats(-60, 0), min_size=1),
    st.sampled_from([*sorted(MEANING), ""]),
    st.floats(-0.02, 0),
    st.floats(0, 1),
    st.integers(0, 450),
)
def test_any_opinion_gives_a_confidence(
    likelihood: dict[str, float], phrase: str, fit: float, coverage: float, frames: int
) -> None:
    weighed = weigh(First(phrase, fit, coverage), likelihood, likelihood, MEANING, len, frames)
    assert weighed is not None
    assert 0.0 <= weighed.confidence <= 1.0
    assert weighed.phrase in {*likelihood, phrase}


def test_doubt_lowers_confidence() -> None:
    sure = Weighed(
        "next", -1.5, -0.1, 12.0, agreed=True, fit=-0.003, coverage=0.95, phonemes=5, stretch=0.1
    )
    assert sure.confidence > 0.9
    assert replace(sure, lost=-15.0, likelihood=-20.0).confidence < 0.3
    assert replace(sure, agreed=False).confidence < sure.confidence
    assert replace(sure, phrase="next page", phonemes=9).confidence > sure.confidence
    assert replace(sure, stretch=1.2).confidence < sure.confidence


def test_a_slow_or_quick_speaker_loses_nothing_but_a_sentence_is_no_word() -> None:
    def confidence(frames: int) -> float:
        heard = First("next", -0.006, 0.7)
        weighed = weigh(heard, {"next": -5.0}, {"next": -4.0}, MEANING, len, frames)
        assert weighed is not None
        return weighed.confidence

    usual = confidence(51)
    assert confidence(70) == confidence(36) == usual
    assert confidence(200) < confidence(110) < usual
    assert confidence(15) < usual
