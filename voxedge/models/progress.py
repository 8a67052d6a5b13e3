"""How long work tells how far it is. The command line draws bars; a service stays silent."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of one piece of work after another. Called from the thread that works."""

    def start(self, label: str, total: int | None, unit: str) -> None:
        """A piece of work begins.

        Args:
            label: what is being done ("fetching en_US-joe-medium").
            total: how much there is to do; None if nobody knows.
            unit: what is counted ("bytes", "steps").
        """
        ...

    def advance(self, amount: int) -> None:
        """So much more is done."""
        ...

    def finish(self) -> None:
        """The piece of work is done; not called when it fails."""
        ...


class Silent:
    """Progress that nobody watches."""

    def start(self, label: str, total: int | None, unit: str) -> None:
        """Ignore."""

    def advance(self, amount: int) -> None:
        """Ignore."""

    def finish(self) -> None:
        """Ignore."""
