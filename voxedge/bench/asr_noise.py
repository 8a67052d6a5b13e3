"""Noise for the hearing's measurements, made by rule: the same seed gives the same samples.

- **white**: equal power at every frequency, the standard hard case for cepstra.
- **babble**: six voices at once, each saying sentences of ``asr_talk``, equally loud.
- **kitchen**: what a kitchen does while somebody reads a label in it, each part from a physical
  model in its simplest form: the hum of a refrigerator (50 Hz and its harmonics), an extractor fan
  (noise falling by 6 dB an octave), a running tap (noise above 1 kHz, swelling slowly), and knocks:
  crockery and cutlery (4 to 8 damped partials between 0.8 and 7 kHz, 20 to 250 ms), a knife on a
  board (bursts at 3 a second) and cupboard doors (damped partials between 60 and 300 Hz). Knocks
  come by a Poisson process, one in 0.8 s.

The ratio of signal to noise is that of the mean powers of the speech's sounding parts and of the
noise over the whole clip.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from voxedge.engines.asr.protocol import RATE_HZ

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatSamples = npt.NDArray[np.float32]
    Int16Samples = npt.NDArray[np.int16]

CLEAN_DB = 45.0
"""What "clean" means: a quiet room and a good microphone; none gives digital silence."""

EDGE_S = 0.4
"""Of noise before and after a clip."""

LOUDEST_DBFS, SOFTEST_DBFS = -4.0, -20.0
"""Peaks of what a microphone gives with gain control, by distance and voice."""

Noise = Callable[[int, np.random.Generator], "FloatSamples"]


def white(length: int, random: np.random.Generator) -> FloatSamples:
    """Return ``float32`` ``[length]`` of equal power everywhere."""
    return random.standard_normal(length).astype(np.float32)


def shaped(length: int, random: np.random.Generator, low_hz: float, slope: float) -> FloatSamples:
    """Return noise above ``low_hz`` that falls by ``6 * slope`` dB an octave."""
    spectrum = np.fft.rfft(random.standard_normal(length))
    hz = np.fft.rfftfreq(length, 1.0 / RATE_HZ)
    gain = np.where(hz >= low_hz, (np.maximum(hz, 20.0) / 1000.0) ** -slope, 0.0)
    noise = np.fft.irfft(spectrum * gain, length)
    return np.asarray(noise / (np.std(noise) + 1e-9), dtype=np.float32)


def kitchen(length: int, random: np.random.Generator) -> FloatSamples:
    """Return ``float32`` ``[length]`` of a kitchen at work."""
    seconds = np.arange(length) / RATE_HZ
    hum = np.zeros(length)
    for harmonic in range(1, 9):
        phase = random.uniform(0, 2 * np.pi)
        hum += np.sin(2 * np.pi * 50 * harmonic * seconds + phase) / harmonic
    swell = 0.5 + 0.5 * np.sin(
        2 * np.pi * random.uniform(0.05, 0.3) * seconds + 3 * random.random()
    )
    sound = 0.25 * hum * random.random() + 0.35 * shaped(length, random, 30.0, 1.0)
    sound += 0.35 * random.random() * swell * shaped(length, random, 1000.0, 0.2)
    for start in np.flatnonzero(random.random(length) < 1.0 / (0.8 * RATE_HZ)):
        knock = _knock(random)[: length - start]
        sound[start : start + len(knock)] += knock
    if random.random() < 0.25:
        for beat in np.arange(random.uniform(0, 0.3), length / RATE_HZ, 1 / random.uniform(2.5, 4)):
            chop = 1.5 * _partials(random, 4, 200.0, 2500.0, 0.025)
            place = int(beat * RATE_HZ)
            sound[place : place + len(chop)] += chop[: length - place]
    return sound.astype(np.float32)


def _knock(random: np.random.Generator) -> FloatSamples:
    loud = random.uniform(0.8, 6.0)
    if random.random() < 0.2:
        return loud * _partials(random, 5, 60.0, 300.0, random.uniform(0.03, 0.1))
    partials = int(random.integers(4, 9))
    return loud * _partials(random, partials, 800.0, 7000.0, random.uniform(0.01, 0.12))


def _partials(
    random: np.random.Generator, count: int, low_hz: float, high_hz: float, decay_s: float
) -> FloatSamples:
    seconds = np.arange(int(5 * decay_s * RATE_HZ)) / RATE_HZ
    sound = np.zeros(len(seconds))
    for _ in range(count):
        hz = low_hz * (high_hz / low_hz) ** random.random()
        fade = np.exp(-seconds / (decay_s * random.uniform(0.5, 1.5)))
        sound += random.random() * fade * np.sin(2 * np.pi * hz * seconds)
    return np.asarray(sound / (np.max(np.abs(sound)) + 1e-9), dtype=np.float32)


def babble_of(talk: FloatSamples, talkers: int = 6) -> Noise:
    """Return a noise of several people at once.

    Args:
        talk: ``float32`` ``[n]``, a minute or more of one voice after another.
        talkers: how many at once.
    """

    def babble(length: int, random: np.random.Generator) -> FloatSamples:
        sound = np.zeros(length, dtype=np.float32)
        for _ in range(talkers):
            start = int(random.integers(0, len(talk)))
            sound += np.take(talk, np.arange(start, start + length), mode="wrap")
        return sound

    return babble


def mixed(
    speech: FloatSamples,
    noise: Noise,
    snr_db: float,
    seed: int,
    edge_s: float = EDGE_S,
    after_s: float | None = None,
) -> Int16Samples:
    """Return speech in noise, with edges of noise alone, at a random level.

    Args:
        speech: ``float32`` ``[n]``, 16 kHz.
        noise: what else sounds.
        snr_db: ratio of the powers.
        seed: of noise and level.
        edge_s: of noise alone before the speech.
        after_s: likewise after it; None for as much as before.

    Returns:
        ``int16`` ``[n]``.
    """
    random = np.random.default_rng(seed)
    after_s = edge_s if after_s is None else after_s
    whole = np.pad(speech.astype(np.float64), [round(s * RATE_HZ) for s in (edge_s, after_s)])
    sound = noise(len(whole), random).astype(np.float64)
    sounding = speech[np.abs(speech) > 0.02 * float(np.max(np.abs(speech), initial=1e-6))]
    power = float(np.mean(np.square(sounding))) if len(sounding) else 1e-6
    sound *= np.sqrt(power / 10 ** (snr_db / 10) / (np.mean(np.square(sound)) + 1e-12))
    peak = 10 ** (random.uniform(SOFTEST_DBFS, LOUDEST_DBFS) / 20)
    both = whole + sound
    both *= peak / max(1e-9, float(np.max(np.abs(both))))
    return np.asarray(np.clip(np.rint(both * 32767), -32768, 32767), dtype=np.int16)
