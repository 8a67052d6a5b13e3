"""False accepts: an hour of a room in which nobody speaks to the device.

Two rooms: a **conversation** in a kitchen (``asr_talk``, one voice after the other, pauses of 0.2
to 2.5 s, the kitchen 20 dB below), and the **kitchen** alone, as loud as speech. It is listened to
in two ways:

- **push-to-talk**: TALK is tapped ``TAPS_AN_HOUR`` times an hour, by mistake each time: nobody says
  a command. Each session ends as on the device: with an utterance, or after six seconds of nothing.
  Only what a session hears is made and decoded, so that many hours cost minutes.
- **open**: no button at all, every utterance of the room is judged against every command. The
  device never listens like this; it is the worst case, and shows how rare a wrong wake-up or
  command is per utterance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxedge.bench.asr_noise import kitchen, mixed
from voxedge.bench.asr_stream import Listener
from voxedge.bench.asr_talk import talk_pieces
from voxedge.engines.asr.protocol import RATE_HZ

if TYPE_CHECKING:
    import numpy.typing as npt

    Int16Samples = npt.NDArray[np.int16]

TAPS_AN_HOUR = 20
SESSION_S = 9.0
"""Of room that one session may hear: six seconds of nothing, and an utterance."""

OPEN_SHARE = 0.05
"""Of the hours, so much is decoded with an open microphone."""


@dataclass(frozen=True, slots=True)
class FalseAccepts:
    """What was taken for a command.

    Attributes:
        name: which room, and how it was listened to.
        seconds: of room that this stands for.
        utterances: that the endpointer found.
        accepted: how many were taken for commands.
        actions: which.
    """

    name: str
    seconds: float
    utterances: int
    accepted: int
    actions: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return fields for JSON, with the rate an hour."""
        return {**asdict(self), "an_hour": round(3600 * self.accepted / max(1.0, self.seconds), 3)}

    @classmethod
    def count(
        cls,
        name: str,
        listener: Listener,
        sounds: Iterable[Int16Samples],
        seconds: float = 0.0,
        first_only: bool = False,
    ) -> FalseAccepts:
        """Listen to each sound; ``first_only`` ends a sound with its first utterance."""
        before, heard_s, actions = listener.utterances, listener.heard_s, []
        for sound in sounds:
            for outcome in listener.listen(sound):
                if outcome.intent is not None:
                    actions.append(f"{outcome.intent.action.label} ({outcome.heard.text})")
                if first_only:
                    break
        return cls(
            name,
            round(seconds or listener.heard_s - heard_s, 1),
            listener.utterances - before,
            len(actions),
            tuple(actions),
        )


def false_accepts(
    listener: Listener, language: str, hours: float, cache: Path | None
) -> Iterator[FalseAccepts]:
    """Yield the counts of both rooms, tapped and open. Blocking; a minute of CPU an hour."""
    seconds = 3600.0 * hours
    taps = max(1, round(hours * TAPS_AN_HOUR))
    for room in ("conversation", "kitchen"):
        tapped = (room_of(room, language, SESSION_S, 1000 + tap, cache) for tap in range(taps))
        yield FalseAccepts.count(f"push-to-talk, {room}", listener, tapped, seconds, True)
        pieces = max(1, round(OPEN_SHARE * seconds / 60))
        whole = (room_of(room, language, 60.0, 9000 + n, cache) for n in range(pieces))
        yield FalseAccepts.count(f"open, {room}", listener, whole)


def room_of(
    room: str, language: str, seconds: float, seed: int, cache: Path | None
) -> Int16Samples:
    """Return a piece of a room, beginning anywhere, as ``int16`` ``[n]``."""
    random = np.random.default_rng(seed)
    length = int(seconds * RATE_HZ)
    if room == "kitchen":
        sound = kitchen(length, random)
        sound *= 10 ** (random.uniform(-24, -6) / 20) / np.max(np.abs(sound))
        return np.asarray(sound * 32767, dtype=np.int16)
    parts = []
    have = -int(random.uniform(0, 4) * RATE_HZ)
    start = -have
    for piece in talk_pieces(language, seed, cache):
        pause = np.zeros(int(random.uniform(0.2, 2.5) * RATE_HZ), dtype=np.float32)
        parts += [piece, pause]
        have += len(piece) + len(pause)
        if have >= length:
            break
    speech = np.concatenate(parts)[start : start + length]
    return mixed(speech, kitchen, 20.0, seed, edge_s=0.0)
