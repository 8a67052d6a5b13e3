"""Where the speech of one utterance lies, by loudness alone; pure.

The endpointer before the recogniser decides what is speech at all. This one tells a recogniser
early that the speaker may be done, so that it decodes in the pause instead of after it, and which
part to decode. Noise floor and speech level are followed within the utterance; the level that
parts them lies a third of the way up, in decibels. Where speech stands less than
``LEAST_RANGE_DB`` above the noise nothing is told, and the endpointer's own silence ends the
utterance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Int16Samples = npt.NDArray[np.int16]

FRAME = 160
"""Samples of one level: 10 ms at 16 kHz."""

FRAME_MS = 10
LEAST_RANGE_DB = 9.0
SHARE = 0.45
"""Of the range between noise and speech, in decibels: above it is what is decoded, with an edge."""

SOFT_SHARE = 0.25
"""Likewise: above it somebody may still be speaking; "off" is soft after "power"."""

LOUD_SHARE = 0.4
"""Likewise, for what a decoding has to explain: a soft beginning or end is no evidence."""

SPEECH_PERCENTILE = 95
NOISE_PERCENTILE = 8
SMOOTH = 3
"""Frames that are taken together: a knock of 10 ms is no speech."""


class Pause:
    """Follows one utterance. Not thread-safe."""

    def __init__(self) -> None:
        self._rest: Int16Samples = np.zeros(0, dtype=np.int16)
        self._levels_db: list[float] = []

    def hear(self, samples: Int16Samples) -> int:
        """Take ``int16`` ``[n]``; return the milliseconds since the last speech, 0 if unsure."""
        sound = np.concatenate([self._rest, samples])
        frames = len(sound) // FRAME
        self._rest = sound[frames * FRAME :]
        blocks = sound[: frames * FRAME].astype(np.float64).reshape(frames, FRAME)
        self._levels_db += (10.0 * np.log10(np.mean(np.square(blocks), axis=1) + 1.0)).tolist()
        return self.since(SOFT_SHARE)

    def since(self, share: float) -> int:
        """Return the milliseconds since the last speech above ``share``, 0 if unsure."""
        found = self.speech(share)
        return FRAME_MS * (len(self._levels_db) - found[1]) if found else 0

    def speech(self, share: float = SHARE) -> tuple[int, int] | None:
        """Return the frames ``[first, end)`` from the first speech to the last; None if unsure."""
        if len(self._levels_db) < 2 * SMOOTH:
            return None
        padded = np.pad(self._levels_db, SMOOTH // 2, mode="edge")
        levels = np.convolve(padded, np.full(SMOOTH, 1.0 / SMOOTH), "valid")
        low, high = np.percentile(levels, (NOISE_PERCENTILE, SPEECH_PERCENTILE))
        if high - low < LEAST_RANGE_DB:
            return None
        loud = np.flatnonzero(levels > low + share * (high - low))
        return int(loud[0]), int(loud[-1]) + 1

    def loud(self, first: int, end: int) -> list[bool]:
        """Return for each frame of a part whether it is speech by its level within that part."""
        levels = np.asarray(self._levels_db[first:end])
        if not len(levels):
            return []
        low, high = np.percentile(levels, (NOISE_PERCENTILE, SPEECH_PERCENTILE))
        return [bool(level > low + LOUD_SHARE * (high - low)) for level in levels]

    def reset(self) -> None:
        """Forget the utterance."""
        self._rest = np.zeros(0, dtype=np.int16)
        self._levels_db.clear()
