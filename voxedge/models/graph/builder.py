"""The parts that every network of ours is made of, as ONNX nodes, in fp32 and INT8.

Built from arrays: no PyTorch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

OPSET = 17
"""The oldest with LayerNormalization."""


@dataclass(frozen=True, slots=True)
class Range:
    """Smallest and largest value that a tensor took in calibration."""

    low: float
    high: float


@dataclass
class GraphBuilder:
    """Nodes and initializers in the making.

    Attributes:
        width: channels of every norm.
        int8: linear layers to run in INT8, with the range of each one's input.
    """

    width: int
    int8: Mapping[str, Range]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: list[onnx.TensorProto] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)
    _count: int = 0

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        """An initializer, float64 as float32; what has the name already is taken."""
        from onnx import numpy_helper

        if name not in self._known:
            self._known.add(name)
            array = np.ascontiguousarray(value)
            if array.dtype == np.float64:
                array = array.astype(np.float32)
            self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def index(self, value: int) -> str:
        """An initializer of one whole number."""
        return self.constant(f"index{value}", np.array([value], dtype=np.int64))

    def _end(self) -> str:
        return self.constant("index_end", np.array([2**62], dtype=np.int64))

    def node(
        self, kind: str, inputs: list[str], out: str = "", name: str = "", **attributes: Any
    ) -> str:
        """A node; its output's name."""
        from onnx import helper

        self._count += 1
        out = out or f"t{self._count}"
        self.nodes.append(
            helper.make_node(kind, inputs, [out], name=name or f"{kind}{self._count}", **attributes)
        )
        return out

    def nodes_of(self, kind: str, inputs: list[str], count: int, **attributes: Any) -> list[str]:
        """A node with several outputs; their names."""
        from onnx import helper

        self._count += 1
        outs = [f"t{self._count}_{place}" for place in range(count)]
        name = f"{kind}{self._count}"
        self.nodes.append(helper.make_node(kind, inputs, outs, name=name, **attributes))
        return outs

    def slice(self, x: str, begin: int, end: int) -> str:
        """Frames ``begin`` to ``end`` (0 or negative, from the end)."""
        stop = self.index(end) if end else self._end()
        return self.node("Slice", [x, self.index(begin), stop, self.index(1)])

    def zero_padded(self, x: str, reach: int) -> str:
        """``x`` with zeros before and after it."""
        pads = self.constant(f"pads{reach}", np.array([0, reach, 0, 0, reach, 0], dtype=np.int64))
        return self.node("Pad", [x, pads])

    def streamed(self, index: int, x: str, reach: int) -> str:
        """What convolution ``index`` sees: its cache, the new frames, zeros after the last."""
        joined = self.node("Concat", [f"cache.{index}", x], axis=1)
        after = self.node("Mul", ["tail", self.index(reach // 2)])
        zeros = self.constant("zeros", np.zeros(4, dtype=np.int64))
        pads = self.node("Concat", [zeros, after, self.index(0)], axis=0)
        joined = self.node("Pad", [joined, pads])
        self.node(
            "Slice",
            [joined, self.index(-reach), self._end(), self.index(1)],
            out=f"next.{index}",
        )
        return joined

    def norm(
        self,
        name: str,
        x: str,
        scale: npt.NDArray[np.float32] | None = None,
        bias: npt.NDArray[np.float32] | None = None,
        *,
        epsilon: float,
    ) -> str:
        """Layer normalization, without scale and bias where none are given."""
        inputs = [x]
        if scale is None or bias is None:
            inputs.append(self.constant("ones", np.ones(self.width, dtype=np.float32)))
        else:
            inputs += [self.constant(f"{name}.weight", scale), self.constant(f"{name}.bias", bias)]
        return self.node("LayerNormalization", inputs, axis=-1, epsilon=epsilon)

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


def model_of(
    g: GraphBuilder,
    name: str,
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
) -> onnx.ModelProto:
    """The finished network."""
    from onnx import helper

    graph = helper.make_graph(g.nodes, name, inputs, outputs, g.initializers)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="voxedge"
    )
    model.ir_version = 8
    return model


def tap_inputs(model: onnx.ModelProto, names: Collection[str]) -> dict[str, str]:
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
