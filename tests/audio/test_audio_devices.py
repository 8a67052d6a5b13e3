from __future__ import annotations

import asyncio
import builtins
import threading
import types

import numpy as np
import pytest

from voxedge.audio import devices, mixer_sink, output
from voxedge.audio.devices import OutputDevice, choose, list_outputs, outputs_from, parse_cards
from voxedge.audio.output import PortAudioSink
from voxedge.errors import NoSoundCard, SoundCardLost, SoundCardUnknown
from voxedge.flow import PcmChunk

CARDS = """\
 0 [vc4hdmi0       ]: vc4-hdmi - vc4-hdmi-0
                      vc4-hdmi-0
 1 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones
                      bcm2835 Headphones
 2 [Device         ]: USB-Audio - USB Audio Device
                      C-Media Electronics Inc. USB Audio Device at usb-0000:01:00.0-1.2
"""


def device(name, outputs=2, rate=44_100.0):
    return {"name": name, "max_output_channels": outputs, "default_samplerate": rate}


PORTAUDIO = [
    device("vc4-hdmi-0: MAI PCM i2s-hifi-0 (hw:0,0)"),
    device("bcm2835 Headphones: - (hw:1,0)", outputs=8),
    device("USB Audio Device: Audio (hw:2,0)", rate=48_000.0),
    device("USB Audio Device: Audio #1 (hw:2,1)", rate=48_000.0),
    device("Webcam: USB Audio (hw:3,0)", outputs=0),
    device("pulse", outputs=32),
    device("default", outputs=32),
]


@pytest.fixture
def present():
    return outputs_from(PORTAUDIO, 6, parse_cards(CARDS))


def test_cards_are_read_from_the_kernels_table():
    assert parse_cards(CARDS) == {0: "vc4hdmi0", 1: "Headphones", 2: "Device"}
    assert parse_cards("--- no soundcards ---\n") == {}


def test_only_what_plays_is_listed_and_labelled_by_card(present):
    assert [d.label for d in present] == [
        "hw:CARD=vc4hdmi0,DEV=0",
        "hw:CARD=Headphones,DEV=0",
        "hw:CARD=Device,DEV=0",
        "hw:CARD=Device,DEV=1",
        "pulse",
        "default",
    ]
    assert [d.default for d in present] == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        (None, "default"),
        ("default", "default"),
        ("pulse", "pulse"),
        ("hw:CARD=Device", "hw:CARD=Device,DEV=0"),
        ("plughw:CARD=Device,DEV=1", "hw:CARD=Device,DEV=1"),
        ("Device", "hw:CARD=Device,DEV=0"),
        ("headphones", "hw:CARD=Headphones,DEV=0"),
        ("USB Audio Device: Audio #1", "hw:CARD=Device,DEV=1"),
        ("hdmi", "hw:CARD=vc4hdmi0,DEV=0"),
    ],
)
def test_a_device_is_found_by_card_id_or_name(present, spec, label):
    assert choose(spec, present).label == label


@pytest.mark.parametrize("spec", ["2", "hw:2", "hw:2,0", "Speaker", "hw:CARD=Webcam", "", "  "])
def test_an_unknown_device_is_told_with_what_is_there(present, spec):
    with pytest.raises(SoundCardUnknown, match="hw:CARD=Headphones,DEV=0"):
        choose(spec, present)


@pytest.mark.parametrize("spec", [None, "Headphones"])
def test_no_device_at_all(spec):
    with pytest.raises(NoSoundCard):
        choose(spec, ())


def test_a_device_keeps_its_card_when_the_numbers_change(present):
    swapped = CARDS.replace(" 1 [Headphones ", " 2 [Headphones ").replace(
        " 2 [Device ", " 1 [Device "
    )
    moved = outputs_from(
        [device("bcm2835 Headphones: - (hw:2,0)"), device("USB Audio Device: Audio (hw:1,0)")],
        0,
        parse_cards(swapped),
    )
    assert choose("hw:CARD=Device", moved).name == "USB Audio Device: Audio (hw:1,0)"
    assert choose("hw:CARD=Device", present).name == "USB Audio Device: Audio (hw:2,0)"


# -- PortAudio replaced by a module that obeys ------------------------------------------------


class FakePortAudio(types.ModuleType):
    """What of ``sounddevice`` is used, with a stream that the test drives by hand."""

    class PortAudioError(Exception):
        pass

    def __init__(self):
        super().__init__("sounddevice")
        self.present = PORTAUDIO
        self.refuse = None
        self.streams = []
        self.default = types.SimpleNamespace(device=(-1, 6))
        self.restarts = 0

    def query_devices(self):
        return self.present

    def query_hostapis(self):
        return ()

    def _terminate(self):
        self.restarts += 1

    def _initialize(self):
        pass

    def OutputStream(self, **settings):
        if self.refuse:
            raise self.PortAudioError(self.refuse)
        stream = FakeStream(settings)
        self.streams.append(stream)
        return stream


class FakeStream:
    latency = 0.04

    def __init__(self, settings):
        self.settings = settings
        self.closed = False
        self.starts = 0
        self.refuse = None
        self.aborted = threading.Event()

    def start(self):
        if self.refuse:
            raise FakePortAudio.PortAudioError(self.refuse)
        self.starts += 1
        self.aborted.clear()

    def abort(self, ignore_errors):
        assert not self.closed, "PortAudio frees a stream that is closed"
        self.settings["finished_callback"]()
        self.aborted.set()

    def close(self, ignore_errors):
        assert not self.closed
        self.closed = True

    def pull(self, frames, *, lead_s=0.04, underflow=False):
        out = np.full((frames, self.settings["channels"]), 9.0, dtype=np.float32)
        when = types.SimpleNamespace(outputBufferDacTime=5.0 + lead_s, currentTime=5.0)
        status = types.SimpleNamespace(output_underflow=underflow)
        self.settings["callback"](out, frames, when, status)
        return out


@pytest.fixture
def portaudio(monkeypatch):
    fake = FakePortAudio()
    monkeypatch.setitem(__import__("sys").modules, "sounddevice", fake)
    monkeypatch.setattr(devices, "_read_cards", lambda: CARDS)
    return fake


def sound(frames, rate_hz):
    return PcmChunk(np.full(frames, 0.5, dtype=np.float32), rate_hz, last=True)


def test_the_stream_is_asked_for_as_documented(portaudio):
    async def main():
        sink = PortAudioSink("Device")
        await sink.close()
        await sink.close()

    asyncio.run(main())
    (stream,) = portaudio.streams
    assert stream.settings["device"] == 2
    assert stream.settings["samplerate"] == 48_000
    assert stream.settings["channels"] == 2
    assert stream.settings["blocksize"] == 0
    assert stream.settings["latency"] == 0.04
    assert stream.closed


def test_both_sides_hear_the_same_and_silence_follows(portaudio):
    async def main():
        sink = PortAudioSink()
        stream = portaudio.streams[0]
        await sink.write(sound(4_410, sink.rate_hz), 0)
        out = stream.pull(5_000)
        first_heard = sink.position
        generation = sink.stop()
        await sink.close()
        return out, first_heard, generation

    out, first_heard, generation = asyncio.run(main())
    np.testing.assert_array_equal(out[:, 0], out[:, 1])
    assert out[2_000, 0] == 0.5
    assert not np.any(out[4_410:])
    assert first_heard < 4_410, "what the callback took is not heard before the DAC's time"
    assert generation == 1


def test_stop_is_silent_in_the_very_next_block(portaudio):
    async def main():
        sink = PortAudioSink()
        stream = portaudio.streams[0]
        await sink.write(sound(20_000, sink.rate_hz), 0)
        stream.pull(4_410)
        sink.stop()
        out = stream.pull(4_410)
        await sink.close()
        return out[:, 0], sink.rate_hz

    out, rate_hz = asyncio.run(main())
    fade = round(0.008 * rate_hz)
    assert out[0] > 0.49
    assert not np.any(out[fade:])


@pytest.mark.parametrize("lead_s", [0.0, -5.0, 900.0])
def test_nonsense_from_the_devices_clock_does_not_stop_the_count(portaudio, lead_s):
    async def main():
        sink = PortAudioSink()
        mark = await sink.write(sound(441, sink.rate_hz), 0)
        portaudio.streams[0].pull(1_000, lead_s=lead_s)
        heard = await sink.heard(mark, 0)
        await sink.close()
        return heard

    assert asyncio.run(asyncio.wait_for(main(), 2.0))


def test_underflow_of_the_device_is_counted(portaudio):
    async def main():
        sink = PortAudioSink()
        portaudio.streams[0].pull(100, underflow=True)
        portaudio.streams[0].pull(100)
        await sink.close()
        return sink.underruns

    assert asyncio.run(main()) == 1


def test_loss_wakes_who_waits_and_the_card_is_found_again_on_its_new_number(portaudio):
    async def main():
        sink = PortAudioSink("Device")
        mark = await sink.write(sound(9_600, sink.rate_hz), 0)
        waiting = asyncio.create_task(sink.heard(mark, 0))
        await asyncio.sleep(0)
        # What PortAudio does when the card is pulled: no exception, only this.
        await asyncio.to_thread(portaudio.streams[0].settings["finished_callback"])
        with pytest.raises(SoundCardLost):
            await waiting
        with pytest.raises(SoundCardLost):
            await sink.write(sound(10, sink.rate_hz), sink.generation)
        portaudio.present = PORTAUDIO[:2]
        with pytest.raises(SoundCardUnknown):
            await sink.reopen()
        portaudio.present = PORTAUDIO[2:]
        await sink.reopen()
        mark = await sink.write(sound(960, sink.rate_hz), sink.generation)
        portaudio.streams[1].pull(2_000)
        heard = await sink.heard(mark, sink.generation)
        await sink.close()
        return heard

    assert asyncio.run(asyncio.wait_for(main(), 5.0))
    assert portaudio.restarts == 2, "PortAudio's list is frozen: it is started anew"
    assert portaudio.streams[1].settings["device"] == 0


async def parked(stream):
    assert await asyncio.to_thread(stream.aborted.wait, 5.0)
    await asyncio.sleep(0)


@pytest.mark.parametrize("wake", ["write", "earcon", "earcon from a button"])
def test_a_long_silence_parks_the_stream_and_the_next_sound_starts_it(portaudio, monkeypatch, wake):
    monkeypatch.setattr(output, "PARK_AFTER_S", 0.05)

    async def main():
        sink = PortAudioSink()
        stream = portaudio.streams[0]
        await parked(stream)
        assert sink.parked
        samples = sound(400, sink.rate_hz).samples
        if wake == "write":
            await sink.write(sound(400, sink.rate_hz), 0)
        elif wake == "earcon":
            sink.earcon(samples)
        else:
            await asyncio.to_thread(sink.earcon, samples)
        running = not sink.parked
        out = stream.pull(1_000)
        await parked(stream)
        await sink.close()
        return running, out, stream.starts, sink.failure

    running, out, starts, failure = asyncio.run(asyncio.wait_for(main(), 10.0))
    assert running
    assert starts == 2
    assert out.max() > 0.2
    assert failure is None


def test_a_long_pause_parks_the_stream_and_is_no_loss(portaudio, monkeypatch):
    monkeypatch.setattr(output, "PARK_AFTER_S", 0.05)
    monkeypatch.setattr(mixer_sink, "STALL_S", 0.05)

    async def main():
        sink = PortAudioSink()
        stream = portaudio.streams[0]
        mark = await sink.write(sound(4_000, sink.rate_hz), 0)
        listening = asyncio.create_task(sink.heard(mark, 0))
        stream.pull(1_000)
        sink.pause()
        stream.pull(1_000)
        await parked(stream)
        await asyncio.wait([listening], timeout=0.3)
        assert not listening.done()
        sink.resume()
        stream.pull(5_000)
        heard = await listening
        await sink.close()
        return heard, stream.starts

    assert asyncio.run(asyncio.wait_for(main(), 10.0)) == (True, 2)


def test_a_device_that_went_away_while_parked_is_lost_at_the_next_sound(portaudio, monkeypatch):
    monkeypatch.setattr(output, "PARK_AFTER_S", 0.05)

    async def main():
        sink = PortAudioSink()
        await parked(portaudio.streams[0])
        portaudio.streams[0].refuse = "Unanticipated host error [PaErrorCode -9999]"
        with pytest.raises(SoundCardLost):
            await sink.write(sound(400, sink.rate_hz), 0)
        await sink.reopen()
        mark = await sink.write(sound(400, sink.rate_hz), sink.generation)
        await sink.close()
        return mark

    assert asyncio.run(asyncio.wait_for(main(), 10.0)) == 400


def test_a_busy_card(portaudio):
    portaudio.refuse = "Device unavailable [PaErrorCode -9985]"

    async def main():
        PortAudioSink("Headphones")

    with pytest.raises(NoSoundCard, match=r"Headphones.*unavailable"):
        asyncio.run(main())


def test_no_card(portaudio):
    portaudio.present = []
    with pytest.raises(NoSoundCard):
        choose(None, list_outputs())


@pytest.mark.parametrize(
    ("error", "hint"), [(OSError("no lib"), "libportaudio2"), (ImportError("no"), "sounddevice")]
)
def test_portaudio_missing_is_told_with_how_to_install_it(monkeypatch, error, hint):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "sounddevice":
            raise error
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(NoSoundCard, match=hint):
        list_outputs()


def test_label_of_a_device_that_is_no_hardware():
    assert OutputDevice(0, "pulse", None, None, 2, 44_100).label == "pulse"
