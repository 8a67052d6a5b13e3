"""A text student's files: ``VOICE.text.npz`` and ``.json``, and the graph made from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from voxedge.models.build import sha256_of
from voxedge.models.distil.builder import Range
from voxedge.models.distil.shape import Weights, WeightsUnusable
from voxedge.models.distil.text.graph import build_text_graph
from voxedge.models.distil.text.shape import TextShape, load_text_weights, save_text_weights
from voxedge.models.shipped import TEXT_SUFFIX

FORMAT = 1


@dataclass(frozen=True, slots=True)
class TextStudent:
    """A trained text student, ready to become a graph.

    Attributes:
        shape: sizes.
        weights: by the names of ``text_weight_shapes``.
        int8: layers to run in INT8, with the range of each one's input.
        origin_sha256: digest of the teacher's official model.
        training: how it came to be, in a few sentences, for its card.
    """

    shape: TextShape
    weights: Weights
    int8: Mapping[str, Range]
    origin_sha256: str
    training: str = ""


def save_text(folder: Path, voice: str, text: TextStudent) -> None:
    """Write ``VOICE.text.npz`` and ``VOICE.text.json``, which names the digest of the other.

    Raises:
        OSError: the folder cannot be written.
    """
    weights = folder / f"{voice}{TEXT_SUFFIX}.npz"
    save_text_weights(weights, text.shape, text.weights)
    data = {
        "format": FORMAT,
        "origin_sha256": text.origin_sha256,
        "weights_sha256": sha256_of(weights),
        "training": text.training,
        "int8": {name: asdict(item) for name, item in text.int8.items()},
    }
    path = folder / f"{voice}{TEXT_SUFFIX}.json"
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def load_text(folder: Path, voice: str) -> TextStudent | None:
    """Read what ``save_text`` wrote; None where there is none of that voice.

    Raises:
        WeightsUnusable: its files are damaged or do not belong together.
    """
    name = f"{voice}{TEXT_SUFFIX}"
    try:
        shape, weights = load_text_weights(folder / f"{name}.npz")
    except FileNotFoundError:
        return None
    try:
        data = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise WeightsUnusable(f"{name}.json is of format {data['format']}")
        if data["weights_sha256"] != sha256_of(folder / f"{name}.npz"):
            raise WeightsUnusable(f"{name}.npz is not the one that {name}.json is of")
        int8 = {
            layer: Range(float(item["low"]), float(item["high"]))
            for layer, item in data["int8"].items()
        }
        training = str(data.get("training", ""))
        return TextStudent(shape, weights, int8, str(data["origin_sha256"]), training)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsUnusable(f"{name}.json does not parse: {error}") from error


def write_text_graph(text: TextStudent, path: Path) -> None:
    """Write a text student's graph.

    Raises:
        WeightsUnusable: the weights do not fit their shape.
        OSError: the file cannot be written.
    """
    model = build_text_graph(text.shape, text.weights, text.int8)
    scratch = path.with_suffix(".part")
    scratch.write_bytes(model.SerializeToString())
    scratch.replace(path)
