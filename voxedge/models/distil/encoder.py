"""A VITS text encoder written anew as a graph that onnxruntime runs fast, in fp32 and INT8.

The exported graph takes half of its time for what is no arithmetic: norms in nine nodes, positions
by padding to twice the sentence, splines by scatter and gather. Here a norm is one node, positions
are nine diagonals, and every layer is a product over [time, channels] that may run in INT8. Nothing
is approximated but by rounding; ``build_like`` compares with the original and refuses what differs.

Inputs and outputs are those of ``models.build``'s text encoder.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxedge.models.distil.durations import add_durations, graph_linear, graph_norm
from voxedge.models.distil.quantize import Feed, observed_ranges
from voxedge.models.graph.builder import GraphBuilder, Range, model_of
from voxedge.models.graph.text_encoder import (
    Layer,
    Linear,
    NoTextEncoder,
    TextEncoderWeights,
    read_text_encoder,
)

if TYPE_CHECKING:
    import onnx

Floats = npt.NDArray[np.float32]

_DIFFERENCE_MAX = 1e-3


def build_like(
    original: onnx.ModelProto, feeds: Sequence[Feed]
) -> tuple[TextEncoderWeights, onnx.ModelProto]:
    """Write a text encoder anew in fp32, and see that it says the same.

    Args:
        original: the text encoder that ``models.build`` cut from a voice.
        feeds: inputs of some sentences to compare with.

    Returns:
        Its weights, and the new graph.

    Raises:
        NoTextEncoder: it is another network, or the new one differs by more than 1e-3.
    """
    weights = read_text_encoder(original)
    if {item.name for item in original.graph.input} != set(_INPUTS):
        raise NoTextEncoder("it has other inputs")
    model = build_encoder(weights)
    old, new = (_session(item) for item in (original, model))
    for feed in feeds:
        for one, other in zip(old.run(_OUTPUTS, feed), new.run(_OUTPUTS, feed), strict=True):
            if one.shape != other.shape or not np.abs(one - other).max() <= _DIFFERENCE_MAX:
                raise NoTextEncoder("written anew it says something else")
    return weights, model


def calibrate_encoder(model: onnx.ModelProto, feeds: Iterable[Feed]) -> dict[str, Range]:
    """Ranges of the inputs of the layers that run in INT8, from what real sentences give.

    Args:
        model: from ``build_encoder``, in fp32; outputs are added to it.
        feeds: inputs of some dozens of sentences.

    Raises:
        ValueError: there is no feed.
    """
    names = [node.name for node in model.graph.node if node.name.startswith("layers.")]
    return observed_ranges(model, names, feeds)


def build_encoder(
    weights: TextEncoderWeights, int8: Mapping[str, Range] | None = None
) -> onnx.ModelProto:
    """Make the graph.

    What only leads to the durations stays in fp32: one that is off by half a frame is rounded to
    another number of frames, and the melody stumbles. So do the products of attention, which have
    no weights, and the projection, whose rounding goes straight into the prior.

    Args:
        weights: of the text encoder.
        int8: the layers to run in INT8 with the range of each one's input.
    """
    from onnx import TensorProto, helper

    width = weights.embedding.shape[1]
    latent = len(weights.projection.bias) // 2
    g = GraphBuilder(width, int8 or {})
    table = weights.embedding * np.float32(math.sqrt(width))
    x = g.node("Gather", [g.constant("embedding", table), "input"])
    spread = _Spread(g, weights.layers[0].relative_key, width)
    for index, layer in enumerate(weights.layers):
        x = _layer(g, f"layers.{index}", layer, x, spread)
    prior = g.node(
        "Transpose", [graph_linear(g, "projection", x, weights.projection)], perm=[0, 2, 1]
    )
    g.node("Slice", [prior, g.index(0), g.index(latent), g.index(1)], out="mean")
    g.node("Slice", [prior, g.index(latent), g.index(2 * latent), g.index(1)], out="log_scale")
    add_durations(g, weights, x)
    values = helper.make_tensor_value_info
    prior_shape: list[str | int | None] = [1, latent, "tokens"]
    inputs = [
        values("input", TensorProto.INT64, [1, "tokens"]),
        values("input_lengths", TensorProto.INT64, [1]),
        values("scales", TensorProto.FLOAT, [3]),
        values("duration_noise", TensorProto.FLOAT, [1, 2, "tokens"]),
    ]
    outputs = [
        values("mean", TensorProto.FLOAT, prior_shape),
        values("log_scale", TensorProto.FLOAT, prior_shape),
        values("durations", TensorProto.FLOAT, [1, 1, "tokens"]),
    ]
    return model_of(g, "text_encoder", inputs, outputs)


_INPUTS = ("input", "input_lengths", "scales", "duration_noise")
_OUTPUTS = ["mean", "log_scale", "durations"]


class _Spread:
    """Relative positions: between nine values a row and the diagonals of a square.

    Padded to ``tokens + 9`` columns and cut to ``tokens * (tokens + 8)`` values, row ``i`` of what
    is ``tokens + 8`` wide begins ``i`` columns further right: the values lie on diagonals. The way
    back is the same backwards. Shapes are computed once for all layers.
    """

    def __init__(self, g: GraphBuilder, relative: Floats, width: int) -> None:
        self._g = g
        _, self.count, self.head = relative.shape
        self.heads = width // self.head
        self._reach = self.count // 2
        tokens = g.node("Slice", [g.node("Shape", ["input"]), g.index(1), g.index(2)])
        wide = g.node("Add", [tokens, g.index(self.count - 1)])
        self._end = g.node("Mul", [tokens, wide])
        self._last = g.node("Add", [tokens, g.index(self._reach)])
        zeros = g.constant("zeros5", np.zeros(5, dtype=np.int64))
        self._pad_columns = g.node("Concat", [zeros, tokens], axis=0)
        zeros = g.constant("zeros3", np.zeros(3, dtype=np.int64))
        self._pad_end = g.node("Concat", [zeros, tokens], axis=0)
        front = g.constant("heads_rows", np.array([self.heads, -1], dtype=np.int64))
        self._flat = front
        self._wide = g.node("Concat", [front, wide], axis=0)
        wider = g.node("Add", [tokens, g.index(self.count)])
        self._wider = g.node("Concat", [front, wider], axis=0)
        sides = [0, 0, self._reach, 0, 0, self._reach]
        self._sides = g.constant("relative_sides", np.array(sides, dtype=np.int64))

    def onto_diagonals(self, values: str) -> str:
        """``[heads, T, count]`` to ``[heads, T, T]``."""
        g = self._g
        x = g.node("Reshape", [g.node("Pad", [values, self._pad_columns]), self._flat])
        x = g.node("Slice", [x, g.index(0), self._end, g.index(1)])
        x = g.node("Reshape", [x, self._wide])
        return g.node("Slice", [x, g.index(self._reach), self._last, g.index(2)])

    def from_diagonals(self, square: str) -> str:
        """``[heads, T, T]`` to ``[heads, T, count]``; what is off them is left out."""
        g = self._g
        x = g.node("Reshape", [g.node("Pad", [square, self._sides]), self._flat])
        x = g.node("Reshape", [g.node("Pad", [x, self._pad_end]), self._wider])
        return g.node("Slice", [x, g.index(0), g.index(self.count), g.index(2)])


def _layer(g: GraphBuilder, name: str, layer: Layer, x: str, spread: _Spread) -> str:
    y = _attention(g, f"{name}.attention", layer, x, spread)
    x = graph_norm(g, f"{name}.attention_norm", layer.attention_norm, g.node("Add", [x, y]))
    y = g.node("Relu", [_convolution(g, f"{name}.expand", x, layer.expand)])
    y = _contraction(g, f"{name}.contract", y, layer.contract)
    return graph_norm(g, f"{name}.norm", layer.norm, g.node("Add", [x, y]))


def _attention(g: GraphBuilder, name: str, layer: Layer, x: str, spread: _Spread) -> str:
    root = np.float32(1 / math.sqrt(spread.head))
    matrices = [layer.query.weight * root, layer.key.weight, layer.value.weight]
    matrix = np.concatenate([item[:, :, 0].T for item in matrices], axis=1)
    bias = np.concatenate([layer.query.bias * root, layer.key.bias, layer.value.bias])
    joined = g.linear(f"{name}.input", x, matrix, bias)
    parts = np.array([-1, 3 * spread.heads, spread.head], dtype=np.int64)
    joined = g.node("Reshape", [joined, g.constant("parts", parts)])
    joined = g.node("Transpose", [joined], perm=[1, 0, 2])
    query, key, value = (
        g.node("Slice", [joined, g.index(n * spread.heads), g.index((n + 1) * spread.heads)])
        for n in range(3)
    )
    key = g.node("Transpose", [key], perm=[0, 2, 1])
    near = g.node(
        "MatMul", [query, g.constant(f"{name}.relative_key", layer.relative_key[0].T.copy())]
    )
    scores = g.node("Add", [g.node("MatMul", [query, key]), spread.onto_diagonals(near)])
    shares = g.node("Softmax", [scores], axis=-1)
    near = g.node(
        "MatMul",
        [
            spread.from_diagonals(shares),
            g.constant(f"{name}.relative_value", layer.relative_value[0]),
        ],
    )
    heard = g.node("Add", [g.node("MatMul", [shares, value]), near])
    heard = g.node("Transpose", [heard], perm=[1, 0, 2])
    flat = np.array([1, -1, spread.heads * spread.head], dtype=np.int64)
    heard = g.node("Reshape", [heard, g.constant("flat", flat)])
    return graph_linear(g, f"{name}.output", heard, layer.output)


def _convolution(g: GraphBuilder, name: str, x: str, linear: Linear) -> str:
    """A convolution whose input is narrower than its output: shifts side by side, one product."""
    rows, columns, taps = linear.weight.shape
    padded = g.zero_padded(x, taps // 2)
    shifts = [g.slice(padded, tap, tap - taps + 1) for tap in range(taps)]
    joined = g.node("Concat", shifts, axis=2)
    matrix = linear.weight.transpose(2, 1, 0).reshape(taps * columns, rows)
    return g.linear(name, joined, matrix, linear.bias)


def _contraction(g: GraphBuilder, name: str, x: str, linear: Linear) -> str:
    """A convolution whose output is narrower than its input: one product, shifted and added."""
    rows, _, taps = linear.weight.shape
    matrix = linear.weight.transpose(1, 2, 0).reshape(-1, taps * rows)
    y = g.linear(name, x, matrix, np.zeros(taps * rows, dtype=np.float32))
    padded = g.zero_padded(y, taps // 2)
    total = g.constant(f"{name}.bias", linear.bias)
    for tap in range(taps):
        shifted = g.slice(padded, tap, tap - taps + 1)
        part = [g.index(tap * rows), g.index((tap + 1) * rows), g.index(2)]
        total = g.node("Add", [g.node("Slice", [shifted, *part]), total])
    return total


def _session(model: onnx.ModelProto) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
