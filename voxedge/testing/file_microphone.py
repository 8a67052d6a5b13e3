"""Recordings in place of a microphone, for ``voxedge run --simulate --mic`` and the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxedge.audio.capture import RATE_HZ
from voxedge.audio.sound_file import read_speech
from voxedge.errors import InputMissing, MicrophoneMissing

if TYPE_CHECKING:
    import numpy.typing as npt

    Int16Samples = npt.NDArray[np.int16]

PIECE_S = 0.05
ROOM_RMS = 20.0
"""Of the quiet room in which the recordings are heard (-64 dBFS); zeros are a dead microphone."""

BEFORE_S = 0.8
"""Of that room before a recording begins: people wait for the tone."""


class FileMicrophone:
    """A ``SoundSource`` that plays recordings at the speed of time, then the room, for ever.

    Args:
        path: a recording, heard at every opening; or a folder, of which each opening hears the
            next one by name (new files are found), and after the last only the room.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._heard: set[Path] = set()

    def check(self) -> None:
        """Make sure that there is something to listen with. Blocking.

        Raises:
            MicrophoneMissing: neither a file nor a folder.
        """
        if not self._path.exists():
            raise MicrophoneMissing(reason=f"{self._path} is not there")

    async def pieces(self) -> AsyncIterator[Int16Samples]:
        """Yield pieces of 50 ms; see ``SoundSource.pieces``."""
        speech = await asyncio.to_thread(self._next)
        loop = asyncio.get_running_loop()
        random, piece = np.random.default_rng(7), round(PIECE_S * RATE_HZ)
        before = np.zeros(round(BEFORE_S * RATE_HZ), dtype=np.int16)
        sound = np.concatenate([before, speech])
        began_s, start = loop.time(), 0
        while True:
            await asyncio.sleep(max(0.0, began_s + (start + piece) / RATE_HZ - loop.time()))
            room = random.normal(0.0, ROOM_RMS, piece)
            part = sound[start : start + piece].astype(np.float64)
            room[: len(part)] += part
            start += piece
            yield np.clip(np.rint(room), -32768, 32767).astype(np.int16)

    def _next(self) -> Int16Samples:
        self.check()
        if not self._path.is_dir():
            return read_speech(self._path)
        for path in sorted(self._path.glob("*.wav")):
            if path not in self._heard:
                self._heard.add(path)
                try:
                    return read_speech(path)
                except InputMissing:
                    break
        return np.zeros(0, dtype=np.int16)
