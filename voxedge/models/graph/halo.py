"""How many frames of context a stage needs on each side: its receptive field.

With that much overlap the decoding of a stretch equals the same stretch of the whole decoding,
because the layers are convolutions whose zero padding then falls outside the kept part.
"""

from __future__ import annotations

import math
from fractions import Fraction

import onnx

from voxedge.models.graph.view import GraphView, ints

_POINTWISE = frozenset(
    {"Add", "Sub", "Mul", "Div", "Neg", "Exp", "Tanh", "Sigmoid", "LeakyRelu", "Relu", "Clip"}
    | {"Softplus", "Erf", "Pow", "Sqrt", "Identity", "Split", "Concat", "Slice", "Abs"}
)


class HaloUnknown(Exception):
    """The stage holds an operator whose reach along time is not known here."""


def halo_frames(model: onnx.ModelProto, source: str) -> int:
    """Frames of context on each side of a frame-rate stage before its rewrites.

    Walks from the output to the input with the interval of indices that one frame's worth of
    output needs. Sound for stages of one-dimensional convolutions and pointwise operators.

    Args:
        model: the stage; time is the last axis.
        source: its frame-rate input.

    Returns:
        The larger of the two sides, in input frames.

    Raises:
        HaloUnknown: an operator not known here stands between input and output.
    """
    view = GraphView(model.graph)
    moved = view.descendants([source])
    hop = upsampling(model, source)
    needs: dict[str, tuple[int, int]] = {model.graph.output[0].name: (0, hop - 1)}
    for node in reversed(model.graph.node):
        wanted = [needs[name] for name in node.output if name in needs]
        if not wanted or not any(name in moved for name in node.input):
            continue
        low, high = min(item[0] for item in wanted), max(item[1] for item in wanted)
        for name in node.input:
            if name in moved:
                a, b = _reach(view, node, low, high)
                have = needs.get(name, (a, b))
                needs[name] = (min(a, have[0]), max(b, have[1]))
    low, high = needs[source]
    return max(-low, high)


def upsampling(model: onnx.ModelProto, source: str) -> int:
    """Output samples for each input frame: the product of the strides of the ConvTransposes."""
    view = GraphView(model.graph)
    moved = view.descendants([source])
    factor = Fraction(1)
    tensor = model.graph.output[0].name
    while tensor != source:
        node = view.producer[tensor]
        if node.op_type == "ConvTranspose":
            factor *= ints(node, "strides", (1,))[0]
        elif node.op_type == "Conv":
            factor /= ints(node, "strides", (1,))[0]
        tensor = next(name for name in node.input if name in moved)
    if factor.denominator != 1:
        raise HaloUnknown("the stage shortens time")
    return factor.numerator


def _reach(view: GraphView, node: onnx.NodeProto, low: int, high: int) -> tuple[int, int]:
    if node.op_type in _POINTWISE:
        return low, high
    if node.op_type not in {"Conv", "ConvTranspose"}:
        raise HaloUnknown(f"{node.op_type} reaches along time in an unknown way")
    weight = view.constant(node.input[1])
    if weight is None or weight.ndim != 3:
        raise HaloUnknown("a convolution without fixed one-dimensional weights")
    stride, dilation = ints(node, "strides", (1,))[0], ints(node, "dilations", (1,))[0]
    pad, span = ints(node, "pads", (0, 0))[0], (weight.shape[2] - 1) * dilation
    if node.op_type == "Conv":
        return low * stride - pad, high * stride - pad + span
    return math.ceil((low + pad - span) / stride), math.floor((high + pad) / stride)
