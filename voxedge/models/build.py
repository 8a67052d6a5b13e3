"""Derive the stages of a voice from its official model, once, and prove that nothing changed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxedge.engines.tts.assets import (
    CONFIG_FILE,
    FORMAT,
    STAGES_FILE,
    VoiceAssets,
    load_assets,
)
from voxedge.engines.tts.voice_config import VoiceConfig, parse_voice_config
from voxedge.errors import DiskFull, VoiceCorrupt, VoiceMissing
from voxedge.models.progress import Progress, Silent

if TYPE_CHECKING:
    import onnx

RECIPE = "split-2"
"""Part of the cache key of derived files: raise the number when the derivation changes."""

TOLERANCE = 1e-4
"""Largest difference of a sample between the stages and the original that a build accepts.
Measured for en_US-joe-medium: below 1e-6; the rest is room for other machines' arithmetic."""


@dataclass(frozen=True, slots=True)
class _Stage:
    name: str
    model: onnx.ModelProto
    halo: int
    upsampling: int
    takes_speaker: bool


def stages_folder(voice_folder: Path, model_sha256: str) -> Path:
    """Where the derived files of one model lie: keyed by its content and by the recipe."""
    return voice_folder / f"{RECIPE}-{model_sha256[:16]}"


def open_built(
    name: str,
    model: Path,
    config: Path,
    model_sha256: str,
    progress: Progress | None = None,
) -> VoiceAssets:
    """The built voice, made now if it is missing or damaged. Blocking: seconds on first use.

    Raises:
        VoiceMissing: the original is not here either.
        VoiceCorrupt: the original is no voice that comes apart.
        DiskFull: no room for the derived files.
    """
    folder = stages_folder(model.parent, model_sha256)
    try:
        return load_assets(name, folder)
    except (VoiceMissing, VoiceCorrupt):
        if not model.is_file() or not config.is_file():
            raise VoiceMissing(voice=name) from None
    return build(name, model, config, folder, model_sha256, progress)


def build(
    name: str,
    model: Path,
    config: Path,
    folder: Path,
    model_sha256: str | None = None,
    progress: Progress | None = None,
) -> VoiceAssets:
    """Cut a Piper model into stages and write them to ``folder``. Blocking.

    The stages are written beside ``folder`` and moved there whole, so that a build that is cut
    off leaves nothing behind under the final name.

    Args:
        name: the voice's name, for messages.
        model: the official ONNX file.
        config: its JSON file.
        folder: destination; replaced.
        model_sha256: digest of ``model`` if the caller knows it.
        progress: told how far the work is.

    Raises:
        VoiceCorrupt: the model does not parse, has no cut, or its stages do not reproduce it.
        DiskFull: no room.
    """
    progress = progress or Silent()
    progress.start(f"building {name}", 4, "steps")
    settings, stages = _derive(name, model, config, progress)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".build-", dir=folder.parent))
    try:
        _write(scratch, stages, config, model_sha256 or sha256_of(model))
        progress.advance(1)
        _check_equal(name, model, settings, load_assets(name, scratch))
        progress.advance(1)
        scratch.chmod(0o755)  # mkdtemp makes it private; a service may read what a user built
        if folder.exists():
            shutil.rmtree(folder)
        scratch.replace(folder)
    except OSError as error:
        if error.errno == 28:  # ENOSPC
            raise DiskFull(path=folder) from error
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    progress.finish()
    return load_assets(name, folder)


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _derive(
    name: str, model: Path, config: Path, progress: Progress
) -> tuple[VoiceConfig, list[_Stage]]:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    from voxedge.models.graph.cut import NoCutFound
    from voxedge.models.graph.halo import HaloUnknown

    try:
        settings = parse_voice_config(config.read_text(encoding="utf-8"))
        graph = onnx.load(str(model))
        progress.advance(1)
        stages = _stages(graph)
    except (NoCutFound, HaloUnknown) as error:
        raise VoiceCorrupt(voice=name, reason=f"no cut found: {error}") from error
    except (DecodeError, ValueError, IndexError, KeyError) as error:
        raise VoiceCorrupt(voice=name, reason=f"its model does not parse: {error}") from error
    progress.advance(1)
    return settings, stages


def _stages(model: onnx.ModelProto) -> list[_Stage]:
    import onnx

    from voxedge.models.graph import parts, rewrite
    from voxedge.models.graph.cut import find_cut
    from voxedge.models.graph.halo import halo_frames, upsampling
    from voxedge.models.graph.view import GraphView, extract, rename

    def tensor(name: str, shape: list[Any]) -> onnx.ValueInfoProto:
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    cut = find_cut(model.graph)
    inputs = {item.name: item for item in model.graph.input}
    text_inputs = [inputs["input"], inputs["input_lengths"], inputs["scales"]]
    speaker = [inputs["sid"]] if cut.has_speakers else []
    noise = [tensor(cut.duration_noise, [1, 2, "tokens"])] if cut.duration_noise else []
    text = extract(
        model,
        [*text_inputs, *noise, *speaker],
        [
            tensor(cut.mean, [1, None, "tokens"]),
            tensor(cut.log_scale, [1, None, "tokens"]),
            tensor(cut.durations, [1, 1, "tokens"]),
        ],
    )
    names = {cut.mean: "mean", cut.log_scale: "log_scale", cut.durations: "durations"}
    if cut.duration_noise:
        names[cut.duration_noise] = "duration_noise"
    rename(text, names)
    stages = [_Stage("text_encoder", text, 0, 0, cut.has_speakers)]

    # Samples come as [1, 1, 1, n] from an Unsqueeze that only wraps them up: leave it out.
    ending = GraphView(model.graph).producer[cut.audio]
    audio = ending.input[0] if ending.op_type == "Unsqueeze" else cut.audio
    one = np.ones((1, 1, 1), dtype=np.float32)
    frames = extract(
        model,
        [tensor(cut.prior, [1, None, "frames"]), *speaker],
        [tensor(audio, [1, 1, "samples"])],
        dict.fromkeys(cut.frame_masks, one),
    )
    frames = rewrite.fold_scales(rewrite.drop_neutral(frames))
    decoding = False
    counts = {"flow": 0, "decoder": 0}
    for part, source in parts.split(frames, cut.prior):
        halo, factor = halo_frames(part, source), upsampling(part, source)
        decoding = decoding or factor > 1
        kind = "decoder" if decoding else "flow"
        if decoding:
            part = rewrite.two_dimensional(rewrite.polyphase(part), source)
        rename(part, {source: "x", part.graph.output[0].name: "y"})
        takes_speaker = any(item.name == "sid" for item in part.graph.input)
        stages.append(_Stage(f"{kind}.{counts[kind]}", part, halo, factor, takes_speaker))
        counts[kind] += 1
    return stages


def _write(folder: Path, stages: list[_Stage], config: Path, model_sha256: str) -> None:
    entries: list[dict[str, object]] = []
    for stage in stages:
        path = folder / f"{stage.name}.onnx"
        content = stage.model.SerializeToString()
        _write_synced(path, content)
        entries.append(
            {
                "name": stage.name,
                "file": path.name,
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "halo": stage.halo,
                "upsampling": stage.upsampling,
                "takes_speaker": stage.takes_speaker,
            }
        )
    text = stages[0]
    description = {
        "format": FORMAT,
        "recipe": RECIPE,
        "model_sha256": model_sha256,
        "draws_duration_noise": any(
            item.name == "duration_noise" for item in text.model.graph.input
        ),
        "takes_speaker": text.takes_speaker,
        "text_encoder": entries[0],
        "frame_stages": entries[1:],
    }
    _write_synced(folder / CONFIG_FILE, config.read_bytes())
    # Last: a folder with a description is a whole folder.
    _write_synced(folder / STAGES_FILE, json.dumps(description, indent=1).encode())


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _check_equal(name: str, model: Path, config: VoiceConfig, assets: VoiceAssets) -> None:
    """Run the original and the stages on the same ids without noise and compare the samples."""
    from voxedge.engines.tts.network import NetworkFailed, VoiceNetwork

    ids = _trial_ids(config)
    try:
        whole = _original(model, config, ids)
        network = VoiceNetwork(assets, threads=1)
        parted = network.render_whole(ids, config.length_scale)
    except NetworkFailed as error:
        raise VoiceCorrupt(voice=name, reason=f"its stages do not run: {error}") from error
    if whole.shape != parted.shape:
        raise VoiceCorrupt(voice=name, reason="its stages give another length than the whole")
    difference = float(np.max(np.abs(whole - parted)))
    if not difference <= TOLERANCE:
        raise VoiceCorrupt(voice=name, reason=f"its stages differ by {difference:.2g}")


def _trial_ids(config: VoiceConfig) -> list[int]:
    """A line of all the voice's phonemes, some twenty: enough to exercise every layer."""
    known = sorted({ids[0] for ids in config.phoneme_ids.values() if ids})
    return known[:: max(1, len(known) // 20)]


def _original(model: Path, config: VoiceConfig, ids: list[int]) -> np.ndarray:
    from voxedge.engines.tts.network import open_session, run_session

    feed: dict[str, np.ndarray] = {
        "input": np.array([ids], dtype=np.int64),
        "input_lengths": np.array([len(ids)], dtype=np.int64),
        "scales": np.array([0.0, config.length_scale, 0.0], dtype=np.float32),
    }
    session = open_session(model, threads=1)
    if any(item.name == "sid" for item in session.get_inputs()):
        feed["sid"] = np.array([config.default_speaker], dtype=np.int64)
    return np.asarray(run_session(session, feed)[0], dtype=np.float32).ravel()
