"""From spectral parameters to samples: a pulse train through a filter, plus a free spectrum.

Voiced speech is a pulse train that a slowly moving filter shapes (Fant 1960). A network that
predicts the phase of every bin by itself blurs harmonics above some 3 kHz, because the phase of
harmonic 40 advances 40 times as fast as the pitch. Here the pitch is integrated once, so that all
harmonics keep step by construction, as in neural source-filter vocoders (Wang, Takaki and
Yamagishi 2019), and the network only says how the filter bends them::

    spectrum = exp(gain + i filter phase) * STFT(pulses at the pitch)     harmonics
             + exp(level + i phase)                                      breath, bursts, the rest
    samples  = overlap-add of inverse STFT(spectrum)

Hann window of ``fft_size`` samples, four frames overlapping. numpy only; one utterance a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

PULSE_TAPS = 16
_PULSE_STEPS = 64
_PULSE_BAND = 0.97
"""Pulses are band-limited to this share of half the sample rate."""

_OVERLAP = 4
LEVEL_MAX, GAIN_MAX = 4.6, 5.5
"""Bounds of log magnitude and log gain: exp(4.6) is a full-scale sine in a 1024-sample window
over five; no frame of speech comes near. A garbled frame cannot blast the listener."""

_PITCH_REFERENCE_HZ = 100.0
_PITCH_MIN_HZ, _PITCH_MAX_HZ = 50.0, 500.0
_PHASE_START_CYCLES = 0.5 / (2 * np.pi)


@dataclass(frozen=True, slots=True)
class HarmonicFormat:
    """What the spectral parameters mean.

    Attributes:
        fft_size: window in samples, four times ``hop``.
        hop: samples for each frame.
        rate_hz: samples a second.
    """

    fft_size: int = 1024
    hop: int = 256
    rate_hz: int = 22050

    @property
    def bins(self) -> int:
        """Bins of a spectrum."""
        return self.fft_size // 2 + 1

    @property
    def filter_points(self) -> int:
        """Points of the harmonic filter."""
        return self.fft_size // 4 + 1

    @property
    def parameters(self) -> int:
        """Values a frame: levels, phases, filter gains, filter phases, log pitch."""
        return 2 * self.bins + 2 * self.filter_points + 1


class HarmonicSynthesis:
    """Turns frames of spectral parameters into samples as they come.

    Frame ``t`` is centred on sample ``t * hop + hop / 2``. Samples of a frame are complete five
    frames later: two for the overlap-add, two for the pulses under the last window, one for the
    taps of a pulse. State is carried, so that any split of the frames gives the same samples
    up to the rounding of float32 sums.

    Args:
        form: what the parameters mean.
    """

    lookahead = 5
    """Frames that must have come after a frame before its samples do."""

    def __init__(self, form: HarmonicFormat) -> None:
        self._form = form
        size, hop = form.fft_size, form.hop
        self._window = hann(size)
        # Four Hann windows squared sum to 1.5 everywhere.
        self._synthesis_window = self._window * np.float32(1 / 1.5)
        self._pad = (size - hop) // 2
        self._waiting = np.zeros((0, form.parameters), dtype=np.float32)
        self._pitch_hz = np.zeros(0)
        self._cycles = _PHASE_START_CYCLES
        # Excitation from the first sample under the next frame's window on.
        self._excitation = np.zeros(self._pad + PULSE_TAPS)
        self._excited_to = 0
        self._tail: Floats = np.zeros(size - hop, dtype=np.float32)
        self._to_drop = self._pad
        self._frames_in = 0
        self._frames_out = 0

    def push(self, parameters: Floats, *, last: bool = False) -> Floats:
        """Take frames, give the samples that are now complete.

        Args:
            parameters: ``float32 [frames, form.parameters]``.
            last: nothing comes after these; all samples come out.

        Returns:
            ``float32 [samples]``, a multiple of ``hop``.
        """
        form, hop = self._form, self._form.hop
        self._waiting = np.concatenate([self._waiting, parameters])
        self._frames_in += len(parameters)
        self._excite(parameters[:, -1].astype(np.float64), last=last)
        if last:
            ready = len(self._waiting)
        else:
            # Excitation is final except for the reach of a pulse that may still come.
            known = self._excited_to - PULSE_TAPS // 2
            ready = max(0, (known - (form.fft_size - self._pad)) // hop + 1 - self._frames_out)
            ready = min(ready, len(self._waiting))
        if not ready and not last:
            return np.zeros(0, dtype=np.float32)
        frames, self._waiting = self._waiting[:ready], self._waiting[ready:]
        self._frames_out += ready
        fresh = self._overlap_add(self._spectra(frames), flush=last)
        drop = min(self._to_drop, len(fresh))
        self._to_drop -= drop
        fresh = fresh[drop:]
        return fresh[: len(fresh) - self._pad] if last else fresh

    def _excite(self, log_pitch: npt.NDArray[np.float64], *, last: bool) -> None:
        """Lengthen the pulse train up to the newest frame's centre; to the very end if ``last``."""
        form, hop = self._form, self._form.hop
        bounds = np.log(np.array([_PITCH_MIN_HZ, _PITCH_MAX_HZ]) / _PITCH_REFERENCE_HZ)
        pitch = _PITCH_REFERENCE_HZ * np.exp(np.clip(np.nan_to_num(log_pitch), *bounds))
        # Knots of the pitch: frame centres; the last known one is carried over.
        first = self._frames_in - len(pitch)
        knots = np.arange(first, self._frames_in) * hop + hop // 2
        if len(self._pitch_hz):
            knots, pitch = (
                np.r_[knots[:1] - hop if len(knots) else self._excited_to, knots],
                np.r_[self._pitch_hz, pitch],
            )
        if not len(knots):
            return
        end = self._frames_in * hop + form.fft_size if last else int(knots[-1])
        times = np.arange(self._excited_to, end)
        self._pitch_hz = pitch[-1:]
        if not len(times):
            return
        steps = np.interp(times, knots, pitch) / form.rate_hz
        cycles = self._cycles + np.cumsum(steps)
        grown = np.zeros(len(self._excitation) + len(times))
        grown[: len(self._excitation)] = self._excitation
        offset = len(self._excitation) - PULSE_TAPS
        add_pulses(grown, np.r_[self._cycles, cycles], offset, form.fft_size)
        self._excitation, self._excited_to = grown, end
        self._cycles = float(cycles[-1])

    def _spectra(self, parameters: Floats) -> npt.NDArray[np.complex64]:
        """Spectra of frames; consumes their excitation. ``complex64 [frames, bins]``."""
        form = self._form
        bins, points, hop = form.bins, form.filter_points, form.hop
        count = len(parameters)
        splits = np.cumsum([bins, bins, points, points])
        level, phase, gain, bend, _ = np.split(parameters, splits, axis=1)
        spectrum = _polar(np.exp(np.minimum(level, LEVEL_MAX)), phase)
        if not count:
            return spectrum
        needed = self._excitation[: (count - 1) * hop + form.fft_size]
        windows = np.lib.stride_tricks.sliding_window_view(needed, form.fft_size)[::hop]
        pulses = np.fft.rfft(windows.astype(np.float32) * self._window, axis=1)
        self._excitation = self._excitation[count * hop :]
        harmonics = _polar(np.exp(np.minimum(_doubled(gain), GAIN_MAX)), _doubled(bend))
        spectrum[:, :-1] += harmonics * pulses[:, :-1].astype(np.complex64)
        return spectrum

    def _overlap_add(self, spectrum: npt.NDArray[np.complex64], *, flush: bool) -> Floats:
        hop, count = self._form.hop, len(spectrum)
        frames = np.fft.irfft(spectrum, n=self._form.fft_size, axis=1).astype(np.float32)
        frames *= self._synthesis_window
        total = np.zeros((count + _OVERLAP - 1, hop), dtype=np.float32)
        total[: _OVERLAP - 1] = self._tail.reshape(_OVERLAP - 1, hop)
        for part in range(_OVERLAP):
            total[part : part + count] += frames[:, part * hop : (part + 1) * hop]
        self._tail = total[count:].reshape(-1)
        return (total if flush else total[:count]).reshape(-1)


def hann(size: int) -> Floats:
    """Periodic Hann window."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size), dtype=np.float32)


def add_pulses(
    into: npt.NDArray[np.float64], cycles: npt.NDArray[np.float64], offset: int, window: int = 1024
) -> None:
    """Add a band-limited pulse wherever a phase passes a whole cycle.

    A pulse is as high as its period over half the window, so that a harmonic's peak in the
    window's spectrum is 1 whatever the pitch.

    Args:
        into: samples, changed in place.
        cycles: rising phase in cycles; ``cycles[0]`` belongs to the sample before ``offset``.
        offset: index in ``into`` of the sample of ``cycles[1]``.
        window: window in samples.
    """
    whole = np.floor(cycles)
    at = np.flatnonzero(whole[1:] > whole[:-1]) + 1
    if not len(at):
        return
    step = np.maximum(cycles[at] - cycles[at - 1], 1e-9)
    place = at - 1 + offset - (cycles[at] - whole[at]) / step
    base = np.floor(place).astype(int)
    fraction = np.rint((place - base) * _PULSE_STEPS).astype(int)
    taps = _PULSES[fraction] / (np.maximum(step, 1e-3) * (window / 2))[:, None]
    indices = base[:, None] + _PULSE_OFFSETS
    inside = (indices >= 0) & (indices < len(into))
    np.add.at(into, indices[inside], taps[inside])


_PULSE_OFFSETS = np.arange(PULSE_TAPS) - PULSE_TAPS // 2 + 1


def _pulse_table() -> npt.NDArray[np.float64]:
    """Windowed sinc for every 64th of a sample."""
    t = _PULSE_OFFSETS[None, :] - np.arange(_PULSE_STEPS + 1)[:, None] / _PULSE_STEPS
    fade = 0.5 + 0.5 * np.cos(np.pi * np.clip(t / (PULSE_TAPS / 2), -1, 1))
    return np.asarray(_PULSE_BAND * np.sinc(_PULSE_BAND * t) * fade)


_PULSES = _pulse_table()


def _polar(magnitude: Floats, phase: Floats) -> npt.NDArray[np.complex64]:
    spectrum = np.empty(magnitude.shape, dtype=np.complex64)
    np.multiply(magnitude, np.cos(phase), out=spectrum.real)
    np.multiply(magnitude, np.sin(phase), out=spectrum.imag)
    return spectrum


def _doubled(points: Floats) -> Floats:
    """Every second bin to all but the last bin, by straight lines."""
    out = np.empty((len(points), 2 * points.shape[1] - 2), dtype=np.float32)
    out[:, ::2] = points[:, :-1]
    out[:, 1::2] = 0.5 * (points[:, :-1] + points[:, 1:])
    return out
