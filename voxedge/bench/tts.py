"""Our voice against piper-tts's own, from the same file, in the same run.

Both sides take plain sentences and pay for their own phonemes. They take turns sentence by
sentence, so that whatever else the machine does hits both; ratios are of neighbours in time. Each
has one thread. Memory is the peak of a fresh process each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from voxedge.engines.tts.assets import VoiceAssets
from voxedge.flow import Utterance

SENTENCES = (
    "Take one tablet twice a day with food, and drink plenty of water.",
    "Do not use this medicine after the expiry date which is stated on the carton.",
    "Ask your doctor or pharmacist for advice before taking any other medicine.",
    "Keep this leaflet, because you may need to read it again before long.",
    "If you forget to take a dose, take it as soon as you remember it.",
    "Tell your doctor at once if you notice any swelling of the face or throat.",
    "The appointment at the hospital has been moved to Thursday morning.",
    "Store below twenty five degrees, in the original package, away from light.",
)
"""Three to four and a half seconds each when spoken by en_US-joe-medium."""

LOW, HIGH = 10, 90
"""The spread given: these percentiles of the paired ratios."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One sentence spoken once.

    Attributes:
        first_audio_s: wall time from the call to the first samples.
        cpu_s: CPU time of the whole process until the last samples.
        audio_s: length of what came.
    """

    first_audio_s: float
    cpu_s: float
    audio_s: float


def run(
    assets: VoiceAssets,
    model: Path,
    rounds: int = 5,
    sentences: Sequence[str] = SENTENCES,
    memory_runs: int = 3,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Measure. Blocking; some 5 s a round.

    Args:
        assets: our built voice.
        model: the official ONNX file it was built from, for piper-tts.
        rounds: how often each sentence is spoken by each; one more before them warms up and is
            not counted.
        sentences: what is spoken.
        memory_runs: fresh processes of each for the memory.
        progress: told steps done and steps in all.

    Returns:
        ``first_audio_ratio``, ``cpu_ratio`` and ``memory_ratio`` (ours to theirs), each
        ``{median, low, high}`` with the 10th and 90th percentile of the pairs, beside the raw
        figures of both.
    """
    ours_all, theirs_all = asyncio.run(_alternate(assets, model, rounds, sentences, progress))
    pairs = list(zip(ours_all, theirs_all, strict=True))
    memory = [
        (_peak_memory("ours", assets, model), _peak_memory("piper", assets, model))
        for _ in range(memory_runs)
    ]
    return {
        "voice": assets.name,
        "threads": 1,
        "sentences": len(sentences),
        "rounds": rounds,
        "spread": f"low and high are the {LOW}th and {HIGH}th percentile of paired ratios",
        "first_audio_ratio": _spread([a.first_audio_s / b.first_audio_s for a, b in pairs]),
        "cpu_ratio": _spread([(a.cpu_s / a.audio_s) / (b.cpu_s / b.audio_s) for a, b in pairs]),
        "memory_ratio": _spread([a / b for a, b in memory]),
        "raw": {
            "voxedge": _raw(ours_all, [a for a, _ in memory]),
            "piper_tts": _raw(theirs_all, [b for _, b in memory]),
        },
    }


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    lines = [f"{'':24}{'voxedge':>12}{'piper-tts':>12}{'ratio':>10}  {'10-90 %':>13}"]
    rows = (
        ("first audio, ms", "first_audio_ms", "first_audio_ratio"),
        ("CPU s per s of audio", "cpu_s_per_audio_s", "cpu_ratio"),
        ("peak memory, MiB", "peak_memory_mib", "memory_ratio"),
    )
    for title, raw, key in rows:
        ours, theirs = (result["raw"][side][raw] for side in ("voxedge", "piper_tts"))
        ratio = result[key]
        lines.append(
            f"{title:24}{ours:12.3f}{theirs:12.3f}{ratio['median']:10.3f}"
            f"  {ratio['low']:.3f}-{ratio['high']:.3f}"
        )
    lines.append(f"voice {result['voice']}, 1 thread, {result['sentences']} sentences")
    return "\n".join(lines)


async def _alternate(
    assets: VoiceAssets,
    model: Path,
    rounds: int,
    sentences: Sequence[str],
    progress: Callable[[int, int], None] | None,
) -> tuple[list[Reading], list[Reading]]:
    from voxedge.engines.tts.piper_onnx import PiperOnnxVoice, PiperSettings

    ours = PiperOnnxVoice(assets, PiperSettings(threads=1))
    theirs = _piper(model, assets)
    readings: tuple[list[Reading], list[Reading]] = ([], [])
    total = (rounds + 1) * len(sentences)
    try:
        for index in range(total):
            turn, sentence = divmod(index, len(sentences))
            text = sentences[sentence]
            if index % 2:  # who goes first changes, so that neither profits from a warm cache
                b = _speak_piper(theirs, text)
                a = await _speak_ours(ours, text)
            else:
                a = await _speak_ours(ours, text)
                b = _speak_piper(theirs, text)
            if turn:
                readings[0].append(a)
                readings[1].append(b)
            if progress is not None:
                progress(index + 1, total)
    finally:
        ours.close()
    return readings


async def _speak_ours(voice: Any, text: str) -> Reading:
    wall, cpu = time.perf_counter(), time.process_time()
    first, audio = 0.0, 0.0
    async for chunk in voice.stream(Utterance(text, language="en-US")):
        first = first or time.perf_counter() - wall
        audio += chunk.duration_ms / 1000.0
    return Reading(first, time.process_time() - cpu, audio)


def _speak_piper(voice: Any, text: str) -> Reading:
    wall, cpu = time.perf_counter(), time.process_time()
    first, audio = 0.0, 0.0
    for chunk in voice.synthesize(text):
        first = first or time.perf_counter() - wall
        audio += len(chunk.audio_float_array) / chunk.sample_rate
    return Reading(first, time.process_time() - cpu, audio)


def _piper(model: Path, assets: VoiceAssets) -> Any:
    """piper-tts's voice with one thread; it offers no setting, so its session is replaced."""
    import onnxruntime
    from piper import PiperVoice
    from piper.config import PiperConfig

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(model), sess_options=options, providers=["CPUExecutionProvider"]
    )
    data = json.loads((assets.folder / "voice.json").read_text(encoding="utf-8"))
    return PiperVoice(session=session, config=PiperConfig.from_dict(data))


def _peak_memory(side: str, assets: VoiceAssets, model: Path) -> float:
    """Peak resident memory in MiB of a fresh process that loads a voice and speaks a sentence."""
    command = [sys.executable, "-m", "voxedge.bench.tts", side, assets.name]
    command += [str(assets.folder), str(model)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return float(answer.stdout)


def _spread(values: Sequence[float]) -> dict[str, float]:
    if len(values) < 2:
        return dict.fromkeys(("median", "low", "high"), round(values[0], 4))
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {
        "median": round(statistics.median(values), 4),
        "low": round(cuts[LOW - 1], 4),
        "high": round(cuts[HIGH - 1], 4),
    }


def _raw(readings: Sequence[Reading], memory_mib: Sequence[float]) -> dict[str, Any]:
    return {
        "first_audio_ms": round(1000 * statistics.median(r.first_audio_s for r in readings), 3),
        "cpu_s_per_audio_s": round(statistics.median(r.cpu_s / r.audio_s for r in readings), 5),
        "peak_memory_mib": round(statistics.median(memory_mib), 2),
        "readings": [asdict(reading) for reading in readings],
    }


def _speak_alone(arguments: Sequence[str]) -> float:
    """What the fresh process does; returns its peak memory (VmHWM) in MiB."""
    parser = argparse.ArgumentParser(description="Speak one sentence and print the peak memory.")
    parser.add_argument("side", choices=("ours", "piper"))
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", type=Path)
    options = parser.parse_args(arguments)
    from voxedge.engines.tts.assets import load_assets
    from voxedge.models.recipes import in_use

    assets = load_assets(options.name, options.folder)
    if options.side == "ours":
        from voxedge.engines.tts.piper_onnx import PiperOnnxVoice, PiperSettings

        voice = PiperOnnxVoice(in_use(assets), PiperSettings(threads=1))
        asyncio.run(_speak_ours(voice, SENTENCES[0]))
        voice.close()
    else:
        _speak_piper(_piper(options.model, assets), SENTENCES[0])
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024.0
    raise OSError("this kernel does not tell VmHWM")


if __name__ == "__main__":
    print(_speak_alone(sys.argv[1:]))
