"""The tesseract program: one call, its answers and its ways to fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from voxedge.engines.ocr.languages import debian_package
from voxedge.errors import LanguageMissing, OcrFailed, OcrMissing
from voxedge.vision.illumination import Grey

PSM_COLUMN = 4
"""A single column of text of variable sizes. On level strips of one column it loses nothing
against full layout analysis (3) and, unlike a single block (6), reads no specks."""
PSM_BLOCK = 6
"""A single block of lines of one size."""
PSM_LINE = 7
"""One line of text."""
PSM_SPARSE = 11
"""As much text as possible in no particular order."""

_TSV_COLUMNS = 12
_WORD_LEVEL = "5"
_PROGRAM = "tesseract"
_QUICK_CALL_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class TsvWord:
    """One word of tesseract's TSV; pixels of the picture it was given.

    Attributes:
        text: printed word, not empty.
        left: pixel.
        top: pixel.
        right: exclusive.
        bottom: exclusive.
        confidence: 0 to 1.
        line: (block, paragraph, line) as tesseract numbers them.
        second: what the second reader has in its place, None where it was not asked.
    """

    text: str
    left: int
    top: int
    right: int
    bottom: int
    confidence: float
    line: tuple[int, int, int]
    second: str | None = None


@dataclass(frozen=True, slots=True)
class Installation:
    """What is on this machine.

    Attributes:
        version: "5.3.0".
        languages: installed codes, sorted, without "osd".
        tessdata: folder of the language data, None where tesseract did not say.
    """

    version: str
    languages: tuple[str, ...]
    tessdata: Path | None

    def require(self, language: str) -> None:
        """Raise ``LanguageMissing`` unless every part of "tur+eng" is installed."""
        for part in language.split("+"):
            if part not in self.languages:
                raise LanguageMissing(
                    language=part,
                    installed=", ".join(self.languages) or "none",
                    package=debian_package(part),
                )


def find_installation() -> Installation:
    """Ask tesseract what it is and knows. Two short processes.

    Raises:
        OcrMissing: no program of that name.
        OcrFailed: it does not answer sensibly.
    """
    version = re.search(r"tesseract v?(\d+[\w.\-]*)", _ask("--version"))
    if version is None:
        raise OcrFailed(reason="tesseract does not tell its version")
    listing = _ask("--list-langs").splitlines()
    folder = re.search(r'"(.+)"', listing[0]) if listing else None
    languages = sorted({line.strip() for line in listing[1:]} - {"", "osd"})
    return Installation(
        version[1], tuple(languages), Path(folder[1]) if folder is not None else None
    )


def installed_languages() -> list[str]:
    """Return the installed language codes, sorted; see ``find_installation`` for errors."""
    return list(find_installation().languages)


def recognise(
    grey: Grey, language: str, *, psm: int, sauvola: bool = False, timeout_s: float
) -> list[TsvWord]:
    """Run tesseract on one picture. Blocking; one process, one thread.

    Args:
        grey: ``uint8`` ``[h, w]``.
        language: Tesseract code or codes joined by "+".
        psm: page segmentation mode.
        sauvola: local threshold instead of Otsu's global one.
        timeout_s: the process is ended after this long.

    Returns:
        Words in tesseract's order; empty where it saw none.

    Raises:
        OcrMissing: the program vanished.
        OcrFailed: crash, time-out, or an answer that is no TSV.
    """
    import pytesseract
    from PIL import Image

    if shutil.which(_PROGRAM) is None:
        raise OcrMissing
    # pytesseract passes our environment on. Threads inside tesseract only fight each other
    # (tesseract-ocr/tesseract#2611: 15.2 s with, 3.1 s without).
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")
    options = f"-c tessedit_create_tsv=1 --psm {psm} --dpi 300" + (
        " -c thresholding_method=2" if sauvola else ""
    )
    picture = Image.fromarray(grey)
    # What pytesseract writes the picture as: PNG compression would cost a tenth of the whole.
    picture.format = "PPM"
    try:
        # Not image_to_data: it first asks for the version, without a time limit.
        answer = pytesseract.run_and_get_output(
            picture, "tsv", lang=language, config=options, timeout=timeout_s
        )
    except pytesseract.TesseractNotFoundError:
        raise OcrMissing from None
    except pytesseract.TesseractError as problem:
        raise OcrFailed(reason=f"tesseract ended with status {problem.status}") from None
    except RuntimeError:
        # pytesseract's only other RuntimeError is its time-out.
        raise OcrFailed(reason=f"tesseract did not answer within {timeout_s:.0f} s") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise OcrFailed(reason=f"tesseract's answer cannot be read: {problem}") from problem
    return parse_tsv(str(answer))


def parse_tsv(answer: str) -> list[TsvWord]:
    """Read tesseract's TSV.

    Raises:
        OcrFailed: it has no header or a row that does not fit.
    """
    # Tesseract quotes nothing; splitlines would cut at U+2028.
    rows = [line.split("\t") for line in answer.split("\n")]
    if rows[0][:1] != ["level"] or len(rows[0]) != _TSV_COLUMNS:
        raise OcrFailed(reason="tesseract's answer is not a table")
    words = []
    for row in rows[1:]:
        if row[0] != _WORD_LEVEL:
            continue
        try:
            block, paragraph, line = (int(cell) for cell in row[2:5])
            left, top, width, height = (int(cell) for cell in row[6:10])
            confidence = float(row[10])
            text = row[11].strip()
        except (ValueError, IndexError):
            raise OcrFailed(reason="tesseract's answer has a damaged row") from None
        if not 0.0 <= confidence <= 100.0 or width < 0 or height < 0:
            raise OcrFailed(reason="tesseract's answer has numbers out of range")
        if text:
            words.append(
                TsvWord(
                    text,
                    left,
                    top,
                    left + width,
                    top + height,
                    confidence / 100.0,
                    (block, paragraph, line),
                )
            )
    return words


def _ask(option: str) -> str:
    program = shutil.which(_PROGRAM)
    if program is None:
        raise OcrMissing
    try:
        done = subprocess.run(
            [program, option],
            capture_output=True,
            timeout=_QUICK_CALL_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise OcrFailed(reason="tesseract does not answer") from None
    except OSError as problem:
        raise OcrFailed(reason=f"tesseract cannot be started: {problem}") from problem
    if done.returncode != 0:
        raise OcrFailed(reason=f"tesseract ended with status {done.returncode}")
    # tesseract 3 and 4 answer on stderr.
    return (done.stdout or done.stderr).decode("utf-8", "replace")
