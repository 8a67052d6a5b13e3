"""The real PortAudio, without a sound card.

Content goes through ALSA's user-space ``file`` plugin, which takes samples as fast as they come:
the callback is slowed to the real rate. Loss of a device is a PulseAudio server that is killed.
Each runs in a process of its own, because PortAudio and ALSA read their settings once.
"""

from __future__ import annotations

import ctypes.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

ALSA_CONF = Path("/usr/share/alsa/alsa.conf")
REPO = Path(__file__).parents[2]
RATE_HZ = 44_100

pytestmark = pytest.mark.skipif(
    not ALSA_CONF.exists() or ctypes.util.find_library("portaudio") is None,
    reason="needs libportaudio2 and libasound2-data",
)


def run_script(script, conf, **more):
    env = {
        **os.environ,
        "ALSA_CONFIG_PATH": f"{ALSA_CONF}:{conf}",
        "PYTHONPATH": str(REPO),
        # sounddevice 0.5.6 sets the shape of an array, which NumPy 2.5 calls deprecated.
        "PYTHONWARNINGS": "error,ignore:Setting the shape:DeprecationWarning",
        **more,
    }
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


PLAY = """
import asyncio, json, sys, time
import numpy as np
from voxedge.audio.output import PortAudioSink
from voxedge.flow import PcmChunk

async def main():
    sink = PortAudioSink(None)
    render = sink._mixer.render
    def paced(out, due_s):
        time.sleep(len(out) / sink.rate_hz)
        render(out, due_s)
    sink._mixer.render = paced
    rate = sink.rate_hz
    seconds = np.arange(rate) / rate
    chirp = (0.5 * np.sin(2 * np.pi * (200 + 1500 * seconds) * seconds)).astype(np.float32)
    for start in range(0, rate, 3000):
        last = start + 3000 >= rate
        mark = await sink.write(PcmChunk(chirp[start:start + 3000], rate, last), 0)
    heard = await sink.heard(mark, 0)
    starved = [sink.underruns]
    await asyncio.sleep(0.2)
    flat = np.full(rate // 2, 0.5, dtype=np.float32)
    await sink.write(PcmChunk(flat, rate), 0)
    await asyncio.sleep(0.3)
    generation = sink.stop()
    late = await sink.write(PcmChunk(flat, rate), 0)
    await asyncio.sleep(0.3)
    starved.append(sink.underruns)
    await sink.write(PcmChunk(flat[: rate // 10], rate), generation)
    await asyncio.sleep(0.3)
    starved.append(sink.underruns)
    await sink.close()
    print(json.dumps({"name": sink.name, "rate": rate, "heard": heard, "late": late,
                      "starved": starved}))

asyncio.run(main())
"""


def test_what_leaves_portaudio(tmp_path):
    out = tmp_path / "out.wav"
    conf = tmp_path / "asound.conf"
    conf.write_text(
        f'pcm.rawfile {{ type file slave.pcm "null" file "{out}" format "wav" }}\n'
        "pcm.voxout { type plug slave { pcm rawfile format S16_LE rate 44100 channels 2 } }\n"
        'pcm.!default { type asym playback.pcm "voxout" capture.pcm "null" }\n'
        "ctl.!default { type hw card 0 }\n"
    )
    process = run_script(PLAY, conf)
    printed, complaints = process.communicate(timeout=60)
    assert process.returncode == 0, complaints
    told = json.loads(printed)
    assert told["rate"] == RATE_HZ
    assert told["heard"] is True
    assert told["late"] is None
    assert told["starved"] == [0, 0, 1]

    got, rate_hz = soundfile.read(out, dtype="float32")
    assert rate_hz == RATE_HZ
    np.testing.assert_array_equal(got[:, 0], got[:, 1])
    sound = got[:, 0]
    fade = round(0.008 * RATE_HZ)

    # One: the second of speech left as it was written, to a step of 16 bits, but for its fades.
    seconds = np.arange(RATE_HZ) / RATE_HZ
    chirp = (0.5 * np.sin(2 * np.pi * (200 + 1500 * seconds) * seconds)).astype(np.float32)
    begin = int(np.flatnonzero(sound)[0])
    lags = [
        lag
        for lag in range(begin - 20, begin + 5)
        if lag >= 0
        and np.allclose(
            sound[lag + fade : lag + RATE_HZ - fade], chirp[fade:-fade], atol=1.6 / 32768
        )
    ]
    assert len(lags) == 1
    after = lags[0] + RATE_HZ
    assert not np.any(sound[after : after + RATE_HZ // 10])

    # Two: the stop fell along the fade and what was queued behind it never left.
    rest = sound[after:]
    steepest = 0.5 * np.pi / 2 / fade + 2 / 32768
    assert np.abs(np.diff(rest)).max() <= steepest
    loud = np.flatnonzero(rest > 0.49)
    bursts = np.split(loud, np.flatnonzero(np.diff(loud) > 1) + 1)
    assert len(bursts) == 2, "the stopped sound, and the one after it"
    stopped, starved = (len(burst) / RATE_HZ for burst in bursts)
    assert 0.1 < stopped < 0.45
    assert starved == pytest.approx(0.1 - 0.016, abs=0.005)
    assert not np.any(rest[bursts[0][-1] + fade : bursts[1][0] - fade])


LOSE = """
import asyncio, json, sys, time
import numpy as np
from voxedge.audio.output import PortAudioSink
from voxedge.errors import NoSoundCard, SoundCardLost, SoundCardUnknown
from voxedge.flow import PcmChunk

async def main():
    sink = PortAudioSink(None, latency_ms=200.0)
    tone = np.full(sink.rate_hz, 0.1, dtype=np.float32)
    await sink.write(PcmChunk(tone, sink.rate_hz), 0)
    print("playing", flush=True)
    try:
        while True:
            await sink.write(PcmChunk(tone, sink.rate_hz), 0)
    except SoundCardLost as error:
        print(json.dumps(str(error)), flush=True)
    try:
        await sink.reopen()
    except (NoSoundCard, SoundCardUnknown):
        print("absent", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await sink.reopen()
    generation = sink.generation
    mark = await sink.write(PcmChunk(tone[:4000], sink.rate_hz, True), generation)
    print("heard" if await sink.heard(mark, generation) else "not heard", flush=True)
    await sink.close()

asyncio.run(asyncio.wait_for(main(), 40))
"""


class PulseServer:
    """A sound server of our own: nothing of the machine's is touched."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = folder / "native"
        (folder / "default.pa").write_text(
            f"load-module module-native-protocol-unix socket={self.socket} auth-anonymous=1\n"
            "load-module module-null-sink sink_name=voxedge rate=44100\n"
        )
        self.process = None

    def start(self):
        self.socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [
                "pulseaudio",
                "-n",
                "-F",
                str(self.folder / "default.pa"),
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--use-pid-file=no",
                "--disable-shm=yes",
            ],
            env={**os.environ, "HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 15
        while not self.socket.exists():
            if time.monotonic() > deadline or self.process.poll() is not None:
                pytest.skip("a PulseAudio server does not start here")
            time.sleep(0.05)  # The server has no other sign of being ready.

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def pulse(tmp_path):
    """A running sound server, and an ALSA configuration whose default device it is."""
    if shutil.which("pulseaudio") is None:
        pytest.skip("needs pulseaudio")
    if not list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
        pytest.skip("needs libasound2-plugins")
    server = PulseServer(tmp_path)
    conf = tmp_path / "asound.conf"
    conf.write_text(f'pcm.!default {{ type pulse server "unix:{server.socket}" }}\n')
    server.start()
    yield server, conf
    server.kill()


def test_a_device_that_vanishes_and_comes_back(pulse, tmp_path):
    server, conf = pulse
    # A cookie file is made where HOME is.
    process = run_script(LOSE, conf, HOME=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path))
    try:
        assert process.stdout.readline() == "playing\n", process.stderr.read()
        server.kill()
        assert "vanished" in process.stdout.readline()
        assert process.stdout.readline() == "absent\n"
        server.start()
        process.stdin.write("back\n")
        process.stdin.flush()
        assert process.stdout.readline() == "heard\n", process.stderr.read()
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.communicate()


def test_the_command_line_tells_that_the_card_vanished_mid_sentence(pulse, tmp_path):
    server, conf = pulse
    process = subprocess.Popen(
        [sys.executable, "-m", "voxedge", "--debug", "say", "This goes on for a while. " * 40],
        env={
            **os.environ,
            "ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{conf}",
            "HOME": str(tmp_path),
            "XDG_RUNTIME_DIR": str(tmp_path),
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in process.stderr:
            if "first audio" in line:
                break
        server.kill()
        rest = process.stderr.read()
        assert process.wait(timeout=20) == 12, rest
        assert rest.strip().splitlines()[-1].startswith("voxedge: The sound card vanished")
    finally:
        process.kill()
        process.communicate()
