"""Words as tokens of a byte-pair encoding (Sennrich et al. 2016), as GPT-2 and Whisper use it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

SPACE = "\u0120"
"""How the encoding's table writes a space."""

_PIECE = re.compile(r" ?[A-Za-z]+| ?[0-9]+|'[a-z]+|[^\sA-Za-z0-9]")
"""What is cut apart before pairs are joined; as far as commands need it."""


class Spelling:
    """Turns text into tokens. Not thread-safe: it remembers the words it has met.

    Args:
        vocabulary: token text to number.
        merges: pairs that are joined, a space between, the most frequent first. Strings, not
            tuples: 50,000 of these take 10 MB more.
    """

    def __init__(self, vocabulary: Mapping[str, int], merges: Sequence[str]) -> None:
        self._vocabulary = vocabulary
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._known: dict[str, tuple[int, ...]] = {}

    def tokens(self, text: str) -> tuple[int, ...]:
        """Return the tokens of a text; plain ASCII letters, digits and signs.

        Raises:
            KeyError: a character is in no token.
        """
        return tuple(t for piece in _PIECE.findall(text) for t in self._piece(piece))

    def token(self, text: str) -> int:
        """Return the number of a text that is one token ("<|endoftext|>", ".").

        Raises:
            KeyError: it is none.
        """
        return self._vocabulary[text]

    def _piece(self, piece: str) -> tuple[int, ...]:
        found = self._known.get(piece)
        if found is None:
            found = self._known[piece] = self._joined(piece.replace(" ", SPACE))
        return found

    def _joined(self, text: str) -> tuple[int, ...]:
        parts = list(text)
        while len(parts) > 1:
            rank, at = min(
                (self._ranks.get(f"{left} {right}", len(self._ranks)), at)
                for at, (left, right) in enumerate(pairwise(parts))
            )
            if rank == len(self._ranks):
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return tuple(self._vocabulary[part] for part in parts)


def read_spelling(path: Path) -> Spelling:
    """Read a ``tokenizer.json``.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds no byte-pair encoding.
    """
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        vocabulary = {str(text): int(number) for text, number in whole["model"]["vocab"].items()}
        vocabulary.update({t["content"]: int(t["id"]) for t in whole["added_tokens"]})
        pairs = [m if isinstance(m, str) else " ".join(m) for m in whole["model"]["merges"]]
        return Spelling(vocabulary, pairs)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no byte-pair encoding") from error
