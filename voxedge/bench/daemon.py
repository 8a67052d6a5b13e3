"""The running reader against its bars: silence, answers, idling, memory, start, and a long soak.

What is felt is measured in the audio that leaves: every sample is stamped with the time at which
it leaves a device with a 40 ms buffer (``audio.measure.ClockedSink``), and the press with the time
at which another thread, as a button's driver is, asked for it. The rest is measured on a real
``voxedge run`` in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voxedge.actions import Action, Intent, SlotKind, State, Value, intent
from voxedge.api.client import ControlClient
from voxedge.audio.measure import ClockedSink
from voxedge.audio.output import LATENCY_MS
from voxedge.config import Settings
from voxedge.errors import ActionUnfit, ControlRefused
from voxedge.reader.conversation.model import Model
from voxedge.reader.messages import load_messages
from voxedge.reader.own_phrases import OwnPhrases
from voxedge.reader.session import Parts, Session
from voxedge.service.engines import Engines, fake_engines, hosted_voice, real_engines
from voxedge.service.workers import Worker
from voxedge.speech.planner import Style
from voxedge.testing.fake_engines import TEXT
from voxedge.testing.fake_reader import FakeCamera, FakePages, FakeShelf

CACHED = (Action.HELP, Action.QUIET_MODE, Action.NO, Action.HELP)
"""Actions whose answers have no blank to fill: these are kept as sound."""

_PAGES = "\n".join([TEXT] * 40)
_QUIET_S = 0.35
_POLL_S = 0.06
"""A control connection may ask 20 times a second."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure against its bar.

    Attributes:
        name: what was measured.
        value: the figure.
        limit: the largest that will do.
        unit: of both.
        detail: how it was come by.
    """

    name: str
    value: float
    limit: float
    unit: str
    detail: str

    @property
    def met(self) -> bool:
        """Whether it will do."""
        return self.value <= self.limit


# -- what is felt --------------------------------------------------------------------------------


class _Ear:
    """Notes when speech and earcons leave the device."""

    def __init__(self, sink: ClockedSink) -> None:
        self.speech_first_s = self.speech_last_s = self.earcon_first_s = 0.0
        self._due_s = 0.0
        mixer = sink._mixer
        self._rate_hz = mixer.rate_hz
        self._render, self._speech = mixer.render, mixer.speech.add_to
        self._earcons = mixer.earcons.add_to
        mixer.render = self._on_render  # type: ignore[method-assign]
        mixer.speech.add_to = self._on_speech  # type: ignore[method-assign]
        mixer.earcons.add_to = self._on_earcons  # type: ignore[method-assign]

    def reset(self) -> None:
        """Listen for the next."""
        self.speech_first_s = self.speech_last_s = self.earcon_first_s = 0.0

    def _on_render(self, out: Any, due_s: float) -> None:
        self._due_s = due_s
        self._render(out, due_s)

    def _on_speech(self, out: Any) -> int:
        count = self._speech(out)
        sounding = np.flatnonzero(np.abs(out) > 1e-4)
        if len(sounding):
            self.speech_last_s = self._due_s + (int(sounding[-1]) + 1) / self._rate_hz
            if not self.speech_first_s:
                self.speech_first_s = self._due_s + int(sounding[0]) / self._rate_hz
        return count

    def _on_earcons(self, out: Any) -> int:
        count = self._earcons(out)
        if count and not self.earcon_first_s:
            self.earcon_first_s = self._due_s
        return count


@dataclass(frozen=True, slots=True)
class _Bench:
    session: Session
    ear: _Ear
    draw: random.Random

    async def press(self, action: Action) -> float:
        """Press as a driver's thread does; return when."""
        loop = asyncio.get_running_loop()
        self.ear.reset()

        def driver() -> float:
            pressed_s = time.monotonic()
            loop.call_soon_threadsafe(self.session.press, Intent(action))
            return pressed_s

        return await asyncio.to_thread(driver)

    async def reading(self) -> None:
        """Wait until the document is heard."""
        self.session.press(Intent(Action.RESUME))
        self.ear.reset()
        async with asyncio.timeout(20.0):
            while not self.ear.speech_first_s:  # noqa: ASYNC110 - the device's own thread tells
                await asyncio.sleep(0.01)


async def felt(engines: Engines, *, stops: int, presses: int, seed: int = 0) -> dict[str, Any]:
    """Measure stops, presses and answers on a session with that voice."""
    async with AsyncExitStack() as parts:
        sink = ClockedSink()
        parts.push_async_callback(sink.close)
        worker = None
        if engines.voice is not None:
            worker = await parts.enter_async_context(Worker(engines.voice))
            await worker.wait_ready(engines.voice.start_deadline_s)
        voice, natural = hosted_voice(engines, worker, lambda _: None)
        parts.callback(voice.close)
        cache = OwnPhrases()
        session = Session(
            Parts(
                voice=voice,
                sink=sink,
                camera=FakeCamera(0.0),
                pages=FakePages(_PAGES, section_s=0.0),
                shelf=FakeShelf(),
                messages=load_messages(),
                style=lambda language: Style(language=language),
                cache=cache,
            ),
            Model(),
        )
        if natural is not None:
            for utterance in session.fixed_utterances():
                chunks = tuple([chunk async for chunk in natural.stream(utterance)])
                cache.pin(natural.name, utterance, chunks)
        life = asyncio.create_task(session.run())
        try:
            await session.started.wait()
            bench = _Bench(session, _Ear(sink), random.Random(seed))
            return {
                "stop_to_silence_ms": await _stops(bench, stops),
                "press_to_earcon_ms": await _presses(bench, presses),
                "action_to_speech_ms": await _answers(bench, presses),
                "late_blocks": sink.late,
            }
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)


async def _stops(bench: _Bench, count: int) -> list[float]:
    bench.session.press(Intent(Action.READ))
    await asyncio.sleep(1.0)
    took_ms: list[float] = []
    while len(took_ms) < count:
        await bench.reading()
        await asyncio.sleep(bench.draw.uniform(0.02, 0.6))
        pressed_s = await bench.press(Action.STOP)
        await asyncio.sleep(_QUIET_S)
        if bench.ear.speech_last_s > pressed_s:  # Otherwise it fell into a pause.
            took_ms.append(1000.0 * (bench.ear.speech_last_s - pressed_s))
    return took_ms


async def _presses(bench: _Bench, count: int) -> list[float]:
    took_ms: list[float] = []
    for number in range(count):
        if number % 2:
            await bench.reading()
        await asyncio.sleep(bench.draw.uniform(0.0, 0.1))
        pressed_s = await bench.press(Action.HUSH)
        await asyncio.sleep(_QUIET_S)
        took_ms.append(1000.0 * (bench.ear.earcon_first_s - pressed_s))
        bench.session.press(Intent(Action.STOP))
        await asyncio.sleep(_QUIET_S)  # Its own earcon must be over.
    return took_ms


async def _answers(bench: _Bench, count: int) -> list[float]:
    took_ms: list[float] = []
    for number in range(count):
        pressed_s = await bench.press(CACHED[number % len(CACHED)])
        async with asyncio.timeout(10.0):
            while not bench.ear.speech_first_s:  # noqa: ASYNC110 - the device's own thread tells
                await asyncio.sleep(0.005)
        took_ms.append(1000.0 * (bench.ear.speech_first_s - pressed_s))
        bench.session.press(Intent(Action.STOP))
        await asyncio.sleep(bench.draw.uniform(0.1, 0.2))
    return took_ms


# -- the process ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Process:
    """A ``voxedge run`` at work."""

    pid: int
    socket: Path
    folder: Path
    ready_s: float

    def client(self) -> ControlClient:
        """Connect to it."""
        return ControlClient(self.socket)

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self.folder / "log").read_text(errors="replace")


@contextmanager
def reader(engines: str, *, tape: bool, silent_card: bool = False) -> Iterator[Process]:
    """Start a reader of its own; yield it once it is ready.

    Args:
        engines: "real" or "fake".
        tape: a WAV file is its loudspeaker.
        silent_card: ALSA's ``null`` device is its sound card.
    """
    with tempfile.TemporaryDirectory(prefix="voxedge-bench-") as name:
        folder = Path(name)
        (folder / "pictures").mkdir()
        picture = Path(__file__).parents[1] / "testing" / "data" / "leaflet.jpg"
        (folder / "pictures" / picture.name).write_bytes(picture.read_bytes())
        (folder / "settings.toml").write_text("")
        notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notes.bind(str(folder / "notify"))
        notes.settimeout(60.0)
        environment = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify")}
        environment["WATCHDOG_USEC"] = "20000000"
        if silent_card:
            conf = folder / "asound.conf"
            conf.write_text("pcm.!default { type null }\nctl.!default { type null }\n")
            environment["ALSA_CONFIG_PATH"] = f"/usr/share/alsa/alsa.conf:{conf}"
        command = [
            sys.executable,
            "-m",
            "voxedge",
            "--config",
            str(folder / "settings.toml"),
            "run",
        ]
        command += ["--camera", str(folder / "pictures"), "--state", str(folder / "state")]
        command += ["--socket", str(folder / "control.sock"), "--engines", engines]
        if tape:
            command += ["--simulate", "--sink", str(folder / "sound.wav")]
        over = threading.Event()
        listener = threading.Thread(target=_take_notes, args=(notes, over), daemon=True)
        begun_s = time.monotonic()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )
        try:
            while "READY=1" not in notes.recv(4096).decode():
                pass
            ready_s = time.monotonic() - begun_s
            listener.start()
            yield Process(process.pid, folder / "control.sock", folder, ready_s)
        finally:
            over.set()
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if listener.ident is not None:
                listener.join()
            notes.close()


def _take_notes(notes: socket.socket, over: threading.Event) -> None:
    """Be pid 1, which always listens: a full socket would hold the reader up."""
    notes.settimeout(0.2)
    while not over.is_set():
        with suppress(TimeoutError):
            notes.recv(4096)


def tree(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def memory_mb(pids: list[int]) -> float:
    """Return what the processes hold together; shared pages are counted once (Pss)."""
    total_kb = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total_kb += int(line.split()[1])
    return total_kb / 1024


def _cpu_s(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _wake_ups(pids: list[int]) -> int:
    count = 0
    for pid in pids:
        for status in Path(f"/proc/{pid}/task").glob("*/status"):
            for line in status.read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches"):
                    count += int(line.split()[1])
    return count


def process_figures(engines: str, idle_s: float = 30.0) -> dict[str, float]:
    """Start, read a page, idle; return seconds, megabytes and shares of a core."""
    figures: dict[str, float] = {}
    with reader(engines, tape=True) as running:
        figures["ready_s"] = running.ready_s
        spoken_s = _until(lambda: _heard_ms(running.folder / "sound.wav") > 300, 20.0)
        figures["ready_spoken_s"] = running.ready_s + spoken_s
        with running.client() as client:
            client.do(intent(Action.READ))
            _until(lambda: client.status().state is State.READING, 60.0)
            time.sleep(5.0)
            figures["memory_reading_mb"] = memory_mb(tree(running.pid))
    with reader(engines, tape=False, silent_card=True) as running:
        _until(lambda: "own phrases are kept" in running.log, 240.0)
        with running.client() as client:
            client.do(intent(Action.STOP))
        time.sleep(15.0)  # The stream is parked 10 s after the last sound.
        pids = tree(running.pid)
        cpu_s, wake_ups = _cpu_s(pids), _wake_ups(pids)
        time.sleep(idle_s)
        figures["idle_core_percent"] = 100.0 * (_cpu_s(pids) - cpu_s) / idle_s
        figures["idle_wake_ups_a_second"] = (_wake_ups(pids) - wake_ups) / idle_s
        figures["memory_idle_mb"] = memory_mb(pids)
    return figures


def _heard_ms(tape: Path) -> float:
    """Speech on a tape: what is left of loud blocks once the earcon of 370 ms is taken off."""
    from voxedge.audio.tape import read_tape

    samples = read_tape(tape)
    blocks = samples[: len(samples) // 220 * 220].reshape(-1, 220)
    return 10.0 * int(np.count_nonzero(np.abs(blocks).max(axis=1) > 0.01)) - 370.0


def _until(condition: Callable[[], bool], limit_s: float) -> float:
    begun_s = time.monotonic()
    while not condition():
        if time.monotonic() - begun_s > limit_s:
            raise TimeoutError("the reader did not get there")
        time.sleep(_POLL_S)
    return time.monotonic() - begun_s


# -- a long life ---------------------------------------------------------------------------------


def soak(count: int, *, seed: int = 0, progress: Callable[[int], None] | None = None) -> Any:
    """Ask a real reader with stand-in engines for random actions; return what it held and said.

    Every 250 actions it must stop, read a page and be heard; a reader that hangs raises
    ``TimeoutError``. Memory is that of the daemon's own process, at rest.
    """
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
            if done // 250 > first // 250:
                _must_read(running)
                reads += 1
                held_mb.append(memory_mb([running.pid]))
                if progress is not None:
                    progress(done)
        failures = [line for line in running.log.splitlines() if "Traceback" in line]
    settled = held_mb[len(held_mb) // 5 :]
    return {
        "actions": count,
        "refused": refused,
        "pages_read": reads,
        "memory_first_mb": round(settled[0], 2),
        "memory_last_mb": round(settled[-1], 2),
        "memory_growth_mb": round(float(np.mean(settled[-4:]) - np.mean(settled[:4])), 2),
        "tracebacks": len(failures),
    }


def _must_read(running: Process) -> None:
    with ControlClient(running.socket) as client:
        for action in (Action.STOP, Action.STOP, Action.READ):
            client.do(intent(action))
        _until(lambda: client.status().state is State.READING, 20.0)
        tape = running.folder / "sound.wav"
        before_ms = _heard_ms(tape)
        _until(lambda: _heard_ms(tape) > before_ms + 100, 10.0)
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


# -- report --------------------------------------------------------------------------------------


def run(
    *, engines: str = "real", stops: int = 500, presses: int = 200, soak_actions: int = 0
) -> dict[str, Any]:
    """Measure everything; blocking, minutes."""
    hosted = fake_engines() if engines == "fake" else real_engines(Settings())
    took = asyncio.run(felt(hosted, stops=stops, presses=presses))
    figures = process_figures(engines)
    bars = [
        _percentile("stop to silence, p99", took["stop_to_silence_ms"], 99, 60.0),
        _percentile("press to earcon, p99", took["press_to_earcon_ms"], 99, 100.0),
        _percentile("action to speech, kept answers, p95", took["action_to_speech_ms"], 95, 300.0),
        Bar("ready", figures["ready_s"], 5.0, "s", "process start to READY=1 and the earcon"),
        Bar("ready, spoken", figures["ready_spoken_s"], 5.0, "s", "process start to the greeting"),
        Bar("idle, of a core", figures["idle_core_percent"], 1.0, "%", "the whole process tree"),
        Bar("idle, wake-ups", figures["idle_wake_ups_a_second"], 10.0, "/s", "all threads"),
        Bar("memory, reading", figures["memory_reading_mb"], 600.0, "MB", "process tree, Pss"),
        Bar("memory, idle", figures["memory_idle_mb"], 600.0, "MB", "process tree, Pss"),
    ]
    if soak_actions:
        soaked = soak(soak_actions)
        detail = f"{soaked['actions']} random actions, {soaked['pages_read']} pages read"
        bars.append(Bar("memory growth", soaked["memory_growth_mb"], 5.0, "MB", detail))
        bars.append(Bar("failures in a soak", soaked["tracebacks"], 0.0, "", detail))
    return {
        "engines": engines,
        "buffer_ms": LATENCY_MS,
        "late_blocks": took["late_blocks"],
        "threads": threading.active_count(),
        "bars": [{**asdict(bar), "met": bar.met} for bar in bars],
    }


def _percentile(name: str, took_ms: list[float], percent: float, limit_ms: float) -> Bar:
    median, value, highest = np.percentile(took_ms, [50, percent, 100])
    detail = f"{len(took_ms)} times; median {median:.0f}, highest {highest:.0f}"
    return Bar(name, round(float(value), 1), limit_ms, "ms", detail)


def table(result: dict[str, Any]) -> str:
    """Return the report for people."""
    lines = [f"{'':<38} {'measured':>10} {'bar':>8}"]
    for bar in result["bars"]:
        mark = "" if bar["met"] else "  MISSED"
        value, limit = f"{bar['value']:.1f} {bar['unit']}", f"{bar['limit']:g} {bar['unit']}"
        lines.append(f"{bar['name']:<38} {value:>10} {limit:>8}{mark}   {bar['detail']}")
    return "\n".join(lines)


def as_json(result: dict[str, Any]) -> str:
    """Return the report for programs."""
    return json.dumps(result, indent=2)
