"""``voxedge models build|refresh|score``: make a voice's light networks, and judge them."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from voxedge.cli.options import Subparsers
from voxedge.cli.progress import ProgressBar
from voxedge.errors import StudentRefused, UsageError, VoxedgeError

if TYPE_CHECKING:
    from voxedge.engines.tts.assets import VoiceAssets
    from voxedge.engines.tts.network import Networks, VoiceNetwork
    from voxedge.models.distil.package import Student
    from voxedge.models.distil.shape import Weights
    from voxedge.models.score.judge import Verdict
    from voxedge.models.score.recogniser import Recogniser
    from voxedge.models.score.scoring import VoiceScore

_RECIPES = ("student", "split", "fp32")
"""``voxedge.models.recipes.RECIPES``, not imported here: a key press (``voxedge do``) reads every
command's options and must not wait for numpy."""


def register(verbs: Subparsers) -> None:
    """Add both verbs to ``voxedge models``."""
    build = verbs.add_parser("build", help="make a voice's light networks and use them")
    build.add_argument("name", nargs="?", metavar="VOICE", help="default: the default voice")
    build.add_argument(
        "--recipe",
        choices=_RECIPES,
        default="student",
        help="student: light, in INT8 (default); fp32: light, not quantized; split: the voice "
        "itself, in stages",
    )
    build.add_argument(
        "--train",
        metavar="FOLDER",
        type=Path,
        help="train a student from the voice itself (hours; goes on where it stopped) and keep "
        "its work in FOLDER; without it the student that came with voxedge is installed",
    )
    build.add_argument("--steps", type=int, default=20_000, help="training steps (20000)")
    build.add_argument("--minutes", type=float, default=180, help="speech to learn from (180)")
    build.add_argument(
        "--text", metavar="FILE", type=Path, action="append", default=[], help="more to say"
    )
    build.add_argument(
        "--prune",
        metavar="SHARE",
        type=float,
        help="with --train: begin with the shipped student, this share of its channels removed",
    )
    build.add_argument(
        "--begin-with",
        metavar="VOICE",
        help="with --train: begin with the shipped student of this voice, not from chance; with "
        "the voice's own, refine it",
    )
    build.add_argument("--device", default="cpu", help="where to train: cpu or cuda")
    build.add_argument("--threads", type=int, default=1, help="threads to train with (1)")
    build.set_defaults(run=run_build)

    refresh = verbs.add_parser(
        "refresh", help="make light networks anew where a newer student came with voxedge"
    )
    refresh.add_argument("name", nargs="?", metavar="VOICE", help="default: the default voice")
    refresh.set_defaults(run=run_refresh)

    score = verbs.add_parser("score", help="judge a voice's light networks against the original")
    score.add_argument("name", nargs="?", metavar="VOICE", help="default: the default voice")
    score.add_argument("--sentences", type=int, default=100, help="how many of the hundred")
    score.add_argument("--out", metavar="FOLDER", type=Path, help="write a page and WAV files")
    score.add_argument(
        "--card", metavar="FILE", type=Path, help="write the student's model card (judges twice)"
    )
    score.add_argument(
        "--student", metavar="FOLDER", type=Path, help="judge a trained student that is not in use"
    )
    score.add_argument(
        "--lighter", action="store_true", help="judge the lighter student that came with voxedge"
    )
    score.add_argument("--noise", action="store_true", help="with the engine's noise, not without")
    score.add_argument("--json", action="store_true", help="print one JSON object")
    score.set_defaults(run=run_score)


def run_build(arguments: argparse.Namespace) -> int:
    """Train if asked, then make the networks and put them in use."""
    from voxedge.models.distil.network import TorchMissing
    from voxedge.models.distil.prune import prune
    from voxedge.models.distil.recipe import Plan, distil_voice, fitting_shape, warm_start
    from voxedge.models.distil.train import CheckpointUnusable, Guide, Training, refining
    from voxedge.models.recipes import use_recipe
    from voxedge.models.score.metrics import JudgeMissing
    from voxedge.models.score.recogniser import Whisper

    if arguments.train is None and arguments.prune is not None:
        raise UsageError(reason="A pruned student must learn again: give --train FOLDER too.")
    teacher = _original(arguments.name)
    assets = teacher.assets
    student: Student | None = None
    lighter: Student | None = None
    shipped = ""
    try:
        if arguments.train is not None:
            listener = Whisper()  # missing, it is missed now and not after hours
            training = Training(
                steps=arguments.steps, threads=arguments.threads, device=arguments.device
            )
            plan = Plan(arguments.minutes, tuple(arguments.text), fitting_shape(teacher), training)
            warm: Weights | None = None
            guide: Guide | None = None
            if arguments.prune is not None:
                wide = _shipped(assets.name)
                guide = Guide(wide.shape, wide.weights)
                shape, warm = prune(wide.shape, wide.weights, arguments.prune)
                plan = replace(plan, shape=shape)
            elif arguments.begin_with is not None:
                warm = warm_start(plan.shape, _shipped(arguments.begin_with))
                if arguments.begin_with == assets.name:
                    plan = replace(plan, training=refining(training))
            student = distil_voice(
                assets.name,
                teacher,
                assets.model_sha256,
                arguments.train,
                arguments.train,
                plan,
                warm,
                ProgressBar(),
                guide,
            )
            _judge_trained(teacher, student, listener, arguments.train)
        elif arguments.recipe != "split":
            student, lighter, shipped = _shipped_pair(assets.name)
    except (TorchMissing, JudgeMissing, CheckpointUnusable, ValueError) as error:
        raise UsageError(reason=f"{error}"[:1].upper() + f"{error}"[1:] + ".") from error
    built = use_recipe(arguments.recipe, assets, student, lighter, shipped=shipped)
    size = sum(path.stat().st_size for path in built.files)
    print(f"{assets.name} speaks with networks of {size / 1e6:.1f} MB now ({arguments.recipe}).")
    return 0


def run_refresh(arguments: argparse.Namespace) -> int:
    """What ``voxedge run`` does in the background; by hand, or from a set-up script."""
    from voxedge.models.distil.shape import WeightsUnusable
    from voxedge.models.store import VoiceStore

    store = VoiceStore()
    name = arguments.name or store.default_voice
    try:
        made = store.refresh(name)
    except WeightsUnusable as error:
        raise UsageError(reason=f"The student of {name} is damaged: {error}.") from error
    print(f"The light networks of {name} {'are made anew' if made else 'are up to date'}.")
    return 0


def run_score(arguments: argparse.Namespace) -> int:
    """Print the table; exit code 1 if the gate fails."""
    from voxedge.models.score.judge import judge_voice
    from voxedge.models.score.metrics import JudgeMissing
    from voxedge.models.score.recogniser import Whisper
    from voxedge.models.score.scoring import table
    from voxedge.models.score.sentences import evenly, load_sentences
    from voxedge.models.shipped import LIGHTER_SUFFIX

    teacher = _original(arguments.name)
    assets = teacher.assets
    # A card must not tell the scores of other weights than its own (it once did).
    student: Student | None = None
    if arguments.lighter:
        student = _trained(assets.name + LIGHTER_SUFFIX, arguments.student)
    elif arguments.student is not None or arguments.card is not None:
        student = _trained(assets.name, arguments.student)
    light = _light(teacher, student)
    sentences = evenly(load_sentences(), arguments.sentences)

    def judged(folder: Path | None, *, noise: bool) -> Verdict:
        return judge_voice(
            assets.name,
            teacher,
            light,
            assets.config,
            assets.hop,
            Whisper(),
            sentences,
            folder,
            ProgressBar(),
            noise=noise,
        )

    try:
        verdict = judged(arguments.out, noise=arguments.noise)
        if arguments.card is not None and student is not None:
            other = judged(None, noise=not arguments.noise).score
            pair = (other, verdict.score) if arguments.noise else (verdict.score, other)
            _write_card(arguments.card, assets, student, *pair)
    except JudgeMissing as error:
        raise UsageError(reason=f"{error}: pip install 'voxedge[score]'") from error
    if arguments.json:
        print(json.dumps({"voice": assets.name, **verdict.score.as_json()}, indent=2))
    else:
        print(table(verdict.score))
        if verdict.page:
            print(f"Look and listen: {verdict.page}")
    return 0 if verdict.score.passed else 1


def _write_card(
    path: Path, assets: VoiceAssets, student: Student, plain: VoiceScore, noisy: VoiceScore
) -> None:
    from voxedge.models.distil.card import model_card
    from voxedge.models.distil.recipe import installed_folder
    from voxedge.models.manifest import load_manifest

    folder = installed_folder(assets.folder.parent, student)
    sizes = {item.name: item.stat().st_size for item in sorted(folder.glob("*.onnx"))}
    card = model_card(load_manifest().find(assets.name), student, sizes, plain, noisy)
    path.write_text(card, encoding="utf-8")


def _original(name: str | None) -> VoiceNetwork:
    """The voice in fp32, fetched beforehand; its digest counts now."""
    from voxedge.engines.tts.network import VoiceNetwork
    from voxedge.models.store import VoiceStore

    store = VoiceStore()
    store.verify(name or store.default_voice)
    return VoiceNetwork(store.open(name), threads=1)


def _light(teacher: VoiceNetwork, student: Student | None) -> Networks:
    """A given student; None for what is in use, else for the one that came with voxedge."""
    from voxedge.engines.tts.opening import open_network
    from voxedge.models.distil.recipe import (
        install_student,
        installed_folder,
        is_installed,
        open_installed,
    )

    assets = teacher.assets
    if assets.light is not None and student is None:
        return open_network(assets, threads=1)
    student = student or _shipped(assets.name)
    folder = installed_folder(assets.folder.parent, student)
    if not is_installed(folder):
        install_student(assets.name, student, teacher, folder)
    return open_installed(assets.name, student, teacher, folder)


def use_shipped(name: str) -> None:
    """Put the light networks that came with voxedge in use, where there are some. Some seconds.

    Raises:
        VoxedgeError: the voice is not installed, or there is no room.
    """
    from voxedge.models.recipes import use_recipe

    try:
        student, lighter, shipped = _shipped_pair(name)
    except UsageError as error:
        print(f"{error} The voice speaks with its own networks.")
        return
    use_recipe("student", _original(name).assets, student, lighter, shipped=shipped)
    print(f"{name} speaks with its light networks; `models build --recipe split` takes its own.")


def _shipped(name: str) -> Student:
    """The student that came with voxedge.

    Raises:
        UsageError: there is none of that voice, or its files are damaged.
    """
    return _trained(name, None)


def _shipped_pair(name: str) -> tuple[Student, Student | None, str]:
    """The student that came with voxedge, its lighter one, and the digest of both.

    Raises:
        UsageError: there is none of that voice, or its files are damaged.
    """
    from voxedge.models import shipped
    from voxedge.models.distil.package import load_lighter
    from voxedge.models.distil.shape import WeightsUnusable

    student = _shipped(name)
    try:
        lighter = load_lighter(shipped.students_folder(), name)
    except WeightsUnusable as error:
        raise UsageError(reason=f"The lighter student of {name} is damaged: {error}.") from error
    return student, lighter, shipped.shipped_digest(name)


def _judge_trained(
    teacher: VoiceNetwork, student: Student, listener: Recogniser, folder: Path
) -> None:
    """Let a student that was just trained into use only if it holds the gate.

    Raises:
        StudentRefused: it does not.
        JudgeMissing: a judge is not installed.
    """
    from voxedge.models.score.judge import judge_voice
    from voxedge.models.score.scoring import table

    assets = teacher.assets
    score = judge_voice(
        assets.name,
        teacher,
        _light(teacher, student),
        assets.config,
        assets.hop,
        listener,
        progress=ProgressBar(),
    ).score
    print(table(score))
    if not score.passed:
        raise StudentRefused(voice=assets.name, folder=folder)


def _trained(name: str, folder: Path | None) -> Student:
    """A student that was trained into ``folder``; None for the one that came with voxedge.

    Raises:
        UsageError: there is none of that voice, or its files are damaged.
    """
    from voxedge.models import shipped
    from voxedge.models.distil.package import load_student
    from voxedge.models.distil.shape import WeightsUnusable

    try:
        return load_student(folder or shipped.students_folder(), name)
    except FileNotFoundError as error:
        where = f"is in {folder}" if folder else "came with voxedge"
        reason = f"No student of {name} {where}. Train one: build {name} --train FOLDER"
        raise UsageError(reason=reason) from error
    except WeightsUnusable as error:
        raise UsageError(reason=f"The student of {name} is damaged: {error}.") from error


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb alone."""
    parser = argparse.ArgumentParser(prog="voxedge models")
    register(parser.add_subparsers(metavar="VERB", required=True))
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        code: int = arguments.run(arguments)
    except VoxedgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return code


if __name__ == "__main__":
    sys.exit(main())
