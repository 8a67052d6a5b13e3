"""From a student's weights to files that the engine loads, and back.

What travels with the project is small: weights in half precision and the ranges of their INT8
layers (``models/students/VOICE.npz`` and ``.json``). The graphs are made from them on the machine,
in under a second and without calibration. The INT8 text encoder is made from the verified original
there, calibrated with the voice's own sentences.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxedge.engines.tts.durations import allot_frames
from voxedge.engines.tts.network import VoiceNetwork
from voxedge.engines.tts.phonemes import Phonemizer
from voxedge.engines.tts.student import StudentFiles
from voxedge.models.build import sha256_of
from voxedge.models.distil import corpus
from voxedge.models.distil.encoder import build_encoder, build_like, calibrate_encoder
from voxedge.models.distil.graph import build_graph, cache_sizes
from voxedge.models.distil.quantize import Feed, quantize_text_encoder
from voxedge.models.distil.shape import (
    StudentShape,
    Weights,
    WeightsUnusable,
    load_weights,
    save_weights,
)
from voxedge.models.graph.builder import Range
from voxedge.models.graph.text_encoder import NoTextEncoder
from voxedge.models.shipped import LIGHTER_SUFFIX

_LOG = logging.getLogger(__name__)

FORMAT = 1
CALIBRATION_SENTENCES = 40
_COMPARED_SENTENCES = 6
_CALIBRATION_SEED = 5
STUDENT_FILE, LIGHTER_FILE = "student.onnx", "lighter.onnx"
TEXT_ENCODER_FILE = "text_encoder.int8.onnx"


@dataclass(frozen=True, slots=True)
class Student:
    """A trained student, ready to become a graph.

    Attributes:
        shape: sizes.
        weights: by the names of ``weight_shapes``.
        int8: layers to run in INT8, with the range of each one's input.
        origin_sha256: digest of the teacher's official model.
        training: how it came to be, in a few sentences, for its card.
    """

    shape: StudentShape
    weights: Weights
    int8: Mapping[str, Range]
    origin_sha256: str
    training: str = ""


def save_student(folder: Path, voice: str, student: Student) -> None:
    """Write ``VOICE.npz`` and ``VOICE.json``, which names the digest of the other."""
    weights = folder / f"{voice}.npz"
    save_weights(weights, student.shape, student.weights)
    data = {
        "format": FORMAT,
        "origin_sha256": student.origin_sha256,
        "weights_sha256": sha256_of(weights),
        "training": student.training,
        "int8": {name: asdict(item) for name, item in student.int8.items()},
    }
    (folder / f"{voice}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def load_student(folder: Path, voice: str) -> Student:
    """Read what ``save_student`` wrote.

    Raises:
        FileNotFoundError: there is no student of that voice.
        WeightsUnusable: its files are damaged or do not belong together.
    """
    shape, weights = load_weights(folder / f"{voice}.npz")
    try:
        data = json.loads((folder / f"{voice}.json").read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise WeightsUnusable(f"{voice}.json is of format {data['format']}")
        if data["weights_sha256"] != sha256_of(folder / f"{voice}.npz"):
            raise WeightsUnusable(f"{voice}.npz is not the one that {voice}.json is of")
        int8 = {name: _range(item) for name, item in data["int8"].items()}
        training = str(data.get("training", ""))
        return Student(shape, weights, int8, str(data["origin_sha256"]), training)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsUnusable(f"{voice}.json does not parse: {error}") from error


def load_lighter(folder: Path, voice: str) -> Student | None:
    """The student for a device that cannot afford the other one; None where there is none.

    Raises:
        WeightsUnusable: as ``load_student``.
    """
    try:
        return load_student(folder, voice + LIGHTER_SUFFIX)
    except FileNotFoundError:
        return None


def write_graph(student: Student, folder: Path, name: str = STUDENT_FILE) -> StudentFiles:
    """Write a student's graph.

    Raises:
        WeightsUnusable: the weights do not fit their shape.
        OSError: the folder cannot be written.
    """
    model = build_graph(student.shape, student.weights, student.int8)
    path = folder / name
    scratch = path.with_suffix(".part")
    scratch.write_bytes(model.SerializeToString())
    scratch.replace(path)
    return student_files(student.shape, path)


def student_files(shape: StudentShape, path: Path) -> StudentFiles:
    """What the engine must know of a student's graph."""
    return StudentFiles(path, shape.form, shape.context, tuple(cache_sizes(shape)))


def write_text_encoder(network: VoiceNetwork, folder: Path) -> Path:
    """Write the voice's text encoder in INT8. Blocking: some 5 s.

    Written anew (``distil.encoder``) where it can be; else quantized as it is, some 20 s.

    Raises:
        OSError: the folder cannot be written.
    """
    import onnx

    path = folder / TEXT_ENCODER_FILE
    scratch = path.with_suffix(".part")
    feeds = list(itertools.islice(text_feeds(network), CALIBRATION_SENTENCES))
    original = network.assets.text_encoder
    try:
        weights, exact = build_like(onnx.load(str(original)), feeds[:_COMPARED_SENTENCES])
        light = build_encoder(weights, calibrate_encoder(exact, feeds))
        scratch.write_bytes(light.SerializeToString())
    except NoTextEncoder as reason:
        _LOG.info("the text encoder of %s is not written anew: %s", network.assets.name, reason)
        quantize_text_encoder(original, scratch, feeds)
    scratch.replace(path)
    return path


def text_feeds(network: VoiceNetwork) -> Iterator[Feed]:
    """Inputs of the text encoder, without end: what the device says, without noise."""
    assets = network.assets
    for ids in _sentences(network):
        feed: dict[str, npt.NDArray[np.generic]] = {
            "input": np.array([ids], dtype=np.int64),
            "input_lengths": np.array([len(ids)], dtype=np.int64),
            "scales": np.array([0.0, 1.0, 0.0], dtype=np.float32),
        }
        if assets.draws_duration_noise:
            feed["duration_noise"] = np.zeros((1, 2, len(ids)), dtype=np.float32)
        if assets.takes_speaker:
            feed["sid"] = np.array([assets.config.default_speaker], dtype=np.int64)
        yield feed


def priors(network: VoiceNetwork) -> Iterator[npt.NDArray[np.float32]]:
    """Prior samples ``[C, frames]``, without end, without noise."""
    speaker = network.assets.config.default_speaker
    for ids in _sentences(network):
        encoded = network.encode(ids, None, 0.0, speaker)
        frames = allot_frames(encoded.durations, network.assets.config.length_scale, 1.0)
        yield np.repeat(encoded.mean, frames, axis=1)


def _sentences(network: VoiceNetwork) -> Iterator[Sequence[int]]:
    phonemizer = Phonemizer(network.assets.config)
    for text in corpus.sentences(_CALIBRATION_SEED):
        yield from (item.ids for item in phonemizer.sentences(text) if item.sounds)


def _range(item: Mapping[str, Any]) -> Range:
    return Range(float(item["low"]), float(item["high"]))
