"""The files of a built voice and what they mean.

A voice is one *text encoder* and a chain of *frame-rate stages*:

* text encoder: ``input`` ``int64 [1, tokens]``, ``input_lengths`` ``int64 [1]``, ``scales``
  ``float32 [3]`` (unused, unused, duration noise), ``duration_noise`` ``float32 [1, 2, tokens]``
  and, with several speakers, ``sid`` ``int64 [1]``; out come ``mean`` and ``log_scale``
  ``float32 [1, C, tokens]`` and ``durations`` ``float32 [1, 1, tokens]`` in frames, not rounded.
* each frame-rate stage: ``x`` ``float32 [1, C, n]`` (and ``sid``) to ``y``
  ``float32 [1, D, n * upsampling]``. The first is fed the prior sample, the last gives samples.

The voice builder (``voxedge.models``) writes them; a lighter network only has to keep this form.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxedge.engines.tts.voice_config import VoiceConfig, parse_voice_config
from voxedge.errors import VoiceCorrupt, VoiceMissing

STAGES_FILE = "stages.json"
CONFIG_FILE = "voice.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class FrameStage:
    """One link of the chain from the prior sample to the samples.

    Attributes:
        name: for messages ("decoder.1").
        path: its ONNX file.
        halo: steps of its input needed beyond each end of a chunk, so that the chunk equals the
            same stretch of a whole run.
        upsampling: output steps for each input step.
        takes_speaker: whether it has the input ``sid``.
    """

    name: str
    path: Path
    halo: int
    upsampling: int
    takes_speaker: bool = False


@dataclass(frozen=True, slots=True)
class StudentAssets:
    """A student's file and what must be known of it.

    Attributes:
        path: ONNX file.
        context: frames on each side that a frame hangs on.
        caches: frames and width of what each of its convolutions keeps.
    """

    path: Path
    context: int
    caches: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class LightAssets:
    """Lighter networks of a voice: a text encoder, and a student in place of the chain.

    Attributes:
        recipe: how they were made ("student", "fp32").
        text_encoder: ONNX file.
        student: what decodes.
        fft_size: of its spectra, in samples.
        hop: samples for each frame.
        lighter: what decodes where the device cannot afford the other one (``VoiceKind.LIGHT``).
    """

    recipe: str
    text_encoder: Path
    student: StudentAssets
    fft_size: int
    hop: int
    lighter: StudentAssets | None = None


@dataclass(frozen=True, slots=True)
class VoiceAssets:
    """A built voice, ready to load.

    Attributes:
        name: the voice's name in the manifest.
        folder: where its files lie.
        config: phonemes, sample rate, default scales.
        text_encoder: ONNX file of the text encoder.
        frame_stages: the chain, in order.
        model_sha256: digest of the model that everything was derived from; the cache key of
            rendered speech.
        draws_duration_noise: whether the text encoder has the input ``duration_noise``.
        takes_speaker: whether the text encoder has the input ``sid``.
        gain_db: amplification that brings it to the loudness of the other voices; the manifest's
            business, not the builder's.
        light: what speaks instead of ``text_encoder`` and ``frame_stages``; None for themselves.
    """

    name: str
    folder: Path
    config: VoiceConfig
    text_encoder: Path
    frame_stages: tuple[FrameStage, ...]
    model_sha256: str
    draws_duration_noise: bool = True
    takes_speaker: bool = False
    gain_db: float = 0.0
    light: LightAssets | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The networks that speak; the lighter one among them is loaded when it is asked for."""
        light = self.light
        if light is not None:
            lighter = (light.lighter.path,) if light.lighter is not None else ()
            return (light.text_encoder, light.student.path, *lighter)
        return (self.text_encoder, *(stage.path for stage in self.frame_stages))

    @property
    def hop(self) -> int:
        """Samples for each frame of the prior."""
        factor = 1
        for stage in self.frame_stages:
            factor *= stage.upsampling
        return factor


def load_assets(name: str, folder: Path) -> VoiceAssets:
    """Read the description of a built voice. Blocking, fast: a few kilobytes.

    Raises:
        VoiceMissing: there is no built voice in ``folder``.
        VoiceCorrupt: its description or its files are not as the builder left them.
    """
    try:
        data = json.loads((folder / STAGES_FILE).read_text(encoding="utf-8"))
        config = parse_voice_config((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise VoiceMissing(voice=name) from error
    except (OSError, ValueError) as error:
        raise VoiceCorrupt(voice=name, reason=f"unreadable description: {error}") from error
    try:
        if data["format"] != FORMAT:
            raise VoiceCorrupt(voice=name, reason=f"built in format {data['format']}")
        assets = VoiceAssets(
            name=name,
            folder=folder,
            config=config,
            text_encoder=_present(name, folder, data["text_encoder"]),
            frame_stages=tuple(
                FrameStage(
                    name=str(item["name"]),
                    path=_present(name, folder, item),
                    halo=int(item["halo"]),
                    upsampling=int(item["upsampling"]),
                    takes_speaker=bool(item["takes_speaker"]),
                )
                for item in data["frame_stages"]
            ),
            model_sha256=str(data["model_sha256"]),
            draws_duration_noise=bool(data["draws_duration_noise"]),
            takes_speaker=bool(data["takes_speaker"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise VoiceCorrupt(voice=name, reason=f"description lacks {error}") from error
    if not assets.frame_stages:
        raise VoiceCorrupt(voice=name, reason="it has no frame-rate stage")
    return assets


def _present(name: str, folder: Path, item: dict[str, Any]) -> Path:
    """The file an entry names, checked for its size only: digests are ``verify``'s business."""
    path = folder / str(item["file"])
    size = path.stat().st_size if path.is_file() else -1
    if size != int(item["bytes"]):
        raise VoiceCorrupt(voice=name, reason=f"{path.name} has {max(size, 0)} bytes")
    return path
