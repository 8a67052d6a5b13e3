"""Judges for the adversarial phase: does this sound like the teacher?

Several resolutions of the spectrum (Jang et al. 2021, UnivNet) and several periods of the samples
(Kong, Kim and Bae 2020, HiFi-GAN), small, because they run on a CPU beside everything else. Each
step asks one of either kind, drawn by chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxedge.models.distil.network import require_torch

if TYPE_CHECKING:
    import torch
    from torch import Tensor

RESOLUTIONS = (512, 1024, 2048)
PERIODS = (2, 3, 5, 7)


def make_discriminators() -> torch.nn.ModuleList:
    """All judges, the resolutions first. Each gives ``(scores, features of its layers)``."""
    torch = require_torch()
    nn, functional = torch.nn, torch.nn.functional
    norm = nn.utils.parametrizations.weight_norm

    class Judge(nn.Module):  # type: ignore[name-defined, misc]
        """A stack of convolutions whose features are compared too."""

        def __init__(self, layers: list[Any], last: Any) -> None:
            super().__init__()
            self.layers = nn.ModuleList([norm(layer) for layer in layers])
            self.last = norm(last)

        def judge(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
            features = []
            for layer in self.layers:
                x = functional.leaky_relu(layer(x), 0.1)
                features.append(x)
            return self.last(x), features

    class Resolution(Judge):
        def __init__(self, size: int, width: int = 16) -> None:
            wide = [nn.Conv2d(width, width, (3, 9), (1, 2), (1, 4)) for _ in range(2)]
            layers = [
                nn.Conv2d(2, width, (3, 9), (1, 2), (1, 4)),
                *wide,
                nn.Conv2d(width, width, 3, 1, 1),
            ]
            super().__init__(layers, nn.Conv2d(width, 1, 3, 1, 1))
            self.size = size
            self.register_buffer("window", torch.hann_window(size), persistent=False)

        def forward(self, samples: Tensor) -> tuple[Tensor, list[Tensor]]:
            spectrum = torch.stft(
                samples, self.size, self.size // 4, window=self.window, return_complex=True
            ).transpose(1, 2)
            magnitude = spectrum.abs().clamp(min=1e-5)
            # Compressed magnitude, true phase: quiet bins count too.
            scale = torch.log1p(10 * magnitude) / magnitude
            return self.judge(torch.stack([spectrum.real * scale, spectrum.imag * scale], 1))

    class Period(Judge):
        def __init__(self, period: int, width: int = 12) -> None:
            widths = [1, width, 2 * width, 4 * width, 4 * width]
            layers = [
                nn.Conv2d(widths[at], widths[at + 1], (5, 1), (3, 1), (2, 0)) for at in range(4)
            ]
            super().__init__(layers, nn.Conv2d(widths[-1], 1, (3, 1), 1, (1, 0)))
            self.period = period

        def forward(self, samples: Tensor) -> tuple[Tensor, list[Tensor]]:
            count = samples.shape[1] // self.period * self.period
            return self.judge(samples[:, :count].view(len(samples), 1, -1, self.period))

    return nn.ModuleList(
        [*(Resolution(size) for size in RESOLUTIONS), *(Period(period) for period in PERIODS)]
    )
