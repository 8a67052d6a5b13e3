"""What a kept phrase saves: from the question to the first sample, against synthesis.

Both take turns, sentence by sentence, in one process; FLAC stands beside the raw samples that are
kept, since it would take half the room.
"""

from __future__ import annotations

import asyncio
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from voxedge.bench.tts import SENTENCES
from voxedge.engines.tts.assets import VoiceAssets
from voxedge.flow import PcmChunk, Utterance
from voxedge.speech.cache import SpeechCache
from voxedge.speech.phrase_cache import Origin, PhraseCache

KINDS = ("synthesis, first chunk", "synthesis, whole", "memory", "file, raw", "file, FLAC")


def run(
    assets: VoiceAssets, rounds: int = 5, sentences: Sequence[str] = SENTENCES
) -> dict[str, Any]:
    """Measure. Blocking; some 2 s a round.

    Args:
        assets: the built voice.
        rounds: how often each sentence is asked for.
        sentences: what is spoken.

    Returns:
        Median wall times in milliseconds, bytes of each kind of file, and ``ratio``: synthesis to
        its first chunk over a hit in a raw file to its first sample.
    """
    from voxedge.engines.tts.piper_onnx import PiperOnnxVoice, PiperSettings

    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    sizes = {"file, raw": 0, "file, FLAC": 0}
    voice = PiperOnnxVoice(assets, PiperSettings(threads=1))
    with tempfile.TemporaryDirectory() as folder:
        files = PhraseCache(Path(folder), Origin(assets.name, assets.model_sha256))
        try:
            asyncio.run(_speak(voice, Utterance("Warm up.")))
            for turn in range(rounds):
                for text in sentences:
                    utterance = Utterance(text, language="en-US")
                    chunks, first_ms, whole_ms = asyncio.run(_speak(voice, utterance))
                    memory = SpeechCache()
                    memory.put(assets.name, utterance, chunks)
                    files.put(utterance, chunks)
                    flac = _flac(chunks)
                    path = Path(folder) / "phrase.flac"
                    path.write_bytes(flac)
                    times[KINDS[0]].append(first_ms)
                    times[KINDS[1]].append(whole_ms)
                    times[KINDS[2]].append(_timed(memory.get, assets.name, utterance))
                    times[KINDS[3]].append(_timed(files.get, utterance))
                    times[KINDS[4]].append(_timed(_read_flac, path))
                    if turn == 0:
                        sizes["file, FLAC"] += len(flac)
            sizes["file, raw"] = files.held_bytes
        finally:
            voice.close()
    medians = {kind: round(statistics.median(values), 4) for kind, values in times.items()}
    return {
        "voice": assets.name,
        "rounds": rounds,
        "milliseconds": medians,
        "bytes": sizes,
        "ratio": round(medians[KINDS[0]] / medians["file, raw"], 1),
    }


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    first = result["milliseconds"][KINDS[0]]
    lines = [f"{'':24}{'ms':>10}{'faster by':>12}{'bytes':>12}"]
    for kind, taken in result["milliseconds"].items():
        size = result["bytes"].get(kind, "")
        lines.append(f"{kind:24}{taken:10.3f}{first / taken:12.1f}{size:>12}")
    lines.append(f"voice {result['voice']}, 1 thread, {len(SENTENCES)} sentences of 3 to 4.5 s")
    return "\n".join(lines)


async def _speak(voice: Any, utterance: Utterance) -> tuple[tuple[PcmChunk, ...], float, float]:
    began, first_ms, chunks = time.perf_counter(), 0.0, []
    async for chunk in voice.stream(utterance):
        first_ms = first_ms or 1000 * (time.perf_counter() - began)
        chunks.append(chunk)
    return tuple(chunks), first_ms, 1000 * (time.perf_counter() - began)


def _timed(question: Callable[..., Any], *arguments: Any) -> float:
    began = time.perf_counter()
    answer = question(*arguments)
    taken_ms = 1000 * (time.perf_counter() - began)
    if answer is None:
        raise RuntimeError("what was kept is not there")
    return taken_ms


def _flac(chunks: tuple[PcmChunk, ...]) -> bytes:
    import soundfile

    samples = np.concatenate([chunk.samples for chunk in chunks])
    out = io.BytesIO()
    soundfile.write(out, samples, chunks[0].rate_hz, subtype="PCM_16", format="FLAC")
    return out.getvalue()


def _read_flac(path: Path) -> Any:
    import soundfile

    return soundfile.read(path, dtype="float32")[0]
