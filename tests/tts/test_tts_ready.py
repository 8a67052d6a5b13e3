from __future__ import annotations

import logging
import shutil

import numpy as np
import pytest

from voxedge.engines.tts import ready
from voxedge.engines.tts.network import NetworkFailed, VoiceNetwork, open_session
from voxedge.models.build import build
from voxedge.testing.tiny_voice import write_tiny_voice

IDS = [1, 0, 5, 0, 6, 0, 2]


@pytest.fixture
def assets(tmp_path):
    return build("tiny", *write_tiny_voice(tmp_path), tmp_path / "stages")


def files(assets):
    return [assets.text_encoder, *(stage.path for stage in assets.frame_stages)]


def saved(assets):
    (folder,) = assets.folder.glob(f"{ready.PREFIX}*")
    return folder


def spoken(assets):
    return VoiceNetwork(assets, threads=1).render_whole(IDS, 1.0)


def test_a_saved_network_says_the_same_and_is_the_one_that_is_loaded(assets):
    before = spoken(assets)
    assert ready.save_ready(files(assets))
    paths = [ready.ready_file(path) for path in files(assets)]
    assert all(path.parent == saved(assets) for path in paths)
    np.testing.assert_allclose(spoken(assets), before, atol=1e-6)
    # The originals may be gone: it really is the saved ones that speak.
    for path in files(assets):
        path.unlink()
    np.testing.assert_allclose(spoken(assets), before, atol=1e-6)


def test_saving_twice_writes_once(assets):
    ready.save_ready(files(assets))
    stamp = saved(assets).stat().st_mtime_ns
    assert ready.save_ready(files(assets))
    assert saved(assets).stat().st_mtime_ns == stamp


def test_another_onnxruntime_or_processor_makes_its_own(assets, monkeypatch):
    ready.save_ready(files(assets))
    old = saved(assets)
    monkeypatch.setattr(ready, "ready_key", lambda: "abcdef")
    assert ready.ready_file(assets.text_encoder) is None
    assert ready.save_ready(files(assets))
    assert saved(assets).name == "ready-abcdef"
    assert not old.exists()


def test_a_truncated_saved_network_is_not_loaded(assets):
    ready.save_ready(files(assets))
    path = ready.ready_file(assets.text_encoder)
    path.write_bytes(path.read_bytes()[:-1])
    assert ready.ready_file(assets.text_encoder) is None
    open_session(assets.text_encoder, 1)


def test_a_broken_saved_network_falls_back_to_the_original(assets, caplog):
    before = spoken(assets)
    ready.save_ready(files(assets))
    path = ready.ready_file(assets.text_encoder)
    path.write_bytes(bytes(path.stat().st_size))
    with caplog.at_level(logging.WARNING):
        np.testing.assert_allclose(spoken(assets), before, atol=1e-6)
    assert "a saved network is not used" in caplog.text
    assert not ready.ready_intact(assets.folder)


def test_a_missing_original_without_a_saved_one_fails(assets):
    assets.text_encoder.unlink()
    with pytest.raises(NetworkFailed):
        open_session(assets.text_encoder, 1)


@pytest.mark.parametrize("facts", ["", "[]", "{", '{"text_encoder.onnx": {"bytes": 1}}'])
def test_a_damaged_list_means_nothing_is_ready(assets, facts):
    ready.save_ready(files(assets))
    (saved(assets) / "ready.json").write_text(facts)
    assert ready.ready_file(assets.text_encoder) is None


def test_what_cannot_be_saved_costs_only_the_slower_start(assets, monkeypatch, caplog):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ready.tempfile, "mkdtemp", full)
    with caplog.at_level(logging.WARNING):
        assert not ready.save_ready(files(assets))
    assert "No space left" in caplog.text
    assert len(spoken(assets)) > 0


def test_a_network_that_does_not_load_leaves_nothing_half(assets):
    assets.text_encoder.write_bytes(b"no network")
    assert not ready.save_ready(files(assets))
    assert not [path for path in assets.folder.iterdir() if path.is_dir()]


def test_a_read_only_folder_is_not_tried(assets, monkeypatch):
    monkeypatch.setattr(ready.os, "access", lambda *_: False)
    assert not ready.save_ready(files(assets))


def test_a_folder_without_saved_networks_is_intact(assets):
    assert ready.ready_intact(assets.folder)
    ready.save_ready(files(assets))
    assert ready.ready_intact(assets.folder)
    shutil.rmtree(saved(assets))
    assert ready.ready_intact(assets.folder)
