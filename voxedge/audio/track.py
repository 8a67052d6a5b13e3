"""A bounded ring of samples between the event loop and the audio callback, with its own fader.

One side writes (the event loop), one side reads (the audio callback, on PortAudio's thread).
Each index has one writer, so the reading side takes no lock and never waits: ``_read`` and
``_phase`` belong to the callback, ``_written``, ``_discard_to`` and ``_paused`` to the control
side. A store to an attribute is atomic under the interpreter's lock.

**Stop is the callback's own doing.** The control side only says up to where the ring is the
past; the callback sees it at its next block, falls to silence along the fade curve and skips the
rest. To have samples to fade with at any moment, the gain is never higher than the ring can pay
for: with ``left`` frames behind the current one the phase of the fade is at most ``left``. So a
ring that runs dry fades out by itself (no click on an underrun), and so does the end of speech.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from voxedge.audio.fades import curve

if TYPE_CHECKING:
    from voxedge.flow import FloatSamples

STALE = -1
"""What ``push`` answers to audio of a generation that has been stopped."""


class Track:
    """One voice of the mixer.

    Args:
        capacity_frames: bound of the ring; ``push`` takes no more than fits.
        fade_frames: length of every fade.
    """

    def __init__(self, capacity_frames: int, fade_frames: int) -> None:
        if capacity_frames < 1 or fade_frames < 1:
            raise ValueError("a track needs at least one frame of ring and of fade")
        self._ring = np.zeros(capacity_frames, dtype=np.float32)
        self._curve = curve(fade_frames)
        self._fade_frames = fade_frames
        # Control side. Buttons call stop() from their own thread while the loop pushes.
        self._lock = threading.Lock()
        self._written = 0
        self._discard_to = 0
        self._generation = 0
        self._paused = False
        self._ended = True
        # Callback side.
        self._read = 0
        self._phase = 0
        self._dry = True
        self.starved = 0
        """Times the ring ran dry before the end of an utterance was written."""

    @property
    def generation(self) -> int:
        """Counts stops; audio carries the one it was made for."""
        return self._generation

    @property
    def written(self) -> int:
        """Frames taken so far, all generations together."""
        return self._written

    @property
    def read(self) -> int:
        """Frames handed on or discarded so far, in the same count as ``written``."""
        return self._read

    @property
    def paused(self) -> bool:
        """Whether the track holds still."""
        return self._paused

    @property
    def free(self) -> int:
        """Frames that fit now."""
        return len(self._ring) - (self._written - self._read)

    def push(self, samples: FloatSamples, generation: int, *, last: bool = False) -> int:
        """Take what fits. Any thread of the control side.

        Args:
            samples: ``float32`` ``[n]``.
            generation: the one these samples were made for.
            last: nothing follows soon: running dry after these samples is no underrun. It counts
                only if all of them were taken.

        Returns:
            How many frames were taken, or ``STALE`` when a stop came first: drop the rest.
        """
        with self._lock:
            if generation != self._generation:
                return STALE
            count = min(len(samples), self.free)
            start = self._written % len(self._ring)
            head = min(count, len(self._ring) - start)
            self._ring[start : start + head] = samples[:head]
            self._ring[: count - head] = samples[head:count]
            # The flag first: the callback must not see new frames under the old flag.
            self._ended = last and count == len(samples)
            self._written += count
            return count

    def stop(self) -> int:
        """Make everything written so far the past. Any thread; takes effect in the callback.

        Returns:
            The new generation.
        """
        with self._lock:
            self._generation += 1
            self._ended = True
            self._discard_to = self._written
            # Last: the callback must never see the pause lifted without the discard.
            self._paused = False
            return self._generation

    def abandon(self) -> int:
        """Like ``stop``, when no callback runs any more: there is nobody to fade for.

        Returns:
            The new generation.
        """
        generation = self.stop()
        self._read = self._discard_to
        self._phase = 0
        self._dry = True
        return generation

    def pause(self) -> None:
        """Fall silent with a fade and hold the position."""
        self._paused = True

    def resume(self) -> None:
        """Go on with a fade from where ``pause`` held."""
        self._paused = False

    def add_to(self, out: FloatSamples) -> int:
        """Mix the next frames into ``out``, in place. The callback's thread only.

        Returns:
            How many frames of ``out`` lie up to and including the last one taken from the ring.
        """
        total = len(out)
        done = 0
        while done < total:
            room = total - done
            discard_to = self._discard_to
            if self._read < discard_to:
                done += self._fall(out[done:])
                if self._phase == 0:
                    self._read = discard_to
                    self._dry = True
                continue
            if self._paused:
                done += self._fall(out[done:])
                if self._phase == 0:
                    return done
                continue
            available = self._written - self._read
            if available == 0:
                if not self._dry and not self._ended:
                    self.starved += 1
                self._dry = True
                return done
            self._dry = False
            count = min(room, available)
            ahead = np.arange(count)
            phases = np.minimum(self._phase + 1 + ahead, self._fade_frames)
            np.minimum(phases, available - 1 - ahead, out=phases)
            self._mix(out[done : done + count], phases)
            done += count
        return done

    def _fall(self, out: FloatSamples) -> int:
        """Go down the fade as far as ``out`` reaches."""
        count = min(len(out), self._phase)
        if count:
            self._mix(out[:count], self._phase - 1 - np.arange(count))
        return count

    def _mix(self, out: FloatSamples, phases: np.ndarray[tuple[int], np.dtype[np.intp]]) -> None:
        count = len(out)
        start = self._read % len(self._ring)
        head = min(count, len(self._ring) - start)
        gains = self._curve[phases]
        out[:head] += self._ring[start : start + head] * gains[:head]
        out[head:] += self._ring[: count - head] * gains[head:]
        self._phase = int(phases[-1])
        self._read += count
