"""The engines that the daemon keeps in workers: how to build each in there, and its limits.

The factories run in the worker process; nothing heavy is imported in the daemon.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from voxedge.service.workers import WorkerSpec

if TYPE_CHECKING:
    from voxedge.engines.ocr.reader import TesseractReader
    from voxedge.engines.tts.piper_onnx import PiperOnnxVoice


def natural_voice(name: str, threads: int) -> PiperOnnxVoice:
    """Open a voice and load its networks, so that "ready" means ready.

    Args:
        name: in the manifest.
        threads: of the voice; 0 for its own choice.

    Raises:
        VoxedgeError: unknown, not installed or damaged.
    """
    from voxedge.engines.tts.piper_onnx import PiperOnnxVoice, PiperSettings
    from voxedge.models.store import open_voice

    voice = PiperOnnxVoice(open_voice(name), PiperSettings(threads=threads or None))
    asyncio.run(voice.warm_up())
    return voice


def page_reader() -> TesseractReader:
    """Open the page reader, with the second reader of numbers where that is installed.

    Raises:
        OcrMissing: tesseract is not installed.
    """
    from voxedge.compose import open_number_check
    from voxedge.engines.barcode.finder import open_code_finder
    from voxedge.engines.ocr.reader import TesseractReader

    return TesseractReader(numbers=open_number_check(), codes=open_code_finder())


def natural_voice_spec(name: str, threads: int) -> WorkerSpec:
    """Return how the natural voice is hosted.

    Its first start may build the fast networks from the published ones, which takes a minute on
    a Pi 4; until then the simple voice speaks.
    """
    return WorkerSpec(
        name="voice",
        factory=f"{__name__}:natural_voice",
        kind="synthesizer",
        arguments={"name": name, "threads": threads},
        start_deadline_s=180.0,
        item_deadline_s=12.0,
        memory_mb=1024,
        spoken="My natural voice keeps failing. I am using the simple voice.",
    )


def page_reader_spec() -> WorkerSpec:
    """Return how the page reader is hosted.

    Reading a page must not disturb speech: it runs at a lower priority. The deadline covers one
    block of text on a Pi 4, several times over.
    """
    return WorkerSpec(
        name="page-reader",
        factory=f"{__name__}:page_reader",
        kind="page_reader",
        item_deadline_s=60.0,
        calls_at_once=1,
        memory_mb=1024,
        nice=5,
        spoken="My reading program keeps failing. I keep trying.",
    )
