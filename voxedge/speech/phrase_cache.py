"""Sound on disk: what the device says often is synthesized once.

Two folders of the same make. The device's **own phrases** ("I am getting too hot.") are spoken into
one when a voice is installed (``voxedge models phrases``) and only read after that. **Recent
utterances** may have a folder too, but only in memory: page text and its sound are private, so a
folder on a disk is refused (``open_recent``); ``SpeechCache`` holds them in the process anyway.

An utterance is the unit: it is stored whole and answered whole. Nothing is put together from parts,
so no dose is ever spoken from two recordings. Raw 16-bit samples, because a hit must cost next to
nothing; docs/voices.md has the measurement against FLAC.

Blocking, but for a fraction of a millisecond: called from the event loop.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import tempfile
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voxedge.flow import PcmChunk, Utterance

_LOG = logging.getLogger(__name__)

FORMAT = 1
SUFFIX = ".pcm"
MAGIC = b"VOXP"
_HEADER = struct.Struct("<4sHHIIII")
"""Magic, format, sample bytes, rate in Hz, samples, CRC-32 of the samples, CRC-32 of the rest."""

CHUNK_SAMPLES = 4096
"""186 ms at 22,050 Hz: what a hit is handed on in."""

PHRASES_BYTES = 64 * 1024 * 1024
RECENT_BYTES = 24 * 1024 * 1024

_SCRATCH = ".new-"
_STALE_S = 60.0

MEMORY_FILE_SYSTEMS = frozenset({"tmpfs", "ramfs"})


@dataclass(frozen=True, slots=True)
class Origin:
    """What besides the utterance decides how it sounds.

    Attributes:
        voice: name of the voice.
        model_sha256: digest of the model and recipe it was built from.
        lexicon: version of the user's respellings; empty for none.
    """

    voice: str
    model_sha256: str
    lexicon: str = ""


class PrivacyRefused(Exception):
    """Recent speech was to be kept where it outlives the power; the message says where."""


def utterance_key(utterance: Utterance, origin: Origin) -> str:
    """Name of an utterance's file: 40 hexadecimal digits that tell nothing of the text.

    The pause behind it is written by the owner of the voice and is no part of the sound.
    """
    parts = (
        str(FORMAT),
        origin.voice,
        origin.model_sha256,
        origin.lexicon,
        utterance.text,
        utterance.language,
        utterance.kind.value,
        # The bits of the number: "1.1" and "1.1000000000000001" are different sounds.
        float(utterance.rate).hex(),
        str(utterance.seed),
    )
    digest = hashlib.blake2b(digest_size=20)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(struct.pack("<I", len(data)))
        digest.update(data)
    return digest.hexdigest()


class PhraseCache:
    """Utterances in one folder, least recently used first out. For one event loop.

    Every failure of the disk is logged once for its kind and otherwise means "not there": a cache
    must not keep a device from speaking.

    Args:
        folder: where; made when first written to.
        origin: what the sounds come from; others' files are left alone until they are the oldest.
        capacity_bytes: what its files may take together.
        dated: note each use in the file's date, so that the order outlives the process. For a
            folder in memory; a disk would be written to at each hit.
    """

    def __init__(
        self,
        folder: Path,
        origin: Origin,
        capacity_bytes: int = PHRASES_BYTES,
        *,
        dated: bool = False,
    ) -> None:
        self._dated = dated
        self._folder = folder
        self._origin = origin
        self._capacity_bytes = capacity_bytes
        self._sizes: dict[str, int] | None = None  # in order of use, oldest first
        self._told: set[str] = set()

    @property
    def voice(self) -> str:
        """Name of the voice whose sounds these are."""
        return self._origin.voice

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self._folder

    @property
    def held_bytes(self) -> int:
        """What the files take now."""
        return sum(self._index().values())

    def __contains__(self, utterance: Utterance) -> bool:
        return utterance_key(utterance, self._origin) in self._index()

    def get(self, utterance: Utterance) -> tuple[PcmChunk, ...] | None:
        """Return the whole utterance, None if it is not held or not sound.

        A damaged file is removed.
        """
        key = utterance_key(utterance, self._origin)
        path = self._path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell("read", error)
            return None
        chunks = decode(data)
        index = self._index()
        if chunks is None:
            _LOG.warning("a cached phrase was damaged and is dropped")
            index.pop(key, None)
            with suppress(OSError):
                path.unlink()
            return None
        index[key] = index.pop(key, len(data))
        if self._dated:
            with suppress(OSError):
                os.utime(path)
        return chunks

    def put(self, utterance: Utterance, chunks: tuple[PcmChunk, ...]) -> bool:
        """Hold a whole utterance; return whether it is held now.

        Raises:
            ValueError: the chunks are no whole utterance.
        """
        data = encode(chunks)
        if len(data) > self._capacity_bytes:
            return False
        key = utterance_key(utterance, self._origin)
        index = self._index()
        index.pop(key, None)
        self._make_room(len(data))
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(self._path(key), data)
        except OSError as error:  # a full disk, a read-only one: go on without
            self._tell("written", error)
            return False
        index[key] = len(data)
        return True

    def clear(self) -> None:
        """Forget everything that is held."""
        for key in list(self._index()):
            self._remove(key)

    def _make_room(self, needed: int) -> None:
        index = self._index()
        held = sum(index.values())
        for key in list(index):
            if held + needed <= self._capacity_bytes:
                return
            held -= index[key]
            self._remove(key)

    def _remove(self, key: str) -> None:
        self._index().pop(key, None)
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            self._tell("emptied", error)

    def _index(self) -> dict[str, int]:
        """Files and sizes, oldest first; read from the folder once."""
        if self._sizes is None:
            found: list[tuple[float, str, int]] = []
            with suppress(OSError):
                for entry in os.scandir(self._folder):
                    facts = entry.stat()
                    if entry.name.endswith(SUFFIX):
                        name = entry.name.removesuffix(SUFFIX)
                        found.append((facts.st_mtime, name, facts.st_size))
                    elif (
                        entry.name.startswith(_SCRATCH) and facts.st_mtime < time.time() - _STALE_S
                    ):
                        Path(entry.path).unlink()  # a power cut came while it was written
            self._sizes = {name: size for _, name, size in sorted(found)}
        return self._sizes

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{SUFFIX}"

    def _tell(self, doing: str, error: OSError) -> None:
        kind = f"{doing} {error.errno}"
        if kind not in self._told:
            self._told.add(kind)
            _LOG.warning("the phrase cache cannot be %s: %s", doing, error.strerror)


def open_recent(
    folder: Path, origin: Origin, capacity_bytes: int = RECENT_BYTES, mounts: str | None = None
) -> PhraseCache:
    """Open a folder for what was spoken lately, page text included.

    Args:
        folder: below ``$RUNTIME_DIRECTORY``, say.
        origin: what the sounds come from.
        capacity_bytes: what its files may take together.
        mounts: content of ``/proc/self/mounts``; None to read it.

    Raises:
        PrivacyRefused: the folder is on a disk.
    """
    if mounts is None:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    kind = _file_system(folder.resolve(), mounts)
    if kind not in MEMORY_FILE_SYSTEMS:
        raise PrivacyRefused(f"{folder} is on {kind}: recent speech is kept in memory only")
    return PhraseCache(folder, origin, capacity_bytes, dated=True)


def encode(chunks: tuple[PcmChunk, ...]) -> bytes:
    """Put a whole utterance into the bytes of its file.

    Raises:
        ValueError: no chunk, the last one not marked, or two sample rates.
    """
    if not chunks or not chunks[-1].last or any(chunk.last for chunk in chunks[:-1]):
        raise ValueError("not a whole utterance")
    rate_hz = chunks[0].rate_hz
    if any(chunk.rate_hz != rate_hz for chunk in chunks):
        raise ValueError("its sample rate changes")
    samples = np.concatenate([chunk.samples for chunk in chunks])
    data: bytes = np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()
    head = _HEADER.pack(MAGIC, FORMAT, 2, rate_hz, len(samples), zlib.crc32(data), 0)
    return head[:-4] + struct.pack("<I", zlib.crc32(head)) + data


def decode(data: bytes) -> tuple[PcmChunk, ...] | None:
    """Take the bytes of a file apart; None if they are not exactly what ``encode`` makes."""
    if len(data) < _HEADER.size:
        return None
    magic, form, width, rate_hz, count, checksum, head_checksum = _HEADER.unpack_from(data)
    body = memoryview(data)[_HEADER.size :]
    plain_head = _HEADER.pack(magic, form, width, rate_hz, count, checksum, 0)
    if zlib.crc32(plain_head) != head_checksum or (magic, form, width) != (MAGIC, FORMAT, 2):
        return None
    if len(body) != 2 * count or zlib.crc32(body) != checksum:
        return None
    samples = np.frombuffer(body, dtype="<i2").astype(np.float32)
    samples *= np.float32(1.0 / 32767.0)
    starts = range(0, max(count, 1), CHUNK_SAMPLES)
    return tuple(
        PcmChunk(samples[start : start + CHUNK_SAMPLES], rate_hz, start == starts[-1])
        for start in starts
    )


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all.

    No ``fsync``: after a power cut the checksum tells, and the phrase is spoken anew.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    handle, scratch = tempfile.mkstemp(prefix=_SCRATCH, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(scratch).replace(path)
    except OSError:
        Path(scratch).unlink(missing_ok=True)
        raise


def _file_system(folder: Path, mounts: str) -> str:
    """Kind of file system that a folder is on: that of the longest mount point above it."""
    best, kind = "", "an unknown file system"
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ")
        inside = point == "/" or folder == Path(point) or folder.is_relative_to(point)
        # The later of two mounts at one place covers the earlier.
        if inside and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind
