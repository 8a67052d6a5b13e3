"""What a box or a blister says first: name, strength, form, lot, expiry. Pure.

Only what is printed, or what a code on the box says; nothing is guessed. A field is certain where a
second reader saw the same characters, or where a code says the same as the print. Where print and
code differ, both are told and neither is certain.
"""

from __future__ import annotations

import datetime
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rapidfuzz import fuzz

from voxedge.document.figures import NumberKind, canonical, figures_in, holds_figure
from voxedge.document.find import fold
from voxedge.document.gs1 import Gs1Error, Gs1Label, is_gtin, parse_label
from voxedge.document.label_marks import Day, Mark, marked_values
from voxedge.document.model import Code, Document, Paragraph, Word
from voxedge.document.numbers import UNSURE, Certainty, numbers_in, words_of

_MOST_WORDS = 130
"""A page with more is a leaflet or a letter, even where it names a lot."""
_PLAIN_MOST_WORDS = 45
"""Without lot, expiry and code it takes a strength and few words to be a label."""
_LARGE_PRINT = 0.016
"""Height of a label's words, in heights (or widths) of the picture; the first words of a leaflet,
which name a strength and a form too, have 0.01."""
_SURE_NAME = 0.75
_SAME_TYPE = 0.75
"""Letters of one name differ so much in the height of their boxes: "imunol" has no ascender."""
_NAME_WORDS = 4
_FORM_LIKENESS = 88.0

_STRENGTH = re.compile(
    r"m?[gl]|[µunk]g|mcg|i\.?u\.?|i\.?e\.?|u\.?i\.?|%|mmol|meq|毫克|微克|克|毫升|单位"
)
_FORMS = (
    "film coated tablets", "effervescent tablets", "chewable tablets", "prolonged release tablets",
    "tablets", "tablet", "caplets", "soft gelatin capsules", "hard capsules", "capsules", "capsule",
    "oral solution", "oral suspension", "oral drops", "eye drops", "ear drops", "nasal spray",
    "nose drops", "syrup", "suspension", "solution for injection", "injection", "cream", "ointment",
    "gel", "lotion", "suppositories", "patches", "inhaler", "powder", "granules", "sachets",
    "lozenges", "drops", "filmtabletten", "brausetabletten", "tabletten", "hartkapseln",
    "weichkapseln", "kapseln", "tropfen", "augentropfen", "nasenspray", "saft", "salbe", "creme",
    "zäpfchen", "pulver", "comprimés pelliculés", "comprimés", "comprimé", "gélules", "sirop",
    "gouttes", "pommade", "crème", "suppositoires", "sachets dose", "comprimidos", "cápsulas",
    "jarabe", "gotas", "pomada", "crema", "compresse", "capsule molli", "sciroppo", "gocce",
    "bustine", "film kaplı tablet", "efervesan tablet", "tablet", "kapsül", "yumuşak kapsül",
    "şurup", "damla", "pomad", "krem", "jel", "saşe", "таблетки", "капсулы", "сироп",
)  # fmt: skip
_FOLDED_FORMS = tuple(
    (fold(form).replace("-", " "), _FORM_LIKENESS if len(form) > 5 else 100.0)
    for form in dict.fromkeys(_FORMS)
)
_CHINESE_FORM = re.compile(
    r"(?:肠溶|缓释|分散|咀嚼|泡腾|软)?(?:片|胶囊|颗粒|口服液|滴眼液|滴丸|软膏|乳膏|凝胶|注射液|糖浆)"
    r"(?=$|[^\u4e00-\u9fff])"
)
_KOREAN_FORM = re.compile(r"(?:필름코팅정|연질캡슐|캡슐|시럽|연고|크림|과립|현탁액|주사액)")
_NOT_A_NAME = re.compile(
    r"[\W\d_]+|(?:mg|ml|g|µg|mcg|iu|tablets?|capsules?|film|coated|exp|lot|pharma|ltd|gmbh|inc)",
    re.IGNORECASE,
)


class Source(Enum):
    """Who says so."""

    PRINT = "print"
    CODE = "code"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a label says.

    Attributes:
        name: "name", "strength", "form", "lot", "expiry", "manufactured", "product", "serial".
        text: as printed; what the code says where only the code says it.
        certainty: whether it may be spoken as it is.
        readings: what it may be: the print's first, then the second reader's, then the code's.
        source: who says so.
        code: what the code says where it says something else; "" otherwise.
        day: of a date that can be read in one way only.
        code_day: the code's date, where it says something else.
    """

    name: str
    text: str
    certainty: Certainty
    readings: tuple[str, ...]
    source: Source = Source.PRINT
    code: str = ""
    day: Day | None = None
    code_day: Day | None = None

    @property
    def is_certain(self) -> bool:
        """Whether it may be spoken as it is."""
        return self.certainty is Certainty.CERTAIN

    @property
    def conflicts(self) -> bool:
        """Whether print and code say different things."""
        return bool(self.code)


@dataclass(frozen=True, slots=True)
class Label:
    """What a label says, in the order in which it is told."""

    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        """Return a field by its name, None where the label has no such thing."""
        return next((field for field in self.fields if field.name == name), None)


def label_of(document: Document, today: datetime.date) -> Label | None:
    """Return what a box or blister says; None where the page is none.

    Args:
        document: one page, or the first part of one.
        today: for the century of a code's two-digit years.
    """
    paragraphs = [_Text.of(p) for p in document.paragraphs]
    count = sum(len(text.words) for text in paragraphs)
    codes = [code for page in document.pages for code in page.codes]
    coded = _coded(codes, today)
    if count > _MOST_WORDS and coded is None:
        return None
    marked = _marked(paragraphs)
    strength = _strength(paragraphs)
    form = _form(paragraphs)
    has_evidence = bool(marked) or coded is not None
    if not has_evidence and (
        count > _PLAIN_MOST_WORDS or not (strength and form) or not _is_large_print(document)
    ):
        return None
    if count > _MOST_WORDS and not marked:
        return None
    fields = [_name(paragraphs, strength), strength, form]
    fields += [_compared(marked.get(mark), mark.value, coded) for mark in (Mark.LOT, Mark.EXPIRY)]
    fields.append(marked.get(Mark.MANUFACTURED))
    fields += _of_code(codes, coded)
    told = tuple(field for field in fields if field is not None)
    return Label(told) if told else None


def _is_large_print(document: Document) -> bool:
    sides = [max(page.width, page.height) for page in document.pages]
    heights = [w.box.height_px for p in document.paragraphs for s in p.sentences for w in s.words]
    return bool(sides and heights) and statistics.median(heights) >= _LARGE_PRINT * max(sides)


def label_to_json(label: Label | None) -> dict[str, Any] | None:
    """Return the ``label`` of ``docs/read.schema.json``."""
    if label is None:
        return None
    return {"fields": [_field_to_json(field) for field in label.fields]}


def _field_to_json(field: Field) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": field.name,
        "text": field.text,
        "certainty": field.certainty.value,
        "readings": list(field.readings),
        "source": field.source.value,
    }
    if field.code:
        data["code"] = field.code
    if field.day is not None:
        data["date"] = field.day.iso
    return data


@dataclass(frozen=True, slots=True)
class _Text:
    """A paragraph as one line of text.

    Attributes:
        words: in reading order.
        starts: where each begins in the text.
        doubted: whether each stands in a number that is in doubt.
        text: all of it.
    """

    words: tuple[Word, ...]
    starts: tuple[int, ...]
    doubted: tuple[bool, ...]
    text: str

    @classmethod
    def of(cls, paragraph: Paragraph) -> _Text:
        words: list[Word] = []
        doubted: list[bool] = []
        for sentence in paragraph.sentences:
            numbers = numbers_in(sentence)
            doubtful = {
                place for n in numbers if not n.is_certain for place in words_of(sentence, n)
            }
            doubted += [place in doubtful for place in range(len(sentence.words))]
            words += sentence.words
        text = ""
        starts = []
        for word in words:
            text += paragraph.joiner if text else ""
            starts.append(len(text))
            text += word.text
        return cls(tuple(words), tuple(starts), tuple(doubted), text)

    def places(self, start: int, end: int) -> list[int]:
        """Return the numbers of the words that a part of the text stands in."""
        return [
            number
            for number, (word, at) in enumerate(zip(self.words, self.starts, strict=True))
            if at < end and at + len(word.text) > start
        ]


def _joined(texts: Sequence[_Text]) -> _Text:
    """Put paragraphs behind each other, so that a mark finds its value in the next line."""
    words: list[Word] = []
    starts: list[int] = []
    doubted: list[bool] = []
    whole = ""
    for text in texts:
        whole += "\n" if whole else ""
        starts += [len(whole) + start for start in text.starts]
        words += text.words
        doubted += text.doubted
        whole += text.text
    return _Text(tuple(words), tuple(starts), tuple(doubted), whole)


def _printed(name: str, source: _Text, start: int, end: int, day: Day | None = None) -> Field:
    """Return a field of the print; certain where the second reader saw the same characters."""
    text = source.text[start:end].strip()
    places = source.places(start, end)
    words = [source.words[number] for number in places]
    figures = [word for word in words if holds_figure(word.text)]
    sure = bool(figures) and not any(source.doubted[number] for number in places)
    for word in figures:
        second = word.second
        if second is None or UNSURE in second or canonical(second) != canonical(word.text):
            sure = False
    readings = [text]
    seconds = [word.text if word.second is None else word.second for word in words]
    other = " ".join(seconds).strip(" .,;:()")
    checked = any(word.second for word in words)
    if not sure and checked and UNSURE not in other and canonical(other) != canonical(text):
        readings.append(other)
    certainty = Certainty.CERTAIN if sure else Certainty.DOUBTFUL
    return Field(name, text, certainty, tuple(readings), day=day)


def _marked(texts: Sequence[_Text]) -> dict[Mark, Field]:
    """Return lot and dates; where one is printed twice and differs, it is doubtful."""
    whole = _joined(texts)
    fields: dict[Mark, Field] = {}
    for value in marked_values(whole.text):
        field = _printed(value.mark.value, whole, value.start, value.end, value.day)
        if value.mark is not Mark.LOT and value.day is None:
            field = Field(field.name, field.text, Certainty.DOUBTFUL, field.readings)
        before = fields.get(value.mark)
        if before is None:
            fields[value.mark] = field
        elif canonical(before.text) != canonical(field.text):
            fields[value.mark] = Field(
                before.name,
                before.text,
                Certainty.DOUBTFUL,
                tuple(dict.fromkeys(before.readings + field.readings)),
                day=before.day,
            )
    return fields


def _strengths(texts: Sequence[_Text]) -> Iterator[tuple[float, _Text, int, int]]:
    """Yield the height of the type, the paragraph and the place of every amount of a substance."""
    for text in texts:
        for figure in figures_in(text.text):
            unit = canonical(figure.unit).split("/")[0]
            if figure.kind is not NumberKind.DOSE or not _STRENGTH.fullmatch(unit):
                continue
            heights = [text.words[n].box.height_px for n in text.places(figure.start, figure.end)]
            yield max(heights), text, figure.start, figure.end


def _strength(texts: Sequence[_Text]) -> Field | None:
    """Return the amount in the largest type; "650 mg/4 mg" is one."""
    found = list(_strengths(texts))
    if not found:
        return None
    largest = max(height for height, *_ in found)
    _, text, start, end = next(item for item in found if item[0] >= _SAME_TYPE * largest)
    for _, other, more, stop in found:
        if other is text and more >= end and re.fullmatch(r"\s?[/+]\s?", text.text[end:more]):
            end = stop
    return _printed("strength", text, start, end)


def _form(texts: Sequence[_Text]) -> Field | None:
    """Return the dose form; the longest name of one wins ("film coated tablets")."""
    best: tuple[float, Field] | None = None
    for text in texts:
        for unspaced in (_CHINESE_FORM, _KOREAN_FORM):
            match = unspaced.search(text.text)
            # "每板12片" counts tablets; "阿莫西林胶囊" is one's name.
            if match and not text.text[: match.start()].rstrip()[-1:].isdigit():
                return _worded("form", match[0], text, text.places(match.start(), match.end()))
        words = [fold(word.text).strip(".,;:()").replace("-", " ") for word in text.words]
        for form, needed in _FOLDED_FORMS:
            longest = len(form.split())
            # "film-coated tablets" has one word less than its form.
            for length in range(max(1, longest - 1), longest + 1):
                for at in range(len(words) - length + 1):
                    likeness = fuzz.ratio(" ".join(words[at : at + length]), form)
                    value = likeness + 3 * len(form)
                    if likeness >= needed and (best is None or value > best[0]):
                        part = range(at, at + length)
                        printed = " ".join(text.words[n].text for n in part).strip(".,;:()")
                        best = (value, _worded("form", printed, text, part))
    return best[1] if best else None


def _worded(name: str, text: str, source: _Text, places: Sequence[int]) -> Field:
    """Return a field of words: the recogniser's own confidence decides, numbers in it as always."""
    words = [source.words[place] for place in places]
    sure = bool(words) and min(word.confidence for word in words) >= _SURE_NAME
    numbers = [place for place in places if holds_figure(source.words[place].text)]
    sure = sure and not any(source.doubted[place] for place in numbers)
    sure = sure and all(
        canonical(source.words[place].second or "") == canonical(source.words[place].text)
        for place in numbers
    )
    return Field(name, text, Certainty.CERTAIN if sure else Certainty.DOUBTFUL, (text,))


def _name(texts: Sequence[_Text], strength: Field | None) -> Field | None:
    """Return the words in the largest type; those before the strength where they are as large."""
    candidates = [
        (word.box.height_px, text, number)
        for text in texts
        for number, word in enumerate(text.words)
        if sum(map(str.isalpha, word.text)) >= 3 and not _NOT_A_NAME.fullmatch(word.text)
    ]
    if not candidates:
        return None
    height, text, number = max(candidates, key=lambda item: item[0])
    for line in texts:
        at = line.text.find(strength.text) if strength is not None else -1
        before = [n for n in line.places(0, at) if not _NOT_A_NAME.fullmatch(line.words[n].text)]
        tallest = max((line.words[n].box.height_px for n in before), default=0)
        if at > 0 and len(before) <= _NAME_WORDS and tallest >= _SAME_TYPE * height:
            printed = " ".join(line.words[n].text for n in before).strip(" ,;:")
            return _worded("name", printed, line, before)
    last = number + 1
    while last < len(text.words) and last - number < _NAME_WORDS:
        word = text.words[last]
        if word.box.height_px < _SAME_TYPE * height or not any(map(str.isalpha, word.text)):
            break
        last += 1
    first = number
    while first > 0 and last - first < _NAME_WORDS:
        word = text.words[first - 1]
        if word.box.height_px < _SAME_TYPE * height or not any(map(str.isalpha, word.text)):
            break
        first -= 1
    printed = " ".join(word.text for word in text.words[first:last]).strip(" ,;:")
    return _worded("name", printed, text, range(first, last))


def _coded(codes: Sequence[Code], today: datetime.date) -> Gs1Label | None:
    """Return what the codes say; None where none holds GS1 elements about the product."""
    for code in codes:
        if not code.is_gs1:
            continue
        try:
            label = parse_label(code.text, today)
        except Gs1Error:
            continue
        if any((label.gtin, label.expiry, label.lot, label.serial)):
            return label
    return None


def _compared(printed: Field | None, name: str, coded: Gs1Label | None) -> Field | None:
    """Lay what is printed beside what the code says."""
    said, day = "", None
    if coded is not None and name == "lot" and coded.lot:
        said = coded.lot
    elif coded is not None and name == "expiry" and coded.expiry:
        date = coded.expiry
        day = Day(date.year, date.month, date.day)
        said = day.iso
    if not said:
        return printed
    if printed is None:
        return Field(name, said, Certainty.CERTAIN, (said,), Source.CODE, day=day)
    if name == "lot":
        agrees = any(_same_lot(reading, said) for reading in printed.readings)
    else:
        agrees = printed.day is not None and day is not None and printed.day.agrees(day)
    if agrees and (name == "expiry" or _same_lot(printed.text, said)):
        return Field(
            name, printed.text, Certainty.CERTAIN, (printed.text,), Source.BOTH,
            day=printed.day or day,
        )  # fmt: skip
    if agrees:
        return Field(name, said, Certainty.CERTAIN, (said,), Source.BOTH)
    readings = tuple(dict.fromkeys((*printed.readings, said)))
    return Field(
        name, printed.text, Certainty.DOUBTFUL, readings, Source.PRINT, said, printed.day, day
    )


def _same_lot(one: str, other: str) -> bool:
    level = [re.sub(r"[\W_]", "", text).upper() for text in (one, other)]
    return level[0] == level[1]


def _of_code(codes: Sequence[Code], coded: Gs1Label | None) -> Iterator[Field]:
    """Yield what only codes say: the product's number and the box's own."""
    gtin = coded.gtin if coded is not None else None
    if gtin is None:
        plain = [code.text for code in codes if not code.is_gs1 and is_gtin(code.text)]
        gtin = plain[0] if plain else None
    if gtin is not None:
        yield Field("product", gtin, Certainty.CERTAIN, (gtin,), Source.CODE)
    if coded is not None and coded.serial:
        yield Field("serial", coded.serial, Certainty.CERTAIN, (coded.serial,), Source.CODE)
