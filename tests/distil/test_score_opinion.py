"""The second opinion: where it comes from, and what is said where it cannot be had."""

import asyncio
import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from voxedge.engines.tts.espeak import EspeakVoice
from voxedge.flow import Utterance
from voxedge.models.score.metrics import JudgeMissing
from voxedge.models.score.opinion import DistillMos


@pytest.fixture
def installed(monkeypatch):
    """Stand-ins for PyTorch and the package; what the network was given."""
    given = []

    class Network:
        def eval(self):
            given.append("eval")

        def __call__(self, clip):
            given.append(clip)
            return 4.25

    def load():
        print("weights loaded from /somewhere")
        return Network()

    class NoGrad:
        def __enter__(self):
            given.append("no_grad")

        def __exit__(self, *_):
            pass

    torch = SimpleNamespace(
        set_num_threads=given.append, no_grad=NoGrad, from_numpy=lambda array: array
    )
    package = ModuleType("distillmos")
    package.ConvTransformerSQAModel = load
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "distillmos", package)
    return given


def test_it_judges_at_its_own_rate_and_prints_nothing(installed, capsys):
    judge = DistillMos(threads=2)
    assert judge(np.zeros(22_050, dtype=np.float32), 22_050) == 4.25
    threads, evaluated, no_grad, clip = installed
    assert (threads, evaluated, no_grad) == (2, "eval", "no_grad")
    assert clip.shape == (1, 16_000)
    assert clip.dtype == np.float32
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("absent", ["torch", "distillmos"])
def test_what_is_missing_is_told_with_the_way_to_get_it(installed, monkeypatch, absent):
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(JudgeMissing, match=f"(?s)pip install --no-deps distillmos.*{absent}"):
        DistillMos()


def test_no_stand_in_for_torchaudio_stays(installed):
    before = sys.modules.get("torchaudio")
    DistillMos()
    assert sys.modules.get("torchaudio") is before


@pytest.mark.skipif(
    importlib.util.find_spec("distillmos") is None, reason="distillmos is not installed"
)
def test_it_hears_noise():
    async def speak():
        voice = EspeakVoice()
        utterance = Utterance("Take one tablet twice a day with a glass of water.")
        return np.concatenate([chunk.samples async for chunk in voice.stream(utterance)])

    speech = asyncio.run(speak())
    noise = np.random.default_rng(0).normal(0, 0.1, len(speech)).astype(np.float32)
    judge = DistillMos()
    clean, noisy = judge(speech, 22_050), judge(speech + noise, 22_050)
    assert 1 <= noisy < clean <= 5
