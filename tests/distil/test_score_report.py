"""From two voices to a table and a page."""

import json
import wave

import numpy as np
import pytest

from voxedge.engines.tts.network import VoiceNetwork
from voxedge.models.build import build
from voxedge.models.score import judge as judging
from voxedge.models.score.metrics import Mos
from voxedge.models.score.render import render
from voxedge.models.score.scoring import SentenceScore, summarise, table
from voxedge.models.score.sentences import Sentence
from voxedge.testing.tiny_voice import HOP, RATE_HZ, write_tiny_voice

SENTENCES = (
    Sentence("dose", "Take two tablets."),
    Sentence("prose", "The sea <is> calm."),
    Sentence("prose", "..."),
)


class Listener:
    """Hears the first voice well and the second one badly."""

    def __init__(self) -> None:
        self.calls = 0

    def transcribe(self, samples, rate_hz):
        self.calls += 1
        return "take 2 tablets" if self.calls % 2 else "take ten tablets"


class Louder:
    """A voice that is the original, twice as loud."""

    def __init__(self, network):
        self.encode, self._network = network.encode, network

    def decode(self, *arguments, **options):
        for samples in self._network.decode(*arguments, **options):
            yield 2 * samples


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voice")
    model, config = write_tiny_voice(folder)
    return VoiceNetwork(build("tiny", model, config, folder / "built"), threads=1)


def row(**change) -> SentenceScore:
    base = {
        "kind": "dose",
        "text": "Take two.",
        "reference_mos": 3.0,
        "candidate_mos": 3.0,
        "reference_signal": 3.0,
        "candidate_signal": 3.0,
        "words": 10,
        "reference_errors": 1,
        "candidate_errors": 1,
        "reference_heard": "",
        "candidate_heard": "",
        "log_mel": 0.1,
        "pitch_cents": 5.0,
        "voicing": 0.0,
        "drift": 0.0,
    }
    return SentenceScore(**(base | change))


def test_the_same_voice_twice_differs_in_nothing(network):
    (first, second) = render(network, network, network.assets.config, SENTENCES)
    assert first.sentence == SENTENCES[0]
    assert second.sentence == SENTENCES[1]
    assert np.array_equal(first.reference, first.candidate)
    assert np.array_equal(first.reference, first.candidate_timed)
    assert first.drift == 0


def test_with_noise_both_draw_the_same(network):
    config = network.assets.config
    (first, _) = render(network, network, config, SENTENCES, noise=True)
    (plain, _) = render(network, network, config, SENTENCES)
    assert np.array_equal(first.reference, first.candidate)
    (again, _) = render(network, network, config, SENTENCES, noise=True)
    assert np.array_equal(first.reference, again.reference)
    size = min(len(first.reference), len(plain.reference))
    assert not np.array_equal(first.reference[:size], plain.reference[:size])


def test_the_page_its_sounds_and_its_figures(network, tmp_path, monkeypatch):
    monkeypatch.setattr(judging, "Dnsmos", lambda: lambda samples, rate_hz: Mos(3.0, 3.1, 3.2))
    verdict = judging.judge_voice(
        "tiny",
        network,
        Louder(network),
        network.assets.config,
        HOP,
        Listener(),
        SENTENCES,
        tmp_path / "page",
    )
    assert verdict.score.sentences == 2
    assert not verdict.score.passed
    page = verdict.page.read_text(encoding="utf-8")
    assert "The sea &lt;is&gt; calm." in page
    assert page.count("data:image/png;base64,") == page.count("<audio") == 4
    figures = json.loads((tmp_path / "page" / "score.json").read_text(encoding="utf-8"))
    assert figures["summary"]["passed"] is False
    assert len(figures["sentences"]) == 2
    with wave.open(str(tmp_path / "page" / "001-candidate.wav")) as sound:
        assert sound.getframerate() == RATE_HZ
        assert sound.getnframes() > 0


@pytest.mark.parametrize(
    ("change", "passed"),
    [
        ({}, True),
        ({"candidate_mos": 2.97}, True),
        ({"candidate_mos": 2.95}, False),
        ({"candidate_errors": 2, "words": 100}, False),
        ({"candidate_errors": 2, "words": 400}, True),
        ({"candidate_mos": 4.0, "candidate_errors": 5}, False),
        ({"reference_distill": 4.0, "candidate_distill": 3.89}, True),
        ({"reference_distill": 4.0, "candidate_distill": 3.87}, False),
    ],
)
def test_the_gate(change, passed):
    score = summarise([row(**change)] * 4)
    assert score.passed is passed
    assert ("passed" if passed else "FAILED") in table(score)


def test_the_table_says_what_was_not_measured():
    assert "not measured. no torch" in table(summarise([row()], "no torch"))
    measured = summarise([row(reference_distill=4.0, candidate_distill=3.9)])
    assert "Distill-MOS, ratio 97.50 %" in " ".join(table(measured).split())


def test_no_sentence_no_score():
    with pytest.raises(ValueError, match="no sentence"):
        summarise([])


def test_timing_is_compared():
    assert summarise([row(drift=0.02), row(drift=0.04)]).drift.value == pytest.approx(0.03)
