"""The duration predictor of a VITS text encoder as a graph.

Noise passes three couplings, each a monotonic rational-quadratic spline (Durkan et al. 2019,
inverse as in their appendix) whose shape the other channel and the sentence give. All in fp32.
"""

from __future__ import annotations

import math

import numpy as np

from voxedge.models.graph.builder import GraphBuilder
from voxedge.models.graph.text_encoder import Linear, Norm, Separable, Spline, TextEncoderWeights

_EPSILON = 1e-5
_TAIL = 5.0
"""Beyond it a spline leaves values as they are."""
_LEAST_BIN, _LEAST_SLOPE = 1e-3, 1e-3


def graph_linear(g: GraphBuilder, name: str, x: str, layer: Linear) -> str:
    """A convolution of one tap."""
    return g.linear(name, x, layer.weight[:, :, 0].T, layer.bias)


def graph_norm(g: GraphBuilder, name: str, layer: Norm, x: str) -> str:
    """Layer normalization as VITS has it."""
    return g.norm(name, x, layer.scale, layer.shift, epsilon=_EPSILON)


def add_durations(g: GraphBuilder, weights: TextEncoderWeights, x: str) -> None:
    """Add the output ``durations``, from the encoder's last layer ``x [1, T, C]``."""
    y = graph_linear(g, "before", x, weights.before)
    y = _separable(g, "separable", weights.separable, y)
    condition = graph_linear(g, "after", y, weights.after)
    scale = g.node("Slice", ["scales", g.index(2), g.index(3)])
    noise = g.node("Mul", ["duration_noise", scale])
    noise = g.node("Transpose", [noise], perm=[0, 2, 1])
    one, other = (
        g.node("Slice", [noise, g.index(n), g.index(n + 1), g.index(2)]) for n in range(2)
    )
    for index, spline in enumerate(weights.splines):
        one, other = other, one
        other = _bent(g, f"splines.{index}", spline, one, other, condition)
    # Turned once more before the last step, of which only the first channel is a duration.
    offset = g.constant("offset", weights.offset[:1].reshape(1, 1, 1))
    factor = g.constant("factor", weights.factor[:1].reshape(1, 1, 1))
    log_frames = g.node("Mul", [g.node("Sub", [other, offset]), factor])
    frames = g.node("Exp", [log_frames])
    g.node("Transpose", [frames], perm=[0, 2, 1], out="durations")


def _bent(g: GraphBuilder, name: str, spline: Spline, one: str, other: str, condition: str) -> str:
    """The inverse of a monotonic rational-quadratic spline, whose shape ``one`` gives."""
    width = spline.before.weight.shape[0]
    y = g.node("Mul", [one, g.constant(f"{name}.row", spline.before.weight.reshape(1, 1, -1))])
    y = g.node("Add", [y, g.constant(f"{name}.bias", spline.before.bias)])
    y = _separable(g, f"{name}.separable", spline.separable, g.node("Add", [y, condition]))
    bins = (len(spline.after.bias) + 1) // 3
    # The network's values for widths and heights are divided by the root of its width.
    root = np.ones(len(spline.after.bias), dtype=np.float32)
    root[: 2 * bins] = 1 / math.sqrt(width)
    matrix = spline.after.weight[:, :, 0].T * root
    y = g.linear(f"{name}.after", y, matrix, spline.after.bias * root)
    edges, slopes = _knots(g, name, y, bins)
    inside = g.node("Clip", [other, *_bounds(g)])
    beyond = g.node("Cast", [g.node("GreaterOrEqual", [inside, edges[1]])], to=1)
    count = g.node("ReduceSum", [beyond, g.index(2)], keepdims=1)
    last = g.constant("last_bin", np.array(bins - 1, dtype=np.float32))
    one_f = g.constant("one", np.array(1.0, dtype=np.float32))
    number = g.node("Min", [g.node("Sub", [count, one_f]), last])
    lower = g.node("Cast", [number], to=7)
    upper = g.node("Add", [lower, g.index(1)])

    def pick(values: str, at: str) -> str:
        return g.node("GatherElements", [values, at], axis=2)

    left, bottom, slope = pick(edges[0], lower), pick(edges[1], lower), pick(slopes, lower)
    wide = g.node("Sub", [pick(edges[0], upper), left])
    high = g.node("Sub", [pick(edges[1], upper), bottom])
    steep = g.node("Div", [high, wide])
    up = g.node("Sub", [inside, bottom])
    two = g.constant("two", np.array(2.0, dtype=np.float32))
    bend = g.node(
        "Sub",
        [g.node("Add", [slope, pick(slopes, upper)]), g.node("Mul", [steep, two])],
    )
    bent = g.node("Mul", [up, bend])
    a = g.node("Add", [bent, g.node("Mul", [high, g.node("Sub", [steep, slope])])])
    b = g.node("Sub", [g.node("Mul", [high, slope]), bent])
    c = g.node("Neg", [g.node("Mul", [steep, up])])
    four = g.constant("four", np.array(4.0, dtype=np.float32))
    square = g.node(
        "Sub",
        [g.node("Mul", [b, b]), g.node("Mul", [g.node("Mul", [a, c]), four])],
    )
    below = g.node("Sub", [g.node("Neg", [b]), g.node("Sqrt", [square])])
    share = g.node("Div", [g.node("Mul", [c, two]), below])
    found = g.node("Add", [g.node("Mul", [share, wide]), left])
    is_inside = g.node("Equal", [inside, other])
    return g.node("Where", [is_inside, found, other])


def _knots(g: GraphBuilder, name: str, y: str, bins: int) -> tuple[tuple[str, str], str]:
    """Edges of the bins along and across ``[1, T, bins + 1]``, and the slopes at them."""
    sums = np.triu(np.ones((bins, bins + 1), dtype=np.float32), 1)
    sums = sums * np.float32(2 * _TAIL * (1 - _LEAST_BIN * bins))
    least = np.arange(bins + 1, dtype=np.float32) * np.float32(2 * _TAIL * _LEAST_BIN) - _TAIL
    edges = []
    for part in range(2):
        share = g.node("Slice", [y, g.index(part * bins), g.index((part + 1) * bins), g.index(2)])
        share = g.node("Softmax", [share], axis=-1)
        total = g.node("MatMul", [share, g.constant(f"sums{bins}", sums)])
        edges.append(g.node("Add", [total, g.constant(f"least{bins}", least.astype(np.float32))]))
    inner = g.node("Slice", [y, g.index(2 * bins), g.index(3 * bins - 1), g.index(2)])
    # At both ends the slope is 1.
    end = math.log(math.exp(1 - _LEAST_SLOPE) - 1)
    pads = g.constant("slope_ends", np.array([0, 0, 1, 0, 0, 1], dtype=np.int64))
    value = g.constant("slope_end", np.array(end, dtype=np.float32))
    slopes = g.node("Softplus", [g.node("Pad", [inner, pads, value])])
    least_slope = g.constant("least_slope", np.array(_LEAST_SLOPE, dtype=np.float32))
    return (edges[0], edges[1]), g.node("Add", [slopes, least_slope])


def _bounds(g: GraphBuilder) -> list[str]:
    return [
        g.constant("tail_low", np.array(-_TAIL, dtype=np.float32)),
        g.constant("tail_high", np.array(_TAIL, dtype=np.float32)),
    ]


def _separable(g: GraphBuilder, name: str, parts: Separable, x: str) -> str:
    """Depthwise convolutions with growing dilation, as shifted multiply-adds."""
    rows = zip(parts.depthwise, parts.depthwise_norm, parts.linear, parts.linear_norm, strict=True)
    for index, (depthwise, first, linear, second) in enumerate(rows):
        own = f"{name}.{index}"
        taps = depthwise.weight[:, 0]
        dilation = taps.shape[1] ** index
        reach = taps.shape[1] // 2 * dilation
        padded = g.zero_padded(x, reach)
        y = g.constant(f"{own}.depthwise_bias", depthwise.bias)
        for tap in range(taps.shape[1]):
            shifted = g.slice(padded, tap * dilation, tap * dilation - 2 * reach)
            weighted = g.node("Mul", [shifted, g.constant(f"{own}.tap{tap}", taps[:, tap])])
            y = g.node("Add", [weighted, y])
        y = g.gelu(graph_norm(g, f"{own}.depthwise_norm", first, y))
        y = g.gelu(
            graph_norm(g, f"{own}.linear_norm", second, graph_linear(g, f"{own}.linear", y, linear))
        )
        x = g.node("Add", [x, y])
    return x
