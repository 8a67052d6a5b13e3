"""A progress bar for long work, on a terminal; plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO


class ProgressBar:
    """Draws "what  [#####.....]  52 %  31.2 of 60.1 MB  about 12 s left" on one line.

    Calls are cheap: a terminal is redrawn at most ten times a second, and where standard error
    is no terminal only the quarters are printed. Used from one thread at a time.
    """

    WIDTH = 24

    def __init__(self, what: str, *, unit: str = "", scale: float = 1.0, to: TextIO | None = None):
        self._what = what
        self._unit = unit
        self._scale = scale
        self._to = to if to is not None else sys.stderr
        self._live = self._to.isatty()
        self._started_s = time.monotonic()
        self._drawn_s = 0.0
        self._quarter = -1

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live:
            self._to.write("\n")
            self._to.flush()

    def update(self, done: float, total: float) -> None:
        """Show ``done`` of ``total``, both in the caller's unit before scaling."""
        fraction = min(1.0, done / total) if total > 0 else 0.0
        if self._live:
            now_s = time.monotonic()
            if now_s - self._drawn_s < 0.1 and fraction < 1.0:
                return
            self._drawn_s = now_s
            self._to.write(f"\r\x1b[K{self._line(done, total, fraction)}")
            self._to.flush()
        elif int(fraction * 4) > self._quarter:
            self._quarter = int(fraction * 4)
            print(f"{self._what}: {100 * fraction:.0f} %", file=self._to, flush=True)

    def _line(self, done: float, total: float, fraction: float) -> str:
        filled = round(self.WIDTH * fraction)
        bar = "#" * filled + "." * (self.WIDTH - filled)
        amounts = ""
        if self._unit:
            amounts = f"  {done / self._scale:.1f} of {total / self._scale:.1f} {self._unit}"
        left = ""
        elapsed_s = time.monotonic() - self._started_s
        if 0.02 < fraction < 1.0 and elapsed_s > 2:
            left = f"  about {elapsed_s * (1 - fraction) / fraction:.0f} s left"
        return f"{self._what}  [{bar}] {100 * fraction:3.0f} %{amounts}{left}"
