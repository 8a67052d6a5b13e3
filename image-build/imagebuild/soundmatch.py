"""Did the guest say the same as this machine? Two recordings of one reader, compared.

A slow guest pauses where the voice is not ready yet, so silence is taken out of both first, and so
are the reader's sounds: it taps every two seconds for as long as a page takes. What is left must be
as long, and its log-mel spectrum must follow the other's along the best path (dynamic time
warping): the INT8 networks do not sound the same to the sample on another processor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxedge.audio.earcon_designs import DESIGNS, render

Floats = NDArray[np.float64]

RATE_HZ = 22_050
_WINDOW = 1024
_HOP = 256
_BANDS = 40
_SILENCE_DB = -45.0
"""Relative to full scale, of a frame's RMS."""

_EARCON_LIKE = 0.9
"""Normalised correlation; 1 is the same but for loudness. Speech comes to 0.5 at most."""

LENGTH_TOLERANCE = 0.08
DISTANCE_MAX_DB = 2.0
"""Measured with the natural voice: the same sentence 4 % faster, or in pieces, is 1.1 dB away; one
in which three words differ is 3.5 dB away, another one 5 dB."""


@dataclass(frozen=True, slots=True)
class Match:
    """How alike two recordings are.

    Attributes:
        length_ratio: of the speech, without silence; 1 is equally long.
        distance_db: mean difference of the log-mel spectra along the best path.
    """

    length_ratio: float
    distance_db: float

    @property
    def same(self) -> bool:
        """Whether it is the same speech."""
        close = abs(self.length_ratio - 1) <= LENGTH_TOLERANCE
        return close and self.distance_db <= DISTANCE_MAX_DB


def samples(body: bytes) -> Floats:
    """Return samples in [-1, 1] of 16 bits each, as they stand behind a WAV file's header."""
    return np.frombuffer(body[: len(body) // 2 * 2], dtype="<i2").astype(np.float64) / 32768


def speech_only(sound: Floats) -> Floats:
    """Return the recording with every earcon made silent, found by its very samples."""
    quiet = sound.copy()
    for design in DESIGNS.values():
        earcon = render(design, RATE_HZ).astype(np.float64)
        if len(sound) < len(earcon):
            continue
        size = 1 << (len(sound) + len(earcon)).bit_length()
        spectrum = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(earcon, size))
        alike = np.fft.irfft(spectrum, size)[: len(sound) - len(earcon) + 1]
        total = np.concatenate(([0.0], np.cumsum(sound**2)))
        energy = total[len(earcon) :] - total[: -len(earcon)]
        norm = np.sqrt(np.maximum(energy, 1e-9) * np.sum(earcon**2))
        for start in np.flatnonzero(alike > _EARCON_LIKE * norm):
            quiet[start : start + len(earcon)] = 0.0
    return quiet


def compare(ours: Floats, theirs: Floats) -> Match:
    """Compare two recordings of speech at ``RATE_HZ``."""
    first, second = log_mel(speech_only(ours)), log_mel(speech_only(theirs))
    if not len(first) or not len(second):
        return Match(0.0, float("inf"))
    return Match(len(second) / len(first), _warped_distance(first, second))


_CANDIDATES = 12
"""Places of a recording that are compared in full; the others differ more, frame by frame."""


def find(sentence: Floats, tape: Floats) -> Match:
    """Look for a sentence in a longer recording; return the best match that it has there."""
    wanted, energy = log_mel(speech_only(sentence)), _mel_energy(speech_only(tape))
    if not len(wanted) or len(energy) < len(wanted):
        return Match(0.0, float("inf"))
    size, heard = len(wanted), _shape(energy)
    starts = range(len(heard) - size + 1)
    rough = np.array([np.abs(heard[start : start + size] - wanted).mean() for start in starts])
    # Where it fits better than a frame to either side: the nearest of all would be a dozen
    # neighbours of one place, which may be the wrong one ("I have been updated." is a second long).
    around = np.concatenate(([np.inf], rough, [np.inf]))
    places = np.flatnonzero((rough <= around[:-2]) & (rough <= around[2:]))
    nearest = places[np.argsort(rough[places])[:_CANDIDATES]]
    # Each place by its own loudest frame: of a whole tape that may be an earcon.
    near = [_shape(energy[place : place + size]) for place in nearest]
    return Match(1.0, min(_warped_distance(wanted, window) for window in near))


def log_mel(samples: Floats) -> Floats:
    """Return the log-mel spectrum in dB of the frames that are not silent, ``[frames, 40]``."""
    return _shape(_mel_energy(samples))


def _mel_energy(samples: Floats) -> Floats:
    if len(samples) < _WINDOW:
        return np.zeros((0, _BANDS))
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    level_db = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    frames = frames[level_db > _SILENCE_DB]
    power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1)) ** 2
    energy: Floats = power @ _filters().T
    return energy


def _shape(energy: Floats) -> Floats:
    # What is 50 dB below the loudest is noise of one kind or another.
    bands = 10 * np.log10(np.maximum(energy, energy.max(initial=1e-9) * 1e-5))
    # Loudness is the mixer's affair: only the shape is compared.
    shape: Floats = bands - bands.mean(axis=1, keepdims=True) if len(bands) else bands
    return shape


def _filters() -> Floats:
    """Triangles, equally wide in mel (O'Shaughnessy 1987), ``[40, bins]``."""
    top = 2595 * np.log10(1 + RATE_HZ / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, _BANDS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(_WINDOW, 1 / RATE_HZ)
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rise, fall))


def _warped_distance(first: Floats, second: Floats) -> float:
    """Mean absolute difference in dB along the best path (Sakoe and Chiba 1978)."""
    cost = np.abs(first[:, None, :] - second[None, :, :]).mean(axis=2)
    total = np.full((len(first) + 1, len(second) + 1), np.inf)
    steps = np.zeros_like(total)
    total[0, 0] = 0
    for i in range(1, len(first) + 1):
        for j in range(1, len(second) + 1):
            choices = ((i - 1, j - 1), (i - 1, j), (i, j - 1))
            best = min(choices, key=lambda place: total[place])
            total[i, j] = total[best] + cost[i - 1, j - 1]
            steps[i, j] = steps[best] + 1
    return float(total[-1, -1] / steps[-1, -1])
