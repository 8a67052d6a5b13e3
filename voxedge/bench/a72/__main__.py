"""``scripts/a72``: the gate from the command line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from voxedge.bench.a72 import gate, sandbox

if TYPE_CHECKING:
    from voxedge.models.distil.package import Student
    from voxedge.models.store import VoiceStore

BUDGET = Path(__file__).with_name("budget.json")
LOCK = Path(__file__).parents[3] / "scripts" / "locks" / "runtime.txt"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the gate; 0 when everything holds, 1 when not, 77 when it cannot run here."""
    options = _parser().parse_args(argv)
    try:
        device = sandbox.prepare(LOCK, _say)
        old = sandbox.lay_package(sandbox.cache_folder(), gate.OLD_ONNXRUNTIME, _say)
    except sandbox.SandboxFailed as error:
        _say(f"a72: skipped: {error}")
        return 77
    try:
        return _gate(options, device, old)
    except gate.GateFailed as error:
        _say(f"a72: {error}")
        return 1


def _gate(options: argparse.Namespace, device: sandbox.Sandbox, old: Path) -> int:
    _say("importing everything on the emulated device ...")
    versions = gate.check_imports(device)
    _say("  " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    if not options.quick:
        gate.check_old_onnxruntime_dies(device, old)
        _say(f"  {gate.OLD_ONNXRUNTIME} dies by SIGILL, as on the real one")
    measured = []
    for target in _voices(options):
        _say(f"{'speaking' if target.graphs is None else 'listening'} with {target.label} ...")
        measured.append(gate.measure(device, target))
    print(gate.table(measured))
    estimates = {}
    baseline = next((item for item in measured if item.label == "fp32-whole"), None)
    if baseline is not None:
        estimates = {item.label: gate.estimate(item, baseline) for item in measured}
        for label, figures in estimates.items():
            print(f"{label}: " + ", ".join(f"{k} {v:.3f}" for k, v in figures.items()))
    if options.json:
        report = {"budget": gate.as_budget(measured), "estimates": estimates, "versions": versions}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    budget = json.loads(BUDGET.read_text(encoding="utf-8")) if BUDGET.is_file() else {"voices": {}}
    if options.write_budget:
        fresh = gate.as_budget(measured)
        fresh["voices"] = {**budget["voices"], **fresh["voices"]}
        BUDGET.write_text(json.dumps(fresh, indent=1) + "\n", encoding="utf-8")
        return 0
    wrong = [sentence for item in measured for sentence in gate.over_budget(item, budget)]
    for sentence in wrong:
        _say(f"a72: {sentence}")
    return 1 if wrong else 0


def _voices(options: argparse.Namespace) -> list[gate.Target]:
    """What to measure: what was named, else the default voice in all its forms."""
    if options.voice:
        pairs = [item.partition("=")[::2] for item in options.voice]
        return [gate.Target(label, Path(path).resolve()) for label, path in pairs]
    if options.listener:
        return _listener()
    from voxedge.models.store import VoiceStore

    store = VoiceStore()
    name = store.default_voice
    students = _students(store, name)
    staged = gate.Target("fp32-split", store.open(name).folder)
    if options.quick:
        return (students or [staged])[:1]
    folder = store.verify(name, quick=True).folder
    whole = gate.Target("fp32-whole", folder / store.entry(name).model.name)
    return [whole, staged, *students, *_listener()]


def _listener() -> list[gate.Target]:
    """The second listener, where its model is installed."""
    from voxedge.engines.asr.second import prepare_judge
    from voxedge.engines.asr.whisper_graphs import kept_place
    from voxedge.errors import RecogniserMissing
    from voxedge.models.paths import models_folder
    from voxedge.models.recognisers import WHISPER, find_model

    try:
        is_kept = prepare_judge("en")
    except RecogniserMissing as error:
        _say(f"a72: no second listener: {error}")
        return []
    if not is_kept:
        _say("a72: no second listener: its graphs cannot be kept")
        return []
    entry, folder = find_model("en", verify=False, engine=WHISPER)
    graphs = kept_place(models_folder(), entry.name, entry.tree_sha256)
    return [gate.Target("listener-int8", folder / "model.bin", exact=False, graphs=graphs)]


def _students(store: VoiceStore, name: str) -> list[gate.Target]:
    """The voice's student and its lighter one, put onto this machine if they are not."""
    from voxedge.engines.tts.network import VoiceNetwork
    from voxedge.models import shipped
    from voxedge.models.distil import package, recipe

    try:
        student = package.load_student(shipped.students_folder(), name)
    except FileNotFoundError:
        return []
    lighter = package.load_lighter(shipped.students_folder(), name)
    assets = store.open(name)
    targets = []
    for label, item in (("student-int8", student), ("lighter-int8", lighter)):
        if item is not None:
            folder = recipe.installed_folder(assets.folder.parent, item)
            if not recipe.is_installed(folder):
                recipe.install_student(name, item, VoiceNetwork(assets, threads=1), folder)
            targets.append(student_target(label, assets.folder, item, folder))
    return targets


def student_target(label: str, built: Path, student: Student, folder: Path) -> gate.Target:
    """What the gate must know of an installed student."""
    from voxedge.models.distil import package

    files = package.student_files(student.shape, folder / package.STUDENT_FILE)
    facts = {
        "student": package.STUDENT_FILE,
        "text_encoder": package.TEXT_ENCODER_FILE,
        "form": asdict(files.form),
        "context": files.context,
        "caches": files.caches,
    }
    return gate.Target(label, built, folder, facts, exact=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/a72", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="imports and one voice, no baseline")
    parser.add_argument(
        "--voice",
        action="append",
        metavar="LABEL=PATH",
        help="a built voice's folder, or an official model file; may be repeated",
    )
    parser.add_argument("--listener", action="store_true", help="the second listener only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--write-budget", action="store_true", help="make these figures the budget")
    return parser


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
