from __future__ import annotations

import asyncio

import numpy as np
import pytest
import soundfile

from voxedge.audio.file import FileSink
from voxedge.errors import OcrFailed, SoundCardLost, VoiceFailed
from voxedge.flow import Utterance
from voxedge.speech.lines import Place
from voxedge.speech.planner import plan_text
from voxedge.speech.speak import speak_stream
from voxedge.testing.fake_audio import FakeSink, run_virtual
from voxedge.testing.fake_voice import FakeVoice, FakeVoiceTimes, Misdeed

TEXT = "Before you take this medicine, read the leaflet. Do not chew."


def test_report_of_a_reading_to_its_end():
    async def main():
        sink = FakeSink(48_000)
        voice = FakeVoice(22_050, times=FakeVoiceTimes(first_chunk_s=0.2))
        report = await speak_stream(plan_text(TEXT), voice, sink)
        await sink.close()
        return report, asyncio.get_running_loop().time()

    report, took_s = run_virtual(main())
    assert report.first_audio_ms == pytest.approx(220, abs=30)
    assert report.utterances_spoken == 3
    assert report.underruns == 0
    assert not report.stopped
    assert report.place == Place(0, 0, 1)
    assert took_s > 0.04 * len(TEXT), "not before the device has played it"


def test_stop_from_outside_is_in_the_report():
    async def main():
        sink = FakeSink()
        owners = []
        speaking = asyncio.create_task(
            speak_stream(plan_text(TEXT), FakeVoice(), sink, on_owner=owners.append)
        )
        await asyncio.sleep(0.5)
        owners[0].stop()
        report = await speaking
        await sink.close()
        return report

    report = run_virtual(main())
    assert report.stopped
    assert report.utterances_spoken == 0
    assert report.place is None


def test_nothing_to_say():
    async def main():
        sink = FakeSink()
        report = await speak_stream([], FakeVoice(), sink)
        await sink.close()
        return report

    report = run_virtual(main())
    assert report.first_audio_ms is None
    assert (report.utterances_spoken, report.stopped) == (0, False)


@pytest.mark.parametrize("misdeed", [Misdeed.CRASH, Misdeed.HANG])
def test_a_failing_voice_without_another_is_raised(misdeed):
    async def main():
        sink = FakeSink()
        try:
            await speak_stream([Utterance("a b c")], FakeVoice(misdeeds={"a b c": misdeed}), sink)
        finally:
            await sink.close()

    with pytest.raises(VoiceFailed, match="fake"):
        run_virtual(main())


def test_what_was_recognised_before_ocr_failed_is_spoken():
    async def script():
        yield Utterance("the first block")
        raise OcrFailed(reason="tesseract died")

    async def main():
        sink = FakeSink()
        voice = FakeVoice()
        with pytest.raises(OcrFailed, match="tesseract died"):
            await speak_stream(script(), voice, sink)
        await sink.close()
        return np.count_nonzero(np.abs(sink.samples) > 0.1), len(voice.hum("the first block"))

    sounding, whole = run_virtual(main())
    assert sounding > 0.6 * whole


def test_a_lost_loudspeaker_is_raised_as_itself():
    async def main():
        sink = FakeSink()
        speaking = asyncio.create_task(speak_stream(plan_text(TEXT), FakeVoice(), sink))
        await asyncio.sleep(0.5)
        sink.vanish()
        try:
            await speaking
        finally:
            await sink.close()

    with pytest.raises(SoundCardLost):
        run_virtual(main())


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_into_a_file_at_the_rate_of_the_file(tmp_path, rate_hz):
    path = tmp_path / "speech.flac"

    async def main():
        sink = FileSink(path, rate_hz)
        report = await speak_stream(plan_text(TEXT), FakeVoice(16_000), sink)
        await sink.close()
        return report

    report = asyncio.run(main())
    got, got_hz = soundfile.read(path)
    assert report.utterances_spoken == 3
    lines = list(plan_text(TEXT))
    wanted_s = sum(0.04 * len(x.utterance.text) + x.utterance.pause_after_ms / 1000 for x in lines)
    assert got_hz == rate_hz
    assert len(got) / rate_hz == pytest.approx(wanted_s, abs=0.01)


def test_interrupted_file_is_valid_and_ends_in_a_fade(tmp_path):
    """Ctrl-C cancels the task; what was spoken so far is kept."""
    path = tmp_path / "speech.wav"

    async def main():
        sink = FileSink(path, 16_000)
        voice = FakeVoice(times=FakeVoiceTimes(first_chunk_s=0.01, chunk_s=0.05))
        task = asyncio.create_task(speak_stream(plan_text(TEXT * 20), voice, sink))
        await asyncio.sleep(0.7)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await sink.close()

    run_virtual(main())
    got, _ = soundfile.read(path, dtype="float32")
    assert len(got) > 8_000
    assert np.abs(got[-3:]).max() < 0.01
    assert np.abs(got[-400:]).max() > 0.1
