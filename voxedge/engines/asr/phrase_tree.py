"""Everything that may be said, as one tree of tokens: what is alike is judged once. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Node:
    """A beginning of phrases.

    Attributes:
        following: token to the longer beginning.
        phrase: what is said when it ends here; "" where nothing ends.
    """

    following: dict[int, Node] = field(default_factory=dict)
    phrase: str = ""

    def tokens(self) -> set[int]:
        """Return every token below."""
        found = set(self.following)
        for node in self.following.values():
            found |= node.tokens()
        return found


def tree_of(
    phrases: Iterable[str], tokens: Callable[[str], tuple[int, ...]], digits: Mapping[str, str]
) -> Node:
    """Return the root.

    Args:
        phrases: in lower case.
        tokens: of a text that begins with a space.
        digits: number words to digits, "twenty one" to "21".
    """
    root = Node()
    for phrase in phrases:
        for spelled in spellings(phrase, digits):
            node = root
            for token in tokens(f" {spelled}"):
                node = node.following.setdefault(token, Node())
            node.phrase = phrase
    return root


def spellings(phrase: str, digits: Mapping[str, str]) -> tuple[str, ...]:
    """Return the ways in which a writer may put a phrase: "Page 3", "page three"."""
    forms = [phrase]
    words = phrase.split()
    for count in (2, 1):
        number = digits.get(" ".join(words[-count:]))
        if number is not None and len(words) > count:
            forms.append(" ".join([*words[:-count], number]))
            break
    forms = [re.sub(r"\bi\b", "I", form) for form in forms]
    return tuple(dict.fromkeys([*forms, *(form[:1].upper() + form[1:] for form in forms)]))
