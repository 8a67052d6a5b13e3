"""Settings: TOML text to one frozen tree, every field documented, bad input named by its line.

The documentation page ``docs/configuration.md`` is checked against the fields declared here.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from voxedge.errors import ConfigError


def _setting(
    default: Any,
    help_text: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Declare a field: its documentation, and its inclusive range or the texts it may hold."""
    metadata = {"help": help_text, "low": low, "high": high, "choices": choices}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """``[voice]``: how it speaks."""

    name: str = _setting("en_US-joe-medium", "The natural voice; `voxedge models list` names them.")
    rate: float = _setting(1.0, "Speed; 1.0 is the voice's own.", low=0.5, high=3.0)
    volume: float = _setting(1.0, "Loudness before the limiter; 0 is silent.", low=0.0, high=2.0)
    seed: int = _setting(0, "Seed of the voice's noise; equal seeds sound equal.", low=0)
    threads: int = _setting(
        0, "Threads of the voice; 0 leaves one core free, at most 3.", low=0, high=16
    )


@dataclass(frozen=True, slots=True)
class ReadingSettings:
    """``[reading]``: how pages are read."""

    language: str = _setting(
        "eng", "Tesseract's name of the page's language: `eng`, `fra`, `chi_sim`."
    )


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """``[audio]``: where the sound goes."""

    device: str = _setting("", "Sound card by ALSA card id or name; empty takes the default one.")
    latency_ms: int = _setting(
        40, "Buffer asked of the sound card; a stop takes this and 8 ms.", low=10, high=500
    )


@dataclass(frozen=True, slots=True)
class LexiconSettings:
    """``[lexicon]``: how single words are said."""

    file: str = _setting("", "A TOML file of words and how to say them; see docs/lexicon.md.")


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """``[camera]``: what the running reader looks through."""

    kind: str = _setting(
        "usb",
        "What it is: `usb`, `csi` (a ribbon cable), or a `folder` of pictures or films.",
        choices=("usb", "csi", "folder"),
    )
    device: str = _setting(
        "",
        "A video device such as `/dev/video0`, the number of a ribbon camera, or the folder; "
        "empty takes the first camera.",
    )
    guided: bool = _setting(
        True, "Lead the hand by voice and tones; `false` takes the picture at the press."
    )
    quarter_turns: int = _setting(
        0, "Quarter turns clockwise that bring its pictures upright.", low=0, high=3
    )
    lens_m: float = _setting(
        0.0,
        "Where the lens of a ribbon camera stands still, in metres; 0 lets it focus by itself.",
        low=0.0,
        high=10.0,
    )
    torch_pin: int = _setting(
        0, "GPIO number of a lamp that shines while the camera runs; 0 is none.", low=0, high=27
    )
    torch_active_high: bool = _setting(True, "Whether a high level lights the lamp.")
    timeout_s: int = _setting(15, "Seconds until a picture must be there.", low=2, high=120)


@dataclass(frozen=True, slots=True)
class ButtonSettings:
    """``[buttons]``: what fingers find; see docs/buttons.md."""

    map: str = _setting(
        "three",
        "Which buttons there are: `one`, `three`, `five`, `five-and-knob` or `none`.",
        choices=("one", "three", "five", "five-and-knob", "none"),
    )
    pins: str = _setting("", "Other GPIO numbers, by button: `big=5 back=6`.")
    debounce_ms: int = _setting(10, "A contact must stand for so long to count.", low=0, high=200)
    hold_ms: int = _setting(700, "Held for so long is a hold.", low=200, high=5000)
    double_ms: int = _setting(350, "Longest gap within a double press.", low=100, high=2000)
    repeat_ms: int = _setting(400, "From one repeat of a held button to the next.", low=50)
    keyboard: bool = _setting(True, "Take keyboards and presenters too.")


@dataclass(frozen=True, slots=True)
class HearingSettings:
    """``[hearing]``: spoken commands; see docs/voice-commands.md."""

    commands: bool = _setting(True, "Understand spoken commands.")
    language: str = _setting("en", "Language of the commands: `en`, `ko` or `zh`.")
    microphone: str = _setting(
        "", "Microphone by ALSA card id or name; empty takes the default one."
    )
    silence_s: float = _setting(
        6.0, "After a tap of the talk button, seconds until the first word.", low=2.0, high=11.0
    )
    pause_ms: int = _setting(480, "Silence that ends a command, after a tap.", low=200, high=2000)
    wake_word: str = _setting(
        "",
        "A phrase that opens the microphone, such as `okay reader`; empty: only the button does.",
    )
    barge_in: bool = _setting(
        False, "Hear stop and pause while it speaks; only with a card that cancels its own sound."
    )
    cleaner: str = _setting(
        "off",
        "What is done to the sound first: `off`, `gain` (for a microphone that stands far away), "
        "or `webrtc` (gain and noise suppression).",
        choices=("off", "gain", "webrtc"),
    )


@dataclass(frozen=True, slots=True)
class LibrarySettings:
    """``[library]``: what is kept."""

    keep_recent: int = _setting(
        0, "How many pages that nobody saved are kept; 0 forgets them.", low=0, high=1000
    )
    limit_mib: int = _setting(512, "Largest size of the library.", low=8, high=65536)
    pictures: bool = _setting(False, "Keep the pictures of kept pages too.")


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """``[device]``: the box."""

    power_off: str = _setting(
        "systemctl poweroff", "What turns it off, once the goodbye was heard; empty only stops."
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole tree."""

    voice: VoiceSettings = VoiceSettings()
    reading: ReadingSettings = ReadingSettings()
    audio: AudioSettings = AudioSettings()
    lexicon: LexiconSettings = LexiconSettings()
    camera: CameraSettings = CameraSettings()
    buttons: ButtonSettings = ButtonSettings()
    hearing: HearingSettings = HearingSettings()
    library: LibrarySettings = LibrarySettings()
    device: DeviceSettings = DeviceSettings()


def parse_settings(text: str, path: str = "voxedge.toml") -> Settings:
    """Read settings from TOML text.

    Raises:
        ConfigError: not TOML, an unknown table or key, a wrong type, a number out of range. The
            message names the line.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path=path, reason=f"not valid TOML: {error}") from error
    known = {f.name: f for f in dataclasses.fields(Settings)}
    parts: dict[str, Any] = {}
    for name, table in tables.items():
        if name not in known:
            raise ConfigError(
                path=path,
                reason=f"{_line(text, name)}unknown table [{name}]; known: {', '.join(known)}",
            )
        if not isinstance(table, Mapping):
            raise ConfigError(path=path, reason=f"{_line(text, name)}[{name}] must be a table")
        parts[name] = _parse_table(text, path, name, table)
    return Settings(**parts)


def overlay(settings: Settings, values: Mapping[str, Any], source: str) -> Settings:
    """Return ``settings`` with single values replaced, held to the same rules as a file's.

    Args:
        settings: what stands so far.
        values: "table.key" to value; None leaves that setting alone.
        source: where the values come from, for messages.

    Raises:
        ConfigError: a value of the wrong type or out of range.
        KeyError: no such setting (a mistake of the caller).
    """
    for dotted, value in values.items():
        if value is None:
            continue
        table_name, key = dotted.split(".")
        table = getattr(settings, table_name)
        known = {f.name: f for f in dataclasses.fields(table)}
        checked = _checked(source, key, known[key], value)
        settings = dataclasses.replace(
            settings, **{table_name: dataclasses.replace(table, **{key: checked})}
        )
    return settings


def changed(before: Settings, after: Settings) -> tuple[str, ...]:
    """Return the settings that differ, as "table.key", in the order of the file."""
    return tuple(
        f"{table.name}.{setting.name}"
        for table in dataclasses.fields(Settings)
        for setting in dataclasses.fields(getattr(before, table.name))
        if getattr(getattr(before, table.name), setting.name)
        != getattr(getattr(after, table.name), setting.name)
    )


def _parse_table(text: str, path: str, name: str, table: Mapping[str, Any]) -> Any:
    kind = type(getattr(Settings(), name))
    known = {f.name: f for f in dataclasses.fields(kind)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        where = _line(text, key, table=name)
        if key not in known:
            raise ConfigError(
                path=path,
                reason=f"{where}unknown key '{key}' in [{name}]; known: {', '.join(known)}",
            )
        values[key] = _checked(path, f"{where}[{name}] {key}", known[key], value)
    return kind(**values)


def _checked(path: str, where: str, setting: dataclasses.Field[Any], value: Any) -> Any:
    wanted = type(setting.default)
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted:
        raise ConfigError(path=path, reason=f"{where} must be {_TYPE_NAMES[wanted]}, not {value!r}")
    low, high = setting.metadata["low"], setting.metadata["high"]
    # "not (a <= b)" rather than "a > b": a NaN must fail too.
    if low is not None and not value >= low:
        raise ConfigError(path=path, reason=f"{where} must be at least {low}, not {value}")
    if high is not None and not value <= high:
        raise ConfigError(path=path, reason=f"{where} must be at most {high}, not {value}")
    choices = setting.metadata["choices"]
    if choices and value not in choices:
        reason = f"{where} must be one of {', '.join(choices)}, not {value!r}"
        raise ConfigError(path=path, reason=reason)
    return value


_TYPE_NAMES = {
    float: "a number",
    int: "a whole number",
    str: "text in quotes",
    bool: "true or false",
}


def _line(text: str, key: str, table: str | None = None) -> str:
    """Return "line N: " for where a table or a key of it stands, or "" (tomllib keeps no lines)."""
    inside = table is None
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\s*([\w-]+)\s*\]", line)
        if header:
            if table is None and header[1] == key:
                return f"line {number}: "
            inside = table is None or header[1] == table
        elif inside and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return f"line {number}: "
    return ""
