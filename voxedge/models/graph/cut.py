"""Find where a Piper VITS graph comes apart.

A VITS voice (Kim, Kong and Son, 2021, as Piper exports it) has this shape::

    ids -> text encoder -> mean, log-scale   [1, C, tokens]
        -> duration predictor (noise 1) -> Ceil -> one-hot path
    mean, log-scale x path -> [1, C, frames];  + noise 2 * exp(log-scale)  = prior sample
    prior sample -> flow -> latent [1, C, frames] -> HiFi-GAN decoder -> samples

The landmarks are few and hold for every export seen: the only ``Ceil`` rounds the durations;
noise 2 is the ``RandomNormalLike`` that hangs on that ``Ceil`` (the other one does not); the prior
sample is the ``Add`` behind it; the decoder begins at the last ``Conv`` before the first
``ConvTranspose`` that hangs on the prior sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import onnx

from voxedge.models.graph.view import GraphView

_PASS_THROUGH = frozenset({"Transpose", "Squeeze", "Unsqueeze", "Identity", "Cast"})


class NoCutFound(Exception):
    """The graph lacks a landmark; the message says which."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Names of the tensors at which a voice comes apart.

    Attributes:
        duration_noise: standard normal draws ``[1, 2, tokens]``; None for a voice whose duration
            predictor draws none.
        durations: frames of each token before rounding ``[1, 1, tokens]``.
        mean: prior mean ``[1, C, tokens]``.
        log_scale: prior log standard deviation ``[1, C, tokens]``.
        prior: prior sample ``[1, C, frames]``.
        frame_masks: tensors of ones that the frame-rate part takes from the lengths.
        latent: input of the decoder ``[1, C, frames]``.
        audio: samples, ``[1, 1, 1, frames * hop]`` as Piper exports it.
        has_speakers: whether a speaker number ``sid`` is an input.
    """

    duration_noise: str | None
    durations: str
    mean: str
    log_scale: str
    prior: str
    frame_masks: tuple[str, ...]
    latent: str
    audio: str
    has_speakers: bool


def find_cut(graph: onnx.GraphProto) -> Cut:
    """Find the cut.

    Raises:
        NoCutFound: this is no VITS voice as Piper exports it.
    """
    view = GraphView(graph)
    inputs = {item.name for item in graph.input}
    if not {"input", "input_lengths", "scales"} <= inputs:
        raise NoCutFound("its inputs are not those of a Piper voice")
    ceils = view.nodes("Ceil")
    if len(ceils) != 1:
        raise NoCutFound(f"{len(ceils)} duration roundings where one is expected")
    after_ceil = view.descendants(ceils[0].output)
    noises = view.nodes("RandomNormalLike")
    prior_noises = [node for node in noises if node.output[0] in after_ceil]
    duration_noises = [node for node in noises if node.output[0] not in after_ceil]
    if len(prior_noises) != 1 or len(duration_noises) > 1:
        raise NoCutFound("its noise sources are not one for durations and one for the prior")
    prior, mean, log_scale = _prior(view, prior_noises[0], after_ceil)
    after_prior = view.descendants([prior])
    latent = _latent(view, after_prior)
    return Cut(
        duration_noise=duration_noises[0].output[0] if duration_noises else None,
        durations=ceils[0].input[0],
        mean=mean,
        log_scale=log_scale,
        prior=prior,
        frame_masks=_frame_masks(view, after_ceil - after_prior, after_prior, prior),
        latent=latent,
        audio=graph.output[0].name,
        has_speakers="sid" in inputs,
    )


def _prior(view: GraphView, noise: onnx.NodeProto, after_ceil: set[str]) -> tuple[str, str, str]:
    """The prior sample and, at token rate, the mean and log-scale that make it."""
    tensor, log_scale_frames = noise.output[0], ""
    while True:
        users = view.consumers.get(tensor, [])
        if len(users) != 1 or users[0].op_type not in {"Mul", "Add"}:
            raise NoCutFound("the prior noise is not scaled and added")
        user = users[0]
        other = next((name for name in user.input if name != tensor), "")
        if user.op_type == "Add":
            break
        maker = view.producer.get(other)
        if maker is not None and maker.op_type == "Exp":
            log_scale_frames = maker.input[0]
        tensor = user.output[0]
    if not log_scale_frames:
        raise NoCutFound("the prior noise has no learned scale")
    mean = _at_token_rate(view, other, after_ceil)
    return user.output[0], mean, _at_token_rate(view, log_scale_frames, after_ceil)


def _at_token_rate(view: GraphView, name: str, after_ceil: set[str]) -> str:
    """The tensor ``[1, C, tokens]`` that ``path @ tensor.T`` stretched to frame rate."""
    *_, stretch = view.upstream(name, _PASS_THROUGH)
    if stretch.op_type != "MatMul":
        raise NoCutFound("the prior is not stretched by a path of durations")
    for candidate in stretch.input:
        if candidate not in after_ceil:
            maker = view.producer.get(candidate)
            if maker is not None and maker.op_type == "Transpose":
                return str(maker.input[0])
    raise NoCutFound("the prior is not stretched from token rate")


def _latent(view: GraphView, after_prior: set[str]) -> str:
    """Input of the convolution that opens the decoder."""
    ups = [node for node in view.nodes("ConvTranspose") if node.input[0] in after_prior]
    if not ups:
        raise NoCutFound("there is no upsampling decoder")
    tensor = ups[0].input[0]
    while True:
        node = view.producer.get(tensor)
        if node is None:
            raise NoCutFound("the decoder has no opening convolution")
        carriers = [name for name in node.input if name in after_prior]
        if len(carriers) != 1:
            raise NoCutFound("the decoder's opening is not a plain chain")
        if node.op_type == "Conv":
            return str(carriers[0])
        tensor = carriers[0]


def _frame_masks(
    view: GraphView, before: set[str], after_prior: set[str], prior: str
) -> tuple[str, ...]:
    """Tensors made from the durations alone that the frame-rate part multiplies with."""
    masks: dict[str, None] = {}
    for node in view.graph.node:
        if node.output[0] in after_prior and node.output[0] != prior:
            for name in node.input:
                if name in before:
                    if node.op_type != "Mul":
                        raise NoCutFound(f"the lengths reach the frames through {node.op_type}")
                    masks[name] = None
    return tuple(masks)
