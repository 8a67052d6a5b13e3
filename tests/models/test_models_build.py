"""Building a voice: equal to the original, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from voxedge.engines.tts.assets import STAGES_FILE, load_assets
from voxedge.engines.tts.network import VoiceNetwork
from voxedge.errors import DiskFull, VoiceCorrupt, VoiceMissing
from voxedge.models import build as builder
from voxedge.models.build import build, open_built, sha256_of, stages_folder
from voxedge.testing.tiny_voice import HOP, write_tiny_voice

IDS = [1, 0, 13, 0, 20, 0, 3, 0, 14, 0, 30, 0, 2]


def original(model: Path, speakers: int, speaker: int) -> np.ndarray:
    feed = {
        "input": np.array([IDS]),
        "input_lengths": np.array([len(IDS)]),
        "scales": np.array([0, 1, 0], dtype=np.float32),
    }
    if speakers > 1:
        feed["sid"] = np.array([speaker])
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, feed)[0]).ravel()


@pytest.mark.parametrize("speakers", [1, 3])
def test_stages_give_what_the_original_gives(tmp_path: Path, speakers: int) -> None:
    model, config = write_tiny_voice(tmp_path, speakers=speakers)
    assets = build("tiny", model, config, tmp_path / "stages")
    assert assets.hop == HOP
    assert assets.takes_speaker is (speakers > 1)
    whole = VoiceNetwork(assets, threads=1).render_whole(IDS, 1.0)
    np.testing.assert_allclose(whole, original(model, speakers, 0), atol=1e-5)


def test_speakers_sound_different(tmp_path: Path) -> None:
    model, config = write_tiny_voice(tmp_path, speakers=3)
    network = VoiceNetwork(build("tiny", model, config, tmp_path / "stages"), threads=1)
    for speaker in range(3):
        encoded = network.encode(IDS, None, 0.0, speaker)
        frames = np.ceil(encoded.durations).astype(int)
        prior = np.repeat(encoded.mean, frames, axis=1)
        samples = next(network.decode(prior, [prior.shape[1]], speaker=speaker))
        np.testing.assert_allclose(samples, original(model, 3, speaker), atol=1e-5)


def test_derived_files_are_kept_and_made_again_when_damaged(tmp_path: Path) -> None:
    model, config = write_tiny_voice(tmp_path)
    digest = sha256_of(model)
    first = open_built("tiny", model, config, digest)
    stamp = first.text_encoder.stat().st_mtime_ns
    assert open_built("tiny", model, config, digest).text_encoder.stat().st_mtime_ns == stamp
    stage = first.frame_stages[0].path
    stage.write_bytes(stage.read_bytes()[:-10])
    again = open_built("tiny", model, config, digest)
    assert again.frame_stages[0].path.stat().st_size == stage.stat().st_size
    VoiceNetwork(again, threads=1)
    (again.folder / STAGES_FILE).write_text("{", encoding="utf-8")
    assert open_built("tiny", model, config, digest).frame_stages == first.frame_stages


def test_an_interrupted_build_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, config = write_tiny_voice(tmp_path)
    written = builder._write_synced

    def interrupted(path: Path, content: bytes) -> None:
        if path.name.startswith("decoder"):
            raise KeyboardInterrupt
        written(path, content)

    monkeypatch.setattr(builder, "_write_synced", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build("tiny", model, config, tmp_path / "stages")
    assert sorted(path.name for path in tmp_path.iterdir()) == [model.name, config.name]


def test_a_full_disk_while_building(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, config = write_tiny_voice(tmp_path)

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(builder, "_write_synced", full)
    with pytest.raises(DiskFull):
        build("tiny", model, config, tmp_path / "stages")
    assert not (tmp_path / "stages").exists()


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x08\x08" * 50])
def test_a_file_that_is_no_network(tmp_path: Path, content: bytes) -> None:
    model, config = write_tiny_voice(tmp_path)
    model.write_bytes(content)
    with pytest.raises(VoiceCorrupt):
        build("tiny", model, config, tmp_path / "stages")


def test_a_truncated_network(tmp_path: Path) -> None:
    model, config = write_tiny_voice(tmp_path)
    model.write_bytes(model.read_bytes()[:20_000])
    with pytest.raises(VoiceCorrupt):
        build("tiny", model, config, tmp_path / "stages")


def test_a_network_without_a_cut_says_so(tmp_path: Path) -> None:
    model, config = write_tiny_voice(tmp_path)
    graph = onnx.load(str(model))
    for node in graph.graph.node:
        if node.op_type == "Ceil":
            node.op_type = "Floor"
    onnx.save(graph, str(model))
    with pytest.raises(VoiceCorrupt, match="no cut found"):
        build("tiny", model, config, tmp_path / "stages")


def test_stages_that_differ_are_not_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, config = write_tiny_voice(tmp_path)
    monkeypatch.setattr(builder, "_original", lambda *_: np.zeros(HOP * 7, dtype=np.float32))
    with pytest.raises(VoiceCorrupt, match="length"):
        build("tiny", model, config, tmp_path / "stages")
    assert not (tmp_path / "stages").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"audio": {}},
        {"audio": {"sample_rate": "fast"}},
        {"phoneme_id_map": {"a": [1]}},
        {"phoneme_id_map": {"_": ["x"]}},
        {"phoneme_type": "klingon"},
        {"espeak": None},
    ],
)
def test_a_config_that_makes_no_sense(tmp_path: Path, change: dict[str, object]) -> None:
    model, config = write_tiny_voice(tmp_path)
    data = {**json.loads(config.read_text(encoding="utf-8")), **change}
    config.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(VoiceCorrupt):
        build("tiny", model, config, tmp_path / "stages")


def test_assets_name_what_is_wrong(tmp_path: Path) -> None:
    model, config = write_tiny_voice(tmp_path)
    with pytest.raises(VoiceMissing):
        load_assets("tiny", tmp_path)
    folder = build("tiny", model, config, stages_folder(tmp_path, "0" * 64)).folder
    description = folder / STAGES_FILE
    data = json.loads(description.read_text(encoding="utf-8"))
    for broken in ({**data, "format": 99}, {**data, "frame_stages": []}, {"format": 1}):
        description.write_text(json.dumps(broken), encoding="utf-8")
        with pytest.raises(VoiceCorrupt):
            load_assets("tiny", folder)
