"""What every room may put into a log line, and what never gets there.

What is read belongs to the person who reads it. Three things keep page text out of the log:

* a structured field has a declared name and holds a number or a short token; a sentence does not
  fit in and is refused;
* exceptions are logged as their type and where they came from, never with their message, which
  may quote what was being worked on (our own ``VoxedgeError`` carries no page text and is whole);
* messages are written by us, of part names and numbers.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Mapping
from types import TracebackType

from voxedge.errors import VoxedgeError

FIELDS = frozenset(
    {
        "event",  # what happened, one word: page_read, stopped, part_failed
        "part",  # which part of the house
        "engine",
        "language",
        "page",
        "generation",  # of the speech owner
        "latency_ms",
        "duration_ms",
        "count",
        "code",  # exit code or signal
        "condition",  # of health
        "temperature_c",
        "free_mb",
        "worker_pid",
    }
)
"""Names of structured fields; the journal shows them as VOXEDGE_EVENT and so on."""

_TOKEN = re.compile(r"[A-Za-z0-9_.:@/+-]{0,64}")
_ATTRIBUTE = "voxedge_fields"
Value = str | int | float | bool


def fields(**values: Value) -> dict[str, dict[str, str]]:
    """Return the ``extra=`` of a logging call: ``log.info("page read", extra=fields(page=2))``.

    Raises:
        ValueError: an undeclared name, or a string that is not a short token. Both are mistakes of
            the caller, and the second could carry page text.
    """
    checked = {}
    for name, value in values.items():
        if name not in FIELDS:
            raise ValueError(f"'{name}' is no declared journal field")
        text = f"{value:g}" if isinstance(value, float) else str(value)
        if not _TOKEN.fullmatch(text):
            raise ValueError(f"the journal field '{name}' must be a number or a short token")
        checked[name] = text
    return {_ATTRIBUTE: checked}


class SafeFormatter(logging.Formatter):
    """Formats messages; of a foreign exception it shows type and place only."""

    def format(self, record: logging.LogRecord) -> str:
        """Format, trusting no text of the exception that another formatter left in the record."""
        kept, record.exc_text = record.exc_text, None
        try:
            return super().format(record)
        finally:
            record.exc_text = kept

    def formatException(self, ei: object) -> str:  # noqa: N802 - logging's name
        """Return type, our own message if it is ours, and the frames as file:line function."""
        if not isinstance(ei, tuple) or ei[1] is None:
            return ""
        return describe_exception(ei[1])


def describe_exception(error: BaseException) -> str:
    """Tell an exception and its causes without a word of foreign messages.

    Source lines and values of variables stay out as well.
    """
    told = []
    seen: BaseException | None = error
    while seen is not None:
        own = f": {seen}" if isinstance(seen, VoxedgeError) else ""
        told.append(f"{type(seen).__module__}.{type(seen).__qualname__}{own}")
        told.extend(_frames(seen.__traceback__))
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "\n".join(told)


def _frames(trace: TracebackType | None) -> list[str]:
    return [
        f"  {frame.f_code.co_filename}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(trace)
    ]


def fields_of(record: logging.LogRecord) -> Mapping[str, str]:
    """Return the structured fields that ``fields`` attached to a record."""
    found: Mapping[str, str] = getattr(record, _ATTRIBUTE, {})
    return found
