"""Whisper (Radford et al. 2022) as two ONNX graphs, made of its weights on the machine itself.

Engines for transcription do not give what is wanted here: an encoder that looks at the utterance
only, not at 30 s of it padded with silence (a tenth of the work), and a decoder that is asked how
likely *given* words are, many beginnings at once::

    encoder   mel      float32 [frames, bands]     a frame every 10 ms
              key.i    float32 [heads, size, n]    what the decoder's layer i looks at, a place
              value.i  float32 [heads, n, size]    every 20 ms

    decoder   x        float32 [b, width]          the token that each of b beginnings goes on with
              place    float32 [width]             and what stands for its place
              key.i, value.i                       of the encoder
              past_key.i, past_value.i             float32 [b, heads, t, size], the tokens before it
              state    float32 [b, width]          its product with what stands for tokens is their
                                                   log odds of coming next
              odds     float32 [b, kept]           that product for the tokens asked for
              next_key.i, next_value.i             float32 [b, heads, t + 1, size]

In INT8 all products with weights are whole-number products, a scale for each column of the weights.
The encoder's activations share one scale, as onnxruntime has a fused operator for it. The decoder's
have one each: a beginning is judged the same whatever else is judged beside it. Ranges come from
the activations themselves: no calibration. Measured on 249 commands, clean and at 20 dB: a phrase's
log likelihood moves by 0.2 (standard deviation; commands differ by several), no command passes its
threshold that did not before, and none is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxedge.models.graph.builder import GraphBuilder, model_of

if TYPE_CHECKING:
    import onnx

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
_Product = Callable[[GraphBuilder, str, str, Floats, str], str]

_EPSILON = 1e-5
_CENTRE = 128
"""Of unsigned bytes: the decoder's activations are symmetric."""


@dataclass(frozen=True, slots=True)
class WhisperShape:
    """Sizes of a Whisper; those that its weights do not tell are the same in all of them.

    Attributes:
        width: of every activation.
        layers: of the encoder, and of the decoder.
        head: channels of one head.
    """

    width: int
    layers: int
    head: int = 64

    @property
    def heads(self) -> int:
        """How many there are."""
        return self.width // self.head


def shape_of(weights: Mapping[str, Array]) -> WhisperShape:
    """Return the sizes.

    Raises:
        KeyError: a variable is missing.
    """
    width = int(weights["decoder/embeddings/weight"].shape[1])
    names = {name.split("/")[1] for name in weights if name.startswith("decoder/layer_")}
    return WhisperShape(width, len(names - {"layer_norm"}))


def encoder_graph(weights: Mapping[str, Array], *, int8: bool = True) -> onnx.ModelProto:
    """Make the encoder.

    Args:
        weights: by CTranslate2's names (``encoder/conv1/weight`` and so on), of any float type.
        int8: products with weights in INT8.

    Raises:
        KeyError: a variable is missing.
        ValueError: one has another shape than the network needs.
    """
    shape = shape_of(weights)
    make = _Maker(weights, shape, _shared if int8 else _exact)
    g = make.g
    x = g.node("Unsqueeze", [g.node("Transpose", ["mel"], perm=[1, 0]), g.index(0)])
    for name, stride in (("conv1", 1), ("conv2", 2)):
        kernel = make.array(f"encoder/{name}/weight")
        taps = [x, g.constant(f"{name}.weight", kernel)]
        taps.append(g.constant(f"{name}.bias", make.array(f"encoder/{name}/bias")))
        x = g.gelu(g.node("Conv", taps, kernel_shape=[3], pads=[1, 1], strides=[stride]))
    x = g.node("Transpose", [g.node("Squeeze", [x, g.index(0)])], perm=[1, 0])
    places = g.constant("places", make.array("encoder/position_encodings/encodings"))
    count = g.node("Shape", [x], start=0, end=1)
    x = g.node("Add", [x, g.node("Slice", [places, g.index(0), count, g.index(0)])])
    for layer in range(shape.layers):
        own = f"encoder/layer_{layer}/self_attention"
        y = make.linear(f"{own}/linear_0", make.norm(f"{own}/layer_norm", x), queries=3)
        q, k, v = g.nodes_of("Split", [y], 3, axis=-1)
        y = make.attended(make.heads(q), make.heads(k, keys=True), make.heads(v))
        y = make.joined(g.node("Transpose", [y], perm=[1, 0, 2]))
        x = g.node("Add", [x, make.linear(f"{own}/linear_1", y)])
        x = make.fed(f"encoder/layer_{layer}/ffn", x)
    x = make.norm("encoder/layer_norm", x)
    for layer in range(shape.layers):
        y = make.linear(f"decoder/layer_{layer}/attention/linear_1", x)
        k, v = g.nodes_of("Split", [y], 2, axis=-1)
        make.heads(k, keys=True, out=f"key.{layer}")
        make.heads(v, out=f"value.{layer}")
    bands = weights["encoder/conv1/weight"].shape[1]
    return model_of(g, "encoder", [_value("mel", "frames", bands)], _sound(shape))


def decoder_graph(weights: Mapping[str, Array], kept: int, *, int8: bool = True) -> onnx.ModelProto:
    """Make the decoder.

    Args:
        weights: as for ``encoder_graph``.
        kept: the first so many tokens have their log odds told.
        int8: as for ``encoder_graph``.

    Raises:
        KeyError: a variable is missing.
        ValueError: one has another shape than the network needs.
    """
    shape = shape_of(weights)
    make = _Maker(weights, shape, _each if int8 else _exact)
    g = make.g
    x = g.node("Add", ["x", "place"])
    one = g.constant("one_token", np.array([-1, shape.heads, 1, shape.head]))
    for layer in range(shape.layers):
        own, cross = (f"decoder/layer_{layer}/{part}" for part in ("self_attention", "attention"))
        y = make.linear(f"{own}/linear_0", make.norm(f"{own}/layer_norm", x), queries=3)
        q, k, v = (g.node("Reshape", [part, one]) for part in g.nodes_of("Split", [y], 3, axis=-1))
        k = g.node("Concat", [f"past_key.{layer}", k], axis=2, out=f"next_key.{layer}")
        v = g.node("Concat", [f"past_value.{layer}", v], axis=2, out=f"next_value.{layer}")
        y = make.attended(q, g.node("Transpose", [k], perm=[0, 1, 3, 2]), v)
        x = g.node("Add", [x, make.linear(f"{own}/linear_1", make.joined(y))])
        y = make.linear(f"{cross}/linear_0", make.norm(f"{cross}/layer_norm", x), queries=1)
        y = make.attended(make.heads(y), f"key.{layer}", f"value.{layer}")
        y = make.joined(g.node("Transpose", [y], perm=[1, 0, 2]))
        x = g.node("Add", [x, make.linear(f"{cross}/linear_2", y)])
        x = make.fed(f"decoder/layer_{layer}/ffn", x)
    make.norm("decoder/layer_norm", x, out="state")
    make.product("odds", "state", make.array("decoder/embeddings/weight")[:kept].T, out="odds")
    past = [
        _value(f"{when}_{what}.{layer}", "beginnings", shape.heads, length, shape.head)
        for when, length in (("past", "before"), ("next", "after"))
        for layer in range(shape.layers)
        for what in ("key", "value")
    ]
    half = len(past) // 2
    inputs = [_value("x", "beginnings", shape.width), _value("place", shape.width)]
    outputs = [_value("state", "beginnings", shape.width), _value("odds", "beginnings", kept)]
    return model_of(g, "decoder", inputs + _sound(shape) + past[:half], outputs + past[half:])


def _value(name: str, *sizes: int | str) -> onnx.ValueInfoProto:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(sizes))


def _sound(shape: WhisperShape) -> list[onnx.ValueInfoProto]:
    return [
        _value(f"{what}.{layer}", shape.heads, *sizes)
        for layer in range(shape.layers)
        for what, sizes in (("key", (shape.head, "places")), ("value", ("places", shape.head)))
    ]


class _Maker:
    """The parts that both graphs have."""

    def __init__(
        self, weights: Mapping[str, Array], shape: WhisperShape, product: _Product
    ) -> None:
        self._weights = weights
        self._shape = shape
        self._product = product
        self.g = GraphBuilder(shape.width, {})

    def array(self, name: str) -> Floats:
        return np.asarray(self._weights[name], dtype=np.float32)

    def product(self, name: str, x: str, matrix: Floats, out: str = "") -> str:
        return self._product(self.g, name, x, matrix, out)

    def linear(self, name: str, x: str, queries: int = 0) -> str:
        """A linear layer.

        Args:
            name: of its weights.
            x: what it gets.
            queries: so many equal parts its output has, of which the first are the queries of an
                attention: the scale of the scores is folded into them. 0: it has none.
        """
        matrix, bias = self.array(f"{name}/weight").T, self.array(f"{name}/bias")
        if queries:
            factor = np.ones(len(bias), dtype=np.float32)
            factor[: len(bias) // queries] = self._shape.head**-0.5
            matrix, bias = matrix * factor, bias * factor
        y = self.product(name, x, matrix)
        return self.g.node("Add", [y, self.g.constant(f"{name}.bias", bias)])

    def norm(self, name: str, x: str, out: str = "") -> str:
        scale, shift = self.array(f"{name}/gamma"), self.array(f"{name}/beta")
        y = self.g.norm(name, x, scale, shift, epsilon=_EPSILON)
        return self.g.node("Identity", [y], out=out) if out else y

    def fed(self, name: str, x: str) -> str:
        """``x`` and what the feed-forward part adds."""
        y = self.linear(f"{name}/linear_0", self.norm(f"{name}/layer_norm", x))
        return self.g.node("Add", [x, self.linear(f"{name}/linear_1", self.g.gelu(y))])

    def heads(self, x: str, *, keys: bool = False, out: str = "") -> str:
        """``[n, width]`` as ``[heads, n, size]``; keys as ``[heads, size, n]``."""
        sizes = np.array([-1, self._shape.heads, self._shape.head])
        parted = self.g.node("Reshape", [x, self.g.constant("by_head", sizes)])
        return self.g.node("Transpose", [parted], out=out, perm=[1, 2, 0] if keys else [1, 0, 2])

    def joined(self, x: str) -> str:
        """``[n, heads, ..., size]`` as ``[n, width]``."""
        width = self.g.constant("whole", np.array([-1, self._shape.width]))
        return self.g.node("Reshape", [x, width])

    def attended(self, q: str, k: str, v: str) -> str:
        """The values, weighed by how well their keys answer the queries."""
        weights = self.g.node("Softmax", [self.g.node("MatMul", [q, k])], axis=-1)
        return self.g.node("MatMul", [weights, v])


def _exact(g: GraphBuilder, name: str, x: str, matrix: Floats, out: str) -> str:
    return g.node("MatMul", [x, g.constant(f"{name}.matrix", matrix)], out=out)


def _shared(g: GraphBuilder, name: str, x: str, matrix: Floats, out: str) -> str:
    """INT8 with one range for all rows, in the form that onnxruntime fuses."""
    rounded, scale, zero = g.nodes_of("DynamicQuantizeLinear", [x], 3)
    whole, columns = _whole(matrix)
    product = g.node("MatMulInteger", [rounded, g.constant(f"{name}.whole", whole), zero])
    scales = g.node("Mul", [scale, g.constant(f"{name}.scale", columns)])
    return g.node("Mul", [_float(g, product), scales], out=out)


def _each(g: GraphBuilder, name: str, x: str, matrix: Floats, out: str) -> str:
    """INT8 with a range for each row of ``x``. Bytes are unsigned: x86 has no product of signed."""
    from onnx import TensorProto

    most = g.node("ReduceMax", [g.node("Abs", [x])], axes=[-1], keepdims=1)
    scale = g.node("Mul", [most, g.constant("byte", np.array(1 / 127, dtype=np.float32))])
    centre = g.constant("centre", np.array(_CENTRE, dtype=np.float32))
    near = g.node("Add", [g.node("Round", [g.node("Div", [x, scale])]), centre])
    rounded = g.node("Cast", [near], to=TensorProto.UINT8)
    whole, columns = _whole(matrix)
    zero = g.constant("zero", np.array(_CENTRE, dtype=np.uint8))
    product = g.node("MatMulInteger", [rounded, g.constant(f"{name}.whole", whole), zero])
    # The columns first: the other way round onnxruntime takes the rows' scales for a single one.
    scaled = g.node("Mul", [_float(g, product), g.constant(f"{name}.scale", columns)])
    return g.node("Mul", [scaled, scale], out=out)


def _float(g: GraphBuilder, x: str) -> str:
    from onnx import TensorProto

    return g.node("Cast", [x], to=TensorProto.FLOAT)


def _whole(matrix: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """A matrix as bytes, and the scale of each column."""
    scale = np.maximum(np.abs(matrix).max(axis=0) / 127, 1e-8).astype(np.float32)
    return np.clip(np.rint(matrix / scale), -127, 127).astype(np.int8), scale
