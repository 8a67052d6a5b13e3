"""The ear."""

from __future__ import annotations

from voxedge.errors.base import VoxedgeError


class MicrophoneMissing(VoxedgeError):
    """No microphone to listen with, or none by that name."""

    exit_code = 20
    printed = "There is no microphone ({reason}). Listen to a file instead with --wav speech.wav"
    spoken = "I have no microphone."


class MicrophoneLost(VoxedgeError):
    """The microphone vanished while listening."""

    exit_code = 20
    printed = "The microphone {device} vanished while listening. Check its plug."
    spoken = "My microphone was disconnected."


class MicrophoneDead(VoxedgeError):
    """The microphone is there, but what comes from it cannot be speech."""

    exit_code = 20
    printed = "The microphone gives no usable sound: {reason}."
    spoken = "My microphone hears nothing. It may be switched off, or covered."


class MicrophoneClipped(VoxedgeError):
    """The sound is so loud that its peaks are cut off: words cannot be told apart."""

    exit_code = 20
    printed = (
        "The sound is clipped: {percent} % of its samples are at full scale. "
        "Turn the microphone down, or speak from further away."
    )
    spoken = "You are too loud for my microphone. Please speak from a little further away."


class SoundUnusable(VoxedgeError):
    """A sound file that cannot be listened to."""

    exit_code = 20
    printed = "{path} cannot be listened to: {reason}."
    spoken = "I cannot listen to that recording."


class HearingLanguageMissing(VoxedgeError):
    """No commands in that language."""

    exit_code = 21
    printed = "Commands are not understood in '{language}'. Known languages: {known}."
    spoken = "I do not understand commands in that language yet."


class RecogniserMissing(VoxedgeError):
    """No recogniser of speech for the language is installed."""

    exit_code = 21
    printed = "No recogniser is installed for '{language}': {reason}."
    spoken = "I cannot understand speech in that language yet. A part must be installed first."


class RecogniserCorrupt(VoxedgeError):
    """The model is not what the manifest promises, or is of another language."""

    exit_code = 21
    printed = (
        "The recogniser '{model}' is damaged ({reason}). Remove its folder and fetch it again."
    )
    spoken = "My model for understanding speech is damaged. It must be fetched again."


class RecogniserFailed(VoxedgeError):
    """Recognition failed while running."""

    exit_code = 21
    printed = "Understanding speech failed: {reason}."
    spoken = "I could not understand. Something went wrong; please try again."


class WakeWordUnknown(VoxedgeError):
    """A wake word that the recogniser cannot hear."""

    exit_code = 21
    printed = "The wake word '{phrase}' cannot be listened for: {reason}."
    spoken = "I cannot listen for the wake word of my settings. Please press talk to speak to me."
