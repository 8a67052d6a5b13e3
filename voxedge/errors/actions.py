"""What was asked for, by whatever mouth, and what is kept."""

from __future__ import annotations

from voxedge.errors.base import VoxedgeError


class ActionUnknown(VoxedgeError):
    """A name that the table of actions does not hold."""

    exit_code = 2
    printed = "There is no action '{action}'. {hint}"
    spoken = "I do not know that action."


class ActionMisused(VoxedgeError):
    """An action with arguments that do not fit it."""

    exit_code = 2
    printed = "'{action}': {reason}."
    spoken = "I did not understand all of that."


class ActionUnfit(VoxedgeError):
    """An action that makes no sense at this moment."""

    exit_code = 14
    printed = "'{action}' cannot be done now: the reader is {state}."
    spoken = "I cannot do that now."


class ReaderNotRunning(VoxedgeError):
    """Nobody answers on the control socket."""

    exit_code = 15
    printed = (
        "The reader does not answer on {path} ({reason}). "
        "Is it running? See: systemctl status voxedge"
    )
    spoken = "The reader is not running."


class ControlRefused(VoxedgeError):
    """The control socket did not take a message."""

    exit_code = 15
    printed = "The reader refused the message: {reason}."
    spoken = "The reader refused that message."


class LibraryDamaged(VoxedgeError):
    """The file of saved documents is not a sound database."""

    exit_code = 16
    printed = (
        "The library was damaged. The old file is kept as {path}; "
        "{rescued} documents were rescued from it."
    )
    spoken = "My library was damaged. I rescued {rescued} of its documents."


class LibraryReadOnly(VoxedgeError):
    """The library can be read but not written."""

    exit_code = 16
    printed = "The library {path} cannot be written: {reason}."
    spoken = "I cannot save anything now. I can only read what was saved before."


class DocumentMissing(VoxedgeError):
    """No saved document by that name or number."""

    exit_code = 16
    printed = "There is no saved document '{document}'."
    spoken = "I have no saved document by that name."


class InputDeviceMissing(VoxedgeError):
    """Buttons, keyboard or knob that cannot be used."""

    exit_code = 17
    printed = "{device} cannot be used: {reason}."
    spoken = "I cannot use my buttons. Please check how they are connected."
