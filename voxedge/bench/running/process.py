"""A real ``voxedge run`` in a process of its own: start, memory, idling."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voxedge.actions import Action, State, intent
from voxedge.api.client import ControlClient
from voxedge.audio.tape import HEADER_BYTES
from voxedge.models.progress import Progress

_POLL_S = 0.06
"""A control connection may ask 20 times a second."""


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
        picture = Path(__file__).parents[2] / "testing" / "data" / "leaflet.jpg"
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


def own_memory_mb(pid: int) -> float:
    """Return what a process holds for itself: its anonymous pages.

    A leak shows here alone. Pages of libraries count for more in Pss when another program that
    has them open ends, which looked like a leak of 10 MB on a busy machine.
    """
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise LookupError("the kernel does not tell RssAnon")


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


def process_figures(engines: str, progress: Progress, idle_s: float = 30.0) -> dict[str, float]:
    """Start, read a page, idle; return seconds, megabytes and shares of a core."""
    figures: dict[str, float] = {}
    progress.start("starting, reading, idling", 3, "looks")
    with reader(engines, tape=True) as running:
        figures["ready_s"] = running.ready_s
        spoken_s = until(lambda: heard_ms(running.folder / "sound.wav") > 300, 20.0)
        figures["ready_spoken_s"] = running.ready_s + spoken_s
        with running.client() as client:
            client.do(intent(Action.READ))
            until(lambda: client.status().state is State.READING, 60.0)
            time.sleep(5.0)
            figures["memory_reading_mb"] = memory_mb(tree(running.pid))
    progress.advance(1)
    with reader(engines, tape=False, silent_card=True) as running:
        until(lambda: "own phrases are kept" in running.log, 240.0)
        with running.client() as client:
            client.do(intent(Action.STOP))
        time.sleep(15.0)  # The stream is parked 10 s after the last sound.
        progress.advance(1)
        pids = tree(running.pid)
        cpu_s, wake_ups = _cpu_s(pids), _wake_ups(pids)
        time.sleep(idle_s)
        figures["idle_core_percent"] = 100.0 * (_cpu_s(pids) - cpu_s) / idle_s
        figures["idle_wake_ups_a_second"] = (_wake_ups(pids) - wake_ups) / idle_s
        figures["memory_idle_mb"] = memory_mb(pids)
    progress.finish()
    return figures


def heard_ms(tape: Path, after_bytes: int = HEADER_BYTES) -> float:
    """Return how much speech is on a tape: its loud blocks, less the earcon of 370 ms.

    Args:
        tape: 16-bit mono, as the paced sink of a simulated reader writes it; it grows while it
            is read.
        after_bytes: look at what was written behind this place only.
    """
    with tape.open("rb") as file:
        file.seek(after_bytes // 2 * 2)
        data = file.read()
    samples = np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2")
    blocks = samples[: len(samples) // 220 * 220].reshape(-1, 220)
    return 10.0 * int(np.count_nonzero(np.abs(blocks).max(axis=1, initial=0) > 330)) - 370.0


def until(condition: Callable[[], bool], limit_s: float) -> float:
    """Wait for a condition; return how long that took, in seconds.

    Raises:
        TimeoutError: it did not come true within ``limit_s``.
    """
    begun_s = time.monotonic()
    while not condition():
        if time.monotonic() - begun_s > limit_s:
            raise TimeoutError("the reader did not get there")
        time.sleep(_POLL_S)
    return time.monotonic() - begun_s
