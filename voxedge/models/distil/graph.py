"""A student as an ONNX graph that keeps its own context, in fp32 and INT8.

The graph takes the next frames of the prior sample and gives the spectral parameters of all frames
whose context is complete. Every convolution over time carries the last frames of its input from
one call to the next, so that a stream costs what the whole costs and gives the same values::

    x         float32 [1, C, n]     the next frames of the prior sample
    tail      int64 [1]             1 when nothing comes after x: complete the last frames
    cache.i   float32 [1, m, K]     what convolution i keeps; empty_caches() before the first call
    y         float32 [1, k, P]     spectral parameters
    next.i    float32 [1, m', K]    the caches for the next call

Built from arrays: no PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from voxedge.models.distil.shape import KERNEL, NORM_EPSILON, StudentShape, Weights, check_weights
from voxedge.models.graph.builder import GraphBuilder, Range, model_of

if TYPE_CHECKING:
    import onnx


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
    g = GraphBuilder(shape.channels, int8 or {})
    caches = cache_sizes(shape)
    x = g.node("Transpose", ["x"], perm=[0, 2, 1])
    # The convolution at the input sees all latent channels: seven shifts side by side, one MatMul.
    padded = g.streamed(0, x, caches[0][0])
    shifts = [g.slice(padded, tap, tap - KERNEL + 1) for tap in range(KERNEL)]
    x = g.node("Concat", shifts, axis=2)
    kernel = weights["input.weight"]
    matrix = kernel.transpose(2, 1, 0).reshape(KERNEL * shape.latent_channels, shape.channels)
    x = g.linear("input", x, matrix, weights["input.bias"])
    gain, shift = weights["input_norm.weight"], weights["input_norm.bias"]
    x = g.norm("input_norm", x, gain, shift, epsilon=NORM_EPSILON)
    for index, dilation in enumerate(shape.dilations):
        x = _convnext(g, index, dilation, g.streamed(index + 1, x, caches[index + 1][0]), weights)
    # The last norm's scale and shift are folded into the output layer.
    gain, shift = weights["output_norm.weight"], weights["output_norm.bias"]
    x = g.norm("output_norm", x, epsilon=NORM_EPSILON)
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
    return model_of(g, "student", inputs, outputs)


def cache_sizes(shape: StudentShape) -> list[tuple[int, int]]:
    """Frames and width of what each convolution keeps."""
    reach = KERNEL - 1
    return [
        (reach, shape.latent_channels),
        *((reach * dilation, shape.channels) for dilation in shape.dilations),
    ]


def _convnext(g: GraphBuilder, index: int, dilation: int, padded: str, weights: Weights) -> str:
    """One ConvNeXt block; norm, layer scale and their biases folded into the two linears.

    The depthwise convolution is seven shifted multiply-adds over [time, channels]: onnxruntime runs
    a one-dimensional depthwise Conv channel by channel.

    Args:
        g: where it goes.
        index: its weights are named ``blocks.{index}``.
        dilation: of its convolution.
        padded: its input ``[1, n, channels]`` and ``KERNEL // 2 * dilation`` steps on each side.
        weights: of the whole network.
    """
    name = f"blocks.{index}"
    own = (key for key in weights if key.startswith(name + "."))
    w = {key.removeprefix(name + "."): weights[key] for key in own}
    reach = (KERNEL - 1) * dilation
    taps = w["depthwise.weight"][:, 0, :]
    total = g.constant(f"{name}.depthwise.bias", w["depthwise.bias"])
    for tap in range(KERNEL):
        shifted = g.slice(padded, tap * dilation, tap * dilation - reach)
        weighted = g.node("Mul", [shifted, g.constant(f"{name}.tap{tap}", taps[:, tap])])
        total = g.node("Add", [weighted, total])
    y = g.norm(f"{name}.norm", total, epsilon=NORM_EPSILON)
    expand = w["norm.weight"][:, None] * w["expand.weight"].T
    bias = w["expand.bias"] + w["norm.bias"] @ w["expand.weight"].T
    y = g.gelu(g.linear(f"{name}.expand", y, expand, bias))
    y = g.linear(
        f"{name}.contract", y, w["contract.weight"].T * w["scale"], w["contract.bias"] * w["scale"]
    )
    return g.node("Add", [g.slice(padded, reach // 2, -(reach // 2)), y])
