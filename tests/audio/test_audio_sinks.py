from __future__ import annotations

import asyncio
import os
import resource
import sys

import numpy as np
import pytest
import soundfile

from voxedge.audio.earcons import Earcon, render
from voxedge.audio.file import FileSink
from voxedge.audio.paced import SilentSink
from voxedge.audio.resample import StreamResampler, resample
from voxedge.errors import DiskFull, OutputUnwritable, SoundCardLost
from voxedge.flow import PcmChunk
from voxedge.testing.fake_audio import FakeSink, run_virtual

RATE_HZ = 16_000


def tone(seconds, hz=440.0, rate_hz=RATE_HZ, level=0.5):
    turns = 2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz
    return (level * np.sin(turns)).astype(np.float32)


def chunk(samples, *, last=False, rate_hz=RATE_HZ):
    return PcmChunk(samples, rate_hz, last)


# -- files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
def test_file_holds_what_was_written(tmp_path, suffix):
    path = tmp_path / f"speech{suffix}"
    sound = tone(1.0)

    async def main():
        sink = FileSink(path, RATE_HZ)
        for start in range(0, len(sound), 999):
            end = start + 999
            mark = await sink.write(chunk(sound[start:end], last=end >= len(sound)), 0)
        assert mark == len(sound)
        assert await sink.heard(mark, 0)
        assert not path.exists(), "the name is given when the file is whole"
        await sink.close()
        await sink.close()

    asyncio.run(main())
    got, rate_hz = soundfile.read(path, dtype="float32")
    assert rate_hz == RATE_HZ
    np.testing.assert_allclose(got, sound, atol=1 / 32767)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_what_was_spoken_before_an_interruption_is_kept_with_a_fade(tmp_path):
    path = tmp_path / "speech.wav"

    async def main():
        sink = FileSink(path, RATE_HZ)
        await sink.write(chunk(np.full(8_000, 0.5, dtype=np.float32)), 0)
        generation = sink.stop()
        assert await sink.write(chunk(tone(1.0)), 0) is None
        assert not await sink.heard(1, 0)
        assert generation == sink.generation == 1
        await sink.close()

    asyncio.run(main())
    got, _ = soundfile.read(path, dtype="float32")
    assert len(got) == 8_000
    assert abs(got[-1]) < 0.001
    assert np.abs(np.diff(got)).max() < 0.01


def test_a_file_that_was_there_is_replaced_only_by_a_whole_one(tmp_path):
    path = tmp_path / "speech.wav"
    path.write_bytes(b"precious")

    async def main():
        sink = FileSink(path, RATE_HZ)
        await sink.write(chunk(tone(1.0)), 0)
        assert path.read_bytes() == b"precious"
        await sink.close()

    asyncio.run(main())
    assert path.read_bytes()[:4] == b"RIFF"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("speech.mp3", "end in"), ("speech", "end in"), ("no/such/speech.wav", "No such file")],
)
def test_unwritable_names(tmp_path, name, reason):
    async def main():
        FileSink(tmp_path / name, RATE_HZ)

    with pytest.raises(OutputUnwritable, match=reason):
        asyncio.run(main())
    assert not list(tmp_path.iterdir())


def test_folder_instead_of_a_file(tmp_path):
    (tmp_path / "speech.wav").mkdir()
    with pytest.raises(OutputUnwritable, match="directory"):
        FileSink(tmp_path / "speech.wav", RATE_HZ)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_full_disk_leaves_nothing_behind_and_the_old_file_alone(tmp_path, suffix):
    """A limit on file size is a full disk that needs no root: EFBIG in the place of ENOSPC."""
    path = tmp_path / f"speech{suffix}"
    path.write_bytes(b"precious")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 80_000).astype(np.float32)

    async def main():
        sink = FileSink(path, RATE_HZ)
        try:
            for _ in range(40):
                await sink.write(chunk(noise), 0)
        finally:
            await sink.close()

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(DiskFull):
            asyncio.run(main())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"precious"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_a_device_that_is_full(tmp_path):
    """The kernel's own ENOSPC, through a link that has the right suffix."""
    link = tmp_path / "speech.wav"
    link.symlink_to("/dev/full")

    async def main():
        sink = FileSink(link, RATE_HZ)
        try:
            for _ in range(40):
                await sink.write(chunk(tone(5.0)), 0)
        finally:
            await sink.close()

    with pytest.raises(DiskFull):
        asyncio.run(main())
    assert link.is_symlink()


def test_volume_of_a_file_goes_through_the_limiter(tmp_path):
    path = tmp_path / "speech.wav"

    async def main():
        sink = FileSink(path, RATE_HZ, volume=4.0)
        await sink.write(chunk(tone(0.5), last=True), 0)
        await sink.close()

    asyncio.run(main())
    got, _ = soundfile.read(path, dtype="float32")
    assert 0.95 < np.abs(got).max() < 1.0


# -- sinks that play in time ----------------------------------------------------------------


def test_write_waits_for_room_and_heard_for_the_device():
    async def main():
        loop = asyncio.get_running_loop()
        sink = FakeSink(RATE_HZ, latency_ms=100.0)
        mark = await sink.write(chunk(tone(5.0), last=True), 0)
        written_s = loop.time()
        assert await sink.heard(mark, 0)
        heard_s = loop.time()
        position = sink.position
        await sink.close()
        return written_s, heard_s, mark, position

    written_s, heard_s, mark, position = run_virtual(main())
    assert mark == position == 5 * RATE_HZ
    assert written_s == pytest.approx(4.0, abs=0.6), "the ring holds one second"
    assert heard_s == pytest.approx(5.1, abs=0.03)


def test_stop_wakes_writer_and_listener():
    async def main():
        sink = FakeSink(RATE_HZ)
        mark = await sink.write(chunk(tone(0.9)), 0)
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(sink.write(chunk(tone(5.0)), 0))
            listener = tasks.create_task(sink.heard(mark, 0))
            await asyncio.sleep(0.2)
            sink.stop()
            await asyncio.sleep(0)
        stopped_s = asyncio.get_running_loop().time()
        await sink.close()
        return writer.result(), listener.result(), stopped_s

    assert run_virtual(main()) == (None, False, pytest.approx(0.2))


def test_a_device_that_wedges_counts_as_lost():
    async def main():
        sink = FakeSink(RATE_HZ)
        mark = await sink.write(chunk(tone(0.9)), 0)
        sink.freeze()
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(SoundCardLost):
            await sink.heard(mark, 0)
        await sink.close()
        return asyncio.get_running_loop().time() - began_s

    assert 1.9 < run_virtual(main()) < 5.0


def test_close_in_the_middle_fades():
    async def main():
        sink = FakeSink(RATE_HZ, latency_ms=30.0)
        await sink.write(chunk(np.full(8_000, 0.5, dtype=np.float32)), 0)
        await asyncio.sleep(0.2)
        await sink.close()
        with pytest.raises(SoundCardLost):
            await sink.write(chunk(tone(0.1)), sink.generation)
        return sink.samples

    samples = run_virtual(main())
    assert samples[-1] == 0.0
    assert samples.max() == 0.5
    assert np.abs(np.diff(samples)).max() < 0.01


def test_wrong_rate_is_a_mistake_of_the_caller():
    async def main():
        sink = FakeSink(RATE_HZ)
        try:
            await sink.write(chunk(tone(0.1), rate_hz=8_000), 0)
        finally:
            await sink.close()

    with pytest.raises(ValueError, match="16000 Hz"):
        run_virtual(main())


# -- resampling and earcons -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(22_050, 48_000), (22_050, 44_100), (24_000, 16_000), (16_000, 16_000)]
)
def test_resampling_in_chunks_equals_resampling_whole(from_hz, to_hz):
    sound = tone(1.37, rate_hz=from_hz)
    stream = StreamResampler(from_hz, to_hz)
    parts = [
        stream.process(sound[i : i + 2_560], last=i + 2_560 >= len(sound))
        for i in range(0, len(sound), 2_560)
    ]
    got = np.concatenate(parts)
    assert abs(len(got) - len(sound) * to_hz / from_hz) <= 1
    np.testing.assert_allclose(got, resample(sound, from_hz, to_hz), atol=1e-6)
    wanted = tone(1.37, rate_hz=to_hz)[: len(got)]
    inner = slice(2_000, len(wanted) - 2_000)
    np.testing.assert_allclose(got[inner], wanted[inner], atol=1e-3)


@pytest.mark.parametrize("earcon", list(Earcon))
@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_earcons_are_short_soft_and_start_and_end_in_silence(earcon, rate_hz):
    sound = render(earcon, rate_hz)
    assert sound.dtype == np.float32
    assert 0.1 < len(sound) / rate_hz < 0.4
    assert 0.2 < np.abs(sound).max() <= 0.36
    assert sound[0] == 0.0
    assert abs(sound[-1]) < 1e-3


def test_earcons_differ():
    ready, error = render(Earcon.READY, 16_000), render(Earcon.ERROR, 16_000)
    assert len(ready) != len(error)


def test_suite_runs_where_file_limits_do_not_kill():
    """The disk-full tests stand on SIGXFSZ being ignored, which Python does at its start."""
    import signal

    assert sys.platform == "linux"
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN


def test_two_short_waits_far_apart_are_no_stall() -> None:
    async def work() -> None:
        sink = FakeSink(RATE_HZ)
        await asyncio.sleep(0.0051)
        await sink._wait_frames(1)  # 2 ms: ends before the next block of 10 ms
        await asyncio.sleep(5.0)
        await sink._wait_frames(1)
        assert sink.failure is None
        await sink.close()

    run_virtual(work())


# -- no loudspeaker -------------------------------------------------------------------------


def test_without_a_loudspeaker_speech_takes_its_time_and_silence_no_work() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        sink = SilentSink("no loudspeaker")
        await asyncio.sleep(60.0)
        assert sink._mixer.rendered == 0, "nothing is rendered in silence"
        for _ in range(2):
            began_s = loop.time()
            said = chunk(tone(3.0, rate_hz=sink.rate_hz), last=True, rate_hz=sink.rate_hz)
            mark = await sink.write(said, sink.generation)
            assert await sink.heard(mark, sink.generation)
            assert loop.time() - began_s == pytest.approx(3.0, abs=0.05)
            rendered = sink._mixer.rendered
            await asyncio.sleep(60.0)
            assert sink._mixer.rendered - rendered <= sink.rate_hz // 50, "and it rests again"
        sink.earcon(tone(0.2, rate_hz=sink.rate_hz))
        before = sink._mixer.rendered
        await asyncio.sleep(1.0)
        assert sink._mixer.rendered - before >= sink.rate_hz // 5, "an earcon wakes it"
        await sink.close()

    run_virtual(main())


def test_without_a_loudspeaker_a_pause_holds_and_a_stop_ends() -> None:
    async def main() -> None:
        sink = SilentSink("no loudspeaker")
        said = chunk(tone(0.5, rate_hz=sink.rate_hz), last=True, rate_hz=sink.rate_hz)
        mark = await sink.write(said, 0)
        sink.pause()
        heard = asyncio.create_task(sink.heard(mark, 0))
        await asyncio.sleep(300.0)
        assert not heard.done(), "a pause of five minutes is no failure of the device"
        sink.resume()
        assert await heard
        mark = await sink.write(said, 0)
        heard = asyncio.create_task(sink.heard(mark, 0))
        await asyncio.sleep(0.1)
        sink.stop()
        assert not await heard
        await sink.close()

    run_virtual(main())
