"""The things that flow through the house: frames in, utterances through, samples out.

Frozen, small and without behaviour beyond their own arithmetic, so that they may cross a
thread or a process boundary. ``Document`` has its own room (``voxedge.document``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatSamples = npt.NDArray[np.float32]
    Pixels = npt.NDArray[np.uint8]


class VoiceKind(Enum):
    """Which kind of voice an utterance asks for."""

    NATURAL = "natural"
    """The neural voice: reading, answers."""
    LIGHT = "light"
    """The same voice by its lightest networks: for a device that is hot or busy. Where it has none,
    the natural one."""
    FORMANT = "formant"
    """espeak-ng: single letters, spelling, very fast rates, and every failure of the other."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture.

    Attributes:
        pixels: ``uint8`` array, ``[height, width]`` grey or ``[height, width, 3]`` RGB, already
            turned the way its EXIF orientation asks.
        source: a name for messages ("leaflet.jpg", "camera 0"); never shown in logs with text.
    """

    pixels: Pixels
    source: str = ""

    @property
    def height_px(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width_px(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])


@dataclass(frozen=True, slots=True)
class Utterance:
    """What an engine is asked to say in one breath: a clause or a sentence.

    Attributes:
        text: speakable text, already normalised (``voxedge.text``): no digits or signs whose
            reading is left to the engine to guess.
        language: BCP 47 tag ("en", "en-US", "cmn").
        kind: natural or formant voice.
        rate: 1.0 is the voice's own speed; 0.5 to 3.0.
        pause_after_ms: silence that follows; the text room's punctuation table decides.
        seed: draws of the engine's noise; equal seeds give equal samples.
    """

    text: str
    language: str = "en"
    kind: VoiceKind = VoiceKind.NATURAL
    rate: float = 1.0
    pause_after_ms: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class PcmChunk:
    """A run of mono samples on its way to the loudspeaker.

    Attributes:
        samples: ``float32`` ``[n]`` in [-1, 1], mono.
        rate_hz: samples a second.
        last: true on the final chunk of an utterance.
        stand_in: another voice than the one that was asked for made it, because that one failed
            or the device cannot afford it now: heard, but not kept under that one's name.
    """

    samples: FloatSamples
    rate_hz: int
    last: bool = False
    stand_in: bool = False

    @property
    def duration_ms(self) -> float:
        """Length in milliseconds."""
        return 1000.0 * len(self.samples) / self.rate_hz
