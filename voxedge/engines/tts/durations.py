"""From predicted durations to frames: how fast the voice speaks. Pure arithmetic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_BISECTIONS = 30


def allot_frames(
    durations: npt.NDArray[np.float32], length_scale: float, rate: float
) -> npt.NDArray[np.int64]:
    """Whole frames for each token.

    At rate 1 this is Piper's own rounding, ``ceil(duration * length_scale)``. Rounding up favours
    slowness the more the shorter the durations are (a token never takes less than one frame), so
    at other rates the stretch is searched for which the *total* comes to the asked share: twice
    the rate is half the time, down to one frame a token.

    Args:
        durations: predicted frames ``float32 [tokens]``, not rounded, at length scale 1.
        length_scale: the voice's own stretch.
        rate: 1.0 is the voice's own speed; 2.0 is twice as fast.

    Returns:
        ``int64 [tokens]``, each at least 1 where the prediction is positive.
    """
    # float32 throughout: the original graph rounds float32 products.
    natural = durations.astype(np.float32) * np.float32(length_scale)
    frames = np.ceil(natural)
    if rate != 1.0:
        target = float(frames.sum()) / rate
        low, high = 0.0, 2.0 / rate + 1.0
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            if float(np.ceil(natural * np.float32(middle)).sum()) > target:
                high = middle
            else:
                low = middle
        frames = np.ceil(natural * np.float32(low))
        # A stretch of 0 would drop the tokens; one frame each is the fastest there is.
        frames = np.maximum(frames, natural > 0)
    return np.asarray(frames.astype(np.int64))


def chunk_plan(total: int, first: int = 16, growth: float = 1.5, largest: int = 96) -> list[int]:
    """Sizes in frames of the pieces in which an utterance is decoded.

    The first is small so that sound comes soon; each next one grows by less than the time the
    one before takes to play leaves room for, as long as decoding runs at ``1 / growth`` of real
    time or faster; the largest bounds what a stop has to wait for.

    Args:
        total: frames to decode.
        first: size of the first piece.
        growth: ratio of one piece to the one before.
        largest: size that no piece exceeds, a short last rest joined to it excepted.

    Returns:
        Sizes that sum to ``total``; a last piece shorter than ``first`` joins the one before.
    """
    sizes: list[int] = []
    size, left = float(first), total
    while left > 0:
        piece = min(int(size), left)
        if sizes and piece < first:
            sizes[-1] += piece
        else:
            sizes.append(piece)
        left -= piece
        size = min(size * growth, float(largest))
    return sizes
