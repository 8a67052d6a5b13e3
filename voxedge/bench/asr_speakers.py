"""Who speaks in the hearing's measurements, and the clips they spoke before.

Engines of four kinds, none of them the device's own alone: formants (espeak-ng), recorded units
and statistics (flite), a neural network (Kokoro-82M), and the device's own voice. Recordings of
people are folders of files named after what is said. Half of the voices are **tuned on** and half
are **held out**: no constant of a recogniser was chosen by looking at the held-out half.

Every clip is kept as a FLAC file in the cache folder: the second run costs no synthesis.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxedge.audio.resample import resample
from voxedge.audio.sound_file import read_speech
from voxedge.engines.asr.protocol import RATE_HZ
from voxedge.errors import FormantVoiceMissing, UsageError, VoxedgeError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatSamples = npt.NDArray[np.float32]

_PATIENCE_S = 30.0
_QUIET = 0.01
"""Of full scale; what is softer at the edges of a clip is no speech."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice.

    Attributes:
        name: family and voice ("flite slt").
        held_out: nothing was tuned on it.
        say: a text to ``float32`` ``[n]``, 16 kHz, from its first sound to its last. Blocking.
        phrases: what alone it can say (recordings); None for anything.
    """

    name: str
    held_out: bool
    say: Callable[[str], FloatSamples]
    phrases: tuple[str, ...] | None = None

    @property
    def family(self) -> str:
        """Of which kind it is ("flite")."""
        return self.name.partition(" ")[0]


def speakers_of(
    names: Sequence[str], language: str, cache: Path | None = None
) -> tuple[list[Speaker], dict[str, str]]:
    """Return the voices, and for each family that cannot speak here the reason.

    Args:
        names: "espeak", "flite", "kokoro", "device", or folders.
        language: BCP 47 tag.
        cache: folder of clips; None for this person's.

    Raises:
        UsageError: a name is neither a family nor a folder.
    """
    cache = cache or cache_folder()
    speakers: list[Speaker] = []
    skipped: dict[str, str] = {}
    for name in names:
        if Path(name).is_dir():
            speakers.append(_recordings(Path(name)))
            continue
        if name not in _FAMILIES:
            known = ", ".join(_FAMILIES)
            raise UsageError(reason=f"'{name}' is no folder and none of: {known}")
        try:
            found = _FAMILIES[name](language, cache)
        except VoxedgeError as error:
            skipped[name] = str(error)
            continue
        if not found:
            skipped[name] = f"it does not speak '{language}'"
        speakers += [_remembering(speaker, cache) for speaker in found]
    return speakers, skipped


def cache_folder() -> Path:
    """Return where clips and test voices are kept."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "voxedge" / "bench"


def trimmed(samples: FloatSamples) -> FloatSamples:
    """Return the clip from its first sound to its last: its end is the end of speech."""
    loud = np.flatnonzero(np.abs(samples) > _QUIET * max(1e-6, float(np.max(np.abs(samples)))))
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples


def _remembering(speaker: Speaker, cache: Path) -> Speaker:
    import soundfile

    def say(text: str) -> FloatSamples:
        key = hashlib.sha256(f"{speaker.name}\n{text}".encode()).hexdigest()[:24]
        path = cache / "clips" / f"{key}.flac"
        if path.is_file():
            return np.asarray(soundfile.read(str(path), dtype="float32")[0])
        samples = trimmed(speaker.say(text))
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
            soundfile.write(part, samples, RATE_HZ, format="FLAC", subtype="PCM_16")
        Path(part.name).rename(path)
        return samples

    return Speaker(speaker.name, speaker.held_out, say, speaker.phrases)


def _recordings(folder: Path) -> Speaker:
    clips = {path.stem.replace("_", " "): path for path in sorted(folder.glob("*.wav"))}

    def say(text: str) -> FloatSamples:
        return trimmed(read_speech(clips[text]).astype(np.float32) / 32768.0)

    return Speaker(f"recordings {folder.name}", True, say, tuple(clips))


# -- families --------------------------------------------------------------------------------------

ESPEAK = {
    "en": (
        ("en-us+m3", 160, 50, False),
        ("en-us+f2", 150, 60, False),
        ("en-gb+m7", 140, 35, True),
        ("en-us+f4", 175, 65, True),
    ),
    "zh": (("cmn+m3", 150, 50, False), ("cmn+f2", 140, 60, True)),
    "ko": (("ko+m3", 140, 50, False), ("ko+f2", 130, 60, True)),
}
"""Voice and variant, words a minute, pitch, held out."""

FLITE = (("rms", False), ("kal16", False), ("slt", True), ("awb", True))


def _espeak(language: str, _cache: Path) -> list[Speaker]:
    if shutil.which("espeak-ng") is None:
        raise FormantVoiceMissing

    def speaker(voice: str, rate: int, pitch: int, held_out: bool) -> Speaker:
        command = ["espeak-ng", "-v", voice, "-s", str(rate), "-p", str(pitch), "--stdout"]
        return Speaker(f"espeak {voice}", held_out, lambda text: _program([*command, text]))

    known = ESPEAK.get(language, ((f"{language}+m3", 150, 50, False), (language, 140, 50, True)))
    return [speaker(*row) for row in known]


def _flite(language: str, _cache: Path) -> list[Speaker]:
    if shutil.which("flite") is None:
        raise UsageError(reason="the program 'flite' is not installed: apt-get install flite")

    def speaker(voice: str, held_out: bool) -> Speaker:
        def say(text: str) -> FloatSamples:
            with tempfile.NamedTemporaryFile(suffix=".wav") as file:
                command = ["flite", "-voice", voice, "-t", text, "-o", file.name]
                subprocess.run(command, check=True, capture_output=True, timeout=_PATIENCE_S)
                return _wav(Path(file.name).read_bytes())

        return Speaker(f"flite {voice}", held_out, say)

    return [speaker(*row) for row in FLITE] if language == "en" else []


def _kokoro(language: str, cache: Path) -> list[Speaker]:
    from voxedge.bench.asr_kokoro import VOICES, open_kokoro

    voices = VOICES.get(language, ())
    if not voices:
        return []
    kokoro = open_kokoro(cache)

    def speaker(voice: str, held_out: bool) -> Speaker:
        return Speaker(
            f"kokoro {voice}", held_out, lambda text: resample(kokoro(text, voice), 24_000, RATE_HZ)
        )

    return [speaker(*row) for row in voices]


def _device(language: str, _cache: Path) -> list[Speaker]:
    if language != "en":
        return []
    import asyncio

    from voxedge.engines.tts.piper_onnx import PiperOnnxVoice, PiperSettings
    from voxedge.flow import Utterance
    from voxedge.models.manifest import load_manifest
    from voxedge.models.store import VoiceStore

    name = load_manifest().default
    voice = PiperOnnxVoice(VoiceStore().open(name), PiperSettings(threads=1))

    async def speak(text: str) -> FloatSamples:
        chunks = [chunk async for chunk in voice.stream(Utterance(text, language="en-US"))]
        joined = np.concatenate([chunk.samples for chunk in chunks])
        return resample(joined, chunks[0].rate_hz, RATE_HZ)

    return [Speaker(f"device {name}", True, lambda text: asyncio.run(speak(text)))]


_FAMILIES: dict[str, Callable[[str, Path], list[Speaker]]] = {
    "espeak": _espeak,
    "flite": _flite,
    "kokoro": _kokoro,
    "device": _device,
}


def _program(command: Sequence[str]) -> FloatSamples:
    done = subprocess.run(command, check=True, capture_output=True, timeout=_PATIENCE_S)
    return _wav(done.stdout)


def _wav(data: bytes) -> FloatSamples:
    import soundfile

    samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32")
    return resample(samples, rate_hz, RATE_HZ)
