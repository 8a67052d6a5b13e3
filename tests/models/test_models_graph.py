"""The cut, the rewrites and the parts, on the tiny voice with the real onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from voxedge.models.graph import rewrite
from voxedge.models.graph.cut import NoCutFound, find_cut
from voxedge.models.graph.halo import HaloUnknown, halo_frames, upsampling
from voxedge.models.graph.parts import split
from voxedge.models.graph.view import extract
from voxedge.testing.tiny_voice import CHANNELS, HOP, tiny_model


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    (name,) = [item.name for item in model.graph.input]
    return np.asarray(session(model).run(None, {name: x})[0])


def value(name: str, channels: int | None = None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, None])


def frames_part(model: onnx.ModelProto) -> tuple[onnx.ModelProto, str]:
    cut = find_cut(model.graph)
    ones = dict.fromkeys(cut.frame_masks, np.ones((1, 1, 1), dtype=np.float32))
    return extract(model, [value(cut.prior)], [value(cut.latent)], ones), cut.prior


def decoder_part(model: onnx.ModelProto) -> tuple[onnx.ModelProto, str]:
    cut = find_cut(model.graph)
    samples = next(node for node in model.graph.node if cut.audio in node.output).input[0]
    return extract(model, [value(cut.latent)], [value(samples)]), cut.latent


def random_input(frames: int = 60, channels: int = CHANNELS) -> np.ndarray:
    draws = np.random.default_rng(7).standard_normal((1, channels, frames))
    return draws.astype(np.float32)


def test_cut_finds_every_landmark() -> None:
    model = tiny_model()
    cut = find_cut(model.graph)
    made_by = {name: node.op_type for node in model.graph.node for name in node.output}
    assert made_by[str(cut.duration_noise)] == "RandomNormalLike"
    assert made_by[cut.prior] == "Add"
    assert [made_by[name] for name in cut.frame_masks] == ["Cast"]
    assert {made_by[cut.mean], made_by[cut.log_scale]} == {"Slice"}
    assert cut.mean != cut.log_scale
    assert not cut.has_speakers
    assert find_cut(tiny_model(speakers=3).graph).has_speakers


def test_cut_does_not_depend_on_names() -> None:
    plain, renamed = tiny_model(), tiny_model()
    names = {
        name: f"x{index}"
        for index, node in enumerate(plain.graph.node)
        for name in node.output
        if name != "output"
    }
    for node in renamed.graph.node:
        for items in (node.input, node.output):
            for index, name in enumerate(items):
                items[index] = names.get(name, name)
    assert find_cut(renamed.graph).latent == names[find_cut(plain.graph).latent]


@pytest.mark.parametrize(
    ("kind", "becomes", "said"),
    [
        ("Ceil", "Floor", "duration rounding"),
        ("ConvTranspose", "Conv", "upsampling decoder"),
        ("CumSum", "Identity", ""),
    ],
)
def test_a_missing_landmark_is_named(kind: str, becomes: str, said: str) -> None:
    model = tiny_model()
    for node in model.graph.node:
        if node.op_type == kind:
            node.op_type = becomes
    if said:
        with pytest.raises(NoCutFound, match=said):
            find_cut(model.graph)
    else:  # not a landmark: the cut does not care how the path is summed
        assert find_cut(model.graph).latent


def test_another_network_has_no_cut() -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])], "other", [value("x")], [value("y")]
    )
    with pytest.raises(NoCutFound, match="inputs"):
        find_cut(graph)


def test_extract_refuses_a_part_that_hangs_on_more() -> None:
    model = tiny_model()
    cut = find_cut(model.graph)
    with pytest.raises(ValueError, match="input"):
        extract(model, [], [value(cut.mean)])


def test_dropping_neutral_operations_changes_nothing() -> None:
    part, _ = frames_part(tiny_model())
    before = run(part, random_input())
    count = len(part.graph.node)
    lean = rewrite.drop_neutral(part)
    kinds = {node.op_type for node in lean.graph.node}
    assert len(lean.graph.node) < count
    assert not kinds & {"Shape", "ConstantOfShape", "Exp", "Neg"}
    np.testing.assert_array_equal(run(lean, random_input()), before)


def test_folding_the_average_of_residual_blocks() -> None:
    part, _ = decoder_part(tiny_model())
    before = run(part, random_input())
    lean = rewrite.fold_scales(part)
    assert "Div" not in {node.op_type for node in lean.graph.node}
    np.testing.assert_allclose(run(lean, random_input()), before, atol=1e-6)


@pytest.mark.parametrize("speakers", [1, 3])
def test_polyphase_and_two_dimensions_change_nothing(speakers: int) -> None:
    model = tiny_model(speakers)
    part, source = decoder_part(tiny_model()) if speakers == 1 else (None, "")
    if part is None:
        cut = find_cut(model.graph)
        source = cut.latent
        samples = next(node for node in model.graph.node if cut.audio in node.output).input[0]
        sid = next(item for item in model.graph.input if item.name == "sid")
        part = extract(model, [value(source), sid], [value(samples)])
    feed = {source: random_input()}
    if speakers > 1:
        feed["sid"] = np.array([2])
    before = session(part).run(None, feed)[0]
    turned = rewrite.two_dimensional(rewrite.polyphase(part), source)
    kinds = [node.op_type for node in turned.graph.node]
    assert "ConvTranspose" not in kinds
    assert all(
        len(item.dims) == 4
        for item in turned.graph.initializer
        if any(n.op_type == "Conv" and n.input[1] == item.name for n in turned.graph.node)
    )
    np.testing.assert_allclose(session(turned).run(None, feed)[0], before, atol=2e-6)


@pytest.mark.parametrize(
    ("taps", "stride", "pads", "bias"),
    [(8, 4, (2, 2), True), (4, 4, (0, 0), False), (9, 3, (1, 3), True)],
)
def test_polyphase_of_any_transposed_convolution(
    taps: int, stride: int, pads: tuple[int, int], bias: bool
) -> None:
    rng = np.random.default_rng(taps)
    weights = [("w", rng.standard_normal((3, 5, taps)))]
    if bias:
        weights.append(("b", rng.standard_normal(5)))
    graph = helper.make_graph(
        [
            helper.make_node(
                "ConvTranspose", ["x", *(n for n, _ in weights)], ["y"], strides=[stride], pads=pads
            )
        ],
        "up",
        [value("x", 3)],
        [value("y", 5)],
        [numpy_helper.from_array(w.astype(np.float32), n) for n, w in weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    x = random_input(17, 3)
    before = run(model, x)
    np.testing.assert_allclose(run(rewrite.polyphase(model), x), before, atol=1e-5)


def test_a_transposed_convolution_that_does_not_divide_is_left_alone() -> None:
    graph = helper.make_graph(
        [helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[4])],
        "up",
        [value("x", 1)],
        [value("y", 1)],
        [numpy_helper.from_array(np.ones((1, 1, 7), dtype=np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    assert [n.op_type for n in rewrite.polyphase(model).graph.node] == ["ConvTranspose"]


def test_halo_is_the_reach_and_not_more() -> None:
    """Change one input step: outputs move within the halo, and at its edge they do move."""
    for part, source in (frames_part(tiny_model()), decoder_part(tiny_model())):
        part = rewrite.drop_neutral(part)
        halo, factor = halo_frames(part, source), upsampling(part, source)
        x = random_input(80)
        moved = x.copy()
        moved[0, :, 40] += 1.0
        change = np.abs(run(part, moved) - run(part, x))[0].max(axis=0)
        touched = np.flatnonzero(change > 0)
        reach = max(40 - touched[0] // factor, touched[-1] // factor - 40)
        assert reach <= halo <= reach + 1


def test_halo_refuses_what_it_does_not_know() -> None:
    graph = helper.make_graph(
        [helper.make_node("CumSum", ["x", "axis"], ["y"])],
        "sum",
        [value("x")],
        [value("y")],
        [numpy_helper.from_array(np.array(2), "axis")],
    )
    with pytest.raises(HaloUnknown, match="CumSum"):
        halo_frames(helper.make_model(graph), "x")


def test_parts_chain_to_the_whole() -> None:
    model = tiny_model()
    cut = find_cut(model.graph)
    ones = dict.fromkeys(cut.frame_masks, np.ones((1, 1, 1), dtype=np.float32))
    samples = next(node for node in model.graph.node if cut.audio in node.output).input[0]
    whole = rewrite.drop_neutral(extract(model, [value(cut.prior)], [value(samples)], ones))
    x = random_input()
    expected = run(whole, x)
    parts = split(whole, cut.prior)
    assert len(parts) >= 3
    factor = 1
    for part, source in parts:
        assert part.graph.input[0].name == source
        factor *= upsampling(part, source)
        x = run(part, x)
    assert factor == HOP
    np.testing.assert_allclose(x, expected, atol=1e-6)


def test_tiny_voice_is_the_same_every_time(tmp_path: Path) -> None:
    first, second = tiny_model(), tiny_model()
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(
        deterministic=True
    )
    assert len(first.SerializeToString()) < 64_000
