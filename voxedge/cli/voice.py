"""What the speaking commands tell of the voice."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voxedge.engines.tts.fallback import VoiceSwitch


def tell_of_switch(switch: VoiceSwitch) -> None:
    """Say once on standard error that another voice speaks, and why."""
    if switch.error is not None:
        print(f"voxedge: (speaking with {switch.spoken_by}) {switch.error}", file=sys.stderr)
