"""RAUC's custom bootloader backend: ``get-primary``, ``set-primary``, ``get-state``, ...

Run by RAUC as ``/usr/lib/voxedge/rauc-bootloader ACTION [SLOT [STATE]]``; the answer goes to
standard output, a failure to standard error with exit code 1.
Source: RAUC documentation, "Integration", custom bootloader backend (``get-current`` since 1.11).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from voxedge.errors import UsageError, VoxedgeError
from voxedge.system.autoboot import PARTITIONS
from voxedge.system.slots import Slots


def answer(slots: Slots, words: Sequence[str]) -> str:
    """Carry out one call and return what RAUC reads.

    Raises:
        UsageError: RAUC would not ask so.
        VoxedgeError: the slots cannot be read or written.
    """
    match list(words):
        case ["get-primary"]:
            return slots.primary()
        case ["get-current"]:
            return slots.current
        case ["get-state", slot] if slot in PARTITIONS:
            return "good" if slots.is_good(slot) else "bad"
        case ["set-primary", slot] if slot in PARTITIONS:
            slots.choose(slot)
            return ""
        case ["set-state", slot, "good" | "bad" as state] if slot in PARTITIONS:
            slots.mark(slot, state == "good")
            return ""
    raise UsageError(reason=f"not a call of RAUC: {' '.join(words)}")


def main(words: Sequence[str], slots: Slots | None = None) -> int:
    """Answer RAUC; the exit code is 0 or 1."""
    try:
        text = answer(slots or Slots(), words)
    except VoxedgeError as error:
        print(f"voxedge: {error}", file=sys.stderr)
        return 1
    if text:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
