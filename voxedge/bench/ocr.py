"""How well and how fast are pages read, beside plain tesseract in the same run.

Character error rate (CER) is the edit distance over the length of the truth, after Unicode NFKC,
straight quotes and dashes, every bullet glyph at a line start as "-", and any run of white space
as one space (none at all for Chinese, Japanese and Thai). Words broken over line ends count as
wrong where the reader left them broken. Recall and precision are of the bag of words, without
case.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from voxedge.engines.ocr.images import load_frame
from voxedge.engines.ocr.languages import is_unspaced
from voxedge.engines.ocr.reader import TesseractReader
from voxedge.errors import UsageError, VoxedgeError
from voxedge.flow import Frame

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}
_PHOTOGRAPH = {".jpg", ".jpeg", ".webp"}
_BULLET = re.compile(r"^\s*[•●▪*+«¢°·]\s+", re.MULTILINE)
_PEER_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Result:
    """How one reader did on one picture. Times in seconds, ``cpu_s`` with child processes."""

    cer: float
    wer: float
    recall: float
    precision: float
    wall_s: float
    cpu_s: float
    first_section_s: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One picture."""

    picture: str
    group: str
    language: str
    voxedge: Result
    tesseract: Result | None


def find_truth(picture: Path) -> Path | None:
    """Return the truth beside a picture: ``X.gt.txt``, ``X.txt``, or that of a stem's prefix.

    "qrd0_L1_A.jpg" finds "qrd0.gt.txt", "svt_sideways.jpg" finds "svt.txt".
    """
    stem = picture.stem
    while stem:
        for suffix in (".gt.txt", ".txt"):
            truth = picture.with_name(stem + suffix)
            if truth.is_file():
                return truth
        stem = stem.rpartition("_")[0]
    return None


def guess_language(picture: Path, truth: str) -> str:
    """Guess the Tesseract language: by ``X.lang`` beside the truth, else by letters of the truth.

    Good enough for choosing among the languages of a benchmark, for nothing else.
    """
    stem = picture.stem
    while stem:
        note = picture.with_name(stem + ".lang")
        if note.is_file():
            return note.read_text(encoding="utf-8").strip()
        stem = stem.rpartition("_")[0]
    if re.search(r"[\u4e00-\u9fff]", truth):
        return "chi_sim"
    if re.search(r"[ıİşŞğĞ]", truth):
        return "tur"
    if len(re.findall(r"[éèêàùçœ]|\bl[ea]s?\b|\bd'", truth)) > len(truth) / 60:
        return "fra"
    return "eng"


def normalised(text: str, *, unspaced: bool) -> str:
    """Return what is compared; see the module's docstring."""
    text = unicodedata.normalize("NFKC", _BULLET.sub("- ", text))
    text = text.translate(str.maketrans("’‘“”–—‐", "''\"\"---"))
    return re.sub(r"\s+", "" if unspaced else " ", text).strip()


def score(text: str, truth: str, *, unspaced: bool) -> tuple[float, float, float, float]:
    """Return CER, WER, and the recall and precision of the bag of words."""
    from rapidfuzz.distance import Levenshtein

    read, right = (normalised(t, unspaced=unspaced) for t in (text, truth))
    cer = Levenshtein.distance(read, right) / max(1, len(right))
    wer = Levenshtein.distance(read.split(), right.split()) / max(1, len(right.split()))
    bags = [Counter(re.findall(r"\w+", t.lower())) for t in (read, right)]
    common = sum((bags[0] & bags[1]).values())
    recall = common / max(1, sum(bags[1].values()))
    precision = common / max(1, sum(bags[0].values()))
    return cer, wer, recall, precision


def measure(picture: Path, truth: str, language: str, reader: TesseractReader) -> Result:
    """Read one picture with voxedge."""
    wall, cpu = time.monotonic(), _cpu_s()
    first: float | None = None
    parts: list[str] = []
    error = ""
    try:
        for sections in reader.read_progressively(load_frame(picture), language):
            first = time.monotonic() - wall if first is None else first
            parts += [p.text for section in sections for p in section.paragraphs]
    except VoxedgeError as failure:
        error = type(failure).__name__
    wall, cpu = time.monotonic() - wall, _cpu_s() - cpu
    scores = score("\n".join(parts), truth, unspaced=is_unspaced(language))
    return Result(*scores, wall, cpu, first, error)


def measure_peer(frame: Frame, truth: str, language: str) -> Result:
    """Read one picture with plain tesseract, upright but otherwise as it is."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.png"
        Image.fromarray(frame.pixels).save(path, compress_level=1)
        wall, cpu = time.monotonic(), _cpu_s()
        try:
            done = subprocess.run(
                ["tesseract", str(path), "-", "-l", language, "--psm", "3"],
                capture_output=True,
                timeout=_PEER_TIMEOUT_S,
                check=False,
            )
            text, error = done.stdout.decode("utf-8", "replace"), ""
        except subprocess.TimeoutExpired:
            text, error = "", "timeout"
        wall, cpu = time.monotonic() - wall, _cpu_s() - cpu
    return Result(*score(text, truth, unspaced=is_unspaced(language)), wall, cpu, None, error)


def run(paths: Sequence[Path], *, language: str | None = None, peer: bool = True) -> list[Row]:
    """Measure every picture that has a truth file, one after the other.

    Raises:
        UsageError: no such pictures.
        OcrMissing: tesseract is not installed.
    """
    reader = TesseractReader()
    rows = []
    for picture in pictures_in(paths):
        truth_file = find_truth(picture)
        if truth_file is None:
            continue
        truth = truth_file.read_text(encoding="utf-8")
        spoken = language or guess_language(picture, truth)
        ours = measure(picture, truth, spoken, reader)
        theirs = measure_peer(load_frame(picture), truth, spoken) if peer else None
        rows.append(Row(picture.name, _group(picture), spoken, ours, theirs))
    if not rows:
        raise UsageError(reason="No pictures with a truth file (X.gt.txt or X.txt) were found.")
    return rows


def summary(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Return the medians of each group."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    table = {}
    for name, members in groups.items():
        ours = [row.voxedge for row in members]
        line = {
            "pictures": float(len(members)),
            "cer": statistics.median(r.cer for r in ours),
            "wer": statistics.median(r.wer for r in ours),
            "recall": statistics.median(r.recall for r in ours),
            "precision": statistics.median(r.precision for r in ours),
            "cpu_s": statistics.median(r.cpu_s for r in ours),
            "first_section_share": statistics.median(
                (r.first_section_s or r.wall_s) / r.wall_s for r in ours
            ),
        }
        peers = [row.tesseract for row in members if row.tesseract is not None]
        if peers:
            line["tesseract_cer"] = statistics.median(r.cer for r in peers)
            line["tesseract_recall"] = statistics.median(r.recall for r in peers)
            line["tesseract_cpu_s"] = statistics.median(r.cpu_s for r in peers)
        table[name] = line
    return table


def report(rows: Sequence[Row]) -> str:
    """Return the table for people."""
    head = (
        f"{'picture':<26} {'lang':<8} {'CER':>6} {'WER':>6} {'recall':>6} {'prec':>6} "
        f"{'CPU s':>6} {'first':>6} | {'CER':>6} {'recall':>6} {'CPU s':>6}"
    )
    lines = [f"{'':<78} | plain tesseract", head]
    for row in rows:
        ours, theirs = row.voxedge, row.tesseract
        first = f"{ours.first_section_s / ours.wall_s:6.2f}" if ours.first_section_s else "     -"
        line = (
            f"{row.picture[:26]:<26} {row.language:<8} {ours.cer:6.3f} {ours.wer:6.3f} "
            f"{ours.recall:6.2f} {ours.precision:6.2f} {ours.cpu_s:6.2f} {first} | "
        )
        if theirs is not None:
            line += f"{theirs.cer:6.3f} {theirs.recall:6.2f} {theirs.cpu_s:6.2f}"
        lines.append(f"{line} {ours.error}".rstrip())
    lines.append("")
    for name, medians in summary(rows).items():
        values = "  ".join(f"{key} {value:.3f}" for key, value in medians.items())
        lines.append(f"median {name}: {values}")
    return "\n".join(lines)


def as_json(rows: Sequence[Row]) -> str:
    """Return everything measured as one JSON object: ``pictures`` and ``groups``."""
    return json.dumps(
        {"pictures": [asdict(row) for row in rows], "groups": summary(rows)},
        ensure_ascii=False,
        indent=2,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="bench-ocr", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, metavar="DIR|IMAGE")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--lang", help="Tesseract language for all pictures")
    parser.add_argument("--no-peer", action="store_true", help="leave plain tesseract out")
    options = parser.parse_args(arguments)
    try:
        paths = options.paths or default_paths()
        rows = run(paths, language=options.lang, peer=not options.no_peer)
    except VoxedgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(as_json(rows) if options.json else report(rows))
    return 0


def default_paths() -> list[Path]:
    """Return the photographs beside the project, or the one that ships with it."""
    root = Path(__file__).resolve().parents[2]
    shared = root.parent / "shared"
    if (shared / "leaflets").is_dir():
        return [shared / "leaflets", shared / "photos" / "documents", shared / "photos" / "boxes"]
    return [root / "voxedge" / "testing" / "data"]


def pictures_in(paths: Sequence[Path]) -> list[Path]:
    """Return the files named, and the photographs in the folders named."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in _SUFFIXES)
            # A rendering beside its photographs ("qrd0.png") is no photograph.
            found += [p for p in inside if p.suffix.lower() in _PHOTOGRAPH] or inside
        else:
            found.append(path)
    return found


def _group(picture: Path) -> str:
    level = re.search(r"_(L\d)(?:_|$)", picture.stem)
    return f"{picture.parent.name} {level[1]}" if level else picture.parent.name


def _cpu_s() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    raise SystemExit(main())
