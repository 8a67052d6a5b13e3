"""The reader's own sentences, kept as sound: an answer comes at once, also after a long book."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxedge.flow import PcmChunk, Utterance
from voxedge.speech.cache import SpeechCache

if TYPE_CHECKING:
    from voxedge.speech.phrase_cache import PhraseCache

CAPACITY_BYTES = 16 * 1024 * 1024
"""About 190 s of speech at 22.05 kHz: every fixed sentence at one speed."""


class OwnPhrases(SpeechCache):
    """A ``SpeechCache`` with a shelf that reading cannot push anything from.

    Only ``pin`` puts something on it: what the cache is given in passing may have been spoken by
    the formant voice, in place of a natural one that failed.

    Args:
        kept: the same sentences as an earlier start left them, answered from until they are pinned.
        recent: what was spoken lately, in memory beyond this process.
    """

    def __init__(self, kept: PhraseCache | None = None, recent: PhraseCache | None = None) -> None:
        super().__init__(phrases=kept, recent=recent)
        self._pinned: dict[tuple[str, Utterance], tuple[PcmChunk, ...]] = {}
        self._pinned_bytes = 0

    def get(self, voice: str, utterance: Utterance) -> tuple[PcmChunk, ...] | None:
        """Return the whole utterance in that voice, None if it is not held."""
        return self._pinned.get(_key(voice, utterance)) or super().get(voice, utterance)

    def pin(self, voice: str, utterance: Utterance, chunks: tuple[PcmChunk, ...]) -> bool:
        """Keep an utterance until ``unpin``; False where there is no room."""
        size = sum(chunk.samples.nbytes for chunk in chunks)
        if self._pinned_bytes + size > CAPACITY_BYTES:
            return False
        self._pinned[_key(voice, utterance)] = chunks
        self._pinned_bytes += size
        return True

    def pinned(self, voice: str, utterance: Utterance) -> bool:
        """Whether it is kept."""
        return _key(voice, utterance) in self._pinned

    def unpin(self) -> None:
        """Forget all of them: they will be said at another speed from now on."""
        self._pinned.clear()
        self._pinned_bytes = 0


def _key(voice: str, utterance: Utterance) -> tuple[str, Utterance]:
    return voice, replace(utterance, pause_after_ms=0)
