"""The lamp beside the camera, on a GPIO pin."""

from __future__ import annotations

import logging
from typing import Protocol

_log = logging.getLogger(__name__)


class Torch(Protocol):
    """A lamp. Never raises: a page can be read without it."""

    def on(self) -> None:
        """Light it."""
        ...

    def off(self) -> None:
        """Put it out."""
        ...

    def close(self) -> None:
        """Put it out and give the pin back."""
        ...


class NoTorch:
    """A ``Torch`` for a reader without one."""

    def on(self) -> None:
        """Nothing."""

    def off(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class GpioTorch:
    """A ``Torch`` on a pin, through gpiozero.

    Args:
        pin: GPIO number.
        active_high: false where a low level lights it.
    """

    def __init__(self, pin: int, *, active_high: bool = True) -> None:
        from gpiozero import LED

        self._led = LED(pin, active_high=active_high, initial_value=False)

    def on(self) -> None:
        """Light it."""
        self._led.on()

    def off(self) -> None:
        """Put it out."""
        self._led.off()

    def close(self) -> None:
        """Put it out and give the pin back."""
        self._led.close()


def open_torch(pin: int, *, active_high: bool = True) -> Torch:
    """Return the lamp on a pin; one that does nothing where ``pin`` is 0 or cannot be used."""
    if pin <= 0:
        return NoTorch()
    try:
        from gpiozero.exc import GPIOZeroError
    except ImportError:
        _log.warning("the torch needs gpiozero, which is not installed")
        return NoTorch()
    try:
        return GpioTorch(pin, active_high=active_high)
    except (GPIOZeroError, OSError, ImportError) as error:
        _log.warning("the torch on GPIO %d cannot be used: %s", pin, type(error).__name__)
        return NoTorch()
