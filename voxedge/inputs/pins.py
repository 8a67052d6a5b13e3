"""Edges from gpiozero pins, brought from the driver's thread to the event loop.

The driver (lgpio) calls from a thread of its own. That thread only notes the edge and wakes the
loop; everything that decides runs on the loop's thread. A wire that swings freely may make
thousands of edges a second: the notes are bounded, and one wake-up is outstanding at most.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from voxedge.errors import InputDeviceMissing

if TYPE_CHECKING:
    from gpiozero.pins import Factory

OnEdge = Callable[[int, bool, int], None]
"""Called with GPIO number, whether the contact is closed, and the time in microseconds."""

_EDGES_KEPT = 256
"""More than any finger makes while the loop is busy for half a second."""


def now_us() -> int:
    """Return the clock that edges are stamped with."""
    return time.monotonic_ns() // 1000


def open_factory(name: str = "lgpio") -> Factory:
    """Return the pin factory; ``mock`` makes pins for tests.

    Never gpiozero's own choice: its fallbacks miss edges on recent kernels (gpiozero#1131).

    Raises:
        InputDeviceMissing: gpiozero or lgpio is not installed, or there is no GPIO chip.
    """
    try:
        if name == "mock":
            from gpiozero.pins.mock import MockFactory

            return MockFactory()
        # lgpio makes a FIFO in its working directory when it is imported and dies where it may not
        # write; the service names its own directory here.
        os.environ.setdefault("LG_WD", tempfile.gettempdir())
        from gpiozero.pins.lgpio import LGPIOFactory

        return LGPIOFactory()
    except ImportError as error:
        reason = f"{error.name or 'gpiozero'} is not installed (pip install 'voxedge[hardware]')"
        raise InputDeviceMissing(device="GPIO", reason=reason) from error
    except Exception as error:  # lgpio and gpiozero each raise their own kinds, and OSError
        raise InputDeviceMissing(device="GPIO", reason=str(error) or repr(error)) from error


class Contacts:
    """Contacts that close to ground, watched until ``close``.

    Args:
        factory: pins come from here; it stays the caller's.
        numbers: GPIO numbers (BCM).
        on_edge: called on the loop's thread.
        loop: the running loop.

    Raises:
        InputDeviceMissing: a pin is taken, or has no pull-up.
    """

    def __init__(
        self,
        factory: Factory,
        numbers: Iterable[int],
        on_edge: OnEdge,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._loop = loop
        self._on_edge = on_edge
        self._lock = threading.Lock()
        self._noted: deque[tuple[int, bool, int]] = deque(maxlen=_EDGES_KEPT)
        self._woken = False
        self._closed = False
        self._factory = factory
        self._watches: list[_Watch] = []
        try:
            for number in numbers:
                self._watches.append(_Watch(factory, number, self._note))
        except Exception as error:  # each pin factory has errors of its own
            self.close()
            raise InputDeviceMissing(
                device=f"GPIO {number}", reason=str(error) or repr(error)
            ) from error

    def closed_now(self) -> dict[int, bool]:
        """Return the level of each contact."""
        return {watch.number: watch.is_closed for watch in self._watches}

    def close(self) -> None:
        """Stop watching; no edge is delivered after this returns (on the loop's thread)."""
        self._closed = True
        for watch in self._watches:
            watch.close()
        self._watches.clear()

    def _note(self, number: int, closed: bool) -> None:
        """Note an edge; runs on the driver's thread."""
        with self._lock:
            self._noted.append((number, closed, now_us()))
            if self._woken or self._closed:
                return
            self._woken = True
        try:
            self._loop.call_soon_threadsafe(self._flush)
        except RuntimeError:
            # The loop was closed between two edges: nobody is left to tell.
            self._closed = True

    def _flush(self) -> None:
        with self._lock:
            noted = tuple(self._noted)
            self._noted.clear()
            self._woken = False
        for number, closed, at_us in noted:
            if not self._closed:
                self._on_edge(number, closed, at_us)


class _Watch:
    """One pin; an object of its own because gpiozero keeps only a weak reference to a handler."""

    def __init__(self, factory: Factory, number: int, note: Callable[[int, bool], None]) -> None:
        self.number = number
        self._note = note
        self._factory = factory
        self._name = f"GPIO{number}"
        factory.reserve_pins(self, self._name)
        try:
            self._pin: Any = factory.pin(self._name)
            self._pin.function = "input"
            self._pin.pull = "up"
            self._pin.bounce = None
            self._pin.edges = "both"
            self._pin.when_changed = self._changed
        except Exception:
            # Whatever it was goes on up; the pin must not stay taken.
            factory.release_pins(self, self._name)
            raise

    @property
    def is_closed(self) -> bool:
        """Whether the contact pulls the pin to ground."""
        return not self._pin.state

    def close(self) -> None:
        """Give the pin back."""
        self._pin.when_changed = None
        self._pin.close()
        self._factory.release_pins(self, self._name)

    def _conflicts_with(self, _other: object) -> bool:
        """Tell gpiozero that nobody else may have this pin."""
        return True

    def _changed(self, _ticks: float, state: int) -> None:
        self._note(self.number, not state)
