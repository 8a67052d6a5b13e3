"""The text student in PyTorch, for training. ``graph`` makes the same network for the device."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from voxedge.models.distil.network import block_class, require_torch
from voxedge.models.distil.shape import NORM_EPSILON
from voxedge.models.distil.text.shape import TOKENS_A_STEP, TextShape

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_FIRST_LOG_FRAMES, _FIRST_LOG_SPREAD = 0.5, -1.5
"""First biases: 1.6 frames a token, swaying by a fifth."""


class TextAnswers(NamedTuple):
    """What a text student says of a batch: prior ``[B, T, C]``, durations ``[B, T]``."""

    mean: Tensor
    log_scale: Tensor
    log_frames: Tensor
    shift: Tensor
    log_spread: Tensor


def make_text_student(shape: TextShape) -> torch.nn.Module:
    """A fresh text student.

    ``forward(ids int64 [B, T], mask [B, T / 2])`` gives ``TextAnswers``; ``T`` is even, the mask
    is 1 for the steps of a sentence and 0 after them. Weight names are those of
    ``text_weight_shapes``.
    """
    return text_student_class()(shape)


@cache
def text_student_class() -> Any:
    """The class of text students."""
    torch = require_torch()
    nn, block = torch.nn, block_class()

    class TextStudent(nn.Module):  # type: ignore[name-defined, misc]
        """Phoneme ids to prior and durations."""

        def __init__(self, shape: TextShape) -> None:
            super().__init__()
            self.shape = shape
            width = shape.channels
            self.embedding = nn.Embedding(shape.tokens, shape.embedding)
            self.input = nn.Linear(TOKENS_A_STEP * shape.embedding, width)
            self.blocks = nn.ModuleList([block(shape, dilation) for dilation in shape.dilations])
            self.output_norm = nn.LayerNorm(width, eps=NORM_EPSILON)
            self.output = nn.Linear(width, TOKENS_A_STEP * shape.outputs)
            for module in self.modules():
                if isinstance(module, (nn.Conv1d, nn.Linear)):
                    nn.init.trunc_normal_(module.weight, std=0.02)
                    nn.init.zeros_(module.bias)
            with torch.no_grad():
                bias = self.output.bias.view(TOKENS_A_STEP, shape.outputs)
                bias[:, 2 * shape.latent_channels] = _FIRST_LOG_FRAMES
                bias[:, 2 * shape.latent_channels + 2] = _FIRST_LOG_SPREAD

        def forward(self, ids: Tensor, mask: Tensor, *, half: bool = False) -> TextAnswers:
            """Answers; with ``half`` all but the last layer in bfloat16."""
            latent, gate = self.shape.latent_channels, mask[..., None]
            with torch.autocast(ids.device.type, torch.bfloat16, enabled=half):
                x = self.embedding(ids).reshape(ids.shape[0], -1, self.input.in_features)
                x = self.input(x) * gate
                for part in self.blocks:
                    # What is behind the end must stay silent, as it is where there is nothing.
                    x = part(x) * gate
                x = self.output_norm(x)
            y = self.output(x.float()).reshape(*ids.shape, self.shape.outputs)
            mean, log_scale, rest = y.split([latent, latent, y.shape[-1] - 2 * latent], dim=-1)
            return TextAnswers(mean, log_scale, *rest.unbind(-1))

    return TextStudent
