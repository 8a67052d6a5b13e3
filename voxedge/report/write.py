"""Writes a report: one folder with the pictures, and one page of HTML that holds them all.

What it holds is private: the folder and its files can be read by their owner only, and the page
asks nothing from any network.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import voxedge
from voxedge.document.model import Document
from voxedge.errors import OutputUnwritable
from voxedge.report import draw
from voxedge.report.collect import Collected, PageSeen
from voxedge.report.html import Figure, PagePart, report_html

REPORT = "report.html"
_JPEG_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of the whole run.

    Attributes:
        document: what was read, None where nothing was.
        failures: what went wrong, as sentences.
        timings_ms: by name.
    """

    document: Document | None
    failures: tuple[str, ...]
    timings_ms: Mapping[str, float]


def write_report(folder: Path, collected: Collected, run: Run) -> Path:
    """Write pictures and page; return the path of the page.

    Args:
        folder: made with mode 0700 where it is not there; files get 0600.
        collected: the steps.
        run: the outcome.

    Raises:
        OutputUnwritable: the folder cannot be made, or a file not written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        parts = []
        for number, page in sorted(collected.pages.items()):
            if run.document is None or number >= len(run.document.pages):
                continue
            figures = _figures(page, run.document, number)
            for figure in figures:
                _write(folder / f"page-{number + 1}-{figure.name}.jpg", figure.jpeg)
            parts.append(
                PagePart(number, page.frame.source, page.angle_deg, _scores(page), figures)
            )
        text = report_html(
            run.document, tuple(parts), run.failures, run.timings_ms, voxedge.__version__
        )
        _write(folder / REPORT, text.encode())
    except OSError as error:
        raise OutputUnwritable(path=folder, reason=error.strerror or str(error)) from error
    return folder / REPORT


def _figures(page: PageSeen, document: Document, number: int) -> tuple[Figure, ...]:
    upright = page.upright(document.pages[number].rotation)
    found = [Figure("picture", "The picture, upright", _jpeg(draw.draw_plain(upright)))]
    if page.regions:
        found.append(
            Figure(
                "regions",
                "Regions in reading order; their sides follow perspective and curl",
                _jpeg(draw.draw_regions(upright, page.regions)),
            )
        )
    for at, region in enumerate(page.regions, start=1):
        found += [
            Figure(f"region-{at}-level", f"Region {at}, level", _jpeg(region.strip.grey)),
            Figure(f"region-{at}-ink", f"Region {at}, its ink", _jpeg(draw.draw_ink(region.ink))),
            Figure(
                f"region-{at}-words",
                f"Region {at}, words by confidence",
                _jpeg(draw.draw_strip_words(region.strip.grey, region.words)),
            ),
        ]
    if page.scattered is not None:
        grey, words = page.scattered
        found.append(
            Figure(
                "scattered",
                "Read as scattered print: words by confidence",
                _jpeg(draw.draw_strip_words(grey, words)),
            )
        )
    return (
        *found,
        Figure(
            "blocks",
            "Blocks in reading order",
            _jpeg(draw.draw_blocks(upright, draw.blocks(document, number))),
        ),
        Figure(
            "words",
            "Words by certainty",
            _jpeg(draw.draw_marks(upright, draw.marks_of_words(document, number))),
        ),
    )


def _scores(page: PageSeen) -> tuple[tuple[int, int], ...]:
    return tuple((region.good, region.total) for region in page.regions)


def _jpeg(picture: draw.Picture) -> bytes:
    from PIL import Image

    height, width = picture.shape[:2]
    image = Image.fromarray(picture)
    if max(height, width) > draw.LONG_SIDE_PX:
        image.thumbnail((draw.LONG_SIDE_PX, draw.LONG_SIDE_PX))
    held = io.BytesIO()
    image.save(held, "JPEG", quality=_JPEG_QUALITY)
    return held.getvalue()


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        # A file that was there before keeps its mode otherwise.
        os.fchmod(handle, 0o600)
        file.write(data)
