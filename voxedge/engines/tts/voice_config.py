"""The JSON file that comes with a Piper voice."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

PAD, BOS, EOS = "_", "^", "$"
"""Piper's marks: between phonemes, at the beginning and at the end of a sentence."""


class PhonemeType(Enum):
    """What the voice was trained to read."""

    ESPEAK = "espeak"
    """IPA as espeak-ng writes it, one Unicode code point a phoneme (NFD)."""
    TEXT = "text"
    """Letters, NFD."""


@dataclass(frozen=True, slots=True)
class VoiceConfig:
    """What an engine must know of a voice besides its networks.

    Attributes:
        rate_hz: samples a second.
        espeak_voice: the espeak-ng voice that makes its phonemes ("en-us").
        language: BCP 47 tag ("en-US").
        phoneme_type: IPA or letters.
        phoneme_ids: ids of each phoneme, the marks included.
        noise_scale: default scale of the prior's noise.
        length_scale: default stretch of durations.
        duration_noise_scale: default scale of the duration noise.
        speakers: number of speakers, 1 for most.
        default_speaker: speaker number to use unless told otherwise.
    """

    rate_hz: int
    espeak_voice: str
    language: str
    phoneme_type: PhonemeType
    phoneme_ids: Mapping[str, tuple[int, ...]]
    noise_scale: float = 0.667
    length_scale: float = 1.0
    duration_noise_scale: float = 0.8
    speakers: int = 1
    default_speaker: int = 0


def parse_voice_config(text: str) -> VoiceConfig:
    """Read the JSON of a Piper voice.

    Raises:
        ValueError: not JSON, or a field is missing, of the wrong kind or out of range; the
            message names the field.
    """
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - one kind of error to catch
    audio = _table(data, "audio")
    espeak = _table(data, "espeak")
    inference = data.get("inference") or {}
    voice = str(espeak.get("voice", ""))
    if not voice:
        raise ValueError("espeak.voice is missing")
    kind = str(data.get("phoneme_type", "espeak"))
    if kind not in {item.value for item in PhonemeType}:
        raise ValueError(f"phoneme_type '{kind}' is not supported")
    language = data.get("language") or {}
    code = str(language.get("code", voice)) if isinstance(language, dict) else voice
    return VoiceConfig(
        rate_hz=int(_number(audio, "sample_rate", 8000, 48000)),
        espeak_voice=voice,
        language=code.replace("_", "-"),
        phoneme_type=PhonemeType(kind),
        phoneme_ids=_phoneme_ids(_table(data, "phoneme_id_map")),
        noise_scale=_number(inference, "noise_scale", 0, 2, 0.667),
        length_scale=_number(inference, "length_scale", 0.1, 10, 1.0),
        duration_noise_scale=_number(inference, "noise_w", 0, 2, 0.8),
        speakers=int(_number(data, "num_speakers", 1, 100_000, 1)),
        default_speaker=int(_number(data, "default_speaker_id", 0, 100_000, 0)),
    )


def _table(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    if not isinstance(value, dict):
        raise ValueError(f"{key} is missing")  # noqa: TRY004 - one kind of error to catch
    return value


def _number(
    data: Mapping[str, Any], key: str, low: float, high: float, default: float | None = None
) -> float:
    value = data.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{key} is missing or no number")
    if not low <= value <= high:
        raise ValueError(f"{key} is {value}, outside {low} to {high}")
    return float(value)


def _phoneme_ids(data: Mapping[str, Any]) -> Mapping[str, tuple[int, ...]]:
    table: dict[str, tuple[int, ...]] = {}
    for phoneme, ids in data.items():
        if not isinstance(ids, list) or not all(
            isinstance(item, int) and not isinstance(item, bool) and item >= 0 for item in ids
        ):
            raise ValueError(f"phoneme_id_map.{phoneme} is no list of ids")
        table[phoneme] = tuple(ids)
    for mark in (PAD, BOS, EOS):
        if not table.get(mark):
            raise ValueError(f"phoneme_id_map lacks the mark '{mark}'")
    return MappingProxyType(table)
