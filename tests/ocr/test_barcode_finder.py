"""Codes made by zxing-cpp's own writer, found on warped pictures; and decoders that misbehave."""

from __future__ import annotations

import datetime
import threading

import cv2
import numpy as np
import pytest
import zxingcpp

from voxedge.document.gs1 import parse_label
from voxedge.document.model import Box, Code
from voxedge.engines.barcode.finder import CodeFinder, open_code_finder

MEDICINE = "(01)09501101530003(17)270731(10)B4172K(21)12345"
TODAY = datetime.date(2026, 11, 23)


def symbol(content, name, scale=5, **options):
    made = zxingcpp.create_barcode(content, getattr(zxingcpp.BarcodeFormat, name), **options)
    return np.array(made.to_image(scale=scale))


def photographed(code, *, turn_deg=0.0, size=(1000, 800), blur=0.8, seed=0):
    """Lay a code on grey card, warp, blur and grain it."""
    rng = np.random.default_rng(seed)
    width, height = size
    card = np.full((height, width), 205, np.uint8)
    top, left = (height - code.shape[0]) // 2, (width - code.shape[1]) // 2
    card[top : top + code.shape[0], left : left + code.shape[1]] = code * 0.75 + 30
    corners = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    wander = rng.uniform(-0.04, 0.04, (4, 2)).astype(np.float32) * [width, height]
    warp = cv2.getPerspectiveTransform(corners, (corners + wander).astype(np.float32))
    turn = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), turn_deg, 1.0), [0, 0, 1]])
    seen = cv2.warpPerspective(card, turn @ warp, size, borderMode=cv2.BORDER_REPLICATE)
    seen = cv2.GaussianBlur(seen, (0, 0), blur).astype(np.float64)
    seen += rng.normal(0, 4, seen.shape)
    return np.clip(seen, 0, 255).astype(np.uint8)


def found_in(picture, finder=None):
    finder = finder or open_code_finder()
    return finder.end(finder.begin(picture))


@pytest.mark.parametrize("turn_deg", [0, 17, 90, 180, 251])
def test_a_datamatrix_tells_product_lot_and_expiry_however_it_lies(turn_deg):
    picture = photographed(symbol(MEDICINE, "DataMatrix", gs1=True), turn_deg=turn_deg)
    (code,) = found_in(picture)
    assert code.is_gs1
    assert code.symbology == "Data Matrix"
    label = parse_label(code.text, TODAY)
    assert (label.gtin, label.lot) == ("09501101530003", "B4172K")
    assert label.expiry == datetime.date(2027, 7, 31)
    assert code.box.left < 500 < code.box.right
    assert code.box.top < 400 < code.box.bottom


@pytest.mark.parametrize(
    ("content", "name", "options"),
    [
        ("9501101530003", "EAN13", {}),
        ("(01)09501101530003(17)270731(10)B4172K", "Code128", {"gs1": True}),
        ("https://example.org/leaflet", "QRCode", {}),
    ],
)
def test_other_codes_of_boxes(content, name, options):
    made = symbol(content, name, scale=2 if name != "QRCode" else 6, **options)
    if made.shape[0] < 100 and name != "QRCode":
        made = np.repeat(made, 3, axis=0)
    (code,) = found_in(photographed(made, turn_deg=3, blur=0.5))
    assert code.text.replace("\x1d", "") == "".join(c for c in content if c not in "()")


def test_print_without_a_code_has_none():
    noise = np.random.default_rng(1).integers(0, 255, (400, 400), np.uint8)
    assert found_in(noise) == ()
    assert found_in(np.zeros((1, 1), np.uint8)) == ()


def test_a_large_picture_is_shrunk_and_its_boxes_are_not():
    small = photographed(symbol(MEDICINE, "DataMatrix", scale=12, gs1=True))
    large = cv2.resize(small, (4000, 3200), interpolation=cv2.INTER_CUBIC)
    (code,) = found_in(large)
    assert code.box.left < 2000 < code.box.right
    assert code.box.width_px > 700


def test_a_decoder_that_crashes_leaves_the_page_without_codes_and_is_asked_again(caplog):
    answers = iter([RuntimeError("boom"), (Code("EAN-13", "1", Box(0, 0, 1, 1)),)])

    def decode(_grey):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    finder = CodeFinder(lambda: decode)
    picture = np.zeros((4, 4), np.uint8)
    assert found_in(picture, finder) == ()
    assert "the code reader failed" in caplog.text
    assert len(found_in(picture, finder)) == 1


def test_a_decoder_that_hangs_is_given_up_and_not_asked_again(caplog):
    hang = threading.Event()
    asked = []

    def decode(_grey):
        asked.append(1)
        hang.wait(20)
        return ()

    finder = CodeFinder(lambda: decode, deadline_s=0.05)
    picture = np.zeros((4, 4), np.uint8)
    try:
        assert found_in(picture, finder) == ()
        assert found_in(picture, finder) == ()
    finally:
        hang.set()
    assert len(asked) == 1
    assert "did not answer" in caplog.text


def test_without_the_library_pages_have_no_codes(caplog):
    def missing():
        raise ImportError("zxingcpp")

    finder = CodeFinder(missing)
    picture = np.zeros((4, 4), np.uint8)
    assert found_in(picture, finder) == ()
    assert found_in(picture, finder) == ()
    assert caplog.text.count("not installed") == 1
