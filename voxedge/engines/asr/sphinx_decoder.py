"""pocketsphinx's decoder and dictionary, as far as commands need them. Blocking; on one thread."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from voxedge.engines.asr.evidence import Segment
from voxedge.errors import RecogniserFailed, RecogniserMissing

PRONUNCIATIONS = {"shush": (("SH", "AH", "SH"),)}
"""Words of commands that the bundled dictionary lacks."""

RIVALS = "rivals"
"""The search for the loop of everyday words."""


def model_folder() -> Path:
    """Return the English model that comes with the package.

    Raises:
        RecogniserMissing: the package is not installed.
    """
    try:
        import pocketsphinx
    except ImportError as error:
        raise RecogniserMissing(language="en", reason="pip install 'voxedge[hearing]'") from error
    return Path(pocketsphinx.__file__).parent / "model" / "en-us"


class SphinxDecoder:
    """Decodes by a grammar, and by a loop of words.

    Args:
        dictionary: of the model.
        all_senones: score all of them in each frame: then both searches have one zero, and take
            twice the time.
    """

    def __init__(self, dictionary: Dictionary, *, all_senones: bool) -> None:
        import pocketsphinx

        model = model_folder()
        self._dictionary = dictionary
        # With only the words that are said, a language model is made in 1 ms; with all 135,000 of
        # the dictionary it takes 2 s.
        with tempfile.NamedTemporaryFile("w", suffix=".dict", encoding="ascii") as empty:
            self._decoder: Any = pocketsphinx.Decoder(
                hmm=str(model / "en-us"),
                dict=empty.name,
                lm=None,
                compallsen=all_senones,
                cmn="batch",
                fwdflat=False,
                bestpath=False,
                loglevel="FATAL",
            )
        self._grammars = 0
        self._rivals: tuple[str, ...] = ()

    def set_grammar(self, text: str, words: Iterable[str]) -> None:
        """Take a grammar in place of the last one.

        Args:
            text: JSGF.
            words: of it.

        Raises:
            RecogniserFailed: it is malformed.
        """
        self._learn(words)
        old, self._grammars = self._grammar, self._grammars + 1
        try:
            self._decoder.add_jsgf_string(self._grammar, text)
            self._decoder.activate_search(self._grammar)
            if self._grammars > 1:
                self._decoder.remove_search(old)
        except (ValueError, KeyError, RuntimeError) as error:
            raise RecogniserFailed(reason="the grammar was not taken") from error

    def set_rivals(self, words: tuple[str, ...]) -> None:
        """Take the words of the loop, all known to the dictionary; a known loop costs nothing."""
        if words == self._rivals:
            return
        self._learn(words)
        # The decoder takes language models from files only.
        with tempfile.NamedTemporaryFile("w", suffix=".lm", encoding="ascii") as file:
            file.write(unigrams(words))
            file.flush()
            self._decoder.add_lm_file(RIVALS, file.name)
        self._rivals = words

    def by_grammar(self, pcm: bytes) -> list[Segment]:
        """Decode ``int16`` samples.

        Raises:
            RuntimeError: the decoder failed.
        """
        return self._search(self._grammar, pcm)

    def by_rivals(self, pcm: bytes) -> list[Segment]:
        """Decode by the loop; nothing where there is none. Raises as ``by_grammar``."""
        return self._search(RIVALS, pcm) if self._rivals else []

    @property
    def _grammar(self) -> str:
        return f"grammar{self._grammars}"

    def _search(self, name: str, pcm: bytes) -> list[Segment]:
        decoder = self._decoder
        decoder.activate_search(name)
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        if decoder.hyp() is None:
            return []
        return [
            Segment(s.word, s.start_frame, s.end_frame, math.log(max(s.ascore, 1e-300)))
            for s in decoder.seg()
        ]

    def _learn(self, words: Iterable[str]) -> None:
        """Give the decoder the pronunciations of words that it has not met."""
        new = [
            (spelling, " ".join(phonemes))
            for word in sorted(set(words))
            if word in self._dictionary and self._decoder.lookup_word(word) is None
            for spelling, phonemes in variants(word, self._dictionary.of(word))
        ]
        for index, (spelling, phonemes) in enumerate(new):
            # The last one has the decoder build its tables anew.
            self._decoder.add_word(spelling, phonemes, index == len(new) - 1)


class Dictionary:
    """Pronunciations of the CMU dictionary, the usual one of a word first.

    A line is taken apart only when its word is asked for: all 135,000 cost 0.3 s at each start.

    Args:
        path: of the dictionary.
    """

    def __init__(self, path: Path) -> None:
        lines = path.read_text(encoding="utf-8").splitlines()
        self._lines = dict(line.partition(" ")[::2] for line in lines)

    def __contains__(self, word: str) -> bool:
        return word in PRONUNCIATIONS or word in self._lines

    def of(self, word: str) -> tuple[tuple[str, ...], ...]:
        """Return every pronunciation of a word; none of an unknown one."""
        found: list[tuple[str, ...]] = list(PRONUNCIATIONS.get(word, ()))
        number = 1
        while (line := self._lines.get(word if number == 1 else f"{word}({number})")) is not None:
            found.append(tuple(line.split()))
            number += 1
        return tuple(found)


def variants(word: str, spoken: Sequence[Sequence[str]]) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield a word's entries as the decoder wants them: "the", "the(2)"."""
    for number, phonemes in enumerate(spoken, start=1):
        yield (word if number == 1 else f"{word}({number})"), phonemes


def unigrams(words: Sequence[str]) -> str:
    """Return a language model of equally likely words, in ARPA's format."""
    each = -math.log10(len(words) + 1)
    lines = [f"{each:.4f} {word}" for word in (*words, "</s>")]
    head = ["\\data\\", f"ngram 1={len(words) + 2}", "", "\\1-grams:", "-99 <s>"]
    return "\n".join([*head, *lines, "", "\\end\\", ""])
