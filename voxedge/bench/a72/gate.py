"""Run voices and an ear on the emulated Cortex-A72, compare with this machine, hold the budget."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from voxedge.bench.a72.ports import GROUPS, cycles, port_cycles
from voxedge.bench.a72.sandbox import Sandbox
from voxedge.models.score.metrics import log_mel_distance

TEXT = "Take one tablet twice a day with food."
"""What is spoken; the budget holds for this sentence."""

GROWTH_MAX = 1.05
"""A stage that executes more than this times its budget fails."""

PUBLISHED_RTF: Mapping[int, float] = {1: 0.774, 2: 0.482, 3: 0.390, 4: 0.357}
"""Real-time factor by threads of en_US-lessac-medium (the same network as joe) on a Raspberry Pi 4B
Rev 1.5, from the documentation of sherpa-onnx."""

AGREEMENT_FP32_DB, AGREEMENT_INT8_DB = 60.0, 30.0
"""Least ratio of a network's answer on this machine to its difference on the other, both from the
same inputs. Where a value falls on the other side of an INT8 rounding, what follows differs by a
step, which is no error: 36 dB (text encoder) and 136 dB (student) were measured, and INT8 itself
lies 30 dB from fp32. Samples of the same answers are fp32."""

AGREEMENT_LISTENER_DB = 20.0
"""Likewise for the second listener, whose ranges come from the activations: a change of its input
by a millionth moves what it makes of it by 25 to 31 dB, INT8 itself lies 20 to 29 dB from fp32, and
what is asked of it (how likely a phrase is) moves by 0.2 of a natural logarithm."""

LOG_MEL_MAX = 0.1
"""Largest log-mel distance (``models.score.metrics``) of the sentence as spoken there, every
network with its own answers. Not of samples: the pitch is integrated, so that its rounding moves
later pulses by a sample or two: 14 dB of samples, which nobody hears. 0.011 to 0.052 were measured;
the students themselves lie 0.26 from the original."""

LENGTH_MAX = 0.02
"""Largest difference of the sentence's length, as its own durations would have it."""

ILLEGAL_INSTRUCTION = -4
OLD_ONNXRUNTIME = "onnxruntime==1.21.0"
"""Executes an instruction that a Cortex-A72 lacks (microsoft/onnxruntime#23957)."""

TIMEOUT_S = 1800.0


class GateFailed(Exception):
    """The emulated device did something else than it should; the message says what."""


@dataclass(frozen=True, slots=True)
class Target:
    """A voice to measure, or the second listener.

    Attributes:
        label: name in table and budget.
        path: official model (a file) or built voice (a folder); weights of the listener.
        student: folder of the student that replaces the voice's frame-rate stages.
        facts: what the guest must know of the student's file.
        exact: whether every network in it is fp32.
        graphs: folder of the listener's graphs; None: it is a voice.
    """

    label: str
    path: Path
    student: Path | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    exact: bool = True
    graphs: Path | None = None

    def arguments(self, text: str) -> list[str]:
        """The guest's command line."""
        if self.graphs is not None:
            return ["listen", str(self.path), "--graphs", str(self.graphs)]
        return [*self._voice, "--text", text]

    @property
    def _voice(self) -> list[str]:
        if self.path.is_file():
            return ["whole", str(self.path)]
        if self.student is None:
            return ["staged", str(self.path)]
        student = ["--student", str(self.student), "--facts", json.dumps(self.facts)]
        return ["staged", str(self.path), *student]


@dataclass(frozen=True, slots=True)
class Measured:
    """One voice, or the second listener, on the emulated device.

    Attributes:
        label: name in table and budget.
        audio_s: seconds it spoke, or heard.
        stages: instructions by stage and kind, for each second of audio.
        first_audio: instructions by stage and kind until the first chunk, in all.
        agreement_db: by stage, how alike the answers to the same inputs are to this machine's.
        log_mel: distance of the spoken sentence to this machine's, in its timing; None: heard.
        timing: how much longer or shorter it would be in its own, as a share; None: heard.
    """

    label: str
    audio_s: float
    stages: Mapping[str, Counter[str]]
    first_audio: Mapping[str, Counter[str]]
    agreement_db: Mapping[str, float]
    log_mel: float | None
    timing: float | None

    @property
    def whole(self) -> Counter[str]:
        """All stages together, for each second of audio."""
        return sum(self.stages.values(), Counter())


def check_imports(sandbox: Sandbox) -> dict[str, str]:
    """Import everything the device imports.

    Raises:
        GateFailed: something does not load, or dies.
    """
    answer = _run(sandbox.command(_guest("imports"), python_path=[_project()]))
    versions: dict[str, str] = json.loads(answer)
    if versions["machine"] != "aarch64":
        raise GateFailed(f"the emulated machine calls itself {versions['machine']}")
    return versions


def check_old_onnxruntime_dies(sandbox: Sandbox, packages: Path) -> None:
    """See the emulation catch the illegal instruction of an old onnxruntime.

    Raises:
        GateFailed: it lives: the emulation is no Cortex-A72.
    """
    command = sandbox.command(
        ["-c", "import onnxruntime"], site=packages, python_path=[sandbox.site]
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode != ILLEGAL_INSTRUCTION:
        raise GateFailed(f"{OLD_ONNXRUNTIME} ended with {done.returncode}, not by SIGILL")


def measure(sandbox: Sandbox, target: Target, text: str = TEXT) -> Measured:
    """Speak, or listen, on both machines, compare and count. Blocking: minutes.

    Args:
        sandbox: the emulated device.
        target: the voice, or the listener.
        text: what to speak.

    Raises:
        GateFailed: it does not run there, or its output differs.
    """
    label, arguments = target.label, _guest(*target.arguments(text))
    with tempfile.TemporaryDirectory() as scratch:
        here, there, following = (Path(scratch) / name for name in ("here", "there", "following"))
        counts = Path(scratch) / "counts"
        for folder in (here, there, following):
            folder.mkdir()
        _run([sys.executable, *arguments, "--out", str(here)])
        said = str(here / "answers.npz")
        command = [*arguments, "--out", str(there), "--timing", said]
        _run(sandbox.command(command, python_path=[_project()], counts=counts))
        command = [*arguments, "--out", str(following), "--follow", said]
        _run(sandbox.command(command, python_path=[_project()]))
        facts = json.loads((there / "facts.json").read_text(encoding="utf-8"))
        agreement = _compare(here / "answers.npz", following / "answers.npz", target)
        log_mel, timing = None, None
        if target.graphs is None:
            both = here / "answers.npz", there / "answers.npz"
            log_mel = _log_mel_distance(*both, facts["rate_hz"])
            timing = _length_difference(*both)
        stages, first = attribute(
            counts.read_text(encoding="ascii"), facts["stages"], facts["first_audio_mark"]
        )
    for stage, counted in stages.items():
        if counted["dot"]:
            raise GateFailed(f"{label}: {stage} uses an instruction that a Cortex-A72 lacks (SDOT)")
    per_second = {
        stage: Counter({kind: round(n / facts["audio_s"]) for kind, n in counted.items()})
        for stage, counted in stages.items()
    }
    if log_mel is not None and not log_mel <= LOG_MEL_MAX:
        raise GateFailed(f"{label}: what is heard differs by {log_mel:.3f} (log-mel)")
    if timing is not None and not timing <= LENGTH_MAX:
        raise GateFailed(f"{label}: the sentence is longer or shorter by {timing:.1%}")
    return Measured(label, facts["audio_s"], per_second, first, agreement, log_mel, timing)


def attribute(
    text: str, names: Sequence[str], first_mark: int
) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]]]:
    """Share out the plugin's running totals among the stages.

    Args:
        text: the plugin's file: a line of kinds, then a line of totals for each mark.
        names: stage that ended at each mark after the first.
        first_mark: how many of them had ended when the first samples were there.

    Returns:
        Instructions by stage and kind: all, and those up to the first samples.

    Raises:
        GateFailed: the marks on both sides do not match.
    """
    kinds, *lines = text.splitlines()
    totals = [
        Counter(dict(zip(kinds.split(), map(int, line.split()), strict=True))) for line in lines
    ]
    if len(totals) != len(names) + 1:
        raise GateFailed(f"{len(totals)} marks were counted, {len(names) + 1} were made")
    stages: dict[str, Counter[str]] = {}
    first: dict[str, Counter[str]] = {}
    for number, (name, before, after) in enumerate(zip(names, totals, totals[1:], strict=False)):
        stages.setdefault(name, Counter()).update(after - before)
        if number < first_mark:
            first.setdefault(name, Counter()).update(after - before)
    return stages, first


def agreement_db(ours: Any, theirs: Any) -> float:
    """Signal-to-difference ratio in decibels: 200 for no difference, -inf for no numbers."""
    difference = float(np.sum((np.asarray(ours, dtype=np.float64) - theirs) ** 2))
    signal = float(np.sum(np.asarray(ours, dtype=np.float64) ** 2))
    if not np.isfinite(difference):
        return float("-inf")
    return 200.0 if difference == 0 else float(10 * np.log10(max(signal, 1e-30) / difference))


def over_budget(measured: Measured, budget: Mapping[str, Any]) -> list[str]:
    """Stages beyond their budget, one sentence each; empty when all is well."""
    allowed = budget["voices"].get(measured.label)
    if allowed is None:
        return [f"{measured.label}: no budget; write one with --write-budget"]
    wrong = [
        f"{measured.label}: the stage {stage} has no budget"
        for stage in measured.stages
        if stage not in allowed
    ]
    for stage, limit in allowed.items():
        used = measured.stages.get(stage, Counter()).total() / 1e6
        if used > limit["instructions_m"] * GROWTH_MAX:
            wrong.append(
                f"{measured.label}: {stage} executes {used:.1f} M instructions a second of audio, "
                f"{used / limit['instructions_m'] - 1:.1%} more than its budget"
            )
    return wrong


def as_budget(measured: Sequence[Measured]) -> dict[str, Any]:
    """What ``over_budget`` compares with."""
    return {
        "text": TEXT,
        "voices": {
            item.label: {
                stage: {
                    "instructions_m": round(counted.total() / 1e6, 3),
                    "cycles_m": round(cycles(counted) / 1e6, 3),
                }
                for stage, counted in sorted(item.stages.items())
            }
            for item in measured
        },
    }


def estimate(item: Measured, baseline: Measured) -> dict[str, float]:
    """What a Raspberry Pi 4B may need, scaled from a published measurement of the baseline.

    Stages one after another, each at the pace of its slowest pipe; the baseline's own stages are
    the official network in one run. See docs/developers/cortex-a72.md for what this leaves out.
    """
    floor, base = _floor(item.stages), _floor(baseline.stages)
    by_cycles = floor / base
    by_instructions = item.whole.total() / baseline.whole.total()
    seconds_per_cycle = PUBLISHED_RTF[1] / base
    return {
        "instructions_ratio": by_instructions,
        "cycles_ratio": by_cycles,
        "instructions_ratio_by_sentence": by_instructions * item.audio_s / baseline.audio_s,
        "rtf_1_thread_by_cycles": PUBLISHED_RTF[1] * by_cycles,
        "rtf_1_thread_by_instructions": PUBLISHED_RTF[1] * by_instructions,
        "first_audio_ms_1_thread": 1000 * _floor(item.first_audio) * seconds_per_cycle,
    }


def table(measured: Sequence[Measured]) -> str:
    """Counts and cycles for people: millions for each second of audio."""
    heads = ["total", *GROUPS, "cycles", "bound by", "agrees"]
    lines = [f"{'':26}" + "".join(f"{head:>11}" for head in heads)]
    for item in measured:
        heard = [f"{item.audio_s:.2f} s"]
        if item.log_mel is not None and item.timing is not None:
            heard += [f"log-mel distance {item.log_mel:.4f} from here", f"length {item.timing:.2%}"]
        lines.append(f"{item.label} ({', '.join(heard)})")
        for stage, counted in sorted(item.stages.items()):
            agreement = item.agreement_db.get(stage)
            lines.append(_line(f"  {stage}", counted, agreement))
        agreement, floor = item.agreement_db.get("samples"), _floor(item.stages)
        lines.append(_line("  all", item.whole, agreement, floor))
    return "\n".join(lines)


def _line(
    name: str, counted: Counter[str], agreement: float | None, floor: float | None = None
) -> str:
    numbers = [counted.total(), *(sum(counted[k] for k in kinds) for kinds in GROUPS.values())]
    limits = port_cycles(counted)
    slowest = max(limits, key=lambda limit: limits[limit]) if floor is None else ""
    cells = [f"{number / 1e6:11.1f}" for number in [*numbers, floor or max(limits.values())]]
    cells.append(f"{slowest:>11}")
    cells.append(f"{'' if agreement is None else f'{agreement:.0f} dB':>11}")
    return f"{name:26}" + "".join(cells)


def _floor(stages: Mapping[str, Counter[str]]) -> float:
    return sum(cycles(counted) for counted in stages.values())


def _compare(here: Path, there: Path, target: Target) -> dict[str, float]:
    """Agreement by stage: the worst of its answers."""
    label, worst = target.label, dict[str, float]()
    with np.load(here) as ours, np.load(there) as theirs:
        if sorted(ours.files) != sorted(theirs.files):
            raise GateFailed(f"{label}: the two machines run different stages")
        for name in ours.files:
            if ours[name].shape != theirs[name].shape:
                raise GateFailed(f"{label}: {name} has another length there")
            stage = name.split(".", 1)[-1]
            worst[stage] = min(worst.get(stage, 200.0), agreement_db(ours[name], theirs[name]))
    for stage, value in worst.items():
        exact = target.exact or stage == "samples"
        rounded_db = AGREEMENT_INT8_DB if target.graphs is None else AGREEMENT_LISTENER_DB
        if value < (AGREEMENT_FP32_DB if exact else rounded_db):
            raise GateFailed(f"{label}: {stage} agrees by {value:.0f} dB only")
    return worst


def _log_mel_distance(here: Path, there: Path, rate_hz: int) -> float:
    """Distance of two sentences; infinite if one is longer."""
    with np.load(here) as ours, np.load(there) as theirs:
        one, other = (np.asarray(item["samples"], dtype=np.float32) for item in (ours, theirs))
    if len(one) != len(other):
        return float("inf")
    return log_mel_distance(one, other, rate_hz)


def _length_difference(here: Path, there: Path) -> float:
    """Share by which the frames of one sentence are more or fewer; 0 where none are told."""
    with np.load(here) as ours, np.load(there) as theirs:
        if "durations" not in ours.files:
            return 0.0
        one, other = (float(np.ceil(item["durations"]).sum()) for item in (ours, theirs))
    return abs(other / one - 1)


def _guest(*arguments: str) -> list[str]:
    return ["-m", "voxedge.bench.a72.guest", *arguments]


def _project() -> Path:
    return Path(__file__).parents[3]


def _run(command: Sequence[str]) -> str:
    environment = {**os.environ, "PYTHONPATH": str(_project()), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env=environment
    )
    if done.returncode:
        words = done.stderr.strip().splitlines()
        raise GateFailed(f"it ended with {done.returncode}: {words[-1] if words else 'no word'}")
    return done.stdout
