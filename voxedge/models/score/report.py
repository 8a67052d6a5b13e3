"""A page to look at and listen to, the WAV files beside it, and the figures as JSON."""

from __future__ import annotations

import base64
import html
import io
import json
import wave
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voxedge.models.score.metrics import spectrogram
from voxedge.models.score.render import Rendering
from voxedge.models.score.scoring import SentenceScore, VoiceScore, table

Floats = npt.NDArray[np.float32]

_TOP_HZ = 8000
_RANGE_DB = 80
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
pre{background:#f4f4f4;padding:1rem;overflow:auto}
section{border-top:1px solid #999;padding:1rem 0}
figure{display:inline-block;margin:0 1rem 0 0;max-width:47%}
img{max-width:100%}
"""


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence with its sound and its figures."""

    rendering: Rendering
    score: SentenceScore


def write_report(
    folder: Path,
    voice: str,
    score: VoiceScore,
    examples: Sequence[Example],
    scores: Sequence[SentenceScore],
    rate_hz: int,
) -> Path:
    """Write ``index.html``, ``score.json`` and two WAV files for each example.

    Args:
        folder: where to; made if missing.
        voice: name for the heading.
        score: the table.
        examples: sentences to show, the worst first if you ask a listener.
        scores: all sentences, for the JSON.
        rate_hz: samples a second.

    Returns:
        The page.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for number, example in enumerate(examples, 1):
        files = []
        for role, samples in (
            ("original", example.rendering.reference),
            ("candidate", example.rendering.candidate),
        ):
            name = f"{number:03}-{role}.wav"
            write_wav(folder / name, samples, rate_hz)
            files.append((role, name, picture(samples, rate_hz)))
        parts.append(_section(number, example.score, files))
    data = {"voice": voice, "summary": score.as_json(), "sentences": [asdict(s) for s in scores]}
    (folder / "score.json").write_text(json.dumps(data, indent=1), encoding="utf-8")
    title = html.escape(f"{voice}: candidate beside original")
    page = folder / "index.html"
    page.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1><pre>{html.escape(table(score))}</pre>"
        + "".join(parts)
        + "</html>\n",
        encoding="utf-8",
    )
    return page


def write_wav(path: Path, samples: Floats, rate_hz: int) -> None:
    """Mono, 16 bit."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def picture(samples: Floats, rate_hz: int) -> bytes:
    """Spectrogram up to 8 kHz as PNG, dark is loud."""
    from PIL import Image

    levels = 20 * np.log10(np.maximum(spectrogram(samples, 1024, 128), 1e-6))
    top = int(_TOP_HZ / rate_hz * 1024)
    levels = levels[:, :top].T[::-1]
    loud = np.clip((levels - levels.max() + _RANGE_DB) / _RANGE_DB, 0, 1)
    out = io.BytesIO()
    Image.fromarray((255 * (1 - loud)).astype(np.uint8)).save(out, "PNG", optimize=True)
    return out.getvalue()


def _section(number: int, score: SentenceScore, files: Sequence[tuple[str, str, bytes]]) -> str:
    figures = "".join(
        f"<figure><figcaption>{role}</figcaption>"
        f'<img alt="Spectrogram of the {role}, 0 to 8 kHz" '
        f'src="data:image/png;base64,{base64.b64encode(png).decode()}">'
        f'<br><audio controls preload="none" src="{name}" aria-label="{role}, sentence {number}">'
        "</audio></figure>"
        for role, name, png in files
    )
    facts = (
        f"DNSMOS {score.reference_mos:.2f} and {score.candidate_mos:.2f}; words misheard "
        f"{score.reference_errors} and {score.candidate_errors} of {score.words}; "
        f"log-mel {score.log_mel:.3f}"
    )
    return (
        f"<section><h2>{number}. {html.escape(score.text)}</h2><p>{facts}</p>{figures}"
        f"<p>Heard: {html.escape(score.reference_heard)} / {html.escape(score.candidate_heard)}"
        "</p></section>"
    )
