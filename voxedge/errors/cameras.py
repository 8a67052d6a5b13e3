"""The eye."""

from __future__ import annotations

from voxedge.errors.base import VoxedgeError


class CameraMissing(VoxedgeError):
    """No camera to take a picture with."""

    exit_code = 19
    printed = "There is no camera ({camera}: {reason}). Check its cable."
    spoken = "I cannot find my camera. Please check its cable."


class CameraFailed(VoxedgeError):
    """The camera is there but gave no picture."""

    exit_code = 19
    printed = "The camera {camera} gave no picture: {reason}."
    spoken = "My camera did not take the picture. Please try again."


class CameraLost(VoxedgeError):
    """No picture comes any more: unplugged, or its driver stopped."""

    exit_code = 19
    printed = "The camera {camera} was lost: {reason}. Check its cable."
    spoken = "My camera was disconnected. Please check its cable."


class CameraBlack(VoxedgeError):
    """Pictures come, without any light in them."""

    exit_code = 19
    printed = "The camera {camera} sees only black: {reason}. Is it covered? Is there light?"
    spoken = "My camera sees only black. Is something covering it? Is the light on?"


class CameraFrozen(VoxedgeError):
    """The same picture comes again and again."""

    exit_code = 19
    printed = "The camera {camera} is stuck: {reason}. It is started again."
    spoken = "My camera is stuck. I am starting it again."


class CameraTiny(VoxedgeError):
    """Pictures too small to hold print."""

    exit_code = 19
    printed = "The camera {camera} is of no use: {reason}. It is started again."
    spoken = "The pictures from my camera are too small. I am starting it again."


class CameraChanged(VoxedgeError):
    """The size of the pictures changed while the camera ran."""

    exit_code = 19
    printed = "The camera {camera} is not as it was: {reason}. It is started again."
    spoken = "My camera has changed its pictures. I am starting it again."
