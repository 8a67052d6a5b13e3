"""Voices and readers of the image, fetched and built by voxedge itself on this machine."""

from __future__ import annotations

import shutil
from pathlib import Path

from imagebuild.errors import CommandFailed, DownloadCorrupt, DownloadFailed
from imagebuild.plan import REPO, Plan
from imagebuild.process import run, say

IMAGE_MODELS = "usr/share/voxedge/models"
_NOT_COPIED = (".*", "ready-*", "*.new")
"""Unfinished downloads, and networks as this machine's onnxruntime optimised them."""
SECOND_LISTENER = "whisper-tiny-en"
"""At 20 dB of noise pocketsphinx alone hears 77 % of English commands, with it 92 %."""


def prepare_models(plan: Plan) -> Path | None:
    """Return a folder with the voice, its light networks and phrases, and both second opinions.

    Made by the commands that a person would use, in a folder of the image's own; the second build
    finds everything there and needs no network. None without a voice.

    Raises:
        DownloadCorrupt: a file is not what ``models/manifest.toml`` promises.
        DownloadFailed: a file did not come.
    """
    if not plan.voice:
        return None
    folder = plan.cache / "models"
    folder.mkdir(parents=True, exist_ok=True)
    env = {**plan.build_env, "VOXEDGE_MODELS": str(folder)}
    say("Models: fetching or checking the voice, the second reader and the second listener")
    _voxedge(plan, env, "models", "fetch")
    _voxedge(plan, env, "models", "fetch", SECOND_LISTENER, "--own")
    for voice in folder.iterdir():
        _drop_others_phrases(voice)
    _voxedge(plan, env, "models", "phrases")
    _voxedge(plan, env, "models", "verify")
    return folder


def install_models(models: Path, tree: Path) -> None:
    """Copy what the device needs of the models into the tree."""
    target = tree / IMAGE_MODELS
    shutil.copytree(models, target, ignore=shutil.ignore_patterns(*_NOT_COPIED), dirs_exist_ok=True)
    for path in (target, *target.rglob("*")):
        # Who built them may have kept them private; the reader runs as a user of its own.
        path.chmod(0o755 if path.is_dir() else 0o644)
    for voice in target.iterdir():
        _drop_unused_students(voice)


def _drop_unused_students(voice: Path) -> None:
    """Keep the light networks that are in use; earlier ones lie beside them after an update."""
    in_use = voice / "in-use.json"
    text = in_use.read_text(encoding="utf-8") if in_use.is_file() else ""
    for folder in voice.glob("student-*"):
        if folder.name not in text:
            shutil.rmtree(folder)


def _drop_others_phrases(voice: Path) -> None:
    """Speak all phrases anew where other networks spoke those that lie here.

    On a device the oldest make room; an image would carry them, and not be the one that an empty
    cache gives.
    """
    in_use, mark = voice / "in-use.json", voice / ".phrases-of"
    if not in_use.is_file():
        return
    speaker = in_use.read_text(encoding="utf-8")
    if not mark.is_file() or mark.read_text(encoding="utf-8") != speaker:
        shutil.rmtree(voice / "phrases", ignore_errors=True)
        mark.write_text(speaker, encoding="utf-8")


def _voxedge(plan: Plan, env: dict[str, str], *arguments: str) -> None:
    try:
        run([plan.python, "-m", "voxedge", *arguments], env=env, cwd=REPO)
    except CommandFailed as error:
        text = str(error)
        if "not the file that was promised" in text or "not what was promised" in text:
            raise DownloadCorrupt(text) from error
        raise DownloadFailed(text) from error
