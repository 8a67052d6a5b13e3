"""How sure a decoding is that it is a command, and not what a finite grammar makes of anything.

Some sentence of a finite grammar always fits best, whatever was said. These tell a command from
that, each weak alone:

- **ratio**: its log likelihood over that of a free loop of everyday words on the same frames, per
  frame (Rose and Paul, "A hidden Markov model based keyword recognition system", ICASSP 1990, with
  words in place of phonemes: triphones of words fit as well as the command's do), once over the
  words and once over all of the sound;
- **fit**: its log likelihood per frame over that of each frame's best state;
- **coverage**: how much of what was loud its words explain; the grammar puts what it cannot
  explain into silence;
- **obstruents**: how many plosives, fricatives and affricates its words have. Vowels, nasals and
  glides are found in any speech and any hum: "where am i" was heard in "way" and in "been".

A logistic regression joins them; how it was fitted is told in ``docs/developers/hearing.md``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Levels = npt.NDArray[np.float64]

NO_SOUND = frozenset({"<sil>", "(NULL)", "[NOISE]", "[SPEECH]", "<s>", "</s>"})
"""What the decoder calls everything that is no word."""

MOST_COVERAGE = 0.95
"""Beyond it more says nothing."""

BIAS = -1.62
PER_WORD_RATIO = 611.4
PER_WHOLE_RATIO = 940.6
PER_FIT = 657.5
PER_COVERAGE = 4.954
PER_ROOT_OBSTRUENT = 1.89

OBSTRUENTS = frozenset(
    ["P", "B", "T", "D", "K", "G", "F", "V", "TH", "DH", "S", "Z", "SH", "ZH", "CH", "JH"]
)
"""As the CMU dictionary writes them."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One word or phoneme of a decoding.

    Attributes:
        label: which.
        first: its first frame.
        last: its last frame.
        score: acoustic log likelihood over that of each frame's best state, in decoder units.
    """

    label: str
    first: int
    last: int
    score: float

    @property
    def frames(self) -> int:
        """How long it is."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a decoding; see the module. Likelihoods are in decoder units a frame."""

    word_ratio: float
    whole_ratio: float
    fit: float
    coverage: float
    obstruents: int

    @property
    def confidence(self) -> float:
        """0 to 1."""
        odds = (
            BIAS
            + PER_WORD_RATIO * self.word_ratio
            + PER_WHOLE_RATIO * self.whole_ratio
            + PER_FIT * self.fit
            + PER_COVERAGE * min(self.coverage, MOST_COVERAGE)
            + PER_ROOT_OBSTRUENT * math.sqrt(self.obstruents)
        )
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, odds))))


def evidence_of(
    decoded: Sequence[Segment],
    rivals: Sequence[Segment],
    phonemes: Iterable[str],
    loud: Sequence[bool],
) -> Evidence:
    """Weigh a decoding.

    Args:
        decoded: by the grammar; at least one word, and what is no sound.
        rivals: the same frames by the free loop.
        phonemes: of the words, from the dictionary.
        loud: for each frame whether it is speech by its level.
    """
    words = [segment for segment in decoded if segment.label not in NO_SOUND]
    length = max(segment.last for segment in (*decoded, *rivals)) + 1
    rival = np.zeros(length)
    for segment in rivals:
        rival[segment.first : segment.last + 1] = segment.score / segment.frames
    frames = sum(word.frames for word in words)
    score = sum(word.score for word in words)
    against = sum(float(rival[word.first : word.last + 1].sum()) for word in words)
    marks = np.zeros(length, dtype=bool)
    marks[: len(loud)] = loud[:length]
    explained = np.zeros(length, dtype=bool)
    for word in words:
        explained[word.first : word.last + 1] = True
    whole = sum(segment.score for segment in decoded) - float(rival.sum())
    return Evidence(
        word_ratio=(score - against) / frames,
        whole_ratio=whole / length,
        fit=score / frames,
        coverage=float((marks & explained).sum() / max(1, marks.sum())),
        obstruents=sum(phoneme in OBSTRUENTS for phoneme in phonemes),
    )
