"""Pictures from disk, at the edge: every way a file can be wrong has its own error."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from voxedge.errors import (
    ImageDamaged,
    ImageEmpty,
    ImageTooLarge,
    ImageTooSmall,
    InputIsDirectory,
    InputMissing,
    InputUnreadable,
    NotAnImage,
)
from voxedge.flow import Frame

FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "PPM")
"""What is opened. JPEG includes MPO, which some phones write under the name .jpg."""
MAX_MEGAPIXELS = 50
"""The largest phone sensors in common use; grey, it is 50 MB, and a Pi has 4 GB."""
MIN_SIDE_PX = 16
"""Lower than one line of the smallest readable print."""

_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I;16N", "I")


def load_frame(path: Path) -> Frame:
    """Load one picture, upright by its EXIF orientation.

    A TIFF of several pages or an animation gives its first page. Transparent pixels are white
    paper. The size is checked from the header, before anything is decoded.

    Args:
        path: JPEG, PNG, TIFF, WebP, BMP or PNM, whatever its name ends in.

    Returns:
        A frame of ``uint8`` pixels, grey for grey pictures and RGB for all others.

    Raises:
        InputMissing: no such file.
        InputIsDirectory: a folder.
        InputUnreadable: the operating system refuses.
        ImageEmpty: 0 bytes.
        NotAnImage: no known picture format.
        ImageTooLarge: over ``MAX_MEGAPIXELS``.
        ImageTooSmall: a side under ``MIN_SIDE_PX``.
        ImageDamaged: truncated or corrupt data.
    """
    _check_file(path)
    try:
        # Pillow's own bomb check would warn or raise before ours can name the size.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            # Naming formats before all plug-ins are known is a KeyError inside Pillow.
            Image.init()
            picture = Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError:
        raise ImageTooLarge(path=path, megapixels="too many", limit=MAX_MEGAPIXELS) from None
    except UnidentifiedImageError:
        raise NotAnImage(path=path) from None
    except (OSError, ValueError, SyntaxError) as problem:
        raise ImageDamaged(path=path) from problem
    with picture:
        _check_size(path, *picture.size)
        try:
            upright = _decode(picture)
        except (OSError, ValueError, SyntaxError, EOFError, IndexError) as problem:
            # Pillow's decoders raise any of these on a file that breaks off.
            raise ImageDamaged(path=path) from problem
    return Frame(upright, source=str(path))


def jpeg_of(frame: Frame, quality: int = 80) -> bytes:
    """Return a picture as JPEG, in its own size: a page of 5 megapixels takes about 1 MB.

    Blocking, some 50 ms; any thread.
    """
    file = io.BytesIO()
    Image.fromarray(frame.pixels).save(file, "JPEG", quality=quality)
    return file.getvalue()


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise InputIsDirectory(path=path)
        if path.stat().st_size == 0:
            raise ImageEmpty(path=path)
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise InputMissing(path=path) from None
    except (OSError, ValueError) as problem:
        # ValueError: a NUL in the name.
        reason = getattr(problem, "strerror", None) or str(problem)
        raise InputUnreadable(path=path, reason=reason) from problem


def _check_size(path: Path, width: int, height: int) -> None:
    megapixels = width * height / 1e6
    if megapixels > MAX_MEGAPIXELS:
        raise ImageTooLarge(path=path, megapixels=round(megapixels), limit=MAX_MEGAPIXELS)
    if min(width, height) < MIN_SIDE_PX:
        raise ImageTooSmall(path=path, width=width, height=height)


def _decode(picture: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    picture.load()
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in _SIXTEEN_BIT:
        return _eight_bits(upright)
    if upright.mode == "F":
        upright = upright.convert("L")
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        paper = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(paper, upright)
    grey = upright.mode in ("1", "L", "LA")
    return np.asarray(upright.convert("L" if grey else "RGB"), dtype=np.uint8)


def _eight_bits(picture: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Scale 16-bit grey; Pillow's own conversion clips everything over 255 to white."""
    deep = np.asarray(picture).astype(np.float32)
    ceiling = 255.0 if deep.max(initial=0.0) <= 255.0 else 65535.0
    return np.asarray(np.clip(deep * (255.0 / ceiling), 0.0, 255.0), dtype=np.uint8)
