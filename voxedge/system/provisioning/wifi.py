"""``wifi.txt``: name, password and country of a wireless network, as a person writes them. Pure.

    network: The Smiths
    password: correct horse battery
    country: GB

The result is a configuration of wpa_supplicant. The name goes into it as hexadecimal digits and
the password as the key derived from it (IEEE 802.11i, annex H.4): nothing that is written on a
stick can become a line of that configuration.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from voxedge.errors import StickRefused
from voxedge.system.provisioning.stick import WIFI


@dataclass(frozen=True, slots=True)
class Network:
    """A wireless network.

    Attributes:
        name: as the router shows it; 1 to 32 bytes of UTF-8.
        password: 8 to 63 characters, 64 hexadecimal digits, or empty for an open network.
        country: two letters; radio rules differ.
        hidden: whether the router keeps its name to itself.
    """

    name: str
    password: str = field(repr=False)
    country: str
    hidden: bool = False


def parse_wifi(text: str) -> Network | None:
    """Read the file; None where it is empty: no wireless network is wanted any more.

    Raises:
        StickRefused: names the line, never the password.
    """
    values: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        found = re.fullmatch(r"(\w+)\s*[:=]\s*(.*)", line)
        if found is None or found[1].lower() not in _KEYS:
            raise _refused(f"line {number} does not begin with network, password or country")
        key = _KEYS[found[1].lower()]
        if key in values:
            raise _refused(f"line {number} says the {key} again")
        values[key] = found[2]
    if not values:
        return None
    return Network(
        _name(values.get("network", "")),
        _password(values.get("password", "")),
        _country(values.get("country", "")),
        values.get("hidden", "no").lower() in ("yes", "true", "1"),
    )


_KEYS = {
    "network": "network",
    "name": "network",
    "ssid": "network",
    "password": "password",
    "key": "password",
    "country": "country",
    "hidden": "hidden",
}
"""What people write for it."""


def _name(value: str) -> str:
    if not value:
        raise _refused("it names no network")
    if len(value.encode("utf-8")) > 32:
        raise _refused("the name of the network is too long")
    return value


def _password(value: str) -> str:
    if not value or re.fullmatch(r"[0-9A-Fa-f]{64}", value):
        return value
    if not value.isascii() or not value.isprintable():
        raise _refused("the password has characters that no wireless network can have")
    if not 8 <= len(value) <= 63:
        raise _refused("the password must have 8 to 63 characters")
    return value


def _country(value: str) -> str:
    if re.fullmatch(r"[A-Za-z]{2}", value) is None:
        raise _refused("it does not name the country with two letters")
    return value.upper()


def supplicant_conf(network: Network) -> str:
    """Return the configuration of wpa_supplicant; it holds the key: mode 0600."""
    lines = [
        "# Written by voxedge from wifi.txt of a memory stick.",
        f"country={network.country}",
        "network={",
        f"\tssid={network.name.encode('utf-8').hex()}",
    ]
    if network.hidden:
        lines.append("\tscan_ssid=1")
    if network.password:
        lines += ["\tkey_mgmt=WPA-PSK WPA-PSK-SHA256", f"\tpsk={_key(network)}"]
    else:
        lines.append("\tkey_mgmt=NONE")
    return "\n".join([*lines, "}", ""])


def _key(network: Network) -> str:
    if len(network.password) == 64:
        return network.password.lower()
    name = network.name.encode("utf-8")
    return hashlib.pbkdf2_hmac("sha1", network.password.encode("ascii"), name, 4096, 32).hex()


def _refused(reason: str) -> StickRefused:
    return StickRefused(name=WIFI.name, what=WIFI.spoken, reason=reason)
