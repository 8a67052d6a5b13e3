"""A student as an ONNX graph that keeps its own context, in fp32 and INT8.

The graph takes the next frames of the prior sample and gives the spectral parameters of all frames
whose context is complete. Every convolution over time carries the last frames of its input from
one call to the next, so that a stream costs what the whole costs and gives the same values::

    x         float32 [1, C, n]     the next frames of the prior sample
    tail      int64 [1]             1 when nothing comes after x: complete the last frames
    cache.i   float32 [1, m, K]     what convolution i keeps; empty_caches() before the first call
    y         float32 [1, k, P]     spectral parameters
    next.i    float32 [1, m', K]    the caches for the next call

The depthwise convolutions are seven shifted multiply-adds over [frames, channels]: onnxruntime
runs a one-dimensional depthwise Conv channel by channel. Built from arrays: no PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxedge.models.distil.shape import KERNEL, NORM_EPSILON, StudentShape, Weights, check_weights

if TYPE_CHECKING:
    import onnx

OPSET = 17
"""The oldest with LayerNormalization."""

_HALF = KERNEL // 2


@dataclass(frozen=True, slots=True)
class Range:
    """Smallest and largest value that a tensor took in calibration."""

    low: float
    high: float


def linear_names(shape: StudentShape) -> list[str]:
    """The layers that may run in INT8, from input to output."""
    blocks = [
        f"blocks.{index}.{part}"
        for index in range(len(shape.dilations))
        for part in ("expand", "contract")
    ]
    return ["input", *blocks, "output"]


def empty_caches(shape: StudentShape) -> dict[str, npt.NDArray[np.float32]]:
    """The caches before the first frame: half a kernel of zeros, as at the edge of a whole run."""
    sizes = cache_sizes(shape)
    return {
        f"cache.{index}": np.zeros((1, reach // 2, width), dtype=np.float32)
        for index, (reach, width) in enumerate(sizes)
    }


def first_frames(shape: StudentShape) -> int:
    """Frames that the first call must have, unless it is also the last: the lookahead and one."""
    return shape.context + 1


def build_graph(
    shape: StudentShape, weights: Weights, int8: Mapping[str, Range] | None = None
) -> onnx.ModelProto:
    """Make the graph.

    Args:
        shape: sizes.
        weights: by the names of ``weight_shapes``.
        int8: the layers to run in INT8 with the range of each one's input. Weights are rounded
            per output channel, symmetric; activations to unsigned 8 bit over their range.

    Raises:
        WeightsUnusable: the weights are not those of this shape.
    """
    from onnx import TensorProto, helper

    check_weights(shape, weights)
    g = _Builder(shape, dict(int8 or {}))
    caches = cache_sizes(shape)
    x = g.node("Transpose", ["x"], perm=[0, 2, 1])
    # The convolution at the input sees all latent channels: seven shifts side by side, one MatMul.
    padded = g.padded(0, x, caches[0][0])
    shifts = [g.slice(padded, tap, tap - KERNEL + 1) for tap in range(KERNEL)]
    x = g.node("Concat", shifts, axis=2)
    kernel = weights["input.weight"]
    matrix = kernel.transpose(2, 1, 0).reshape(KERNEL * shape.latent_channels, shape.channels)
    x = g.linear("input", x, matrix, weights["input.bias"])
    x = g.norm("input_norm", x, weights["input_norm.weight"], weights["input_norm.bias"])
    for index, dilation in enumerate(shape.dilations):
        x = _block(g, index, dilation, x, caches[index + 1][0], weights)
    # The last norm's scale and shift are folded into the output layer.
    gain, shift = weights["output_norm.weight"], weights["output_norm.bias"]
    x = g.norm("output_norm", x)
    matrix = weights["output.weight"].T
    bias = weights["output.bias"] + shift @ matrix
    g.linear("output", x, gain[:, None] * matrix, bias, out="y")
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, shape.latent_channels, "frames"]),
        helper.make_tensor_value_info("tail", TensorProto.INT64, [1]),
    ]
    outputs = [
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "ready", shape.form.parameters])
    ]
    for index, (_, width) in enumerate(caches):
        kept: list[str | int | None] = [1, f"kept_{index}", width]
        keep: list[str | int | None] = [1, f"keep_{index}", width]
        inputs.append(helper.make_tensor_value_info(f"cache.{index}", TensorProto.FLOAT, kept))
        outputs.append(helper.make_tensor_value_info(f"next.{index}", TensorProto.FLOAT, keep))
    graph = helper.make_graph(g.nodes, "student", inputs, outputs, g.initializers)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="voxedge"
    )
    model.ir_version = 8
    return model


def tap_inputs(model: onnx.ModelProto, names: Sequence[str]) -> dict[str, str]:
    """Add the inputs of linear layers to the outputs of an fp32 graph, for calibration.

    Returns:
        Name of the output tensor for each layer.
    """
    from onnx import TensorProto, helper

    taps: dict[str, str] = {}
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.name in names:
            taps[node.name] = node.input[0]
    for tensor in dict.fromkeys(taps.values()):
        model.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None))
    return taps


def cache_sizes(shape: StudentShape) -> list[tuple[int, int]]:
    """Frames and width of what each convolution keeps."""
    reach = KERNEL - 1
    return [
        (reach, shape.latent_channels),
        *((reach * dilation, shape.channels) for dilation in shape.dilations),
    ]


def _block(g: _Builder, index: int, dilation: int, x: str, reach: int, weights: Weights) -> str:
    """One ConvNeXt block; norm, layer scale and their biases folded into the two linears."""
    name = f"blocks.{index}"
    own = (key for key in weights if key.startswith(name + "."))
    w = {key.removeprefix(name + "."): weights[key] for key in own}
    padded = g.padded(index + 1, x, reach)
    taps = w["depthwise.weight"][:, 0, :]
    total = g.constant(f"{name}.depthwise.bias", w["depthwise.bias"])
    for tap in range(KERNEL):
        shifted = g.slice(padded, tap * dilation, tap * dilation - reach)
        weighted = g.node("Mul", [shifted, g.constant(f"{name}.tap{tap}", taps[:, tap])])
        total = g.node("Add", [weighted, total])
    y = g.norm(f"{name}.norm", total)
    expand = w["norm.weight"][:, None] * w["expand.weight"].T
    bias = w["expand.bias"] + w["norm.bias"] @ w["expand.weight"].T
    y = g.gelu(g.linear(f"{name}.expand", y, expand, bias))
    y = g.linear(
        f"{name}.contract", y, w["contract.weight"].T * w["scale"], w["contract.bias"] * w["scale"]
    )
    return g.node("Add", [g.slice(padded, reach // 2, -(reach // 2)), y])


@dataclass
class _Builder:
    """Nodes and initializers in the making."""

    shape: StudentShape
    int8: dict[str, Range]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: list[onnx.TensorProto] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)
    _count: int = 0

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        from onnx import numpy_helper

        if name not in self._known:
            self._known.add(name)
            array = np.ascontiguousarray(value)
            if array.dtype == np.float64:
                array = array.astype(np.float32)
            self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def _index(self, value: int) -> str:
        return self.constant(f"index{value}", np.array([value], dtype=np.int64))

    def _end(self) -> str:
        return self.constant("index_end", np.array([2**62], dtype=np.int64))

    def node(
        self, kind: str, inputs: list[str], out: str = "", name: str = "", **attributes: Any
    ) -> str:
        from onnx import helper

        self._count += 1
        out = out or f"t{self._count}"
        self.nodes.append(
            helper.make_node(kind, inputs, [out], name=name or f"{kind}{self._count}", **attributes)
        )
        return out

    def slice(self, x: str, begin: int, end: int) -> str:
        """Frames ``begin`` to ``end`` (0 or negative, from the end)."""
        stop = self._index(end) if end else self._end()
        return self.node("Slice", [x, self._index(begin), stop, self._index(1)])

    def padded(self, index: int, x: str, reach: int) -> str:
        """What convolution ``index`` sees: its cache, the new frames, zeros after the last."""
        joined = self.node("Concat", [f"cache.{index}", x], axis=1)
        after = self.node("Mul", ["tail", self._index(reach // 2)])
        zeros = self.constant("zeros", np.zeros(4, dtype=np.int64))
        pads = self.node("Concat", [zeros, after, self._index(0)], axis=0)
        joined = self.node("Pad", [joined, pads])
        self.node(
            "Slice",
            [joined, self._index(-reach), self._end(), self._index(1)],
            out=f"next.{index}",
        )
        return joined

    def norm(
        self,
        name: str,
        x: str,
        scale: npt.NDArray[np.float32] | None = None,
        bias: npt.NDArray[np.float32] | None = None,
    ) -> str:
        width = self.shape.channels
        inputs = [x]
        if scale is None or bias is None:
            inputs.append(self.constant("ones", np.ones(width, dtype=np.float32)))
        else:
            inputs += [self.constant(f"{name}.weight", scale), self.constant(f"{name}.bias", bias)]
        return self.node("LayerNormalization", inputs, axis=-1, epsilon=NORM_EPSILON)

    def gelu(self, x: str) -> str:
        """0.5 x (1 + erf(x / sqrt 2)), in the form that onnxruntime fuses."""
        root = self.constant("sqrt2", np.array(2**0.5, dtype=np.float32))
        one, half = (
            self.constant("one", np.array(1.0, dtype=np.float32)),
            self.constant("half", np.array(0.5, dtype=np.float32)),
        )
        inner = self.node("Add", [self.node("Erf", [self.node("Div", [x, root])]), one])
        return self.node("Mul", [self.node("Mul", [x, inner]), half])

    def linear(
        self,
        name: str,
        x: str,
        matrix: npt.NDArray[np.float32],
        bias: npt.NDArray[np.float32],
        out: str = "",
    ) -> str:
        """``x @ matrix + bias``, in INT8 if the layer is among ``int8``."""
        if name in self.int8:
            x = self._rounded(name, x, self.int8[name])
            weight = self._rounded_weight(name, matrix)
        else:
            weight = self.constant(f"{name}.matrix", matrix.astype(np.float32))
        product = self.node("MatMul", [x, weight], name=name)
        return self.node("Add", [product, self.constant(f"{name}.shift", bias)], out=out)

    def _rounded(self, name: str, x: str, span: Range) -> str:
        low, high = min(span.low, 0.0), max(span.high, 0.0)
        scale = max((high - low) / 255, 1e-8)
        zero = np.array(round(-low / scale), dtype=np.uint8)
        grid = [
            self.constant(f"{name}.x_scale", np.array(scale, dtype=np.float32)),
            self.constant(f"{name}.x_zero", zero),
        ]
        return self.node("DequantizeLinear", [self.node("QuantizeLinear", [x, *grid]), *grid])

    def _rounded_weight(self, name: str, matrix: npt.NDArray[np.float32]) -> str:
        scale = np.maximum(np.abs(matrix).max(axis=0) / 127, 1e-8).astype(np.float32)
        rounded = np.clip(np.rint(matrix / scale), -127, 127).astype(np.int8)
        inputs = [
            self.constant(f"{name}.w", rounded),
            self.constant(f"{name}.w_scale", scale),
            self.constant(f"{name}.w_zero", np.zeros(len(scale), dtype=np.int8)),
        ]
        return self.node("DequantizeLinear", inputs, axis=1)
