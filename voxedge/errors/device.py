"""The box itself: installing, updating, a stick."""

from __future__ import annotations

from voxedge.errors.base import VoxedgeError


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
