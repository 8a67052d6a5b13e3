"""The real voice and the real page reader, inside worker processes with their limits."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from voxedge.engines.ocr.languages import bcp47
from voxedge.errors import LanguageMissing, NothingToRead, VoxedgeError
from voxedge.flow import Frame, Utterance
from voxedge.models.store import open_voice
from voxedge.service import hosted
from voxedge.service.proxies import WorkerPageReader, WorkerSynthesizer
from voxedge.service.workers import Worker, WorkerFailure
from voxedge.testing import bad_engines

VOICE = "en_US-joe-medium"
LEAFLET = Path(bad_engines.__file__).parent / "data" / "leaflet.jpg"

pytestmark = pytest.mark.slow


def test_the_natural_voice_speaks_from_a_worker_as_it_does_here() -> None:
    try:
        rate_hz = open_voice(VOICE).config.rate_hz
    except VoxedgeError as error:
        pytest.skip(f"no voice: {error}")

    async def check() -> None:
        async with Worker(hosted.natural_voice_spec(VOICE, threads=1)) as worker:
            await worker.wait_ready(60)
            assert worker.description == {"name": VOICE, "rate_hz": rate_hz}
            voice = WorkerSynthesizer(worker, VOICE, rate_hz)
            there = [c async for c in voice.stream(Utterance("Take one tablet.", seed=3))]
        engine = await asyncio.to_thread(hosted.natural_voice, VOICE, 1)
        here = [c async for c in engine.stream(Utterance("Take one tablet.", seed=3))]
        engine.close()
        np.testing.assert_array_equal(
            np.concatenate([c.samples for c in there]), np.concatenate([c.samples for c in here])
        )
        assert there[-1].last

    asyncio.run(check())


def test_the_page_reader_reads_from_a_worker_as_it_does_here() -> None:
    async def check() -> None:
        frame = Frame(np.asarray(Image.open(LEAFLET).convert("L")), "leaflet.jpg")
        async with Worker(hosted.page_reader_spec()) as worker:
            loop = asyncio.get_running_loop()
            reader = WorkerPageReader(worker, "tesseract", loop, bcp47)
            there = await asyncio.to_thread(reader.read, frame, "eng")
            assert there == await asyncio.to_thread(hosted.page_reader().read, frame, "eng")
            assert reader.name.startswith("tesseract ")
            assert there.text

            with pytest.raises(LanguageMissing):
                await asyncio.to_thread(reader.read, frame, "tlh")
            blank = Frame(np.full((600, 800), 255, np.uint8))
            with pytest.raises(NothingToRead):
                await asyncio.to_thread(reader.read, blank, "eng")

    asyncio.run(check())


def test_a_voice_that_nobody_knows_is_told_by_its_own_error() -> None:
    async def check() -> None:
        async with Worker(hosted.natural_voice_spec("xx_XX-nobody", threads=1)) as worker:
            while not worker.failures:  # noqa: ASYNC110 - the worker is another process
                await asyncio.sleep(0.01)
            with pytest.raises(WorkerFailure, match="no voice 'xx_XX-nobody'"):
                await worker.wait_ready(0.05)

    asyncio.run(check())
