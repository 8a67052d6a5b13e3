"""What the rest of the house asks of a camera's driver."""

from __future__ import annotations

from typing import Protocol

from voxedge.engines.camera.picture import Picture


class Source(Protocol):
    """A driver. Blocking; used from one thread at a time (``Drain``)."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    def open(self) -> None:
        """Start the camera; called again after ``close``.

        Raises:
            CameraMissing: it is not there.
            CameraFailed: it is there, and does not start.
        """
        ...

    def grab(self) -> Picture | None:
        """Return the next picture, None where none came or it does not decode.

        May block for seconds: whoever waits looks at the age of the newest picture instead.

        Raises:
            CameraLost: the driver says that the camera is gone.
            CameraFailed: the driver failed in another way.
        """
        ...

    def focus(self) -> None:
        """Begin to focus; returns at once. Nothing where the lens is fixed."""
        ...

    def close(self) -> None:
        """Stop the camera. Idempotent, never raises."""
        ...
