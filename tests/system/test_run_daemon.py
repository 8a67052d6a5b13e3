"""The real ``voxedge run --simulate`` in a process of its own: driven, heard, hurt and watched.

Its voice and its page reader are stand-ins (a hum, one page of text) in real worker processes; the
simple voice is espeak-ng itself.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from voxedge.actions import Action, State, intent
from voxedge.api.client import ControlClient
from voxedge.api.protocol import Status
from voxedge.audio.tape import read_tape
from voxedge.bench.running.soak import soak
from voxedge.errors import ActionUnfit, ControlRefused
from voxedge.speech.lines import SpeechClass

LEAFLET = Path(__file__).parents[2] / "voxedge" / "testing" / "data" / "leaflet.jpg"
RATE_HZ = 22_050

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"),
]


@dataclass
class Reader:
    """A running reader."""

    process: subprocess.Popen[bytes]
    folder: Path
    notes: socket.socket

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def tape(self) -> Path:
        return self.folder / "sound.wav"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def client(self) -> ControlClient:
        return ControlClient(self.folder / "control.sock")

    def do(self, action: Action, **arguments: str | int) -> None:
        with self.client() as client:
            client.do(intent(action, arguments))

    def say(self, speech_class: SpeechClass, text: str) -> None:
        with self.client() as client:
            client.say(speech_class, text)

    def status(self) -> Status:
        with self.client() as client:
            return client.status()

    def until(self, condition: Callable[[], bool], what: str, limit_s: float = 30.0) -> float:
        began_s = time.monotonic()
        while not condition():
            if time.monotonic() - began_s > limit_s or self.process.poll() is not None:
                pytest.fail(f"not within {limit_s} s: {what}\n{self.log[-3000:]}")
            time.sleep(0.02)
        return time.monotonic() - began_s

    def sentence(self) -> int:
        cursor = self.status().cursor
        return 0 if cursor is None else cursor.sentence

    def workers(self) -> dict[str, int]:
        """Part and process of each worker."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"PPid:\t{self.pid}\n" not in (entry / "status").read_text():
                    continue
                if b"voxedge.engines.worker" in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
        assert len(found) == 2, f"{len(found)} workers"
        # The voice is made first.
        return dict(zip(("voice", "page-reader"), sorted(found), strict=True))

    def loud_ms(self, since_ms: float) -> float:
        """How much of the sound since then was no silence."""
        samples = read_tape(self.tape)[round(since_ms * RATE_HZ / 1000) :]
        blocks = samples[: len(samples) // 220 * 220].reshape(-1, 220)
        return 10.0 * int(np.count_nonzero(np.abs(blocks).max(axis=1) > 0.01))

    def played_ms(self) -> float:
        return 1000.0 * len(read_tape(self.tape)) / RATE_HZ

    def note(self) -> str:
        return self.notes.recv(4096).decode()


@contextlib.contextmanager
def running(
    folder: Path, *, config: str = "", engines: str = "fake", watchdog: bool = True
) -> Iterator[Reader]:
    pictures = folder / "pictures"
    if not pictures.exists():
        pictures.mkdir()
        shutil.copy(LEAFLET, pictures)
        (folder / "settings.toml").write_text(config)
    notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path = folder / "notify"
    path.unlink(missing_ok=True)
    notes.bind(str(path))
    notes.settimeout(30.0)
    environment = {**os.environ, "NOTIFY_SOCKET": str(path), "PYTHONWARNINGS": "error"}
    if watchdog:
        environment["WATCHDOG_USEC"] = "2000000"
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "voxedge", "--config", str(folder / "settings.toml")),
                *("run", "--simulate", "--camera", str(pictures)),
                *("--sink", str(folder / "sound.wav"), "--state", str(folder / "state")),
                *("--socket", str(folder / "control.sock"), "--engines", engines),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
        )
    reader = Reader(process, folder, notes)
    try:
        while "READY=1" not in (note := reader.note()):
            assert "STOPPING" not in note, reader.log
        yield reader
    finally:
        process.kill()
        process.wait()
        notes.close()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with running(tmp_path) as found:
        yield found


def test_a_day_with_the_reader(reader: Reader) -> None:
    """First start, a page, moving about, stop, and an end in good order."""
    reader.until(lambda: reader.status().speaking, "the welcome")
    assert reader.status().state is State.IDLE
    reader.do(Action.READ)
    reader.until(lambda: reader.status().state is State.READING, "the page")
    reader.until(lambda: reader.sentence() == 3, "the third sentence")
    reader.do(Action.NEXT_SECTION)
    reader.until(lambda: reader.sentence() >= 7, "side effects")
    reader.do(Action.STOP)
    stopped_ms = reader.played_ms()
    assert reader.status().state is State.IDLE
    time.sleep(0.5)
    assert reader.loud_ms(stopped_ms + 120) == 0.0, "silent after the press earcon"
    with pytest.raises(ActionUnfit):
        reader.do(Action.MENU_NEXT)
    status = reader.status()
    assert status.document is not None
    assert not status.document.title, "no page text in a status"
    begun_s = time.monotonic()
    reader.process.terminate()
    assert reader.process.wait(5.0) == 0
    assert time.monotonic() - begun_s < 5.0
    assert "Traceback" not in reader.log
    assert "tablet" not in reader.log, "no page text in the log"
    assert "Headache" not in reader.log


def test_it_tells_systemd_how_it_is(reader: Reader) -> None:
    pings = 0
    while pings < 3:
        pings += "WATCHDOG=1" in reader.note()
    reader.process.send_signal(signal.SIGINT)
    while "STOPPING=1" not in reader.note():
        pass
    assert reader.process.wait(5.0) == 0


def test_a_loop_that_is_blocked_gets_no_ping(reader: Reader) -> None:
    reader.process.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    reader.notes.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while reader.note():
            pass
    time.sleep(1.5)
    with pytest.raises(BlockingIOError):
        reader.note()
    reader.process.send_signal(signal.SIGCONT)
    reader.notes.settimeout(10.0)
    while "WATCHDOG=1" not in reader.note():
        pass


def test_a_voice_killed_in_the_middle_of_a_sentence_leaves_no_silence(reader: Reader) -> None:
    reader.do(Action.READ)
    reader.until(lambda: reader.sentence() == 2, "the second sentence")
    voice = reader.workers()["voice"]
    os.kill(voice, signal.SIGKILL)
    killed_ms = reader.played_ms()
    reader.until(lambda: "worker voice failed" in reader.log, "the death is noticed")
    reader.until(lambda: reader.sentence() >= 4, "reading goes on")
    assert reader.status().state is State.READING
    # Of the 2.5 s that follow at least half are sound, pauses between sentences included.
    reader.until(lambda: reader.played_ms() > killed_ms + 2500, "more sound")
    assert reader.loud_ms(killed_ms) > 1000
    took_s = reader.until(lambda: reader.log.count("worker voice ready") == 2, "a new one", 5.0)
    assert took_s < 2.0


def test_a_page_reader_killed_is_back_for_the_next_page(reader: Reader) -> None:
    os.kill(reader.workers()["page-reader"], signal.SIGKILL)
    reader.do(Action.READ)
    reader.until(lambda: reader.status().state is State.READING, "the page is read all the same")


def test_settings_are_taken_and_bad_ones_are_not(reader: Reader) -> None:
    settings = reader.folder / "settings.toml"
    settings.write_text("[voice]\nrate = 1.5\n")
    reader.process.send_signal(signal.SIGHUP)
    reader.until(lambda: reader.status().voice.rate == 1.5, "the new speed")
    settings.write_text("[voice]\nrate = 'fast'\nspeed = 3\n")
    before_ms = reader.played_ms()
    reader.process.send_signal(signal.SIGHUP)
    reader.until(lambda: "must be a number" in reader.log, "the mistake is named in the log")
    assert reader.status().voice.rate == 1.5
    reader.until(lambda: reader.loud_ms(before_ms) > 500, "and told aloud")
    seen = ""
    while seen.count("READY=1") < 2:
        seen += reader.note()
    assert seen.count("RELOADING=1") >= 1


def test_what_was_saved_survives_a_kill(tmp_path: Path) -> None:
    with running(tmp_path) as reader:
        reader.do(Action.READ)
        reader.until(lambda: reader.status().state is State.READING, "the page")
        reader.do(Action.SAVE, title="Leaflet")
        reader.until(lambda: _saved(reader), "saved")
        reader.do(Action.SECTION, name="side effects")
        reader.until(lambda: reader.sentence() >= 8, "a place in it")
        place = reader.sentence()
        time.sleep(0.3)
        reader.process.kill()
        reader.process.wait()
    with running(tmp_path) as reader:
        assert reader.status().document is None
        reader.do(Action.RESUME_LAST)
        reader.until(lambda: reader.status().state is State.READING, "it goes on")
        status = reader.status()
        assert status.document is not None
        assert status.document.title == "Leaflet"
        assert abs(reader.sentence() - place) <= 1, "at most one sentence old"


def _saved(reader: Reader) -> bool:
    document = reader.status().document
    return document is not None and document.saved


def test_speed_and_loudness_are_remembered(tmp_path: Path) -> None:
    with running(tmp_path) as reader:
        reader.do(Action.FASTER)
        reader.do(Action.SOFTER)
        voice = reader.status().voice
        reader.process.terminate()
        assert reader.process.wait(5.0) == 0
    assert json.loads((tmp_path / "state" / "preferences.json").read_text())["rate"] == 1.1
    with running(tmp_path) as reader:
        assert reader.status().voice == voice


def test_others_may_speak_through_it(reader: Reader) -> None:
    reader.until(lambda: reader.status().speaking, "the welcome")
    before_ms = reader.played_ms()
    reader.say(SpeechClass.ALERT, "The kettle boils.")
    reader.until(lambda: reader.loud_ms(before_ms) > 300, "it is said")


def test_the_command_line_speaks_through_it(reader: Reader) -> None:
    reader.until(lambda: reader.status().speaking, "the welcome")
    before_ms = reader.played_ms()
    socket = ("--socket", str(reader.folder / "control.sock"))
    command = [sys.executable, "-m", "voxedge", "say", "--class", "alert", *socket]
    subprocess.run([*command, "The kettle boils."], timeout=30, check=True)
    reader.until(lambda: reader.loud_ms(before_ms) > 300, "it is said")
    refused = subprocess.run(
        [*command, "--out", "x.wav", "Hello"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert refused.returncode == 2
    assert "--out is its own" in refused.stderr


def test_a_second_reader_on_the_same_socket_ends_with_a_sentence(reader: Reader) -> None:
    second = subprocess.run(
        [
            *(sys.executable, "-m", "voxedge", "run", "--simulate", "--engines", "fake"),
            *("--sink", str(reader.folder / "other.wav"), "--state", str(reader.folder / "other")),
            *("--socket", str(reader.folder / "control.sock")),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == ControlRefused.exit_code
    assert "another reader listens" in second.stderr
    assert "Traceback" not in second.stderr
    assert reader.status().state is State.IDLE


def test_a_folder_that_is_none_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "voxedge", "run", "--simulate", "--camera", "/nowhere"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "folder of pictures" in done.stderr


def test_a_short_soak_of_random_actions() -> None:
    """The long one, with its bar on memory, is ``voxedge bench daemon --soak 10000``."""
    result = soak(500, seed=7)
    assert result.actions == 500
    assert result.pages_read == 2, "after each 250 it stops, reads a page and is heard"
    assert result.tracebacks == 0
    assert 0 < result.refused < 400
