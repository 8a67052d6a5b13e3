"""Sizes of a student, and the names and shapes of its weights. No PyTorch here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from voxedge.engines.tts.harmonic import HarmonicFormat

Weights = Mapping[str, npt.NDArray[np.float32]]

KERNEL = 7
"""Taps of every convolution over time."""

NORM_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class StudentShape:
    """Sizes of a student network and of the sound it makes.

    A frame is ``hop`` samples. The network is Vocos (Siuzdak 2023): a convolution, ConvNeXt
    blocks at frame rate, and one linear layer whose rows are *spectral parameters*: log magnitude
    and phase of every bin, log gain and phase of a smooth filter at every second bin, and the
    logarithm of the pitch over 100 Hz. ``voxedge.engines.tts.harmonic`` makes sound of them.

    Attributes:
        latent_channels: channels of the prior sample.
        channels: width of the network.
        hidden: width inside a block.
        dilations: dilation of each block's convolution.
        fft_size: window of the short-time Fourier transform in samples.
        hop: samples for each frame.
        rate_hz: samples a second.
    """

    latent_channels: int = 192
    channels: int = 224
    hidden: int = 672
    dilations: tuple[int, ...] = (1, 2, 4, 1, 2, 4, 1, 1)
    fft_size: int = 1024
    hop: int = 256
    rate_hz: int = 22050

    @property
    def form(self) -> HarmonicFormat:
        """What the spectral parameters mean."""
        return HarmonicFormat(self.fft_size, self.hop, self.rate_hz)

    @property
    def context(self) -> int:
        """Frames on each side that a frame's parameters hang on."""
        return KERNEL // 2 * (1 + sum(self.dilations))

    @property
    def macs_per_frame(self) -> int:
        """Multiplications of the network for one frame."""
        block = self.channels * (KERNEL + 2 * self.hidden)
        return (
            KERNEL * self.latent_channels * self.channels
            + block * len(self.dilations)
            + self.channels * self.form.parameters
        )


def weight_shapes(shape: StudentShape) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight, in the order of the network."""
    c, h = shape.channels, shape.hidden
    shapes: dict[str, tuple[int, ...]] = {
        "input.weight": (c, shape.latent_channels, KERNEL),
        "input.bias": (c,),
        "input_norm.weight": (c,),
        "input_norm.bias": (c,),
    }
    for index in range(len(shape.dilations)):
        shapes |= {
            f"blocks.{index}.depthwise.weight": (c, 1, KERNEL),
            f"blocks.{index}.depthwise.bias": (c,),
            f"blocks.{index}.norm.weight": (c,),
            f"blocks.{index}.norm.bias": (c,),
            f"blocks.{index}.expand.weight": (h, c),
            f"blocks.{index}.expand.bias": (h,),
            f"blocks.{index}.contract.weight": (c, h),
            f"blocks.{index}.contract.bias": (c,),
            f"blocks.{index}.scale": (c,),
        }
    return shapes | {
        "output_norm.weight": (c,),
        "output_norm.bias": (c,),
        "output.weight": (shape.form.parameters, c),
        "output.bias": (shape.form.parameters,),
    }


class WeightsUnusable(Exception):
    """A file of weights that is no student; the message says why."""


def save_weights(path: Path, shape: StudentShape, weights: Weights, note: str = "") -> None:
    """Write a student as ``.npz``: half precision, the shape beside the weights.

    Half precision costs a student nothing: its weights are below 8 and their rounding lies 60 dB
    under the INT8 rounding that follows.
    """
    meta = json.dumps({"format": 1, "shape": asdict(shape), "note": note})
    arrays = {name: np.asarray(value, dtype=np.float16) for name, value in weights.items()}
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=False, meta=np.array(meta), **arrays)


def load_weights(path: Path) -> tuple[StudentShape, dict[str, npt.NDArray[np.float32]]]:
    """Read what ``save_weights`` wrote.

    Raises:
        WeightsUnusable: not such a file, or a weight is missing, of the wrong shape or not finite.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            meta = json.loads(str(archive["meta"]))
            if meta["format"] != 1:
                raise WeightsUnusable(f"{path.name} is of format {meta['format']}")
            shape = _shape(meta["shape"])
            weights = {
                name: archive[name].astype(np.float32) for name in archive.files if name != "meta"
            }
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise WeightsUnusable(f"{path.name} does not parse: {error}") from error
    check_weights(shape, weights)
    return shape, weights


def check_weights(shape: StudentShape, weights: Weights) -> None:
    """Compare names, shapes and values with what a network of this shape has.

    Raises:
        WeightsUnusable: they differ, or a value is not finite.
    """
    wanted = weight_shapes(shape)
    for name, size in wanted.items():
        if name not in weights:
            raise WeightsUnusable(f"{name} is missing")
        if weights[name].shape != size:
            raise WeightsUnusable(f"{name} is {weights[name].shape} instead of {size}")
        if not np.isfinite(weights[name]).all():
            raise WeightsUnusable(f"{name} is not finite")
    extra = sorted(set(weights) - set(wanted))
    if extra:
        raise WeightsUnusable(f"{extra[0]} belongs to no student of this shape")


def _shape(data: Mapping[str, Any]) -> StudentShape:
    fields = {name: data[name] for name in StudentShape.__dataclass_fields__}
    fields["dilations"] = tuple(int(value) for value in fields["dilations"])
    shape = StudentShape(**fields)
    numbers = (*shape.dilations, shape.channels, shape.hidden, shape.latent_channels, shape.rate_hz)
    if min(numbers) < 1 or shape.fft_size != 4 * shape.hop or shape.hop % 4:
        raise ValueError("its sizes make no network")
    return shape
