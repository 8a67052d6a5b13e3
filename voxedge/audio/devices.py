"""Which loudspeakers there are, and which of them is meant.

A card is named by its ALSA id ("Headphones", "Device", "vc4hdmi0"), never by a number: numbers
change with the order in which USB devices wake up. PortAudio names ALSA hardware devices
``<card name>: <device name> (hw:<card number>,<device number>)``, so the id is looked up in
``/proc/asound/cards`` and matched by the number that is true *now*.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxedge.errors import NoSoundCard, SoundCardUnknown

ALSA_CARDS = Path("/proc/asound/cards")

_CARD_LINE = re.compile(r"^\s*(\d+)\s+\[(\S+)\s*\]:", re.MULTILINE)
_HARDWARE = re.compile(r"\(hw:(\d+),(\d+)\)")
_ALSA_SPEC = re.compile(
    r"(?:plug)?(?:hw:)?(?:CARD=)?(?P<card>[^,=:]+)(?:,(?:DEV=)?(?P<device>\d+))?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class OutputDevice:
    """A loudspeaker that PortAudio can open.

    Attributes:
        index: PortAudio's number, good until PortAudio is started again; never shown or stored.
        name: PortAudio's name.
        card_id: ALSA card id, None for a device that is no ALSA hardware ("pulse", "default").
        device: number of the device on its card, None likewise.
        channels: most output channels.
        rate_hz: the device's own rate.
        default: whether this one is taken when none is named.
    """

    index: int
    name: str
    card_id: str | None
    device: int | None
    channels: int
    rate_hz: int
    default: bool = False

    @property
    def label(self) -> str:
        """What a person writes into the settings to mean this device."""
        return self.name if self.card_id is None else f"hw:CARD={self.card_id},DEV={self.device}"


def parse_cards(table: str) -> dict[int, str]:
    """Read the text of ``/proc/asound/cards``: card number to card id."""
    return {int(number): card_id for number, card_id in _CARD_LINE.findall(table)}


def outputs_from(
    devices: Sequence[Mapping[str, Any]], default_index: int, cards: Mapping[int, str]
) -> tuple[OutputDevice, ...]:
    """Keep the devices that can play; ``devices`` is what ``sounddevice.query_devices`` gives."""
    found = []
    for index, device in enumerate(devices):
        if device["max_output_channels"] < 1:
            continue
        hardware = _HARDWARE.search(device["name"])
        found.append(
            OutputDevice(
                index=index,
                name=device["name"],
                card_id=cards.get(int(hardware[1])) if hardware else None,
                device=int(hardware[2]) if hardware else None,
                channels=device["max_output_channels"],
                rate_hz=round(device["default_samplerate"]),
                default=index == default_index,
            )
        )
    return tuple(found)


def is_gone(device: OutputDevice, cards: Mapping[int, str]) -> bool:
    """Whether a device's card is in the kernel's table no more; False where there is no table."""
    hardware = _HARDWARE.search(device.name)
    return bool(cards) and hardware is not None and int(hardware[1]) not in cards


def choose(spec: str | None, present: Sequence[OutputDevice]) -> OutputDevice:
    """Find the device that is meant.

    Args:
        spec: None for the default; else, in this order: the whole name of a device ("pulse"),
            an ALSA card ("hw:CARD=Device", "plughw:CARD=Device,DEV=0", "Device"), a part of a
            name. Case does not matter.
        present: what there is.

    Raises:
        NoSoundCard: there is no device at all, or no default.
        SoundCardUnknown: none answers to ``spec``; a bare number never does.
    """
    if not present:
        raise NoSoundCard(reason="no sound card is connected")
    if spec is None or spec == "default":
        for device in present:
            if device.default:
                return device
        if spec is None:
            return present[0]
    wanted = (spec or "").strip().lower()
    alsa = _ALSA_SPEC.fullmatch(wanted)
    if wanted and not (alsa and alsa["card"].isdigit()):
        for device in present:
            if device.name.lower() == wanted:
                return device
        for device in present:
            if alsa and _is_card(device, alsa["card"], alsa["device"]):
                return device
        for device in present:
            if wanted in device.name.lower():
                return device
    raise SoundCardUnknown(device=spec, present=", ".join(d.label for d in present))


def _is_card(device: OutputDevice, card: str, number: str | None) -> bool:
    if device.card_id is None or device.card_id.lower() != card:
        return False
    return number is None or device.device == int(number)


class InputStreams:
    """Keeps PortAudio from being started anew under an open microphone.

    Its stream would be freed in use. PortAudio is one for the whole process; so is the one
    instance of this, ``INPUTS``. Whoever wants to start it anew asks the microphones to close,
    waits, and keeps new ones out meanwhile. Any thread.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open = 0
        self._wanted = 0

    @property
    def must_close(self) -> bool:
        """Whether somebody waits for open microphones to be closed."""
        return self._wanted > 0

    def opening(self) -> None:
        """A microphone is about to be opened; waits while PortAudio is started anew. Blocking."""
        with self._changed:
            self._changed.wait_for(lambda: not self._wanted, CLOSE_PATIENCE_S)
            self._open += 1

    def closed(self) -> None:
        """It is closed, or was not opened after all."""
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    @contextlib.contextmanager
    def none_open(self) -> Iterator[bool]:
        """Wait until none is open, and keep it so; False where one did not close. Blocking."""
        with self._changed:
            self._wanted += 1
            none = self._changed.wait_for(lambda: not self._open, CLOSE_PATIENCE_S)
        try:
            yield none
        finally:
            with self._changed:
                self._wanted -= 1
                self._changed.notify_all()


CLOSE_PATIENCE_S = 4.0
"""A microphone notices within a block of sound, or within the 2 s after which it counts as lost."""

INPUTS = InputStreams()


def load_portaudio() -> Any:
    """Import ``sounddevice``.

    Raises:
        NoSoundCard: the library is not on this machine.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise NoSoundCard(reason=f"the Python package sounddevice is missing: {error}") from error
    except OSError as error:
        # What sounddevice raises when it does not find libportaudio.so.2.
        raise NoSoundCard(
            reason="PortAudio is not installed; install it with: sudo apt-get install libportaudio2"
        ) from error
    return sounddevice


def list_outputs(*, refresh: bool = False) -> tuple[OutputDevice, ...]:
    """Ask PortAudio what there is. Blocking, some tens of milliseconds.

    Args:
        refresh: start PortAudio anew. Its list is frozen when it starts, so a card plugged in
            later is not seen otherwise. Only when no output stream of this process is open;
            microphones are closed first (``INPUTS``).

    Raises:
        NoSoundCard: PortAudio itself is missing or does not start.
    """
    sounddevice = load_portaudio()
    try:
        if refresh:
            with INPUTS.none_open() as none:
                if none:
                    # The one way to have PortAudio look again (python-sounddevice issue 125).
                    sounddevice._terminate()
                    sounddevice._initialize()
        devices = list(sounddevice.query_devices())
        default_index = sounddevice.default.device[1]
        if default_index < 0:
            default_index = _default_output(sounddevice)
    except sounddevice.PortAudioError as error:
        raise NoSoundCard(reason=str(error)) from error
    return outputs_from(devices, default_index, parse_cards(_read_cards()))


def _default_output(sounddevice: Any) -> int:
    """The default output of the default host API, -1 without one."""
    apis = sounddevice.query_hostapis()
    return int(apis[0]["default_output_device"]) if apis else -1


def _read_cards() -> str:
    try:
        return ALSA_CARDS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # No ALSA in this kernel: then no device is named by its card either.
