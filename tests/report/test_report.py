"""The report of how a page was read: pictures of every step, one page, nobody else's business."""

import base64
import io
import re
import shutil
import stat
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from voxedge.cli.main import build_parser, main
from voxedge.document.model import Box, Document, Page, Paragraph, Role, Section, Sentence, Word
from voxedge.errors import OutputUnwritable
from voxedge.flow import Frame
from voxedge.report.collect import Collected
from voxedge.report.draw import CERTAIN, DOUBTFUL, POOR, SURE, blocks, marks_of_words
from voxedge.report.html import report_html
from voxedge.report.write import Run, write_report

LEAFLET = Path(__file__).parents[2] / "voxedge" / "testing" / "data" / "leaflet.jpg"
needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="tesseract is not installed"
)


class Pictures(HTMLParser):
    """Every address in a page, and the pictures that stand in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.alternatives: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "srcset"):
                self.addresses.append(value or "")
            if name == "alt":
                self.alternatives.append(value or "")


@needs_tesseract
def test_a_report_of_a_photograph_stands_alone_and_is_private(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "how" / "it was read"
    assert main(["read", "--silent", "--debug", str(folder), str(LEAFLET)]) == 0
    assert "report.html" in capsys.readouterr().err
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    names = {path.stem for path in folder.glob("*.jpg")}
    assert {f"page-1-{name}" for name in ("picture", "regions", "blocks", "words")} <= names
    assert {f"page-1-region-1-{step}" for step in ("level", "ink", "words")} <= names

    text = (folder / "report.html").read_text(encoding="utf-8")
    page = Pictures(text)
    assert page.addresses
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.addresses)
    assert not re.search(r"https?:|url\(|@import|<script", text)
    assert all(page.alternatives), "a picture without words is nothing to whoever cannot see it"
    assert len(page.addresses) == len(list(folder.glob("*.jpg")))
    for address in page.addresses:
        with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as picture:
            assert min(picture.size) > 30
            assert max(picture.size) <= 1400
    assert "Paracetamol" in text
    assert "500 mg" in text


@needs_tesseract
def test_a_report_of_scattered_print_and_of_a_failure(tmp_path: Path) -> None:
    box = np.full((600, 800, 3), 235, np.uint8)
    image = Image.fromarray(box)
    from PIL import ImageDraw, ImageFont

    font = ImageFont.load_default(64)
    ImageDraw.Draw(image).text((120, 200), "Ibuprofen\n400 mg", fill=(10, 10, 10), font=font)
    picture = tmp_path / "box.png"
    image.save(picture)
    blank = tmp_path / "blank.png"
    Image.fromarray(box).save(blank)
    folder = tmp_path / "report"
    assert main(["read", "--silent", "--debug", str(folder), str(blank), str(picture)]) == 6
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "No text was found" in text
    assert "400" in text
    assert (folder / "page-1-words.jpg").exists()


def test_nothing_is_written_unless_it_was_asked_for() -> None:
    parser = build_parser()
    assert parser.parse_args(["read", "x.jpg"]).report is None
    both = parser.parse_args(["--debug", "read", "--debug", "folder", "x.jpg"])
    assert both.debug
    assert both.report == Path("folder")
    assert not parser.parse_args(["read", "--debug", "folder", "x.jpg"]).debug


def document(*words: Word) -> Document:
    heading = Paragraph((Sentence((Word("Dose", Box(0, 0, 40, 10), 0.95),)),), Role.HEADING)
    body = Paragraph((Sentence(words),))
    return Document((Section((heading, body)),), (Page(200, 200),), "en", "test")


def test_words_are_coloured_by_certainty_and_numbers_by_two_readers() -> None:
    found = document(
        Word("take", Box(0, 20, 20, 30), 0.9, 0, "take"),
        Word("5", Box(25, 20, 30, 30), 0.9, 0, "5"),
        Word("mg", Box(35, 20, 50, 30), 0.9, 0, "mg"),
        Word("or", Box(55, 20, 60, 30), 0.2, 0, "or"),
        Word("40", Box(65, 20, 75, 30), 0.9, 0, "10"),
        Word("mg", Box(80, 20, 95, 30), 0.9, 0, "mg"),
    )
    colours = [mark.colour for mark in marks_of_words(found, 0)]
    assert colours == [SURE, SURE, CERTAIN, CERTAIN, POOR, DOUBTFUL, DOUBTFUL]
    assert marks_of_words(found, 1) == []


def test_a_paragraph_that_goes_on_in_the_next_column_has_two_parts() -> None:
    found = document(
        Word("at", Box(0, 100, 20, 110), 0.9),
        Word("the", Box(0, 115, 20, 125), 0.9),
        Word("top", Box(100, 5, 120, 15), 0.9),
    )
    assert [len(block.parts) for block in blocks(found, 0)] == [1, 2]


def test_what_was_printed_cannot_become_markup() -> None:
    found = document(Word("<script>alert(1)</script>", Box(0, 0, 9, 9), 0.1, 0, '"&<b>'))
    text = report_html(found, (), ("<i>failed</i>",), {"read": 12.0}, "1")
    assert "script" not in Pictures(text).tags
    assert "i" not in Pictures(text).tags
    assert "&lt;script&gt;" in text


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(OutputUnwritable):
        write_report(file / "in", Collected(), Run(None, (), {}))


def test_a_page_that_failed_leaves_its_number_to_the_next() -> None:
    collected = Collected()
    for level in (10, 20):
        collected.took(Frame(np.full((8, 8), level, np.uint8), f"{level}"))
        collected._page(0).angle_deg = level
    assert collected.pages[0].frame.source == "20"
    assert collected.pages[0].upright(90).shape == (8, 8)
