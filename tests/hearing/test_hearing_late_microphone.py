"""A microphone that is plugged in after the start: PortAudio does not know it, ALSA does."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from voxedge.audio import alsa_capture, capture
from voxedge.audio.alsa_capture import NO_INDEX, AlsaStream, late_inputs
from voxedge.audio.capture import Microphone, choose_microphone, list_inputs
from voxedge.audio.devices import OutputDevice, is_gone
from voxedge.errors import MicrophoneLost, MicrophoneMissing

CARDS = " 0 [Headphones     ]: bcm2835 - Headphones\n"
LATE_CARDS = CARDS + " 1 [Device         ]: USB-Audio - USB Audio Device\n"
PCM = "00-00: bcm2835 : bcm2835 : playback 8\n"
LATE_PCM = PCM + (
    "01-00: USB Audio : USB Audio : playback 1 : capture 1\n01-01: USB Audio #1 : x : playback 1\n"
)


class FakeAlsa:
    """ALSA's library with one card, which can be pulled out."""

    def __init__(self) -> None:
        self.refused = 0
        self.plugged = True
        self.opened: list[str] = []
        self.closed = 0
        self.recovered: list[int] = []
        self.trouble: list[int] = []
        self._paced = threading.Event()

    def snd_pcm_open(self, _handle: Any, name: bytes, stream: int, _mode: int) -> int:
        assert stream == 1
        self.opened.append(name.decode())
        return self.refused

    def snd_pcm_set_params(self, _pcm: Any, *parameters: int) -> int:
        assert parameters == (2, 3, 1, 16_000, 1, 50_000)
        return 0

    def snd_pcm_start(self, _pcm: Any) -> int:
        return 0

    def snd_pcm_wait(self, _pcm: Any, wait_ms: int) -> int:
        self._paced.wait(0.001)
        if self.trouble:
            return self.trouble.pop()
        return 1 if self.plugged else -19

    def snd_pcm_readi(self, _pcm: Any, buffer: Any, count: int) -> int:
        for index in range(count):
            buffer[index] = 16_384
        return count

    def snd_pcm_recover(self, _pcm: Any, code: int, _silent: int) -> int:
        self.recovered.append(code)
        return 0 if code == -32 else code

    def snd_pcm_close(self, _pcm: Any) -> int:
        self.closed += 1
        return 0

    def snd_strerror(self, _code: int) -> bytes:
        return b"Device or resource busy"


class Plug:
    """The machine: PortAudio started while nothing could hear; a card may come."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.alsa = FakeAlsa()
        self._cards, self._pcm = folder / "cards", folder / "pcm"
        self._cards.write_text(CARDS)
        self._pcm.write_text(PCM)
        portaudio = SimpleNamespace(
            query_devices=lambda: [
                {"name": "bcm2835: - (hw:0,0)", "max_input_channels": 0, "default_samplerate": 48e3}
            ],
            default=SimpleNamespace(device=(-1, 0)),
            PortAudioError=RuntimeError,
        )
        patch.setattr(capture, "load_portaudio", lambda: portaudio)
        patch.setattr(capture, "_read_cards", self._cards.read_text)
        patch.setattr(capture, "ALSA_PCM", self._pcm)
        patch.setattr(alsa_capture, "_load", lambda: self.alsa)

    def plug_in(self) -> None:
        self._cards.write_text(LATE_CARDS)
        self._pcm.write_text(LATE_PCM)


@pytest.fixture
def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plug:
    return Plug(tmp_path, monkeypatch)


def test_a_card_that_portaudio_does_not_know_is_found_by_its_id() -> None:
    (late,) = late_inputs((), LATE_PCM, {0: "Headphones", 1: "Device"})
    assert late == OutputDevice(NO_INDEX, "USB Audio", "Device", 0, 1, 16_000)
    known = OutputDevice(3, "USB Audio: x (hw:1,0)", "Device", 0, 2, 48_000)
    assert late_inputs((known,), LATE_PCM, {1: "Device"}) == ()
    assert late_inputs((), "", {}) == ()


def test_a_card_that_has_gone_is_not_offered() -> None:
    gone = OutputDevice(3, "USB Audio: x (hw:1,0)", None, 0, 2, 48_000)
    assert is_gone(gone, {0: "Headphones"})
    assert not is_gone(gone, {1: "Device"})
    assert not is_gone(gone, {})  # no table: nothing is known
    assert not is_gone(OutputDevice(4, "pulse", None, None, 2, 48_000), {0: "Headphones"})


def test_a_microphone_plugged_in_later_is_heard(plug: Plug) -> None:
    with pytest.raises(MicrophoneMissing, match="none is connected"):
        choose_microphone(None, list_inputs())
    plug.plug_in()
    assert choose_microphone("hw:CARD=Device", list_inputs()).card_id == "Device"

    async def listen() -> np.ndarray:
        async with aclosing(Microphone().pieces()) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                return piece
        raise AssertionError("it gave nothing")

    piece = asyncio.run(listen())
    assert plug.alsa.opened == ["plughw:CARD=Device,DEV=0"]
    assert abs(int(np.median(piece)) - 16_383) <= 1
    assert plug.alsa.closed == 1


def test_pulled_out_again_it_is_lost(plug: Plug) -> None:
    plug.plug_in()

    async def listen() -> None:
        async with aclosing(Microphone().pieces()) as pieces:  # type: ignore[type-var]
            async for _ in pieces:
                plug.alsa.plugged = False

    with pytest.raises(MicrophoneLost):
        asyncio.run(listen())
    assert plug.alsa.recovered[-1] == -19


def test_an_overrun_is_mended(plug: Plug) -> None:
    plug.alsa.trouble = [-32]
    heard = threading.Event()
    stream = AlsaStream("plughw:CARD=Device,DEV=0", lambda _: heard.set(), lambda: None, plug.alsa)
    assert heard.wait(10)
    stream.abort()
    stream.close()
    assert plug.alsa.recovered == [-32]
    assert plug.alsa.closed == 1


def test_a_busy_one_is_told(plug: Plug) -> None:
    plug.plug_in()
    plug.alsa.refused = -16

    async def listen() -> None:
        async for _ in Microphone().pieces():
            raise AssertionError("nothing is open")

    with pytest.raises(MicrophoneMissing, match="hw:CARD=Device,DEV=0: Device or resource busy"):
        asyncio.run(listen())


REAL = """
import json, sys, threading
import numpy as np
from voxedge.audio.alsa_capture import AlsaStream
blocks, enough = [], threading.Event()
def on_block(block):
    blocks.append(block)
    if sum(map(len, blocks)) >= 16000:
        enough.set()
stream = AlsaStream("plug:voxin", on_block, lambda: None)
assert enough.wait(20)
stream.close()
sound = np.concatenate(blocks)[:16000]
hz = int(np.argmax(np.abs(np.fft.rfft(sound))))
try:
    AlsaStream("nothing-of-that-name", on_block, lambda: None)
except OSError as error:
    refused = bool(error.strerror)
print(json.dumps({"hz": hz, "peak": round(float(np.abs(sound).max()), 2), "refused": refused}))
"""


def test_real_alsa_gives_16_khz_mono(tmp_path: Path) -> None:
    # Stereo at 48 kHz through ALSA's file plugin, as from a USB card.
    seconds = np.arange(3 * 48_000) / 48_000
    tone = 0.5 * np.sin(2 * np.pi * 440 * seconds)
    raw = tmp_path / "in.raw"
    soundfile.write(
        str(raw), np.stack([tone, tone], axis=1), 48_000, format="RAW", subtype="PCM_16"
    )
    conf = tmp_path / "asound.conf"
    conf.write_text(
        f'pcm.rawin {{ type file slave.pcm "null" file "/dev/null" infile "{raw}" format "raw" }}\n'
        "pcm.voxin { type plug slave { pcm rawin format S16_LE rate 48000 channels 2 } }\n"
    )
    environment = {
        **os.environ,
        "ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{conf}",
    }
    done = subprocess.run(
        [sys.executable, "-c", REAL], env=environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout.splitlines()[-1])
    # ALSA's own linear resampler, and a file that is read faster than time passes.
    assert got["hz"] == pytest.approx(440, abs=5)
    assert got["peak"] == pytest.approx(0.5, abs=0.1)
    assert got["refused"]
