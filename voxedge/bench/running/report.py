"""All figures of the running reader, beside their bars."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Any

from voxedge.audio.output import LATENCY_MS
from voxedge.bench.running.bars import Bar, percentile_bar
from voxedge.bench.running.felt import Felt, felt
from voxedge.bench.running.process import process_figures
from voxedge.bench.running.soak import Soaked, soak
from voxedge.config import Settings
from voxedge.models.progress import Progress, Silent
from voxedge.service.engines import fake_engines, real_engines


def run(
    *,
    engines: str = "real",
    stops: int = 500,
    presses: int = 200,
    soak_actions: int = 0,
    only: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure everything; blocking.

    500 stops and 200 presses take 12 minutes, for they are heard in real time; 10,000 actions
    of a soak take another six.

    Args:
        engines: "real" or "fake".
        stops: how many stops of speech.
        presses: how many presses, and how many answers.
        soak_actions: how many random actions; 0 leaves the soak out.
        only: "felt", "process" or "soak"; None measures all three.
        progress: told how far it is.
    """
    progress = progress or Silent()
    bars: list[Bar] = []
    late_blocks = 0
    if only in (None, "felt"):
        hosted = fake_engines() if engines == "fake" else real_engines(Settings())
        took = asyncio.run(felt(hosted, stops=stops, presses=presses, progress=progress))
        late_blocks = took.late_blocks
        bars += _felt_bars(took)
    if only in (None, "process"):
        bars += _process_bars(process_figures(engines, progress))
    if soak_actions and only in (None, "soak"):
        bars += _soak_bars(soak(soak_actions, progress))
    return {
        "engines": engines,
        "buffer_ms": LATENCY_MS,
        "late_blocks": late_blocks,
        "bars": [{**asdict(bar), "met": bar.met} for bar in bars],
    }


def _felt_bars(took: Felt) -> list[Bar]:
    return [
        percentile_bar("stop to silence, p99", took.stop_to_silence_ms, 99, 60.0),
        percentile_bar("press to earcon, p99", took.press_to_earcon_ms, 99, 100.0),
        percentile_bar("action to speech, kept answers, p95", took.action_to_speech_ms, 95, 300.0),
    ]


def _process_bars(figures: dict[str, float]) -> list[Bar]:
    return [
        Bar("ready", figures["ready_s"], 5.0, "s", "process start to READY=1 and the earcon"),
        Bar("ready, spoken", figures["ready_spoken_s"], 5.0, "s", "process start to the greeting"),
        Bar("idle, of a core", figures["idle_core_percent"], 1.0, "%", "the whole process tree"),
        Bar("idle, wake-ups", figures["idle_wake_ups_a_second"], 10.0, "/s", "all threads"),
        Bar("memory, reading", figures["memory_reading_mb"], 600.0, "MB", "process tree, Pss"),
        Bar("memory, idle", figures["memory_idle_mb"], 600.0, "MB", "process tree, Pss"),
    ]


def _soak_bars(soaked: Soaked) -> list[Bar]:
    detail = f"{soaked.actions} random actions, {soaked.pages_read} pages read"
    span = f"{soaked.memory_first_mb:.0f} to {soaked.memory_last_mb:.0f} MB"
    return [
        Bar("memory growth", soaked.memory_growth_mb, 5.0, "MB", f"{detail}; {span}"),
        Bar("failures in a soak", soaked.tracebacks, 0.0, "", detail),
    ]


def table(result: dict[str, Any]) -> str:
    """Return the report for people."""
    lines = [f"{'':<38} {'measured':>10} {'bar':>8}"]
    for bar in result["bars"]:
        mark = "" if bar["met"] else "  MISSED"
        value, limit = f"{bar['value']:.1f} {bar['unit']}", f"{bar['limit']:g} {bar['unit']}"
        lines.append(f"{bar['name']:<38} {value:>10} {limit:>8}{mark}   {bar['detail']}")
    return "\n".join(lines)


def as_json(result: dict[str, Any]) -> str:
    """Return the report for programs."""
    return json.dumps(result, indent=2)
