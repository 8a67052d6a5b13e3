"""A long life: random actions against a real reader, which must go on reading and not grow."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import numpy as np

from voxedge.actions import Action, Intent, SlotKind, State, Value, intent
from voxedge.api.client import ControlClient
from voxedge.bench.running.process import Process, heard_ms, own_memory_mb, reader, until
from voxedge.errors import ActionUnfit, ControlRefused
from voxedge.models.progress import Progress, Silent


@dataclass(frozen=True, slots=True)
class Soaked:
    """What a long life came to.

    Attributes:
        actions: asked for.
        refused: of them, as making no sense at the moment.
        pages_read: each was heard.
        memory_first_mb: of the daemon's own process, at rest, once it had settled.
        memory_last_mb: the same at the end.
        memory_growth_mb: the mean of the last four looks over that of the first four.
        tracebacks: in its log.
    """

    actions: int
    refused: int
    pages_read: int
    memory_first_mb: float
    memory_last_mb: float
    memory_growth_mb: float
    tracebacks: int


def soak(count: int, progress: Progress | None = None, *, seed: int = 0) -> Soaked:
    """Ask a real reader with stand-in engines for random actions; return what it held and said.

    Every 250 actions it must stop, read a page and be heard; a reader that hangs raises
    ``TimeoutError``. Memory is that of the daemon's own process, at rest.
    """
    progress = progress or Silent()
    progress.start("living", count, "actions")
    draw = random.Random(seed)
    refused = 0
    held_mb: list[float] = []
    reads = 0
    with reader("fake", tape=True) as running:
        for first in range(0, count, 40):
            # A connection may send 20 messages a second; a fresh one may send 50 at once.
            with ControlClient(running.socket) as client:
                for _ in range(min(40, count - first)):
                    try:
                        client.do(_random_intent(draw))
                    except (ActionUnfit, ControlRefused):
                        refused += 1
                    time.sleep(draw.expovariate(1 / 0.01))
            done = min(first + 40, count)
            progress.advance(done - first)
            if done // 250 > first // 250:
                _must_read(running)
                reads += 1
                held_mb.append(own_memory_mb(running.pid))
        failures = [line for line in running.log.splitlines() if "Traceback" in line]
    progress.finish()
    settled = held_mb[len(held_mb) // 5 :]
    return Soaked(
        actions=count,
        refused=refused,
        pages_read=reads,
        memory_first_mb=round(settled[0], 2),
        memory_last_mb=round(settled[-1], 2),
        memory_growth_mb=round(float(np.mean(settled[-4:]) - np.mean(settled[:4])), 2),
        tracebacks=len(failures),
    )


def _must_read(running: Process) -> None:
    with ControlClient(running.socket) as client:
        for action in (Action.STOP, Action.STOP, Action.READ):
            client.do(intent(action))
        until(lambda: client.status().state is State.READING, 20.0)
        tape = running.folder / "sound.wav"
        begun = tape.stat().st_size
        until(lambda: heard_ms(tape, begun) > 100, 10.0)
        client.do(intent(Action.STOP))
        time.sleep(0.3)


def _random_intent(draw: random.Random) -> Intent:
    # Turning off would end the soak; deleting is asked for like everything else.
    action = draw.choice([a for a in Action if a not in (Action.SHUT_DOWN, Action.YES)])
    words = ("dose", "side effects", "keep it", "tablet", "zebra", "Leaflet")
    arguments: dict[str, Value] = {}
    for slot in action.row.slots:
        if slot.required or draw.random() < 0.5:
            number = slot.kind is SlotKind.NUMBER
            arguments[slot.name] = draw.randint(1, 3) if number else draw.choice(words)
    return intent(action, arguments)
