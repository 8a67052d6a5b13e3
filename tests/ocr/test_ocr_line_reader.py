from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from voxedge.document.figures import canonical
from voxedge.document.numbers import numbers_of
from voxedge.engines.ocr.images import load_frame
from voxedge.engines.ocr.line_reader import PaddleLineReader, decode, network_input
from voxedge.engines.ocr.number_check import NumberCheck
from voxedge.engines.ocr.reader import TesseractReader
from voxedge.errors import OcrFailed, ReaderMissing
from voxedge.models.readers import find_reader

FONT = "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf"


@pytest.fixture(scope="module")
def reader():
    try:
        entry, model = find_reader()
    except ReaderMissing as missing:
        pytest.skip(str(missing))
    return PaddleLineReader(model, entry.name)


def crop(text, size_px=32):
    font = ImageFont.truetype(FONT, size_px)
    picture = Image.new("L", (round(font.getlength(text)) + 30, size_px + 20), 255)
    ImageDraw.Draw(picture).text((15, 6), text, font=font, fill=20)
    return np.asarray(picture)


def test_ctc_joins_repeats_and_parts_them_at_blanks():
    steps = np.zeros((7, 3), np.float32)
    for step, label in enumerate([1, 1, 0, 1, 2, 2, 0]):
        steps[step, label] = 0.9
    steps[1, 1] = 0.95
    read = decode(steps, ("", "5", "0"))
    assert read.text == "550"
    assert read.certainty == pytest.approx((0.95, 0.9, 0.9))


def test_nothing_is_read_from_blanks():
    steps = np.zeros((4, 3), np.float32)
    steps[:, 0] = 1.0
    assert decode(steps, ("", "5", "0")).text == ""


@pytest.mark.parametrize("shape", [(40, 100), (10, 31, 3), (200, 50), (48, 1)])
def test_the_network_is_given_its_height_and_whole_steps(shape):
    picture = network_input(np.full(shape, 255, np.uint8))
    assert picture.shape[:3] == (1, 3, 48)
    assert picture.shape[3] % 8 == 0
    assert picture.dtype == np.float32
    assert picture.max() <= 1.0


@pytest.mark.parametrize(
    "text",
    [
        "take 5 mg",
        "0.5 mg/5 ml",
        "1,000 people",
        "25 °C",
        "06/2027",
        "12.5 µg",
        "5-10 ml",
        "850 IU",
    ],
)
def test_numbers_in_print_are_read_exactly(reader, text):
    (line,) = reader.read([crop(text)])
    assert canonical(line.text) == canonical(text)
    assert min(line.certainty) > 0.5


def test_white_paper_and_slivers_give_nothing(reader):
    white = np.full((40, 200), 255, np.uint8)
    sliver = np.zeros((2, 40), np.uint8)
    assert [line.text.strip() for line in reader.read([white, sliver])] == ["", ""]


@pytest.mark.parametrize("content", [b"", b"no network", b"\x08\x07" * 50])
def test_a_damaged_network_is_told(tmp_path, content):
    path = tmp_path / "reader.onnx"
    path.write_bytes(content)
    with pytest.raises(OcrFailed):
        PaddleLineReader(path, "damaged")


def test_a_missing_network_is_told(tmp_path):
    with pytest.raises(OcrFailed):
        PaddleLineReader(tmp_path / "none.onnx", "missing")


def test_the_leaflet_that_ships_has_certain_numbers(reader, pytestconfig):
    picture = pytestconfig.rootpath / "voxedge" / "testing" / "data" / "leaflet.jpg"
    check = NumberCheck(reader.name, lambda: reader)
    document = TesseractReader(numbers=check).read(load_frame(picture), "eng")
    truth = (picture.with_suffix(".txt")).read_text(encoding="utf-8")
    numbers = [number for _, number in numbers_of(document)]
    certain = [number for number in numbers if number.is_certain]
    assert len(certain) >= 0.9 * len(numbers) > 5
    assert all(number.text.split()[0] in truth for number in certain)


def test_without_a_second_reader_no_number_is_certain(pytestconfig):
    picture = pytestconfig.rootpath / "voxedge" / "testing" / "data" / "leaflet.jpg"
    document = TesseractReader().read(load_frame(picture), "eng")
    numbers = [number for _, number in numbers_of(document)]
    assert numbers
    assert not any(number.is_certain or number.is_checked for number in numbers)
