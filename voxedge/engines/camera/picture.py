"""One picture as the camera gave it: decoded only as far as somebody looks at it.

A USB camera sends JPEG. For guidance it is decoded at 1/2, 1/4 or 1/8 of its size, in grey,
straight from the cosine coefficients, at a fraction of the cost; of a burst only the best is
decoded whole.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from voxedge.flow import Pixels

_REDUCTIONS = (8, 4, 2)
_END_OF_IMAGE = b"\xff\xd9"
_START_OF_IMAGE = b"\xff\xd8"
_FINGERPRINT_ROWS = 64


class BadPicture(Exception):
    """What the camera sent does not decode: counts as no picture."""


class Picture(Protocol):
    """One picture. Made and decoded on any thread; never changed."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width, turned."""
        ...

    @property
    def fingerprint(self) -> int:
        """Equal for two pictures that are equal to the last bit: a live sensor never gives two."""
        ...

    def small(self, long_side_px: int) -> Pixels:
        """Return it in grey, its long side about ``long_side_px``; ``uint8`` ``[h, w]``.

        Raises:
            BadPicture: it does not decode.
        """
        ...

    def full(self) -> Pixels:
        """Return all of it, ``uint8`` ``[h, w]`` grey or ``[h, w, 3]`` RGB.

        Raises:
            BadPicture: it does not decode.
        """
        ...


@dataclass(frozen=True, slots=True)
class JpegPicture:
    """A picture of a camera that sends Motion JPEG.

    Attributes:
        data: one JPEG file.
        size_px: height and width, turned.
        quarter_turns: clockwise, to bring it upright for whoever sits at the table.
    """

    data: bytes
    size_px: tuple[int, int]
    quarter_turns: int = 0

    @property
    def fingerprint(self) -> int:
        """See ``Picture``."""
        return zlib.crc32(self.data)

    def small(self, long_side_px: int) -> Pixels:
        """See ``Picture``."""
        import cv2

        longest = max(self.size_px)
        times = next((n for n in _REDUCTIONS if longest >= n * long_side_px), 1)
        flags = {
            8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
            4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
            2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
            1: cv2.IMREAD_GRAYSCALE,
        }
        grey = _decoded(self.data, flags[times] | cv2.IMREAD_IGNORE_ORIENTATION)
        return _turned(_shrunk(grey, long_side_px), self.quarter_turns)

    def full(self) -> Pixels:
        """See ``Picture``."""
        import cv2

        picture = _decoded(self.data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        return _turned(picture[..., ::-1], self.quarter_turns)


@dataclass(frozen=True, slots=True)
class ArrayPicture:
    """A picture that came decoded.

    Attributes:
        pixels: ``uint8`` ``[h, w]`` grey or ``[h, w, 3]`` RGB, not yet turned.
        quarter_turns: clockwise.
        grey: a small grey copy that the camera made itself, not yet turned; None where it did not.
    """

    pixels: Pixels
    quarter_turns: int = 0
    grey: Pixels | None = None

    @property
    def size_px(self) -> tuple[int, int]:
        """See ``Picture``."""
        height, width = int(self.pixels.shape[0]), int(self.pixels.shape[1])
        return (width, height) if self.quarter_turns % 2 else (height, width)

    @property
    def fingerprint(self) -> int:
        """See ``Picture``."""
        step = max(1, self.pixels.shape[0] // _FINGERPRINT_ROWS)
        return zlib.crc32(np.ascontiguousarray(self.pixels[::step]).data)

    def small(self, long_side_px: int) -> Pixels:
        """See ``Picture``."""
        import cv2

        source = self.pixels if self.grey is None else self.grey
        # Made small first: converting 12 megapixels to grey takes longer than all the rest.
        small = _shrunk(source, long_side_px)
        if small.ndim == 3:
            small = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        return _turned(small, self.quarter_turns)

    def full(self) -> Pixels:
        """See ``Picture``."""
        return _turned(self.pixels, self.quarter_turns)


def jpeg_picture(data: bytes, quarter_turns: int = 0) -> JpegPicture:
    """Return a picture from the bytes of one frame.

    Raises:
        BadPicture: no JPEG, or cut off: half a frame is what a loose plug sends.
    """
    from PIL import Image

    if not data.startswith(_START_OF_IMAGE) or not data.rstrip(b"\x00").endswith(_END_OF_IMAGE):
        raise BadPicture("cut off")
    try:
        with Image.open(io.BytesIO(data)) as header:
            width, height = header.size
    except (OSError, SyntaxError, ValueError) as error:
        raise BadPicture("no JPEG") from error
    size = (width, height) if quarter_turns % 2 else (height, width)
    return JpegPicture(data, size, quarter_turns)


def _decoded(data: bytes, flags: int) -> Pixels:
    import cv2

    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise BadPicture("does not decode") from error
    if picture is None or not picture.size:
        raise BadPicture("does not decode")
    return picture.astype(np.uint8, copy=False)


def _shrunk(pixels: Pixels, long_side_px: int) -> Pixels:
    import cv2

    height, width = pixels.shape[:2]
    share = long_side_px / max(height, width)
    if share >= 1.0:
        return pixels
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _turned(pixels: Pixels, quarter_turns: int) -> Pixels:
    return np.ascontiguousarray(np.rot90(pixels, -quarter_turns))
