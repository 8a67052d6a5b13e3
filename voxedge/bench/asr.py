"""How well commands are heard: by voice and noise, false accepts, speed.

Speakers are espeak-ng's variants and, where given, folders of recordings named after what is said
(``go_to_page_three.wav``), so that other voices can be measured too: the device's own voice is
never the only speaker. Noise is pink-like (Voss, 1978: most rooms) at a given ratio of the
powers of speech and noise. Every accepted clip of ``reject`` is a false accept.

``python -m voxedge.bench.asr [--speakers DIR ...] [--reject DIR ...]``
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxedge.audio.resample import resample
from voxedge.audio.sound_file import read_speech
from voxedge.commands.grammar import Grammar, build
from voxedge.commands.language import CommandLanguage, load
from voxedge.commands.parse import parse, understand
from voxedge.engines.asr.hosted import open_recogniser
from voxedge.engines.asr.protocol import RATE_HZ, Recogniser
from voxedge.errors import FormantVoiceMissing

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatSamples = npt.NDArray[np.float32]
    Int16Samples = npt.NDArray[np.int16]

SNR_DB = (20, 10, 5)
ESPEAK = (("+m3", 160, 50), ("+f2", 150, 60), ("+m7", 140, 35), ("+f4", 175, 65))
"""Variant, words a minute, pitch."""

EDGE_S = 0.3
"""Of noise before and after a clip, as an endpointer leaves it."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A spoken command.

    Attributes:
        speaker: whose voice.
        phrase: what is said.
        samples: ``float32`` ``[n]``, 16 kHz.
    """

    speaker: str
    phrase: str
    samples: FloatSamples


def espeak_clips(phrases: Sequence[str], language: str) -> Iterator[Clip]:
    """Yield each phrase by each variant of espeak-ng.

    Raises:
        FormantVoiceMissing: espeak-ng is not installed.
    """
    import soundfile

    base = {"en": "en-us", "zh": "cmn", "ko": "ko"}.get(language, language)
    for variant, rate, pitch in ESPEAK:
        for phrase in phrases:
            command = ["espeak-ng", "-v", base + variant, "-s", str(rate), "-p", str(pitch)]
            try:
                done = subprocess.run(
                    [*command, "--stdout", phrase], capture_output=True, check=True, timeout=20
                )
            except FileNotFoundError as error:
                raise FormantVoiceMissing from error
            samples, rate_hz = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
            yield Clip(f"espeak-ng {base}{variant}", phrase, resample(samples, rate_hz, RATE_HZ))


def folder_clips(folder: Path) -> Iterator[Clip]:
    """Yield the recordings of one speaker."""
    for path in sorted(folder.glob("*.wav")):
        samples = read_speech(path).astype(np.float32) / 32768.0
        yield Clip(folder.name, path.stem.replace("_", " "), samples)


def with_noise(samples: FloatSamples, snr_db: float, seed: int) -> Int16Samples:
    """Return the clip with edges and noise, at 0.6 of full scale."""
    random = np.random.default_rng(seed)
    edge = np.zeros(round(EDGE_S * RATE_HZ), dtype=np.float32)
    whole = np.concatenate([edge, samples, edge])
    spectrum = np.fft.rfft(random.standard_normal(len(whole)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 20.0), len(whole))
    loud = samples[np.abs(samples) > 0.01]
    power = float(np.mean(np.square(loud))) if len(loud) else 1e-6
    noise *= np.sqrt(power / 10 ** (snr_db / 10) / np.mean(np.square(noise)))
    mixed = whole + noise
    mixed *= 0.6 / max(1e-9, float(np.max(np.abs(mixed))))
    return np.asarray(mixed * 32767, dtype=np.int16)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure.

    Attributes:
        language: of the commands.
        engine: "best" of those installed, "pocketsphinx" or "vosk".
        speakers: names of families of voices, or folders of recordings.
        every: one phrase in so many.
        hours: of noise and speech in which nothing is a command.
        reject: folders in which nothing is a command.
    """

    language: str = "en"
    engine: str = "best"
    speakers: tuple[str, ...] = ("espeak", "flite")
    every: int = 3
    hours: float = 0.0
    reject: tuple[Path, ...] = ()


def run(plan: Plan) -> dict[str, Any]:
    """Measure. Blocking; minutes."""
    folders = [Path(name) for name in plan.speakers if Path(name).is_dir()]
    return {**_run(plan.language, folders, plan.reject, plan.every), "bars": []}


def _run(
    language: str = "en",
    speakers: Sequence[Path] = (),
    reject: Sequence[Path] = (),
    every: int = 3,
    engine: Recogniser | None = None,
) -> dict[str, Any]:
    """Measure. Blocking; minutes.

    Args:
        language: of the commands.
        speakers: folders of recordings.
        reject: folders in which nothing is a command.
        every: take one phrase in so many.
        engine: None for the best one installed.

    Returns:
        ``accuracy`` by speaker and ratio, ``false_accepts``, ``real_time_factor`` and the
        milliseconds of CPU from the end of speech to the action, median and 95th percentile.
    """
    words = load(language)
    grammar = build(words)
    engine = engine or open_recogniser(language)
    engine.set_grammar(grammar)
    phrases = list(grammar.phrases())[::every]
    clips = [*espeak_clips(phrases, words.tag), *(c for f in speakers for c in folder_clips(f))]
    counts: dict[tuple[str, int], list[int]] = {}
    waits_ms: list[float] = []
    spent_s = heard_s = 0.0
    for seed, clip in enumerate(clips):
        wanted = parse(clip.phrase, words, grammar)
        if wanted is None:
            continue
        for snr_db in SNR_DB:
            sound = with_noise(clip.samples, snr_db, seed)
            made, wait_ms, took_s = _hear(engine, sound, words, grammar)
            waits_ms.append(wait_ms)
            spent_s, heard_s = spent_s + took_s, heard_s + len(sound) / RATE_HZ
            counts.setdefault((clip.speaker, snr_db), []).append(
                1 if made == wanted else (0 if made is None else -1)
            )
    false, reject_s = [], 0.0
    for path in (p for folder in reject for p in sorted(folder.glob("*.wav"))):
        sound = read_speech(path)
        reject_s += len(sound) / RATE_HZ
        made, _, _ = _hear(engine, sound, words, grammar)
        if made is not None:
            false.append({"clip": path.name, "action": made.action.label})
    return {
        "engine": engine.name,
        "language": words.tag,
        "clips": len(clips),
        "accuracy": [
            {
                "speaker": speaker,
                "snr_db": snr_db,
                "right": round(c.count(1) / len(c), 3),
                "wrong": round(c.count(-1) / len(c), 3),
            }
            for (speaker, snr_db), c in counts.items()
        ],
        "false_accepts": {"clips": false, "seconds": round(reject_s, 1)},
        "real_time_factor": round(spent_s / heard_s, 3) if heard_s else None,
        "end_to_action_ms": _percentiles(waits_ms),
    }


def _hear(
    engine: Recogniser, sound: Int16Samples, words: CommandLanguage, grammar: Grammar
) -> tuple[Any, float, float]:
    began_s = time.process_time()
    heard = None
    for start in range(0, len(sound), RATE_HZ // 10):
        early = engine.feed(sound[start : start + RATE_HZ // 10])
        heard = early if early is not None and early.final else heard
    ended_s = time.process_time()
    last = engine.finish()
    heard = last if last.text or heard is None else heard
    made = understand(heard.text, heard.confidence, words, grammar).intent
    now_s = time.process_time()
    return made, 1000 * (now_s - ended_s), now_s - began_s


def _percentiles(values: Sequence[float]) -> dict[str, float] | None:
    if len(values) < 2:
        return None
    return {
        "median": round(statistics.median(values), 1),
        "p95": round(statistics.quantiles(values, n=20)[-1], 1),
    }


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    lines = [f"{'speaker':28}" + "".join(f"{snr:>8} dB" for snr in SNR_DB)]
    rows: dict[str, dict[int, str]] = {}
    for row in result["accuracy"]:
        rows.setdefault(row["speaker"], {})[row["snr_db"]] = f"{100 * row['right']:.0f} %"
    lines += [
        f"{speaker:28}" + "".join(f"{cells.get(snr, ''):>11}" for snr in SNR_DB)
        for speaker, cells in rows.items()
    ]
    false = result["false_accepts"]
    lines.append(
        f"false accepts: {len(false['clips'])} in {false['seconds']:.0f} s of other speech"
    )
    wait = result["end_to_action_ms"] or {"median": 0, "p95": 0}
    lines.append(
        f"{result['engine']} ({result['language']}): real-time factor "
        f"{result['real_time_factor']}, end of speech to action {wait['median']} ms, "
        f"95th percentile {wait['p95']} ms of CPU"
    )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lang", default="en")
    parser.add_argument("--speakers", nargs="*", type=Path, default=[])
    parser.add_argument("--reject", nargs="*", type=Path, default=[])
    parser.add_argument("--every", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = _run(arguments.lang, arguments.speakers, arguments.reject, arguments.every)
    print(json.dumps(result, indent=2) if arguments.json else table(result))


if __name__ == "__main__":
    main()
