"""``authorized_keys``: who may service the device over the network. Pure.

Plain public keys only: no options, for each of them is a way to do something else than log in.
"""

from __future__ import annotations

import base64
import binascii

from voxedge.errors import StickRefused
from voxedge.system.provisioning.stick import KEYS

KINDS = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
)
MOST_KEYS = 16


def parse_keys(text: str) -> tuple[str, ...]:
    """Return the keys, each "kind base64 comment"; none where nobody may come in any more.

    Raises:
        StickRefused: names the line.
    """
    if "PRIVATE KEY" in text:
        raise _refused("it holds a private key, which must never leave its owner")
    keys = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        words = line.split(None, 2)
        if len(words) < 2 or words[0] not in KINDS or not _is_key(words[0], words[1]):
            raise _refused(f"line {number} is not a plain public key")
        keys.append(" ".join(words))
    if len(keys) > MOST_KEYS:
        raise _refused(f"it has more than {MOST_KEYS} keys")
    return tuple(keys)


def _is_key(kind: str, encoded: str) -> bool:
    """Return whether the key's own bytes begin with its kind (RFC 4253, section 6.6)."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    name = kind.encode("ascii")
    return data.startswith(len(name).to_bytes(4, "big") + name) and len(data) > len(name) + 36


def _refused(reason: str) -> StickRefused:
    return StickRefused(name=KEYS.name, what=KEYS.spoken, reason=reason)
