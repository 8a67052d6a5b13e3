"""A figure beside the bar it is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure against its bar.

    Attributes:
        name: what was measured.
        value: the figure.
        limit: the largest that will do.
        unit: of both.
        detail: how it was come by.
    """

    name: str
    value: float
    limit: float
    unit: str
    detail: str

    @property
    def met(self) -> bool:
        """Whether it will do."""
        return self.value <= self.limit


def percentile_bar(name: str, took_ms: Sequence[float], percent: float, limit_ms: float) -> Bar:
    """Return the bar of a percentile of many times, ms."""
    median, value, highest = np.percentile(took_ms, [50, percent, 100])
    detail = f"{len(took_ms)} times; median {median:.0f}, highest {highest:.0f}"
    return Bar(name, round(float(value), 1), limit_ms, "ms", detail)
