"""Pictures and texts that cannot be read, and recognisers that cannot read them."""

from __future__ import annotations

from voxedge.errors.base import VoxedgeError


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
