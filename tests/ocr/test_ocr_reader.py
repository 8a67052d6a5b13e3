"""The whole way with the real tesseract, on our own pages and on the photographs beside us."""

import re
import statistics
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from voxedge import errors
from voxedge.bench import ocr as bench
from voxedge.document.hyphens import join_parts
from voxedge.document.model import Document, Role
from voxedge.engines.ocr.images import load_frame
from voxedge.engines.ocr.reader import TesseractReader
from voxedge.flow import Frame
from voxedge.testing.photo import CameraModel, photograph
from voxedge.testing.typeset import PageStyle, plain_text, render

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "voxedge" / "testing" / "data"
SHARED = ROOT.parent / "shared"
shared = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared photographs beside the project"),
]


@pytest.fixture(scope="module")
def reader() -> TesseractReader:
    return TesseractReader()


@pytest.fixture(scope="module")
def leaflet() -> Frame:
    return load_frame(DATA / "leaflet.jpg")


@pytest.fixture(scope="module")
def truth() -> str:
    return (DATA / "leaflet.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read(reader: TesseractReader, leaflet: Frame) -> Document:
    return reader.read(leaflet, "eng")


def cer(document: Document, truth: str, *, unspaced: bool = False) -> float:
    return bench.score(document.text, truth, unspaced=unspaced)[0]


def test_the_photograph_that_ships(read: Document, truth: str) -> None:
    assert cer(read, truth) <= 0.005
    assert read.language == "en"
    assert re.fullmatch(r"tesseract \d+\.\d+.*", read.engine)
    for dose in ("500 mg", "5-10 mL", "every 6 to 8 hours", "b.i.d.", "25 °C", "EXP 08/2028"):
        assert dose in read.text.replace("\n", " "), dose


def test_its_headings_are_found(read: Document) -> None:
    headings = [section.heading for section in read.sections if section.heading]
    numbered = [heading for heading in headings if heading[0].isdigit()]
    assert [heading[0] for heading in numbered] == ["1", "2", "3", "4", "5"]
    assert headings[0] == "Paracetamol 500 mg tablets"
    assert len(headings) <= 8


def test_its_list_items_are_found(read: Document) -> None:
    items = [p.text for p in read.paragraphs if p.role is Role.LIST_ITEM]
    assert [item.split()[1] for item in items] == ["Adults:", "Children", "Where"]


def test_a_sentence_over_two_columns_is_one(read: Document) -> None:
    sentences = [s.text for p in read.paragraphs for s in p.sentences]
    assert any(s.endswith("every 6 to 8 hours.") for s in sentences)


def test_boxes_lie_on_the_page_in_reading_order(read: Document, leaflet: Frame) -> None:
    words = [w for p in read.paragraphs for s in p.sentences for w in s.words]
    for word in words:
        assert 0 <= word.box.left < word.box.right <= leaflet.width_px + 1
        assert 0 <= word.box.top < word.box.bottom <= leaflet.height_px + 1
        assert 0.0 <= word.confidence <= 1.0
    first, last = words[0].box, words[-1].box
    assert first.left < 200
    assert first.top < 350
    assert last.left > leaflet.width_px // 2


def test_progressive_reading_is_the_reading(
    reader: TesseractReader, leaflet: Frame, read: Document
) -> None:
    parts = list(reader.read_progressively(leaflet, "eng"))
    assert len(parts) >= 2
    assert tuple(chain.from_iterable(parts)) == read.sections
    assert parts[0][0].heading == "Paracetamol 500 mg tablets"


def test_the_first_section_comes_before_the_page_is_read(
    leaflet: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    from voxedge.engines.ocr import recogniser

    calls: list[int] = []
    real = recogniser.recognise

    def counting(*args: object, **kwargs: object) -> object:
        calls.append(1)
        return real(*args, **kwargs)

    monkeypatch.setattr(recogniser, "recognise", counting)
    sections = TesseractReader().read_progressively(leaflet, "eng")
    next(sections)
    before = len(calls)
    for _ in sections:
        pass
    assert before == 1
    assert len(calls) >= 3


def test_who_stops_listening_is_let_go(reader: TesseractReader, leaflet: Frame) -> None:
    sections = reader.read_progressively(leaflet, "eng")
    assert isinstance(sections, Iterator)
    assert next(sections)
    sections.close()
    assert next(sections, None) is None


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_pictures_are_read_upright(
    reader: TesseractReader, leaflet: Frame, truth: str, turns: int
) -> None:
    turned = Frame(np.ascontiguousarray(np.rot90(leaflet.pixels, turns)))
    document = reader.read(turned, "eng", page=4)
    assert cer(document, truth) <= 0.02
    (page,) = document.pages
    assert page.rotation == turns * 90
    assert (page.width, page.height) == (leaflet.width_px, leaflet.height_px)
    word = document.paragraphs[0].sentences[0].words[0]
    assert word.page == 4
    assert word.box.left < 200
    assert word.box.top < 350


HYPHENATED = """
Acetaminophen and antihistamines are sometimes combined in pharmaceutical preparations which
are recommended for temporary relief of uncomfortable symptoms, provided that practitioners
consider contraindications, particularly hypersensitivity and hepatotoxicity, before
recommending continuous administration to hospitalised individuals.
"""


def test_words_broken_over_lines_are_joined(reader: TesseractReader) -> None:
    text = " ".join(HYPHENATED.split())
    style = PageStyle(width_px=560, height_px=900, size_px=30, margin_px=50, hyphenate=True)
    page = render(text, style)
    assert cer(reader.read(Frame(page), "eng"), text) <= 0.02


def test_light_print_on_a_dark_page(reader: TesseractReader) -> None:
    text = "Keep this medicine out of the reach of children at all times. " * 4
    page = 255 - render(text, PageStyle(width_px=900, height_px=500, size_px=32, margin_px=60))
    assert cer(reader.read(Frame(page), "eng"), text) <= 0.02


def test_a_hard_light(reader: TesseractReader) -> None:
    text = (DATA / "leaflet.md").read_text(encoding="utf-8")
    camera = CameraModel(
        width_px=1500, height_px=1900, shadow=0.6, glare=0.4, lamp=0.5, exposure=0.7, noise=5.0,
        tilt_deg=5.0, perspective=0.03, curl=0.01, table="dark",
    )  # fmt: skip
    sheet = render(text, PageStyle(columns=2, size_px=30, width_px=1240, height_px=1500))
    photo = photograph(sheet, camera, seed=11)
    assert cer(reader.read(Frame(photo), "eng"), plain_text(text)) <= 0.05


def blank() -> np.ndarray:
    return np.full((800, 600), 240, np.uint8)


def noise() -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.clip(rng.normal(128, 30, (600, 800, 3)), 0, 255).astype(np.uint8)


def shapes() -> np.ndarray:
    image = Image.new("RGB", (900, 700), (180, 200, 230))
    draw = ImageDraw.Draw(image)
    draw.ellipse((200, 150, 500, 450), fill=(220, 60, 40))
    draw.polygon([(500, 600), (650, 250), (800, 600)], fill=(40, 120, 60))
    draw.rectangle((0, 620, 900, 700), fill=(90, 70, 50))
    return np.asarray(image)


@pytest.mark.parametrize("picture", [blank, noise, shapes])
def test_nothing_to_read(reader: TesseractReader, picture) -> None:
    with pytest.raises(errors.NothingToRead, match="somewhere"):
        reader.read(Frame(picture(), source="somewhere"), "eng")


def test_a_tiny_picture_has_nothing(reader: TesseractReader) -> None:
    with pytest.raises(errors.NothingToRead):
        reader.read(Frame(np.full((16, 16), 200, np.uint8)), "eng")


def test_an_unknown_language(reader: TesseractReader, leaflet: Frame) -> None:
    with pytest.raises(errors.LanguageMissing, match="tesseract-ocr-xx-yy"):
        reader.read(leaflet, "eng+xx_yy")


def test_a_time_limit(leaflet: Frame) -> None:
    with pytest.raises(errors.OcrFailed, match="within"):
        TesseractReader(timeout_s=0.01).read(leaflet, "eng")


def test_two_languages_at_once(reader: TesseractReader, leaflet: Frame, truth: str) -> None:
    document = reader.read(leaflet, "fra+eng")
    assert document.language == "fr"
    assert cer(document, truth) <= 0.02


def test_join_parts_needs_no_dictionary() -> None:
    assert join_parts("para-", "cetamol", lambda _: False) == "paracetamol"


class TestShared:
    pytestmark = shared

    @pytest.mark.parametrize("name", ["qrd0", "qrd1", "df0", "zh0"])
    def test_mild_leaflets(self, reader: TesseractReader, name: str) -> None:
        row = self.measure(reader, SHARED / "leaflets" / f"{name}_L1_A.jpg")
        assert row.cer <= 0.03

    @pytest.mark.slow
    def test_medium_leaflets(self, reader: TesseractReader) -> None:
        pictures = sorted((SHARED / "leaflets").glob("*_L2_?.jpg"))
        assert len(pictures) >= 8
        assert statistics.median(self.measure(reader, p).cer for p in pictures) <= 0.10

    @pytest.mark.parametrize("name", ["hist_geo_upright", "svt_upright", "svt_sideways"])
    def test_documents(self, reader: TesseractReader, name: str) -> None:
        assert self.measure(reader, SHARED / "photos" / "documents" / f"{name}.jpg").cer <= 0.08

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["m10", "m11", "m12", "m13", "m14"])
    def test_boxes(self, reader: TesseractReader, name: str) -> None:
        (picture,) = (SHARED / "photos" / "boxes").glob(f"{name}_*.jpg")
        assert self.measure(reader, picture).recall >= 0.6

    @staticmethod
    def measure(reader: TesseractReader, picture: Path) -> bench.Result:
        truth_file = bench.find_truth(picture)
        assert truth_file is not None
        truth = truth_file.read_text(encoding="utf-8")
        language = bench.guess_language(picture, truth)
        return bench.measure(picture, truth, language, reader)
