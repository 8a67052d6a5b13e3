"""A second full-size voice, made from an official one: for proof that nothing hangs on that one.

Same weights, otherwise as different as a Piper voice may be: two speakers with ``sid`` as an input
and an embedding that reaches durations, flow and decoder (as Piper's multi-speaker exports have
it), opaque tensor names, phoneme ids in another order, and 24,000 samples a second instead of
22,050, which makes its second speaker higher and smaller. It is understood as well as the first.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

RATE_HZ = 24_000
SPEAKERS = 2
_EMBEDDING = 16
_CONDITIONED = {"/dp/pre/Conv": 0.001, "/flow/flows.0/pre/Conv": 0.05, "/dec/conv_pre/Conv": 0.04}
"""How much of the embedding joins which layer, against the layer's weights: another timbre and
rhythm, the same words."""

_KEPT = frozenset({"input", "input_lengths", "scales", "output"})


def write_second_voice(model: Path, config: Path, folder: Path, name: str) -> tuple[Path, Path]:
    """Write the voice.

    Args:
        model: an official single-speaker Piper model.
        config: its JSON.
        folder: where to; it must exist.
        name: stem of the file names.

    Returns:
        Paths of the ONNX file and of its JSON.

    Raises:
        ValueError: the model lacks a layer that the speakers should reach.
    """
    import onnx

    random = np.random.default_rng(20261123)
    graph = onnx.load(str(model))
    settings = json.loads(config.read_text(encoding="utf-8"))
    _rename(graph.graph)
    order = _reorder_phonemes(graph.graph, settings, random)
    _add_speakers(graph.graph, random)
    _hide_names(graph.graph, random)
    rate_hz = int(settings["audio"]["sample_rate"])
    settings["audio"]["sample_rate"] = RATE_HZ
    settings["inference"]["length_scale"] *= RATE_HZ / rate_hz
    settings |= {
        "phoneme_id_map": order,
        "num_speakers": SPEAKERS,
        "speaker_id_map": {"first": 0, "second": 1},
        "default_speaker_id": 1,
    }
    paths = folder / f"{name}.onnx", folder / f"{name}.onnx.json"
    onnx.save(graph, str(paths[0]))
    paths[1].write_text(json.dumps(settings), encoding="utf-8")
    return paths


def _rename(graph: onnx.GraphProto) -> None:
    """Free the name ``sid``: exporters give it to a weight where there is no such input."""
    for item in graph.initializer:
        if item.name == "sid":
            item.name = "embedding"
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == "sid":
                node.input[index] = "embedding"


def _reorder_phonemes(
    graph: onnx.GraphProto, settings: dict[str, Any], random: np.random.Generator
) -> dict[str, list[int]]:
    """Rows of the embedding in another order; returns the map of phonemes that goes with it."""
    from onnx import numpy_helper

    lookup = next(n for n in graph.node if n.op_type == "Gather" and "input" in n.input)
    table = next(item for item in graph.initializer if item.name == lookup.input[0])
    rows = numpy_helper.to_array(table)
    order = random.permutation(len(rows))  # the row that stands at each new place
    table.CopyFrom(numpy_helper.from_array(rows[order], table.name))
    place = np.argsort(order)
    return {
        phoneme: [int(place[index]) for index in ids]
        for phoneme, ids in settings["phoneme_id_map"].items()
    }


def _add_speakers(graph: onnx.GraphProto, random: np.random.Generator) -> None:
    """An embedding of ``sid``, added behind the first layer of durations, flow and decoder."""
    from onnx import TensorProto, helper, numpy_helper

    def weight(name: str, values: np.ndarray) -> None:
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))

    graph.input.append(helper.make_tensor_value_info("sid", TensorProto.INT64, [1]))
    table = random.normal(size=(SPEAKERS, _EMBEDDING))
    table[0] = 0  # the first speaker is the original, in its own pitch at 22,050 Hz
    weight("emb_g", table)
    graph.initializer.append(numpy_helper.from_array(np.array([-1], dtype=np.int64), "last"))
    first = [
        helper.make_node("Gather", ["emb_g", "sid"], ["g.row"], axis=0),
        helper.make_node("Unsqueeze", ["g.row", "last"], ["g"]),
    ]
    present = {node.name: index for index, node in enumerate(graph.node)}
    lacking = [name for name in _CONDITIONED if name not in present]
    if lacking:
        raise ValueError(f"the model has no {lacking[0]}")
    nodes = list(graph.node)
    weights = {item.name: item for item in graph.initializer}
    last_first = sorted(_CONDITIONED, key=lambda name: -present[name])
    for number, name in enumerate(last_first):
        layer = nodes[present[name]]
        kernel = numpy_helper.to_array(weights[layer.input[1]])
        size = _CONDITIONED[name] * np.abs(kernel).sum(axis=(1, 2)).mean()
        weight(f"cond.{number}", size * random.normal(size=(len(kernel), _EMBEDDING, 1)) / 4)
        output, plain = layer.output[0], f"{name}/plain"
        layer.output[0] = plain
        added = [
            helper.make_node("Conv", ["g", f"cond.{number}"], [f"cond.{number}.y"]),
            helper.make_node("Add", [plain, f"cond.{number}.y"], [output]),
        ]
        nodes[present[name] + 1 : present[name] + 1] = added
    del graph.node[:]
    graph.node.extend([*first, *nodes])


def _hide_names(graph: onnx.GraphProto, random: np.random.Generator) -> None:
    """Names that say nothing: the cut is found by structure."""
    kept = _KEPT | {"sid", ""}
    made = {name for node in graph.node for name in node.output}
    names = sorted((made | {item.name for item in graph.initializer}) - kept)
    numbers = random.permutation(len(names))
    new = {name: f"t{number}" for name, number in zip(names, numbers, strict=True)}
    for node in graph.node:
        node.name = ""
        for side in (node.input, node.output):
            for index, name in enumerate(side):
                side[index] = new.get(name, name)
    for item in graph.initializer:
        item.name = new.get(item.name, item.name)
    del graph.value_info[:]


def install_second_voice(folder: Path) -> str:
    """Make it of the default voice on this machine, with a manifest that knows both.

    Blocking: some seconds. Point ``VOXEDGE_MODELS`` at ``folder/models`` and ``VOXEDGE_MANIFEST``
    at ``folder/manifest.toml`` to use it.

    Returns:
        Its name.

    Raises:
        VoxedgeError: the default voice is not installed.
    """
    from voxedge.models.build import sha256_of
    from voxedge.models.manifest import default_manifest_path
    from voxedge.models.store import VoiceStore

    store, name = VoiceStore(), "en_US-second-medium"
    status = store.verify(store.default_voice)
    place = folder / "models" / name
    place.mkdir(parents=True, exist_ok=True)
    entry = status.entry
    files = status.folder / entry.model.name, status.folder / entry.config.name
    paths = write_second_voice(*files, place, name)
    lines = [
        f"\n[voice.{name}]",
        'language = "en-US"',
        'quality = "medium"',
        f"speakers = {SPEAKERS}",
        "gain_db = 0.0",
        f"licence = {json.dumps(entry.licence)}",
        f"licence_note = {json.dumps(entry.licence_note)}",
        'source = "url"',
    ]
    for role, path in zip(("model", "config"), paths, strict=True):
        lines += [
            f"\n[voice.{name}.{role}]",
            f'url = "https://voice.invalid/{path.name}"',
            f"bytes = {path.stat().st_size}",
            f'sha256 = "{sha256_of(path)}"',
        ]
    manifest = default_manifest_path().read_text(encoding="utf-8") + "\n".join(lines) + "\n"
    (folder / "manifest.toml").write_text(manifest, encoding="utf-8")
    return name


if __name__ == "__main__":
    import sys

    print(install_second_voice(Path(sys.argv[1])), "is made.")
