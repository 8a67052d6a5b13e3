"""How countries print an expiry date and a lot on a box, and how a printed date is read. Pure.

"EXP", "Verw. bis", "PER", "CAD", "SKT", "Годен до", 有效期至, 사용기한 before a date; "LOT",
"Ch.-B.", "Parti No", 产品批号, 제조번호 before a lot. A date that can be read in two ways is no
date: 05/06 may be May 2006 as well as 5 June.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from voxedge.document.figures import folded


class Mark(Enum):
    """What a printed mark announces."""

    EXPIRY = "expiry"
    LOT = "lot"
    MANUFACTURED = "manufactured"


@dataclass(frozen=True, slots=True)
class Day:
    """A date as labels give it; ``day`` is None where only the month is printed."""

    year: int
    month: int
    day: int | None = None

    @property
    def iso(self) -> str:
        """As ISO 8601 writes it: "2027-07" or "2027-07-31"."""
        tail = f"-{self.day:02}" if self.day else ""
        return f"{self.year}-{self.month:02}{tail}"

    def agrees(self, other: Day) -> bool:
        """Whether both may be the same day: a month is a code's last day of it."""
        if (self.year, self.month) != (other.year, other.month):
            return False
        last = calendar.monthrange(self.year, self.month)[1]
        return (self.day or last) == (other.day or last) or None in (self.day, other.day)


@dataclass(frozen=True, slots=True)
class Marked:
    """A value that stands behind its mark in a text.

    Attributes:
        mark: what it is.
        start: its first character.
        end: behind its last.
        text: as printed.
        day: of a date that can be read in one way only.
    """

    mark: Mark
    start: int
    end: int
    text: str
    day: Day | None = None


_EXPIRY = (
    r"exp(?:\.|iry|ires?|iration)?\s?(?:date|on)?", r"e\.?x\.?p\.?", r"use\s(?:by|before)",
    r"best\s(?:by|before)(?:\send)?", r"verw(?:endbar)?\.?\s?bis", r"haltbar\sbis",
    r"verfall(?:s?datum)?", r"[aà]\sutiliser\savant", r"p[ée]r(?:emption)?\.?",
    r"cad(?:ucidad)?\.?",
    r"venc(?:imiento|e)?\.?", r"scad(?:enza)?\.?", r"val(?:idade)?\.?", r"houdbaar\stot",
    r"s\.?\s?k\.?\s?t\.?", r"son\skullan(?:ma|ım)(?:\starihi)?", r"годен\sдо", r"срок\sгодности",
    r"termin\sważności", r"有效期(?:至|到)?", r"失效(?:日期|期)", r"使用期限", r"保质期至",
    r"사용\s?기한", r"유효\s?기간", r"유통\s?기한",
)  # fmt: skip
_LOT = (
    r"lot(?:to|e)?\s?(?:no|nr|num(?:ber)?|n°|#)?\.?", r"batch\s?(?:no|nr|number)?\.?",
    r"b\.?\s?n(?:o|r)?\.?", r"ch\.?\s?-?\s?b(?:ez)?\.?",
    r"charge(?:n-?\s?b(?:ez(?:eichnung)?)?)?\.?",
    r"part[iİı]\s?(?:no)?\.?", r"ser[iİı]\s?no\.?", r"nr\.?\sserii", r"серия",
    r"(?:产品|生产)?批号",
    r"制造番号", r"製造番号", r"제조\s?번호", r"로트\s?번호",
)  # fmt: skip
_MANUFACTURED = (
    r"mfg\.?\s?(?:date|dt)?\.?", r"mfd\.?", r"man(?:ufacturing|\.)\s?date",
    r"prod(?:\.|uction)\s?date",
    r"hergestellt(?:\sam)?", r"fab(?:r|ricaci[oó]n)?\.?", r"[iİ]mal(?:\starihi)?", r"[uü]\.?t\.?",
    r"生产日期", r"제조\s?(?:일자|년월일)",
)  # fmt: skip
_EDGE = r"(?<![A-Za-zÀ-ɏ])"
_MARKS = re.compile(
    rf"{_EDGE}(?:(?P<expiry>{'|'.join(_EXPIRY)})|(?P<lot>{'|'.join(_LOT)})"
    rf"|(?P<manufactured>{'|'.join(_MANUFACTURED)}))(?![A-Za-zÀ-ɏ])",
    re.IGNORECASE,
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan januar january janvier janv ene enero gen gennaio oca ocak",
            "feb februar february février fevrier févr fev febrero febbraio şub şubat",
            "mar mär mrz märz march mars marzo mart",
            "apr april avril avr abr abril aprile nis nisan",
            "may mai mayo mag maggio mayıs",
            "jun juni june juin junio giu giugno haz haziran",
            "jul juli july juillet juil julio lug luglio tem temmuz",
            "aug august août aout ago agosto ağu ağustos",
            "sep sept september septembre septiembre set settembre eyl eylül",
            "oct okt oktober october octobre octubre ott ottobre eki ekim",
            "nov november novembre noviembre kas kasım",
            "dec dez dezember december décembre dic diciembre dicembre ara aralık",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_SEP = r"\s?[./\-\s]\s?"
_DATES = (
    # 31.07.2027 and 31 JUL 2027; 2027-07-31, 2027年07月31日; JUL 2027; 07/2027; 2027.07; 07/27
    rf"(?P<d1>\d{{1,2}}){_SEP}(?P<m1>\d{{1,2}}){_SEP}(?P<y1>20\d\d|\d\d)(?!\d)",
    rf"(?P<d2>\d{{1,2}})[.\s/-]?\s?(?P<n2>{_MONTH})[.\s/-]{{0,2}}(?P<y2>20\d\d|\d\d)(?!\d)",
    r"(?P<y3>20\d\d)\s?[.\-/年년]\s?(?P<m3>\d{1,2})\s?[.\-/月월]\s?(?P<d3>\d{1,2})(?!\d)",
    rf"(?P<n4>{_MONTH})[.\s/-]{{0,2}}(?P<y4>20\d\d|\d\d)(?!\d)",
    rf"(?P<m5>\d{{1,2}}){_SEP}(?P<y5>20\d\d)(?!\d)",
    r"(?P<y6>20\d\d)\s?[.\-/年년]\s?(?P<m6>\d{1,2})(?!\d)",
    rf"(?P<m7>\d{{1,2}}){_SEP}(?P<y7>\d\d)(?!\d)",
    r"(?P<y8>20\d\d)(?P<m8>\d\d)(?P<d8>\d\d)(?!\d)",
)
_DATE = re.compile("|".join(_DATES), re.IGNORECASE)
_LOT_VALUE = re.compile(r"(?=[A-Z/-]{0,6}\d)[A-Z0-9][A-Z0-9/-]{2,19}", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s:.;,)/|#№-]{0,6}")
_EARLIEST, _LATEST = 2000, 2060


def marked_values(text: str) -> Iterator[Marked]:
    """Yield what stands behind the marks of a label's text.

    Marks may stand together and their values behind them, in the same order ("LOT / EXP" over
    "B4172K 07/2027"). A mark without a value of its kind yields nothing.
    """
    level = folded(text)
    marks = list(_MARKS.finditer(level))
    at = 0
    while at < len(marks):
        group = [marks[at]]
        while at + len(group) < len(marks) and _touch(level, group[-1], marks[at + len(group)]):
            group.append(marks[at + len(group)])
        at += len(group)
        end = marks[at].start() if at < len(marks) else len(level)
        place = group[-1].end()
        for mark in group:
            found = _value(level, text, _kind(mark), place, end)
            if found is None:
                break
            yield found
            place = found.end


def parse_day(text: str) -> Day | None:
    """Read a printed date; None where it is none, or may be two."""
    match = _DATE.fullmatch(folded(text).strip(" .,;:"))
    return _day(match) if match else None


def _touch(level: str, mark: re.Match[str], following: re.Match[str]) -> bool:
    between = level[mark.end() : following.start()]
    return _BETWEEN.fullmatch(between) is not None


def _kind(mark: re.Match[str]) -> Mark:
    if mark["expiry"]:
        return Mark.EXPIRY
    return Mark.LOT if mark["lot"] else Mark.MANUFACTURED


def _value(level: str, text: str, mark: Mark, start: int, end: int) -> Marked | None:
    gap = _BETWEEN.match(level, start)
    place = gap.end() if gap else start
    if mark is Mark.LOT:
        found = _LOT_VALUE.match(level, place, end)
        if found is None:
            return None
        return Marked(mark, found.start(), found.end(), text[found.start() : found.end()])
    found = _DATE.match(level, place, end)
    if found is None:
        return None
    return Marked(mark, found.start(), found.end(), text[found.start() : found.end()], _day(found))


def _day(match: re.Match[str]) -> Day | None:
    parts = {name: value for name, value in match.groupdict().items() if value is not None}
    if "y7" in parts:
        month, year = int(parts["m7"]), int(parts["y7"])
        # Of 05/06 nobody knows whether the day or the year is meant.
        return _checked(2000 + year, month, None) if year > 12 else None
    values = {name[0]: value for name, value in parts.items()}
    year = int(values["y"])
    month = _MONTHS[values["n"].lower()] if "n" in values else int(values["m"])
    day = int(values["d"]) if "d" in values else None
    if "m1" in parts and "/" in match[0] and day is not None and month != day <= 12:
        return None  # 07/08/2027 is in July or in August.
    if year < 100:
        year += 2000
    return _checked(year, month, day)


def _checked(year: int, month: int, day: int | None) -> Day | None:
    if not (_EARLIEST <= year <= _LATEST and 1 <= month <= 12):
        return None
    if day is not None and not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    return Day(year, month, day)
