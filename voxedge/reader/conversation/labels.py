"""What is told of a box or a blister before its text is read. Pure."""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Iterator

from voxedge.document.label import Field, Label, Source, label_of
from voxedge.document.label_marks import Day
from voxedge.document.model import Document
from voxedge.reader.conversation.effects import Say

FALLBACK_DAY = datetime.date(2026, 1, 1)
"""Where the clock was never set: it only tells the century of two digits."""

_PLAIN = {
    "name": "label_name",
    "strength": "label_strength",
    "form": "label_form",
    "lot": "label_lot",
    "expiry": "label_expiry",
}
"""Fields that are told; the others are in the text, or of use to no ear (a serial number)."""
_DOUBTFUL = {
    "name": "label_unsure_name",
    "strength": "label_unsure_strength",
    "form": "label_unsure_form",
    "lot": "label_unsure_lot",
    "expiry": "label_unsure_expiry",
}
_OF_CODE = {"lot": "label_code_lot", "expiry": "label_code_expiry"}
_CONFLICT = {"lot": "label_conflict_lot", "expiry": "label_conflict_expiry"}


def label_told(document: Document, today: datetime.date | None) -> tuple[Say, ...]:
    """Return what is said of a label before its text; nothing where the page is none.

    The title of a leaflet looks like a box: "Paracetamol 500 mg tablets". So nothing is said of a
    page whose rest is still to come, unless a code on it tells what it is.

    Args:
        document: the page, or its first part.
        today: None where the clock was never set.
    """
    if any(page.in_parts and not page.codes for page in document.pages):
        return ()
    label = label_of(document, today or FALLBACK_DAY)
    return tuple(_told(label)) if label is not None else ()


def _told(label: Label) -> Iterator[Say]:
    for field in label.fields:
        if field.name not in _PLAIN:
            continue
        if field.conflicts:
            code = spoken_day(field.code_day) or field.code
            slots = (("code", code), ("value", _value(field)))
            yield Say(_CONFLICT[field.name], slots)
        elif not field.is_certain:
            told = " or ".join(field.readings)
            yield Say(_DOUBTFUL[field.name], (("readings", told),))
        elif field.source is Source.CODE and field.name in _OF_CODE:
            yield Say(_OF_CODE[field.name], (("value", _value(field)),))
        else:
            yield Say(_PLAIN[field.name], (("value", _value(field)),))


def _value(field: Field) -> str:
    return spoken_day(field.day) or field.text


def spoken_day(day: Day | None) -> str:
    """Return "July 2027" or "31 July 2027"; "" for none."""
    if day is None:
        return ""
    month = f"{calendar.month_name[day.month]} {day.year}"
    return f"{day.day} {month}" if day.day else month
