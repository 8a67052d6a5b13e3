"""Make a student narrower: whole channels go, from every layer that shares them.

Zeroed weights save nothing; a channel that is gone from all coupled layers makes file and
instruction count smaller. Which ones: the smallest L1 norms (Li et al. 2017). What is lost is won
back by training the narrower student from the weights that are left.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from voxedge.models.distil.shape import StudentShape, Weights, check_weights

_MULTIPLE = 8
"""Widths stay multiples of this, so that vector registers stay full."""

_LAST_AXIS = ("expand.weight", "output.weight")


def prune(
    shape: StudentShape, weights: Weights, share: float
) -> tuple[StudentShape, dict[str, npt.NDArray[np.float32]]]:
    """Remove a share of the channels between blocks and of the units inside each block.

    Args:
        shape: sizes of the student.
        weights: its weights.
        share: 0.3 removes three of ten; what is left is rounded to a multiple of 8.

    Returns:
        The narrower shape and its weights.

    Raises:
        ValueError: the share is not from 0 to below 1.
        WeightsUnusable: the weights are not those of this shape.
    """
    if not 0 <= share < 1:
        raise ValueError(f"{share} is no share from 0 to below 1")
    check_weights(shape, weights)
    narrow = replace(
        shape, channels=_left(shape.channels, share), hidden=_left(shape.hidden, share)
    )
    channels = _largest(_channel_norms(shape, weights), narrow.channels)
    left = {name: _keep_channels(name, value, channels) for name, value in weights.items()}
    for index in range(len(shape.dilations)):
        name = f"blocks.{index}"
        expand, contract = left[f"{name}.expand.weight"], left[f"{name}.contract.weight"]
        norms = np.abs(expand).sum(axis=1) * np.abs(contract).sum(axis=0)
        units = _largest(norms, narrow.hidden)
        left[f"{name}.expand.weight"] = expand[units]
        left[f"{name}.expand.bias"] = left[f"{name}.expand.bias"][units]
        left[f"{name}.contract.weight"] = contract[:, units]
    check_weights(narrow, left)
    return narrow, left


def _left(width: int, share: float) -> int:
    return max(_MULTIPLE, min(width, round(width * (1 - share) / _MULTIPLE) * _MULTIPLE))


def _largest(norms: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """Indices of the largest, in their order."""
    return np.sort(np.argsort(norms, kind="stable")[::-1][:count])


def _channel_norms(shape: StudentShape, weights: Weights) -> npt.NDArray[np.float32]:
    """How much each channel between blocks is written and read."""
    written = np.abs(weights["input.weight"]).sum(axis=(1, 2))
    read = np.abs(weights["output.weight"] * weights["output_norm.weight"]).sum(axis=0)
    for index in range(len(shape.dilations)):
        name = f"blocks.{index}"
        rows = np.abs(weights[f"{name}.contract.weight"]).sum(axis=1)
        written = written + rows * np.abs(weights[f"{name}.scale"])
        columns = np.abs(weights[f"{name}.expand.weight"]).sum(axis=0)
        read = read + columns * np.abs(weights[f"{name}.norm.weight"])
    return np.asarray(written * read, dtype=np.float32)


def _keep_channels(
    name: str, value: npt.NDArray[np.float32], channels: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Along the axis that runs over the channels between blocks, if a weight has one."""
    if name.endswith(_LAST_AXIS):
        return value[:, channels]
    if name == "output.bias" or name.endswith("expand.bias"):
        return value
    return value[channels]
