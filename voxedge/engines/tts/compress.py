"""Faster speech by joining shorter pieces of the waveform: WSOLA.

Verhelst and Roelands, "An overlap-add technique based on waveform similarity (WSOLA) for high
quality time-scale modification of speech", ICASSP 1993. Windows of half-overlapping pieces are
laid down at even steps and taken from the input at wider ones, each moved by up to 8 ms to where
it continues the piece before it best. Works on a stream; how that was chunked makes no difference.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

WINDOW_MS, SEARCH_MS = 24.0, 8.0
"""Two pitch periods of a low voice, and half of one each way."""


class TimeCompressor:
    """Shortens one run of speech.

    Args:
        speed: how many times faster; at least 1.
        rate_hz: samples a second.
    """

    def __init__(self, speed: float, rate_hz: int) -> None:
        self._step = int(rate_hz * WINDOW_MS / 2000)
        self._window = np.hanning(2 * self._step + 1)[:-1].astype(np.float32)
        self._search = int(rate_hz * SEARCH_MS / 1000)
        self._speed = speed
        # Input from ``_begin`` on; the search may look this far before the first sample.
        self._input = np.zeros(self._search, dtype=np.float32)
        self._begin = -self._search
        self._received = 0
        self._pieces = 0
        self._sent = 0
        self._overlap = np.zeros(self._step, dtype=np.float32)
        self._expected: Floats | None = None

    def push(self, samples: Floats, last: bool = False) -> Floats:
        """Give more input, get what output is ready.

        Args:
            samples: ``float32 [n]``.
            last: whether this was all; then the rest comes out.

        Returns:
            ``float32 [m]``; may be empty.
        """
        self._received += len(samples)
        reach = 2 * self._step + self._search
        tail = np.zeros(reach + self._step if last else 0, dtype=np.float32)
        self._input = np.concatenate([self._input, samples, tail])
        available = self._begin + len(self._input)
        ready: list[Floats] = []
        while True:
            # Where the next piece would lie if pieces could not be moved.
            place = round(self._pieces * self._step * self._speed)
            if place >= self._received or place + reach + self._step > available:
                break
            ready.append(self._piece(place))
        output = np.concatenate(ready) if ready else np.zeros(0, dtype=np.float32)
        if last:
            output = np.concatenate([output, self._overlap])
            output = output[: max(0, round(self._received / self._speed) - self._sent)]
        self._sent += len(output)
        return output

    def _piece(self, place: int) -> Floats:
        """Lay down the piece around ``place``; returns the step of output it completes."""
        length = 2 * self._step
        first = place - self._search - self._begin
        around = self._input[first : first + length + 2 * self._search]
        moved = self._search
        if self._expected is not None:
            likeness = np.correlate(around, self._expected, "valid")
            squares = np.concatenate([[0.0], np.cumsum(around.astype(np.float64) ** 2)])
            energy = squares[length:] - squares[:-length]
            moved = int(np.argmax(likeness / np.sqrt(energy + 1e-6)))
        piece = around[moved : moved + length] * self._window
        done = self._overlap + piece[: self._step]
        if self._expected is None:
            done = around[moved : moved + self._step].copy()  # nothing before to fade from
        self._overlap = piece[self._step :]
        follows = first + moved + self._step
        self._expected = self._input[follows : follows + length]
        self._pieces += 1
        self._forget(round(self._pieces * self._step * self._speed) - self._search)
        return done

    def _forget(self, before: int) -> None:
        """Drop input that no later piece can reach."""
        drop = min(before - self._begin, len(self._input))
        if drop > 0:
            self._input = self._input[drop:]
            self._begin += drop
