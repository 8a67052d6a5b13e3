"""Voices: missing, damaged, failed; and sound that nobody can hear."""

from __future__ import annotations

from voxedge.errors.base import VoxedgeError


class VoiceUnknown(VoxedgeError):
    """A voice name that no manifest knows."""

    exit_code = 9
    printed = "There is no voice '{voice}'. Known voices: {known}."
    spoken = "I do not know that voice."


class VoiceMissing(VoxedgeError):
    """The voice is known but its files are not here."""

    exit_code = 9
    printed = "The voice '{voice}' is not installed. Fetch it with: voxedge models fetch {voice}"
    spoken = "My natural voice is missing. I am using the simple voice."


class VoiceCorrupt(VoxedgeError):
    """The files of the voice are not what the manifest promises, or do not load."""

    exit_code = 10
    printed = (
        "The voice '{voice}' is damaged ({reason}). "
        "Fetch it again with: voxedge models fetch {voice} --force"
    )
    spoken = "My natural voice is damaged. I am using the simple voice."


class StudentRefused(VoxedgeError):
    """Light networks that were just trained do not hold the quality gate."""

    exit_code = 10
    printed = (
        "The trained networks of '{voice}' are not good enough (see the table): those that were "
        "in use stay. Train longer with the same command and more --steps; {folder} keeps the work"
    )
    spoken = "My new light voice is not good enough. The former one stays."


class VoiceFailed(VoxedgeError):
    """Synthesis failed while running."""

    exit_code = 10
    printed = "The voice '{voice}' failed: {reason}."
    spoken = "My natural voice failed. I am using the simple voice."


class FormantVoiceMissing(VoxedgeError):
    """espeak-ng is not on this machine."""

    exit_code = 9
    printed = (
        "The program 'espeak-ng' is not installed. Install it with: sudo apt-get install espeak-ng"
    )
    spoken = "My simple voice is missing."


class FetchFailed(VoxedgeError):
    """A download did not come, or came wrong."""

    exit_code = 11
    printed = "Fetching {name} failed: {reason}."
    spoken = "Fetching my voice failed."


class NoSoundCard(VoxedgeError):
    """No loudspeaker to play to."""

    exit_code = 12
    printed = "No loudspeaker was found ({reason}). Write to a file instead with --out speech.wav"
    spoken = "I have no loudspeaker."


class SoundCardUnknown(VoxedgeError):
    """The configured card is not here."""

    exit_code = 12
    printed = "There is no sound card '{device}'. Present: {present}."
    spoken = "My loudspeaker is not connected."


class SoundCardLost(VoxedgeError):
    """The card vanished while playing."""

    exit_code = 12
    printed = "The sound card vanished while speaking. Check its plug; the rest was not spoken."
    spoken = "My loudspeaker was disconnected."


class OutputUnwritable(VoxedgeError):
    """``--out`` cannot be written."""

    exit_code = 13
    printed = "{path} cannot be written: {reason}."
    spoken = "I could not write the sound file."


class DiskFull(VoxedgeError):
    """The disk is full."""

    exit_code = 13
    printed = "The disk is full: {path} was not written whole. Free some space and try again."
    spoken = "My memory is full."
