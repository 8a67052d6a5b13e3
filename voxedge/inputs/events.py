"""What every input delivers, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from voxedge.actions import Intent
from voxedge.errors import VoxedgeError


@dataclass(frozen=True, slots=True)
class Asked:
    """A person asked for something.

    Attributes:
        intent: what for. ``Action.HUSH`` is the first touch of a button: be silent, play the
            press earcon and remember what was heard; the gesture that it becomes follows.
        source: which input: "button big", "knob", "keyboard", "terminal".
    """

    intent: Intent
    source: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """An input stopped working, or works again.

    Attributes:
        source: which input.
        error: what is wrong; None when it is well again.
    """

    source: str
    error: VoxedgeError | None


Deliver = Callable[[Asked | Trouble], None]
"""Called on the event loop's thread, never from a driver's; must not block."""
