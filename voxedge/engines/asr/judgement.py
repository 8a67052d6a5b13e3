"""Two listeners, one answer: which command, and how sure.

pocketsphinx gives the sentence of its grammar that fits the sound best, Whisper how likely it finds
each command. They err apart: pocketsphinx takes any sound for some sentence, Whisper prefers short
everyday words ("no", "yes") once the sound is poor. So the command is the one with the best sum of
Whisper's log likelihood, a prior for each word, and a bonus for what pocketsphinx heard; and it is
sure when Whisper finds it likely and would not rather write something else, all the more when
pocketsphinx heard it too, with a good fit, and all the less when the speech was much longer or
shorter than its phonemes take: of a sentence both hear the one word that is a command.

A logistic regression makes a confidence of that. Weights and constants were fitted on the tuned-on
half; see ``docs/developers/hearing.md``. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from voxedge.engines.asr.evidence import MOST_COVERAGE

PER_WORD = 2.0
"""Log prior of a word more."""

AGREEMENT = 7.0
"""Log odds that what pocketsphinx heard was said. Between 4 and 8 one command in 60 changes."""

BIAS = -2.7
PER_LIKELIHOOD = 0.32
PER_LIKELIHOOD_ALONE = 0.21
"""Besides, where the first listener heard something else."""

PER_LOST = 0.17
PER_LOG_PHONEME = 3.65
"""What is short is said by chance: "time" was heard in "five", "bookmark" in nothing."""

PER_FIT = 597.0
PER_COVERAGE = 3.7

PER_STRETCH = 2.0
USUAL_FRAMES = 24.9
USUAL_FRAMES_A_PHONEME = 6.53
"""How long commands are, in frames of 10 ms: of eight voices the logarithm scatters by 0.22."""

FREE_STRETCH = 0.4
"""Of the logarithm: who speaks half as fast again, or takes half as long again, loses nothing."""

DECIDED = 0.8
"""Of the second listener alone: surer than any threshold. More than half of the commands at 20 dB,
and none of 900 other utterances, of the tuned half."""

UNLIKELY = -25.0
"""Log likelihood of what the second listener dropped."""


@dataclass(frozen=True, slots=True)
class First:
    """What the first listener says.

    Attributes:
        phrase: the best sentence of the grammar, "" for none.
        fit: see ``evidence``.
        coverage: see ``evidence``.
    """

    phrase: str
    fit: float = 0.0
    coverage: float = 0.0


@dataclass(frozen=True, slots=True)
class Weighed:
    """What is known about the likeliest command.

    Attributes:
        phrase: which.
        likelihood: log, of the second listener.
        lost: see ``whisper_listener.Opinion``.
        margin: of its score before the best command that means something else.
        agreed: whether the first listener heard something of the same meaning.
        fit: of the first listener's sentence where it agreed, else 0.
        coverage: likewise.
        phonemes: how many it has.
        stretch: log of how much longer the speech was than so many phonemes usually take.
    """

    phrase: str
    likelihood: float
    lost: float
    margin: float
    agreed: bool
    fit: float
    coverage: float
    phonemes: int
    stretch: float

    @property
    def confidence(self) -> float:
        """0 to 1."""
        odds = (
            BIAS
            + PER_LIKELIHOOD * self.likelihood
            + PER_LOST * self.lost
            + PER_LOG_PHONEME * math.log(max(2, self.phonemes))
            - PER_STRETCH * max(0.0, abs(self.stretch) - FREE_STRETCH)
        )
        if self.agreed:
            odds += PER_FIT * self.fit + PER_COVERAGE * min(self.coverage, MOST_COVERAGE)
        else:
            odds += PER_LIKELIHOOD_ALONE * self.likelihood
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, odds))))

    @property
    def decided(self) -> bool:
        """Whether the first listener could change nothing, and need not be asked."""
        return self.margin > AGREEMENT and self.confidence >= DECIDED


def weigh(
    first: First,
    likelihood: Mapping[str, float],
    lost: Mapping[str, float],
    meaning: Mapping[str, Hashable],
    phonemes: Callable[[str], int],
    frames: int,
) -> Weighed | None:
    """Return the likeliest command, None where there is none.

    Args:
        first: of the first listener.
        likelihood: of the second one, by phrase; see ``whisper_listener.Opinion``.
        lost: likewise.
        meaning: of every phrase that counts.
        phonemes: how many a phrase has.
        frames: of 10 ms, from the first speech to the last.
    """
    scores = {
        phrase: value + PER_WORD * len(phrase.split())
        for phrase, value in likelihood.items()
        if phrase in meaning
    }
    if first.phrase in meaning:
        own = likelihood.get(first.phrase, UNLIKELY) + PER_WORD * len(first.phrase.split())
        scores[first.phrase] = max(own, scores.get(first.phrase, own)) + AGREEMENT
    if not scores:
        return None
    best = max(scores, key=lambda phrase: scores[phrase])
    others = [value for phrase, value in scores.items() if meaning[phrase] != meaning[best]]
    agreed = first.phrase in meaning and meaning[first.phrase] == meaning[best]
    count = phonemes(best)
    usual = USUAL_FRAMES + USUAL_FRAMES_A_PHONEME * count
    return Weighed(
        best,
        max(UNLIKELY, likelihood.get(best, UNLIKELY)),
        max(UNLIKELY, lost.get(best, UNLIKELY)),
        scores[best] - max(others, default=-math.inf),
        agreed,
        first.fit if agreed else 0.0,
        first.coverage if agreed else 0.0,
        count,
        math.log(max(1, frames) / usual),
    )
