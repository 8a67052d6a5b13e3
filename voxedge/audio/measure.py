"""How long from a stop to silence: ``python -m voxedge.audio.measure [--device NAME] [--stops N]``.

Measured in the audio that leaves the callback, not by the return of a call: a tone plays, a stop
comes from another thread at a random moment (as a button's does), and what is taken is the time
at which the last sample that is not zero leaves the device, by the clock of the device.

Without ``--device`` the device is a thread that asks for blocks as a sound card with a buffer of
``LATENCY_MS`` does, against the real clock. ``--busy`` adds threads of pure Python that fight for
the interpreter, as text work in the same process would.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from voxedge.audio.mixer_sink import MixerSink
from voxedge.audio.output import LATENCY_MS, PortAudioSink
from voxedge.flow import PcmChunk

if TYPE_CHECKING:
    from voxedge.flow import FloatSamples

_PERIOD_MS = 10.0
_SETTLE_S = 0.15


class ClockedSink(MixerSink):
    """A sound card's timing without a sound card: a thread that asks for a period at a time.

    A period is asked for when it fits the buffer; it leaves the "device" behind what the buffer
    still holds. A thread that comes late shows as ``late`` (an underrun on a real card).
    """

    def __init__(self, rate_hz: int = 48_000, *, buffer_ms: float = LATENCY_MS) -> None:
        super().__init__("clocked", rate_hz, latency_ms=buffer_ms)
        self._buffer_s = buffer_ms / 1000.0
        self._over = threading.Event()
        self.late = 0
        self._thread = threading.Thread(target=self._play, name="clocked device", daemon=True)
        self._thread.start()

    def _play(self) -> None:
        block = np.zeros(round(_PERIOD_MS * self.rate_hz / 1000.0), dtype=np.float32)
        period_s = len(block) / self.rate_hz
        due_s = time.monotonic()
        while not self._over.is_set():
            now_s = time.monotonic()
            if due_s < now_s:
                self.late += 1
                due_s = now_s
            asked_at_s = due_s + period_s - self._buffer_s
            if asked_at_s > now_s:
                time.sleep(asked_at_s - now_s)
            self._mixer.render(block, due_s)
            due_s += period_s

    def _release(self) -> None:
        self._over.set()
        self._thread.join(1.0)


class _Tap:
    """Notes when the last sound left the device."""

    def __init__(self, sink: MixerSink) -> None:
        self.last_sound_s = 0.0
        mixer = sink._mixer
        self._render = mixer.render
        self._rate_hz = mixer.rate_hz
        # The one place where all sinks that play in time come together.
        mixer.render = self  # type: ignore[method-assign]

    def __call__(self, out: FloatSamples, due_s: float) -> None:
        self._render(out, due_s)
        sounding = np.flatnonzero(out)
        if len(sounding):
            self.last_sound_s = due_s + (int(sounding[-1]) + 1) / self._rate_hz


async def stops_to_silence_ms(sink: MixerSink, count: int, seed: int = 0) -> list[float]:
    """Play, stop at a random moment from another thread, and time the silence, ``count`` times."""
    draw = random.Random(seed)
    tap = _Tap(sink)
    turns = 2.0 * np.pi * 440.0 * np.arange(sink.rate_hz // 10) / sink.rate_hz
    # Never zero, so that the last sample that is not is the last of the fade.
    tone = (0.3 + 0.2 * np.sin(turns)).astype(np.float32)
    took_ms: list[float] = []

    async def speak(generation: int) -> None:
        mark: int | None = 0
        while mark is not None:
            mark = await sink.write(PcmChunk(tone, sink.rate_hz), generation)

    def press() -> float:
        pressed_s = time.monotonic()
        sink.stop()
        return pressed_s

    while len(took_ms) < count:
        speaking = asyncio.create_task(speak(sink.generation))
        await asyncio.sleep(draw.uniform(0.06, 0.2))
        pressed_s = await asyncio.to_thread(press)
        await speaking
        await asyncio.sleep(_SETTLE_S)
        if tap.last_sound_s <= pressed_s:
            continue  # The device had not begun yet: nothing was stopped.
        took_ms.append(1000.0 * (tap.last_sound_s - pressed_s))
    return took_ms


def _spin(over: threading.Event) -> None:
    while not over.is_set():
        sum(range(1000))


async def _main(arguments: argparse.Namespace) -> dict[str, object]:
    sink: MixerSink
    if arguments.device is None:
        sink = ClockedSink(buffer_ms=arguments.latency_ms)
    else:
        sink = PortAudioSink(arguments.device, latency_ms=arguments.latency_ms)
    over = threading.Event()
    for _ in range(arguments.busy):
        threading.Thread(target=_spin, args=(over,), daemon=True).start()
    try:
        took_ms = await stops_to_silence_ms(sink, arguments.stops)
    finally:
        over.set()
        await sink.close()
    low, median, high, highest = np.percentile(took_ms, [0, 50, 99, 100])
    return {
        "device": sink.name,
        "latency_ms": arguments.latency_ms,
        "busy_threads": arguments.busy,
        "stops": len(took_ms),
        "stop_to_silence_ms": {
            "min": round(float(low), 1),
            "median": round(float(median), 1),
            "p99": round(float(high), 1),
            "max": round(float(highest), 1),
        },
        "late_blocks": sink.late if isinstance(sink, ClockedSink) else sink.underruns,
    }


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m voxedge.audio.measure", description=__doc__)
    parser.add_argument("--device", help="a real device; see voxedge doctor")
    parser.add_argument("--stops", type=int, default=500)
    parser.add_argument("--latency-ms", type=float, default=LATENCY_MS)
    parser.add_argument("--busy", type=int, default=0, help="threads of pure Python beside it")
    print(json.dumps(asyncio.run(_main(parser.parse_args())), indent=2))


if __name__ == "__main__":
    main()
