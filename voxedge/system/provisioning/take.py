"""Put what a stick brings into the device: all of a file or nothing of it. Blocking; root."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from voxedge.config import Settings, parse_settings
from voxedge.errors import ConfigError, StickRefused
from voxedge.inputs.bindings import MAPS, with_pins
from voxedge.system import storage as durable
from voxedge.system.places import Places
from voxedge.system.provisioning.fit import Look, misfit
from voxedge.system.provisioning.keys import parse_keys
from voxedge.system.provisioning.stick import KEYS, SETTINGS, WIFI, Wanted, names_on, read_text
from voxedge.system.provisioning.wifi import parse_wifi, supplicant_conf
from voxedge.system.storage import Storage

SETTINGS_TAKEN = "I have taken new settings from the stick."
WIFI_TAKEN = "I have taken the wireless network from the stick."
WIFI_OFF = "I have forgotten the wireless network."
KEYS_TAKEN = "Remote service is now possible for whoever holds the key of the stick."
KEYS_OFF = "Remote service is now switched off."


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a stick.

    Attributes:
        spoken: sentences for the person, in order; empty when there was nothing new.
        changed: names of the files that are new in the device.
        refused: what was not taken.
    """

    spoken: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    refused: tuple[StickRefused, ...] = ()


def take(folder: Path, places: Places, storage: Storage, look: Look | None = None) -> Taken:
    """Take the files of a stick that are right and new; say what is not.

    Args:
        folder: the stick, mounted read-only.
        places: where the device keeps them.
        storage: writes them.
        look: asks what is installed; see ``fit``.
    """
    try:
        names = names_on(folder)
    except StickRefused as error:
        return Taken((error.speech,), (), (error,))
    spoken: list[str] = []
    changed: list[str] = []
    refused: list[StickRefused] = []
    for wanted, understand in _FILES:
        try:
            text = read_text(folder, wanted, names)
            if text is None:
                continue
            content, sentence = understand(text)
            if wanted is SETTINGS:
                _check_fit(content, places, look)
            if _put(storage, _place(places, wanted), content, wanted):
                spoken.append(sentence)
                changed.append(wanted.name)
        except StickRefused as error:
            spoken.append(error.speech)
            refused.append(error)
    return Taken(tuple(spoken), tuple(changed), tuple(refused))


def _settings(text: str) -> tuple[str, str]:
    try:
        settings = parse_settings(text, SETTINGS.name)
        _check_pins(settings)
    except ConfigError as error:
        reason = _for_the_ear(str(error.details["reason"]))
        raise StickRefused(name=SETTINGS.name, what=SETTINGS.spoken, reason=reason) from error
    return text, SETTINGS_TAKEN


def _check_fit(text: str, places: Places, look: Look | None) -> None:
    reason = misfit(text, places, look)
    if reason is not None:
        raise StickRefused(name=SETTINGS.name, what=SETTINGS.spoken, reason=reason)


def _check_pins(settings: Settings) -> None:
    if settings.buttons.map != "none":
        with_pins(MAPS[settings.buttons.map], settings.buttons.pins, SETTINGS.name)


def _for_the_ear(reason: str) -> str:
    """Return the reason up to its lists and examples, without what a voice spells out."""
    first = re.split(r"[;{}]|, not |: Expected", reason)[0]
    words = re.sub(r"[\[\]'\"`/\\=]|--+", " ", first).replace("_", " ")
    return f"of a mistake, {' '.join(words.split())[:160]}".replace(" , ", ", ").rstrip(" .:,")


def _wifi(text: str) -> tuple[str, str]:
    network = parse_wifi(text)
    return ("", WIFI_OFF) if network is None else (supplicant_conf(network), WIFI_TAKEN)


def _keys(text: str) -> tuple[str, str]:
    keys = parse_keys(text)
    return "".join(f"{key}\n" for key in keys), KEYS_TAKEN if keys else KEYS_OFF


_FILES: tuple[tuple[Wanted, Callable[[str], tuple[str, str]]], ...] = (
    (SETTINGS, _settings),
    (WIFI, _wifi),
    (KEYS, _keys),
)


def _place(places: Places, wanted: Wanted) -> Path:
    return {
        SETTINGS: places.settings,
        WIFI: places.device / "wpa_supplicant.conf",
        KEYS: places.device / "authorized_keys",
    }[wanted]


def _put(storage: Storage, path: Path, content: str, wanted: Wanted) -> bool:
    """Write a file if it is new; return whether it was. Empty content is kept as an empty file."""
    data = content.encode("utf-8")
    try:
        try:
            if storage.read(path) == data:
                return False
        except FileNotFoundError:
            if not data:
                return False
        # The reader, another user, reads its settings; keys and passwords are root's.
        durable.replace(storage, path, data, mode=0o644 if wanted is SETTINGS else 0o600)
    except OSError as error:
        reason = "my memory cannot be written"
        raise StickRefused(name=wanted.name, what=wanted.spoken, reason=reason) from error
    return True
