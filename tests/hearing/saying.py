"""Commands as espeak-ng says them, for tests with real recognisers."""

import io
import subprocess
from typing import Any

import soundfile

from voxedge.audio.resample import resample
from voxedge.bench.asr_noise import mixed, white
from voxedge.bench.asr_speakers import trimmed


def speech_of(phrase: str, voice: str = "en-us+m3") -> Any:
    command = ["espeak-ng", "-v", voice, "-s", "155", "--stdout", phrase]
    done = subprocess.run(command, capture_output=True, check=True)
    samples, rate_hz = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
    return trimmed(resample(samples, rate_hz, 16_000))


def spoken(phrase: str, voice: str = "en-us+m3") -> Any:
    return mixed(speech_of(phrase, voice), white, 25.0, 1)
