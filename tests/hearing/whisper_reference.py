"""Whisper's network as its paper has it, in NumPy: no graph, no cache, no INT8; slow and plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]

_HEAD = 64


def states(weights: Mapping[str, Any], mel: Float32, tokens: Sequence[int]) -> Float32:
    """Return ``float32`` ``[tokens, width]``: the decoder's state after each token.

    Args:
        weights: by CTranslate2's names.
        mel: ``[frames, 80]``.
        tokens: from the start of the transcript.
    """
    plain = _Plain(weights)
    sound = plain.encoded(mel)
    places = plain.get("decoder/position_encodings/encodings")
    x = plain.get("decoder/embeddings/weight")[list(tokens)] + places[: len(tokens)]
    for layer in plain.layers("decoder"):
        own, cross = f"{layer}/self_attention", f"{layer}/attention"
        q, k, v = np.split(
            plain.linear(f"{own}/linear_0", plain.norm(f"{own}/layer_norm", x)), 3, 1
        )
        x = x + plain.linear(f"{own}/linear_1", _attended(q, k, v, later=False))
        q = plain.linear(f"{cross}/linear_0", plain.norm(f"{cross}/layer_norm", x))
        k, v = np.split(plain.linear(f"{cross}/linear_1", sound), 2, 1)
        x = x + plain.linear(f"{cross}/linear_2", _attended(q, k, v))
        x = plain.fed(f"{layer}/ffn", x)
    return plain.norm("decoder/layer_norm", x)


class _Plain:
    def __init__(self, weights: Mapping[str, Any]) -> None:
        self._weights = weights

    def get(self, name: str) -> Float32:
        return np.asarray(self._weights[name], dtype=np.float32)

    def layers(self, part: str) -> list[str]:
        return [f"{part}/layer_{n}" for n in range(4)]

    def linear(self, name: str, x: Float32) -> Float32:
        return np.asarray(x @ self.get(f"{name}/weight").T + self.get(f"{name}/bias"))

    def norm(self, name: str, x: Float32) -> Float32:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + 1e-5)
        return np.asarray(scaled * self.get(f"{name}/gamma") + self.get(f"{name}/beta"))

    def fed(self, name: str, x: Float32) -> Float32:
        y = _gelu(self.linear(f"{name}/linear_0", self.norm(f"{name}/layer_norm", x)))
        return x + self.linear(f"{name}/linear_1", y)

    def encoded(self, mel: Float32) -> Float32:
        x = _gelu(self._convolved(mel, "encoder/conv1", 1))
        x = _gelu(self._convolved(x, "encoder/conv2", 2))
        x = x + self.get("encoder/position_encodings/encodings")[: len(x)]
        for layer in self.layers("encoder"):
            own = f"{layer}/self_attention"
            q, k, v = np.split(
                self.linear(f"{own}/linear_0", self.norm(f"{own}/layer_norm", x)), 3, 1
            )
            x = x + self.linear(f"{own}/linear_1", _attended(q, k, v))
            x = self.fed(f"{layer}/ffn", x)
        return self.norm("encoder/layer_norm", x)

    def _convolved(self, x: Float32, name: str, stride: int) -> Float32:
        padded = np.pad(x, ((1, 1), (0, 0)))
        taps = self.get(f"{name}/weight")  # [out, in, 3]
        rows = range(0, len(x), stride)
        windows = np.stack([padded[row : row + 3].T for row in rows])  # [n, in, 3]
        return np.einsum("nit,oit->no", windows, taps, optimize=True) + self.get(f"{name}/bias")


def _attended(q: Float32, k: Float32, v: Float32, *, later: bool = True) -> Float32:
    """Each head by itself; without ``later`` no place looks at a later one."""
    out = np.empty_like(q)
    for first in range(0, q.shape[1], _HEAD):
        part = slice(first, first + _HEAD)
        scores = q[:, part] @ k[:, part].T / np.sqrt(np.float32(_HEAD))
        if not later:
            scores[np.triu_indices(len(scores), 1)] = -np.inf
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        out[:, part] = weights / weights.sum(axis=1, keepdims=True) @ v[:, part]
    return out


def _gelu(x: Float32) -> Float32:
    """Abramowitz and Stegun 7.1.26 for the error function: within 2e-7."""
    z = np.abs(x) / np.sqrt(2.0)
    t = 1.0 / (1.0 + 0.3275911 * z)
    series = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    erf = np.sign(x) * (1.0 - series * np.exp(-z * z))
    return np.asarray(0.5 * x * (1.0 + erf), dtype=np.float32)
