"""The second listener: how likely Whisper finds each thing that may be said.

It is not asked what was said, which for half a second of speech it often guesses wrong, but how
likely each phrase of the grammar is, word by word, against everything else that it might write. So
one look gives both: which phrase, and whether any at all.

Phrases end where the writer would end: at the end of the text, at a full stop, or where it begins
to say the same again, which is what Whisper does when the sound ends before its 30 seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxedge.engines.asr.phrase_tree import Node, tree_of
from voxedge.engines.asr.spelling import Spelling, read_spelling
from voxedge.engines.asr.whisper_file import WeightsDamaged, read_weights
from voxedge.engines.asr.whisper_graphs import RIVALS, graphs_of
from voxedge.engines.asr.whisper_mel import RATE_HZ, log_mel
from voxedge.engines.asr.whisper_net import Outlook, WhisperNet

if TYPE_CHECKING:
    import numpy.typing as npt

    Float32 = npt.NDArray[np.float32]
    Int16Samples = npt.NDArray[np.int16]

WEIGHTS = "model.bin"
"""In the folder of a model."""

BEGINNINGS = 10
"""Kept at once, the likeliest."""

FAR = 10.0
"""Behind the likeliest in log likelihood: not followed any further. The first listener's word
weighs 7, a word more of a phrase 2 (``judgement``)."""

REMEMBERED = 4
"""Grammars: the full one, the wake phrase against it and alone, the stop-words."""

SILENCE_S = 0.3
"""Of nothing behind the utterance."""

NOTHING = -60.0
"""Log likelihood of what was dropped on the way."""

_ENDS = (".", ",", "!", "?", "...")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the second listener makes of an utterance.

    Attributes:
        likelihood: phrase to log probability that it was said, and nothing else; the best ones.
        lost: phrase to the log likelihood that its words lose against the likeliest ones at each
            place; 0 where it is what Whisper itself would write.
    """

    likelihood: Mapping[str, float]
    lost: Mapping[str, float]


class WhisperListener:
    """Whisper ``tiny.en`` as a judge of phrases. Blocking; used on one thread.

    Args:
        net: the network.
        spelling: its tokens.
    """

    def __init__(self, net: WhisperNet, spelling: Spelling) -> None:
        self._net = net
        self._spelling = spelling
        token = spelling.token
        self._start = [token("<|startoftranscript|>"), token("<|notimestamps|>")]
        self._ends = [token("<|endoftext|>"), *(token(sign) for sign in _ENDS)]
        self._known: dict[tuple[str, ...], _Learnt] = {}
        self._learnt = self._learn((), {})

    def learn(self, phrases: Sequence[str], digits: Mapping[str, str]) -> None:
        """Say what may be said; see ``phrase_tree.tree_of``. The last few are remembered."""
        wanted = tuple(phrases)
        learnt = self._known.pop(wanted, None) or self._learn(wanted, digits)
        self._known[wanted] = self._learnt = learnt
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]

    def _learn(self, phrases: tuple[str, ...], digits: Mapping[str, str]) -> _Learnt:
        tree = tree_of(phrases, self._spelling.tokens, digits)
        tokens = tree.tokens() | set(self._ends)
        rare = np.array(sorted(t for t in tokens if t >= RIVALS), dtype=np.int64)
        places = {int(token): RIVALS + at for at, token in enumerate(rare)}
        return _Learnt(tree, places, self._net.embeddings(rare))

    def hear(self, samples: Int16Samples) -> Opinion:
        """Judge ``int16`` ``[n]`` at 16 kHz, as it came from the microphone."""
        sound = np.pad(samples.astype(np.float32) / 32768.0, (0, round(SILENCE_S * RATE_HZ)))
        heard = self._net.hear(log_mel(sound))
        outlook, known = self._net.begin(heard, np.array(self._start))
        likelihood: dict[str, float] = {}
        lost: dict[str, float] = {}
        paths = [_Path(self._learnt.tree, 0.0, 0.0, None)]
        while True:
            odds = self._odds(outlook)
            best = odds.max(axis=1)
            longer: list[tuple[int, int, _Path]] = []
            for row, path in enumerate(paths):
                if path.node.phrase:
                    end = self._end(odds[row], path.first)
                    phrase = path.node.phrase
                    before = likelihood.get(phrase, NOTHING)
                    likelihood[phrase] = float(np.logaddexp(before, path.likelihood + end))
                    fell = path.lost + min(0.0, end - float(best[row]))
                    lost[phrase] = max(lost.get(phrase, NOTHING), fell)
                for token, node in path.node.following.items():
                    value = float(odds[row, self._place(token)])
                    longer.append((row, token, path.along(node, token, value, float(best[row]))))
            if not longer:
                return Opinion(likelihood, lost)
            longer.sort(key=lambda item: -item[2].likelihood)
            floor = max([longer[0][2].likelihood, *likelihood.values()]) - FAR
            longer = [item for item in longer[:BEGINNINGS] if item[2].likelihood > floor]
            if not longer:
                return Opinion(likelihood, lost)
            paths = [path for _, _, path in longer]
            known = known.take(np.array([row for row, _, _ in longer]))
            tokens = np.array([token for _, token, _ in longer])
            outlook, known = self._net.step(heard, known, tokens)

    def _end(self, odds: Float32, first: int | None) -> float:
        tokens = self._ends if first is None else [*self._ends, first]
        return float(np.logaddexp.reduce(odds[[self._place(token) for token in tokens]]))

    def _place(self, token: int) -> int:
        return self._learnt.places.get(token, token)

    def _odds(self, outlook: Outlook) -> Float32:
        """Return log probabilities over what is told apart, ``[n, kept]``."""
        odds = np.concatenate([outlook.odds, outlook.state @ self._learnt.rare.T], axis=1)
        odds -= odds.max(axis=1, keepdims=True)
        odds -= np.log(np.exp(odds).sum(axis=1, keepdims=True))
        return odds


@dataclass(frozen=True, slots=True)
class _Learnt:
    """What may be said.

    Attributes:
        tree: of it.
        places: of its tokens that are not among the common ones, by token.
        rare: what stands for these, ``[n, width]``.
    """

    tree: Node
    places: Mapping[int, int]
    rare: Float32


@dataclass(frozen=True, slots=True)
class _Path:
    """A beginning on its way down the tree."""

    node: Node
    likelihood: float
    lost: float
    first: int | None

    def along(self, node: Node, token: int, value: float, best: float) -> _Path:
        """Return the path one token further."""
        first = token if self.first is None else self.first
        return _Path(node, self.likelihood + value, self.lost + value - best, first)


def open_whisper(folder: Path, kept: Path | None = None) -> WhisperListener:
    """Open a verified model. Blocking: 0.2 s, several on a Pi 4; the first time some more.

    Args:
        folder: of the model.
        kept: where its graphs are kept, see ``whisper_graphs.graphs_of``.

    Raises:
        WeightsDamaged: it is not what it should be.
        OSError: it cannot be read, or its graphs cannot be made.
    """
    try:
        spelling = read_spelling(folder / "tokenizer.json")
        weights = read_weights(folder / WEIGHTS)
        with graphs_of(folder / WEIGHTS, kept) as graphs:
            net = WhisperNet(graphs, weights.arrays)
        listener = WhisperListener(net, spelling)
        weights.let_go()
        return listener
    except (KeyError, ValueError) as error:
        raise WeightsDamaged(f"not Whisper: {error}") from error
