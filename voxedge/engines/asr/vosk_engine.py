"""Vosk (Kaldi) with a finite grammar. Only ever in a worker process: see ``hosted``.

What kills its process, and what is done about it (measured with vosk 0.3.45):

- a grammar that is no list of strings, or an empty one, is SIGSEGV: it is built here and never
  handed over empty;
- a damaged ``final.mdl`` loads and aborts in the first word: the tree digest is checked first;
- words that the model lacks are dropped with a line on stderr, and a grammar of none of them hears
  nothing for ever: each word is looked up (``vosk_model_find_word``) and the rest is counted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxedge.commands.endings import SETTLED_MS, Ending, Endings
from voxedge.commands.grammar import Grammar, vosk_phrases
from voxedge.engines.asr.denoise import NoiseSuppressor
from voxedge.engines.asr.pause import Pause
from voxedge.engines.asr.protocol import LONGEST_S, NOTHING, RATE_HZ, Heard, HeardWord
from voxedge.errors import RecogniserCorrupt, RecogniserFailed, RecogniserMissing

if TYPE_CHECKING:
    from voxedge.engines.asr.protocol import Int16Samples

UNKNOWN = ("[unk]", "<UNK>", "<unk>")
"""How models spell "some other word"."""

_LONGEST_WORD = 12
"""Characters tried at once when a word is put together from the model's words."""


class VoskRecogniser:
    """A ``Recogniser``. Blocking: made and used on a thread of a worker process.

    Args:
        folder: a verified model.
        language: of the model.

    Raises:
        RecogniserMissing: the package is not installed.
        RecogniserCorrupt: the model does not open.
    """

    name = "vosk"

    def __init__(self, folder: Path, language: str) -> None:
        try:
            import vosk
        except ImportError as error:
            raise RecogniserMissing(
                language=language, reason="pip install 'voxedge[hearing]'"
            ) from error
        vosk.SetLogLevel(-1)
        self.language = language
        self._vosk = vosk
        self._folder = folder
        try:
            self._model = vosk.Model(str(folder))
            self._recogniser: Any = vosk.KaldiRecognizer(self._model, RATE_HZ)
        except Exception as error:  # vosk raises no other, for any flaw
            raise RecogniserCorrupt(model=folder.name, reason="it does not open") from error
        self._decoys: frozenset[str] = frozenset()
        self._endings: Endings | None = None
        self._pause = Pause()
        self._suppressor = NoiseSuppressor()
        self._partial, self._settled = "", False
        self._fed = self._taken = self._began = 0

    def set_grammar(self, grammar: Grammar) -> int:
        """See ``Recogniser.set_grammar``; a model of another language is found out here.

        Raises:
            RecogniserFailed: the grammar is empty.
            RecogniserCorrupt: the model knows hardly any of its words.
        """
        segment = segmenter(lambda word: self._model.vosk_model_find_word(word) >= 0)
        wanted = sum(1 for _ in grammar.phrases())
        plain = Grammar(grammar.language, grammar.templates, grammar.values)
        phrases = vosk_phrases(plain, segment)
        if not wanted:
            raise RecogniserFailed(reason="the grammar is empty")
        if 2 * len(phrases) < wanted or grammar.language != self.language:
            raise RecogniserCorrupt(
                model=self._folder.name, reason=f"it is not a model for '{grammar.language}'"
            )
        said = set(phrases)
        decoys = [p for p in vosk_phrases(grammar, segment) if p not in said]
        unknown = [u for u in UNKNOWN if self._model.vosk_model_find_word(u) >= 0]
        self._decoys = frozenset([*decoys, *UNKNOWN])
        self._endings = Endings(grammar)
        text = json.dumps([*phrases, *decoys, *unknown], ensure_ascii=False)
        self._recogniser = self._vosk.KaldiRecognizer(self._model, RATE_HZ, text)
        self._recogniser.SetWords(True)
        self._taken = 0
        self._forget()
        return wanted - len(phrases)

    def unheard(self, grammar: Grammar) -> tuple[str, ...]:
        """See ``Recogniser.unheard``."""
        segment = segmenter(lambda word: self._model.vosk_model_find_word(word) >= 0)
        return tuple(
            phrase
            for phrase in grammar.phrases()
            if any(segment(word) is None for word in phrase.casefold().split())
        )

    def declined(self, grammar: Grammar) -> tuple[str, ...]:
        """See ``Recogniser.declined``: none."""
        return ()

    def feed(self, samples: Int16Samples) -> Heard | None:
        """See ``Recogniser.feed``."""
        if self._fed > LONGEST_S * RATE_HZ:
            return None
        self._fed += len(samples)
        samples = self._suppressor.clean(np.asarray(samples, dtype=np.int16))
        if not len(samples):
            return None  # the first 0.15 s wait for each other
        self._taken += len(samples)
        if self._recogniser.AcceptWaveform(samples.tobytes()):
            heard = self._heard(self._recogniser.Result())
            return heard if heard.text else None
        partial = str(json.loads(self._recogniser.PartialResult()).get("partial", ""))
        pause_ms = self._pause.hear(samples)
        settled = pause_ms >= SETTLED_MS[self._ending(partial)]
        if (partial, settled) == (self._partial, self._settled):
            return None
        self._partial, self._settled = partial, settled
        return Heard(partial, final=False, settled=settled)

    def finish(self) -> Heard:
        """See ``Recogniser.finish``."""
        heard = self._heard(self._recogniser.FinalResult())
        self.reset()
        return heard

    def reset(self) -> None:
        """See ``Recogniser.reset``."""
        self._recogniser.Reset()
        self._forget()

    def close(self) -> None:
        """The model goes with the process."""

    def _ending(self, partial: str) -> Ending:
        return self._endings.of(partial) if self._endings is not None else Ending.OPEN

    def _forget(self) -> None:
        self._pause.reset()
        self._suppressor = NoiseSuppressor()
        self._partial, self._settled = "", False
        self._fed, self._began = 0, self._taken

    def _heard(self, answer: str) -> Heard:
        # Vosk counts the time from the first sample it ever got, not from the utterance's.
        began_ms = 1000 * self._began / RATE_HZ
        words = tuple(
            HeardWord(
                str(word["word"]),
                max(0, round(1000 * word["start"] - began_ms)),
                max(0, round(1000 * word["end"] - began_ms)),
                float(word["conf"]),
            )
            for word in json.loads(answer).get("result", ())
        )
        return without_decoys(words, self._decoys)


def segmenter(knows: Callable[[str], bool]) -> Callable[[str], tuple[str, ...] | None]:
    """Return a function from a word to words the model has, longest first; None if there are none.

    Korean and Chinese models cut words as they like: "읽어 줘" may be one entry or two.
    """

    def segment(word: str) -> tuple[str, ...] | None:
        if knows(word):
            return (word,)
        if word.isascii():
            return None  # An English word in pieces is another word.
        parts: list[str] = []
        rest = word
        while rest:
            for size in range(min(len(rest), _LONGEST_WORD), 0, -1):
                if knows(rest[:size]):
                    parts.append(rest[:size])
                    rest = rest[size:]
                    break
            else:
                return None
        return tuple(parts)

    return segment


def without_decoys(words: tuple[HeardWord, ...], decoys: frozenset[str]) -> Heard:
    """Return what was heard; nothing where anything in it was no command.

    A command inside other speech is not meant for the device ("he told me to stop at the shop").
    The confidence is the geometric mean, pulled down to the weakest word's.
    """
    if not words:
        return NOTHING
    end_ms = words[-1].end_ms
    if any(word.text in decoys for word in words):
        return Heard("", words, 0.0, end_ms=end_ms)
    confidences = [min(1.0, max(1e-6, word.confidence)) for word in words]
    mean = math.exp(sum(math.log(c) for c in confidences) / len(confidences))
    text = " ".join(word.text for word in words)
    return Heard(text, words, round(min(mean, min(confidences) + 0.2), 3), end_ms=end_ms)


def open_vosk(language: str) -> VoskRecogniser:
    """Verify and open the installed model of a language. Blocking: seconds.

    Raises:
        RecogniserMissing: no model, or no package.
        RecogniserCorrupt: the model is not what it should be.
    """
    from voxedge.models.recognisers import find_model

    entry, folder = find_model(language)
    return VoskRecogniser(folder, entry.language)
