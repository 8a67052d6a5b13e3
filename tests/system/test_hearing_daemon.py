"""Talking to the real ``voxedge run --simulate``: pocketsphinx hears, espeak-ng is the person."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from voxedge.actions import Action, State, intent
from voxedge.api.client import ControlClient
from voxedge.api.protocol import Status
from voxedge.audio.tape import read_tape

LEAFLET = Path(__file__).parents[2] / "voxedge" / "testing" / "data" / "leaflet.jpg"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"),
]


def speak(path: Path, phrase: str, voice: str = "en-us+m3") -> None:
    part = path.with_suffix(".part")
    command = ["espeak-ng", "-v", voice, "-s", "150", "-w", str(part), phrase]
    subprocess.run(command, check=True, timeout=20)
    part.rename(path)


class Talked:
    """A reader that is talked to."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process, self.folder = process, folder
        self._said = 0

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def do(self, action: Action) -> None:
        with ControlClient(self.folder / "control.sock") as client:
            client.do(intent(action))

    def status(self) -> Status:
        with ControlClient(self.folder / "control.sock") as client:
            return client.status()

    @property
    def sentence(self) -> int:
        cursor = self.status().cursor
        return -1 if cursor is None else cursor.sentence

    def until(self, condition: object, what: str, limit_s: float = 40.0) -> float:
        assert callable(condition)
        began_s = time.monotonic()
        while not condition():
            if time.monotonic() - began_s > limit_s or self.process.poll() is not None:
                pytest.fail(f"not within {limit_s} s: {what}\n{self.log[-3000:]}")
            time.sleep(0.06)
        return time.monotonic() - began_s

    def say(self, phrase: str, voice: str = "en-us+m3") -> None:
        """Tap the talk button and say something; nothing for an empty phrase."""
        if phrase:
            self._said += 1
            speak(self.folder / "mic" / f"{self._said:02}.wav", phrase, voice)
        self.do(Action.TALK)

    def read(self) -> None:
        """Have a page read, up to its side effects."""
        self.do(Action.READ)
        self.until(lambda: self.status().state is State.READING, "the page")
        self.until(lambda: self.sentence >= 6, "side effects")

    def recogniser(self) -> int:
        """The process that holds the acoustic model."""
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                ours = f"PPid:\t{self.process.pid}\n" in (entry / "status").read_text()
                if ours and "pocketsphinx" in (entry / "maps").read_text():
                    return int(entry.name)
        pytest.fail("no process has loaded pocketsphinx")

    def played_s(self) -> float:
        return len(read_tape(self.folder / "sound.wav")) / 22_050


@contextlib.contextmanager
def talking(folder: Path, config: str = "", microphone: bool = True) -> Iterator[Talked]:
    pictures = folder / "pictures"
    pictures.mkdir()
    shutil.copy(LEAFLET, pictures)
    (folder / "mic").mkdir()
    (folder / "settings.toml").write_text(config)
    command = [
        *(sys.executable, "-m", "voxedge", "--config", str(folder / "settings.toml")),
        *("run", "--simulate", "--camera", str(pictures), "--engines", "fake"),
        *("--sink", str(folder / "sound.wav"), "--state", str(folder / "state")),
        *("--socket", str(folder / "control.sock")),
        *(("--mic", str(folder / "mic")) if microphone else ()),
    ]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
    reader = Talked(process, folder)
    try:
        reader.until(lambda: "daemon: ready" in reader.log, "it is ready")
        reader.until(lambda: reader.status().speaking, "the welcome")
        yield reader
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Talked]:
    pytest.importorskip("pocketsphinx", reason="the extra 'hearing' is not installed")
    with talking(tmp_path) as found:
        found.until(lambda: "worker recogniser ready" in found.log, "the recogniser")
        yield found


def test_what_is_the_dose(reader: Talked) -> None:
    """Asked while it reads, it falls silent, listens, and reads the dose."""
    reader.read()
    reader.say("what is the dose")
    reader.until(lambda: "talk: listening" in reader.log, "the microphone is open")
    assert not reader.status().speaking, "silent while it listens"
    reader.until(lambda: "talking: understood section" in reader.log, "it is understood")
    reader.until(lambda: 1 <= reader.sentence <= 3, "it reads under 'Dosage'")
    reader.until(lambda: reader.status().speaking, "aloud")
    assert "Traceback" not in reader.log
    assert "dose" not in reader.log, "nothing that was said is in the log"


def test_silence_and_strange_speech_are_answered_and_reading_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="the extra 'hearing' is not installed")
    with talking(tmp_path, "[hearing]\nsilence_s = 2.0\n") as reader:
        reader.read()
        reader.say("")
        reader.until(lambda: "talk: silence" in reader.log, "patience ends")
        reader.until(lambda: reader.status().speaking, "it says so")
        reader.say("the weather is nice my friend")
        told = ("talk: not understood", "talk: unsure")
        reader.until(lambda: any(each in reader.log for each in told), "no command")
        here = reader.sentence
        reader.until(lambda: reader.sentence > here, "reading goes on by itself")
        assert "talking: understood" not in reader.log


def test_a_recogniser_killed_in_the_middle_of_an_utterance(reader: Talked) -> None:
    """Told, back, and nothing else disturbed; how soon is measured by ``voxedge bench asr``."""
    reader.read()
    reader.say("what is the dose what is the dose what is the dose")
    reader.until(lambda: "talk: listening" in reader.log, "the microphone is open")
    time.sleep(1.5)
    os.kill(reader.recogniser(), signal.SIGKILL)
    reader.until(lambda: reader.log.count("worker recogniser ready") == 2, "back")
    reader.until(lambda: "Understanding speech failed" in reader.log, "the person is told")
    here = reader.sentence
    reader.until(lambda: reader.sentence > here, "and reading goes on")
    assert reader.log.count("worker voice ready") == reader.log.count("worker page-reader ready")
    reader.say("what is the dose")
    reader.until(lambda: "talking: understood section" in reader.log, "it hears again")


def test_another_button_ends_the_listening(reader: Talked) -> None:
    reader.say("what is the dose")
    reader.until(lambda: "talk: listening" in reader.log, "the microphone is open")
    reader.do(Action.TIME)
    reader.until(lambda: "talk: ended" in reader.log, "it is closed")
    time.sleep(3.0)
    assert "talking: understood" not in reader.log


def test_a_wake_word_wakes_it_and_can_be_switched_off(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="the extra 'hearing' is not installed")
    with talking(tmp_path, '[hearing]\nwake_word = "okay reader"\n') as reader:
        speak(tmp_path / "mic" / "1.wav", "okay reader", "en-us+m7")
        speak(tmp_path / "mic" / "2.wav", "what is the dose")
        reader.do(Action.STOP)
        reader.until(lambda: "talking: woken" in reader.log, "woken")
        # No page is open, so it answers that.
        reader.until(
            lambda: "talking: understood section" in reader.log, "what follows is understood"
        )
        reader.do(Action.WAKE_WORD)
        speak(tmp_path / "mic" / "3.wav", "okay reader", "en-us+m7")
        time.sleep(4.0)
        assert reader.log.count("talking: woken") == 1
        reader.process.terminate()
        assert reader.process.wait(5.0) == 0
        assert '"wake_word": false' in (tmp_path / "state" / "preferences.json").read_text()


def test_without_a_microphone_the_button_says_so(tmp_path: Path) -> None:
    with talking(tmp_path, microphone=False) as reader:
        reader.do(Action.STOP)
        before_s = reader.played_s()
        reader.do(Action.TALK)
        reader.until(lambda: reader.status().speaking, "I have no microphone")
        reader.do(Action.TALK)
        reader.do(Action.READ)
        reader.until(lambda: reader.status().state is State.READING, "all else works")
        assert reader.played_s() > before_s
        assert "worker recogniser" not in reader.log, "nothing to listen to: nothing is loaded"


@pytest.mark.parametrize("damaged", [False, True], ids=["missing", "damaged"])
def test_without_a_sound_recogniser_the_button_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    pytest.importorskip("vosk", reason="the extra 'hearing' is not installed")
    monkeypatch.setenv("VOXEDGE_MODELS", str(tmp_path / "models"))
    model = tmp_path / "models" / "vosk-model-small-cn-0.22"
    if damaged:
        (model / "am").mkdir(parents=True)
        (model / "am" / "final.mdl").write_bytes(b"rot")
        (model / "voxedge-tree.sha256").write_text("0" * 64)
    with talking(tmp_path, '[hearing]\nlanguage = "zh"\n') as reader:
        why = "its files have changed" if damaged else "No recogniser is installed for 'zh'"
        reader.until(lambda: why in reader.log, "the log says why")
        reader.do(Action.STOP)
        reader.until(lambda: not reader.status().speaking, "silence")
        reader.do(Action.TALK)
        reader.until(lambda: reader.status().speaking, "the button says why")
        reader.do(Action.READ)
        reader.until(lambda: reader.status().state is State.READING, "all else works")
        assert "worker recogniser" not in reader.log


def test_a_recording_that_is_not_there_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "voxedge", "run", "--simulate", "--mic", "/nowhere.wav"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "--mic wants" in done.stderr
