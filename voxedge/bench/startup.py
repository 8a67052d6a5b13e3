"""How a voice is loaded best: kinds of file, graph optimisation, threads, arena, spinning.

Each try is a fresh process that loads a voice and speaks one sentence; the tries take turns. CPU
time tells the work, wall time what is waited for on this machine as busy as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from voxedge.bench.tts import SENTENCES
from voxedge.engines.tts.assets import VoiceAssets

LEVELS = ("off", "basic", "extended", "all")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to load a network.

    Attributes:
        name: in the table.
        file: "onnx" as built, "saved" optimised beforehand, "ort" the same in onnxruntime's format.
        level: graph optimisation, before saving or while loading.
        threads: for each operator.
        arena: keep freed memory for the next run.
        spin: wait for work by turning, not by sleeping.
    """

    name: str
    file: str = "onnx"
    level: str = "all"
    threads: int = 1
    arena: bool = True
    spin: bool = False


WAYS = (
    Way("onnx, all"),
    Way("onnx, extended", level="extended"),
    Way("onnx, basic", level="basic"),
    Way("onnx, off", level="off"),
    Way("saved, extended", file="saved", level="extended"),
    Way("saved, all", file="saved"),
    Way("ort, extended", file="ort", level="extended"),
    Way("ort, all", file="ort"),
    Way("onnx, all, no arena", arena=False),
    Way("onnx, all, 2 threads", threads=2),
    Way("onnx, all, 2 threads, spin", threads=2, spin=True),
)


def run(
    assets: VoiceAssets, rounds: int = 5, progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Measure every way. Blocking; some 2 s for each and round.

    Args:
        assets: the built voice.
        rounds: fresh processes for each way.
        progress: told tries done and tries in all.

    Returns:
        By way: medians of ``load_cpu_ms``, ``load_wall_ms``, ``first_cpu_ms`` (from a loaded voice
        to its first chunk), ``sentence_cpu_ms``, ``peak_memory_mib``.
    """
    tries: dict[str, list[dict[str, float]]] = {way.name: [] for way in WAYS}
    done, total = 0, rounds * len(WAYS)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {way.name: _prepare(assets, way, Path(scratch)) for way in WAYS}
        for _ in range(rounds):
            for way in WAYS:
                tries[way.name].append(_try(assets, way, folders[way.name]))
                done += 1
                if progress is not None:
                    progress(done, total)
    return {
        "voice": assets.name,
        "rounds": rounds,
        "ways": {name: _medians(results) for name, results in tries.items()},
    }


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    keys = ("load_cpu_ms", "load_wall_ms", "first_cpu_ms", "sentence_cpu_ms", "peak_memory_mib")
    lines = [f"{'':28}" + "".join(f"{key.replace('_', ' '):>18}" for key in keys)]
    for name, figures in result["ways"].items():
        lines.append(f"{name:28}" + "".join(f"{figures[key]:18.1f}" for key in keys))
    lines.append(f"voice {result['voice']}, medians of {result['rounds']} fresh processes each")
    return "\n".join(lines)


def _files(assets: VoiceAssets) -> list[Path]:
    return list(assets.files)


def _prepare(assets: VoiceAssets, way: Way, scratch: Path) -> Path:
    """Write the optimised files of a way, once for each file and level."""
    if way.file == "onnx":
        return assets.folder  # not looked into
    folder = scratch / f"{way.file}-{way.level}"
    if not folder.is_dir():
        folder.mkdir()
        for path in _files(assets):
            target = folder / (path.name if way.file == "saved" else f"{path.stem}.ort")
            _session(path, way, save_to=target)
    return folder


def _session(path: Path, way: Way, save_to: Path | None = None) -> Any:
    import onnxruntime

    levels = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = way.threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = way.arena
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(way.spin)))
    # What was optimised beforehand is taken as it is.
    level = way.level if way.file == "onnx" or save_to is not None else "off"
    options.graph_optimization_level = {
        "off": levels.ORT_DISABLE_ALL,
        "basic": levels.ORT_ENABLE_BASIC,
        "extended": levels.ORT_ENABLE_EXTENDED,
        "all": levels.ORT_ENABLE_ALL,
    }[level]
    if save_to is not None:
        options.optimized_model_filepath = str(save_to)
        form = "ORT" if save_to.suffix == ".ort" else "ONNX"
        options.add_session_config_entry("session.save_model_format", form)
    return onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )


def _try(assets: VoiceAssets, way: Way, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "voxedge.bench.startup", assets.name, str(assets.folder)]
    command += [str(folder), json.dumps(asdict(way))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=300, env=environment
    )
    figures: dict[str, float] = json.loads(answer.stdout)
    return figures


def _medians(results: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: round(statistics.median(r[key] for r in results), 2) for key in results[0]}


def _speak_alone(arguments: Sequence[str]) -> dict[str, float]:
    """What the fresh process does."""
    parser = argparse.ArgumentParser(description="Load a voice one way and speak one sentence.")
    parser.add_argument("name")
    parser.add_argument("built", type=Path)
    parser.add_argument("files", type=Path)
    parser.add_argument("way", type=json.loads)
    options = parser.parse_args(arguments)
    import numpy as np
    import onnxruntime  # noqa: F401 - its import is no part of the loading

    from voxedge.engines.tts import network, student
    from voxedge.engines.tts.assets import load_assets
    from voxedge.engines.tts.durations import allot_frames, chunk_plan
    from voxedge.engines.tts.opening import open_network
    from voxedge.engines.tts.phonemes import Phonemizer
    from voxedge.engines.tts.piper_onnx import PiperSettings
    from voxedge.models.recipes import in_use

    way, assets = Way(**options.way), in_use(load_assets(options.name, options.built))

    def open_session(model: Path, threads: int) -> Any:
        name = model.name if way.file != "ort" else f"{model.stem}.ort"
        return _session(model if way.file == "onnx" else options.files / name, way)

    network.open_session = open_session
    student.open_session = open_session  # type: ignore[attr-defined]
    ids = next(iter(Phonemizer(assets.config).sentences(SENTENCES[0]))).ids
    wall, cpu = time.perf_counter(), time.process_time()
    voice = open_network(assets, way.threads)
    loaded_wall, loaded_cpu = time.perf_counter(), time.process_time()
    encoded = voice.encode(ids, None, 0.0)
    frames = allot_frames(encoded.durations, assets.config.length_scale, 1.0)
    settings = PiperSettings()
    sizes = chunk_plan(
        int(frames.sum()),
        settings.first_chunk_frames,
        settings.chunk_growth,
        settings.largest_chunk_frames,
    )
    first_cpu = 0.0
    for _ in voice.decode(np.repeat(encoded.mean, frames, axis=1), sizes):
        first_cpu = first_cpu or time.process_time()
    return {
        "load_cpu_ms": 1000 * (loaded_cpu - cpu),
        "load_wall_ms": 1000 * (loaded_wall - wall),
        "first_cpu_ms": 1000 * (first_cpu - loaded_cpu),
        "sentence_cpu_ms": 1000 * (time.process_time() - loaded_cpu),
        "peak_memory_mib": _peak_memory_mib(),
    }


def _peak_memory_mib() -> float:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024.0
    raise OSError("this kernel does not tell VmHWM")


if __name__ == "__main__":
    print(json.dumps(_speak_alone(sys.argv[1:])))
