"""Printed text to speakable text: the medical pass and everything else, in one walk.

The text is read once from left to right. At each place the language's rules are asked in order
and the first answer counts; nothing said is read again, so no expansion meets another rule. All
patterns are bounded, so time grows with the length of the text and with nothing else.
"""

from __future__ import annotations

import re

from voxedge.text.fold import fold
from voxedge.text.language import LETTER_A, Kind, Language, Reading, Rule, Scan
from voxedge.text.languages import language_for
from voxedge.text.lexicon import Lexicon
from voxedge.text.model import Doubt, Normalised, Span

_WORD = re.compile(r"[^\W\d_]+")
_FIRST_WORD = re.compile(r"\s*([^\W_]+)")
_LAST_WORD = re.compile(r"([^\W_]+)\s*$")
_SPACE_BEFORE = re.compile(r" +([,.;:!?])")
_PUNCTUATION_RUN = re.compile(r"[,.;:!?](?:[ ]?[,.;:!?])+")
_TIGHT = re.compile(r"([,.;:!?])(?=[^\s,.;:!?])")
_LEADING = re.compile(r"^[\s,;:.!?]+")
_LETTER_A_AT_PAUSE = re.compile(LETTER_A + r"(?=\s*(?:[,.;:!?]|$)|-)")
_STRAY_HYPHEN = re.compile(r"(?<![^\W_])-|-(?![^\W_])")
_BLANK_LINE = re.compile(r"\n\s*\n")
_STRENGTH = {",": 0, ";": 1, ":": 2, ".": 3, "!": 4, "?": 5}


def normalise(text: str, *, language: str = "en", lexicon: Lexicon | None = None) -> Normalised:
    """Turn printed text into speakable text, and tell what cannot be trusted.

    Pure and safe from any thread. Never raises for any text. In English the result holds no
    digit, control character or line break, and normalising it again changes nothing.

    Args:
        text: printed text of any length; usually a sentence or a paragraph.
        language: BCP 47 tag. A language without rules passes its text unread (digits stay, each
            run of them flagged as ``UNPARSED``).
        lexicon: the user's respellings; they come before every rule for words, never before a
            rule for amounts. One written for another language is left out.
    """
    rules = language_for(language)
    if lexicon is not None and lexicon.language not in ("", rules.tag):
        lexicon = None
    folded, origin = fold(text)
    if not rules.sign_rules:
        return _unread(folded, origin)
    said: list[str] = []
    spelled: list[Span] = []
    doubtful: list[Span] = []
    scan = Scan(folded)
    line_end = 0
    while scan.pos < len(folded):
        if scan.pos >= line_end:
            line_end = _next_line(scan, folded)
        reading = _read(scan, rules, lexicon)
        said.append(reading.text if reading.glued else f" {reading.text} ")
        if not reading.glued and _numbers_touch(said, rules.number_words):
            said[-1] = f", {reading.text} "
        if reading.spelled:
            said[-1] = f", {reading.text}, "
        if reading.doubt is not None:
            span = Span(origin[scan.pos], origin[reading.end - 1] + 1, reading.doubt)
            (spelled if reading.spelled else doubtful).append(span)
        printed = folded[scan.pos : reading.end]
        if reading.text.strip():  # what is not said is no context
            scan.last = reading.kind
            scan.last_word = "".join(printed[-24:].lower().split()[-1:]).strip(".,:;()")
        scan.pos = reading.end
    return Normalised(_tidy("".join(said)), tuple(spelled), tuple(doubtful))


def _next_line(scan: Scan, folded: str) -> int:
    """Note whether the line at ``scan.pos`` is set in capitals; return its end."""
    end = folded.find("\n", scan.pos)
    end = len(folded) if end < 0 else end + 1
    words = [w for w in _WORD.findall(folded, scan.pos, end) if len(w) > 3]
    capitals = sum(w.isupper() for w in words)
    scan.caps = capitals >= 2 and capitals >= 0.7 * len(words)
    return end


def _read(scan: Scan, rules: Language, lexicon: Lexicon | None) -> Reading:
    char = scan.text[scan.pos]
    if char == " ":
        return Reading(scan.pos + 1, " ", scan.last, glued=True)
    if char == "\n":
        match = _BLANK_LINE.match(scan.text, scan.pos)
        if match is not None:
            return Reading(match.end(), ". ", Kind.BREAK, glued=True)
        return Reading(scan.pos + 1, " ", scan.last, glued=True)
    candidates: tuple[Rule, ...] = rules.sign_rules
    if char.isalpha():
        if lexicon is not None and (reading := lexicon.read(scan)) is not None:
            return reading
        candidates = rules.letter_rules + rules.sign_rules
    elif char.isnumeric() and not _is_raised(char):
        candidates = rules.digit_rules + rules.sign_rules
    for rule in candidates:
        reading = rule(scan)
        if reading is not None and reading.end > scan.pos:
            return reading
    return Reading(scan.pos + 1, " ", scan.last, Doubt.UNPARSED, spelled=True, glued=True)


def _is_raised(char: str) -> bool:
    return char in "⁰¹²³⁴⁵⁶⁷⁸⁹"


def _numbers_touch(said: list[str], number_words: frozenset[str]) -> bool:
    """Say whether the last reading would run on from a number said just before it."""
    first = _FIRST_WORD.match(said[-1])
    if first is None or first[1].lower() not in number_words:
        return False
    for piece in reversed(said[:-1]):
        if not piece.isspace():
            last = _LAST_WORD.search(piece[-24:])
            return last is not None and last[1].lower() in number_words
    return False


def _tidy(text: str) -> str:
    """Settle what neighbours decide: the letter A, stray hyphens, spaces, runs of punctuation."""
    text = _LETTER_A_AT_PAUSE.sub("A", text).replace(LETTER_A, "eigh")
    text = " ".join(_STRAY_HYPHEN.sub(" ", text).split())
    text = _SPACE_BEFORE.sub(r"\1", text)
    text = _PUNCTUATION_RUN.sub(_strongest, text)
    text = _TIGHT.sub(r"\1 ", text)
    return _LEADING.sub("", text).rstrip(" ,")


def _strongest(run: re.Match[str]) -> str:
    return max(run.group().replace(" ", ""), key=_STRENGTH.__getitem__)


def _unread(folded: str, origin: list[int]) -> Normalised:
    doubts = tuple(
        Span(origin[m.start()], origin[m.end() - 1] + 1, Doubt.UNPARSED)
        for m in re.finditer(r"\d+", folded)
    )
    return Normalised(" ".join(folded.split()), doubtful=doubts)
