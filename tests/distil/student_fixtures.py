"""A student of a few hundred weights, and the same network written a second time in numpy."""

import math

import numpy as np

from voxedge.models.distil.shape import KERNEL, NORM_EPSILON, StudentShape, weight_shapes

TINY = StudentShape(
    latent_channels=5, channels=8, hidden=12, dilations=(1, 2), fft_size=64, hop=16, rate_hz=8000
)


def tiny_weights(seed: int = 0, shape: StudentShape = TINY) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        name: rng.normal(0, 0.3, size).astype(np.float32)
        for name, size in weight_shapes(shape).items()
    }


def run_by_hand(shape: StudentShape, w: dict[str, np.ndarray], prior: np.ndarray) -> np.ndarray:
    """Spectral parameters ``[frames, P]`` of a prior ``[C, frames]``, loop by loop."""
    x = _convolve(prior.T, w["input.weight"]) + w["input.bias"]
    x = _norm(x, w["input_norm.weight"], w["input_norm.bias"])
    for index, dilation in enumerate(shape.dilations):
        name = f"blocks.{index}."
        taps = w[name + "depthwise.weight"][:, 0]
        reach = KERNEL // 2 * dilation
        padded = np.pad(x, ((reach, reach), (0, 0)))
        y = w[name + "depthwise.bias"] + sum(
            padded[tap * dilation : tap * dilation + len(x)] * taps[:, tap] for tap in range(KERNEL)
        )
        y = _norm(y, w[name + "norm.weight"], w[name + "norm.bias"])
        y = y @ w[name + "expand.weight"].T + w[name + "expand.bias"]
        y = y * 0.5 * (1 + np.vectorize(math.erf)(y / math.sqrt(2)))
        y = y @ w[name + "contract.weight"].T + w[name + "contract.bias"]
        x = x + w[name + "scale"] * y
    x = _norm(x, w["output_norm.weight"], w["output_norm.bias"])
    return x @ w["output.weight"].T + w["output.bias"]


def _convolve(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    padded = np.pad(x, ((KERNEL // 2, KERNEL // 2), (0, 0)))
    return sum(padded[tap : tap + len(x)] @ weight[:, :, tap].T for tap in range(KERNEL))


def _norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    mean, spread = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(spread + NORM_EPSILON) * weight + bias
