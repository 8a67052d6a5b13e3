"""Sizes of a text student, the names and shapes of its weights, and its file. No PyTorch here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from voxedge.models.distil.shape import KERNEL, Weights, WeightsUnusable, compare_weights

FORMAT = 1
TOKENS_A_STEP = 2
"""Piper puts a blank after every phoneme: both together are one step of the network, which makes
it half as much work and sees twice as far."""

_SWAY_PARTS = 3
"""Values for the duration of a token: its logarithm, how far noise shifts it, and its spread."""


@dataclass(frozen=True, slots=True)
class TextShape:
    """Sizes of a text student: an embedding, ConvNeXt blocks over pairs of tokens, a linear layer.

    Attributes:
        tokens: phoneme ids it knows, from 0.
        latent_channels: channels of the prior.
        embedding: width of a token's embedding.
        channels: width of the network.
        hidden: width inside a block.
        dilations: dilation of each block's convolution.
    """

    tokens: int = 256
    latent_channels: int = 192
    embedding: int = 128
    channels: int = 256
    hidden: int = 768
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4, 8, 1, 2)

    @property
    def outputs(self) -> int:
        """Values for each token: mean, log scale, and those of its duration."""
        return 2 * self.latent_channels + _SWAY_PARTS

    @property
    def macs_per_token(self) -> int:
        """Multiplications of the network for one token."""
        ends = self.channels * TOKENS_A_STEP * (self.embedding + self.outputs)
        blocks = len(self.dilations) * self.channels * (KERNEL + 2 * self.hidden)
        return (ends + blocks) // TOKENS_A_STEP


def text_weight_shapes(shape: TextShape) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight, in the order of the network."""
    c, h = shape.channels, shape.hidden
    shapes: dict[str, tuple[int, ...]] = {
        "embedding.weight": (shape.tokens, shape.embedding),
        "input.weight": (c, TOKENS_A_STEP * shape.embedding),
        "input.bias": (c,),
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
        "output.weight": (TOKENS_A_STEP * shape.outputs, c),
        "output.bias": (TOKENS_A_STEP * shape.outputs,),
    }


def save_text_weights(path: Path, shape: TextShape, weights: Weights) -> None:
    """Write a text student as ``.npz`` in half precision, the shape beside the weights."""
    meta = json.dumps({"format": FORMAT, "shape": asdict(shape)})
    arrays = {name: np.asarray(value, dtype=np.float16) for name, value in weights.items()}
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=False, meta=np.array(meta), **arrays)


def load_text_weights(path: Path) -> tuple[TextShape, dict[str, npt.NDArray[np.float32]]]:
    """Read what ``save_text_weights`` wrote.

    Raises:
        FileNotFoundError: there is none.
        WeightsUnusable: not such a file, or a weight is missing, of the wrong shape or not finite.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            meta = json.loads(str(archive["meta"]))
            if meta["format"] != FORMAT:
                raise WeightsUnusable(f"{path.name} is of format {meta['format']}")
            shape = _shape(meta["shape"])
            weights = {
                name: archive[name].astype(np.float32) for name in archive.files if name != "meta"
            }
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise WeightsUnusable(f"{path.name} does not parse: {error}") from error
    check_text_weights(shape, weights)
    return shape, weights


def check_text_weights(shape: TextShape, weights: Weights) -> None:
    """Compare names, shapes and values with what a network of this shape has.

    Raises:
        WeightsUnusable: they differ, or a value is not finite.
    """
    compare_weights(text_weight_shapes(shape), weights)


def _shape(data: Mapping[str, Any]) -> TextShape:
    fields = {name: data[name] for name in TextShape.__dataclass_fields__}
    fields["dilations"] = tuple(int(value) for value in fields["dilations"])
    shape = TextShape(**fields)
    sizes = (shape.tokens, shape.latent_channels, shape.embedding, shape.channels, shape.hidden)
    if min(*shape.dilations, *sizes) < 1:
        raise ValueError("its sizes make no network")
    return shape
