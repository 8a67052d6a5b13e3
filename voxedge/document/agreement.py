"""Laying one reading of a line beside another: which words of the first are which of the second."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from voxedge.document.figures import folded, holds_figure

_IN_NUMBERS = frozenset(".,:/-+<>%°'×½¼¾⅓⅔⅛")


def lay_beside(words: Sequence[str], text: str) -> list[str]:
    """Return for each word of the first reading what the second one has in its place.

    The two are aligned by the fewest single-character edits (Levenshtein), spaces aside: some
    readers drop them. What the second reading has between two words belongs to the one that
    holds a number; to both if both do, so that neither is taken for confirmed.

    A space that only the second reading has, between digits of one word, is kept: "5 10" is not
    "510". So is the want of one where it wrote "10" for "1 0".

    Args:
        words: of one printed line, or a run of its words.
        text: the second reading of the same print.
    """
    first = "".join(words)
    owner = [number for number, word in enumerate(words) for _ in word]
    letters, gap_before = _without_spaces(text)
    found = [""] * len(words)
    if not words:
        return found
    for edit in Levenshtein.opcodes(_levelled(first), _levelled(letters)):
        start, end = edit.src_start, edit.src_end
        second_start, second_end = edit.dest_start, edit.dest_end
        if edit.tag == "insert":
            inserted = letters[second_start:second_end]
            opens = gap_before[second_start] and not gap_before[min(second_end, len(letters) - 1)]
            for number in _owners(words, owner, start, inserted, opens=opens):
                found[number] += inserted
        elif edit.tag != "delete":
            for at, to in zip(range(start, end), range(second_start, second_end), strict=True):
                number = owner[at]
                if gap_before[to] and at and owner[at - 1] == number and _parts(letters, to):
                    found[number] += " "
                found[number] += letters[to]
    for number in range(len(words) - 1):
        if _torn(words[number], words[number + 1]) and found[number] and found[number + 1]:
            place = letters.find(found[number] + found[number + 1])
            border = place + len(found[number])
            if place >= 0 and not gap_before[border]:
                found[number] = found[number + 1] = found[number] + found[number + 1]
    return found


def _levelled(text: str) -> str:
    """Return what is aligned: one character for each of the text, without case."""
    small = (mark.lower() for mark in folded(text))
    return "".join(mark if len(mark) == 1 else "?" for mark in small)


def _torn(left: str, right: str) -> bool:
    """Say whether two words may be one number torn apart; "1 000" is one as it stands."""
    core = left[:-1] if left[-1] in ".,;:'" else left
    if not (core and holds_figure(core[-1]) and holds_figure(right[0])):
        return False
    if core != left:
        return True
    return not (len(right) >= 3 and right[:3].isdigit() and not right[3:4].isdigit())


def _without_spaces(text: str) -> tuple[str, list[bool]]:
    """Return the text without spaces, and for each letter whether a space stood before it."""
    letters: list[str] = []
    gaps: list[bool] = []
    gap = False
    for character in text:
        if character.isspace():
            gap = True
        else:
            letters.append(character)
            gaps.append(gap)
            gap = False
    return "".join(letters), gaps


def _parts(letters: str, at: int) -> bool:
    return at > 0 and holds_figure(letters[at - 1]) and holds_figure(letters[at])


def _owners(
    words: Sequence[str], owner: Sequence[int], at: int, inserted: str, *, opens: bool
) -> tuple[int, ...]:
    """Return the words to which something inserted before character ``at`` belongs.

    ``opens``: the second reading begins a word with it, which goes on behind it.
    """
    left = owner[at - 1] if at else owner[0]
    right = owner[at] if at < len(owner) else owner[-1]
    if left == right:
        return (left,)
    with_number = tuple(number for number in (left, right) if holds_figure(words[number]))
    counts = any(holds_figure(mark) or mark in _IN_NUMBERS for mark in inserted)
    if with_number and counts:
        return with_number
    if opens:
        # The first letter of "jig", where the first reading has "µg".
        return (right,)
    return with_number[:1] or (left,)
