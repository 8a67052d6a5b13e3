"""The root, and what the command line itself can be told wrong."""

from __future__ import annotations

from typing import ClassVar

EXIT_INTERRUPTED = 130
"""Ctrl-C: the conventional 128 + SIGINT."""


class VoxedgeError(Exception):
    """The root; raised itself only for a failure nobody foresaw."""

    exit_code: ClassVar[int] = 70
    printed: ClassVar[str] = "Something failed inside voxedge: {reason}."
    spoken: ClassVar[str] = "Something went wrong inside the reader."

    def __init__(self, **details: object) -> None:
        self.details = details
        super().__init__(self.printed.format_map(_Details(details)))

    @property
    def speech(self) -> str:
        """The sentence a person hears."""
        return self.spoken.format_map(_Details(self.details))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by details, so that errors cross process boundaries whole."""
        return (_rebuild, (type(self), self.details))


class _Details(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"


def _rebuild(kind: type[VoxedgeError], details: dict[str, object]) -> VoxedgeError:
    return kind(**details)


class UsageError(VoxedgeError):
    """Words on the command line that make no sense together."""

    exit_code = 2
    printed = "{reason}"
    spoken = "I did not understand that command."


class ConfigError(VoxedgeError):
    """A settings file that cannot be taken as it is."""

    exit_code = 3
    printed = "{path}: {reason}"
    spoken = "My settings file has a mistake. I am using the settings I had."
