"""How well and how fast are pages read, beside plain tesseract and RapidOCR in the same run.

Character error rate (CER) is the edit distance over the length of the truth, after Unicode NFKC,
straight quotes and dashes, every bullet glyph at a line start as "-", and any run of white space
as one space (none at all for Chinese, Japanese and Thai). Words broken over line ends count as
wrong where the reader left them broken. Recall and precision are of the bag of words, without
case. Dose phrases are the truth's numbers with a unit of an amount; one counts as read where the
text has exactly the same. Reading order and headings: ``voxedge.bench.page_structure``. "first" is
the time until the first words were handed on, as a share of the time of the whole page.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import statistics
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from voxedge.bench.ocr_peers import PeerText, clocked, plain_tesseract, rapidocr
from voxedge.bench.page_structure import Headings, headings_of, order_of
from voxedge.document.figures import NumberKind, canonical, figures_in
from voxedge.document.model import Document, Section
from voxedge.engines.ocr.images import load_frame
from voxedge.engines.ocr.languages import bcp47, is_unspaced
from voxedge.engines.protocols import PageReader
from voxedge.errors import UsageError, VoxedgeError
from voxedge.flow import Frame

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}
_PHOTOGRAPH = {".jpg", ".jpeg", ".webp"}
_BULLET = re.compile(r"^\s*[•●▪*+«¢°·]\s+", re.MULTILINE)
_DENSE_LETTERS = 1500
"""A page with more is dense."""


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
    doses: int = 0
    doses_read: int = 0
    tau: float | None = None
    blocks: int = 0
    blocks_found: int = 0
    headings: Headings | None = None

    @property
    def first_share(self) -> float:
        """Time until the first words, in times of the whole page; 1 where nothing came."""
        return self.first_section_s / self.wall_s if self.first_section_s else 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """One picture."""

    picture: str
    group: str
    language: str
    voxedge: Result
    tesseract: Result | None
    rapidocr: Result | None = None
    letters: int = 0


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


def find_headings(picture: Path) -> str | None:
    """Return the true headings beside a picture (``X.headings.txt``), None where none are."""
    stem = picture.stem
    while stem:
        listed = picture.with_name(stem + ".headings.txt")
        if listed.is_file():
            return listed.read_text(encoding="utf-8")
        stem = stem.rpartition("_")[0]
    return None


def count_doses(text: str, truth: str) -> tuple[int, int]:
    """Return how many dose phrases the truth has, and how many of them stand in the text."""
    read = Counter(canonical(phrase) for phrase in _doses(text))
    wanted = Counter(canonical(phrase) for phrase in _doses(" ".join(truth.split())))
    return wanted.total(), (wanted & read).total()


def _doses(text: str) -> list[str]:
    return [text[f.start : f.end] for f in figures_in(text) if f.kind is NumberKind.DOSE]


def result_of(text: str, truth: str, language: str, wall_s: float, cpu_s: float) -> Result:
    """Judge a text: everything but what needs the tree of the document."""
    unspaced = is_unspaced(language)
    cer, wer, recall, precision = score(text, truth, unspaced=unspaced)
    order = order_of(text, truth, unspaced=unspaced)
    doses, doses_read = count_doses(text, truth)
    return Result(
        cer, wer, recall, precision, wall_s, cpu_s,
        doses=doses, doses_read=doses_read,
        tau=order.tau, blocks=order.total, blocks_found=order.found,
    )  # fmt: skip


def measure(
    picture: Path, truth: str, language: str, reader: PageReader, listed: str | None = None
) -> Result:
    """Read one picture with voxedge; ``listed`` are its true headings where they are known."""
    wall, cpu = time.monotonic(), _cpu_s()
    first: float | None = None
    sections: list[Section] = []
    error = ""
    try:
        for part in reader.start(load_frame(picture), language):
            first = time.monotonic() - wall if first is None else first
            sections += part
    except VoxedgeError as failure:
        error = type(failure).__name__
    wall, cpu = time.monotonic() - wall, _cpu_s() - cpu
    document = Document(tuple(sections), (), bcp47(language))
    text = "\n".join(paragraph.text for paragraph in document.paragraphs)
    return replace(
        result_of(text, truth, language, wall, cpu),
        first_section_s=first,
        error=error,
        headings=headings_of(document, truth, listed),
    )


def measure_peer(
    frame: Frame, truth: str, language: str, peer: Callable[[Frame, str], PeerText]
) -> Result:
    """Read one picture with a peer, upright but otherwise as it is."""
    read, wall, cpu = clocked(lambda: peer(frame, language), _cpu_s)
    return replace(result_of(read.text, truth, language, wall, cpu), error=read.error)


def run(
    paths: Sequence[Path], *, language: str | None = None, peer: bool = True, peers: bool = False
) -> list[Row]:
    """Measure every picture that has a truth file, one after the other.

    Args:
        paths: folders and pictures.
        language: of all of them; None to guess it of each.
        peer: plain tesseract too.
        peers: RapidOCR too.

    Raises:
        UsageError: no such pictures, or RapidOCR is wanted and not installed.
        OcrMissing: tesseract is not installed.
    """
    from voxedge.compose import open_reader

    reader = open_reader()
    rapid = rapidocr() if peers else None
    if peers and rapid is None:
        raise UsageError(reason="RapidOCR is not installed: pip install 'voxedge[peers]'.")
    rows = []
    for picture in pictures_in(paths):
        truth_file = find_truth(picture)
        if truth_file is None:
            continue
        truth = truth_file.read_text(encoding="utf-8")
        spoken = language or guess_language(picture, truth)
        ours = measure(picture, truth, spoken, reader, find_headings(picture))
        frame = load_frame(picture)
        rows.append(
            Row(
                picture.name,
                _group(picture),
                spoken,
                ours,
                measure_peer(frame, truth, spoken, plain_tesseract) if peer or peers else None,
                measure_peer(frame, truth, spoken, rapid) if rapid is not None else None,
                sum(map(str.isalnum, truth)),
            )
        )
    if not rows:
        raise UsageError(reason="No pictures with a truth file (X.gt.txt or X.txt) were found.")
    return rows


def summary(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Return the medians of each group; doses and headings are added up."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    if len(groups) > 1:
        groups["all"] = list(rows)
    return {name: _summary(members) for name, members in groups.items()}


def _summary(members: Sequence[Row]) -> dict[str, float]:
    ours = [row.voxedge for row in members]
    line = {
        "pictures": float(len(members)),
        "cer": statistics.median(r.cer for r in ours),
        "wer": statistics.median(r.wer for r in ours),
        "recall": statistics.median(r.recall for r in ours),
        "precision": statistics.median(r.precision for r in ours),
        "cpu_s": statistics.median(r.cpu_s for r in ours),
        "first_section_share": statistics.median(r.first_share for r in ours),
        **_tallies(ours),
    }
    dense = [row.voxedge.first_share for row in members if row.letters >= _DENSE_LETTERS]
    if dense:
        line["first_share_dense"] = statistics.median(dense)
    judged = [r.headings for r in ours if r.headings is not None and r.headings.total]
    if judged:
        line["headings"] = float(sum(h.total for h in judged))
        line["headings_found"] = sum(h.found for h in judged) / line["headings"]
        line["headings_false"] = float(sum(h.false for h in judged))
    for name in ("tesseract", "rapidocr"):
        peers = [result for row in members if (result := getattr(row, name)) is not None]
        if peers:
            line[f"{name}_cer"] = statistics.median(r.cer for r in peers)
            line[f"{name}_recall"] = statistics.median(r.recall for r in peers)
            line[f"{name}_cpu_s"] = statistics.median(r.cpu_s for r in peers)
            line.update({f"{name}_{key}": value for key, value in _tallies(peers).items()})
    return line


def _tallies(results: Sequence[Result]) -> dict[str, float]:
    tally: dict[str, float] = {}
    if doses := sum(r.doses for r in results):
        tally["doses_read"] = sum(r.doses_read for r in results) / doses
    taus = [r.tau for r in results if r.tau is not None]
    if taus:
        tally["tau"] = statistics.fmean(taus)
        tally["blocks_found"] = sum(r.blocks_found for r in results) / max(
            1, sum(r.blocks for r in results)
        )
    return tally


def report(rows: Sequence[Row]) -> str:
    """Return the table for people."""
    names = [name for name in ("tesseract", "rapidocr") if any(getattr(r, name) for r in rows)]
    head = (
        f"{'picture':<24} {'lang':<7} {'CER':>6} {'WER':>6} {'recall':>6} {'prec':>5} "
        f"{'doses':>7} {'tau':>6} {'blocks':>7} {'heads':>7} {'CPU s':>6} {'first':>5}"
    )
    above = " " * len(head)
    for name in names:
        head += f" | {'CER':>6} {'doses':>7} {'tau':>6} {'CPU s':>6}"
        above += f" | {name:<28}"
    lines = [above.rstrip(), head]
    for row in rows:
        ours = row.voxedge
        heads = ours.headings
        line = (
            f"{row.picture[:24]:<24} {row.language:<7} {ours.cer:6.3f} {ours.wer:6.3f} "
            f"{ours.recall:6.2f} {ours.precision:5.2f} {_of(ours.doses_read, ours.doses)} "
            f"{_tau(ours)} {_of(ours.blocks_found, ours.blocks)} "
            f"{_of(heads.found, heads.total) if heads else '':>7} {ours.cpu_s:6.2f} "
            f"{ours.first_share:5.2f}"
        )
        for name in names:
            peer = getattr(row, name)
            line += (
                f" | {peer.cer:6.3f} {_of(peer.doses_read, peer.doses)} {_tau(peer)} "
                f"{peer.cpu_s:6.2f}"
            )
        lines.append(f"{line} {ours.error}".rstrip())
    lines.append("")
    for name, medians in summary(rows).items():
        values = "  ".join(f"{key} {value:.3f}" for key, value in medians.items())
        lines.append(f"median {name}: {values}")
    return "\n".join(lines)


def _of(part: int, whole: int) -> str:
    return f"{part}/{whole}".rjust(7)


def _tau(result: Result) -> str:
    return "     -" if result.tau is None else f"{result.tau:6.3f}"


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
    parser.add_argument("--peers", action="store_true", help="RapidOCR alone too")
    options = parser.parse_args(arguments)
    try:
        paths = options.paths or default_paths()
        rows = run(paths, language=options.lang, peer=not options.no_peer, peers=options.peers)
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
