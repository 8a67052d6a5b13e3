import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from voxedge import errors
from voxedge.engines.ocr.images import MAX_MEGAPIXELS, load_frame


def picture(width: int = 60, height: int = 40) -> Image.Image:
    """Red left half, white right half."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[:, : width // 2] = (200, 0, 0)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "bmp", "ppm"])
def test_every_format_gives_the_same_pixels(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"page.{suffix}"
    picture().save(path, **({"lossless": True} if suffix == "webp" else {}))
    frame = load_frame(path)
    assert frame.pixels.shape == (40, 60, 3)
    assert frame.pixels.dtype == np.uint8
    assert abs(int(frame.pixels[20, 10, 0]) - 200) < 6
    assert frame.pixels[20, 50].min() > 245
    assert frame.source == str(path)


def test_the_name_does_not_decide_the_format(tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    picture().save(path, format="PNG")
    assert load_frame(path).width_px == 60


@pytest.mark.parametrize(
    ("orientation", "shape", "red_at"),
    [
        (1, (40, 60), (20, 5)),
        (3, (40, 60), (20, 55)),
        (6, (60, 40), (5, 20)),
        (8, (60, 40), (55, 20)),
    ],
)
def test_exif_orientation_is_applied(
    tmp_path: Path, orientation: int, shape: tuple[int, int], red_at: tuple[int, int]
) -> None:
    path = tmp_path / "page.jpg"
    exif = Image.Exif()
    exif[274] = orientation
    picture().save(path, exif=exif)
    frame = load_frame(path)
    assert frame.pixels.shape[:2] == shape
    assert frame.pixels[red_at][1] < 60


def test_grey_stays_one_channel(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    picture().convert("L").save(path)
    assert load_frame(path).pixels.shape == (40, 60)


def test_one_bit_pictures_become_black_and_white(tmp_path: Path) -> None:
    path = tmp_path / "page.tif"
    Image.fromarray(np.arange(40 * 60).reshape(40, 60) % 2 == 0).save(path)
    assert set(np.unique(load_frame(path).pixels)) == {0, 255}


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    deep = np.full((40, 60), 60000, np.uint16)
    deep[:, :30] = 6000
    Image.fromarray(deep).save(path)
    pixels = load_frame(path).pixels
    assert abs(int(pixels[20, 10]) - 23) <= 1
    assert abs(int(pixels[20, 50]) - 233) <= 1


def test_transparent_pixels_are_white_paper(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[:, :30, 3] = 255
    Image.fromarray(pixels).save(path)
    frame = load_frame(path)
    assert frame.pixels[20, 10].max() == 0
    assert frame.pixels[20, 50].min() == 255


def test_a_palette_with_a_transparent_entry(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    indexed = picture().convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
    indexed.save(path, transparency=indexed.getpixel((0, 0)))
    assert load_frame(path).pixels[20, 10].min() == 255


def test_cmyk_is_converted(tmp_path: Path) -> None:
    path = tmp_path / "page.jpg"
    picture().convert("CMYK").save(path)
    frame = load_frame(path)
    assert frame.pixels.shape == (40, 60, 3)
    assert frame.pixels[20, 50].min() > 240


def test_of_several_pages_the_first_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    picture().save(path, save_all=True, append_images=[Image.new("RGB", (90, 90))])
    assert load_frame(path).width_px == 60


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(errors.InputMissing):
        load_frame(tmp_path / "nothing.jpg")


def test_directory(tmp_path: Path) -> None:
    with pytest.raises(errors.InputIsDirectory):
        load_frame(tmp_path)


def test_a_name_no_system_accepts() -> None:
    with pytest.raises(errors.InputUnreadable):
        load_frame(Path("a\0b.jpg"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "page.jpg"
    picture().save(path)
    path.chmod(0)
    with pytest.raises(errors.InputUnreadable):
        load_frame(path)


def test_refused_by_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.jpg"
    picture().save(path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(errors.InputUnreadable, match="Permission denied"):
        load_frame(path)


def test_empty(tmp_path: Path) -> None:
    path = tmp_path / "page.jpg"
    path.touch()
    with pytest.raises(errors.ImageEmpty):
        load_frame(path)


@pytest.mark.parametrize("content", [b"Dear Sir,\n", b"\0" * 500, b"%PDF-1.4\n%%EOF"])
def test_not_an_image(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "page.jpg"
    path.write_bytes(content)
    with pytest.raises(errors.NotAnImage):
        load_frame(path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "bmp"])
def test_truncated(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / f"page.{suffix}"
    Image.fromarray(rng.integers(0, 255, (200, 300, 3), np.uint8)).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises((errors.ImageDamaged, errors.NotAnImage)):
        load_frame(path)


def test_a_truncated_jpeg_is_named_damaged(tmp_path: Path) -> None:
    path = tmp_path / "page.jpg"
    picture(300, 200).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(errors.ImageDamaged):
        load_frame(path)


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises these dimensions and holds almost nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("size", [(20_000, 10_000), (60_000, 60_000), (10_000, 5_001)])
def test_bombs_are_refused_from_the_header(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(*size))
    with pytest.raises(errors.ImageTooLarge) as caught:
        load_frame(path)
    assert caught.value.details["limit"] == MAX_MEGAPIXELS


def test_at_the_limit_the_size_is_no_reason(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(png_header(10_000, 5_000))
    with pytest.raises(errors.ImageDamaged):
        load_frame(path)


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (400, 15)])
def test_too_small(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "dot.png"
    Image.new("RGB", size).save(path)
    with pytest.raises(errors.ImageTooSmall):
        load_frame(path)
