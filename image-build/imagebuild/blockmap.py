"""The block map: which blocks of the image hold something, and their digests.

``bmaptool copy`` writes only those: a tenth of the card, and it notices a wrong byte. Format 2.0 of
bmap-tools (https://docs.yoctoproject.org/dev-manual/bmaptool.html).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

BLOCK = 4096
_EMPTY = bytes(BLOCK)
_READ = 1 << 20


def mapped_ranges(image: Path) -> list[tuple[int, int]]:
    """Return first and last block of each run of blocks that are not all zero."""
    ranges: list[tuple[int, int]] = []
    block = 0
    with image.open("rb") as stream:
        while chunk := stream.read(_READ):
            if chunk.count(0) == len(chunk):
                block += len(chunk) // BLOCK
                continue
            for place in range(0, len(chunk), BLOCK):
                if chunk[place : place + BLOCK] != _EMPTY:
                    if ranges and ranges[-1][1] == block - 1:
                        ranges[-1] = (ranges[-1][0], block)
                    else:
                        ranges.append((block, block))
                block += 1
    return ranges


def block_map(image: Path) -> str:
    """Return the block map of an image as XML."""
    size = image.stat().st_size
    ranges = mapped_ranges(image)
    mapped = sum(last - first + 1 for first, last in ranges)
    lines = []
    with image.open("rb") as stream:
        for first, last in ranges:
            digest = _digest(stream, first * BLOCK, (last - first + 1) * BLOCK)
            text = f"{first}-{last}" if last > first else f"{first}"
            lines.append(f'    <Range chksum="{digest}">{text}</Range>')
    template = (
        '<?xml version="1.0" ?>\n<bmap version="2.0">\n'
        f"  <ImageSize>{size}</ImageSize>\n  <BlockSize>{BLOCK}</BlockSize>\n"
        f"  <BlocksCount>{size // BLOCK}</BlocksCount>\n"
        f"  <MappedBlocksCount>{mapped}</MappedBlocksCount>\n"
        "  <ChecksumType>sha256</ChecksumType>\n"
        "  <BmapFileChecksum>{checksum}</BmapFileChecksum>\n"
        "  <BlockMap>\n" + "\n".join(lines) + "\n  </BlockMap>\n</bmap>\n"
    )
    # The file's own digest is taken with zeros in its place.
    own = hashlib.sha256(template.replace("{checksum}", "0" * 64).encode()).hexdigest()
    return template.replace("{checksum}", own)


def _digest(stream: BinaryIO, start: int, length: int) -> str:
    digest = hashlib.sha256()
    stream.seek(start)
    while length > 0 and (chunk := stream.read(min(length, _READ))):
        digest.update(chunk)
        length -= len(chunk)
    return digest.hexdigest()
