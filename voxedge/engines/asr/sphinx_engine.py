"""pocketsphinx with its bundled English model: commands out of the box, without a download.

A finite grammar alone accepts anything: whatever is said, some sentence of the grammar fits it
best. Two things reject here, both measured in ``voxedge bench asr``:

1. **Decoys**: some 400 everyday words compete with the commands in the same search; where they
   fit better, no command was said. Words that sound like a command are left out of them, by the
   edit distance of their phonemes.
2. **A likelihood ratio against a phone loop** (Rose and Paul, "A hidden Markov model based keyword
   recognition system", ICASSP 1990): the same frames decoded as free phonemes. A command that
   fits far worse than the best string of phonemes is none, however little else fitted.

The whole utterance is decoded at its end, so that the cepstral mean is that of all of it: a live
mean starts wrong in every new room. 2 s of speech cost some 0.2 s on the development machine.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxedge.commands.grammar import DECOY_MARK, Grammar, jsgf
from voxedge.engines.asr.protocol import LONGEST_S, NOTHING, RATE_HZ, Heard, HeardWord
from voxedge.errors import RecogniserFailed, RecogniserMissing

if TYPE_CHECKING:
    from voxedge.engines.asr.protocol import Int16Samples

_log = logging.getLogger(__name__)

FRAME_MS = 10
SHORTEST_S = 0.15
"""Of an utterance; a click is no word."""

DECOY_DISTANCE = 0.5
"""Least normalised edit distance of a decoy's phonemes from every command's."""

DECOY_WEIGHT = 0.02
"""Prior of all decoys together against all commands together."""

FEWEST_PHONEMES = 3
"""Of a command. Two are too little evidence: "nine" was taken for "no" at a confidence of 0.98.
"No thanks" and "do not" are heard."""

MIDDLE = -0.0030
"""Log likelihood ratio per frame (in the decoder's scaled units) at which the confidence is 0.5."""

SLOPE = 1500.0


@dataclass(frozen=True, slots=True)
class _Segment:
    """One word of a decoding: frames ``[first, last]`` and its acoustic log likelihood."""

    word: str
    first: int
    last: int
    score: float


class SphinxRecogniser:
    """A ``Recogniser`` for English. Blocking: made and used on one thread.

    Raises:
        RecogniserMissing: the package is not installed.
    """

    name = "pocketsphinx"
    language = "en"

    def __init__(self) -> None:
        try:
            import pocketsphinx
        except ImportError as error:
            raise RecogniserMissing(
                language="en", reason="pip install 'voxedge[hearing]'"
            ) from error
        model = Path(pocketsphinx.__file__).parent / "model" / "en-us"
        self._decoder: Any = pocketsphinx.Decoder(
            hmm=str(model / "en-us"),
            dict=str(model / "cmudict-en-us.dict"),
            lm=None,
            # Both searches must score all senones, or their scores have different zeros.
            compallsen=True,
            cmn="batch",
            bestpath=False,
            loglevel="FATAL",
        )
        self._decoder.add_allphone_file("phones", str(model / "en-us-phone.lm.bin"))
        self._grammars = 0
        self._decoys_added: set[str] = set()
        self._pieces: list[Int16Samples] = []
        self._samples = 0

    def set_grammar(self, grammar: Grammar) -> int:
        """See ``Recogniser.set_grammar``.

        Raises:
            RecogniserFailed: nothing of it can be heard.
        """
        far = far_from(self._phonemes, grammar.phrases(), grammar.decoys, DECOY_DISTANCE)
        new = [word for word in far if word not in self._decoys_added]
        for word in new:
            pronunciation = self._decoder.lookup_word(word)
            # The last one has the decoder build its dictionary anew.
            self._decoder.add_word(word + DECOY_MARK, pronunciation, word == new[-1])
            self._decoys_added.add(word)
        sure = tuple(
            t
            for t in grammar.templates
            if t.slots or len(self._phonemes(t.phrase)) >= FEWEST_PHONEMES
        )
        narrowed = Grammar(grammar.language, sure, grammar.values, far)
        text = jsgf(narrowed, self._knows, decoy_weight=DECOY_WEIGHT)
        if not text:
            raise RecogniserFailed(reason="nothing in the grammar can be heard")
        old, self._grammars = f"grammar{self._grammars}", self._grammars + 1
        try:
            self._decoder.add_jsgf_string(f"grammar{self._grammars}", text)
            self._decoder.activate_search(f"grammar{self._grammars}")
            if self._grammars > 1:
                self._decoder.remove_search(old)
        except (ValueError, KeyError, RuntimeError) as error:
            raise RecogniserFailed(reason="the grammar was not taken") from error
        self.reset()
        return sum(1 for p in grammar.phrases() if not all(map(self._knows, p.lower().split())))

    def feed(self, samples: Int16Samples) -> Heard | None:
        """Keep the sound; there are no partial results."""
        if self._samples <= LONGEST_S * RATE_HZ:
            self._pieces.append(np.array(samples, dtype=np.int16))
            self._samples += len(samples)
        return None

    def finish(self) -> Heard:
        """See ``Recogniser.finish``.

        Raises:
            RecogniserFailed: no grammar was set, or the decoder failed.
        """
        if not self._grammars:
            raise RecogniserFailed(reason="no grammar was set")
        sound = np.concatenate(self._pieces) if self._pieces else np.zeros(0, dtype=np.int16)
        self.reset()
        # All zeros make the decoder's cepstra infinite.
        if len(sound) < SHORTEST_S * RATE_HZ or int(np.max(np.abs(sound.astype(np.int32)))) < 8:
            return NOTHING
        try:
            return self._decode(sound.tobytes())
        except RuntimeError as error:
            raise RecogniserFailed(reason="the decoder failed") from error

    def reset(self) -> None:
        """See ``Recogniser.reset``."""
        self._pieces.clear()
        self._samples = 0

    def close(self) -> None:
        """Nothing outlives the object."""

    def _decode(self, pcm: bytes) -> Heard:
        said = [
            s for s in self._search(f"grammar{self._grammars}", pcm) if not s.word.startswith("<")
        ]
        said = [s for s in said if s.word not in ("(NULL)", "[NOISE]", "[SPEECH]")]
        if not said:
            return NOTHING
        end_ms = FRAME_MS * (said[-1].last + 1)
        if any(s.word.endswith(DECOY_MARK) for s in said):
            return Heard("", end_ms=end_ms)
        ratios = likelihood_ratios(said, self._search("phones", pcm))
        words = tuple(
            HeardWord(
                s.word.partition("(")[0],
                FRAME_MS * s.first,
                FRAME_MS * (s.last + 1),
                round(confidence_of(ratio), 3),
            )
            for s, ratio in zip(said, ratios, strict=True)
        )
        frames = [s.last - s.first + 1 for s in said]
        mean = sum(r * n for r, n in zip(ratios, frames, strict=True)) / sum(frames)
        text = " ".join(word.text for word in words)
        return Heard(text, words, round(confidence_of(mean), 3), end_ms=end_ms)

    def _search(self, name: str, pcm: bytes) -> list[_Segment]:
        decoder = self._decoder
        decoder.activate_search(name)
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        if decoder.hyp() is None:
            return []
        return [
            _Segment(s.word, s.start_frame, s.end_frame, math.log(max(s.ascore, 1e-300)))
            for s in decoder.seg()
        ]

    def _knows(self, word: str) -> bool:
        return self._decoder.lookup_word(word) is not None

    def _phonemes(self, phrase: str) -> tuple[str, ...]:
        found = (self._decoder.lookup_word(word) for word in phrase.lower().split())
        return tuple(" ".join(filter(None, found)).split())


def confidence_of(ratio: float) -> float:
    """Return 0 to 1 for a log likelihood ratio per frame; 0.5 at ``MIDDLE``."""
    return 1.0 / (1.0 + math.exp(min(700.0, -SLOPE * (ratio - MIDDLE))))


def likelihood_ratios(said: Sequence[_Segment], phones: Iterable[_Segment]) -> list[float]:
    """Return, for each word, its score over that of the free phonemes, per frame."""
    length = max(s.last for s in said) + 1
    free = np.zeros(length)
    for phone in phones:
        frames = phone.last - phone.first + 1
        free[phone.first : phone.last + 1] = phone.score / frames
    return [
        float(s.score - free[s.first : s.last + 1].sum()) / (s.last - s.first + 1) for s in said
    ]


def far_from(
    phonemes: Any, phrases: Iterable[str], decoys: Iterable[str], distance: float
) -> tuple[str, ...]:
    """Return the decoys that sound like no command and no word of one.

    Args:
        phonemes: a phrase to its phonemes; empty for an unknown word.
        phrases: the commands.
        decoys: candidates.
        distance: least normalised edit distance, 0 to 1.
    """
    said = {phonemes(phrase) for phrase in phrases}
    short = [p for p in said if 0 < len(p) <= 12]
    kept = []
    for decoy in decoys:
        own = phonemes(decoy)
        if own and all(
            edit_distance(own, other) >= distance * max(len(own), len(other)) for other in short
        ):
            kept.append(decoy)
    return tuple(kept)


def edit_distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the Levenshtein distance."""
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        above, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (left != right))
    return row[-1]
