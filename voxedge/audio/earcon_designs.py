"""The designed sounds of the reader, by additive synthesis.

Made for ears that have grown old: everything that tells one sound from another (the pitch contour,
the number of notes, the rhythm) lies below 2 kHz, where age-related hearing loss is small, and
no two sounds share both contour and rhythm. Rising means well, falling means not, level means
neither (Blattner, Sumikawa & Greenberg, "Earcons and icons: their structure and common design
principles", Human-Computer Interaction 4, 1989; Brewster, Wright & Edwards, "Experimentally derived
guidelines for the creation of earcons", 1995: differ in rhythm and number of notes first, in
timbre second, never in loudness alone).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from voxedge.flow import FloatSamples

PEAK_DBFS = -9.0
"""Heard beside speech that peaks at -3, never startling."""

_ATTACK_MS = 6.0
_RELEASE_MS = 12.0
"""Raised-cosine edges: shorter ones click, longer ones blur the rhythm."""


class Timbre(Enum):
    """Partials: (multiple of the fundamental, level)."""

    BELL = ((1.0, 1.0), (2.0, 0.35), (3.0, 0.12), (4.2, 0.05))
    SOFT = ((1.0, 1.0), (2.0, 0.08))
    REED = ((1.0, 1.0), (2.0, 0.55), (3.0, 0.45), (4.0, 0.2), (5.0, 0.15))
    CLACK = ((1.0, 1.0), (1.48, 0.8), (2.13, 0.7), (2.87, 0.5), (3.71, 0.3))
    """Inharmonic: heard as a knock without a pitch."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note.

    Attributes:
        start_hz: fundamental at its beginning.
        length_ms: how long it sounds.
        end_hz: fundamental at its end, reached evenly in octaves; 0 for a steady note.
        gap_ms: silence after it.
        decay: how far it dies away, in nepers over its length; 0 holds.
    """

    start_hz: float
    length_ms: float
    end_hz: float = 0.0
    gap_ms: float = 0.0
    decay: float = 2.5


@dataclass(frozen=True, slots=True)
class Design:
    """A sound.

    Attributes:
        meaning: when it is heard, for the documentation and the spoken tutorial.
        timbre: of all its notes.
        notes: in order.
    """

    meaning: str
    timbre: Timbre
    notes: tuple[Note, ...]

    @property
    def length_ms(self) -> float:
        """Length of the whole, without a gap after the last note."""
        return sum(n.length_ms + n.gap_ms for n in self.notes) - self.notes[-1].gap_ms


DESIGNS: Mapping[str, Design] = {
    "ready": Design(
        "The reader is awake and listens to its buttons.",
        Timbre.BELL,
        (Note(523.3, 80, gap_ms=10), Note(659.3, 80, gap_ms=10), Note(1046.5, 200)),
    ),
    "shutter": Design(
        "The picture is taken; the page may be moved.",
        Timbre.CLACK,
        (Note(620.0, 45, gap_ms=35, decay=5.0), Note(380.0, 70, decay=5.0)),
    ),
    "working": Design(
        "Something takes a while; repeated every two seconds until it is done.",
        Timbre.SOFT,
        (
            Note(392.0, 50, gap_ms=60),
            Note(392.0, 50, gap_ms=60),
            Note(392.0, 50),
        ),
    ),
    "done": Design(
        "What was asked for is done: saved, deleted, found.",
        Timbre.BELL,
        (Note(784.0, 70, gap_ms=60), Note(1174.7, 200)),
    ),
    "error": Design(
        "That failed; a sentence follows.",
        Timbre.REED,
        (Note(440.0, 150, gap_ms=40, decay=1.0), Note(311.1, 210, decay=1.0)),
    ),
    "limit": Design(
        "There is no further to go: first or last sentence, loudest, fastest.",
        Timbre.SOFT,
        (Note(494.0, 170, end_hz=247.0, decay=2.0),),
    ),
    "key_press": Design(
        "The press was felt.",
        Timbre.SOFT,
        (Note(880.0, 80, decay=6.0),),
    ),
    "listen": Design(
        "The reader listens to your voice now.",
        Timbre.REED,
        (Note(440.0, 220, end_hz=1046.5, decay=0.3),),
    ),
    "listened": Design(
        "The reader no longer listens.",
        Timbre.REED,
        (Note(880.0, 90, end_hz=440.0, decay=0.5),),
    ),
    "volume": Design(
        "This is how loud speech is now; played after each step of the volume.",
        Timbre.BELL,
        (Note(587.3, 130, gap_ms=20, decay=0.5), Note(587.3, 130, decay=0.5)),
    ),
    "guide_far": Design(
        "The page does not lie right yet.",
        Timbre.SOFT,
        (Note(294.0, 240, decay=1.5),),
    ),
    "guide_near": Design(
        "Nearly: only still, sharp or free of glare is missing.",
        Timbre.SOFT,
        (Note(523.3, 60, gap_ms=30, decay=4.0), Note(523.3, 60, decay=4.0)),
    ),
    "guide_steady": Design(
        "All of the page is seen: hold it so.",
        Timbre.BELL,
        (Note(659.3, 50, gap_ms=15), Note(784.0, 50, gap_ms=15), Note(987.8, 90)),
    ),
}
"""Name to sound."""


def render(design: Design, rate_hz: int) -> FloatSamples:
    """Return the sound.

    Args:
        design: what to render.
        rate_hz: samples a second; partials above 0.45 of it are left out.

    Returns:
        ``float32`` ``[n]``, 80 to 400 ms, peak at -9 dBFS, first and last sample zero.
    """
    parts = []
    for note in design.notes:
        parts += [_note(note, design.timbre, rate_hz), np.zeros(_frames(note.gap_ms, rate_hz))]
    sound = np.concatenate(parts[:-1])
    peak = 10.0 ** (PEAK_DBFS / 20.0)
    scaled: FloatSamples = (sound * (peak / np.max(np.abs(sound)))).astype(np.float32)
    return scaled


def _note(note: Note, timbre: Timbre, rate_hz: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    count = _frames(note.length_ms, rate_hz)
    progress = np.arange(count) / max(count - 1, 1)
    end_hz = note.end_hz or note.start_hz
    frequency_hz = note.start_hz * (end_hz / note.start_hz) ** progress
    turns = 2.0 * np.pi * np.cumsum(frequency_hz) / rate_hz
    highest_hz = max(note.start_hz, end_hz)
    sound = np.zeros(count)
    for multiple, level in timbre.value:
        if multiple * highest_hz < 0.45 * rate_hz:
            # Higher partials die away sooner, as they do on anything that is struck.
            sound += (
                level * np.sin(multiple * turns) * np.exp(-note.decay * multiple**0.5 * progress)
            )
    return sound * _edges(count, rate_hz)


def _edges(count: int, rate_hz: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    envelope = np.ones(count)
    for length_ms, edge in ((_ATTACK_MS, slice(None)), (_RELEASE_MS, slice(None, None, -1))):
        frames = min(_frames(length_ms, rate_hz), count // 2)
        envelope[edge][:frames] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(frames) / frames)
    return envelope


def _frames(length_ms: float, rate_hz: int) -> int:
    return round(length_ms * rate_hz / 1000.0)
