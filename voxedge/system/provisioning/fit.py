"""Do settings fit this device? A voice that is not installed must not be asked for.

Only what the settings change is looked at, so that a device without its natural voice still takes
another button map.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from voxedge.config import Settings, changed, parse_settings
from voxedge.errors import ConfigError
from voxedge.system.places import Places

LOOK_TIMEOUT_S = 60.0

Look = Callable[[str, str], bool]
"""Name of a check of ``voxedge doctor`` and settings as text: whether it is well with them."""


def misfit(text: str, places: Places, look: Look | None = None) -> str | None:
    """Return why settings do not fit this device, None if they do or nobody can tell.

    Args:
        text: settings that parse.
        places: of the settings in force and of the sound cards.
        look: asks the doctor.
    """
    look = look or ask_doctor
    after = parse_settings(text)
    names = changed(_in_force(places), after)
    card = after.audio.device
    if "audio.device" in names and card and not _is_card(card, places.sound_cards):
        return f"there is no sound card {_heard(card)} here"
    if "voice.name" in names and not look("natural voice", text):
        return f"the voice {_heard(after.voice.name)} is not installed"
    if "reading.language" in names and not look("languages", text):
        return f"the language {_heard(after.reading.language)} is not installed for reading"
    return None


def _in_force(places: Places) -> Settings:
    try:
        return parse_settings(places.settings.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ConfigError):
        return Settings()


def _is_card(spec: str, cards: Path) -> bool:
    """Return whether the kernel knows a card by that id or name; True where it cannot be asked.

    Not PortAudio's list: it leaves out the card that the running reader holds.
    """
    try:
        known = cards.read_text(encoding="utf-8", errors="replace").lower()
    except OSError:
        return True
    found = re.search(r"card=([^,]+)", spec.lower())
    wanted = found[1] if found else re.sub(r"^\w*hw:", "", spec.lower())
    return wanted == "default" or wanted in known


def _heard(name: str) -> str:
    return " ".join(re.sub(r"[^\w.-]", " ", name).replace("_", " ").replace("--", " ").split())[:40]


def ask_doctor(check: str, text: str) -> bool:
    """Run ``voxedge doctor --check`` with these settings; True too where it does not answer."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        command = [sys.executable, "-m", "voxedge", "--config", file.name]
        try:
            done = subprocess.run(
                [*command, "doctor", "--check", check],
                check=False,
                stdout=subprocess.DEVNULL,
                timeout=LOOK_TIMEOUT_S,
                env=dict(os.environ),
            )
        except (OSError, subprocess.TimeoutExpired):
            return True
    # 1 is the doctor's No; anything else is a doctor who is ill.
    return done.returncode != 1
