"""What can go wrong while an image is built or tried: one class and one exit code each."""

from __future__ import annotations


class ImageError(Exception):
    """Base of all; ``exit_code`` is what the command ends with."""

    exit_code = 1


class ToolMissing(ImageError):
    """A program that the build calls is not installed."""

    exit_code = 3


class EmulatorMissing(ImageError):
    """Arm programs cannot run here, and Debian's packages have to be configured by running them."""

    exit_code = 4


class NeedsRoot(ImageError):
    """Files of other owners can only be made by root."""

    exit_code = 5


class NoSpace(ImageError):
    """The disk is full, or would be."""

    exit_code = 6


class DownloadCorrupt(ImageError):
    """A file came, and is not the one that was promised."""

    exit_code = 7


class DownloadFailed(ImageError):
    """A file did not come."""

    exit_code = 8


class WrongArchitecture(ImageError):
    """A wheel or a library in the tree is not for the Pi's processor."""

    exit_code = 9


class CommandFailed(ImageError):
    """A program that the build called failed."""

    exit_code = 10


class DoesNotFit(ImageError):
    """A file system is larger than its partition, or the image than its limit."""

    exit_code = 11


class BootTestFailed(ImageError):
    """The image was booted and did not do what it should."""

    exit_code = 12


class BuildsDiffer(ImageError):
    """Two builds that should be equal to the byte are not."""

    exit_code = 13


INTERRUPTED = 130
"""Exit code after Ctrl-C or SIGTERM, as the shell gives it."""
