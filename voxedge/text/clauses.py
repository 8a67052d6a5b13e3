"""Clauses: where a long sentence is cut so that its first words are heard sooner.

A cut falls after a comma, semicolon, colon or closing bracket, before an opening bracket or a
dash, or before a conjunction. It never falls inside a number, a dose, a range, a ratio or a list
of doses: "5, 10 or 20 mg", "1,000", "250 mg / 5 mL" and "12 March, 2026" stay whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from voxedge.text.language import SentenceTable
from voxedge.text.languages import language_for

MAX_WORDS = 12
"""About 4 seconds of speech at rate 1.0."""
_MIN_WORDS = 3
"""A shorter piece sounds torn off, and saves no time."""

_TOKEN = re.compile(r"\S+")
_STRONG = frozenset(",;:)—–")
_DASHES = frozenset("-–—")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    bare: str
    in_dose: bool
    number: bool


def first_clause(sentence: str, language: str, max_words: int = MAX_WORDS) -> tuple[str, str]:
    """Return a short first clause and the rest; ``head + rest == sentence``.

    The earliest sign-marked cut is taken, because the sooner a clause ends, the sooner it is
    heard. The rest is empty where the sentence has at most ``max_words`` words or no cut.
    """
    table = language_for(language).sentences
    tokens = _tokens(sentence, table)
    if len(tokens) <= max_words:
        return sentence, ""
    cuts = [(i, _is_strong(tokens, i)) for i in range(1, len(tokens)) if _allowed(tokens, i, table)]
    soon = [i for i, strong in cuts if strong and _MIN_WORDS <= i <= max_words]
    cut = soon[0] if soon else _choose(cuts, 0, len(tokens), max_words)
    at = len(sentence) if cut is None else tokens[cut].start
    return sentence[:at], sentence[at:]


def split_clauses(sentence: str, language: str, max_words: int = MAX_WORDS) -> list[str]:
    """Cut a printed sentence into clauses of at most ``max_words`` words where that can be done.

    ``"".join(result) == sentence``. A stretch without a place to cut stays longer.
    """
    table = language_for(language).sentences
    tokens = _tokens(sentence, table)
    cuts = [(i, _is_strong(tokens, i)) for i in range(1, len(tokens)) if _allowed(tokens, i, table)]
    pieces: list[str] = []
    begin, start = 0, 0
    while len(tokens) - begin > max_words:
        cut = _choose(cuts, begin, len(tokens), max_words)
        if cut is None:
            break
        pieces.append(sentence[start : tokens[cut].start])
        begin, start = cut, tokens[cut].start
        cuts = [c for c in cuts if c[0] > cut]
    pieces.append(sentence[start:])
    return [piece for piece in pieces if piece]


def _tokens(sentence: str, table: SentenceTable) -> list[_Token]:
    tokens: list[_Token] = []
    for match in _TOKEN.finditer(sentence):
        bare = match.group().strip(".,;:!?()[]\"'“”‘’").lower()
        number = any(char.isnumeric() for char in bare)
        if tokens and tokens[-1].number and match.group()[0] == "(":
            number = True  # "5 (five) mg"
        unit = bool(tokens) and tokens[-1].number and bare not in table.conjunctions
        unit = unit and tokens[-1].text[-1] not in ",;:"
        tokens.append(_Token(match.group(), match.start(), bare, number or unit, number))
    return tokens


def _is_strong(tokens: list[_Token], index: int) -> bool:
    before, after = tokens[index - 1].text, tokens[index].text
    return before[-1] in _STRONG or after[0] == "(" or after in _DASHES


def _allowed(tokens: list[_Token], index: int, table: SentenceTable) -> bool:
    """Say whether the sentence may be cut before ``tokens[index]``."""
    before, after = tokens[index - 1], tokens[index]
    if not _is_strong(tokens, index) and after.bare not in table.conjunctions:
        return False
    following = tokens[index + 1] if index + 1 < len(tokens) else None
    if before.text in _DASHES or before.bare in table.joiners or before.bare in table.conjunctions:
        return not (after.in_dose or before.bare in table.conjunctions)
    if not before.in_dose:
        return not (after.bare in table.joiners and following is not None and following.number)
    if after.in_dose or (before.number and after.text[0] == "("):
        return False
    return not (
        (after.bare in table.joiners or after.text in _DASHES)
        and following is not None
        and (following.in_dose or following.text in _DASHES)
    )


def _choose(cuts: list[tuple[int, bool]], begin: int, end: int, max_words: int) -> int | None:
    """Pick the last strong cut within reach, else the last weak one, else the next beyond."""
    usable = [c for c in cuts if c[0] - begin >= _MIN_WORDS and end - c[0] >= _MIN_WORDS]
    near = [c for c in usable if c[0] - begin <= max_words]
    strong = [index for index, is_strong in near if is_strong]
    if strong:
        return strong[-1]
    if near:
        return near[-1][0]
    return usable[0][0] if usable else None
