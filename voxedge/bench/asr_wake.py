"""The wake phrase: how often a room calls the device by mistake, and whether people can.

The whole standby listens (``inputs.standby``), from the gate to the second decoding, as fast as its
work goes. The rooms are those of ``asr_rejects``; each is a minute long, and every minute differs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxedge.audio.endpoint import endpointer
from voxedge.bench.asr_noise import kitchen, mixed
from voxedge.bench.asr_rejects import room_of
from voxedge.bench.asr_speakers import Speaker
from voxedge.commands.grammar import Grammar
from voxedge.commands.language import CommandLanguage
from voxedge.engines.asr.protocol import RATE_HZ, Heard, Recogniser
from voxedge.inputs.standby import Mode, Standby, StandbySettings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Int16Samples = npt.NDArray[np.int16]

PHRASE = "okay reader"
PIECE = RATE_HZ // 10
MINUTE_S = 60.0
SNR_DB = 20.0


class _Ear:
    """The ``Ear`` of an engine in this process."""

    def __init__(self, engine: Recogniser) -> None:
        self._engine = engine

    async def set_grammar(self, grammar: Grammar) -> int:
        return self._engine.set_grammar(grammar)

    async def feed(self, samples: Any) -> Heard | None:
        return self._engine.feed(samples)

    async def finish(self) -> Heard:
        return self._engine.finish()

    async def reset(self) -> None:
        self._engine.reset()


class _Tape:
    """A ``SoundSource``: each opening goes on where the last one stopped.

    Args:
        sounds: one after the other.
    """

    def __init__(self, sounds: Iterable[Int16Samples]) -> None:
        self._pieces = (
            sound[at : at + PIECE] for sound in sounds for at in range(0, len(sound), PIECE)
        )
        self.over = asyncio.Event()
        self.seconds = 0.0

    async def pieces(self) -> AsyncIterator[Int16Samples]:
        for piece in self._pieces:
            self.seconds += len(piece) / RATE_HZ
            yield piece
            await asyncio.sleep(0)
        self.over.set()
        await asyncio.Event().wait()


async def _woken(
    engine: Recogniser, language: CommandLanguage, sounds: Iterable[Int16Samples]
) -> tuple[int, float]:
    """Return how often it woke, and the seconds it listened to."""
    tape, woken = _Tape(sounds), 0

    def wake() -> None:
        nonlocal woken
        woken += 1

    standby = Standby(
        _Ear(engine),
        lambda: tape,
        lambda: endpointer(gated=True),
        lambda: Mode.WAKE,
        language,
        wake,
        lambda event: None,
        StandbySettings(PHRASE, after_speech_s=0.0),
    )
    life = asyncio.create_task(standby.run(), name="standby")
    over = asyncio.create_task(tape.over.wait(), name="tape")
    await asyncio.wait((life, over), return_when=asyncio.FIRST_COMPLETED)
    for task in (life, over):
        task.cancel()
    await asyncio.gather(life, over, return_exceptions=True)
    return woken, tape.seconds


def false_wakes(
    engine: Recogniser, language: CommandLanguage, minutes: int, cache: Path | None
) -> list[dict[str, Any]]:
    """Return ``room``, ``seconds``, ``woken`` and ``an_hour`` of both rooms. Blocking; minutes."""
    rows = []
    for room in ("conversation", "kitchen"):
        sounds = (room_of(room, language.tag, MINUTE_S, 5000 + n, cache) for n in range(minutes))
        woken, seconds = asyncio.run(_woken(engine, language, sounds))
        rows.append(
            {
                "room": room,
                "seconds": round(seconds, 1),
                "woken": woken,
                "an_hour": round(3600 * woken / max(1.0, seconds), 2),
            }
        )
    return rows


def true_wakes(
    engine: Recogniser, language: CommandLanguage, speakers: Iterable[Speaker]
) -> dict[str, Any]:
    """Return how many ``speakers`` woke it, each saying the phrase once in a kitchen at 20 dB."""
    heard = [
        asyncio.run(
            _woken(
                engine,
                language,
                [mixed(speaker.say(PHRASE), kitchen, SNR_DB, number, edge_s=1.0, after_s=1.5)],
            )
        )[0]
        for number, speaker in enumerate(speakers)
    ]
    return {"speakers": len(heard), "woken": sum(count > 0 for count in heard)}
