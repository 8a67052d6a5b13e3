"""Sentences and clauses: where a voice may breathe without tearing a dose apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

from voxedge.text.language import SentenceTable
from voxedge.text.languages import language_for

_OPENERS = "\"'“‘«([{¿¡"
_CLOSERS = "\"'”’»)]}」』）"
_BULLETS = frozenset("•●▪■◦‣∙·○►▶➢✓")
_DASH_BULLETS = frozenset("-–—*")
_TERMINALS = ".!?…。！？"

_TOKEN = re.compile(r"[^\s。！？]*[。！？]+[”’」』）]*|\S+")
_LIST_MARKER = re.compile(r"\(?(?:\d{1,2}|[A-Za-z])[.)]")
_INITIALS = re.compile(r"(?:[A-Z]\.)+")
_DOTTED = re.compile(r"(?:[^\W\d_]\.){1,5}[^\W\d_]{0,3}")
_HEADING_MAX_CHARS = 60
"""A line longer than this without a full stop is a line of running text, not a heading."""


def sentence_breaks(words: Sequence[str], language: str) -> list[int]:
    """Return the indices of ``words`` where a new sentence starts; 0 is never among them.

    Args:
        words: printed words in reading order, punctuation attached, as a recogniser gives them.
        language: BCP 47 tag.
    """
    table = language_for(language).sentences
    breaks: list[int] = []
    start = 0
    for index in range(1, len(words)):
        if _breaks(words[index - 1], index - start, words[index], table):
            breaks.append(index)
            start = index
    return breaks


def split_sentences(text: str, language: str) -> list[str]:
    """Cut text into sentences; ``"".join(result) == text`` always.

    White space after a sentence stays at its end, white space before the first with the first.
    A blank line always ends a sentence; a line break does so before a list marker and after a
    line that looks like a heading (short, no closing punctuation, a capital follows).
    """
    pieces: list[str] = []
    for block in _blocks(text):
        tokens = list(_TOKEN.finditer(block))
        words = [token.group() for token in tokens]
        cuts = [0, *(tokens[i].start() for i in sentence_breaks(words, language)), len(block)]
        pieces.extend(block[cuts[i] : cuts[i + 1]] for i in range(len(cuts) - 1))
    return pieces


def _breaks(before: str, length: int, following: str, table: SentenceTable) -> bool:
    """Say whether a sentence ends between ``before`` and ``following``.

    ``length`` counts the words of the sentence so far: a lone "1." is a list marker.
    """
    if following[:1] in _BULLETS:
        return True
    word = before.rstrip(_CLOSERS)
    if following in _DASH_BULLETS:
        return word[-1:] in _TERMINALS + ":;,"
    if word[-1:] not in _TERMINALS or not word:
        return False
    if length == 1 and (_LIST_MARKER.fullmatch(word) or not any(map(str.isalnum, word))):
        return False
    if word[-1] in "。！？":
        return True
    opening = following.lstrip(_OPENERS)
    if opening[:1].islower():
        return False
    if word[-1] != "." or word.endswith(".."):
        return True
    return not _is_abbreviation(word.lstrip(_OPENERS)[:-1], opening, table)


def _is_abbreviation(stem: str, following: str, table: SentenceTable) -> bool:
    """Say whether the dot after ``stem`` belongs to it, given the word that follows."""
    lower = stem.lower()
    if lower in table.never_final:
        return True
    if lower in table.before_number:
        alone = following.rstrip(".,;:)")
        return following[:1].isdigit() or (len(alone) == 1 and alone.isupper() and alone != "I")
    starter = following.rstrip(".,;:!?)").lower() in table.starters
    if lower in table.dose_abbreviations or _DOTTED.fullmatch(lower + "."):
        capital = following[:1].isupper()
        if _INITIALS.fullmatch(stem + "."):  # U.S. Food, J. Smith; but "in the U.S. The"
            return not starter
        return not (starter or (capital and lower not in table.dose_abbreviations))
    return False


def _blocks(text: str) -> list[str]:
    """Cut at blank lines, before list items and after headings; lossless."""
    lines = text.splitlines(keepends=True)
    longest = max((len(line.strip()) for line in lines), default=0)
    blocks: list[str] = []
    current = ""
    for index, line in enumerate(lines):
        current += line
        following = lines[index + 1].strip() if index + 1 < len(lines) else ""
        printed = line.strip()
        if not current.strip():
            continue
        if (not printed and following) or (
            following and printed and _line_ends_block(printed, following, longest)
        ):
            blocks.append(current)
            current = ""
    if current:
        blocks.append(current)
    return blocks


def _line_ends_block(line: str, following: str, longest: int) -> bool:
    if following[0] in _BULLETS or (following[0] in _DASH_BULLETS and following[1:2] == " "):
        return True
    first = following.split(maxsplit=1)[0]
    if _LIST_MARKER.fullmatch(first) and len(following) > len(first):
        return line[-1] in _TERMINALS + ":;," or len(line) <= _HEADING_MAX_CHARS
    if line[-1] in _TERMINALS + ",;:-–—(/&":
        return False
    if _is_heading(line, longest) or _is_heading(following, longest):
        return True
    starts_afresh = not following.lstrip(_OPENERS)[:1].islower()
    return starts_afresh and len(line) <= _HEADING_MAX_CHARS and len(line) < 0.75 * longest


def _is_heading(line: str, longest: int) -> bool:
    """Far shorter than the running text, opened by a capital, not closed by a stop."""
    return len(line) < 0.4 * longest and line[0].isupper() and line[-1] not in _TERMINALS + ",;"
