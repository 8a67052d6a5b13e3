"""A progress bar for long work, on a terminal; plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_SCALES = {"bytes": (1e6, "MB")}
"""Units that read better in another one: (divisor, name)."""

WIDTH = 24
REDRAW_S = 0.1


class ProgressBar:
    """Draws "fetching a voice  [#####.....]  52 %  31.2 of 60.1 MB  about 12 s left" on one line.

    Implements ``voxedge.models.progress.Progress``. A terminal is redrawn at most ten times a
    second; where standard error is no terminal only the quarters are printed. One thread.
    """

    def __init__(self, to: TextIO | None = None) -> None:
        self._to = to if to is not None else sys.stderr
        self._live = self._to.isatty()
        self._label = ""
        self._unit = ""
        self._total: int | None = None
        self._done = 0
        self._started_s = 0.0
        self._drawn_s = 0.0
        self._quarter = 0

    def start(self, label: str, total: int | None, unit: str) -> None:
        """A piece of work begins."""
        self._label, self._total, self._unit, self._done = label, total, unit, 0
        self._started_s = time.monotonic()
        self._drawn_s, self._quarter = 0.0, 0
        if self._live:
            self._draw()
        else:
            print(f"{label} ...", file=self._to, flush=True)

    def advance(self, amount: int) -> None:
        """So much more is done."""
        self._done += amount
        if self._live:
            if time.monotonic() - self._drawn_s >= REDRAW_S:
                self._draw()
        elif self._total and int(4 * self._done / self._total) > self._quarter:
            self._quarter = int(4 * self._done / self._total)
            if self._quarter < 4:
                print(f"{self._label}: {25 * self._quarter} %", file=self._to, flush=True)

    def finish(self) -> None:
        """The piece of work is done."""
        if self._live:
            self._done = self._total or self._done
            self._draw()
            self._to.write("\n")
            self._to.flush()
        else:
            print(f"{self._label}: done", file=self._to, flush=True)

    def _draw(self) -> None:
        self._drawn_s = time.monotonic()
        self._to.write(f"\r\x1b[K{self._line()}")
        self._to.flush()

    def _line(self) -> str:
        divisor, unit = _SCALES.get(self._unit, (1, self._unit))
        if not self._total:
            return f"{self._label}  {self._done / divisor:.4g} {unit}"
        fraction = min(1.0, self._done / self._total)
        bar = "#" * round(WIDTH * fraction) + "." * (WIDTH - round(WIDTH * fraction))
        amounts = f"{self._done / divisor:.4g} of {self._total / divisor:.4g} {unit}"
        elapsed_s = time.monotonic() - self._started_s
        left = ""
        # Before two seconds or two percent an estimate is a guess.
        if 0.02 < fraction < 1.0 and elapsed_s > 2:
            left = f"  about {elapsed_s * (1 - fraction) / fraction:.0f} s left"
        return f"{self._label}  [{bar}] {100 * fraction:3.0f} %  {amounts}{left}"
