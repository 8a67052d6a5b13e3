"""The headings that leaflets have by law, known again though a recogniser misread them. Pure.

A leaflet of the European Union has six numbered headings and a few below them (EMA, QRD template
10.4, one wording for each language); an American label those of Drug Facts (21 CFR 201.66); a
Chinese one its titles in brackets, 【用法用量】 (NMPA, Order 24 of 2006). Small and blurred print
does not tell bold from regular, so looks alone lose headings; their wording does not.

A line is such a heading when nothing else stands in it and at most one letter in four differs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from voxedge.document.find import fold

_LIKENESS = 0.75
_NUMBERED_LIKENESS = 0.7
"""The right number before it is evidence too."""
_SHORT_LIKENESS = 0.85
_SHORT_CHARS, _TINY_CHARS = 12, 6
"""A single short word is like too many others: "Uses" and "Users"."""
_FIRST_WORD_LIKENESS = 50.0
"""Less than half of the first word in common: not worth comparing the rest."""
_NAME_WORDS = 6
"""A medicine's name, in words: "Levothyroxine sodium 12.5 micrograms tablets" is five."""
_NAME_WORDS_BELOW = 3
"""In headings that sentences begin like: "Do not take Corvanil if your heart" is none."""
_MOST_WORDS = 20
_LOST = 0.9
"""A long wording whose last word, the name, is missing: it may stand in the next line."""
_MARK = re.compile(r"[(]?([0-9IlSsZzOoB&]{1,2})[.,:)]?\s+(?=\S)")
_DIGITS = str.maketrans("IlSsZzOoB&", "1155220086")
_LETTERS = re.compile(r"[^\W\d_]+|\d+")


@dataclass(frozen=True, slots=True)
class Form:
    """The wording of one heading.

    Attributes:
        words: folded, ``*`` for the medicine's name.
        number: 1 to 6 of a main heading of the European template, None elsewhere.
        is_title: stands alone on its line wherever it stands; others begin sentences too, and
            count only where the line stands apart.
    """

    words: tuple[str, ...]
    number: int | None = None
    is_title: bool = True

    @property
    def parts(self) -> tuple[str, str]:
        """The wording before the name, and behind it."""
        if "*" not in self.words:
            return " ".join(self.words), ""
        at = self.words.index("*")
        return " ".join(self.words[:at]), " ".join(self.words[at + 1 :])

    @property
    def has_name(self) -> bool:
        """Whether the medicine's name stands in it."""
        return "*" in self.words


@dataclass(frozen=True, slots=True)
class Known:
    """A line that is a heading.

    Attributes:
        form: which one.
        number: the printed number, of the European template; None where none is printed.
        likeness: 0 to 1.
        lines: how many lines it takes.
    """

    form: Form
    number: int | None
    likeness: float
    lines: int = 1


def _forms(*texts: str, title: bool = True) -> tuple[Form, ...]:
    """Read wordings; "1 what * is" has a number, alternatives are separate wordings."""
    forms = []
    for text in texts:
        words = tuple(fold(text).split())
        number = int(words[0]) if words[0].isdigit() else None
        forms.append(Form(words[1:] if number else words, number, title or number is not None))
    return tuple(forms)


_EUROPEAN = {
    "en": _forms(
        "1 what * is and what it is used for", "2 what you need to know before you take *",
        "2 what you need to know before you use *", "2 before you take *", "2 before you use *",
        "2 what you need to know before you are given *", "3 how to take *", "3 how to use *",
        "3 how * is given", "4 possible side effects", "5 how to store *",
        "5 how to store this medicine", "6 contents of the pack and other information",
        "6 further information",
    ),
    "de": _forms(
        "1 was ist * und wofür wird es angewendet",
        "2 was sollten sie vor der einnahme von * beachten",
        "2 was sollten sie vor der anwendung von * beachten", "3 wie ist * einzunehmen",
        "3 wie ist * anzuwenden", "4 welche nebenwirkungen sind möglich",
        "5 wie ist * aufzubewahren", "6 inhalt der packung und weitere informationen",
    ),
    "fr": _forms(
        "1 qu est ce que * et dans quels cas est il utilise",
        "2 quelles sont les informations a connaitre avant de prendre *",
        "2 quelles sont les informations a connaitre avant d utiliser *", "3 comment prendre *",
        "3 comment utiliser *", "4 quels sont les effets indesirables eventuels",
        "5 comment conserver *", "6 contenu de l emballage et autres informations",
    ),
    "es": _forms(
        "1 que es * y para que se utiliza", "2 que necesita saber antes de empezar a tomar *",
        "2 que necesita saber antes de empezar a usar *", "3 como tomar *", "3 como usar *",
        "4 posibles efectos adversos", "5 conservacion de *",
        "6 contenido del envase e informacion adicional",
    ),
    "it": _forms(
        "1 che cos e * e a cosa serve", "2 cosa deve sapere prima di prendere *",
        "2 cosa deve sapere prima di usare *", "3 come prendere *", "3 come usare *",
        "4 possibili effetti indesiderati", "5 come conservare *",
        "6 contenuto della confezione e altre informazioni",
    ),
    "tr": _forms(
        "1 * nedir ve ne için kullanılır", "2 * kullanmadan önce dikkat edilmesi gerekenler",
        "3 * nasıl kullanılır", "4 olası yan etkiler nelerdir", "5 * saklanması",
    ),
}  # fmt: skip
_EUROPEAN_BELOW = {
    "en": _forms(
        "do not take *", "do not use *", "warnings and precautions", "children and adolescents",
        "other medicines and *", "* with food and drink", "* with food drink and alcohol",
        "pregnancy and breast feeding", "pregnancy breast feeding and fertility",
        "driving and using machines", "use in children", "if you take more * than you should",
        "if you use more * than you should", "if you forget to take *", "if you forget to use *",
        "if you stop taking *", "if you stop using *", "reporting of side effects",
        "what * contains", "what * looks like and contents of the pack",
        "marketing authorisation holder", "marketing authorisation holder and manufacturer",
        "what is in this leaflet", title=False,
    ),
}  # fmt: skip
_DRUG_FACTS = _forms(
    "drug facts", "drug facts continued", "active ingredient", "active ingredients",
    "active ingredient in each tablet", "active ingredient in each capsule",
    "active ingredient in each caplet", "active ingredient in each 5 ml",
    "active ingredients in each tablet", "purpose", "purposes", "uses", "use", "warnings",
    "warning", "directions", "other information", "inactive ingredients", "inactive ingredient",
    "questions", "questions or comments",
)  # fmt: skip
_FORMS = {
    **{language: forms for language, forms in _EUROPEAN.items() if language != "en"},
    "en": _EUROPEAN["en"] + _EUROPEAN_BELOW["en"] + _DRUG_FACTS,
}
CHINESE_TITLES = (
    "药品名称", "通用名称", "商品名称", "英文名称", "汉语拼音", "成份", "成分", "主要成份", "性状",
    "适应症", "功能主治", "作用类别", "规格", "用法用量", "不良反应", "禁忌", "注意事项",
    "孕妇及哺乳期妇女用药", "儿童用药", "老年用药", "药物相互作用", "药物过量", "临床试验",
    "药理毒理", "药理作用", "药代动力学", "贮藏", "包装", "有效期", "执行标准", "批准文号",
    "说明书修订日期", "核准日期", "修改日期", "生产企业", "生产日期", "产品批号", "生产批号",
    "药品上市许可持有人", "警示语", "禁忌症", "贮存", "批号", "企业名称", "进口药品注册证号",
    "辅料", "特殊人群用药", "上市许可持有人", "注册证号", "产地", "地址", "联系方式",
)  # fmt: skip
"""Titles of Chinese leaflets and boxes, without their brackets."""
_OPENING, _CLOSING = "【[［「『〔〖｢(（{", "】]］」』〕〗｣)）}"
_BRACKETED = re.compile(
    rf"[{re.escape(_OPENING)}]?([\u4e00-\u9fff]{{2,14}})[{re.escape(_CLOSING)}]"
    # Blurred, an ideograph of a title is read as a letter: "[C藏】" of 【贮藏】.
    rf"|[{re.escape('【[［〔〖')}]((?=\w*[\u4e00-\u9fff])[\u4e00-\u9fffA-Za-z0-9]{{2,14}})[】\]］〕〗]"
)

_INSIDE = re.compile(r"(?<![见照阅在（(、和及与])【([\u4e00-\u9fff]{2,14})】")


def known_heading(lines: Sequence[str], language: str, *, apart: bool = True) -> Known | None:
    """Return which heading begins at the first of some lines, None where none does.

    Args:
        lines: this line and those after it; a heading may take up to three.
        language: BCP 47 tag of the page.
        apart: white stands above the line, or what stands above ends there.
    """
    forms = _FORMS.get(language.partition("-")[0])
    if forms is None or not lines or not lines[0][:1].strip():
        return None
    best: Known | None = None
    text = ""
    for count, line in enumerate(lines[:3], start=1):
        text = f"{text.removesuffix('-')}{'' if text.endswith('-') else ' '}{line}".strip()
        if len(text.split()) > _MOST_WORDS or text[-1:] in ".,;:":
            break
        broken = line.endswith("-") and count < min(3, len(lines))
        goes_on = lines[count][:1].islower() if count < len(lines) else False
        found = None if broken else _best_form(text, forms, apart=apart, goes_on=goes_on)
        # A line more must be worth it: the next one may begin with a word that fits by chance.
        if found is not None and (best is None or found.likeness > best.likeness + 0.04):
            best = Known(found.form, found.number, found.likeness, count)
    return best


def _best_form(text: str, forms: Sequence[Form], *, apart: bool, goes_on: bool) -> Known | None:
    mark = _MARK.match(text)
    number = int(mark[1].translate(_DIGITS)) if mark else None
    rest = text[mark.end() :] if mark else text
    if not rest[:1].isalnum() or (mark is None and rest[:1].islower()):
        return None
    words = _LETTERS.findall(fold(rest))
    if not words:
        return None
    best: Known | None = None
    for form in forms:
        if form.number is None and mark is not None:
            continue
        if not form.is_title and (goes_on or not apart):
            continue
        # A number that was misread is no matter, a missing one is: sentences begin like headings.
        if form.number is not None and mark is None:
            continue
        if form.words[0] != "*" and fuzz.ratio(words[0], form.words[0]) < _FIRST_WORD_LIKENESS:
            continue
        likeness = _likeness(words, form)
        if form.number is not None:
            needed = _NUMBERED_LIKENESS if form.number == number else _SHORT_LIKENESS
        else:
            needed = _needed(sum(map(len, form.words)))
        if likeness >= needed and (best is None or likeness > best.likeness):
            best = Known(form, number if form.number else None, likeness)
    return best


def _needed(characters: int) -> float:
    """Return how like a heading without a number must be: the shorter, the more."""
    if characters < _TINY_CHARS:
        return 1.0
    return _LIKENESS if characters >= _SHORT_CHARS else _SHORT_LIKENESS


def _likeness(words: Sequence[str], form: Form) -> float:
    """Return the letters in common, the name left out."""
    before, behind = form.parts
    if not form.has_name:
        return _ratio(" ".join(words), before)
    head, tail = len(before.split()), len(behind.split())
    best = 0.0
    # A word may have been cut in two, or two may have become one.
    for start in range(max(0, head - 1), head + 2):
        for stop in range(len(words) - tail - 1, len(words) - tail + 2):
            name = stop - start
            lost = not behind and name == 0 and head >= 4
            most = _NAME_WORDS if form.is_title else _NAME_WORDS_BELOW
            if not (lost or 1 <= name <= most) or stop > len(words):
                continue
            rest = " ".join([*words[:start], *words[stop:]])
            likeness = _ratio(rest, f"{before} {behind}".strip())
            best = max(best, _LOST * likeness if lost else likeness)
    return best


def _ratio(one: str, other: str) -> float:
    return fuzz.ratio(one, other) / 100.0


def chinese_title(text: str) -> tuple[str, int] | None:
    """Return the title a Chinese line begins with and where its bracket closes, or None.

    The title is that of the table where one is like it, else as printed; brackets that were
    misread count where the title is known.

    Args:
        text: a line without spaces.
    """
    match = _BRACKETED.match(text)
    if match is None:
        return None
    printed = match[1] or match[2]
    certain = text[0] in "【〖" and text[match.end() - 1] in "】〗"
    known = chinese_form(printed, brackets=text[0] in _OPENING)
    if known is None and (not certain or match[1] is None):
        return None
    return known or printed, match.end()


def title_edges(text: str) -> tuple[int, ...]:
    """Return where a Chinese line is to be parted so that its titles stand alone.

    A title at its beginning may have brackets that were misread; one in the middle needs both, and
    nothing before it that refers to it ("见【注意事项】").
    """
    edges: set[int] = set()
    first = chinese_title(text)
    if first is not None:
        edges.add(first[1])
    for match in _INSIDE.finditer(text):
        if match.start() and chinese_form(match[1], brackets=False) is not None:
            edges |= {match.start(), match.end()}
    return tuple(sorted(edges - {0, len(text)}))


def chinese_form(printed: str, *, brackets: bool = True) -> str | None:
    """Return the title of the table that a printed one is like, None where none or two are.

    Args:
        printed: ideographs only.
        brackets: it stands in brackets: then one of two ideographs is enough.
    """
    if printed in CHINESE_TITLES:
        return printed
    scored = sorted(
        ((Indel.normalized_similarity(printed, title), title) for title in CHINESE_TITLES),
        reverse=True,
    )
    (best, title), (second, _) = scored[0], scored[1]
    needed = 0.5 if brackets else 0.7
    return title if best >= needed and best > second else None


def printed_number(text: str) -> int | None:
    """Return the number a line begins with ("5." or a misread "S."), None where none does."""
    mark = _MARK.match(text)
    return int(mark[1].translate(_DIGITS)) if mark else None
