"""What is present, what is missing, and how to install it.

Each check is cheap (no model is loaded, nothing is played) and independent: one that fails never
hides the others. Blocking; runs on the caller's thread.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from voxedge.commands.language import available
from voxedge.config import Settings
from voxedge.errors import VoxedgeError

PROBE_TIMEOUT_S = 10.0
"""A probed program that takes longer is broken: tesseract and espeak-ng answer in 0.1 s."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of one check.

    Attributes:
        name: stable, for scripts ("loudspeaker").
        ok: whether what was looked for is there and usable.
        vital: without it ``voxedge read`` cannot read or cannot speak at all.
        detail: what was found, or why not.
        remedy: what to do about it, empty when ok.
    """

    name: str
    ok: bool
    vital: bool
    detail: str
    remedy: str = ""


Check = Callable[[Settings], Finding]


def examine(settings: Settings, only: str | None = None) -> tuple[Finding, ...]:
    """Run every check, or the one named ``only``.

    Raises:
        KeyError: there is no check of that name.
    """
    names = [only] if only is not None else list(CHECKS)
    return tuple(_run(name, CHECKS[name], settings) for name in names)


def _run(name: str, check: Check, settings: Settings) -> Finding:
    try:
        return check(settings)
    except (VoxedgeError, OSError, ImportError, subprocess.SubprocessError, ValueError) as error:
        return Finding(name, False, False, f"{type(error).__name__}: {error}", "see the message")


def _first_line_of(*command: str) -> str | None:
    """Return the first line a program prints, or None if it is not there or does not run."""
    if shutil.which(command[0]) is None:
        return None
    answer = subprocess.run(
        command, capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False
    )
    return (answer.stdout or answer.stderr).strip().partition("\n")[0]


def _python(settings: Settings) -> Finding:
    ok = sys.version_info >= (3, 11)
    detail = f"{platform.python_version()} on {platform.machine()}"
    return Finding("python", ok, True, detail, "" if ok else "Install Python 3.11 or newer")


def _tesseract(settings: Settings) -> Finding:
    version = _first_line_of("tesseract", "--version")
    if version is None:
        remedy = "sudo apt-get install tesseract-ocr"
        return Finding("tesseract", False, True, "not installed", remedy)
    return Finding("tesseract", True, True, version)


def _languages(settings: Settings) -> Finding:
    from voxedge.engines.ocr.tesseract import installed_languages

    installed = installed_languages()
    wanted = settings.reading.language
    missing = [part for part in wanted.split("+") if part not in installed]
    detail = ", ".join(installed) or "none"
    if missing:
        package = missing[0].replace("_", "-")
        remedy = f"sudo apt-get install tesseract-ocr-{package}"
        return Finding("languages", False, True, f"{detail}; {missing[0]} is missing", remedy)
    return Finding("languages", True, True, detail)


def _formant_voice(settings: Settings) -> Finding:
    version = _first_line_of("espeak-ng", "--version")
    if version is None:
        remedy = "sudo apt-get install espeak-ng"
        return Finding("simple voice", False, True, "espeak-ng is not installed", remedy)
    return Finding("simple voice", True, True, version.partition("  Data at")[0])


def _natural_voice(settings: Settings) -> Finding:
    from voxedge.models.store import VoiceStore

    name, store = settings.voice.name, VoiceStore()
    try:
        store.verify(name, quick=True)
    except VoxedgeError as error:
        remedy = f"voxedge models fetch {name}"
        return Finding("natural voice", False, False, str(error), remedy)
    if store.is_stale(name):
        detail = f"{name}, its light networks are of another voxedge"
        remedy = f"voxedge models refresh {name}  (voxedge run does it by itself)"
        return Finding("natural voice", False, False, detail, remedy)
    return Finding("natural voice", True, False, name)


def _second_reader(settings: Settings) -> Finding:
    from voxedge.models.readers import find_reader

    try:
        entry, _ = find_reader(quick=True)
    except VoxedgeError as error:
        return Finding("second reader", False, False, str(error), "voxedge models fetch")
    return Finding("second reader", True, False, f"{entry.name}: numbers are read twice")


def _loudspeaker(settings: Settings) -> Finding:
    from voxedge.audio.devices import choose, list_outputs

    try:
        device = choose(settings.audio.device or None, list_outputs())
    except VoxedgeError as error:
        remedy = "Connect a loudspeaker, or write to a file with --out"
        return Finding("loudspeaker", False, False, str(error), remedy)
    return Finding("loudspeaker", True, False, device.label)


def _libraries(settings: Settings) -> Finding:
    wanted = ("numpy", "onnxruntime", "cv2", "PIL", "pytesseract", "sounddevice", "soxr", "piper")
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if missing:
        return Finding(
            "libraries", False, True, f"missing: {', '.join(missing)}", "run scripts/demo again"
        )
    return Finding("libraries", True, True, f"{len(wanted)} of {len(wanted)}")


def _buttons(settings: Settings) -> Finding:
    missing = [n for n in ("gpiozero", "lgpio") if importlib.util.find_spec(n) is None]
    if missing:
        detail = f"{' and '.join(missing)} not installed (only needed on a Raspberry Pi)"
        return Finding("buttons", False, False, detail, "pip install 'voxedge[hardware]'")
    if not Path("/dev/gpiochip0").exists():
        return Finding("buttons", False, False, "no GPIO pins on this machine", "")
    return Finding("buttons", True, False, "gpiozero with lgpio")


def _camera(settings: Settings) -> Finding:
    from voxedge.engines.camera.v4l2 import cameras

    # A Raspberry Pi has a dozen video devices of its own that see nothing.
    found = [path.name for path in cameras()]
    if not found:
        remedy = "Connect a camera, or read picture files"
        return Finding("camera", False, False, "none connected", remedy)
    return Finding("camera", True, False, ", ".join(found))


def _microphone(settings: Settings) -> Finding:
    from voxedge.audio.capture import choose_microphone, list_inputs

    try:
        device = choose_microphone(settings.hearing.microphone or None, list_inputs())
    except VoxedgeError as error:
        remedy = "Connect a microphone; the buttons do everything too"
        return Finding("microphone", False, False, str(error), remedy)
    return Finding("microphone", True, False, device.label)


def _hearing_in(tag: str) -> Check:
    """Return the check for the recogniser of one language."""
    name = f"hearing {tag}"

    def check(settings: Settings) -> Finding:
        from voxedge.service.hearing import check_recogniser

        # Vital to nobody: the buttons do everything too.
        try:
            recogniser = check_recogniser(tag)
        except VoxedgeError as error:
            extra = importlib.util.find_spec("vosk") is None
            remedy = "pip install 'voxedge[hearing]'" if extra else _fetch_model(tag)
            return Finding(name, False, False, str(error), remedy)
        other = f" (or Vosk: {_fetch_model(tag)})" if recogniser == "pocketsphinx" else ""
        return Finding(name, True, False, recogniser + other)

    return check


def _second_listener(settings: Settings) -> Finding:
    from voxedge.models.recognisers import WHISPER, find_model

    # Vital to nobody: without it the first listener decides alone.
    try:
        entry, _ = find_model("en", engine=WHISPER)
    except VoxedgeError as error:
        remedy = _fetch_model("whisper-tiny-en")
        return Finding("second listener", False, False, str(error), remedy)
    return Finding("second listener", True, False, f"{entry.name}: commands are heard twice")


def _fetch_model(tag: str) -> str:
    return f"voxedge models fetch {tag}"


def _memory(settings: Settings) -> Finding:
    pages, page_bytes = os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    free_mb = pages * page_bytes // 2**20
    ok = free_mb >= 400
    # One page at 50 megapixels plus the voice peaks below 400 MB.
    remedy = "" if ok else "Close other programs: reading needs about 400 MB"
    return Finding("memory", ok, False, f"{free_mb} MB free", remedy)


CHECKS: dict[str, Check] = {
    "python": _python,
    "libraries": _libraries,
    "tesseract": _tesseract,
    "languages": _languages,
    "simple voice": _formant_voice,
    "natural voice": _natural_voice,
    "second reader": _second_reader,
    "loudspeaker": _loudspeaker,
    "camera": _camera,
    "buttons": _buttons,
    "microphone": _microphone,
    **{f"hearing {tag}": _hearing_in(tag) for tag in available()},
    "second listener": _second_listener,
    "memory": _memory,
}
"""Every check by its name, in the order they are told."""
