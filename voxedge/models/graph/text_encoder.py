"""The weights of a VITS text encoder, found by what its graph does and not by names.

A text encoder is six layers of attention with relative positions (Shaw et al. 2018) and a
convolutional feed-forward part, a projection to the prior, and a stochastic duration predictor:
three splines (Durkan et al. 2019) conditioned by depthwise convolutions (Kim et al. 2021, VITS).
Exported, that is some 2,300 nodes; its weights meet the nodes in a fixed order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from voxedge.models.graph.view import GraphView

if TYPE_CHECKING:
    import onnx

Floats = npt.NDArray[np.float32]

_SEPARABLE = 3
"""Depthwise convolutions in each stack of the duration predictor."""
_SPLINES = 3


class NoTextEncoder(Exception):
    """A graph that is no such text encoder; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A convolution over time: ``weight [out, in, taps]``, ``bias [out]``."""

    weight: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class Norm:
    """Scale and shift of a layer normalization, ``[C]``."""

    scale: Floats
    shift: Floats


@dataclass(frozen=True, slots=True)
class Layer:
    """Attention and feed-forward part; relative embeddings are ``[1, 2 reach + 1, C / heads]``."""

    query: Linear
    key: Linear
    value: Linear
    output: Linear
    relative_key: Floats
    relative_value: Floats
    attention_norm: Norm
    expand: Linear
    contract: Linear
    norm: Norm


@dataclass(frozen=True, slots=True)
class Separable:
    """Depthwise convolutions, each with norm, GELU, linear layer, norm, GELU, and a skip."""

    depthwise: tuple[Linear, ...]
    depthwise_norm: tuple[Norm, ...]
    linear: tuple[Linear, ...]
    linear_norm: tuple[Norm, ...]


@dataclass(frozen=True, slots=True)
class Spline:
    """A coupling: one channel says how the other is bent."""

    before: Linear
    separable: Separable
    after: Linear


@dataclass(frozen=True, slots=True)
class TextEncoderWeights:
    """Everything in a text encoder with one speaker.

    Attributes:
        embedding: ``[tokens, C]``.
        layers: of attention.
        projection: to mean and log scale, ``2 x latent`` rows.
        before, separable, after: what the splines are conditioned on.
        splines: in the order in which noise passes them.
        offset: what is subtracted in the end, ``[2, 1]``.
        factor: what that is multiplied by, ``[2, 1]``.
    """

    embedding: Floats
    layers: tuple[Layer, ...]
    projection: Linear
    before: Linear
    separable: Separable
    after: Linear
    splines: tuple[Spline, ...]
    offset: Floats
    factor: Floats


def read_text_encoder(model: onnx.ModelProto) -> TextEncoderWeights:
    """Read the weights of the text encoder that ``models.build`` cut from a voice.

    That it *is* one is to be checked by running it: see ``distil.encoder.build_like``.

    Raises:
        NoTextEncoder: the graph has other parts, as that of a voice with several speakers has.
    """
    view = GraphView(model.graph)
    convolutions = _convolutions(view)
    norms = iter(_norms(view))
    relative = _relative(view)
    if not relative or len(relative) % 2:
        raise NoTextEncoder("it has no relative positions")
    wanted = 6 * (len(relative) // 2) + 3 + 2 * _SEPARABLE + _SPLINES * (2 + 2 * _SEPARABLE)
    if len(convolutions) != wanted:
        raise NoTextEncoder(f"it has {len(convolutions)} convolutions instead of {wanted}")
    parts = iter(convolutions)
    try:
        layers = [
            _layer(parts, norms, relative[2 * n : 2 * n + 2]) for n in range(len(relative) // 2)
        ]
        projection, before = next(parts), next(parts)
        separable, after = _separable(parts, norms), next(parts)
        splines = [_spline(parts, norms) for _ in range(_SPLINES)]
    except StopIteration as error:
        raise NoTextEncoder("it has too few norms") from error
    offset, factor = _affine(view)
    read = TextEncoderWeights(
        embedding=_embedding(view),
        layers=tuple(layers),
        projection=projection,
        before=before,
        separable=separable,
        after=after,
        splines=tuple(splines),
        offset=offset,
        factor=factor,
    )
    _check(read)
    return read


def _layer(parts: Iterator[Linear], norms: Iterator[Norm], relative: Sequence[Floats]) -> Layer:
    query, key, value, output, expand, contract = (next(parts) for _ in range(6))
    first, second = next(norms), next(norms)
    return Layer(
        query, key, value, output, relative[0], relative[1], first, expand, contract, second
    )


def _separable(parts: Iterator[Linear], norms: Iterator[Norm]) -> Separable:
    rows = [(next(parts), next(norms), next(parts), next(norms)) for _ in range(_SEPARABLE)]
    depthwise, first, linear, second = zip(*rows, strict=True)
    return Separable(depthwise, first, linear, second)


def _spline(parts: Iterator[Linear], norms: Iterator[Norm]) -> Spline:
    before = next(parts)
    separable = _separable(parts, norms)
    return Spline(before, separable, next(parts))


def _convolutions(view: GraphView) -> list[Linear]:
    found = []
    for node in view.nodes("Conv"):
        weight, bias = (view.constant(name) for name in (*node.input[1:3], "")[:2])
        if weight is None or bias is None or weight.ndim != 3:
            raise NoTextEncoder(f"{node.name} is no convolution over time with a bias")
        found.append(Linear(weight, bias))
    return found


def _norms(view: GraphView) -> list[Norm]:
    found = []
    for node in view.nodes("Mul"):
        source = view.producer.get(node.input[0])
        scale = view.constant(node.input[1])
        if source is None or source.op_type != "Div" or scale is None or scale.ndim != 1:
            continue
        for user in view.consumers.get(node.output[0], []):
            shift = view.constant(user.input[1]) if user.op_type == "Add" else None
            if shift is not None and shift.shape == scale.shape:
                found.append(Norm(scale, shift))
    return found


def _relative(view: GraphView) -> list[Floats]:
    """Relative embeddings in the order of their use: of keys, of values, layer after layer."""
    found: dict[str, Floats] = {}
    for node in view.graph.node:
        for name in node.input:
            value = view.constant(name) if name not in found else None
            if value is None or value.ndim != 3 or node.op_type == "Conv":
                continue
            one, count, _ = value.shape
            if one == 1 and count > 1 and count % 2:
                found[name] = value
    return list(found.values())


def _affine(view: GraphView) -> tuple[Floats, Floats]:
    """The last step of the flow."""
    for node in view.nodes("Sub"):
        offset = view.constant(node.input[1])
        if offset is None or offset.shape != (2, 1):
            continue
        for user in view.consumers.get(node.output[0], []):
            factor = view.constant(user.input[1]) if user.op_type == "Mul" else None
            if factor is not None and factor.shape == (2, 1):
                return offset, factor
    raise NoTextEncoder("its durations do not end in an affine step")


def _embedding(view: GraphView) -> Floats:
    for node in view.nodes("Gather"):
        table = view.constant(node.input[0])
        if table is not None and table.ndim == 2 and table.dtype == np.float32:
            return table
    raise NoTextEncoder("it has no embedding")


def _check(read: TextEncoderWeights) -> None:
    """Compare sizes, so that building does not fail half-way."""
    width = read.embedding.shape[1]
    square = (width, width, 1)
    linears = [read.before, read.after, *read.separable.linear]
    for layer in read.layers:
        linears += [layer.query, layer.key, layer.value, layer.output]
        hidden, _, taps = layer.expand.weight.shape
        if layer.contract.weight.shape != (width, hidden, taps) or not taps % 2:
            raise NoTextEncoder("a feed-forward part has other sizes")
        if layer.relative_key.shape != layer.relative_value.shape:
            raise NoTextEncoder("relative positions have other sizes")
        if width % layer.relative_key.shape[2]:
            raise NoTextEncoder("its heads do not fill its width")
    for spline in read.splines:
        linears += spline.separable.linear
        if spline.before.weight.shape != (width, 1, 1) or len(spline.after.bias) % 3 != 2:
            raise NoTextEncoder("a spline has other sizes")
    if any(linear.weight.shape != square for linear in linears):
        raise NoTextEncoder("a linear layer has another width")
