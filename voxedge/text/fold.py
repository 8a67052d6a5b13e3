"""One spelling for characters that print alike, without ever joining two numbers.

Unicode's own NFKC is a trap here: it turns "1½" into "11⁄2" and "10²" into "102". Characters are
therefore folded one by one, numeric ones by tables, and every folded character remembers where
it was printed.
"""

from __future__ import annotations

import unicodedata

SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"

_FOLDED: dict[int, str] = {
    **dict.fromkeys(map(ord, "\u00a0\u2007\u2008\u2009\u202f\u200a\u2006"), "\u00a0"),
    **dict.fromkeys(map(ord, "‐‑‒﹣－\u00ad"), "-"),
    **dict.fromkeys(map(ord, "―⸺"), "—"),
    **dict.fromkeys(map(ord, "−⁻"), "−"),
    **dict.fromkeys(map(ord, "‘’‛ʼ`´′"), "'"),
    **dict.fromkeys(map(ord, "“”„‟«»″〝〞"), '"'),
    **dict.fromkeys(map(ord, "⁄∕／"), "/"),
    **dict.fromkeys(map(ord, "✕✖╳⨯"), "×"),
    ord("µ"): "μ",
    ord("º"): "°",
    ord("˚"): "°",
    ord("℃"): "°C",
    ord("℉"): "°F",
    ord("⩽"): "≤",
    ord("⩾"): "≥",
    ord("≦"): "≤",
    ord("≧"): "≥",
    ord("∼"): "~",
    ord("ſ"): "s",
    ord("\u2028"): "\n",
    ord("\u2029"): "\n",
    ord("\x0b"): "\n",
    ord("\x0c"): "\n",
    ord("\x85"): "\n",
    ord("\r"): "\n",
    ord("\t"): " ",
}
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Sk"})
_KEPT = frozenset(SUPERSCRIPTS) | frozenset("\n^…™®©℠")


def fold(text: str) -> tuple[str, list[int]]:
    """Return the folded text and, for each of its characters, the offset of its print.

    Control, format, private-use and unassigned characters vanish. The list has one more entry
    than the text: the printed length.
    """
    folded: list[str] = []
    origin: list[int] = []
    last = ""
    for index, char in enumerate(text):
        new = char if " " <= char <= "~" else _fold_char(char)
        if new > "~" and last.isalpha() and _is_numeral(new):
            new = f" {new}"  # "mg½": patterns take the sign for a letter
        folded.append(new)
        last = new[-1:] or last
        origin.extend([index] * len(new))
    origin.append(len(text))
    return "".join(folded), origin


def _is_numeral(char: str) -> bool:
    return char.isnumeric() and not char.isalpha() and char not in SUPERSCRIPTS


def letters_end(printed: str) -> int:
    """Return where a numeric sign that passes for a letter in patterns ("¹", "½") cuts a word."""
    if printed.isascii():
        return len(printed)
    cut = (i for i, c in enumerate(printed) if c.isnumeric() and not (c.isalpha() or c.isascii()))
    return next(cut, len(printed))


def _fold_char(char: str) -> str:
    if char in _KEPT:
        return char
    known = _FOLDED.get(ord(char))
    if known is not None:
        return known
    category = unicodedata.category(char)
    if category in _DROPPED:
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category[0] == "Z":
        return "\u00a0" if category == "Zs" else "\n"
    if char in _SUBSCRIPTS:
        return str(_SUBSCRIPTS.index(char))
    if category in ("No", "Nl"):
        compatible = unicodedata.normalize("NFKC", char)
        return compatible if compatible.isalpha() else char  # Ⅳ is IV; ½ and ① stay themselves
    compatible = unicodedata.normalize("NFKC", char)
    if any(unicodedata.category(c)[0] in "CN" or c.isspace() for c in compatible):
        return char  # no new digits or spaces out of a symbol
    return compatible
