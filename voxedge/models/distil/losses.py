"""How far a student's samples are from the teacher's.

Distances at window sizes of 2048 to 256 samples:

* log magnitude in mel bands: what the ear weighs;
* log magnitude at every bin: mel bands above 3 kHz are wider than the distance of two harmonics
  and cannot see whether there are any;
* log power in mel bands, averaged over a tenth of a second: the other three are content with the
  middle of what may come, which for breath and fricatives is 1 dB too quiet;
* complex, with magnitudes compressed to the power 0.3 (as in speech enhancement, Braun and Tashev
  2020): phase counts at every level, not only where the energy is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxedge.models.distil.network import require_torch
from voxedge.models.score.metrics import mel_bands

if TYPE_CHECKING:
    import torch

WINDOWS = ((2048, 100), (1024, 80), (512, 60), (256, 30))
"""Window sizes and their mel bands."""

_COMPRESSION = 0.3
_POWER_WINDOW, _POWER_FRAMES = 1024, 8


@dataclass(frozen=True, slots=True)
class LossWeights:
    """What each distance counts.

    Attributes:
        mel: log magnitude in mel bands.
        linear: log magnitude at every bin.
        power: log power in mel bands, averaged over a tenth of a second.
        complex: compressed complex spectrum.
        pitch: predicted log pitch.
        adversarial: fooling the judges.
        features: sameness of the judges' features.
    """

    mel: float = 10.0
    linear: float = 10.0
    power: float = 10.0
    complex: float = 10.0
    pitch: float = 10.0
    adversarial: float = 1.0
    features: float = 2.0


class SpectralDistance:
    """The distances.

    Args:
        rate_hz: samples a second.
        device: where to compute.
    """

    def __init__(self, rate_hz: int, device: str = "cpu") -> None:
        self._torch = torch = require_torch()
        self._windows = {size: torch.hann_window(size, device=device) for size, _ in WINDOWS}
        self._bands = {
            size: torch.from_numpy(mel_bands(size, bands, rate_hz).T.copy()).to(device)
            for size, bands in WINDOWS
        }

    def __call__(
        self, samples: torch.Tensor, target: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """``(mel, linear, power, complex)`` of ``[B, samples]`` against the same of the teacher."""
        torch = self._torch
        mel = linear = power = compressed = torch.zeros((), device=samples.device)
        for size, _ in WINDOWS:
            ours = self._spectrum(samples, size)
            with torch.no_grad():
                theirs = self._spectrum(target, size)
                their_level = theirs.abs()
            # Not abs(): its gradient at zero is undefined.
            level = (ours.real.square() + ours.imag.square() + 1e-9).sqrt()
            bands = self._bands[size]
            ratio = _log(bands @ level, 1e-4) - _log(bands @ their_level, 1e-4)
            mel = mel + ratio.abs().mean()
            # Floors grow as white noise does with the window.
            quiet = size**0.5 / 16
            ratio = torch.log(level + 1e-3 * quiet) - torch.log(their_level + 1e-3 * quiet)
            linear = linear + ratio.abs().mean()
            if size == _POWER_WINDOW:
                ratio = self._power(bands, level) - self._power(bands, their_level)
                power = ratio.abs().mean()
            if size > WINDOWS[-1][0]:
                compressed = compressed + _complex_distance(
                    ours, theirs, level, their_level, 1e-2 * quiet
                )
        return mel, linear, power, compressed

    def _power(self, bands: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """Log power in bands, averaged over stretches that overlap by half."""
        pool = self._torch.nn.functional.avg_pool1d
        frames = min(_POWER_FRAMES, level.shape[-1])
        return _log(pool(bands @ level.square(), frames, max(1, frames // 2)), 1e-6)

    def _spectrum(self, samples: torch.Tensor, size: int) -> torch.Tensor:
        return self._torch.stft(
            samples, size, size // 4, window=self._windows[size], return_complex=True
        )


def _log(value: torch.Tensor, floor: float) -> torch.Tensor:
    return value.clamp(min=floor).log()


def _complex_distance(
    ours: torch.Tensor,
    theirs: torch.Tensor,
    level: torch.Tensor,
    their_level: torch.Tensor,
    floor: float,
) -> torch.Tensor:
    """L1 of compressed spectra over the L1 of the target's: 1 for silence."""
    scale = (level + floor) ** (_COMPRESSION - 1)
    their_scale = (their_level + floor) ** (_COMPRESSION - 1)
    real, imaginary = theirs.real * their_scale, theirs.imag * their_scale
    distance = (ours.real * scale - real).abs() + (ours.imag * scale - imaginary).abs()
    return distance.mean() / (real.abs() + imaginary.abs()).mean().clamp(min=1e-6)


def guide_distance(ours: torch.Tensor, theirs: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    """How far spectral parameters are from those of another student, before any sound is made.

    Phase counts as much as its bin is loud (compressed to the power 0.3), level and gain as
    logarithms; both networks must have the same window and hop. No transform is needed, so that
    a step costs a third of one that listens.

    Args:
        ours: ``[B, T, P]`` of the student that learns.
        theirs: the same of the one it learns from.
        sizes: ``network.part_sizes``.
    """
    ours_level, ours_phase, ours_gain, ours_bend, ours_pitch = ours.split(list(sizes), dim=-1)
    level, phase, gain, bend, pitch = theirs.split(list(sizes), dim=-1)
    distance = (ours_pitch - pitch).abs().mean()
    for mine, my_angle, wanted, angle in (
        (ours_level, ours_phase, level, phase),
        (ours_gain, ours_bend, gain, bend),
    ):
        # Below e^-7 a bin is 80 dB under speech: nothing there is worth learning.
        mine, wanted = mine.clamp(-7, 5.5), wanted.clamp(-7, 5.5)
        size, wanted_size = (_COMPRESSION * mine).exp(), (_COMPRESSION * wanted).exp()
        apart = (size * my_angle.cos() - wanted_size * angle.cos()).abs()
        apart = apart + (size * my_angle.sin() - wanted_size * angle.sin()).abs()
        distance = distance + apart.mean() / wanted_size.mean() + (mine - wanted).abs().mean()
    return distance


def pitch_distance(
    log_pitch: torch.Tensor, target_hz: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Weighted mean distance of log pitch (over 100 Hz), in natural-log units."""
    target = (target_hz.clamp(50, 500) / 100).log()
    return ((log_pitch - target).abs() * weight).sum() / weight.sum().clamp(min=1e-6)
