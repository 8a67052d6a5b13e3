"""Which networks of a voice are in use: its own in stages, or light ones made from it.

Light ones come from a student that came with voxedge, or from one that somebody trained. A newer
voxedge may bring a better student: then those in use are *stale* and can be made anew.

``in-use.json`` in the voice's folder names them, with their sizes and digests. It is written last
and at once, so that whatever breaks off before leaves the former networks in use; and what it names
is looked at before it is believed, so that a damaged light voice gives way to the voice itself.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxedge.engines.tts.assets import LightAssets, StudentAssets, VoiceAssets
from voxedge.errors import DiskFull
from voxedge.models.build import sha256_of
from voxedge.models.shipped import shipped_digest

if TYPE_CHECKING:
    from voxedge.models.distil.package import Student

_LOG = logging.getLogger(__name__)

IN_USE_FILE = "in-use.json"
FORMAT = 1
RECIPES = ("student", "split", "fp32")
"""``student``: text encoder and student in INT8. ``split``: the voice itself, cut into stages,
nothing lost. ``fp32``: the student without quantization, to hear what that costs."""


def use_recipe(
    recipe: str,
    assets: VoiceAssets,
    student: Student | None,
    lighter: Student | None = None,
    *,
    shipped: str = "",
) -> VoiceAssets:
    """Make the networks of a recipe and put them in use. Blocking: some 10 s for a student.

    Args:
        recipe: one of ``RECIPES``.
        assets: the voice in stages.
        student: its student; only ``split`` does without.
        lighter: a second one, for when the device cannot afford the first.
        shipped: ``shipped_digest`` of the two, if they came with voxedge; empty if somebody
            trained them.

    Raises:
        VoiceCorrupt: the student is of another voice, or does not speak here.
        DiskFull: no room. As with every failure, what was in use stays in use.
    """
    place = assets.folder.parent
    if recipe == "split" or student is None:
        (place / IN_USE_FILE).unlink(missing_ok=True)
        return replace(assets, light=None)
    try:
        light = _make(recipe, assets, student, lighter)
        description = _description(place, assets, light) | {"shipped": shipped}
        _write_whole(place / IN_USE_FILE, description)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(path=place / IN_USE_FILE) from error
        raise
    folder = light.student.path.parent
    for other in place.glob(f"{folder.name.partition('-')[0]}-*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)  # made again in seconds, if ever
    return replace(assets, light=light)


def stale_recipe(place: Path, voice: str) -> str:
    """The recipe in use, if its students came with another voxedge than this one; else empty.

    Fast: a few kilobytes are read.

    Args:
        place: the voice's folder.
        voice: its name.
    """
    try:
        data = json.loads((place / IN_USE_FILE).read_text(encoding="utf-8"))
        # Written before the digest was noted: they can only have come with voxedge.
        made_from, recipe = str(data.get("shipped", "unknown")), str(data["recipe"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
    now = shipped_digest(voice)
    return recipe if made_from and now and made_from != now else ""


def has_lighter(place: Path, model_sha256: str) -> bool:
    """Whether the networks in use have a lighter student beside the usual one."""
    try:
        data = json.loads((place / IN_USE_FILE).read_text(encoding="utf-8"))
        return _light(place, data, model_sha256).lighter is not None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def in_use(assets: VoiceAssets) -> VoiceAssets:
    """The voice with the networks that are in use. Fast: a few kilobytes are read.

    What is damaged or belongs to another model is told in the log and not used.
    """
    place = assets.folder.parent
    try:
        data = json.loads((place / IN_USE_FILE).read_text(encoding="utf-8"))
        light = _light(place, data, assets.model_sha256)
    except FileNotFoundError:
        if (place / IN_USE_FILE).exists():
            _LOG.warning("light networks of %s are gone: its own are used", assets.name)
        return assets
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _LOG.warning("light networks of %s are not used: %s", assets.name, error)
        return assets
    return replace(assets, light=light)


def light_key(place: Path, model_sha256: str) -> str:
    """Name of the light networks in use, empty for none; as ``in_use`` finds them."""
    try:
        data = json.loads((place / IN_USE_FILE).read_text(encoding="utf-8"))
        light = _light(place, data, model_sha256)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
    return f"{light.recipe} {light.student.path.parent.name}"


def light_intact(place: Path) -> bool:
    """Whether the light networks in use, if any, have the digests they were written with."""
    try:
        data = json.loads((place / IN_USE_FILE).read_text(encoding="utf-8"))
        items = data["files"].values()
        return all(sha256_of(place / item["file"]) == item["sha256"] for item in items)
    except FileNotFoundError:
        return not (place / IN_USE_FILE).exists()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _light(place: Path, data: Mapping[str, Any], model_sha256: str) -> LightAssets:
    """What a description says, its files looked at.

    Raises:
        ValueError: it is of another model, or a file is damaged.
        OSError, KeyError, TypeError: a file or an entry is not there.
    """
    if data["format"] != FORMAT or data["model_sha256"] != model_sha256:
        raise ValueError("they belong to another model")
    for item in data["files"].values():
        if (place / item["file"]).stat().st_size != item["bytes"]:
            raise ValueError(f"{item['file']} is damaged")
    lighter = data.get("lighter")
    return LightAssets(
        recipe=str(data["recipe"]),
        text_encoder=place / data["files"]["text_encoder"]["file"],
        student=_student_of(place / data["files"]["student"]["file"], data),
        fft_size=int(data["fft_size"]),
        hop=int(data["hop"]),
        lighter=_student_of(place / data["files"]["lighter"]["file"], lighter) if lighter else None,
    )


def _student_of(path: Path, data: Mapping[str, Any]) -> StudentAssets:
    caches = tuple((int(reach), int(width)) for reach, width in data["caches"])
    return StudentAssets(path, int(data["context"]), caches)


def _make(
    recipe: str, assets: VoiceAssets, student: Student, lighter: Student | None
) -> LightAssets:
    from voxedge.engines.tts.network import VoiceNetwork
    from voxedge.models.distil import package
    from voxedge.models.distil import recipe as distilling

    exact = recipe == "fp32"
    if exact:
        student, lighter = replace(student, int8={}), None
    folder = distilling.installed_folder(assets.folder.parent, student, lighter)
    if not distilling.is_installed(folder):
        teacher = VoiceNetwork(assets, threads=1)
        distilling.install_student(assets.name, student, teacher, folder, lighter)
    files = package.student_files(student.shape, folder / package.STUDENT_FILE)
    second = None
    if lighter is not None:
        other = package.student_files(lighter.shape, folder / package.LIGHTER_FILE)
        second = StudentAssets(other.path, other.context, other.caches)
    return LightAssets(
        recipe=recipe,
        text_encoder=assets.text_encoder if exact else folder / package.TEXT_ENCODER_FILE,
        student=StudentAssets(files.path, files.context, files.caches),
        fft_size=files.form.fft_size,
        hop=files.form.hop,
        lighter=second,
    )


def _description(place: Path, assets: VoiceAssets, light: LightAssets) -> dict[str, Any]:
    paths = {"text_encoder": light.text_encoder, "student": light.student.path}
    lighter = light.lighter
    if lighter is not None:
        paths["lighter"] = lighter.path
    return {
        "format": FORMAT,
        "recipe": light.recipe,
        "model_sha256": assets.model_sha256,
        "files": {
            role: {
                "file": str(path.relative_to(place)),
                "bytes": path.stat().st_size,
                "sha256": sha256_of(path),
            }
            for role, path in paths.items()
        },
        "fft_size": light.fft_size,
        "hop": light.hop,
        "context": light.student.context,
        "caches": light.student.caches,
        "lighter": {"context": lighter.context, "caches": lighter.caches} if lighter else None,
    }


def _write_whole(path: Path, data: Mapping[str, Any]) -> None:
    handle, scratch = tempfile.mkstemp(prefix=".in-use-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(data, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        Path(scratch).chmod(0o644)
        Path(scratch).replace(path)
    except OSError:
        Path(scratch).unlink(missing_ok=True)
        raise
