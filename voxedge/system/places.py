"""Where things are on the card; tests put them elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """The files that this room reads and writes.

    Attributes:
        autoboot: tells the firmware which boot partition to start; on the FAT partition SELECTOR.
        slot_state: what is known of the slots, on DATA.
        device: root's folder on DATA: Wi-Fi, keys, how far an update is.
        settings: the reader's, on DATA.
        sound_cards: the kernel's list.
        cmdline: of the kernel.
        device_tree: of the firmware.
        rauc_config: there on systems that can be updated.
        trial_signs: one of these is there if the kernel hands "tryboot" on to the firmware: our
            module (image-build/tryboot), or the firmware's device of Raspberry Pi's own kernel.
    """

    autoboot: Path = Path("/boot/selector/autoboot.txt")
    slot_state: Path = Path("/data/device/slots.json")
    device: Path = Path("/data/device")
    settings: Path = Path("/data/settings/voxedge.toml")
    sound_cards: Path = Path("/proc/asound/cards")
    cmdline: Path = Path("/proc/cmdline")
    device_tree: Path = Path("/proc/device-tree")
    rauc_config: Path = Path("/etc/rauc/system.conf")
    trial_signs: tuple[Path, ...] = (Path("/sys/module/voxedge_tryboot"), Path("/dev/vcio"))
