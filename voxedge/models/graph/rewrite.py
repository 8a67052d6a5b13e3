"""Rewrites of a frame-rate stage that change its speed and not its output.

Measured on the ``medium`` decoder (x86-64, one thread, CPU time): transposed convolutions as
polyphase convolutions take 0.89 of the time (they are 8 % of the multiplications and were 17 % of
the time), convolutions over ``[1, C, 1, T]`` instead of ``[1, C, T]`` another 0.72, because
onnxruntime has its blocked NCHWc kernels for two-dimensional convolutions only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from voxedge.models.graph.view import GraphView, attribute, extract, ints

_SCALE_FREE = frozenset({"LeakyRelu", "Relu"})
_RANK_FREE = frozenset(
    {"Add", "Sub", "Mul", "Div", "Neg", "Exp", "Tanh", "Sigmoid", "LeakyRelu", "Relu", "Clip"}
    | {"Softplus", "Erf", "Pow", "Sqrt", "Identity", "Split", "Concat", "Slice", "Abs"}
)


def drop_neutral(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove additions of zero and multiplications by one.

    An exported flow adds freshly made zeros to every gate and multiplies with a mask that is all
    ones for a single utterance.
    """
    view = GraphView(model.graph)
    fill: dict[str, float] = {}
    for item in model.graph.initializer:
        if int(np.prod(item.dims)) == 1 and len(item.dims) <= 3:
            fill[item.name] = float(numpy_helper.to_array(item).reshape(()))
    same: dict[str, str] = {}
    kept: list[onnx.NodeProto] = []
    for node in model.graph.node:
        output = node.output[0]
        if node.op_type == "Constant":
            value = view.constant(output)
            if value is not None and value.size == 1 and value.ndim <= 3:
                fill[output] = float(value.reshape(()))
        elif node.op_type == "ConstantOfShape":
            filler = attribute(node, "value")
            tensor = filler if isinstance(filler, onnx.TensorProto) else None
            fill[output] = float(numpy_helper.to_array(tensor)[0]) if tensor is not None else 0.0
        elif node.op_type == "Neg" and node.input[0] in fill:
            fill[output] = -fill[node.input[0]]
        elif node.op_type == "Exp" and node.input[0] in fill:
            fill[output] = float(np.exp(fill[node.input[0]]))
        survivor = _survivor(node, fill)
        if survivor is not None and output not in {item.name for item in model.graph.output}:
            same[output] = same.get(survivor, survivor)
        else:
            kept.append(node)
    for node in kept:
        for index, name in enumerate(node.input):
            node.input[index] = same.get(name, name)
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return extract(model, model.graph.input, model.graph.output)


def _survivor(node: onnx.NodeProto, fill: dict[str, float]) -> str | None:
    """The operand that a neutral operation passes on, else None."""
    neutral = {"Add": 0.0, "Sub": 0.0, "Mul": 1.0, "Div": 1.0}.get(node.op_type)
    if neutral is None:
        return None
    left, right = str(node.input[0]), str(node.input[1])
    if right in fill and left not in fill and fill[right] == neutral:
        return left
    if node.op_type in {"Add", "Mul"} and left in fill and right not in fill:
        return right if fill[left] == neutral else None
    return None


def fold_scales(model: onnx.ModelProto) -> onnx.ModelProto:
    """Fold the averaging of residual blocks (a division by 3) into the next convolution.

    Leaky rectifiers commute with a positive factor, so it may pass through them.
    """
    view = GraphView(model.graph)
    weights = {item.name: item for item in model.graph.initializer}
    for node in view.nodes("Div"):
        divisor = view.constant(node.input[1])
        if divisor is None or divisor.size != 1 or float(divisor.reshape(())) <= 0:
            continue
        after = node
        while True:
            users = view.consumers.get(after.output[0], [])
            if len(users) != 1 or users[0].op_type not in _SCALE_FREE:
                break
            after = users[0]
        if len(users) != 1 or users[0].op_type not in {"Conv", "ConvTranspose"}:
            continue
        weight = weights.get(users[0].input[1])
        if weight is None or len(view.consumers[weight.name]) != 1:
            continue
        scaled = numpy_helper.to_array(weight) / divisor.reshape(())
        weight.CopyFrom(numpy_helper.from_array(scaled.astype(np.float32), weight.name))
        for user in view.consumers[node.output[0]]:
            for index, name in enumerate(user.input):
                if name == node.output[0]:
                    user.input[index] = node.input[0]
    return extract(model, model.graph.input, model.graph.output)


def polyphase(model: onnx.ModelProto) -> onnx.ModelProto:
    """Turn each one-dimensional ConvTranspose into an ordinary convolution and a shuffle.

    With ``K`` taps and stride ``s`` the output sample ``s * q + r`` is the sum over ``m`` of
    ``x[q - m] * w[r + s * m]``: a convolution with ``K / s`` taps and ``s`` times the channels,
    whose channels are then interleaved along time and cropped by the padding.
    """
    graph = model.graph
    view = GraphView(graph)
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        replacement = _polyphase_nodes(graph, view, node) if node.op_type == "ConvTranspose" else []
        nodes.extend(replacement or [node])
    del graph.node[:]
    graph.node.extend(nodes)
    return extract(model, graph.input, graph.output)


def _polyphase_nodes(
    graph: onnx.GraphProto, view: GraphView, node: onnx.NodeProto
) -> list[onnx.NodeProto]:
    weight = view.constant(node.input[1])
    stride, pads = ints(node, "strides", (1,))[0], ints(node, "pads", (0, 0))
    if (
        weight is None
        or weight.ndim != 3
        or weight.shape[2] % stride
        or attribute(node, "group", 1) != 1
        or ints(node, "dilations", (1,)) != (1,)
        or ints(node, "output_padding", (0,)) != (0,)
        or attribute(node, "output_shape") is not None
    ):
        return []
    channels_in, channels_out, length = weight.shape
    taps = length // stride
    # [in, out, taps, phase] -> [out, phase, in, taps], newest tap last.
    phases = weight.reshape(channels_in, channels_out, taps, stride).transpose(1, 3, 0, 2)
    kernel = np.ascontiguousarray(phases[..., ::-1]).reshape(-1, channels_in, taps)
    stem = node.output[0] + "/polyphase"
    _add_initializer(graph, stem + "/weight", kernel)
    inputs = [node.input[0], stem + "/weight"]
    if len(node.input) > 2:
        bias = view.constant(node.input[2])
        if bias is None:
            return []
        _add_initializer(graph, stem + "/bias", np.repeat(bias, stride))
        inputs.append(stem + "/bias")
    _add_initializer(
        graph, stem + "/split", np.array([1, channels_out, stride, -1], dtype=np.int64)
    )
    _add_initializer(graph, stem + "/join", np.array([1, channels_out, -1], dtype=np.int64))
    _add_initializer(graph, stem + "/from", np.array([pads[0]], dtype=np.int64))
    end = -pads[1] if pads[1] else np.iinfo(np.int64).max
    _add_initializer(graph, stem + "/to", np.array([end], dtype=np.int64))
    _add_initializer(graph, stem + "/axis", np.array([2], dtype=np.int64))
    pad = taps - 1
    return [
        helper.make_node("Conv", inputs, [stem + "/conv"], kernel_shape=[taps], pads=[pad, pad]),
        helper.make_node("Reshape", [stem + "/conv", stem + "/split"], [stem + "/parted"]),
        helper.make_node("Transpose", [stem + "/parted"], [stem + "/turned"], perm=[0, 1, 3, 2]),
        helper.make_node("Reshape", [stem + "/turned", stem + "/join"], [stem + "/joined"]),
        helper.make_node(
            "Slice",
            [stem + "/joined", stem + "/from", stem + "/to", stem + "/axis"],
            [node.output[0]],
        ),
    ]


def two_dimensional(model: onnx.ModelProto, source: str) -> onnx.ModelProto:
    """Run every one-dimensional convolution as a two-dimensional one of height 1.

    Tensors stay lifted (``[1, C, 1, T]``) through everything that does not mind the extra axis
    and are flattened where an operator does; every change of form is a copy and keeps
    onnxruntime from staying in its blocked layout.

    Args:
        model: a frame-rate stage.
        source: its input ``[1, C, T]``.
    """
    graph = model.graph
    view = GraphView(graph)
    lift = _Lift(graph, source)
    for node in graph.node:
        weight = view.constant(node.input[1]) if node.op_type == "Conv" else None
        if weight is not None and weight.ndim == 3:
            lift.convolution(node, weight)
        elif node.op_type not in _RANK_FREE or not lift.follows(view, node):
            lift.flat(view, node)
    lift.finish([item.name for item in graph.output])
    del graph.node[:]
    graph.node.extend(lift.nodes)
    return extract(model, graph.input, graph.output)


class _Lift:
    """The rewritten node list and which tensors exist in which rank."""

    def __init__(self, graph: onnx.GraphProto, source: str) -> None:
        self.graph = graph
        self._three_axes = {source}
        self.nodes: list[onnx.NodeProto] = []
        self.lifted: dict[str, str] = {}
        self._flat_missing: set[str] = set()
        _add_initializer(graph, "lift/axis", np.array([2], dtype=np.int64))

    def convolution(self, node: onnx.NodeProto, weight: np.ndarray) -> None:
        output = node.output[0]
        _add_initializer(self.graph, output + "/weight2d", weight[:, :, None, :])
        pads = ints(node, "pads", (0, 0))
        self.nodes.append(
            helper.make_node(
                "Conv",
                [self.raised(node.input[0]), output + "/weight2d", *node.input[2:]],
                [output + "/2d"],
                kernel_shape=[1, weight.shape[2]],
                pads=[0, pads[0], 0, pads[1]],
                dilations=[1, ints(node, "dilations", (1,))[0]],
                strides=[1, ints(node, "strides", (1,))[0]],
                group=attribute(node, "group", 1),
            )
        )
        self._became_lifted(output)

    def follows(self, view: GraphView, node: onnx.NodeProto) -> bool:
        """Carry a rank-free operator over to lifted tensors; False if it cannot be."""
        if node.op_type in {"Split", "Concat"} and attribute(node, "axis", 0) != 1:
            return False
        inputs = list(node.input)
        carried = 1 if node.op_type in {"Slice", "Split"} else len(inputs)
        if node.op_type == "Slice":
            axes = view.constant(inputs[3]) if len(inputs) > 3 else None
            if axes is None or axes.tolist() != [1]:
                return False
        values = [view.constant(name) for name in inputs[:carried]]
        for name, value in zip(inputs, values, strict=False):
            if value is None and name not in self.lifted and name not in self._three_axes:
                return False
            if value is not None and value.ndim == 2:
                return False
        if all(value is not None for value in values):
            return False
        for index, value in enumerate(values):
            if value is None or value.ndim > 2:
                inputs[index] = self.raised(inputs[index])
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        del copy.input[:], copy.output[:]
        copy.input.extend(inputs)
        copy.output.extend(name + "/2d" for name in node.output)
        self.nodes.append(copy)
        for name in node.output:
            self._became_lifted(name)
        return True

    def flat(self, view: GraphView, node: onnx.NodeProto) -> None:
        for name in node.input:
            self._flatten(name)
        self.nodes.append(node)
        shape = view.constant(node.input[1]) if node.op_type == "Reshape" else None
        sliced = node.op_type == "Slice" and node.input[0] in self._three_axes
        if sliced or (shape is not None and shape.size == 3):
            self._three_axes.add(node.output[0])

    def finish(self, outputs: Sequence[str]) -> None:
        for name in outputs:
            self._flatten(name)

    def _became_lifted(self, name: str) -> None:
        self.lifted[name] = name + "/2d"
        self._flat_missing.add(name)

    def raised(self, name: str) -> str:
        if name not in self.lifted:
            self.nodes.append(
                helper.make_node("Unsqueeze", [name, "lift/axis"], [name + "/raised"])
            )
            self.lifted[name] = name + "/raised"
        return self.lifted[name]

    def _flatten(self, name: str) -> None:
        if name in self._flat_missing:
            self._flat_missing.remove(name)
            self.nodes.append(helper.make_node("Squeeze", [name + "/2d", "lift/axis"], [name]))


def _add_initializer(graph: onnx.GraphProto, name: str, value: np.ndarray) -> None:
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
