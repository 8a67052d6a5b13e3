"""Whisper (Radford et al. 2022) in NumPy, for utterances of seconds.

The network of ``tiny.en`` is small enough for matrix products alone. Two things are wanted that
engines for transcription do not give: the encoder looks at the utterance only, not at 30 s of it
padded with silence (a tenth of the work), and the decoder is asked how likely *given* words are,
many beginnings at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Float32 = npt.NDArray[np.float32]
    Ints = npt.NDArray[np.int64]

HEADS = 6
LONGEST = 1500
"""Frames of 20 ms that the encoder has places for."""


@dataclass(frozen=True, slots=True)
class Linear:
    """``x @ weight + bias``; the weight is ``[in, out]``."""

    weight: Float32
    bias: Float32

    def __call__(self, x: Float32) -> Float32:
        """Return ``[..., out]`` of ``[..., in]``."""
        return np.asarray(x @ self.weight + self.bias)


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer normalisation."""

    gamma: Float32
    beta: Float32

    def __call__(self, x: Float32) -> Float32:
        """Return ``x`` with mean 0 and variance 1 in its last axis, scaled."""
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt(variance + np.float32(1e-5)) * self.gamma + self.beta
        return np.asarray(scaled, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Feed:
    """The two products after an attention."""

    norm: Norm
    up: Linear
    down: Linear

    def __call__(self, x: Float32) -> Float32:
        """Return what is added to ``x``."""
        return self.down(gelu(self.up(self.norm(x))))


@dataclass(frozen=True, slots=True)
class EncoderLayer:
    """Attention of the sound to itself, and a feed-forward."""

    norm: Norm
    qkv: Linear
    out: Linear
    feed: Feed


@dataclass(frozen=True, slots=True)
class DecoderLayer:
    """Attention of the words to those before them, to the sound, and a feed-forward."""

    norm: Norm
    qkv: Linear
    out: Linear
    cross_norm: Norm
    cross_q: Linear
    cross_kv: Linear
    cross_out: Linear
    feed: Feed


Heard = tuple[tuple["Float32", "Float32"], ...]
"""Keys and values of the sound for each layer of the decoder, ``[HEADS, frames, size]``."""


@dataclass(frozen=True, slots=True)
class Beginnings:
    """Several beginnings of equal length, as the decoder remembers them.

    Attributes:
        keys: ``[layers, beginnings, HEADS, length, size]``.
        values: likewise.
    """

    keys: Float32
    values: Float32

    @property
    def length(self) -> int:
        """Tokens in each of them."""
        return int(self.keys.shape[3])

    def take(self, which: Ints) -> Beginnings:
        """Return some of them, in that order; one may come several times."""
        return Beginnings(self.keys[:, which], self.values[:, which])


class WhisperNet:
    """The network. Immutable; any thread.

    Args:
        weights: of ``whisper_file.read_weights``, by name.

    Raises:
        KeyError: a variable is missing.
        ValueError: one has another shape than the network needs.
    """

    def __init__(self, weights: Mapping[str, Any]) -> None:
        self._weights = weights
        self.conv1 = self._conv("encoder/conv1")
        self.conv2 = self._conv("encoder/conv2")
        self._sound_places = self._array("encoder/position_encodings/encodings")
        self._word_places = self._array("decoder/position_encodings/encodings")
        self.encoder = [self._encoder_layer(f"encoder/layer_{n}") for n in self._layers("encoder")]
        self.decoder = [self._decoder_layer(f"decoder/layer_{n}") for n in self._layers("decoder")]
        self._encoder_norm = self._norm("encoder/layer_norm")
        self._decoder_norm = self._norm("decoder/layer_norm")
        self._embeddings = weights["decoder/embeddings/weight"]
        self.width = int(self._embeddings.shape[1])

    @property
    def vocabulary(self) -> int:
        """How many tokens it knows."""
        return int(self._embeddings.shape[0])

    def embeddings(self, tokens: Ints) -> Float32:
        """Return ``float32`` ``[n, width]``: what stands for tokens, in and out."""
        return np.asarray(self._embeddings[tokens], dtype=np.float32)

    # -- sound --------------------------------------------------------------------------------

    def hear(self, mel: Float32) -> Heard:
        """Encode a sound.

        Args:
            mel: ``float32`` ``[frames, 80]`` of ``log_mel``, at most 30 s.

        Returns:
            What the decoder looks at.
        """
        x = gelu(_convolved(mel, self.conv1, 1))
        x = gelu(_convolved(x, self.conv2, 2))
        x = x + self._sound_places[: len(x)]
        for layer in self.encoder:
            q, k, v = (_heads(part) for part in np.split(layer.qkv(layer.norm(x)), 3, axis=-1))
            x = x + layer.out(_joined(_attended(q, k, v)))
            x = x + layer.feed(x)
        x = self._encoder_norm(x)
        return tuple(
            (_heads(keys), _heads(values))
            for keys, values in (np.split(layer.cross_kv(x), 2, axis=-1) for layer in self.decoder)
        )

    # -- words --------------------------------------------------------------------------------

    def begin(self, heard: Heard, tokens: Ints) -> tuple[Float32, Beginnings]:
        """Begin with some tokens, all at once.

        Args:
            heard: the sound.
            tokens: ``[n]``, at least one.

        Returns:
            As ``step``, of one beginning of ``n`` tokens.
        """
        x = self.embeddings(tokens) + self._word_places[: len(tokens)]
        later = np.triu(np.full((len(tokens), len(tokens)), -np.inf, dtype=np.float32), 1)
        keys, values = [], []
        for number, layer in enumerate(self.decoder):
            q, k, v = (_heads(part) for part in np.split(layer.qkv(layer.norm(x)), 3, axis=-1))
            keys.append(k[None])
            values.append(v[None])
            x = x + layer.out(_joined(_attended(q, k, v, later)))
            q = _heads(layer.cross_q(layer.cross_norm(x)))
            x = x + layer.cross_out(_joined(_attended(q, *heard[number])))
            x = x + layer.feed(x)
        return self._decoder_norm(x[-1:]), Beginnings(np.stack(keys), np.stack(values))

    def step(self, heard: Heard, before: Beginnings, tokens: Ints) -> tuple[Float32, Beginnings]:
        """Add one token to each beginning.

        Args:
            heard: the sound.
            before: beginnings.
            tokens: ``[beginnings]``.

        Returns:
            The state after it, ``float32`` ``[beginnings, width]``: its product with
            ``embeddings`` of tokens is their log odds of coming next; and the beginnings.
        """
        x = self.embeddings(tokens) + self._word_places[before.length]
        keys, values = [], []
        for number, layer in enumerate(self.decoder):
            parts = np.split(layer.qkv(layer.norm(x)), 3, axis=-1)
            q, k, v = (part.reshape(len(x), HEADS, 1, -1) for part in parts)
            keys.append(np.concatenate([before.keys[number], k], axis=2))
            values.append(np.concatenate([before.values[number], v], axis=2))
            x = x + layer.out(_attended(q, keys[-1], values[-1]).reshape(len(x), -1))
            q = _heads(layer.cross_q(layer.cross_norm(x)))
            x = x + layer.cross_out(_joined(_attended(q, *heard[number])))
            x = x + layer.feed(x)
        return self._decoder_norm(x), Beginnings(np.stack(keys), np.stack(values))

    # -- weights ------------------------------------------------------------------------------

    def _layers(self, part: str) -> range:
        return range(
            1 + max(
                int(name.split("/")[1].removeprefix("layer_"))
                for name in self._weights
                if name.startswith(f"{part}/layer_") and name.split("/")[1] != "layer_norm"
            )
        )  # fmt: skip

    def _array(self, name: str) -> Float32:
        return np.ascontiguousarray(self._weights[name], dtype=np.float32)

    def _linear(self, name: str) -> Linear:
        return Linear(
            np.ascontiguousarray(self._array(f"{name}/weight").T), self._array(f"{name}/bias")
        )

    def _conv(self, name: str) -> Linear:
        """Return a convolution over three frames as one product: ``[3 * in, out]``."""
        weight = self._array(f"{name}/weight")
        flat = weight.transpose(2, 1, 0).reshape(-1, weight.shape[0])
        return Linear(np.ascontiguousarray(flat), self._array(f"{name}/bias"))

    def _norm(self, name: str) -> Norm:
        return Norm(self._array(f"{name}/gamma"), self._array(f"{name}/beta"))

    def _feed(self, name: str) -> Feed:
        return Feed(
            self._norm(f"{name}/layer_norm"),
            self._linear(f"{name}/linear_0"),
            self._linear(f"{name}/linear_1"),
        )

    def _encoder_layer(self, name: str) -> EncoderLayer:
        own = f"{name}/self_attention"
        return EncoderLayer(
            self._norm(f"{own}/layer_norm"),
            self._linear(f"{own}/linear_0"),
            self._linear(f"{own}/linear_1"),
            self._feed(f"{name}/ffn"),
        )

    def _decoder_layer(self, name: str) -> DecoderLayer:
        own, cross = f"{name}/self_attention", f"{name}/attention"
        return DecoderLayer(
            self._norm(f"{own}/layer_norm"),
            self._linear(f"{own}/linear_0"),
            self._linear(f"{own}/linear_1"),
            self._norm(f"{cross}/layer_norm"),
            self._linear(f"{cross}/linear_0"),
            self._linear(f"{cross}/linear_1"),
            self._linear(f"{cross}/linear_2"),
            self._feed(f"{name}/ffn"),
        )


def gelu(x: Float32) -> Float32:
    """Return the Gaussian error linear unit by its usual approximation (within 0.001)."""
    inner = np.float32(0.7978845608) * (x + np.float32(0.044715) * x * x * x)
    return np.asarray(np.float32(0.5) * x * (np.float32(1.0) + np.tanh(inner)), dtype=np.float32)


def _convolved(x: Float32, conv: Linear, stride: int) -> Float32:
    padded = np.pad(x, ((1, 1), (0, 0)))
    count = (len(x) - 1) // stride + 1
    rows = [padded[tap : tap + stride * (count - 1) + 1 : stride] for tap in range(3)]
    return conv(np.concatenate(rows, axis=1))


def _heads(x: Float32) -> Float32:
    """Return ``[HEADS, n, size]`` of ``[n, width]``."""
    return np.ascontiguousarray(x.reshape(len(x), HEADS, -1).transpose(1, 0, 2))


def _joined(x: Float32) -> Float32:
    """Return ``[n, width]`` of ``[HEADS, n, size]``."""
    return x.transpose(1, 0, 2).reshape(x.shape[1], -1)


def _attended(q: Float32, k: Float32, v: Float32, mask: Float32 | None = None) -> Float32:
    """Return the values, weighed by how well their keys answer the queries; over all heads."""
    scores = q @ np.swapaxes(k, -1, -2) * np.float32(q.shape[-1] ** -0.5)
    if mask is not None:
        scores += mask
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return np.asarray(scores @ v)
