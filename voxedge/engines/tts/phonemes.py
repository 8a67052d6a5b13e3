"""From text to phoneme ids, with the espeak-ng that is embedded in piper-tts.

The embedded library keeps one voice for the whole process; a lock around "set voice, translate"
makes it safe for several voices in one process. Each call sets its voice anew, so nothing is
carried from one call to the next.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxedge.engines.tts.voice_config import BOS, EOS, PAD, PhonemeType, VoiceConfig

if TYPE_CHECKING:
    from piper.phonemize_espeak import EspeakPhonemizer

PIECE_CHARACTERS = 400
"""Longest text handed to espeak-ng at once. A sentence is shorter; a text of a megabyte is taken
piece by piece, so that the first sound does not wait for its last word."""

SENTENCE_PHONEMES = 400
"""Longest run handed to the text encoder: its attention needs memory with the square of this."""

_BLOCK = re.compile(r"\[\[.*?\]\]", re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?;:,。！？][\"')\]]*\s")
_UNSPEAKABLE = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)], " ")

_ESPEAK_LOCK = threading.Lock()


class PhonemizerFailed(Exception):
    """espeak-ng has no such voice or cannot start."""


@dataclass(frozen=True, slots=True)
class PhonemeIds:
    """A sentence as the text encoder takes it.

    Attributes:
        ids: phoneme ids with the voice's marks.
        missing: phonemes left out because the voice does not know them.
        lead: how many ids at the beginning stand for no sound.
        tail: how many ids at the end stand for no sound (punctuation included).
    """

    ids: tuple[int, ...]
    missing: int
    lead: int
    tail: int

    @property
    def sounds(self) -> bool:
        """Whether there is anything to hear."""
        return self.lead + self.tail < len(self.ids)


class Phonemizer:
    """Phoneme ids for one voice. Blocking: microseconds a word.

    Args:
        config: the voice's settings.
    """

    def __init__(self, config: VoiceConfig) -> None:
        self._config = config
        self._library: EspeakPhonemizer | None = None

    def sentences(self, text: str) -> Iterator[PhonemeIds]:
        """Translate text piece by piece, as it is asked for.

        ``[[...]]`` in the text is taken as phonemes (IPA), not as words: the lexicon's way to
        say how a word is spoken.

        Raises:
            PhonemizerFailed: espeak-ng cannot be used.
        """
        for piece in pieces(clean(text)):
            for sentence in self._phonemize(piece):
                for run in _bounded(sentence):
                    yield self.to_ids(run)

    def to_ids(self, phonemes: list[str]) -> PhonemeIds:
        """Ids of a list of phonemes: Piper's order, a pad after each.

        A phoneme that the voice does not know is left out and counted, never an error.
        """
        table = self._config.phoneme_ids
        pad = table[PAD]
        known = [item for item in phonemes if item in table]
        ids = [*table[BOS], *pad]
        lead = len(ids)
        for item in known:
            ids += [*table[item], *pad]
        tail = len(table[EOS])
        ids += table[EOS]
        for item in reversed(known):
            if _sounds(item):
                break
            tail += len(table[item]) + len(pad)
        return PhonemeIds(tuple(ids), len(phonemes) - len(known), lead, min(tail, len(ids)))

    def _phonemize(self, piece: str) -> list[list[str]]:
        if self._config.phoneme_type is PhonemeType.TEXT:
            return [list(unicodedata.normalize("NFD", piece))]
        sentences: list[list[str]] = []
        joins = False
        position = 0
        for block in [*_BLOCK.finditer(piece), None]:
            words = piece[position : block.start() if block else len(piece)]
            spoken = self._espeak(words) if words.strip() else []
            if spoken and joins and sentences:
                sentences[-1] += [*_space(words[:1]), *spoken[0]]
                spoken = spoken[1:]
            sentences += spoken
            joins = False
            if block is not None:
                ipa = list(unicodedata.normalize("NFD", block.group()[2:-2].strip()))
                position = block.end()
                if sentences and not _closes(sentences[-1]):
                    sentences[-1] += [*_space(words[-1:]), *ipa]
                else:
                    sentences.append(ipa)
                joins = True
        return sentences

    def _espeak(self, words: str) -> list[list[str]]:
        from piper.phonemize_espeak import EspeakPhonemizer

        with _ESPEAK_LOCK:
            try:
                if self._library is None:
                    self._library = EspeakPhonemizer()
                return list(self._library.phonemize(self._config.espeak_voice, words))
            except RuntimeError as error:
                raise PhonemizerFailed(str(error)) from error


def clean(text: str) -> str:
    """Text without what no voice can speak: control characters and halves of code points."""
    return text.translate(_UNSPEAKABLE)


def pieces(text: str, limit: int = PIECE_CHARACTERS) -> Iterator[str]:
    """Cut a long text at sentence ends, else at spaces, else anywhere; never inside ``[[...]]``.

    Args:
        text: any text.
        limit: longest piece (a longer ``[[...]]`` block stays whole).

    Yields:
        Pieces with something in them; without what is only white space they join to ``text``.
    """
    position = 0
    while position < len(text):
        end = position + limit
        if end < len(text):
            end = _cut_place(text, position, end)
        piece = text[position:end]
        if piece.strip():
            yield piece
        position = end


def _cut_place(text: str, begin: int, end: int) -> int:
    window = text[begin:end]
    ends = [match.end() for match in _SENTENCE_END.finditer(window)]
    if ends:
        place = begin + ends[-1]
    else:
        space = window.rfind(" ")
        place = begin + space + 1 if space > 0 else end
    opened = text.rfind("[[", begin, place)
    closed = text.find("]]", opened) if opened >= 0 else -1
    if opened >= 0 and closed + 2 > place and closed - opened < PIECE_CHARACTERS:
        return opened if opened > begin else closed + 2
    return place


def _bounded(phonemes: list[str]) -> Iterator[list[str]]:
    while len(phonemes) > SENTENCE_PHONEMES:
        window = phonemes[:SENTENCE_PHONEMES]
        cut = len(window) - window[::-1].index(" ") if " " in window else len(window)
        yield phonemes[:cut]
        phonemes = phonemes[cut:]
    if phonemes:
        yield phonemes


def _closes(sentence: list[str]) -> bool:
    """Whether a sentence has ended, so that what follows begins a new one."""
    return bool(sentence) and sentence[-1] in {".", "!", "?"}


def _space(edge: str) -> list[str]:
    return [" "] if edge.isspace() else []


def _sounds(phoneme: str) -> bool:
    return unicodedata.category(phoneme[0])[0] not in {"P", "Z"}
