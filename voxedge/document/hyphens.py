"""Words broken over a line end: which hyphen belongs to the word and which to the line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from voxedge.document.model import Word

IsWord = Callable[[str], bool]
_HYPHENS = "-‐\u00ad¬"
_HARD = "-‐"


def join_hyphenated(lines: Sequence[Sequence[Word]], is_word: IsWord) -> list[Word]:
    """Concatenate the words of lines, joining those broken over a line end.

    Args:
        lines: words of each line.
        is_word: whether a dictionary knows a word; may always say no.

    Returns:
        The words of all lines. A joined word has the box of its first part and the lower
        confidence of the two.
    """
    joined: list[Word] = []
    for words in lines:
        following = list(words)
        if joined and following and _is_broken(joined[-1].text):
            first, second = joined.pop(), following.pop(0)
            text = join_parts(first.text, second.text, is_word)
            confidence = min(first.confidence, second.confidence)
            joined.append(
                Word(text, first.box, confidence, first.page, _second(first, second, is_word))
            )
        joined.extend(following)
    return joined


def join_parts(first: str, second: str, is_word: IsWord) -> str:
    """Join "para-" and "cetamol", keeping the hyphens of "Omega-3" and "5-10".

    A hyphen stays beside a digit or a capital; it stays between two dictionary words whose
    concatenation is none ("long-" "term"); else it was the line's and goes.
    """
    stem, hyphen = first[:-1], first[-1]
    core = second.strip(".,;:!?()[]»”\"'")
    if hyphen in _HARD:
        tail, head = stem[-1:], second[:1]
        if not (tail.isalpha() and head.isalpha()) or not head.islower():
            return f"{stem}-{second}"
        bare = stem.strip("(«“\"'")
        whole = bare + core
        if "-" in bare or (not is_word(whole) and is_word(bare) and is_word(core)):
            return f"{stem}-{second}"
    return stem + second


def _second(first: Word, second: Word, is_word: IsWord) -> str | None:
    """Join what the second reader has, in the same way; None where it read but one part."""
    if first.second is None or second.second is None:
        return None
    if not _is_broken(first.second) or not second.second:
        return first.second + second.second
    return join_parts(first.second, second.second, is_word)


def _is_broken(text: str) -> bool:
    return len(text) > 1 and text[-1] in _HYPHENS and text[-2].isalnum()
