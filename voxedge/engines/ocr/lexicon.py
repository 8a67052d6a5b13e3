"""The word lists that ship inside tesseract's own language data.

Every ``LANG.traineddata`` holds a DAWG (directed acyclic word graph) of the language's words:
338 000 for English. Reading it costs a memory map and gives every installed language a
dictionary, with no list of our own to keep. Format: tesseract ``src/dict/dawg.h`` and
``src/ccutil/tessdatamanager.h``, little-endian.
"""

from __future__ import annotations

import logging
import struct
import unicodedata
from pathlib import Path

import numpy as np
import numpy.typing as npt

_log = logging.getLogger(__name__)

_UNICHARSET_ENTRY = 21
_WORD_DAWG_ENTRY = 19
_DAWG_MAGIC = 42


class Lexicon:
    """Words of one language; ``word in lexicon`` walks the graph. Immutable, thread-safe."""

    def __init__(
        self, ids: dict[str, int], edges: npt.NDArray[np.uint64], unicharset_size: int
    ) -> None:
        self._ids = ids
        self._edges = edges
        # Letter bits first, then three flags (marker, backward, word end), then the next node.
        flag_start = int(np.ceil(np.log2(unicharset_size + 1)))
        self._letter_mask = (1 << flag_start) - 1
        self._last_bit = 1 << flag_start
        self._backward_bit = 2 << flag_start
        self._end_bit = 4 << flag_start
        self._next_shift = flag_start + 3
        self._empty = (1 << 64) - 1 - self._letter_mask - 7 * (1 << flag_start)

    def __contains__(self, word: str) -> bool:
        return self._walk(word) or (
            word != word.lower() and (self._walk(word.lower()) or self._walk(word.capitalize()))
        )

    def _walk(self, word: str) -> bool:
        node, ended = 0, False
        for character in word:
            letter = self._ids.get(character)
            edge = None if letter is None else self._edge(node, letter)
            if edge is None:
                return False
            ended = bool(edge & self._end_bit)
            node = edge >> self._next_shift
            if node == 0:
                # Node 0 is the root: an edge there means no more letters may follow.
                node = len(self._edges)
        return ended

    def _edge(self, node: int, letter: int) -> int | None:
        at = node
        while at < len(self._edges):
            edge = int(self._edges[at])
            if edge & self._backward_bit:
                return None
            if edge & self._letter_mask == letter:
                return edge
            if edge & self._last_bit:
                return None
            at += 1
        return None


def load_lexicon(traineddata: Path) -> Lexicon | None:
    """Read the word list of a language; None where it has none or it cannot be read."""
    try:
        blob = np.memmap(traineddata, dtype=np.uint8, mode="r")
        offsets = _offsets(blob)
        ids, size = _unicharset(_component(blob, offsets, _UNICHARSET_ENTRY))
        return _dawg(_component(blob, offsets, _WORD_DAWG_ENTRY), ids, size)
    except (OSError, ValueError, struct.error, IndexError) as problem:
        # Without a list the confidences still score; reading goes on.
        _log.warning("no word list in %s: %s", traineddata.name, problem)
        return None


def _offsets(blob: npt.NDArray[np.uint8]) -> list[int]:
    (count,) = struct.unpack_from("<I", blob[:4].tobytes(), 0)
    if not 0 < count < 64:
        raise ValueError(f"{count} components")
    return list(struct.unpack_from(f"<{count}q", blob[4 : 4 + 8 * count].tobytes(), 0))


def _component(blob: npt.NDArray[np.uint8], offsets: list[int], entry: int) -> bytes:
    start = offsets[entry]
    if start < 0:
        raise ValueError(f"no component {entry}")
    stop = min([o for o in offsets if o > start] + [len(blob)])
    return blob[start:stop].tobytes()


def _unicharset(data: bytes) -> tuple[dict[str, int], int]:
    lines = data.decode("utf-8", "replace").splitlines()
    size = int(lines[0])
    ids: dict[str, int] = {}
    for number, line in enumerate(lines[1 : size + 1]):
        name = line.split(" ", 1)[0]
        if len(name) == 1:
            ids.setdefault(unicodedata.normalize("NFC", name), number)
    return ids, size


def _dawg(data: bytes, ids: dict[str, int], unicharset_size: int) -> Lexicon:
    magic, size, edges = struct.unpack_from("<hii", data, 0)
    if magic != _DAWG_MAGIC or 10 + 8 * edges > len(data):
        raise ValueError("not a word graph")
    return Lexicon(ids, np.frombuffer(data, dtype="<u8", count=edges, offset=10), size)
