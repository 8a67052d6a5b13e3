"""What the audio callback does, without any sound card: two tracks, a volume, a limiter.

``Mixer.render`` is the whole of the callback's work. It takes no lock, waits for nothing and
allocates little, because it runs on PortAudio's real-time thread under the interpreter's lock.
Every sink that plays in time (PortAudio, paced file, fake) calls this one function, so what the
tests measure is what the loudspeaker gets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voxedge.audio.fades import FADE_MS, frames_of
from voxedge.audio.limiter import limit
from voxedge.audio.track import Track

if TYPE_CHECKING:
    from voxedge.flow import FloatSamples

VOLUME_MAX = 4.0
"""+12 dB; the limiter keeps it from clipping."""

VOLUME_RAMP_MS = 30.0
"""From silence to full volume; a jump of the gain is a click."""

EARCON_RING_MS = 2000.0


class Played(NamedTuple):
    """A point that ties the count of frames to the clock.

    Attributes:
        frames: speech frames handed to the device so far, in the count of ``Track.written``.
        due_s: when the last of them has left the device, on the clock given to ``render``.
    """

    frames: int
    due_s: float


class Mixer:
    """Speech and earcons to one mono signal.

    Args:
        rate_hz: samples a second of everything that goes in and out.
        ring_ms: how much speech may wait in the ring.
        volume: 0 (mute) to 4 (+12 dB).
    """

    def __init__(self, rate_hz: int, ring_ms: float, volume: float = 1.0) -> None:
        fade = frames_of(FADE_MS, rate_hz)
        self.rate_hz = rate_hz
        self.speech = Track(frames_of(ring_ms, rate_hz), fade)
        self.earcons = Track(frames_of(EARCON_RING_MS, rate_hz), fade)
        self.rendered = 0
        """Frames given to the device so far, silence included: the pulse of the callback."""
        self.played = Played(0, 0.0)
        self._ramp_step = 1.0 / frames_of(VOLUME_RAMP_MS, rate_hz)
        self._gain = self._volume = _checked_volume(volume)

    @property
    def volume(self) -> float:
        """The gain that is set; the callback moves towards it along a ramp."""
        return self._volume

    @volume.setter
    def volume(self, volume: float) -> None:
        self._volume = _checked_volume(volume)

    def render(self, out: FloatSamples, due_s: float) -> None:
        """Fill ``out`` with what comes next. The callback's thread only.

        Args:
            out: ``float32`` ``[n]``, overwritten.
            due_s: when its first frame leaves the device.
        """
        out.fill(0.0)
        spoken = self.speech.add_to(out)
        if spoken:
            self.played = Played(self.speech.read, due_s + spoken / self.rate_hz)
        sounded = max(spoken, self.earcons.add_to(out))
        self.rendered += len(out)
        if sounded:
            self._apply_volume(out)
            limit(out)
        else:
            self._gain = self._volume

    def _apply_volume(self, out: FloatSamples) -> None:
        target = self._volume
        gap = target - self._gain
        if gap:
            reach = len(out) * self._ramp_step
            end = target if abs(gap) <= reach else self._gain + np.copysign(reach, gap)
            out *= np.linspace(self._gain, end, len(out) + 1, dtype=np.float32)[1:]
            self._gain = end
        elif self._gain != 1.0:
            out *= np.float32(self._gain)


def _checked_volume(volume: float) -> float:
    if not 0.0 <= volume <= VOLUME_MAX:
        raise ValueError(f"volume {volume} is not between 0 and {VOLUME_MAX}")
    return volume
