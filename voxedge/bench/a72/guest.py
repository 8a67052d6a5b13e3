"""Speak a sentence or hear a command, with a mark at each border of stages; here or inside QEMU.

The same file on both sides makes the comparison one of processors only. A mark is a ``getppid()``,
which the counting plugin sees; outside QEMU it costs a microsecond.

With ``--follow`` every network still runs, but what is handed on is what it answered on the other
side: each then gets the very inputs it got there, and a difference is its own.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MODULES = (
    "numpy",
    "onnxruntime",
    "onnx",
    "cv2",
    "PIL.Image",
    "pytesseract",
    "sounddevice",
    "soundfile",
    "soxr",
    "rapidfuzz.fuzz",
    "piper",
)
"""What the device's programs import."""

OUTSIDE = "python"
"""Stage of everything that is no network: phonemes, prior, sound from spectra, bookkeeping."""


class Marks:
    """Borders between stages, and what the networks answered.

    Args:
        follow: answers of the other side by their names, to hand on instead of our own.
    """

    def __init__(self, follow: Mapping[str, npt.NDArray[Any]] | None = None) -> None:
        self._follow = follow or {}
        self._runs = 0
        self.stages: list[str] = []
        self.answers: dict[str, npt.NDArray[Any]] = {}
        self.first_audio_mark = 0

    def begin(self) -> None:
        """Count from here."""
        os.getppid()

    def end(self, stage: str) -> None:
        """Everything since the last border was this stage's."""
        os.getppid()
        self.stages.append(stage)

    def answered(self, stage: str, answer: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Keep an answer of a network; give what is to be handed on."""
        name = f"{self._runs:03}.{stage}"
        self._runs += 1
        self.answers[name] = np.asarray(answer)
        return self._follow.get(name, answer)

    def watch_networks(self) -> None:
        """Mark every run of every network loaded from now on, by the name of its file."""
        import onnxruntime

        marks = self

        class Watched(onnxruntime.InferenceSession):  # type: ignore[misc]
            def __init__(self, path: str, *arguments: Any, **options: Any) -> None:
                super().__init__(path, *arguments, **options)
                # "flow.0" to "flow.3" are one stage to a reader.
                self._stage = re.sub(r"\.\d+$", "", Path(path).stem)

            def run(self, *arguments: Any, **options: Any) -> Any:
                marks.end(OUTSIDE)
                answers = super().run(*arguments, **options)
                marks.end(self._stage)
                return [marks.answered(self._stage, answer) for answer in answers]

        onnxruntime.InferenceSession = Watched


def speak_whole(marks: Marks, model: Path, config: Path, text: str) -> Any:
    """Speak with the official model, as piper-tts does: one run for the sentence."""
    from voxedge.engines.tts.network import open_session
    from voxedge.engines.tts.phonemes import Phonemizer
    from voxedge.engines.tts.voice_config import parse_voice_config

    settings = parse_voice_config(config.read_text(encoding="utf-8"))
    session = open_session(model, threads=1)
    phonemizer = Phonemizer(settings)
    next(iter(phonemizer.sentences("Warm.")))
    marks.begin()
    ids = next(iter(phonemizer.sentences(text))).ids
    feed = {
        "input": np.array([ids], dtype=np.int64),
        "input_lengths": np.array([len(ids)], dtype=np.int64),
        "scales": np.array([0.0, settings.length_scale, 0.0], dtype=np.float32),
    }
    samples = np.asarray(session.run(None, feed)[0]).ravel()
    marks.first_audio_mark = len(marks.stages)
    marks.end(OUTSIDE)
    return samples


def open_network(folder: Path, student: Path | None, facts: str) -> Any:
    """Load a built voice, its frame-rate stages replaced by a student if there is one."""
    from voxedge.engines.tts.assets import load_assets
    from voxedge.engines.tts.harmonic import HarmonicFormat
    from voxedge.engines.tts.network import VoiceNetwork
    from voxedge.engines.tts.student import StudentFiles, StudentNetwork

    assets = load_assets(folder.name, folder)
    if student is None:
        return VoiceNetwork(assets, threads=1)
    data = json.loads(facts)
    files = StudentFiles(
        student / data["student"],
        HarmonicFormat(**data["form"]),
        data["context"],
        tuple((reach, width) for reach, width in data["caches"]),
    )
    return StudentNetwork(assets, student / data["text_encoder"], files, threads=1)


def speak_staged(
    marks: Marks, network: Any, text: str, durations: npt.NDArray[np.float32] | None = None
) -> Any:
    """Speak with a built voice as the engine does, chunk by chunk, without noise.

    Args:
        marks: told of borders; keeps the durations that the network itself gave.
        network: the voice.
        text: what to speak.
        durations: the other side's: one that is rounded to another number of frames would make
            sentences of different lengths, which cannot be compared.
    """
    from voxedge.engines.tts.durations import allot_frames, chunk_plan
    from voxedge.engines.tts.phonemes import Phonemizer
    from voxedge.engines.tts.piper_onnx import PiperSettings, kept_frames

    settings, config = PiperSettings(), network.assets.config
    phonemizer = Phonemizer(config)
    next(iter(phonemizer.sentences("Warm.")))
    marks.begin()
    sentence = next(iter(phonemizer.sentences(text)))
    encoded = network.encode(sentence.ids, None, 0.0, config.default_speaker)
    marks.answers["durations"] = encoded.durations
    timed = encoded.durations if durations is None else durations
    frames = allot_frames(timed, config.length_scale, 1.0)
    prior = np.repeat(encoded.mean, frames, axis=1)
    begin, end = kept_frames(frames, sentence.lead, sentence.tail)
    sizes = chunk_plan(
        end - begin,
        settings.first_chunk_frames,
        settings.chunk_growth,
        settings.largest_chunk_frames,
    )
    chunks: list[npt.NDArray[np.float32]] = []
    for chunk in network.decode(prior, sizes, begin, config.default_speaker):
        if not chunks:
            marks.end(OUTSIDE)
            marks.first_audio_mark = len(marks.stages)
        chunks.append(chunk)
    marks.end(OUTSIDE)
    return np.concatenate(chunks)


HEARD_S = 1.5
"""Of the sound that the second listener judges: a long command."""

BEGINNINGS, STEPS = 10, 4
"""What it follows at once, and how many tokens a long command goes on for after the first."""


def listen(marks: Marks, weights: Path, graphs: Path) -> None:
    """Have the second listener judge a sound as it judges a command of four more tokens."""
    from voxedge.engines.asr.whisper_file import read_weights
    from voxedge.engines.asr.whisper_mel import RATE_HZ, log_mel
    from voxedge.engines.asr.whisper_net import WhisperNet

    net = WhisperNet(graphs, read_weights(weights).arrays, threads=1)
    # A buzz with the rhythm of syllables: what Whisper makes of it is the same everywhere.
    time_s = np.arange(round((HEARD_S + 0.3) * RATE_HZ), dtype=np.float32) / RATE_HZ
    buzz = np.sign(np.sin(2 * np.pi * 120 * time_s)) * np.maximum(0, np.sin(2 * np.pi * 4 * time_s))
    marks.begin()
    heard = net.hear(log_mel((0.1 * buzz).astype(np.float32)))
    _, known = net.begin(heard, np.array([50257, 50362]))
    known = known.take(np.zeros(BEGINNINGS, dtype=np.int64))
    for step in range(STEPS):
        tokens = np.arange(BEGINNINGS, dtype=np.int64) + 300 * (step + 1)
        _, known = net.step(heard, known, tokens)
    marks.end(OUTSIDE)


def versions() -> dict[str, str]:
    """Import everything the device's programs import, and say which version it is.

    Raises:
        ImportError: one does not load here.
    """
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in MODULES:
        module = importlib.import_module(name)
        found[name] = str(getattr(module, "__version__", "present"))
    return found


def main() -> None:
    """Entry of the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("imports", "whole", "staged", "listen"))
    parser.add_argument(
        "path",
        type=Path,
        nargs="?",
        help="official model, folder of a voice, or weights of the listener",
    )
    parser.add_argument("--student", type=Path, help="folder of its student")
    parser.add_argument("--facts", default="{}", help="what the student's file means, as JSON")
    parser.add_argument("--graphs", type=Path, help="folder of the listener's graphs")
    parser.add_argument("--text", default="Hello.")
    parser.add_argument("--follow", type=Path, help="answers.npz of the other side")
    parser.add_argument("--timing", type=Path, help="answers.npz whose durations to speak with")
    parser.add_argument("--out", type=Path, help="folder for facts.json and answers.npz")
    options = parser.parse_args()
    if options.what == "imports":
        print(json.dumps(versions()))
        return
    marks = Marks(_answers(options.follow))
    marks.watch_networks()
    if options.what == "listen":
        listen(marks, options.path, options.graphs)
        facts: dict[str, Any] = {"audio_s": HEARD_S}
        said: dict[str, npt.NDArray[Any]] = {}
    else:
        if options.what == "whole":
            config = options.path.with_name(options.path.name + ".json")
            samples = speak_whole(marks, options.path, config, options.text)
        else:
            config = options.path / "voice.json"
            network = open_network(options.path, options.student, options.facts)
            durations = _answers(options.timing).get("durations")
            samples = speak_staged(marks, network, options.text, durations)
        rate_hz = _rate_hz(config)
        facts = {"audio_s": len(samples) / rate_hz, "rate_hz": rate_hz}
        said = {"samples": samples}
    facts |= {"stages": marks.stages, "first_audio_mark": marks.first_audio_mark}
    (options.out / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    answers: dict[str, Any] = {**said, **marks.answers}
    np.savez(options.out / "answers.npz", **answers)


def _answers(path: Path | None) -> dict[str, npt.NDArray[Any]]:
    if path is None:
        return {}
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def _rate_hz(config: Path) -> int:
    from voxedge.engines.tts.voice_config import parse_voice_config

    return parse_voice_config(config.read_text(encoding="utf-8")).rate_hz


if __name__ == "__main__":
    main()
