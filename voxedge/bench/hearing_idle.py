"""What an open microphone costs while nobody speaks to the device; and what a cleaner is worth.

The sound goes the way of a microphone at 48 kHz in blocks of 20 ms: converter, health, voice
activity detector, and the recogniser's worker behind them. Only PortAudio's own thread is left out,
so that a machine without a microphone can measure it.
"""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxedge.audio.capture import RATE_HZ, Converter
from voxedge.audio.cleaner import AUTO_GAIN_DBFS, NOISE_SUPPRESSION, Cleaner, WebrtcCleaner
from voxedge.audio.endpoint import Edge, endpointer
from voxedge.audio.microphone_level import MicrophoneHealth
from voxedge.audio.resample import resample
from voxedge.commands.grammar import build
from voxedge.commands.language import load
from voxedge.commands.parse import parse, understand
from voxedge.engines.asr.hosted import open_recogniser
from voxedge.errors import FormantVoiceMissing
from voxedge.inputs.standby import Mode, Standby, StandbySettings
from voxedge.service.hearing import WorkerRecogniser, recogniser_spec
from voxedge.service.workers import Worker

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatSamples = npt.NDArray[np.float32]
    Int16Samples = npt.NDArray[np.int16]

CARD_HZ = 48_000
BLOCK_S = 0.02
PHRASE = "okay reader"
LIMIT_PERCENT = 10.0
"""Of a core, with the wake word on and nobody speaking."""

TALK = (
    "The weather was lovely yesterday, and we walked along the river for an hour before dinner. "
    "My sister telephoned about the garden. She wants to plant potatoes again this year."
)
SPEAKERS = (("+m3", 155), ("+f2", 150), ("+m7", 145), ("+f4", 165))
"""Variant of espeak-ng and words a minute."""


# -- an open microphone --------------------------------------------------------------------------


class _Card:
    """A ``SoundSource`` that gives one sound over and over, at the speed of time.

    Args:
        sound: ``float32`` ``[n]`` at ``CARD_HZ``.
    """

    def __init__(self, sound: FloatSamples) -> None:
        self._sound = sound
        self.opened = 0

    async def pieces(self) -> AsyncIterator[Int16Samples]:
        """Yield pieces of 20 ms; see ``SoundSource.pieces``."""
        self.opened += 1
        loop = asyncio.get_running_loop()
        converter, health = Converter(CARD_HZ), MicrophoneHealth(RATE_HZ)
        block, start, began_s = round(BLOCK_S * CARD_HZ), 0, loop.time()
        while True:
            start += block
            await asyncio.sleep(max(0.0, began_s + start / CARD_HZ - loop.time()))
            at = start % (len(self._sound) - block)
            piece = converter.convert(self._sound[at : at + block])
            health.hear(piece)
            if len(piece):
                yield piece


def idle(seconds: float = 20.0) -> list[dict[str, Any]]:
    """Measure each kind of room for so long. Blocking; in real time.

    Returns:
        Rows of ``room``, ``core_percent`` (this process and the worker), ``streams`` (how often
        a microphone was opened) and ``woken``.
    """
    return asyncio.run(_idle(seconds))


async def _idle(seconds: float) -> list[dict[str, Any]]:
    random = np.random.default_rng(5)
    quiet = random.normal(0.0, 0.0006, 10 * CARD_HZ).astype(np.float32)
    fan = random.normal(0.0, 0.02, 10 * CARD_HZ).astype(np.float32)
    rooms: list[tuple[str, FloatSamples, Mode]] = [
        ("wake word off", quiet, Mode.OFF),
        ("on, quiet room", quiet, Mode.WAKE),
        ("on, loud fan", fan, Mode.WAKE),
        ("on, two people talk without a break", _talk(), Mode.WAKE),
    ]
    async with Worker(recogniser_spec("en")) as worker:
        ear = WorkerRecogniser(worker, patience_s=60.0)
        await ear.set_grammar(build(load("en")))
        return [await _one(room, sound, mode, ear, worker, seconds) for room, sound, mode in rooms]


async def _one(
    room: str,
    sound: FloatSamples,
    mode: Mode,
    ear: WorkerRecogniser,
    worker: Worker,
    seconds: float,
) -> dict[str, Any]:
    card, woken = _Card(sound), 0

    def wake() -> None:
        nonlocal woken
        woken += 1

    standby = Standby(
        ear,
        lambda: card,
        lambda: endpointer(gated=True),
        lambda: mode,
        load("en"),
        wake,
        lambda event: None,
        StandbySettings(PHRASE),
    )
    life = asyncio.create_task(standby.run())
    await asyncio.sleep(3.0)  # The network is loaded, the grammar learned.
    began_s, spent_s = time.monotonic(), _spent_s(worker)
    await asyncio.sleep(seconds)
    percent = 100.0 * (_spent_s(worker) - spent_s) / (time.monotonic() - began_s)
    life.cancel()
    await asyncio.gather(life, return_exceptions=True)
    return {
        "room": room,
        "core_percent": round(percent, 2),
        "streams": card.opened,
        "woken": woken,
    }


def _spent_s(worker: Worker) -> float:
    fields = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _talk() -> FloatSamples:
    voices = [_spoken(TALK, variant, rate)[0] for variant, rate in SPEAKERS[:2]]
    return resample(np.concatenate(voices) * np.float32(0.3), 22_050, CARD_HZ)


def _spoken(text: str, variant: str, rate: int) -> tuple[FloatSamples, int]:
    import soundfile

    command = ["espeak-ng", "-v", f"en-us{variant}", "-s", str(rate), "--stdout", text]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=30)
    except FileNotFoundError as error:
        raise FormantVoiceMissing from error
    samples, rate_hz = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
    return samples, rate_hz


# -- a cleaner -----------------------------------------------------------------------------------

CLEANERS: Mapping[str, Callable[[], Cleaner | None]] = {
    "off": lambda: None,
    "gain": lambda: WebrtcCleaner(AUTO_GAIN_DBFS, 0),
    "webrtc": lambda: WebrtcCleaner(AUTO_GAIN_DBFS, NOISE_SUPPRESSION),
}
CONDITIONS = (("20 dB", 20.0, 0.3), ("5 dB", 5.0, 0.3), ("far", 20.0, 0.01))
"""Name, ratio of speech to white noise, and the peak of the speech: "far" is 30 dB below."""


def cleaners(every: int = 16) -> list[dict[str, Any]]:
    """Count commands that are understood with each cleaner. Blocking; minutes.

    Args:
        every: of the phrases without a slot, one in so many for each speaker.

    Returns:
        Rows of ``cleaner``, ``condition``, ``clips`` and ``right`` (share).
    """
    language = load("en")
    grammar = build(language)
    engine = open_recogniser("en")
    engine.set_grammar(grammar)
    rows: dict[tuple[str, str], list[bool]] = {}
    try:
        for number, (phrase, speech) in enumerate(_clips(every)):
            wanted = parse(phrase, language, grammar)
            for condition, snr_db, peak in CONDITIONS:
                sound = _in_noise(speech, snr_db, peak, number)
                for name, make in CLEANERS.items():
                    heard = _heard(engine, sound, make())
                    made = heard and understand(heard.text, heard.confidence, language, grammar)
                    right = bool(made) and made.intent == wanted
                    rows.setdefault((name, condition), []).append(right)
    finally:
        engine.close()
    return [
        {"cleaner": c, "condition": d, "clips": len(r), "right": round(sum(r) / len(r), 3)}
        for (c, d), r in rows.items()
    ]


def _clips(every: int) -> Iterator[tuple[str, FloatSamples]]:
    plain = [t.phrase for t in build(load("en")).templates if not t.slots and " " in t.phrase]
    for number, (variant, rate) in enumerate(SPEAKERS):
        for phrase in plain[number::every]:
            samples, rate_hz = _spoken(phrase, variant, rate)
            yield phrase, resample(samples, rate_hz, RATE_HZ)


def _in_noise(speech: FloatSamples, snr_db: float, peak: float, seed: int) -> Int16Samples:
    random = np.random.default_rng(seed)
    edge = np.zeros(RATE_HZ, dtype=np.float32)
    loud = speech[np.abs(speech) > 0.01]
    whole = np.concatenate([edge, speech, edge])
    sigma = np.sqrt(float(np.mean(np.square(loud))) / 10 ** (snr_db / 10))
    noisy = whole + random.normal(0.0, sigma, len(whole))
    noisy *= peak / float(np.max(np.abs(speech)))
    return np.clip(noisy * 32767, -32768, 32767).astype(np.int16)


def _heard(engine: Any, sound: Int16Samples, cleaner: Cleaner | None) -> Any:
    """Return what is heard after a tap; None where no speech is found."""
    cutter, begun = endpointer(), False
    for start in range(0, len(sound), RATE_HZ // 10):
        piece = sound[start : start + RATE_HZ // 10]
        for edge, samples in cutter.hear(cleaner.clean(piece) if cleaner else piece):
            begun = True
            engine.feed(samples)
            if edge is Edge.END:
                return engine.finish()
    return engine.finish() if begun else None


# -- report --------------------------------------------------------------------------------------


def table(result: Mapping[str, Any]) -> str:
    """Return the report for people."""
    lines = []
    for row in result.get("idle", ()):
        lines.append(
            f"{row['room']:<38} {row['core_percent']:>6.2f} % of a core   "
            f"{row['streams']} input streams, woken {row['woken']} times"
        )
    for bar in result.get("bars", ()):
        mark = "" if bar["met"] else "  MISSED"
        lines.append(f"bar: {bar['name']}: {bar['value']:g} (at most {bar['limit']:g}){mark}")
    by_cleaner: dict[str, list[str]] = {}
    for row in result.get("cleaners", ()):
        cell = f"{100 * row['right']:.0f} % at {row['condition']}"
        by_cleaner.setdefault(row["cleaner"], []).append(cell)
    lines += [f"cleaner {name:<24} {', '.join(cells)}" for name, cells in by_cleaner.items()]
    return "\n".join(lines)


def bars_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the figures that have a bar."""
    by_room = {row["room"]: row for row in rows}
    quiet, off = by_room["on, quiet room"], by_room["wake word off"]
    found = [
        ("idle with the wake word, % of a core", quiet["core_percent"], LIMIT_PERCENT),
        ("input streams with it off", off["streams"], 0),
    ]
    return [
        {"name": name, "value": value, "limit": limit, "met": value <= limit}
        for name, value, limit in found
    ]
