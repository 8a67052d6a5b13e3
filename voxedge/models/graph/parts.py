"""Part a frame-rate graph into a chain of stages with short reach.

A chunk needs the receptive field of its stage as context on both sides, and that context is
computed for nothing. One stage from the prior to the samples would reach 43 frames each way; cut
where only a single tensor carries the signal (after each coupling of the flow, after each
upsampling step of the decoder) every part keeps its own finished output and reaches a few frames
only: in a Piper ``medium`` voice 8 in the flow and 10 and 2 in the decoder.
"""

from __future__ import annotations

import onnx

from voxedge.models.graph.halo import halo_frames, upsampling
from voxedge.models.graph.view import GraphView, extract

REACH_FRAMES = 4
"""A part is closed at the first single-tensor place where it reaches at least this far. Shorter
parts would save little context and cost kernel fusions across their borders."""


def split(model: onnx.ModelProto, source: str) -> list[tuple[onnx.ModelProto, str]]:
    """Part a frame-rate stage.

    Args:
        model: one input that runs in time (``source``), one output.
        source: name of that input.

    Returns:
        The parts in order, each with the name of its input; their chain equals ``model``.
    """
    output = model.graph.output[0].name
    parts: list[tuple[onnx.ModelProto, str]] = []
    start, frames_per_step = source, 1
    for name in _single_carriers(model, source):
        part = _between(model, start, name)
        if halo_frames(part, start) >= REACH_FRAMES * frames_per_step:
            parts.append((part, start))
            frames_per_step *= upsampling(part, start)
            start = name
    parts.append((_between(model, start, output), start))
    return parts


def _between(model: onnx.ModelProto, start: str, end: str) -> onnx.ModelProto:
    others = [item for item in model.graph.input if item.name == "sid"]
    sequence = onnx.TensorProto.FLOAT
    part = extract(
        model,
        [onnx.helper.make_tensor_value_info(start, sequence, [1, None, None]), *others],
        [onnx.helper.make_tensor_value_info(end, sequence, [1, None, None])],
    )
    used = {name for node in part.graph.node for name in node.input}
    for item in list(part.graph.input):
        if item.name != start and item.name not in used:
            part.graph.input.remove(item)
    return part


def _single_carriers(model: onnx.ModelProto, source: str) -> list[str]:
    """Tensors through which alone the signal passes, in order, the ends left out."""
    view = GraphView(model.graph)
    moved = view.descendants([source])
    waiting = {source: len(view.consumers.get(source, []))}
    carriers: list[str] = []
    for node in model.graph.node:
        carried = [name for name in node.input if name in moved]
        if not carried:
            continue
        for name in carried:
            waiting[name] -= 1
            if not waiting[name]:
                del waiting[name]
        for name in node.output:
            if view.consumers.get(name):
                waiting[name] = len(view.consumers[name])
        if len(waiting) == 1:
            (only,) = waiting
            carriers.append(only)
    return carriers
