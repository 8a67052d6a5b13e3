"""One class per failure a person can meet.

Each carries what is printed (``str(error)``), what is spoken, and the exit code of the command
line. The table of codes stands in ``docs/errors.md``; a test holds the two together.
Templates are filled from the keyword arguments of the constructor, which stay in ``details``.
Page text never goes into a message: messages end up in logs.
"""

from __future__ import annotations

from typing import ClassVar


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


class InputMissing(VoxedgeError):
    """The file is not there."""

    exit_code = 4
    printed = "There is no file {path}. Check the name, or give the path of a picture."
    spoken = "I cannot find that picture."


class InputIsDirectory(VoxedgeError):
    """A folder where a file is wanted."""

    exit_code = 4
    printed = "{path} is a folder. Give the pictures in it by name, for example {path}/page.jpg."
    spoken = "That is a folder, not a picture."


class InputUnreadable(VoxedgeError):
    """The operating system refused the file."""

    exit_code = 4
    printed = "{path} cannot be opened: {reason}."
    spoken = "I am not allowed to open that picture."


class ImageEmpty(VoxedgeError):
    """A file of 0 bytes."""

    exit_code = 5
    printed = "{path} is empty (0 bytes). Take or copy the picture again."
    spoken = "That picture is empty. Please take it again."


class NotAnImage(VoxedgeError):
    """The bytes are no picture format known here."""

    exit_code = 5
    printed = "{path} is not a picture that voxedge can open (JPEG, PNG, TIFF, WebP, BMP, PNM)."
    spoken = "That file is not a picture."


class ImageDamaged(VoxedgeError):
    """A picture that breaks off or does not decode."""

    exit_code = 5
    printed = "{path} is damaged: the picture data ends early or does not decode. Take it again."
    spoken = "That picture is damaged. Please take it again."


class ImageTooLarge(VoxedgeError):
    """More pixels than the device can hold."""

    exit_code = 5
    printed = "{path} has {megapixels} megapixels; the limit is {limit}. Make it smaller first."
    spoken = "That picture is too large for me."


class ImageTooSmall(VoxedgeError):
    """Too few pixels to hold a line of text."""

    exit_code = 5
    printed = "{path} is {width} x {height} pixels: too small to hold text."
    spoken = "That picture is too small to read."


class NothingToRead(VoxedgeError):
    """No text was found: a blank page or a page of only a picture."""

    exit_code = 6
    printed = "No text was found in {path}. Is the printed side up, and is there enough light?"
    spoken = "I found no text on this page. Is the printed side up, and is there enough light?"


class NoPageShown(VoxedgeError):
    """Nobody put a page under the camera, or there was no light to see one by."""

    exit_code = 6
    printed = "No page was seen by the camera {camera} for two minutes."
    spoken = "I saw no page, so I stopped looking. Put one under me, and press the big button."


class EmptyText(VoxedgeError):
    """Nothing to say."""

    exit_code = 6
    printed = "There is nothing to say: the text is empty."
    spoken = "There is nothing to say."


class TextTooLong(VoxedgeError):
    """More text than one call takes."""

    exit_code = 6
    printed = "The text has {size} characters; the limit is {limit}. Split it."
    spoken = "That text is too long for me."


class LanguageMissing(VoxedgeError):
    """The recogniser has no data for this language."""

    exit_code = 7
    printed = (
        "The language '{language}' is not installed for reading. Installed: {installed}. "
        "Install it with: sudo apt-get install tesseract-ocr-{package}"
    )
    spoken = "I cannot read this language yet. Its data must be installed first."


class OcrMissing(VoxedgeError):
    """tesseract is not on this machine."""

    exit_code = 8
    printed = (
        "The program 'tesseract' is not installed. "
        "Install it with: sudo apt-get install tesseract-ocr"
    )
    spoken = "My reading program is missing. It must be installed first."


class OcrFailed(VoxedgeError):
    """tesseract crashed, hung or answered garbage."""

    exit_code = 8
    printed = "Reading the page failed: {reason}."
    spoken = "Reading this page failed. Please try again."


class ReaderMissing(VoxedgeError):
    """The second reader of numbers is not here, or not what the manifest promises."""

    exit_code = 9
    printed = (
        "The second reader '{reader}' is not installed: numbers are not checked. "
        "Fetch it with: voxedge models fetch"
    )
    spoken = "I cannot check the numbers on the page. I will tell you at each of them."


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


class InstallFailed(VoxedgeError):
    """A program that sets up the service failed."""

    exit_code = 18
    printed = "Setting up the service failed: `{command}` ended with code {code}."
    spoken = "Setting up the reader failed."


class SlotsMissing(VoxedgeError):
    """This system was not made by ``image-build``: there is no second slot to update."""

    exit_code = 22
    printed = (
        "This system cannot be updated by slots ({reason}). The image of voxedge can; elsewhere "
        "update the Python package."
    )
    spoken = "I cannot be updated this way. My card was not made for it."


class SlotsDamaged(VoxedgeError):
    """The file that tells the firmware what to start is not what we wrote."""

    exit_code = 22
    printed = "{path} is damaged: {reason}."
    spoken = "The part of my card that starts me is damaged. I cannot be updated now."


class UpdateUnsigned(VoxedgeError):
    """A bundle without a signature."""

    exit_code = 22
    printed = "{path} is not signed. Only signed updates are installed."
    spoken = "I refused this update. It is not signed, so I cannot know who made it."


class UpdateUntrusted(VoxedgeError):
    """A bundle signed by a key that this device does not trust."""

    exit_code = 22
    printed = "{path} is not signed by a key that this device trusts: {reason}."
    spoken = "I refused this update. It does not come from the maker of this reader."


class UpdateCorrupt(VoxedgeError):
    """No bundle, or one that is not whole."""

    exit_code = 22
    printed = "{path} is no update, or is damaged: {reason}. Copy it again."
    spoken = "This update is damaged. Please copy it again. I stay as I am."


class UpdateUnfit(VoxedgeError):
    """A sound bundle for another device."""

    exit_code = 22
    printed = "{path} is made for '{found}'; this device is '{wanted}'."
    spoken = "This update is made for another device. I stay as I am."


class UpdateTooLarge(VoxedgeError):
    """The new system does not fit its slot."""

    exit_code = 22
    printed = "There is no space for the update: {reason}."
    spoken = "This update is too large for my card. I stay as I am."


class UpdateInterrupted(VoxedgeError):
    """Stopped in the middle: the other slot holds half a system, and is not started."""

    exit_code = 22
    printed = "The update was interrupted ({reason}). The present system is whole. Start it again."
    spoken = "The update was interrupted. I stay as I am. Please start it again."


class UpdateUnconfirmed(VoxedgeError):
    """An update while the one before is still on trial."""

    exit_code = 22
    printed = "The update before is still on trial in slot {slot}. Wait a few minutes."
    spoken = "I am still trying the last update. Please wait a few minutes."


class UpdateFailed(VoxedgeError):
    """The installer or the restart failed for another reason."""

    exit_code = 22
    printed = "The update failed: {reason}. The present system is whole."
    spoken = "The update did not work. I stay as I am."


class StickRefused(VoxedgeError):
    """A file on a memory stick that is not taken."""

    exit_code = 23
    printed = "{name} on the memory stick is not taken: {reason}."
    spoken = "I did not take {what} from the stick, because {reason}. Nothing was changed there."


EXIT_INTERRUPTED = 130
"""Ctrl-C: the conventional 128 + SIGINT."""
