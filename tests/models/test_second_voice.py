"""A second full-size voice: nothing in the builder hangs on the first one."""

from __future__ import annotations

import numpy as np
import pytest

from voxedge.engines.tts.network import VoiceNetwork
from voxedge.errors import ConfigError, VoxedgeError
from voxedge.models.distil.package import Student
from voxedge.models.distil.recipe import fitting_shape, warm_start
from voxedge.models.distil.shape import StudentShape
from voxedge.models.manifest import load_manifest
from voxedge.models.store import VoiceState, VoiceStore
from voxedge.testing.second_voice import RATE_HZ, install_second_voice, write_second_voice
from voxedge.testing.tiny_voice import write_tiny_voice


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """The second voice, installed and cut; the environment points at it."""
    folder = tmp_path_factory.mktemp("second")
    try:
        name = install_second_voice(folder)
    except VoxedgeError as error:
        pytest.skip(f"the default voice is not installed: {error}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOXEDGE_MODELS", str(folder / "models"))
        patch.setenv("VOXEDGE_MANIFEST", str(folder / "manifest.toml"))
        yield VoiceStore().build("split", name)


def test_it_is_cut_and_its_stages_give_what_it_gives_whole(second):
    # The builder itself compares them and refuses what differs.
    assert second.takes_speaker
    assert any(stage.takes_speaker for stage in second.frame_stages)
    assert second.config.rate_hz == RATE_HZ
    assert second.config.default_speaker == 1
    status = VoiceStore().verify(second.name)
    assert status.state is VoiceState.INSTALLED


def test_its_two_speakers_are_two(second):
    network = VoiceNetwork(second, threads=1)
    ids = [second.config.phoneme_ids[mark][0] for mark in "^_h_ə_l_ˈ_o_ʊ_$"]
    spoken = [
        next(network.decode(np.repeat(encoded.mean, 5, axis=1), [5 * len(ids)], 0, speaker))
        for speaker in (0, 1)
        for encoded in [network.encode(ids, None, 0.0, speaker)]
    ]
    assert np.isfinite(spoken).all()
    assert np.abs(spoken[0] - spoken[1]).max() > 0.05


def test_a_student_of_the_first_voice_is_a_beginning_for_it(second):
    wanted = fitting_shape(VoiceNetwork(second, threads=1))
    assert wanted.rate_hz == RATE_HZ
    weights = {"output.bias": np.zeros(1, dtype=np.float32)}
    assert warm_start(wanted, Student(StudentShape(), weights, {}, "")) is weights
    with pytest.raises(ValueError, match="other sizes"):
        warm_start(wanted, Student(StudentShape(hop=128, fft_size=512), weights, {}, ""))


def test_a_voice_without_those_layers_is_refused(tmp_path):
    model, config = write_tiny_voice(tmp_path)
    with pytest.raises(ValueError, match="has no"):
        write_second_voice(model, config, tmp_path, "other")


def test_a_manifest_of_ones_own(tmp_path, monkeypatch):
    own = tmp_path / "own.toml"
    monkeypatch.setenv("VOXEDGE_MANIFEST", str(own))
    with pytest.raises(ConfigError):
        load_manifest()
    own.write_text('default = "mine"\n')
    with pytest.raises(ConfigError, match=r"own\.toml"):
        load_manifest()
