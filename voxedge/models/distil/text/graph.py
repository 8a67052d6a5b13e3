"""A text student as an ONNX graph with the inputs and outputs of a voice's own text encoder.

::

    input           int64 [1, T]        phoneme ids; ids it does not know count as the last it knows
    input_lengths   int64 [1]           not used: one sentence at a time
    scales          float32 [3]         the third is how much of the duration noise to use
    duration_noise  float32 [1, 2, T]   standard normal draws
    mean, log_scale float32 [1, C, T]   the prior
    durations       float32 [1, 1, T]   frames for each token, not rounded

Duration is ``exp(middle + s (shift + spread * noise))``: the original's flow, whose durations sway
by noise, as a normal distribution of their logarithm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from voxedge.models.distil.builder import GraphBuilder, Range, convnext, model_of, tap_inputs
from voxedge.models.distil.shape import KERNEL, Weights
from voxedge.models.distil.text.shape import TOKENS_A_STEP, TextShape, check_text_weights

if TYPE_CHECKING:
    import onnx

LOG_FRAMES_MAX = 5.5
"""245 frames, almost three seconds: no token of speech is longer, and exp() cannot run away."""

LOG_SPREAD_MAX = 2.0

_CLIPPED_SHARE = 1e-5


def text_linear_names(shape: TextShape) -> list[str]:
    """The layers that run in INT8: not the last, whose rounding goes straight into the prior."""
    blocks = (f"blocks.{index}" for index in range(len(shape.dilations)))
    return ["input", *(f"{name}.{part}" for name in blocks for part in ("expand", "contract"))]


def build_text_graph(
    shape: TextShape, weights: Weights, int8: Mapping[str, Range] | None = None
) -> onnx.ModelProto:
    """Make the graph.

    Args:
        shape: sizes.
        weights: by the names of ``text_weight_shapes``.
        int8: the layers to run in INT8 with the range of each one's input.

    Raises:
        WeightsUnusable: the weights are not those of this shape.
    """
    from onnx import TensorProto, helper

    check_text_weights(shape, weights)
    g = GraphBuilder(shape.channels, int8 or {})
    x = _embedded(g, shape, weights["embedding.weight"])
    x = g.linear("input", x, weights["input.weight"].T, weights["input.bias"])
    for index, dilation in enumerate(shape.dilations):
        x = convnext(g, index, dilation, g.zero_padded(x, KERNEL // 2 * dilation), weights)
    gain, shift = weights["output_norm.weight"], weights["output_norm.bias"]
    matrix = weights["output.weight"].T
    bias = weights["output.bias"] + shift @ matrix
    x = g.linear("output", g.norm("output_norm", x), gain[:, None] * matrix, bias)
    _answers(g, shape, x)
    values = helper.make_tensor_value_info
    latent: list[str | int | None] = [1, shape.latent_channels, "tokens"]
    inputs = [
        values("input", TensorProto.INT64, [1, "tokens"]),
        values("input_lengths", TensorProto.INT64, [1]),
        values("scales", TensorProto.FLOAT, [3]),
        values("duration_noise", TensorProto.FLOAT, [1, 2, "tokens"]),
    ]
    outputs = [
        values("mean", TensorProto.FLOAT, latent),
        values("log_scale", TensorProto.FLOAT, latent),
        values("durations", TensorProto.FLOAT, [1, 1, "tokens"]),
    ]
    return model_of(g, "text_student", inputs, outputs)


def calibrate_text(
    shape: TextShape, weights: Weights, sentences: Iterable[npt.NDArray[np.int64]]
) -> dict[str, Range]:
    """Ranges of the input of every layer that runs in INT8.

    Args:
        shape: sizes.
        weights: its weights.
        sentences: phoneme ids ``int64 [T]`` of some dozens of sentences.

    Raises:
        ValueError: there is no sentence.
    """
    import onnxruntime

    model = build_text_graph(shape, weights)
    taps = tap_inputs(model, text_linear_names(shape))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    tensors = list(dict.fromkeys(taps.values()))
    spans: dict[str, list[tuple[float, float]]] = {name: [] for name in taps}
    for ids in sentences:
        values = dict(zip(tensors, session.run(tensors, text_feed(ids)), strict=True))
        for name, tensor in taps.items():
            low, high = np.quantile(values[tensor], [_CLIPPED_SHARE, 1 - _CLIPPED_SHARE])
            spans[name].append((float(low), float(high)))
    if not all(spans.values()):
        raise ValueError("there is nothing to calibrate with")
    return {
        name: Range(min(low for low, _ in span), max(high for _, high in span))
        for name, span in spans.items()
    }


def text_feed(ids: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.generic]]:
    """Inputs for a sentence, without noise."""
    return {
        "input": np.asarray(ids, dtype=np.int64)[np.newaxis],
        "input_lengths": np.array([len(ids)], dtype=np.int64),
        "scales": np.array([0.0, 1.0, 0.0], dtype=np.float32),
        "duration_noise": np.zeros((1, 2, len(ids)), dtype=np.float32),
    }


def _embedded(g: GraphBuilder, shape: TextShape, table: npt.NDArray[np.float32]) -> str:
    """Embeddings of pairs ``[1, steps, 2 E]``; an odd sentence is filled up with token 0."""
    last = g.constant("last_token", np.array(shape.tokens - 1, dtype=np.int64))
    known = g.node("Min", ["input", last])
    count = g.node("Shape", [known])
    length = g.node("Slice", [count, g.index(1), g.index(2)])
    odd = g.node("Mod", [length, g.index(TOKENS_A_STEP)])
    nothing = g.constant("no_pad", np.zeros(3, dtype=np.int64))
    even = g.node("Pad", [known, g.node("Concat", [nothing, odd], axis=0)])
    vectors = g.node("Gather", [g.constant("embedding", table), even])
    steps = np.array([1, -1, TOKENS_A_STEP * shape.embedding], dtype=np.int64)
    return g.node("Reshape", [vectors, g.constant("as_steps", steps)])


def _answers(g: GraphBuilder, shape: TextShape, x: str) -> None:
    """Part what the last layer gives for each step into the answers for each token."""
    latent = shape.latent_channels
    tokens = np.array([1, -1, shape.outputs], dtype=np.int64)
    x = g.node("Reshape", [x, g.constant("as_tokens", tokens)])
    length = g.node("Slice", [g.node("Shape", ["input"]), g.index(1), g.index(2)])
    x = g.node("Slice", [x, g.index(0), length, g.index(1)])
    x = g.node("Transpose", [x], perm=[0, 2, 1])

    def rows(first: int, end: int, out: str = "") -> str:
        return g.node("Slice", [x, g.index(first), g.index(end), g.index(1)], out=out)

    rows(0, latent, "mean")
    rows(latent, 2 * latent, "log_scale")
    middle, shift, spread = (rows(2 * latent + part, 2 * latent + part + 1) for part in range(3))
    noise = g.node("Slice", ["duration_noise", g.index(0), g.index(1), g.index(1)])
    scale = g.node("Slice", ["scales", g.index(2), g.index(3)])
    widest = g.constant("log_spread_max", np.array(LOG_SPREAD_MAX, dtype=np.float32))
    spread = g.node("Exp", [g.node("Min", [spread, widest])])
    sway = g.node("Add", [shift, g.node("Mul", [spread, noise])])
    log_frames = g.node("Add", [middle, g.node("Mul", [scale, sway])])
    top = g.constant("log_frames_max", np.array(LOG_FRAMES_MAX, dtype=np.float32))
    g.node("Exp", [g.node("Min", [log_frames, top])], out="durations")
