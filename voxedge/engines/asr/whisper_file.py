"""Whisper's weights as CTranslate2 writes them to ``model.bin``, version 6.

A file is a head (version, kind, revision) and a list of variables: name, rank, sizes, type, number
of bytes, bytes; all little-endian, names ended by a zero. It is mapped, not read: what nobody looks
at costs no memory.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
"""By the number in the file."""

_VERSION = 6


class WeightsDamaged(ValueError):
    """The file is not what it should be; the text tells what is wrong."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The variables of a file.

    Attributes:
        arrays: by name, read-only, as typed in the file (``float16`` for most).
    """

    arrays: Mapping[str, Array]
    _data: mmap.mmap

    def let_go(self) -> None:
        """Give the memory of what was looked at back; it is read again when it is needed."""
        self._data.madvise(mmap.MADV_DONTNEED)


def read_weights(path: Path) -> Weights:
    """Map the variables of a file.

    Raises:
        OSError: it cannot be opened.
        WeightsDamaged: it is cut, of another kind or version.
    """
    with path.open("rb") as stream:
        try:
            data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise WeightsDamaged("the file is empty") from error
    try:
        return Weights(_variables(_Cursor(data)), data)
    except (struct.error, UnicodeDecodeError, KeyError, ValueError) as error:
        raise WeightsDamaged(f"not a model file: {error}") from error


class _Cursor:
    """Reads a mapped file from the front."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 0

    def number(self, code: str) -> int:
        """Return one unsigned number ("B", "H", "I")."""
        (value,) = struct.unpack_from(f"<{code}", self._data, self._at)
        self._at += struct.calcsize(code)
        return int(value)

    def text(self) -> str:
        """Return a text that is led by its length and ended by a zero."""
        size = self.number("H")
        raw = self._data[self._at : self._at + size]
        self._at += size
        return raw.rstrip(b"\0").decode("ascii")

    def array(self, shape: tuple[int, ...], kind: type, size: int) -> Array:
        """Return a view of the next ``size`` bytes."""
        count = size // np.dtype(kind).itemsize
        found: Array = np.frombuffer(self._data, dtype=kind, count=count, offset=self._at)
        self._at += size
        return found.reshape(shape)


def _variables(file: _Cursor) -> Mapping[str, Array]:
    version, kind, _revision = file.number("I"), file.text(), file.number("I")
    if version != _VERSION or kind != "WhisperSpec":
        raise WeightsDamaged(f"it holds {kind or 'nothing'}, version {version}")
    found: dict[str, Array] = {}
    for _ in range(file.number("I")):
        name = file.text()
        shape = tuple(file.number("I") for _ in range(file.number("B")))
        kind_number, size = file.number("B"), file.number("I")
        found[name] = file.array(shape, _TYPES[kind_number], size)
    return found
