"""Speech that was synthesized once and may be wanted again.

Interrupted reading starts again at its sentence: that sentence, and the two after it that were
prefetched, are here. Fixed replies ("Page two of three") come at once the second time. In memory
only: page text and its sound are private. Behind it may stand a folder of the device's own phrases,
and one in memory for what was spoken lately (``phrase_cache``).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from voxedge.flow import VoiceKind

if TYPE_CHECKING:
    from voxedge.flow import PcmChunk, Utterance
    from voxedge.speech.phrase_cache import PhraseCache

CAPACITY_BYTES = 12 * 1024 * 1024
"""About 140 s of speech at 22.05 kHz: some twenty sentences."""


class SpeechCache:
    """Least recently used first out, bounded by the bytes of its samples. For one event loop.

    Args:
        capacity_bytes: samples held in the process.
        phrases: the device's own phrases on disk; only read.
        recent: a folder in memory that outlives the process; gets whatever the natural voice says.
    """

    def __init__(
        self,
        capacity_bytes: int = CAPACITY_BYTES,
        phrases: PhraseCache | None = None,
        recent: PhraseCache | None = None,
    ) -> None:
        self._capacity_bytes = capacity_bytes
        self._recent = recent
        self._folders = [folder for folder in (phrases, recent) if folder is not None]
        self._held_bytes = 0
        self._chunks: OrderedDict[tuple[str, Utterance], tuple[PcmChunk, ...]] = OrderedDict()

    @property
    def held_bytes(self) -> int:
        """Bytes of samples held now."""
        return self._held_bytes

    def get(self, voice: str, utterance: Utterance) -> tuple[PcmChunk, ...] | None:
        """Return the whole utterance in that voice, None if it is not held."""
        key = _key(voice, utterance)
        chunks = self._chunks.get(key)
        if chunks is not None:
            self._chunks.move_to_end(key)
            return chunks
        for folder in self._folders:
            if folder.voice == voice and (chunks := folder.get(utterance)) is not None:
                self._hold(key, chunks)
                return chunks
        return None

    def put(self, voice: str, utterance: Utterance, chunks: tuple[PcmChunk, ...]) -> None:
        """Hold a whole utterance; what is larger than the cache is not held."""
        self._hold(_key(voice, utterance), chunks)
        recent = self._recent
        if recent is not None and recent.voice == voice and utterance.kind is VoiceKind.NATURAL:
            recent.put(utterance, chunks)

    def _hold(self, key: tuple[str, Utterance], chunks: tuple[PcmChunk, ...]) -> None:
        size = _size(chunks)
        if size > self._capacity_bytes:
            return
        self._held_bytes -= _size(self._chunks.pop(key, ()))
        self._chunks[key] = chunks
        self._held_bytes += size
        while self._held_bytes > self._capacity_bytes:
            self._held_bytes -= _size(self._chunks.popitem(last=False)[1])

    def clear(self) -> None:
        """Forget everything: the document was closed or deleted."""
        self._chunks.clear()
        self._held_bytes = 0
        if self._recent is not None:
            self._recent.clear()


def _key(voice: str, utterance: Utterance) -> tuple[str, Utterance]:
    # The pause is written by the owner and is no part of the sound.
    return voice, replace(utterance, pause_after_ms=0)


def _size(chunks: tuple[PcmChunk, ...]) -> int:
    return sum(chunk.samples.nbytes for chunk in chunks)
